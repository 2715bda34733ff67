"""Columns of numbers, dates and times."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import ConditionError
from ganaug.tabular.columns.choices import UNSEEN, Choices, UniformNoise
from ganaug.tabular.columns.quantiles import EDGE, cut, quantile_function
from ganaug.tabular.forms import NumberForm

DISCRETE_RANGE = (20, 130)
"""A number column with few distinct values keeps each as a level: a tenth of the rows, within these limits."""


@dataclass
class NumberColumn:
    """Numbers (and dates and times, by their form): frequent values as levels of their own, the rest in bins.

    Attributes
    ----------
    name : the column's name
    form : NumberForm
    atom_values, atom_levels : ndarray
        Numbers that are levels themselves, ascending, and their codes.
    knot_places, knot_values : ndarray
        The quantile function of the bins: place = code + position, ascending, and the number there. Flat where
        a number repeats. At most 33 quantiles per bin (ten more
        in either of the outermost bins), or its distinct values where they are fewer.
    counts : ndarray of int
        Rows per level, "missing" included.
    has_missing : bool
    """

    name: Any
    form: NumberForm
    atom_values: np.ndarray
    atom_levels: np.ndarray
    knot_places: np.ndarray
    knot_values: np.ndarray
    counts: np.ndarray
    has_missing: bool = False

    kind = "number"

    @classmethod
    def learn(cls, column: pd.Series, form: NumberForm, max_bins: int) -> "NumberColumn":
        """Learn atoms, bins and quantiles of ``column``."""
        axis = form.to_axis(column)
        present = np.sort(axis[~np.isnan(axis)])
        values, counts = np.unique(present, return_counts=True)
        is_atom = np.ones(len(values), bool)
        low, high = DISCRETE_RANGE
        if len(values) > min(max(len(present) // 10, low), high):
            is_atom = counts > len(present) / max_bins
        rest = np.repeat(values[~is_atom], counts[~is_atom])
        n_bins = max(1, round(max_bins * len(rest) / max(1, len(present)))) if len(rest) else 0
        bins = cut(rest, n_bins)
        # All levels in the order of their smallest number, so that neighbors in code are neighbors in value.
        starts = np.concatenate([values[is_atom], [stretch[0] for stretch in bins]])
        rank = np.argsort(np.argsort(starts, kind="stable"), kind="stable")
        atom_levels, bin_levels = rank[: is_atom.sum()], rank[is_atom.sum() :]
        places, knots = quantile_function(bins, bin_levels)
        n_missing = len(axis) - len(present)
        level_counts = np.empty(len(starts), dtype=np.int64)
        level_counts[atom_levels] = counts[is_atom]
        level_counts[bin_levels] = [len(stretch) for stretch in bins]
        if n_missing:
            level_counts = np.append(level_counts, n_missing)
        return cls(column.name, form, values[is_atom], atom_levels, places, knots, level_counts, n_missing > 0)

    @property
    def n_levels(self) -> int:
        """Codes in use."""
        return len(self.counts)

    @property
    def n_ordered(self) -> int:
        """Leading levels of which neighbors are alike: all but "missing"."""
        return self.n_levels - int(self.has_missing)

    @property
    def is_binned(self) -> np.ndarray:
        """Which levels have positions."""
        binned = np.ones(self.n_levels, dtype=bool)
        binned[self.atom_levels] = False
        if self.has_missing:
            binned[-1] = False
        return binned

    @property
    def other_level(self) -> None:
        """No level stands for several values that may have nothing in common."""
        return None

    def encode(
        self, column: pd.Series, rng: np.random.Generator | None = None, clip: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return level codes (n,) and positions (n,).

        With ``rng``, a number that repeats gets a random position in the stretch it fills (as training wants);
        without, the middle of it. Numbers beyond those seen by more than 5 % of the range are UNSEEN, or, with
        ``clip``, the nearest that was seen.
        """
        axis = self.form.to_axis(column)
        if clip:
            axis = np.clip(axis, *self._limits())
        levels = np.full(len(axis), UNSEEN, dtype=np.int64)
        positions = np.full(len(axis), 0.5)
        missing = np.isnan(axis)
        if self.has_missing:
            levels[missing] = self.n_levels - 1
        low, high = self._limits()
        margin = 0.05 * (high - low)
        inside = ~missing & (axis >= low - margin) & (axis <= high + margin)
        numbers = axis[inside]
        found = np.full(len(numbers), UNSEEN, dtype=np.int64)
        places = np.full(len(numbers), 0.5)
        if len(self.knot_values):
            left, right = self._places(numbers)
            share = 0.5 if rng is None else rng.random(len(numbers))
            place = left + share * (right - left)
            # A number in the gap between two bins may land on an atom's level that lies between theirs.
            bins = np.flatnonzero(self.is_binned)
            found = bins[np.clip(np.searchsorted(bins, np.floor(place), side="right") - 1, 0, None)]
            places = np.clip(place - found, EDGE, 1 - EDGE)
        if len(self.atom_values):
            nearest = self._nearest_atom(numbers)
            exact = self.atom_values[nearest] == numbers
            take = exact if len(self.knot_values) else np.ones(len(numbers), bool)
            found[take], places[take] = self.atom_levels[nearest[take]], 0.5
        levels[inside], positions[inside] = found, places
        return levels, positions

    def decode(self, levels: np.ndarray, positions: np.ndarray, noise: UniformNoise) -> pd.Series:
        """Return numbers with the dtype and rounding that were seen."""
        return self.form.from_axis(self.decode_axis(levels, positions), self.name)

    def decode_axis(self, levels: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Return float64 numbers on the column's axis, NaN where missing."""
        axis = np.full(len(levels), np.nan)
        if len(self.knot_values):
            inside = np.clip(positions, EDGE, 1 - EDGE)
            axis = np.interp(levels + inside, self.knot_places, self.knot_values)
        atoms = np.full(self.n_levels, np.nan)
        atoms[self.atom_levels] = self.atom_values
        return np.where(self.is_binned[levels], axis, atoms[levels])

    def choose(self, wanted: list[Any]) -> Choices:
        """Return the alternatives that ``wanted`` values and (low, high) ranges stand for."""
        ranges = self._merge([self._to_range(value) for value in wanted if isinstance(value, tuple)])
        alone = [value for value in wanted if not isinstance(value, tuple)]
        parts = [self._choose_range(low, high) for low, high in ranges]
        parts += [self._choose_one(value) for value in alone if not self._is_inside(value, ranges)]
        rows = [row for part in parts for row in part]
        if not rows:
            low, high = self._limits()
            seen = [self.form.from_axis(np.array([edge])).iloc[0] for edge in (low, high)]
            raise ConditionError(
                f"Column {self.name!r} has nothing in {wanted!r}: the training data lie between {seen[0]} "
                f"and {seen[1]}. Widen the condition."
            )
        levels, lows, highs, values, limits = zip(*rows, strict=True)
        size = len(rows)
        return Choices(np.array(levels), np.array(lows), np.array(highs), np.zeros(size), list(values), list(limits))

    def _choose_one(self, wanted: Any) -> list[tuple[int, float, float, Any, tuple[float, float]]]:
        """Return (level, low position, high position, exact value, limits) per alternative."""
        if pd.isna(wanted):
            if not self.has_missing:
                raise ConditionError(f"Column {self.name!r} has no missing values, so a row can't have one in it.")
            return [(self.n_levels - 1, 0.0, 1.0, None, (-np.inf, np.inf))]
        return self._choose_value(wanted)

    def _to_range(self, wanted: tuple[Any, Any]) -> tuple[float, float]:
        """Return both ends on the axis."""
        low, high = (self._on_axis(edge, limit) for edge, limit in zip(wanted, (-np.inf, np.inf), strict=True))
        if low > high:
            raise ConditionError(
                f"Column {self.name!r}: the range {wanted!r} is empty, since its low end is above its high end."
            )
        if self.form.decimals is not None:  # only numbers that rounding can give count
            scale = 10.0**self.form.decimals
            low, high = np.ceil(low * scale - 1e-9) / scale, np.floor(high * scale + 1e-9) / scale
        return float(low), float(high)

    @staticmethod
    def _merge(ranges: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return ranges of which no two overlap: what lies in two would count twice."""
        merged: list[tuple[float, float]] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return merged

    def _is_inside(self, value: Any, ranges: list[tuple[float, float]]) -> bool:
        """Whether a range holds a value that is asked for besides."""
        if not ranges or pd.isna(value):
            return False
        place = self._on_axis(value, np.nan)
        return any(low <= place <= high for low, high in ranges)

    def _choose_range(self, low: float, high: float) -> list[tuple[int, float, float, Any, tuple[float, float]]]:
        """Return what ``_choose_one`` does, for a range."""
        limits = (low, high)
        inside = (self.atom_values >= low) & (self.atom_values <= high)
        rows = [(int(level), 0.0, 1.0, None, limits) for level in self.atom_levels[inside]]
        first, last = self._limits(bins_only=True)
        if len(self.knot_values) and low <= high and high >= first and low <= last:
            edges = np.clip([low, high], first, last)
            start, stop = self._places(edges)[0][0], self._places(edges)[1][1]
            for level in np.flatnonzero(self.is_binned):
                left, right = max(start - level, 0.0), min(stop - level, 1.0)
                if left < 1.0 and right > 0.0 and right >= left:
                    left, right = min(left, 1.0 - EDGE), max(right, left + EDGE)  # the very maximum is a range too
                    rows.append((int(level), left, right, None, limits))
        return rows

    def _choose_value(self, wanted: Any) -> list[tuple[int, float, float, Any, tuple[float, float]]]:
        number = self._on_axis(wanted, np.nan)
        if not np.isfinite(number):
            return []
        if self.form.is_large and self.form.from_axis(np.array([number])).iloc[0] != wanted:
            return []  # float64 can't tell it from its neighbors
        if self.form.decimals is not None and abs(np.round(number, self.form.decimals) - number) > 1e-9 * abs(number):
            return []  # finer than the column's own grid
        (level,), (position,) = self.encode(self.form.from_axis(np.array([number]), self.name))
        low, high = self._limits()
        if level == UNSEEN or not low <= number <= high:
            return []
        limits = (number, number)
        if not self.is_binned[level]:
            exact = self.decode_axis(np.array([level]), np.array([position]))[0]
            return [(level, 0.0, 1.0, number, limits)] if exact == number else []
        # A number stands for the stretch of those that round to it, so that several can be weighed.
        unit = (high - low) * 1e-6 if self.form.decimals is None else 10.0**-self.form.decimals
        first, last = self._limits(bins_only=True)
        edges = np.clip([number - unit / 2, number + unit / 2], first, last)
        places = self._places(edges)
        start, stop = np.clip([places[0][0] - level, places[1][1] - level], 0.0, 1.0)
        return [(level, start, max(stop, start + EDGE), number, limits)]

    def _on_axis(self, value: Any, default: float) -> float:
        if value is None:
            return default
        try:
            return self.form.place(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ConditionError(
                f"Column {self.name!r} holds {self.form.kind} values, so {value!r} can't be a condition on it: {error}."
            ) from error

    def _places(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last place at which the quantile function gives each number."""
        knots, places = self.knot_values, self.knot_places
        first = np.clip(np.searchsorted(knots, numbers, side="left"), 0, len(knots) - 1)
        last = np.clip(np.searchsorted(knots, numbers, side="right") - 1, 0, len(knots) - 1)
        # np.interp goes on from the last of equal knots, which is where decoding comes from.
        between = np.interp(numbers, knots, places)
        is_knot = knots[first] == numbers
        return np.where(is_knot, places[first], between), np.where(is_knot, places[last], between)

    def _nearest_atom(self, numbers: np.ndarray) -> np.ndarray:
        right = np.clip(np.searchsorted(self.atom_values, numbers), 0, len(self.atom_values) - 1)
        left = np.maximum(right - 1, 0)
        is_left = np.abs(numbers - self.atom_values[left]) < np.abs(self.atom_values[right] - numbers)
        return np.where(is_left, left, right)

    def _limits(self, bins_only: bool = False) -> tuple[float, float]:
        numbers = self.knot_values if bins_only else np.concatenate([self.atom_values, self.knot_values])
        return (float(numbers.min()), float(numbers.max())) if len(numbers) else (np.inf, -np.inf)
