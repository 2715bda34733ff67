"""The figures of `privacy`, each with its reference, limit and interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ganaug.evaluation.nearest import TOLERANCE, Neighbors, Rows, nearest

NEIGHBORS = 5
DEVIATIONS = 3  # what chance may do: one figure in some 700 goes further by chance alone
DRAWS = 200
MIN_ROWS = 10
TYPICAL = 0.2  # rows may be more typical than real ones, hence nearer to some row


@dataclass(frozen=True)
class Figure:
    """A row of `PrivacyReport.figures`."""

    name: str
    label: str
    figure: float
    reference: float
    limit: float
    low: float
    high: float
    safer: str

    def row(self) -> dict[str, Any]:
        """Return the figure as a row of the table."""
        is_worse = self.figure < self.limit if self.safer == "higher" else self.figure > self.limit
        return asdict(self) | {"passed": not is_worse}  # NaN is not worse


def compare_shares(name: str, label: str, is_hit: np.ndarray, is_hit_holdout: np.ndarray) -> Figure:
    """Return the share of synthetic rows that are hits, in %, beside that of holdout rows; lower is safer."""
    n_rows, n_holdout = len(is_hit), len(is_hit_holdout)
    if not n_rows or not n_holdout:
        return Figure(name, label, np.nan, np.nan, np.nan, np.nan, np.nan, "lower")
    share, reference = float(is_hit.mean()), float(is_hit_holdout.mean())
    expected = (reference * n_holdout + 1) / (n_holdout + 2)  # none in few rows does not mean never
    reach = DEVIATIONS * np.sqrt(expected * (1 - expected) * (1 / n_rows + 1 / n_holdout))
    low, high = _share_interval(share, n_rows)
    return Figure(name, label, 100 * share, 100 * reference, 100 * float(reference + reach), low, high, "lower")


def _share_interval(share: float, n_rows: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval, in %."""
    square = 1.96**2 / n_rows
    middle = (share + square / 2) / (1 + square)
    reach = 1.96 * np.sqrt(share * (1 - share) / n_rows + square / (4 * n_rows)) / (1 + square)
    return 100 * max(float(middle - reach), 0.0), 100 * min(float(middle + reach), 1.0)


def nearest_share(to_train: Neighbors, to_holdout: Neighbors, n_train: int, n_holdout: int) -> Figure:
    """Return the share of synthetic rows nearer to a training row than to a holdout row, in % at equal odds.

    Training and holdout rows are alike to who learned from neither: whose the nearest row is then
    follows the sizes of the sets, and among rows that are as near, their numbers. How far chance
    moves the share depends on how many queries have the same nearest row.
    """
    train, holdout = to_train.distances[:, 0], to_holdout.distances[:, 0]
    of_train = np.where(train <= holdout + TOLERANCE, to_train.ties, 0)
    of_holdout = np.where(holdout <= train + TOLERANCE, to_holdout.ties, 0)
    share = float(np.mean(of_train / (of_train + of_holdout)))
    place = np.where(of_train > 0, to_train.place, n_train + to_holdout.place)
    _, group, queries = np.unique(place, return_inverse=True, return_counts=True)
    ties = np.bincount(group, weights=of_train + of_holdout) / queries
    expected = n_train / (n_train + n_holdout)
    deviation = float(np.sqrt(expected * (1 - expected) * (queries**2 / ties).sum())) / len(train)

    def at_equal_odds(value: float) -> float:
        value = min(max(value, 0.0), 1.0)
        return 100 * value * n_holdout / (value * n_holdout + (1 - value) * n_train)

    return Figure(
        "nearest_share",
        "rows nearer to a training row than to a holdout row, %",
        at_equal_odds(share),
        50.0,
        at_equal_odds(expected + DEVIATIONS * deviation + TOLERANCE),
        at_equal_odds(share - 1.96 * deviation),
        at_equal_odds(share + 1.96 * deviation),
        "50",
    )


def distance_figures(found: np.ndarray, of_holdout: np.ndarray, rng: np.random.RandomState) -> list[Figure]:
    """Return the distance to the closest training row, and its ratio to the fifth-closest one."""
    closest = _beside_holdout(
        "closest_distance",
        "distance to the closest training row, median",
        (found[:, :1], of_holdout[:, :1]),
        np.median,
        rng,
    )
    ratios = tuple(_ratios(distances) for distances in (found, of_holdout))
    label = f"closest / {NEIGHBORS}th-closest training row, mean ratio"
    return [closest, _beside_holdout("distance_ratio", label, ratios, np.mean, rng)]


def _ratios(found: np.ndarray) -> np.ndarray:
    """Return 1 where rows enough are the same: none of them stands out."""
    closest, farthest = found[:, :1], found[:, -1:]
    return np.where(farthest > TOLERANCE, closest / np.maximum(farthest, TOLERANCE), 1.0)


def _beside_holdout(
    name: str, label: str, values: tuple[np.ndarray, ...], summarize: Any, rng: np.random.RandomState
) -> Figure:
    figure, reference = (float(summarize(side)) for side in values)
    if min(map(len, values)) < MIN_ROWS:  # draws of few rows know nothing of how far others lie
        return Figure(name, label, figure, reference, 0.0, np.nan, np.nan, "higher")
    spreads = [
        float(np.std(summarize(side[rng.randint(len(side), size=(DRAWS, len(side))), 0], axis=1))) for side in values
    ]
    limit = max((1 - TYPICAL) * reference - DEVIATIONS * float(np.hypot(spreads[0], spreads[1])), 0.0)
    reach = 1.96 * spreads[0]
    return Figure(name, label, figure, reference, limit, max(figure - reach, 0.0), figure + reach, "higher")


def membership(train: Rows, holdout: Rows, synthetic: Rows, rng: np.random.RandomState) -> Figure:
    """Return how well training rows are told from holdout rows by how near the synthetic rows are, AUC in %.

    There are several attacks. Which one is best is found on one half of the rows, and measured
    on the other half.
    """
    scores = [_attacks(nearest(rows, synthetic, NEIGHBORS).distances) for rows in (train, holdout)]
    halves = [np.array_split(rng.permutation(len(rows)), 2) for rows in (train, holdout)]
    aucs = []
    for tuned, judged in ((0, 1), (1, 0)):
        tried = [
            _auc(*(side[half[tuned], attack] for side, half in zip(scores, halves, strict=True))) for attack in range(3)
        ]
        best = int(np.argmax(tried))
        aucs.append(_auc(*(side[half[judged], best] for side, half in zip(scores, halves, strict=True))))
    auc = float(np.mean(aucs))
    n_train, n_holdout = len(train), len(holdout)
    by_chance = float(np.sqrt((n_train + n_holdout + 1) / (12 * n_train * n_holdout)))
    reach = 1.96 * max(by_chance, float(np.sqrt(auc * (1 - auc) / min(n_train, n_holdout))))
    return Figure(
        "membership",
        "training rows told from holdout rows by an attacker, AUC in %",
        100 * auc,
        50.0,
        100 * (0.5 + DEVIATIONS * by_chance),
        100 * max(auc - reach, 0.0),
        100 * min(auc + reach, 1.0),
        "50",
    )


def _attacks(found: np.ndarray) -> np.ndarray:
    """Return scores, higher = "was learned from": the nearest row, five rows, and the nearest among them."""
    return -np.column_stack([found[:, 0], found.mean(axis=1), _ratios(found)[:, 0]])


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the AUC, ties counting half."""
    if not len(positive) or not len(negative):
        return 0.5
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    return float((ranks.mean() - (len(positive) + 1) / 2) / len(negative))
