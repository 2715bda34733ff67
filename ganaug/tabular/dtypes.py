"""The dtype that a column would have had, had its table come in one piece."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

_OBJECT = np.dtype(object)
_CONTENTS = {"boolean": "b", "integer": "iu", "floating": "iuf", "mixed-integer-float": "iuf"}
"""What an object column may hold -> the kinds of dtype that it goes with."""


@dataclass
class SeenColumn:
    """What is known of a column after some chunks.

    Attributes
    ----------
    dtype : dtype or None
        Of the values; None as long as all are missing.
    content : str or None
        What pandas finds in an object column.
    has_missing : bool
    blank : dtype or None
        Of chunks in which all values are missing, which say nothing of the others.
    """

    dtype: Any = None
    content: str | None = None
    has_missing: bool = False
    blank: Any = None

    def note(self, values: pd.Series) -> bool:
        """Take notice of a chunk; return whether its values go with those before."""
        is_missing = values.isna()
        if is_missing.all() and (values.dtype == object or values.dtype.kind == "f"):
            return self.note_dtype(None, len(values) > 0, blank=values.dtype)
        content = pd.api.types.infer_dtype(values, skipna=True) if values.dtype == object else None
        return self.note_dtype(values.dtype, bool(is_missing.any()), content)

    def note_dtype(self, dtype: Any, has_missing: bool, content: str | None = None, blank: Any = None) -> bool:
        """Take notice of a chunk of which only so much is known."""
        self.has_missing |= has_missing
        if dtype is None:
            self.blank = self.blank if self.blank is not None else blank
            return True
        if self.dtype is None:
            self.dtype, self.content = dtype, content
            return True
        joined = _join(self.dtype, self.content, dtype, content)
        if joined is None:
            return False
        self.dtype, self.content = joined, self.content if self.content not in (None, "empty") else content
        return True

    @property
    def whole(self) -> Any:
        """The dtype of the whole column: as pandas does, whole numbers with missing values are floats."""
        if self.dtype is None:
            return self.blank
        if self.has_missing and isinstance(self.dtype, np.dtype) and self.dtype.kind in "iub":
            return _OBJECT if self.dtype.kind == "b" else np.dtype(np.float64)
        return self.dtype


def join_parts(parts: list[pd.Series], dtype: Any) -> pd.Series:
    """Put the parts of a column together, all of them as ``dtype``."""
    if dtype is not None:
        parts = [part if part.dtype == dtype else part.astype(dtype) for part in parts]
    return parts[0].reset_index(drop=True) if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _join(first: Any, content: str | None, second: Any, other: str | None) -> Any:
    """Return the dtype of two chunks together, None where they don't go together."""
    if isinstance(first, pd.CategoricalDtype) and isinstance(second, pd.CategoricalDtype):
        return _join_categories(first, second)
    if first == second:
        is_torn = first == _OBJECT and (content == "string") != (other == "string") and "empty" not in (content, other)
        return None if is_torn else first
    if not isinstance(first, np.dtype) or not isinstance(second, np.dtype):
        return None
    if first.kind in "iuf" and second.kind in "iuf" or (first.kind == second.kind and first.kind in "mM"):
        return np.result_type(first, second)
    for mixed, plain in (((first, content), second), ((second, other), first)):
        if mixed[0] == _OBJECT and plain.kind in _CONTENTS.get(mixed[1] or "", ""):
            return _OBJECT
    return None


def _join_categories(first: pd.CategoricalDtype, second: pd.CategoricalDtype) -> pd.CategoricalDtype | None:
    """Return all categories, in order of appearance; an order that differs can't be kept."""
    if first.categories.equals(second.categories) and first.ordered == second.ordered:
        return first
    if first.ordered or second.ordered:
        return None
    new = second.categories.difference(first.categories, sort=False)
    return pd.CategoricalDtype(first.categories.append(new), ordered=False)
