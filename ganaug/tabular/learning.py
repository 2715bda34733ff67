"""From a column's values to what is kept of them: its kind, its levels, and the checks that this makes sense."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from ganaug.exceptions import DataWarning, InvalidInputError, TableTooWideError
from ganaug.plain import encode
from ganaug.tabular.columns import CategoryColumn, Column, IdentifierColumn, NumberColumn
from ganaug.tabular.forms import learn_form
from ganaug.tabular.kinds import TIME_KINDS, kind_from_dtype
from ganaug.tabular.times import find_text_format

_FLOATS_PER_LEVEL = 6 * 200
"""Weights per level (embedding, output, discriminator) times copies (gradient, two moments, average, snapshots)."""


def learn_column(column: pd.Series, wanted: str | None, max_categories: int, n_bins: int) -> Column:
    """Learn the levels of ``column``; ``wanted`` is the kind that the user says it is, if any."""
    kind, text_format = _find_kind(column, wanted, max_categories)
    try:
        learned = _learn_as(column, kind, wanted is not None, text_format, max_categories, n_bins)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"Column {column.name!r} can't be encoded as {kind}: {error}.") from error
    _check_way_back(learned, column)
    return learned


def choose_bins(n_rows: int) -> int:
    """Return how many bins a table of ``n_rows`` can fill; positions inside the bins are learned as well."""
    return min(32, max(5, round(n_rows**0.5 / 3)))


def check_memory(columns: Sequence[CategoryColumn | NumberColumn], n_rows: int) -> None:
    """Refuse a table whose networks and codes would not fit into half of this machine's memory."""
    n_levels = sum(column.n_levels for column in columns)
    needed = 4 * _FLOATS_PER_LEVEL * n_levels + 8 * n_rows * len(columns)
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 * 2**30
    if needed > available / 2:
        widest = sorted(columns, key=lambda column: -column.n_levels)[:5]
        named = ", ".join(f"{column.name!r} ({column.n_levels} levels)" for column in widest)
        raise TableTooWideError(
            f"The table has {n_levels} levels in {len(columns)} columns and would need about {needed / 2**30:.1f} GiB; "
            f"half of this machine's memory is {available / 2**31:.1f} GiB. Widest: {named}. Lower max_categories or "
            "max_bins, or drop columns."
        )


def check_any(columns: Sequence[Column]) -> None:
    """Refuse a table of identifiers alone."""
    if all(isinstance(column, IdentifierColumn) for column in columns):
        raise InvalidInputError(
            f"Every column of the table looks like an identifier ({[column.name for column in columns]}), so there is "
            "nothing to learn. Say what they are with schema={column: 'category'}."
        )


def _learn_as(
    column: pd.Series, kind: str, is_declared: bool, text_format: str | None, max_categories: int, n_bins: int
) -> Column:
    if kind == "category":
        learned = CategoryColumn.learn(column, max_categories)
        if learned.others:
            warnings.warn(
                f"Column {column.name!r} has {len(learned.categories) + len(learned.others)} categories: "
                f"the {len(learned.others)} rarest share one level and are drawn back by their frequency. "
                "Raise max_categories to keep more, or drop the column.",
                DataWarning,
                stacklevel=2,
            )
        return learned
    if kind == "identifier":
        identifier = IdentifierColumn.learn(column)
        if is_declared:
            return identifier
        warnings.warn(
            f"Column {column.name!r} looks like an identifier (nearly every value differs): its values are "
            "not learned; new ones are made up in the same pattern. Drop the column, or say "
            f"schema={{{column.name!r}: 'category'}}.",
            DataWarning,
            stacklevel=2,
        )
        return identifier
    _check_finite(column, kind)
    form = learn_form(column, kind, text_format)
    if not form.is_exact and column.nunique() <= max_categories:
        return CategoryColumn.learn(column, max_categories)
    return NumberColumn.learn(column, form, n_bins)


def _find_kind(column: pd.Series, wanted: str | None, max_categories: int) -> tuple[str, str | None]:
    """Return ("category" | "identifier" | a form's kind, text format)."""
    found = kind_from_dtype(column)
    if wanted is None and found == "text":
        return _kind_of_text(column, max_categories)
    if wanted in ("category", "identifier"):
        return wanted, None
    if wanted == "datetime":
        if found in TIME_KINDS.values():
            return found, None
        text_format = find_text_format(column.dropna().astype(str))
        if text_format is None:
            raise InvalidInputError(
                f"schema says that column {column.name!r} is a datetime, but its values (such as "
                f"{column.dropna().iloc[0]!r}) are in no format that is known. Convert it with pandas.to_datetime."
            )
        return "text", text_format
    if wanted == "number" and found not in ("number", "decimal"):
        raise InvalidInputError(
            f"schema says that column {column.name!r} is a number, but its dtype is {column.dtype}. "
            "Convert it with pandas.to_numeric."
        )
    return found, None


def _kind_of_text(column: pd.Series, max_categories: int) -> tuple[str, str | None]:
    present = column.dropna()
    n_distinct = present.nunique()
    if n_distinct > min(max_categories, 20):
        text_format = find_text_format(present)
        if text_format is not None:
            return "text", text_format
    is_identifier = n_distinct > max_categories and n_distinct >= 0.9 * len(present)
    return ("identifier" if is_identifier else "category"), None


def _check_way_back(column: Column, values: pd.Series) -> None:
    """Find out now, not after hours of training, whether the column's values can come back and be saved."""
    try:
        encode(asdict(column), {})
        if not isinstance(column, IdentifierColumn):
            level = np.zeros(1, dtype=np.int64)
            back = column.decode(level, np.array([0.5]), np.random.default_rng(0))
            if back.dtype != values.dtype:
                raise TypeError(f"it would come back as {back.dtype}")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"Column {column.name!r} of dtype {values.dtype} can't be given back as it is: {error}. Convert it to a "
            "plain dtype (numbers, text, dates, categories)."
        ) from error


def _check_finite(column: pd.Series, kind: str) -> None:
    if kind == "number" and column.isin([np.inf, -np.inf]).any():
        raise InvalidInputError(
            f"Column {column.name!r} contains infinity (inf), which can't be learned. Replace it by NaN or a number."
        )
