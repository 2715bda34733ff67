"""What ctgan can't learn from a table, put aside before training and put back after sampling.

ctgan takes numbers without gaps and categories. What it gives back may lie outside the range that
was seen, have too many decimals, or have lost its dtype. So each column is split into *parts* that
ctgan can learn (numbers, codes, both, or nothing at all for a constant), and rebuilt from the parts
that come back.
"""

import warnings
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ganaug.exceptions import ConditionError, DataWarning, InvalidInputError
from ganaug.tabular.columns import CategoryColumn
from ganaug.tabular.forms import learn_form

MANY_LEVELS = 500
"""ctgan one-hot encodes every level, in all of its networks."""
_COLLECTIONS = (list, set, frozenset, np.ndarray, pd.Series, pd.Index)
_KIND_OF_CONTENT = {
    **dict.fromkeys(("integer", "floating", "mixed-integer-float"), "number"),
    **dict.fromkeys(("datetime", "datetime64"), "datetime"),
    **dict.fromkeys(("timedelta", "timedelta64"), "timedelta"),
    **{kind: kind for kind in ("decimal", "date", "time", "period")},
}

Parts = dict[str, np.ndarray]


class SplitCategory:
    """A column whose values are levels; a missing value is a level like the others."""

    def __init__(self, series: pd.Series) -> None:
        self.name = series.name
        try:
            for value in series if series.dtype == object else ():
                hash(value)  # pandas notices a list only where it has to look one up
            self.column = CategoryColumn.learn(series, max_categories=len(series) + 1)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Column {self.name!r} can't be used as a category ({error}). Turn its values into strings, or drop it."
            ) from error
        if self.column.n_levels > MANY_LEVELS:
            warnings.warn(
                f"Column {self.name!r} has {self.column.n_levels} levels, and ctgan's networks get "
                "an input for each. Drop it if it is an identifier, or group its rare levels.",
                DataWarning,
                stacklevel=2,
            )

    def split(self, series: pd.Series) -> Parts:
        """Return the code of each value; nothing where there is but one level."""
        return {"level": self.column.encode(series)[0]} if self.column.n_levels > 1 else {}

    def rebuild(self, parts: Parts, n_rows: int) -> pd.Series:
        """Return ``n_rows`` values."""
        levels = parts.get("level", np.zeros(n_rows, dtype=np.int64))
        # No level is called "other" here, so this generator decides nothing.
        return self.column.decode(levels, np.full(n_rows, 0.5), np.random.default_rng(0))

    def matches(self, condition: Any, values: pd.Series) -> np.ndarray:
        """Return which values meet the condition."""
        levels = self.column.choose(_choices(condition, self.name)).levels
        return np.isin(self.column.encode(values)[0], levels)


class SplitNumber:
    """A column of numbers or times.

    A column with gaps is learned as two: the values, with the median in the gaps, and a yes/no
    category that says where the gaps are.
    """

    def __init__(self, series: pd.Series, kind: str) -> None:
        self.name = series.name
        try:
            with np.errstate(invalid="ignore"):  # infinity, which is refused below
                self.form = learn_form(series, kind)
                axis = self.form.to_axis(series)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInputError(
                f"Column {self.name!r} can't be used as a {kind} ({error}). Convert it, or drop it."
            ) from error
        if np.isinf(axis).any():
            raise InvalidInputError(
                f"Column {self.name!r} contains infinity (inf), which can't be learned. Replace it by NaN or a number."
            )
        missing = np.isnan(axis)
        self.some_missing, self.all_missing = bool(missing.any()), bool(missing.all())
        present = np.zeros(1) if self.all_missing else axis[~missing]
        self.low, self.high, self.median = (float(edge(present)) for edge in (np.min, np.max, np.median))

    def split(self, series: pd.Series) -> Parts:
        """Return the numbers, without gaps, and where the gaps were."""
        axis = self.form.to_axis(series)
        missing = np.isnan(axis)
        parts: Parts = {}
        if self.low < self.high:
            parts["number"] = np.where(missing, self.median, axis)
        if self.some_missing and not self.all_missing:
            parts["missing"] = missing.astype(np.int64)
        return parts

    def rebuild(self, parts: Parts, n_rows: int) -> pd.Series:
        """Return ``n_rows`` values in the range seen, rounded as those were, with gaps."""
        axis = np.clip(parts.get("number", np.full(n_rows, self.low)).astype(np.float64), self.low, self.high)
        axis[parts.get("missing", np.full(n_rows, self.all_missing)).astype(bool)] = np.nan
        return self.form.from_axis(axis, self.name)

    def matches(self, condition: Any, values: pd.Series) -> np.ndarray:
        """Return which values meet the condition; refuse a condition that none can."""
        axis = self.form.to_axis(values)
        met, possible = np.zeros(len(axis), dtype=bool), False
        for choice in _choices(condition, self.name):
            if not isinstance(choice, tuple) and pd.isna(choice):
                met |= np.isnan(axis)
                possible |= self.some_missing
                continue
            low, high = self._bounds(choice)
            met |= (axis >= low) & (axis <= high)
            possible |= not self.all_missing and low <= self.high and high >= self.low
        if not possible:
            seen = self.form.from_axis(np.array([self.low, self.high]))
            between = f"between {seen[0]} and {seen[1]}"
            between = "all missing" if self.all_missing else between
            raise ConditionError(
                f"Column {self.name!r}: no row can meet {condition!r}, since the training data's "
                f"values are {between}. Change the condition."
            )
        return met

    def _bounds(self, choice: Any) -> tuple[float, float]:
        """Return the ends of what is wanted, on the column's axis."""
        if not isinstance(choice, tuple):
            number = self._on_axis(choice, np.nan)
            return number, number
        if len(choice) != 2:
            raise ConditionError(
                f"Column {self.name!r}: a range has two ends, (low, high), but got {choice!r}. "
                "Use a list for several values."
            )
        low, high = self._on_axis(choice[0], -np.inf), self._on_axis(choice[1], np.inf)
        if low > high:
            raise ConditionError(
                f"Column {self.name!r}: the range {choice!r} is empty, since its low end is above its high end."
            )
        return low, high

    def _on_axis(self, value: Any, default: float) -> float:
        if value is None:
            return default
        try:
            if isinstance(value, str) and not self.form.is_time:
                raise TypeError("it is a string")
            if self.form.is_time or self.form.is_large:
                return self.form.place(value)
            # A float32 column has no 0.1 of float64: compare in the column's own precision.
            return float(np.dtype(self.form.dtype).type(value) if self.form.dtype.startswith("float") else value)
        except (TypeError, ValueError) as error:
            raise ConditionError(
                f"Column {self.name!r} holds {self.form.kind} values, so {value!r} can't be a condition on it: {error}."
            ) from error


