"""What the columns of a table hold, and numbers and texts made of them for those who take nothing else."""

from typing import Any

import numpy as np
import pandas as pd

MISSING = "(missing)"


def as_frame(X: Any) -> pd.DataFrame:
    """Return a table as a DataFrame; columns of an array of objects get the dtype of what is in them."""
    if isinstance(X, pd.DataFrame):
        return X
    table = pd.DataFrame(X)
    return table.apply(_infer) if X.dtype == object else table


def _infer(values: pd.Series) -> pd.Series:
    """Return the column in the dtype of the values that are there."""
    present = values.dropna().infer_objects()
    return values if present.dtype == object else present.reindex(values.index)


def kind_of(values: pd.Series) -> str:
    """Return "boolean", "number", "time" (dates and durations) or "category" (all else)."""
    if pd.api.types.is_bool_dtype(values) and not isinstance(values.dtype, pd.CategoricalDtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values) and values.dtype.kind != "c":
        return "number"
    return "time" if values.dtype.kind in "mM" else "category"


def take(X: Any, places: np.ndarray) -> Any:
    """Return rows by their places, in the form of ``X``."""
    return X.iloc[places] if isinstance(X, pd.DataFrame) else X[places]


def as_numbers(X: Any) -> np.ndarray:
    """Return numbers, booleans, dates and durations as floats; what is missing is NaN."""
    table = as_frame(X)
    numbers = np.empty(table.shape)
    for place in range(table.shape[1]):
        values = table.iloc[:, place]
        if kind_of(values) == "time":
            numbers[:, place] = values.astype("int64")
            numbers[values.isna(), place] = np.nan  # as a whole number, a missing date is one of 1677
        else:
            numbers[:, place] = values.to_numpy(dtype=float, na_value=np.nan)
    return numbers


def as_texts(X: Any) -> np.ndarray:
    """Return every cell as text, so that an encoder can sort them, whatever they are."""
    table = as_frame(X)
    texts = np.empty(table.shape, dtype=object)
    for place in range(table.shape[1]):
        values = table.iloc[:, place].astype(object)
        texts[:, place] = values.map(str).where(values.notna(), MISSING)
    return texts
