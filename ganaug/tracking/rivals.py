"""Plain detectors from scikit-learn, which a new one should beat."""

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors


def rival_scores(normal: pd.DataFrame, test: pd.DataFrame, random_state: int | None) -> dict[str, np.ndarray]:
    """Return the scores (higher = more normal) of an isolation forest and of the fifth neighbor, on one-hot data."""
    learned, asked = _one_hot(normal, test)
    forest = IsolationForest(random_state=random_state).fit(learned)
    neighbors = NearestNeighbors(n_neighbors=min(5, len(learned))).fit(learned)
    return {"IsolationForest": forest.score_samples(asked), "KNN": -neighbors.kneighbors(asked)[0][:, -1]}


def _one_hot(normal: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables as standardized numbers: dates as nanoseconds, categories one-hot, missing as the mean."""

    def numbers(table: pd.DataFrame) -> pd.DataFrame:
        plain = table.copy()
        for name in plain.select_dtypes(["datetime", "datetimetz", "timedelta"]):
            plain[name] = plain[name].astype("int64")
        return pd.get_dummies(plain, dtype=float).astype(float)

    learned = numbers(normal)
    mean, deviation = learned.mean(), learned.std(ddof=0).replace(0.0, 1.0)
    asked = numbers(test).reindex(columns=learned.columns, fill_value=0.0)
    return tuple(((table - mean) / deviation).fillna(0.0).to_numpy() for table in (learned, asked))
