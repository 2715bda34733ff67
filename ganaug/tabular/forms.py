"""Forms: how a column's values become plain float64 numbers and come back with their dtype.

A form knows nothing of levels or bins; it only moves between what pandas holds (integers, dates, times, decimals,
dates written as text) and an axis of float64 with NaN for missing.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ganaug.tabular.times import TICKS_PER_SECOND, from_ticks, parse_ticks, to_ticks, unit_of


@dataclass(frozen=True)
class NumberForm:
    """How one column's values lie on an axis of numbers.

    Attributes
    ----------
    kind : {"number", "decimal", "datetime", "timedelta", "period", "date", "time", "text"}
    dtype : str
        The pandas dtype that comes back.
    decimals : int or None
        Decimal places that numbers are rounded to, -2 for multiples of 100; None for no rounding.
    is_large : bool
        Integers beyond 2**53, which float64 can't tell apart: they lie at ``offset + axis``.
    offset, span : int
        Of large integers, the smallest and the distance to the largest; of times, the smallest in ticks.
    step, unit : int, str
        Of times: ticks per unit of the axis, and what a tick is ("ns" or "us").
    text_format : str or None
        Of times written as text.
    """

    kind: str
    dtype: str
    decimals: int | None = None
    is_large: bool = False
    offset: int = 0
    span: int = 0
    step: int = 1
    unit: str = "us"
    text_format: str | None = None

    @property
    def is_exact(self) -> bool:
        """Whether every number in the column can be told from its neighbors in float64."""
        return self.span <= 2**53

    @property
    def is_time(self) -> bool:
        """Whether the axis is one of time."""
        return self.kind not in ("number", "decimal")

    def to_axis(self, column: pd.Series) -> np.ndarray:
        """Return the values as float64, NaN where missing."""
        if self.is_time:
            ticks, missing = to_ticks(column, self.kind, self.unit, self.text_format)
            return np.where(missing, np.nan, (ticks - self.offset) / self.step)
        if not self.is_large:
            return as_floats(column)
        return np.array(
            [np.nan if pd.isna(value) else float(int(value) - self.offset) for value in column.astype(object)]
        )

    def from_axis(self, axis: np.ndarray, name: Any = None) -> pd.Series:
        """Undo ``to_axis``: rounded, and with the dtype that was seen."""
        missing = np.isnan(axis)
        if self.decimals is not None:
            axis = np.round(axis, self.decimals)
        if self.is_time:
            ticks = np.where(missing, 0, axis).round().astype(np.int64) * self.step + self.offset
            times = from_ticks(ticks, missing, self.kind, self.unit, self.dtype, self.text_format)
            return times.rename(name)
        if self.kind == "decimal":
            places = max(0, self.decimals) if self.decimals is not None else 6
            values = [
                None if gone else Decimal(f"{value:.{places}f}") for value, gone in zip(axis, missing, strict=True)
            ]
            return pd.Series(values, name=name, dtype=object)
        return self._numbers(axis, missing, name)

    def _numbers(self, axis: np.ndarray, missing: np.ndarray, name: Any) -> pd.Series:
        dtype = pd.api.types.pandas_dtype(self.dtype)
        is_integer = pd.api.types.is_integer_dtype(dtype) or (dtype.kind == "O" and (self.decimals or 0) <= 0)
        if not is_integer:
            return pd.Series(axis, name=name).astype(dtype)
        if not self.is_large and not missing.any():
            return pd.Series(axis.astype(np.int64), name=name).astype(dtype)
        gone = pd.NA if pd.api.types.is_extension_array_dtype(dtype) else None
        values = [
            gone if is_gone else min(max(int(value), 0), self.span) + self.offset if self.is_large else int(value)
            for value, is_gone in zip(axis, missing, strict=True)
        ]
        return pd.Series(values, name=name, dtype=dtype)

    def place(self, value: Any) -> float:
        """Return where a single value, as a user writes it, lies on the axis; what is far out may be infinite.

        Raises
        ------
        ValueError, TypeError
            If it is nothing that the column could hold.
        """
        if isinstance(value, float) and np.isnan(value):
            raise ValueError("NaN is no number to compare with")
        if self.is_time:
            return float((parse_ticks(value, self.kind, self.unit, self.dtype) - self.offset) / self.step)
        try:
            return float(int(value) - self.offset if self.is_large and not isinstance(value, float) else value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")


def learn_form(column: pd.Series, kind: str, text_format: str | None = None) -> NumberForm:
    """Learn how ``column`` lies on an axis: its dtype, resolution, offset and decimals."""
    dtype = dtype_name(column.dtype)
    if kind in ("number", "decimal"):
        values = as_floats(column)
        present = values[~np.isnan(values)]
        if len(present) and np.abs(present).max() > 2**53 and _holds_integers(column):
            exact = column.dropna().astype(object)
            low, high = int(min(exact)), int(max(exact))
            return NumberForm(kind, dtype, 0, is_large=True, offset=low, span=high - low)
        return NumberForm(kind, dtype, _count_decimals(present, column.dtype))
    unit = "us" if kind == "text" else unit_of(column.dtype)
    ticks, missing = to_ticks(column, kind, unit, text_format)
    present = ticks[~missing]
    offset = int(present.min()) if len(present) else 0
    sizes = [TICKS_PER_SECOND[unit] * seconds for seconds in (86_400, 3_600, 60, 1)]
    sizes += [TICKS_PER_SECOND[unit] // fraction for fraction in (10**3, 10**6)]
    step = next((size for size in sizes if not ((present - offset) % size).any()), 1)
    return NumberForm(kind, dtype, 0, offset=offset, step=step, unit=unit, text_format=text_format)


def dtype_name(dtype: Any) -> str:
    """Return a name from which pandas makes the same dtype again."""
    if isinstance(dtype, pd.StringDtype):  # its str() leaves the storage out
        return f"string[{dtype.storage}]"
    return str(dtype)


def as_floats(column: pd.Series) -> np.ndarray:
    """Return a number column as float64, NaN where missing."""
    if pd.api.types.is_extension_array_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    if column.dtype == np.float64:
        return column.to_numpy(copy=True)
    return column.astype(np.float64).to_numpy(copy=True)


def _holds_integers(column: pd.Series) -> bool:
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) == "integer"
    return pd.api.types.is_integer_dtype(column.dtype)


def _count_decimals(values: np.ndarray, dtype: Any) -> int | None:
    """Return the decimal places that all values share (-2: all are multiples of 100); None if more than 6."""
    own = values.astype(np.float32 if dtype == np.float32 else np.float64)
    slack = 4 * np.spacing(np.abs(own))  # what sums and readers leave behind
    for decimals in range(-6, 7):
        if (np.abs(own - np.round(own, decimals)) <= slack).all():
            return decimals
    return None
