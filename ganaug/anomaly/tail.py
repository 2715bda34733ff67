"""How far out a record lies in the tails of its single columns."""

from typing import Any

import numpy as np

_N_KNOTS = 256
_OUTERMOST = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
"""Ranks from either end that are knots of their own: tails are what this is about."""


class Tails:
    """Empirical tails of single coordinates, as in ECOD (Li et al. 2022, arXiv 2201.00382), but only their excess.

    Most records are a little extreme somewhere, and which of them is a little more so says nothing: only what is
    beyond the usual counts.

    Attributes
    ----------
    knots : list of ndarray
        Per coordinate, ascending values; at most some 270, never the whole column of a large table.
    below, above : list of ndarray
        Shares of the training records at or below, and at or above, each knot.
    """

    def __init__(self) -> None:
        self.knots: list[np.ndarray] = []
        self.below: list[np.ndarray] = []
        self.above: list[np.ndarray] = []

    def fit(self, points: np.ndarray) -> "Tails":
        """Learn the tails of the columns of ``points`` (n, d)."""
        n_points = len(points)
        inner = np.linspace(0, n_points - 1, _N_KNOTS)
        ranks = np.unique(np.concatenate([_OUTERMOST, n_points - 1 - _OUTERMOST, inner]))
        ranks = ranks[(ranks >= 0) & (ranks < n_points)].astype(np.int64)
        for column in points.T:
            ordered = np.sort(column)
            knots = np.unique(ordered[ranks])
            self.knots.append(knots)
            self.below.append((np.searchsorted(ordered, knots, side="right") + 0.5) / (n_points + 1))
            self.above.append((n_points - np.searchsorted(ordered, knots, side="left") + 0.5) / (n_points + 1))
        self.floor = 0.5 / (n_points + 1)
        raw = self.surprise(points).mean(axis=1)
        self.mean, self.scale = float(raw.mean()), float(raw.std()) + 1e-9
        return self

    def surprise(self, points: np.ndarray) -> np.ndarray:
        """Return -log of the smaller tail of each coordinate, (n, d)."""
        surprise = np.empty_like(points)
        for place, (knots, below, above) in enumerate(zip(self.knots, self.below, self.above, strict=True)):
            values = points[:, place]
            left = np.searchsorted(knots, values, side="right") - 1
            right = np.searchsorted(knots, values, side="left")
            lower = np.where(left >= 0, below[np.maximum(left, 0)], self.floor)
            upper = np.where(right < len(knots), above[np.minimum(right, len(knots) - 1)], self.floor)
            surprise[:, place] = -np.log(np.minimum(np.minimum(lower, upper), 1.0))
        return surprise

    def excess(self, points: np.ndarray) -> np.ndarray:
        """Return by how many deviations the mean surprise exceeds the usual by more than one, (n,); 0 for most."""
        return np.maximum((self.surprise(points).mean(axis=1) - self.mean) / self.scale - 1.0, 0.0)

    def to_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Tails":
        """Undo ``to_state``."""
        tails = cls()
        vars(tails).update(state)
        return tails
