"""Whatever holds a table, as a table that fits in memory: of files and streams, a uniform sample."""

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.tabular.reservoir import draw_rows
from ganaug.tabular.table_files import open_path
from ganaug.tabular.table_stream import FrameStream, TableStream


def open_stream(X: Any) -> TableStream | None:
    """Return the stream that ``X`` is: a file, a folder of Parquet files, or DataFrames; None for a table."""
    if isinstance(X, str | os.PathLike):
        return open_path(Path(X).expanduser())
    if isinstance(X, Iterator):
        return FrameStream(X)
    is_table = isinstance(X, str | bytes | dict) or any(hasattr(X, name) for name in ("shape", "__array__"))
    if is_table or not isinstance(X, Iterable):
        return None
    items = iter(X)
    first = next(items, None)
    return FrameStream(chain([first], items)) if isinstance(first, pd.DataFrame) else None


def gather(X: Any, y: Any, max_rows: int | None, seed: int) -> tuple[Any, Any]:
    """Return a table that fits in memory, and its target: of more than ``max_rows`` rows, a uniform sample.

    Of a file or a stream, ``y`` may be the name of the column that is the target. Anything in memory is returned as
    it is, so long as it is no longer than ``max_rows``; nothing is validated here.
    """
    stream = open_stream(X)
    if stream is not None:
        X, n_rows = stream.read(max_rows, seed)
        X, y = _split_target(X, y)
    else:
        n_rows = _count(X)
        if max_rows is not None and n_rows > max_rows and (y is None or _count(y) == n_rows):
            rows = draw_rows(n_rows, max_rows, seed)
            X, y = _take(X, rows), None if y is None else _take(y, rows)
    if max_rows is not None and n_rows > max_rows:
        warnings.warn(
            f"The table has {n_rows:,} rows: a uniform sample of max_rows_in_memory={max_rows:,} of them is learned. "
            "Raise it, or set it to None, to keep more.",
            DataWarning,
            stacklevel=2,
        )
    return X, y


def _split_target(table: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, pd.Series | None]:
    if y is None:
        return table, None
    if not isinstance(y, str | int) or y not in table.columns:
        shown = repr(y) if isinstance(y, str | int) else f"a {type(y).__name__}"
        raise InvalidInputError(
            f"y is {shown}, but X is a file or a stream with the columns {list(table.columns)}. Name one of them."
        )
    return table.drop(columns=y), table[y]


def _count(values: Any) -> int:
    shape = getattr(values, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 0
    return len(values) if hasattr(values, "__len__") else 0


def _take(values: Any, rows: np.ndarray) -> Any:
    return values.iloc[rows] if isinstance(values, pd.DataFrame | pd.Series) else np.asarray(values)[rows]
