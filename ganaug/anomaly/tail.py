"""How far out a record lies in the tails of its single columns."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

_N_CELLS = 500
"""Cells per coordinate. A table of counts is five times as fast as searching, and the bulk need not be told apart."""
_N_WORST = 3
_FROM = (0.0, 1.0)


class Tails:
    """Empirical tails of single columns, as in ECOD (Li et al. 2022, arXiv 2201.00382), but only their excess.

    A column's surprise is -log of the share of training records that lie at least as far out on its side, or have its
    category; of a column's coordinates, the rarest counts. Most records are a little extreme somewhere, and which of
    them is a little more so says nothing: only what exceeds the usual counts.

    Attributes
    ----------
    starts : ndarray of shape (n_columns,)
        The first coordinate of each column.
    low, high : ndarray of shape (d,)
        The smallest and largest training value of each coordinate.
    counts : ndarray of shape (d, n_cells + 2)
        Training records at least as far out as each cell, on the nearer side; the outer cells are those of values
        beyond all of them.
    """

    def fit(self, points: np.ndarray, spans: Sequence[slice]) -> "Tails":
        """Learn the tails of the columns of ``points`` (n, d + 1), whose coordinates ``spans`` says."""
        self.n_points, n_coordinates = points.shape
        # The last coordinate, the count of strange values, is a column of its own.
        self.starts = np.array([*(span.start for span in spans), n_coordinates - 1])
        self.low, self.high = points.min(axis=0), points.max(axis=0)
        self.counts = np.zeros((n_coordinates, _N_CELLS + 2), dtype=np.int32)
        cells = self._cells(points)
        for place, inner in enumerate(cells.T):
            histogram = np.bincount(inner, minlength=_N_CELLS + 2)
            above = self.n_points - np.concatenate([[0], np.cumsum(histogram)[:-1]])
            self.counts[place] = np.minimum(np.cumsum(histogram), above)
        surprises = self.surprises(points, np.ones(len(points), dtype=bool))
        self.means, self.scales = surprises.mean(axis=0), surprises.std(axis=0) + 1e-9
        return self

    def surprises(self, points: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return the mean of the three largest surprises of each record, and of all of them, (n, 2).

        ``known`` (n,), bool: training records, which are not counted among those that are as far out as themselves.
        """
        counts = self.counts.ravel()[self._cells(points) + np.arange(points.shape[1]) * (_N_CELLS + 2)]
        if len(self.starts) < points.shape[1]:
            counts = np.minimum.reduceat(counts, self.starts, axis=1)
        n_worst = min(_N_WORST, len(self.starts))
        others = self.n_points - known
        worst = np.partition(counts, n_worst - 1, axis=1)[:, :n_worst] - known[:, None]
        of_worst = -np.log((worst.clip(min=0) + 0.5) / (others[:, None] + 1.0)).mean(axis=1)
        of_all = self.logs[counts].mean(axis=1)
        return np.stack([of_worst, of_all], axis=1)

    @cached_property
    def logs(self) -> np.ndarray:
        """Surprise by count: looking it up is faster than taking logarithms."""
        logs: np.ndarray = -np.log((np.arange(self.n_points + 1) + 0.5) / (self.n_points + 1.0))
        return logs

    def excess(self, points: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return by how many deviations the surprises exceed the usual ones, (n,); 0 where they do not.

        The worst three count from their mean on, all of them from one deviation above it, half each: a single wild
        value shows in the first, a little too much everywhere in the second.
        """
        beyond = (self.surprises(points, known) - self.means) / self.scales - _FROM
        excess: np.ndarray = np.maximum(beyond, 0.0).mean(axis=1)
        return excess

    def _cells(self, points: np.ndarray) -> np.ndarray:
        """Return the cell of each coordinate, (n, d): 1 to n_cells, or 0 and n_cells + 1 beyond the training."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        cells = points - self.low
        cells *= (1.0 - 1e-12) * _N_CELLS / width
        cells += 1.0
        np.clip(cells, 0.0, _N_CELLS + 1.0, out=cells)
        return cells.astype(np.int32)

    def to_state(self) -> dict[str, Any]:
        """Return plain values and arrays."""
        return {name: value for name, value in vars(self).items() if name != "logs"}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Tails":
        """Undo ``to_state``."""
        tails = cls()
        vars(tails).update(state)
        return tails
