"""What kind of values a column holds, by its dtype and content."""

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidInputError

KINDS = ("number", "category", "datetime", "identifier")
"""What a schema may say of a column."""
TIME_KINDS = {
    "datetime": "datetime",
    "date": "date",
    "time": "time",
    "timedelta": "timedelta",
    "timedelta64": "timedelta",
    "datetime64": "datetime",
    "period": "period",
}
"""What pandas calls the content of an object column -> the kind of form."""


def kind_from_dtype(column: pd.Series) -> str:
    """Return "category", "text", or the kind of a form."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return "category"
    if isinstance(dtype, pd.PeriodDtype):
        return "period"
    if pd.api.types.is_complex_dtype(dtype):
        raise InvalidInputError(f"Complex data not supported: column {column.name!r} has dtype {dtype}.")
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "timedelta"
    content = pd.api.types.infer_dtype(column, skipna=True)
    if content in ("integer", "floating", "mixed-integer-float"):
        return "number"
    if content in ("decimal", *TIME_KINDS):
        return TIME_KINDS.get(content, content)
    _check_hashable(column)
    return "text" if content == "string" else "category"


def _check_hashable(column: pd.Series) -> None:
    for value in column:
        if not isinstance(value, str | int | float | bool | None) and value is not pd.NA:
            if not isinstance(value, np.generic | bytes | tuple):
                raise InvalidInputError(
                    f"Column {column.name!r} holds {value!r} of type {type(value).__name__}; every argument must be "
                    "a string, a number, a boolean, a date or missing. Convert or drop the column."
                )
