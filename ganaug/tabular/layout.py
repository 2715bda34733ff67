"""How a table's columns lie side by side in the networks' tensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np


class LeveledColumn(Protocol):
    """What the networks need to know of a column."""

    @property
    def n_levels(self) -> int: ...
    @property
    def n_ordered(self) -> int: ...
    @property
    def is_binned(self) -> np.ndarray: ...
    @property
    def counts(self) -> np.ndarray: ...


@dataclass(frozen=True)
class TableLayout:
    """Spans of the levels of all columns, laid side by side.

    Attributes
    ----------
    sizes : tuple of int
        Levels per column.
    n_ordered : tuple of int
        Per column: leading levels of which neighbors are alike ("missing" is like no other).
    is_binned : ndarray of bool, (levels of all columns,)
        Levels that have positions.
    marginals : ndarray, (levels of all columns,)
        Share of each level in its column.
    """

    sizes: tuple[int, ...]
    n_ordered: tuple[int, ...]
    is_binned: np.ndarray
    marginals: np.ndarray

    @classmethod
    def of(cls, columns: Sequence[LeveledColumn]) -> "TableLayout":
        """Lay out ``columns`` in their order."""
        return cls(
            sizes=tuple(column.n_levels for column in columns),
            n_ordered=tuple(column.n_ordered for column in columns),
            is_binned=np.concatenate([column.is_binned for column in columns]),
            marginals=np.concatenate([column.counts / column.counts.sum() for column in columns]),
        )

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.sizes)

    @property
    def n_levels(self) -> int:
        """Levels of all columns together."""
        return sum(self.sizes)

    @cached_property
    def offsets(self) -> list[int]:
        """Where each column's levels begin."""
        return [0, *np.cumsum(self.sizes)[:-1].tolist()]

    def span(self, column: int) -> slice:
        """Return the place of ``column``'s levels."""
        start = self.offsets[column]
        return slice(start, start + self.sizes[column])
