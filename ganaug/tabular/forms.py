"""Forms: how a column's values become plain float64 numbers and come back with their dtype.

A form knows nothing of levels or bins; it only moves between what pandas holds (integers, dates, times, decimals,
dates written as text) and an axis of float64 with NaN for missing.
"""

import datetime
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

_DAY = 86_400 * 10**9
_RESOLUTIONS = (_DAY, 3_600 * 10**9, 60 * 10**9, 10**9, 10**6, 10**3, 1)
TEXT_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M")
"""Dates written as text that are recognized; the same text format comes back."""


@dataclass(frozen=True)
class NumberForm:
    """How one column's values lie on an axis of numbers.

    Attributes
    ----------
    kind : {"number", "decimal", "datetime", "timedelta", "period", "date", "time", "text"}
    dtype : str
        The pandas dtype that comes back.
    offset, step : int
        Times (in nanoseconds) and large integers lie at ``offset + step * axis``, in exact integers.
    decimals : int or None
        Decimal places that floats are rounded to; None for no rounding.
    text_format : str or None
        Of dates written as text.
    span : int
        Of integers too large for float64: the largest minus the smallest.
    """

    kind: str
    dtype: str
    offset: int = 0
    step: int = 1
    decimals: int | None = None
    text_format: str | None = None
    span: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether every number in the column can be told from its neighbors in float64."""
        return self.span <= 2**53

    @property
    def is_whole(self) -> bool:
        """Whether the axis holds whole numbers only."""
        return self.decimals == 0

    def to_axis(self, column: pd.Series) -> np.ndarray:
        """Return the values as float64, NaN where missing."""
        if self.kind in ("number", "decimal"):
            if self.offset == 0:
                return _as_floats(column)
            missing = column.isna().to_numpy()
            exact = column.fillna(self.offset).astype("object").to_numpy()
            axis = np.array([int(value) - self.offset for value in exact], dtype=np.float64)
        else:
            nanoseconds, missing = _as_nanoseconds(column, self.kind, self.text_format)
            axis = (nanoseconds - self.offset) / self.step
        axis[missing] = np.nan
        return axis

    def from_axis(self, axis: np.ndarray, name: Any = None) -> pd.Series:
        """Undo ``to_axis``: rounded, and with the dtype that was seen."""
        missing = np.isnan(axis)
        if self.decimals is not None:
            axis = np.round(axis, self.decimals)
        if self.kind == "number":
            return self._numbers(axis, missing, name)
        if self.kind == "decimal":
            places = self.decimals if self.decimals is not None else 6
            values = [
                None if gone else Decimal(f"{value:.{places}f}") for value, gone in zip(axis, missing, strict=True)
            ]
            return pd.Series(values, name=name, dtype=object)
        whole = np.where(missing, 0, axis).round().astype(np.int64) * self.step + self.offset
        times = pd.Series(whole.astype("timedelta64[ns]" if self.kind == "timedelta" else "datetime64[ns]"))
        times[missing] = pd.NaT
        return self._times(times, missing).rename(name)

    def _numbers(self, axis: np.ndarray, missing: np.ndarray, name: Any) -> pd.Series:
        dtype = pd.api.types.pandas_dtype(self.dtype)
        if not self.is_whole:
            return pd.Series(axis, name=name).astype(dtype)
        whole = np.where(missing, 0, axis).astype(np.int64)
        exact = pd.Series(whole if self.offset == 0 else whole.astype(object) + self.offset, name=name)
        if not missing.any():
            return exact.astype(dtype)
        if pd.api.types.is_extension_array_dtype(dtype):
            return exact.astype("Int64").mask(missing).astype(dtype)
        return exact.astype(object if dtype.kind == "O" else np.float64).mask(missing).astype(dtype)

    def _times(self, times: pd.Series, missing: np.ndarray) -> pd.Series:
        if self.kind in ("date", "time", "text"):
            if self.kind == "text":
                values = times.dt.strftime(self.text_format)
            else:
                values = getattr(times.dt, self.kind)
            values = values.astype(object)
            values[missing] = None
            return values.astype(pd.api.types.pandas_dtype(self.dtype))
        dtype = pd.api.types.pandas_dtype(self.dtype)
        if isinstance(dtype, pd.PeriodDtype):
            return times.dt.to_period(dtype.freq)
        if isinstance(dtype, pd.DatetimeTZDtype):
            return times.dt.tz_localize("UTC").astype(dtype)
        return times if dtype.kind == "O" else times.astype(dtype)

    def to_state(self) -> dict[str, Any]:
        """Return plain values that ``NumberForm(**state)`` takes."""
        return asdict(self)


def learn_form(column: pd.Series, kind: str, text_format: str | None = None) -> NumberForm:
    """Learn how ``column`` lies on an axis: its dtype, resolution, offset and decimals."""
    dtype = dtype_name(column.dtype)
    if kind in ("number", "decimal"):
        values = _as_floats(column)
        present = values[~np.isnan(values)]
        if len(present) and np.abs(present).max() > 2**53 and _is_integer(column):
            exact = column.dropna().astype(object)
            low, high = int(min(exact)), int(max(exact))
            return NumberForm(kind, dtype, offset=low, decimals=0, span=high - low)
        return NumberForm(kind, dtype, decimals=_count_decimals(present, column.dtype))
    nanoseconds, missing = _as_nanoseconds(column, kind, text_format)
    present = nanoseconds[~missing]
    offset = int(present.min()) if len(present) else 0
    step = next(size for size in _RESOLUTIONS if not ((present - offset) % size).any())
    return NumberForm(kind, dtype, offset, step, decimals=0, text_format=text_format)


def dtype_name(dtype: Any) -> str:
    """Return a name from which pandas makes the same dtype again."""
    if isinstance(dtype, pd.StringDtype):  # its str() leaves the storage out
        return f"string[{dtype.storage}]"
    return str(dtype)


def find_text_format(values: pd.Series) -> str | None:
    """Return the format in which *all* of the (non-missing, text) values are dates or times, if there is one."""
    for text_format in TEXT_FORMATS:
        # One value first: parsing a million names to find that they are not dates is slow.
        if pd.to_datetime(values.iloc[:1], format=text_format, errors="coerce").isna().any():
            continue
        parsed = pd.to_datetime(values, format=text_format, errors="coerce")
        if parsed.notna().all() and (parsed.dt.strftime(text_format) == values.astype(object)).all():
            return text_format
    return None


def parse_time(value: Any, form: NumberForm) -> float:
    """Return where a single date, time or text lies on the axis of ``form``."""
    if form.kind == "period":
        column = pd.Series([value], dtype=form.dtype)
    elif form.kind == "timedelta":
        column = pd.Series([pd.Timedelta(value)])
    elif form.kind == "time":
        value = value if isinstance(value, datetime.time) else pd.Timestamp(value).time()
        column = pd.Series([value], dtype=object)
    else:
        stamp = pd.Timestamp(value)
        zone = getattr(pd.api.types.pandas_dtype(form.dtype), "tz", None)
        column = pd.Series([stamp.tz_localize(zone) if zone and stamp.tz is None else stamp])
    nanoseconds, _ = _as_nanoseconds(column, "datetime" if form.kind == "text" else form.kind, None)
    return float((nanoseconds[0] - form.offset) / form.step)


def _as_floats(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_extension_array_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    return column.astype(np.float64).to_numpy(copy=True)


def _is_integer(column: pd.Series) -> bool:
    return pd.api.types.is_integer_dtype(column.dtype) or column.dtype == object


def _count_decimals(values: np.ndarray, dtype: Any) -> int | None:
    """Return the decimal places (0 to 6) that all values share; None if they have more."""
    if pd.api.types.is_integer_dtype(dtype):
        return 0
    tolerance = 1e-5 if dtype == np.float32 else 1e-9
    for decimals in range(7):
        gap = np.abs(values - np.round(values, decimals))
        if (gap <= tolerance * np.maximum(1.0, np.abs(values)) * 1e-3).all():
            return decimals
    return None


def _as_nanoseconds(column: pd.Series, kind: str, text_format: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return int64 nanoseconds and which of them stand for missing values."""
    if kind == "timedelta":
        times = pd.to_timedelta(column).astype("timedelta64[ns]")
        return times.astype("int64").to_numpy(), times.isna().to_numpy()
    if kind == "period":
        times = column.dt.to_timestamp()
    elif kind == "time":
        times = pd.to_datetime(column.astype(object).map(_on_the_first_day, na_action="ignore"))
    elif kind == "text":
        times = pd.to_datetime(column.astype(object), format=text_format, errors="coerce")
    else:
        times = pd.to_datetime(column, errors="coerce")
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    times = times.astype("datetime64[ns]")
    return times.astype("int64").to_numpy(), times.isna().to_numpy()


def _on_the_first_day(value: datetime.time) -> datetime.datetime:
    return datetime.datetime.combine(datetime.date(1970, 1, 1), value)
