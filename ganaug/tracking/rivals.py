"""Plain detectors from scikit-learn, which a new one should beat."""

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

_MAX_CATEGORIES = 200
"""One-hot columns per text column, as many as GANDetector tells apart by default; a column of names has no end."""


def rival_scores(normal: pd.DataFrame, test: pd.DataFrame, random_state: int | None) -> dict[str, np.ndarray]:
    """Return the scores (higher = more normal) of an isolation forest and of the fifth neighbor, on one-hot data."""
    learned, asked = _standardize(_as_numbers(normal, normal), _as_numbers(test, normal))
    forest = IsolationForest(random_state=random_state).fit(learned)
    neighbors = NearestNeighbors(n_neighbors=min(5, len(learned))).fit(learned)
    # The logarithm ranks as the distance does.
    return {"IsolationForest": forest.score_samples(asked), "KNN": -neighbors.kneighbors(asked)[0][:, -1]}


def _as_numbers(table: pd.DataFrame, normal: pd.DataFrame) -> pd.DataFrame:
    """Return dates as nanoseconds, categories one-hot; a category that ``normal`` doesn't have is none of them."""
    columns: list[np.ndarray] = []
    for name, values in table.items():
        if values.dtype.kind in "mM":  # dates and durations
            columns.append(values.astype("int64").to_numpy(dtype=float, copy=True))
            columns[-1][values.isna()] = np.nan  # as a number, a missing date is one of 1677
        elif pd.api.types.is_numeric_dtype(values):
            columns.append(values.to_numpy(dtype=float, na_value=np.nan))
        else:
            # Missing is none of the categories: a column for it would say again what theirs say together.
            texts, usual = values.astype(str).where(values.notna()), normal[name].dropna().astype(str).value_counts()
            columns += [(texts == category).to_numpy(dtype=float) for category in usual.index[:_MAX_CATEGORIES]]
    return pd.DataFrame(dict(enumerate(columns)))


def _standardize(learned: pd.DataFrame, asked: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return both with mean 0 and deviation 1 by what was learned; what is missing is the mean."""
    mean, deviation = learned.mean(), learned.std(ddof=0).replace(0.0, 1.0)
    return tuple(((table - mean) / deviation).fillna(0.0).to_numpy() for table in (learned, asked))
