"""Is a detector worth asking? Normal records against corrupted copies of them, none of which it has learned from."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from ganaug.exceptions import TrainingWarning

MOST_RECORDS = 500
_NOISE = 2.0
_WORTH = 0.55
"""Below this, the detector is said to be no better than chance."""


def corrupt(points: np.ndarray, donors: np.ndarray, spans: Sequence[slice], rng: np.random.Generator) -> np.ndarray:
    """Return copies of ``points`` with half of their columns spoilt.

    Every other record gets the columns of one record of ``donors``, which breaks what holds between columns; the rest
    get noise of two deviations, which leaves what is usual within them.
    """
    spoilt = points.copy()
    n_points = len(points)
    chosen = rng.random((n_points, len(spans))).argsort(axis=1) < max(1, len(spans) // 2)
    lent = donors[rng.integers(0, len(donors), n_points)]
    noisy = points + _NOISE * rng.standard_normal(points.shape)
    crossed = np.arange(n_points) % 2 == 0
    for place, span in enumerate(spans):
        rows = chosen[:, place]
        spoilt[rows, span] = np.where(crossed[rows, None], lent[rows, span], noisy[rows, span])
    return spoilt


def check_worth(
    points: np.ndarray, spans: Sequence[slice], seed: int, score: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> float:
    """Return the AUC of normal records against corrupted copies of them; warn where it is no better than chance.

    Parameters
    ----------
    points : ndarray of shape (n, d + 1)
    spans : sequence of slice
        The coordinates of each column.
    seed : int
    score : callable, (points, rows) -> scores
        Judges points that are (copies of) the training records ``rows`` as if it had never seen those.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(points))[:MOST_RECORDS])
    spoilt = corrupt(points[rows], points, spans, rng)
    return judge_worth(
        score(points[rows], rows), score(spoilt, rows), "records", ", or drop columns that are only noise"
    )


def judge_worth(normal: np.ndarray, spoilt: np.ndarray, what: str, advice: str = "") -> float:
    """Return the AUC of scores of what is normal against those of spoilt copies of it; warn where it is low."""
    scores, labels = np.concatenate([normal, spoilt]), np.repeat([1, 0], [len(normal), len(spoilt)])
    worth = float(roc_auc_score(labels, scores))
    if worth < _WORTH:
        warnings.warn(
            f"The detector ranks held-out normal {what} above corrupted copies of them in {worth:.0%} of cases "
            f"(50% = chance): its scores say little. Give it more normal {what} or more steps (max_steps){advice}.",
            TrainingWarning,
            stacklevel=3,
        )
    return worth
