"""How well classifiers tell synthetic rows from real ones, beside real rows and independent columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ganaug.detection import detector_auc, logistic_auc
from ganaug.evaluation.matrices import Matrices, shuffle_columns
from ganaug.evaluation.quality_report import LOGISTIC, TREES

MAX_ROWS = 10_000
MAX_CELLS = 1_500_000
SLACK = 0.05  # what an AUC may lie above its floor in any case


def measure_detection(matrices: Matrices, rng: np.random.RandomState) -> pd.DataFrame:
    """Return a row for each detector, as `QualityReport.detection` describes it."""
    real, synthetic = matrices.tables["real"], matrices.tables["synthetic"]
    holdout = matrices.tables.get("holdout")
    half = len(real) // 2
    pairs = {"auc": (real, synthetic)}
    if holdout is not None:
        pairs["auc_holdout"] = (holdout, synthetic)
    pairs["floor"] = (real[:half], real[half:]) if holdout is None else (real, holdout)
    # Not a table's own values: a model that has seen those of the one can exclude them for the other.
    pairs["ceiling"] = (pairs["floor"][0], shuffle_columns(pairs["floor"][1], rng))
    max_rows = min(MAX_ROWS, max(1_000, MAX_CELLS // real.shape[1]))
    seed = int(rng.randint(2**31 - 1))

    def judge(auc: Callable[..., float]) -> dict[str, float]:
        options = {"categorical": matrices.is_category, "max_rows": max_rows, "random_state": seed}
        return {name: auc(*pair, **options) for name, pair in pairs.items()}

    frame = pd.DataFrame([judge(detector_auc), judge(logistic_auc)])
    frame.insert(0, "detector", [TREES, LOGISTIC])
    n_rows = min(max_rows, *(len(table) for pair in pairs.values() for table in pair))
    return frame.assign(limit=_limit(frame.iloc[0], n_rows))


def _limit(trees: pd.Series, n_rows: int) -> float:
    """Return the largest AUC that passes: of both detectors what the trees' floor and ceiling say.

    To a linear model independent columns are all right, hence its own ceiling is no measure.
    """
    floor, ceiling = np.nan_to_num(np.maximum([trees["floor"], trees["ceiling"]], 0.5), nan=0.5)
    noise = 4 * np.sqrt((2 * n_rows + 1) / 12) / max(n_rows, 1)  # four deviations of an AUC of equals
    return float(min(max((floor + ceiling) / 2, floor + max(SLACK, noise)), 1.0))