class TableSplitter:
    """All columns of a table: into the table that ctgan learns, and back."""

    def __init__(self, table: pd.DataFrame, categories: Iterable[Hashable]) -> None:
        wanted = set(categories)
        self.columns: dict[Hashable, SplitCategory | SplitNumber] = {}
        for name in table.columns:
            kind = "category" if name in wanted else _kind_of(table[name])
            is_category = kind == "category"
            self.columns[name] = SplitCategory(table[name]) if is_category else SplitNumber(table[name], kind)

    def split(self, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Return the table for ctgan and the names of its discrete columns."""
        parts = {
            f"{place}_{part}": values
            for place, (name, column) in enumerate(self.columns.items())
            for part, values in column.split(table[name]).items()
        }
        # ctgan needs a column; a table of constants would leave it none.
        parts = parts or {"constant_level": np.zeros(len(table), dtype=np.int64)}
        return pd.DataFrame(parts), [name for name in parts if not name.endswith("_number")]

    def rebuild(self, parts: pd.DataFrame) -> pd.DataFrame:
        """Return rows like those of the training table."""
        return pd.concat([self._rebuild_one(name, parts) for name in self.columns], axis=1)

    def matches(self, conditions: Mapping[Hashable, Any], parts: pd.DataFrame) -> np.ndarray:
        """Return which rows, given in parts, meet all conditions; refuse what no row can meet."""
        met = np.ones(len(parts), dtype=bool)
        for name, condition in conditions.items():
            if name not in self.columns:
                raise ConditionError(
                    f"There is no column {name!r} to condition on. The table has {list(self.columns)}."
                )
            met &= self.columns[name].matches(condition, self._rebuild_one(name, parts))
        return met

    def _rebuild_one(self, name: Hashable, parts: pd.DataFrame) -> pd.Series:
        prefix = f"{list(self.columns).index(name)}_"
        own = {
            str(part).removeprefix(prefix): parts[part].to_numpy()
            for part in parts.columns
            if str(part).startswith(prefix)
        }
        return self.columns[name].rebuild(own, len(parts))


def _kind_of(series: pd.Series) -> str:
    """Return "category", or the kind of numbers or times that the column holds."""
    dtype = series.dtype
    if types.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_complex_dtype(dtype):
        raise InvalidInputError(f"Complex data not supported: column {series.name!r} has dtype {dtype}.")
    if types.is_numeric_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if types.is_timedelta64_dtype(dtype):
        return "timedelta"
    return _KIND_OF_CONTENT.get(types.infer_dtype(series, skipna=True), "category")


def _choices(condition: Any, name: Hashable) -> list[Any]:
    choices = list(condition) if isinstance(condition, _COLLECTIONS) else [condition]
    if not choices:
        raise ConditionError(
            f"Column {name!r}: the list of wanted values is empty. Leave the column out for any value."
        )
    return choices
