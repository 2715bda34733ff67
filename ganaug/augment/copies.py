"""Which synthetic rows are near-copies of real ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from ganaug.tabular import TableEncoder
from ganaug.tabular.columns import CategoryColumn, IdentifierColumn

_APART = 2.0
"""Between two categories, or a number and a missing one: further apart than any two numbers."""


class CopyFinder:
    """Finds rows that lie no further than ``distance`` from one of ``rows``.

    The distance is the largest difference over columns: of ranks for numbers, from 0 to 1; more than 1 where
    categories differ, or one of two values is missing. Identifiers do not count.

    Parameters
    ----------
    rows : DataFrame or ndarray
        The real rows.
    distance : float
        0 finds exact copies.
    categorical_features : "from_dtype" or array-like
        As in `TableEncoder`.
    """

    def __init__(self, rows: Any, distance: float, categorical_features: str | Sequence[Any]) -> None:
        self.distance = distance
        self.encoder = TableEncoder(categorical_features=categorical_features).fit(rows)
        table = self.encoder.format_.check(self.encoder, rows, None)
        self.axes = {
            place: np.sort(axis[~np.isnan(axis)])
            for place, column in enumerate(self.encoder.columns_)
            if (axis := _number_axis(column, table.iloc[:, place])) is not None
        }
        self.tree = KDTree(self._place(table))

    def find(self, rows: Any) -> np.ndarray:
        """Return which of ``rows`` are near-copies, bool (n,)."""
        points = self._place(self.encoder.format_.check(self.encoder, rows, None))
        nearest, _ = self.tree.query(points, p=np.inf, distance_upper_bound=self.distance + 1e-9)
        return np.isfinite(nearest)

    def _place(self, table: pd.DataFrame) -> np.ndarray:
        """Return rows as points (n, columns): ranks for numbers, well apart for categories."""
        points = np.zeros(table.shape)
        for place, column in enumerate(self.encoder.columns_):
            if place in self.axes:
                points[:, place] = _rank(_number_axis(column, table.iloc[:, place]), self.axes[place])
            elif isinstance(column, CategoryColumn):
                points[:, place] = _APART * column.encode(table.iloc[:, place])[0]
        return points


def _number_axis(column: Any, values: pd.Series) -> np.ndarray | None:
    """Return the numbers of a column of numbers or times, NaN where missing; None for other columns."""
    if isinstance(column, CategoryColumn | IdentifierColumn):
        return None
    return np.asarray(column.form.to_axis(values), dtype=np.float64)


def _rank(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Return the share of ``ordered`` below each value, ties counted half."""
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    ranks = (below + up_to) / (2.0 * max(1, len(ordered)))
    return np.where(np.isnan(values), 1.0 + _APART, ranks)
