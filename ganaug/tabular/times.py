"""Dates and times as integers ("ticks" of a nanosecond or a microsecond), and back with their dtype.

Microseconds wherever the column itself is not in nanoseconds: 9999-12-31, a usual "until further notice", lies
outside what 64 bits of nanoseconds can hold.
"""

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd

TICKS_PER_SECOND = {"ns": 10**9, "us": 10**6}
TEXT_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M")
"""Dates and times written as text that are recognized; the same text format comes back."""
_PATTERNS = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}", "%M": r"\d{2}", "%S": r"\d{2}"}
_EPOCH = "1970-01-01"


def unit_of(dtype: Any) -> str:
    """Return the ticks in which a column of ``dtype`` is exact."""
    return "ns" if str(dtype).startswith(("datetime64[ns", "timedelta64[ns", "timestamp[ns", "period")) else "us"


def find_text_format(values: pd.Series) -> str | None:
    """Return the format in which *all* of the (non-missing) texts are dates or times, if there is one."""
    texts = values.astype(object)
    for text_format in TEXT_FORMATS:
        pattern = text_format
        for directive, digits in _PATTERNS.items():
            pattern = pattern.replace(directive, digits)
        # One value first: matching a million names to find that they are no dates is slow.
        if not re.fullmatch(pattern, texts.iloc[0]) or not texts.str.fullmatch(pattern).all():
            continue
        try:
            _parse_texts(texts.to_numpy(), text_format)
        except ValueError:  # the 99th of a month
            continue
        return text_format
    return None


def to_ticks(column: pd.Series, kind: str, unit: str, text_format: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return int64 ticks, and which of them stand for missing values."""
    missing = column.isna().to_numpy()
    if kind == "text":
        times = np.full(len(column), np.datetime64("NaT", unit))
        times[~missing] = _parse_texts(column.to_numpy(dtype=object)[~missing], text_format or "")
    elif kind == "timedelta":
        times = pd.to_timedelta(column).to_numpy(dtype=f"timedelta64[{unit}]")
    elif kind == "period":
        times = column.dt.to_timestamp().to_numpy(dtype=f"datetime64[{unit}]")
    elif column.dtype == object:
        values = [_as_naive(value, kind) for value in column[~missing]]
        times = np.full(len(column), np.datetime64("NaT", unit))
        times[~missing] = np.array(values, dtype=f"datetime64[{unit}]")
    else:
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        times = column.to_numpy(dtype=f"datetime64[{unit}]")
    return times.view(np.int64), missing


def from_ticks(
    ticks: np.ndarray, missing: np.ndarray, kind: str, unit: str, dtype_name: str, text_format: str | None
) -> pd.Series:
    """Undo ``to_ticks``."""
    dtype = pd.api.types.pandas_dtype(dtype_name)
    times = ticks.astype(f"{'timedelta64' if kind == 'timedelta' else 'datetime64'}[{unit}]")
    if kind == "text":
        values = pd.Series(times).dt.strftime(text_format).astype(object)
    elif dtype.kind == "O" and not isinstance(dtype, pd.PeriodDtype):
        step = {"date": "datetime64[D]", "timedelta": "timedelta64[us]"}.get(kind, "datetime64[us]")
        values = pd.Series(times.astype(step).astype(object), dtype=object)
        values = values.map(datetime.datetime.time) if kind == "time" else values
    else:
        values = pd.Series(times)
        values[missing] = pd.NaT
        if isinstance(dtype, pd.PeriodDtype):
            return values.dt.to_period(dtype.freq)
        if isinstance(dtype, pd.DatetimeTZDtype):
            return values.dt.tz_localize("UTC").astype(dtype)
        return values.astype(dtype)
    values[missing] = None
    return values.astype(dtype)


def parse_ticks(value: Any, kind: str, unit: str, dtype_name: str) -> int:
    """Return the ticks of a single value, as a Python integer that can't overflow.

    Raises
    ------
    ValueError, TypeError
        If it is no date or time, or a text that is not in ISO form (01.02.2024 could be January or February).
    """
    if kind == "period":
        moment = pd.Period(value, freq=pd.api.types.pandas_dtype(dtype_name).freq).to_timestamp()
    elif kind == "timedelta":
        if not isinstance(value, str | datetime.timedelta | np.timedelta64):
            raise ValueError("give a timedelta or a text such as '2 min'")
        return _microseconds(pd.Timedelta(value).to_timedelta64()) * TICKS_PER_SECOND[unit] // 10**6
    else:
        if isinstance(value, datetime.time):
            value = datetime.datetime.combine(datetime.date(1970, 1, 1), value)
        if isinstance(value, str) and re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", value):
            value = f"{_EPOCH} {value}"
        if isinstance(value, str) and not re.match(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError("write dates as YYYY-MM-DD")
        if not isinstance(value, str | datetime.date | np.datetime64):
            raise ValueError("give a date or a text in the form YYYY-MM-DD")
        moment = pd.Timestamp(value)
    if moment is pd.NaT:
        raise ValueError("it is no date")
    zone = getattr(pd.api.types.pandas_dtype(dtype_name), "tz", None)
    if zone is not None and moment.tz is None:
        moment = moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return _microseconds(moment.to_datetime64()) * TICKS_PER_SECOND[unit] // 10**6


def _microseconds(moment: np.datetime64 | np.timedelta64) -> int:
    return int(
        moment.astype(f"{'timedelta64' if isinstance(moment, np.timedelta64) else 'datetime64'}[us]").view(np.int64)
    )


def _parse_texts(texts: np.ndarray, text_format: str) -> np.ndarray:
    whole = texts if text_format.startswith("%Y") else np.array([f"{_EPOCH}T{text}" for text in texts])
    return np.array(whole, dtype="datetime64[us]")


def _as_naive(value: Any, kind: str) -> Any:
    if kind == "time":
        return datetime.datetime.combine(datetime.date(1970, 1, 1), value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        raise ValueError(
            f"{value!r} has a time zone and stands in an object column; convert it with pandas.to_datetime"
        )
    return value
