"""Values as they stand in a file, turned into what a model's columns hold.

What a value becomes depends on the model and on the value alone, never on the others of its chunk: pandas would read
the same cell as 5, 5.0 or "5" depending on its neighbors.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganaug.cli.console import kind_of
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ganaug.anomaly import GANDetector

_TRUTH = dict.fromkeys(("True", "TRUE", "true"), True) | dict.fromkeys(("False", "FALSE", "false"), False)
"""What pandas reads as a truth value."""


def as_learned(chunk: "pd.DataFrame", detector: "GANDetector") -> "pd.DataFrame | np.ndarray":
    """Return the detector's columns of a chunk, with values as they were when it learned them."""
    import pandas as pd

    columns = [column for column in detector.encoder_.columns_ if column.name in detector.format_.columns]
    absent = [str(column.name) for column in columns if str(column.name) not in chunk.columns]
    if absent:
        raise InvalidInputError(
            f"The file lacks {', '.join(absent)}, which the model has learned from. It has {', '.join(chunk.columns)}."
        )
    parts = [_convert(chunk[str(column.name)], column).rename(column.name) for column in columns]
    if detector.format_.array_dtype is not None:
        return pd.concat(parts, axis=1).to_numpy()
    table = pd.concat(parts, axis=1)
    table.columns = pd.Index([column.name for column in columns], tupleize_cols=False)
    return table


def as_text(value: Any) -> str:
    """Return a value of a file in words."""
    import pandas as pd

    return "missing" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _convert(values: "pd.Series", column: Any) -> "pd.Series":
    typed = _without_arrow(values)
    present = typed.dropna()
    is_text = typed.dtype == object and len(present) and isinstance(present.iloc[0], str)
    if is_text and column.kind == "category":
        return _read_categories(typed, column)
    if column.kind != "number":
        return typed
    readers = _readers(column) if is_text else (lambda some: some,)
    try:
        for read in readers:
            typed = read(typed)
        column.form.to_axis(typed)  # the form says now what it can't place, not in the middle of the scoring
        return typed
    except (TypeError, ValueError, OverflowError) as error:
        place = _find_culprit(values, column) if len(values) > 1 else 0
        if place is None:
            raise InvalidInputError(f"Column {column.name!r} can't be read as {kind_of(column)}: {error}.") from error
        cell, number = as_text(values.iloc[place]), values.index[place] + 1
        raise InvalidInputError(
            f"Column {column.name!r} holds {cell!r} in record {number:,}; it held {_in_words(kind_of(column))} when "
            "the model learned it. Correct the file; an empty cell is a missing value."
        ) from error


def _find_culprit(values: "pd.Series", column: Any) -> int | None:
    """Return the place of the first value that can't be read by itself."""
    for place in range(len(values)):
        try:
            _convert(values.iloc[place : place + 1], column)
        except InvalidInputError:
            return place
    return None


def _in_words(kind: str) -> str:
    return {"number": "numbers", "decimal": "numbers", "text": "dates or times"}.get(kind, f"values of kind {kind}")


def _without_arrow(values: "pd.Series") -> "pd.Series":
    """Return what pandas makes of a column, text as objects; whole numbers and truth values may be missing."""
    import pandas as pd
    import pyarrow

    if isinstance(values.dtype, pd.StringDtype):
        return values.astype(object).where(values.notna(), None)
    wide = {pyarrow.bool_(): pd.BooleanDtype(), pyarrow.int64(): pd.Int64Dtype(), pyarrow.uint64(): pd.UInt64Dtype()}
    wide |= {getattr(pyarrow, f"int{bits}")(): getattr(pd, f"Int{bits}Dtype")() for bits in (8, 16, 32)}
    wide |= {getattr(pyarrow, f"uint{bits}")(): getattr(pd, f"UInt{bits}Dtype")() for bits in (8, 16, 32)}
    array = values.array.__arrow_array__()
    return array.to_pandas(types_mapper=wide.get).set_axis(values.index)


def _readers(column: Any) -> "tuple[Callable[[pd.Series], pd.Series], ...]":
    import datetime

    import pandas as pd

    kind = kind_of(column)
    if kind == "number" and column.form.is_large:  # beyond what a float can tell apart
        return (lambda texts: texts.map(int, na_action="ignore"),)
    if kind in ("number", "decimal"):
        return _refuse_nan, lambda texts: pd.to_numeric(texts).astype("float64")
    if kind == "datetime":
        # By one clock: offsets may differ from record to record.
        is_naive = getattr(pd.api.types.pandas_dtype(column.form.dtype), "tz", None) is None
        read = (lambda texts: pd.to_datetime(texts, format="ISO8601", utc=True),)
        return (*read, lambda times: times.dt.tz_localize(None)) if is_naive else read
    if kind == "timedelta":
        return (pd.to_timedelta,)
    if kind == "period":
        dtype = pd.api.types.pandas_dtype(column.form.dtype)
        return (lambda texts: pd.Series(pd.PeriodIndex(texts, freq=dtype.freq), index=texts.index),)
    known = {"date": datetime.date.fromisoformat, "time": datetime.time.fromisoformat}
    return (lambda texts: texts.map(known[kind], na_action="ignore"),) if kind in known else (lambda texts: texts,)


def _refuse_nan(texts: "pd.Series") -> "pd.Series":
    """Refuse the text "nan", a number to pandas.to_numeric alone."""
    if texts.str.strip().str.lower().eq("nan").any():
        raise ValueError("nan is no number")
    return texts


def _read_categories(texts: "pd.Series", column: Any) -> "pd.Series":
    """Return the categories that texts stand for; what stands for none stays as it is, and is strange."""
    import pandas as pd

    values = [*column.categories, *column.others]
    by_text: dict[str, Any] = {str(value): value for value in values}
    if values and all(isinstance(value, bool | int | float) for value in values):
        if any(isinstance(value, bool) for value in values):
            by_text |= _TRUTH
        # The same number may be written in many ways: 1, 1.0, 1e0.
        numbers = pd.to_numeric(texts, errors="coerce")
        same = {float(value): value for value in values}
        written = zip(texts, numbers, strict=True)
        by_text |= {text: same[number] for text, number in written if number in same and text is not None}
    return texts.map(lambda text: by_text.get(text, text), na_action="ignore")
