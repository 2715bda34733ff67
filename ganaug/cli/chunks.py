"""Tables that may be larger than memory: read and written a chunk at a time, values kept as they are written."""

import contextlib
import datetime
import gzip
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.cli.console import kind_of
from ganaug.datasets.loaders import SUFFIXES
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.tabular.columns import Column

_TRUTH = {"true": True, "TRUE": True, "false": False, "FALSE": False}


def read_chunks(path: Path, size: int) -> "Iterator[pd.DataFrame]":
    """Give the rows of a file: all text from CSV, with "" for an empty cell; as they are from Parquet."""
    import pandas as pd

    if not path.name.lower().endswith(SUFFIXES):
        raise InvalidInputError(f"{path}: the name must end in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InvalidInputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; name a file.")
    try:
        if path.name.lower().endswith(".parquet"):
            import pyarrow.parquet

            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(size):
                yield batch.to_pandas()
            return
        with pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=size, index_col=False) as reader:
            yield from reader
    except (ValueError, EOFError, OSError) as error:
        raise InvalidInputError(f"{path} can't be read as a table: {error}") from error


def as_learned(chunk: "pd.DataFrame", columns: "Sequence[Column]") -> "pd.DataFrame":
    """Return the model's columns of a chunk, with values as they were when it learned them.

    A column's kind comes from the model and never from the chunk: what a chunk looks like depends on where it begins.
    """
    import pandas as pd

    absent = [str(column.name) for column in columns if str(column.name) not in chunk.columns]
    if absent:
        raise InvalidInputError(
            f"The file lacks {', '.join(absent)}, which the model has learned from. It has {', '.join(chunk.columns)}."
        )
    parts = {column.name: _convert(chunk[str(column.name)], column) for column in columns}
    return pd.DataFrame(parts, index=chunk.index)


def _convert(texts: "pd.Series", column: "Column") -> "pd.Series":
    import pandas as pd

    if not pd.api.types.is_string_dtype(texts.dtype):
        return texts  # from Parquet
    present = texts.where(texts.notna() & (texts != ""), None).astype(object)
    if column.kind == "category":
        known = _known_values(column)
        return present.map(lambda text: known.get(text, text), na_action="ignore")
    if column.kind == "identifier":
        return present
    try:
        return _convert_numbers(present, kind_of(column), column)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"Column {column.name!r} held {kind_of(column)} values when the model learned it, but not in this file: "
            f"{error}. Correct the file."
        ) from error


def _convert_numbers(present: "pd.Series", kind: str, column: Any) -> "pd.Series":
    import pandas as pd

    if kind == "number" and column.form.is_large:  # beyond what a float can tell apart
        return present.map(int, na_action="ignore")
    if kind in ("number", "decimal"):
        return pd.to_numeric(present)
    if kind == "datetime":
        return pd.to_datetime(present, format="ISO8601")
    if kind == "timedelta":
        return pd.to_timedelta(present)
    readers = {"date": datetime.date, "time": datetime.time}
    return present.map(readers[kind].fromisoformat, na_action="ignore") if kind in readers else present


def _known_values(column: Any) -> dict[str, Any]:
    """Return a category column's values by the texts that stand for them in a file."""
    values = [*column.categories, *column.others]
    known = {str(value): value for value in values}
    if values and all(isinstance(value, bool) for value in values):
        return known | _TRUTH
    for value in values:  # a column with empty cells holds 1.0 for 1
        if isinstance(value, int | float) and float(value).is_integer():
            known |= {str(int(value)): value, str(float(value)): value}
    return known


class TableWriter(contextlib.AbstractContextManager["TableWriter"]):
    """Write a table in chunks under a temporary name; it gets its own once all of it is there.

    Parameters
    ----------
    path : Path
        .csv, .csv.gz or .parquet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._file: Any = None

    def __enter__(self) -> "TableWriter":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, chunk: "pd.DataFrame") -> None:
        """Append the rows of ``chunk``."""
        if self.path.suffix.lower() == ".parquet":
            self._write_parquet(chunk)
            return
        is_first = self._file is None
        if is_first:
            is_packed = self.path.suffix.lower() == ".gz"
            opened = gzip.open(self._temporary, "wt", encoding="utf-8", newline="") if is_packed else None
            self._file = opened or open(self._temporary, "w", encoding="utf-8", newline="")
        chunk.to_csv(self._file, index=False, header=is_first)

    def _write_parquet(self, chunk: "pd.DataFrame") -> None:
        import pyarrow
        import pyarrow.parquet

        if self._file is None:
            batch = pyarrow.Table.from_pandas(chunk, preserve_index=False)
            self._file = pyarrow.parquet.ParquetWriter(self._temporary, batch.schema)
        # The first chunk's types hold for all: a chunk of nothing but empty cells has none of its own.
        self._file.write_table(pyarrow.Table.from_pandas(chunk, schema=self._file.schema, preserve_index=False))

    def __exit__(self, kind: Any, *details: Any) -> None:
        if self._file is not None:
            self._file.close()
        if kind is None and self._file is not None:
            os.replace(self._temporary, self.path)
        self._temporary.unlink(missing_ok=True)
