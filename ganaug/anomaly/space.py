"""Records as points: what distances are measured in, and what noise is added to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganaug.tabular.columns import UNSEEN, CategoryColumn, NumberColumn
from ganaug.tabular.times import TICKS_PER_SECOND

_CLIP = 20.0
"""Coordinates are cut at so many deviations: one wild value should not make all others alike."""
_BULK, _BULK_WIDTH, _WILD = (0.01, 0.99), 4.65, 10.0
"""Quantiles around the bulk of a column, how many deviations of a normal law they are apart, and the factor."""
_STRANGE = 5.0
"""How far, in deviations, a value never seen lies from all others."""
_CHUNK = 4096
"""Records turned into points at a time."""
_DAY, _WEEK = 86_400, 7 * 86_400
_LEAST_WEEKS = 2


class RecordSpace:
    """Turn the columns of a table into coordinates around 0.

    A number is one coordinate of deviation 1, plus a flag where values are missing. A point in time has a position,
    and where it is known to the hour, places on the circles of the day and the week. A category is a coordinate per
    level, 1 apart, so that records of different categories are as far from each other as numbers usually are. The
    last coordinate counts the values that were not there in training (categories, or a missing value in a column
    without): 0 for all training records.

    Parameters
    ----------
    columns : sequence of NumberColumn and CategoryColumn
        As a fitted ``TableEncoder`` holds them.

    Attributes
    ----------
    spans : list of slice
        The coordinates of each column.
    fill : ndarray
        Per column, what stands for a missing number: the mean.
    latest, length : ndarray
        Per column of times, the last one in training and the stretch that they cover, on the column's axis.
    """

    def __init__(self, columns: Sequence[NumberColumn | CategoryColumn]) -> None:
        self.columns = list(columns)

    def fit(self, table: pd.DataFrame) -> "RecordSpace":
        """Learn means and deviations."""
        self.fill, self.latest, self.length = np.zeros((3, len(self.columns)))
        for place, column in enumerate(self.columns):
            if isinstance(column, NumberColumn):
                axis = column.form.to_axis(table[column.name])
                present = axis[~np.isnan(axis)]
                if len(present):
                    self.fill[place], self.latest[place] = present.mean(), present.max()
                    self.length[place] = present.max() - present.min()
        self._lay_out()
        raw = self._lay(self._encode(table)[0], np.empty((len(table), self.spans[-1].stop)))
        self.center, self.scale = raw.mean(axis=0), raw.std(axis=0)
        # One wild value must not make all others alike: the deviation is at most ten times that of the bulk.
        low, high = np.quantile(raw, _BULK, axis=0)
        bulk = _WILD * (high - low) / _BULK_WIDTH
        wild = (self.scale > bulk) & (bulk > 0)
        self.center[wild], self.scale[wild] = np.median(raw[:, wild], axis=0), bulk[wild]
        self.scale[self.scale < 1e-12 * (1.0 + np.abs(self.center))] = 1.0
        cut = self._cut(raw.copy())
        self.cut_center, self.cut_scale = cut.mean(axis=0), cut.std(axis=0)
        self.cut_scale[self.cut_scale < 1e-3] = 1.0
        for column, span in zip(self.columns, self.spans, strict=True):
            if isinstance(column, CategoryColumn):
                # Not by their deviation: a level of one record in 10,000 would lie 100 deviations from the others.
                self.center[span], self.scale[span] = raw[:, span].mean(axis=0), 1.0
                self.cut_center[span], self.cut_scale[span] = 0.0, 1.0
        return self

    @property
    def strange(self) -> float:
        """What a value never seen adds to the last coordinate."""
        return _STRANGE

    def transform(self, table: pd.DataFrame, left_out: bool = False) -> np.ndarray:
        """Return coordinates (n, d + 1), float64.

        With ``left_out``, training records are placed as if each had not been there: a category that one record alone
        has would then have been strange.
        """
        values, strange = self._encode(table, left_out)
        points = np.empty((len(table), self.spans[-1].stop + 1))
        for first in range(0, len(table), _CHUNK):  # what fits into the processor's cache is done in half the time
            rows = slice(first, first + _CHUNK)
            some = self._lay([part[rows] for part in values], points[rows, :-1])
            self._cut(some)
            some -= self.cut_center
            some /= self.cut_scale
        points[:, -1] = _STRANGE * strange.sum(axis=1)
        return points

    def find_strange(self, table: pd.DataFrame) -> np.ndarray:
        """Return which values were never seen in training, (n, columns), bool."""
        return self._encode(table)[1]

    def periods(self, place: int) -> list[int]:
        """Return the lengths in seconds of the circles that a column's times lie on."""
        column = self.columns[place]
        if not isinstance(column, NumberColumn) or not column.form.is_time or column.form.kind == "timedelta":
            return []
        second = TICKS_PER_SECOND[column.form.unit]
        if column.form.step >= _DAY * second:
            return []
        weeks = self.length[place] * column.form.step / second / _WEEK
        return [_DAY, _WEEK] if weeks >= _LEAST_WEEKS else [_DAY]

    def to_axis(self, place: int, points: np.ndarray) -> np.ndarray:
        """Return the numbers (n,) of a number column that ``points`` stand for; NaN where they are missing."""
        span = self.spans[place]
        raw = (points[:, span] * self.cut_scale[span] + self.cut_center[span]) * self.scale[span] + self.center[span]
        if self.columns[place].has_missing:
            return np.where(raw[:, -1] > 0.5, np.nan, raw[:, 0])
        return raw[:, 0]

    def _cut(self, raw: np.ndarray) -> np.ndarray:
        """Scale and cut ``raw`` in its place, and return it."""
        raw -= self.center
        raw /= self.scale
        return np.clip(raw, -_CLIP, _CLIP, out=raw)

    def _lay_out(self) -> None:
        ends = np.cumsum([self._width(place) for place in range(len(self.columns))]).tolist()
        self.spans = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def _width(self, place: int) -> int:
        column = self.columns[place]
        if isinstance(column, CategoryColumn):
            return column.n_levels
        return 1 + 2 * len(self.periods(place)) + int(column.has_missing)

    def _encode(self, table: pd.DataFrame, left_out: bool = False) -> tuple[list[np.ndarray], np.ndarray]:
        """Return coordinates (n, width) or level codes (n,) of each column, and what was never seen, (n, columns)."""
        values: list[np.ndarray] = []
        strange = np.zeros((len(table), len(self.columns)), dtype=bool)
        for place, column in enumerate(self.columns):
            if isinstance(column, CategoryColumn):
                levels, _ = column.encode(table[column.name])
                if left_out:
                    levels[(levels >= 0) & (column.counts[levels] == 1)] = UNSEEN
                strange[:, place] = levels == UNSEEN
                values.append(levels)
                continue
            axis = column.form.to_axis(table[column.name])
            missing = np.isnan(axis)
            if missing.any():
                axis[missing] = self.fill[place]
                strange[:, place] = missing & (not column.has_missing)
            values.append(self._place_numbers(place, axis, missing))
        return values, strange

    def _lay(self, values: list[np.ndarray], raw: np.ndarray) -> np.ndarray:
        """Put the coordinates of all columns side by side into ``raw`` (n, d), before they are scaled; return it."""
        for column, span, part in zip(self.columns, self.spans, values, strict=True):
            if isinstance(column, CategoryColumn):
                seen = np.flatnonzero(part != UNSEEN)
                raw[:, span] = 0.0
                raw[seen, span.start + part[seen]] = 1.0
            else:
                raw[:, span] = part
        return raw

    def _place_numbers(self, place: int, axis: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Return the coordinates (n, width) of one column of numbers or times."""
        column = self.columns[place]
        assert isinstance(column, NumberColumn)
        if not column.form.is_time and not column.has_missing:
            return axis[:, None]
        parts = [axis]
        for period in self.periods(place):
            # Whole ticks: float64 does not tell nanoseconds since 1970 apart, the remainder does.
            ticks = period * TICKS_PER_SECOND[column.form.unit]
            turn = 2.0 * np.pi * np.mod(axis * column.form.step + column.form.offset % ticks, ticks) / ticks
            parts += [np.where(missing, 0.0, np.cos(turn)), np.where(missing, 0.0, np.sin(turn))]
        if column.form.is_time and column.form.kind not in ("time", "timedelta"):
            # Time goes on: what comes after the training is placed at its end, unless it is far in the future.
            soon = axis <= self.latest[place] + self.length[place]
            parts[0] = np.where(soon, np.minimum(axis, self.latest[place]), axis)
        if column.has_missing:
            parts.append(missing.astype(np.float64))
        return np.stack(parts, axis=1)

    def to_state(self) -> dict[str, Any]:
        """Return the arrays that ``fit`` learned."""
        return {name: value for name, value in vars(self).items() if name not in ("columns", "spans")}

    @classmethod
    def from_state(cls, columns: Sequence[NumberColumn | CategoryColumn], state: dict[str, Any]) -> "RecordSpace":
        """Undo ``to_state``."""
        space = cls(columns)
        vars(space).update(state)
        space._lay_out()
        return space
