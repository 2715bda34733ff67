"""Records as points: what distances are measured in, and what noise is added to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganaug.tabular.columns import UNSEEN, CategoryColumn, NumberColumn

_CLIP = 20.0
"""Coordinates are cut at so many deviations: one wild value should not make all others alike."""
_STRANGE = 5.0
"""How far, in deviations, a value never seen lies from all others."""


class RecordSpace:
    """Turn the columns of a table into coordinates around 0.

    A number (or date) is one coordinate of deviation 1, plus a flag where values are missing; a category is a
    coordinate per level, 1 apart, so that records of different categories are as far from each other as numbers
    usually are.
    The last coordinate counts the values that were not there in training (categories, or a missing value in a column
    without): 0 for all training records.

    Parameters
    ----------
    columns : sequence of NumberColumn and CategoryColumn
        As a fitted ``TableEncoder`` holds them.
    """

    def __init__(self, columns: Sequence[NumberColumn | CategoryColumn]) -> None:
        self.columns = list(columns)

    def fit(self, table: pd.DataFrame) -> "RecordSpace":
        """Learn means and deviations."""
        self.fill = np.zeros(len(self.columns))
        for place, column in enumerate(self.columns):
            if isinstance(column, NumberColumn):
                axis = column.form.to_axis(table[column.name])
                present = axis[~np.isnan(axis)]
                self.fill[place] = present.mean() if len(present) else 0.0
        raw, _ = self._raw(table)
        self.center, self.scale = raw.mean(axis=0), raw.std(axis=0)
        self.scale[self.scale < 1e-12 * (1.0 + np.abs(self.center))] = 1.0
        cut = self._cut(raw)
        self.cut_center, self.cut_scale = cut.mean(axis=0), cut.std(axis=0)
        self.cut_scale[self.cut_scale < 1e-3] = 1.0
        for column, span in zip(self.columns, self.spans, strict=True):
            if isinstance(column, CategoryColumn):
                # Not by their deviation: a level of one record in 10,000 would lie 100 deviations from the others.
                self.center[span], self.scale[span] = raw[:, span].mean(axis=0), 1.0
                self.cut_center[span], self.cut_scale[span] = 0.0, 1.0
        return self

    @property
    def spans(self) -> list[slice]:
        """The coordinates of each column."""
        ends = np.cumsum([_width(column) for column in self.columns])
        return [slice(int(end) - _width(column), int(end)) for column, end in zip(self.columns, ends, strict=True)]

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a record, the count of strange values included."""
        return sum(_width(column) for column in self.columns) + 1

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Return coordinates (n, n_coordinates), float64."""
        raw, strange = self._raw(table)
        points = (self._cut(raw) - self.cut_center) / self.cut_scale
        return np.column_stack([points, _STRANGE * strange.sum(axis=1)])

    @property
    def strange(self) -> float:
        """What a value never seen adds to the last coordinate."""
        return _STRANGE

    def find_strange(self, table: pd.DataFrame) -> np.ndarray:
        """Return which values were never seen in training, (n, columns), bool."""
        return self._raw(table)[1]

    def to_axis(self, place: int, points: np.ndarray) -> np.ndarray:
        """Return the numbers (n,) of a number column that ``points`` stand for; NaN where they are missing."""
        column, spot = self.columns[place], self.spans[place].start
        cut = points[:, spot] * self.cut_scale[spot] + self.cut_center[spot]
        axis = cut * self.scale[spot] + self.center[spot]
        if column.has_missing:
            flag = points[:, spot + 1] * self.cut_scale[spot + 1] + self.cut_center[spot + 1]
            axis = np.where(flag * self.scale[spot + 1] + self.center[spot + 1] > 0.5, np.nan, axis)
        return axis

    def _cut(self, raw: np.ndarray) -> np.ndarray:
        return np.clip((raw - self.center) / self.scale, -_CLIP, _CLIP)

    def _raw(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return coordinates before scaling, and which values were never seen, (n, columns)."""
        raw = np.zeros((len(table), self.n_coordinates - 1))
        strange = np.zeros((len(table), len(self.columns)), dtype=bool)
        for place, (column, span) in enumerate(zip(self.columns, self.spans, strict=True)):
            if isinstance(column, NumberColumn):
                axis = column.form.to_axis(table[column.name])
                missing = np.isnan(axis)
                raw[:, span.start] = np.where(missing, self.fill[place], axis)
                if column.has_missing:
                    raw[:, span.start + 1] = missing
                else:
                    strange[:, place] = missing
                continue
            levels, _ = column.encode(table[column.name])
            seen = np.flatnonzero(levels != UNSEEN)
            raw[seen, span.start + levels[seen]] = 1.0
            strange[:, place] = levels == UNSEEN
        return raw, strange

    def to_state(self) -> dict[str, Any]:
        """Return the arrays that ``fit`` learned."""
        return {name: value for name, value in vars(self).items() if name != "columns"}

    @classmethod
    def from_state(cls, columns: Sequence[NumberColumn | CategoryColumn], state: dict[str, Any]) -> "RecordSpace":
        """Undo ``to_state``."""
        space = cls(columns)
        vars(space).update(state)
        return space


def _width(column: NumberColumn | CategoryColumn) -> int:
    return column.n_levels if isinstance(column, CategoryColumn) else 1 + int(column.has_missing)
