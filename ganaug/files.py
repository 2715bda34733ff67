"""How table files are read, whoever reads them: which names, which texts are dates."""

import os
import warnings

import pandas as pd

from ganaug.exceptions import InvalidInputError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"


def check_unique(path: str | os.PathLike[str], names: pd.Index) -> None:
    """Refuse a file of two columns with one name."""
    if not names.is_unique:
        raise InvalidInputError(
            f"`path`={str(path)!r} has two columns named {names[names.duplicated()][0]!r}; rename one."
        )


def parse_dates(column: pd.Series) -> pd.Series:
    """Return the column as datetime64 when every value present is an ISO date, else as it is."""
    values = column.dropna()
    # The first value settles nearly every column that holds no dates.
    if values.empty or not values.iloc[:1].str.fullmatch(ISO_DATE).all():
        return column
    if not values.str.fullmatch(ISO_DATE).all():
        return column
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # offsets that differ from row to row
            parsed = pd.to_datetime(column, format="ISO8601")
    except (ValueError, OverflowError, FutureWarning):
        return column  # such as 2024-02-30, or 9999-12-31, which datetime64[ns] can't hold
    return parsed if parsed.dtype.kind == "M" else column
