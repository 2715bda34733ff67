"""Columns as levels: each kind of column turned into integer codes, and back.

A level is one category, one frequent number, one bin of numbers, "missing", or "other". Continuous columns add a
*position* in (0, 1) inside the bin. ``UNSEEN`` (-1) codes a value that was not there when the encoder was fitted.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import ConditionError
from ganaug.tabular.forms import NumberForm, dtype_name

UNSEEN = -1
DISCRETE_RANGE = (20, 130)
"""A number column with few distinct values keeps each as a level: a tenth of the rows, within these limits."""
_KNOTS_PER_BIN = 33
_TAIL_RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_EDGE = 1e-9


@dataclass(frozen=True)
class Choices:
    """What a condition allows in one column: alternatives, each a level and a stretch of positions in it.

    ``values`` holds the exact value to put into the row, or None where one is drawn from the stretch.
    """

    levels: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    log_shares: np.ndarray
    """log of the share of the level's mass that the alternative stands for, where the model can't tell."""
    values: list[Any]
    limits: list[tuple[float, float]] | None = None
    """Range on the column's axis that the decoded number must lie in."""


@dataclass
class CategoryColumn:
    """Categories in their order; the rarest share an "other" level if there are too many.

    Attributes
    ----------
    name : the column's name
    dtype : str
    categories : list
        The levels that have a code of their own.
    counts : ndarray of int
        Rows per level, "other" and "missing" included.
    others, other_counts : the values behind the "other" level, and how often each was seen
    has_missing : bool
    keeps_none : bool
        Missing values of an object column come back as None, not as NaN.
    all_categories, ordered : of a categorical dtype, which comes back as it was
    """

    name: Any
    dtype: str
    categories: list[Any]
    counts: np.ndarray
    others: list[Any] = field(default_factory=list)
    other_counts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    has_missing: bool = False
    keeps_none: bool = False
    all_categories: list[Any] | None = None
    ordered: bool = False

    kind = "category"

    @classmethod
    def learn(cls, column: pd.Series, max_categories: int) -> "CategoryColumn":
        """Learn the levels of ``column``."""
        counts = column.value_counts(sort=False, dropna=True)
        counts = counts[counts > 0]
        by_frequency = counts.sort_values(ascending=False, kind="stable")
        kept, rest = by_frequency, by_frequency.iloc[:0]
        if len(by_frequency) > max_categories:
            kept, rest = by_frequency.iloc[: max_categories - 1], by_frequency.iloc[max_categories - 1 :]
        # Levels stand in order of first appearance (or of the dtype's categories): stable under resampling.
        kept = counts[counts.index.isin(kept.index)]
        n_missing = int(column.isna().sum())
        level_counts = [*kept.to_numpy(), *([rest.sum()] if len(rest) else []), *([n_missing] if n_missing else [])]
        categorical = column.dtype if isinstance(column.dtype, pd.CategoricalDtype) else None
        return cls(
            name=column.name,
            dtype="category" if categorical else dtype_name(column.dtype),
            categories=list(kept.index),
            counts=np.asarray(level_counts, dtype=np.int64),
            others=list(rest.index),
            other_counts=rest.to_numpy(dtype=np.int64),
            has_missing=n_missing > 0,
            keeps_none=column.dtype == object and any(value is None for value in column),
            all_categories=list(categorical.categories) if categorical else None,
            ordered=bool(categorical.ordered) if categorical else False,
        )

    @property
    def n_levels(self) -> int:
        """Codes in use."""
        return len(self.counts)

    @property
    def n_ordered(self) -> int:
        """Leading levels of which neighbors are alike."""
        return len(self.categories) if self.ordered else 0

    @property
    def is_binned(self) -> np.ndarray:
        """Which levels have positions: none."""
        return np.zeros(self.n_levels, dtype=bool)

    def encode(self, column: pd.Series, rng: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return level codes (n,) and positions (n,), the latter all 0.5."""
        known = pd.Index(self.categories, dtype=object)
        codes = known.get_indexer(pd.Index(column.to_numpy(dtype=object), dtype=object)).astype(np.int64)
        if self.others:
            is_other = (codes < 0) & column.isin(self.others).to_numpy()
            codes[is_other] = len(self.categories)
        codes[column.isna().to_numpy()] = self.n_levels - 1 if self.has_missing else UNSEEN
        return codes, np.full(len(codes), 0.5)

    def decode(self, levels: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Return values with the dtype that was seen; "other" is drawn from the values behind it."""
        n_slots = self.n_levels + (0 if self.has_missing else 1)
        values = np.empty(n_slots, dtype=object)
        values[: len(self.categories)] = self.categories
        values[-1] = None
        decoded = values[levels]
        draws = rng.random(len(levels))  # drawn for every row, so that each row's draw has a fixed place
        if self.others:
            cumulative = np.cumsum(self.other_counts) / self.other_counts.sum()
            is_other = levels == len(self.categories)
            others = np.empty(len(self.others), dtype=object)
            others[:] = self.others
            decoded[is_other] = others[np.searchsorted(cumulative, draws[is_other], side="right")]
        return self.as_series(decoded)

    def as_series(self, values: np.ndarray) -> pd.Series:
        """Give values the column's own dtype."""
        if self.all_categories is not None:
            dtype = pd.CategoricalDtype(self.all_categories, self.ordered)
            return pd.Series(values, name=self.name, dtype=object).astype(dtype)
        column = pd.Series(values, name=self.name, dtype=object)
        if self.dtype == "object":
            return column if self.keeps_none else column.where(column.notna(), np.nan)
        return column.astype(pd.api.types.pandas_dtype(self.dtype))

    def choose(self, wanted: list[Any]) -> Choices:
        """Return the alternatives that ``wanted`` values stand for."""
        levels, shares, values = [], [], []
        for value in wanted:
            if isinstance(value, tuple) and value not in self.categories:
                raise ConditionError(
                    f"Column {self.name!r} holds categories, so the range {value!r} means nothing in it. "
                    "Give a value or a list of values."
                )
            (code,), _ = self.encode(pd.Series([value], dtype=object))
            if code == UNSEEN and pd.isna(value):
                raise ConditionError(f"Column {self.name!r} has no missing values, so a row can't have one in it.")
            if code == UNSEEN:
                shown = ", ".join(map(repr, self.categories[:10]))
                raise ConditionError(
                    f"Column {self.name!r} has no value {value!r} in the training data. It has: {shown}"
                    f"{', ...' if len(self.categories) > 10 else ''}."
                )
            share = 1.0
            if self.others and code == len(self.categories):
                share = self.other_counts[self.others.index(value)] / self.other_counts.sum()
                values.append(self.others[self.others.index(value)])
            else:  # the value as it was learned: a 1 that asks for True gives True
                values.append(self.categories[code] if code < len(self.categories) else None)
            levels.append(code)
            shares.append(np.log(share))
        size = len(levels)
        return Choices(np.array(levels), np.zeros(size), np.ones(size), np.array(shares), values)


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
        a number repeats. At most 33 quantiles per bin, or its distinct values where they are fewer.
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
        bins = _cut(rest, n_bins)
        # All levels in the order of their smallest number, so that neighbors in code are neighbors in value.
        starts = np.concatenate([values[is_atom], [stretch[0] for stretch in bins]])
        rank = np.argsort(np.argsort(starts, kind="stable"), kind="stable")
        atom_levels, bin_levels = rank[: is_atom.sum()], rank[is_atom.sum() :]
        places, knots = _quantile_function(bins, bin_levels)
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

    def encode(self, column: pd.Series, rng: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return level codes (n,) and positions (n,).

        With ``rng``, a number that repeats gets a random position in the stretch it fills (as training wants);
        without, the middle of it. Numbers beyond those seen by more than 5 % of the range are UNSEEN.
        """
        axis = self.form.to_axis(column)
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
            places = np.clip(place - found, _EDGE, 1 - _EDGE)
        if len(self.atom_values):
            nearest = self._nearest_atom(numbers)
            exact = self.atom_values[nearest] == numbers
            take = exact if len(self.knot_values) else np.ones(len(numbers), bool)
            found[take], places[take] = self.atom_levels[nearest[take]], 0.5
        levels[inside], positions[inside] = found, places
        return levels, positions

    def decode(self, levels: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Return numbers with the dtype and rounding that were seen."""
        return self.form.from_axis(self.decode_axis(levels, positions), self.name)

    def decode_axis(self, levels: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Return float64 numbers on the column's axis, NaN where missing."""
        axis = np.full(len(levels), np.nan)
        if len(self.knot_values):
            inside = np.clip(positions, _EDGE, 1 - _EDGE)
            axis = np.interp(levels + inside, self.knot_places, self.knot_values)
        atoms = np.full(self.n_levels, np.nan)
        atoms[self.atom_levels] = self.atom_values
        return np.where(self.is_binned[levels], axis, atoms[levels])

    def choose(self, wanted: list[Any]) -> Choices:
        """Return the alternatives that ``wanted`` values and (low, high) ranges stand for."""
        parts = [self._choose_one(value) for value in wanted]
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
        if not isinstance(wanted, tuple) and pd.isna(wanted):
            if not self.has_missing:
                raise ConditionError(f"Column {self.name!r} has no missing values, so a row can't have one in it.")
            return [(self.n_levels - 1, 0.0, 1.0, None, (-np.inf, np.inf))]
        if not isinstance(wanted, tuple):
            return self._choose_value(wanted)
        low, high = (self._on_axis(edge, limit) for edge, limit in zip(wanted, (-np.inf, np.inf), strict=True))
        if low > high:
            raise ConditionError(
                f"Column {self.name!r}: the range {wanted!r} is empty, since its low end is above its high end."
            )
        if self.form.decimals is not None:  # only numbers that rounding can give count
            scale = 10.0**self.form.decimals
            low, high = np.ceil(low * scale - 1e-9) / scale, np.floor(high * scale + 1e-9) / scale
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
                    left, right = min(left, 1.0 - _EDGE), max(right, left + _EDGE)  # the very maximum is a range too
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
        return [(level, start, max(stop, start + _EDGE), number, limits)]

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


def _cut(numbers: np.ndarray, n_bins: int) -> list[np.ndarray]:
    """Cut ascending numbers into at most ``n_bins`` stretches of like size, never inside a run of equals."""
    if not n_bins:
        return []
    edges = np.unique(numbers[(np.arange(1, n_bins) * len(numbers)) // n_bins])
    cuts = np.unique(np.searchsorted(numbers, edges, side="left"))
    return [stretch for stretch in np.split(numbers, cuts) if len(stretch)]


def _quantile_function(bins: list[np.ndarray], levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places (code + position) and the numbers there, over all bins."""
    places, knots = [], []
    for place, (stretch, level) in enumerate(zip(bins, levels, strict=True)):
        values, counts = np.unique(stretch, return_counts=True)
        if len(values) <= _KNOTS_PER_BIN:
            ends = np.cumsum(counts) / len(stretch)
            share = np.column_stack([np.concatenate([[0.0], ends[:-1]]), ends]).ravel()
            numbers = np.repeat(values, 2)
        else:
            # Never more than a third of the numbers: quantiles are kept in model files, columns are not.
            share = np.linspace(0.0, 1.0, min(_KNOTS_PER_BIN, len(stretch) // 3))
            if place in (0, len(bins) - 1):  # a heavy tail is anything but straight
                outermost = np.array(_TAIL_RANKS) / (len(stretch) - 1)
                share = np.unique(np.concatenate([share, outermost, 1.0 - outermost]))
            numbers = np.quantile(stretch, share)
        places.append(level + np.clip(share, 1e-9, 1 - 1e-9))
        knots.append(numbers)
    return (np.concatenate(places), np.concatenate(knots)) if bins else (np.zeros(0), np.zeros(0))


def _spell(number: int, alphabets: list[str]) -> str:
    """Write ``number`` with one digit per alphabet."""
    text = []
    for alphabet in reversed(alphabets):
        number, place = divmod(number, len(alphabet))
        text.append(alphabet[place])
    return "".join(reversed(text))


@dataclass
class IdentifierColumn:
    """Text that differs in (nearly) every row: not learned, not stored, made up anew in the same pattern.

    Attributes
    ----------
    name : the column's name
    dtype : str
    alphabets : list of str
        The characters seen at each position of the most frequent length.
    missing_rate : float
    """

    name: Any
    dtype: str
    alphabets: list[str]
    missing_rate: float

    kind = "identifier"
    n_levels = 0

    @classmethod
    def learn(cls, column: pd.Series) -> "IdentifierColumn":
        """Learn the pattern of ``column``."""
        if not all(isinstance(value, str) for value in column.dropna()):
            raise ValueError("its values are no texts; turn them into texts with .astype(str)")
        texts = column.dropna()
        length = int(texts.str.len().mode().iloc[0])
        texts = texts[texts.str.len() == length]
        alphabets = ["".join(sorted(set(texts.str[place]))) for place in range(length)]
        return cls(column.name, dtype_name(column.dtype), alphabets, float(column.isna().mean()))

    def make(self, first_row: int, n_rows: int, rng: np.random.Generator) -> pd.Series:
        """Return identifiers for rows ``first_row`` onwards; all differ, growing longer where the pattern is full."""
        space = 1
        for alphabet in self.alphabets:
            space *= len(alphabet)
        # Row i gets the (i * stride)-th text: a walk through the pattern that meets none twice.
        stride = next(prime for prime in (2_654_435_761, 2_147_483_647, 1_000_003, 1) if space % prime)
        texts = []
        for row in range(first_row, first_row + n_rows):
            laps, rest = divmod(row, space)
            text = _spell(rest * stride % space, self.alphabets)
            texts.append(f"{text}{laps}" if laps else text)
        values = np.array(texts, dtype=object)
        values[rng.random(n_rows) < self.missing_rate] = None
        column = pd.Series(values, name=self.name, dtype=object)
        return column.astype(pd.api.types.pandas_dtype(self.dtype))


Column = CategoryColumn | NumberColumn | IdentifierColumn
