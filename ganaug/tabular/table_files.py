"""Table files as streams: CSV and Parquet, read a chunk at a time."""

import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidInputError, MissingDependencyError
from ganaug.files import SUFFIXES, check_unique, parse_dates
from ganaug.tabular.dtypes import SeenColumn
from ganaug.tabular.reservoir import TakeRows
from ganaug.tabular.table_stream import TableStream

ROWS_PER_CHUNK = 65_536
"""Rows of a file in memory at a time, beside those that are kept."""
_READ_BYTES = 2**20


class CsvStream(TableStream):
    """A CSV file, read as ``ganaug.datasets.load_table`` reads it: only empty cells are missing, ISO dates are dates.

    A column of numbers in one chunk and of texts in another is text; the file is then read a second time for it.

    Parameters
    ----------
    path : Path
        .csv or .csv.gz.
    chunk_rows : int
    """

    def __init__(self, path: Path, chunk_rows: int = ROWS_PER_CHUNK) -> None:
        super().__init__()
        self.path, self.chunk_rows = path, chunk_rows
        self._texts: set[Any] = set()
        self._negative: set[Any] = set()
        self._dates: dict[Any, set[str]] = {}

    def read(self, max_rows: int | None, seed: int) -> tuple[pd.DataFrame, int]:
        try:
            self._read_header()
            table, n_rows = super().read(max_rows, seed)
            if self._texts:
                self.names, self._dates = None, {}
                table, n_rows = super().read(max_rows, seed)
        except (ValueError, OSError, EOFError, pd.errors.ParserWarning, zlib.error) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise _unreadable(self.path, error) from error
        for name, dtypes in self._dates.items():
            if len(dtypes) == 1 and "text" not in dtypes:
                table[name] = parse_dates(table[name])
        return table, n_rows

    def _read_header(self) -> None:
        # pandas renames the second of two equal names in silence, so the header is looked at first.
        header = pd.read_csv(self.path, header=None, nrows=1, dtype=str, na_values=[""], keep_default_na=False)
        check_unique(self.path, pd.Index(header.iloc[0].dropna()))

    def chunks(self) -> Iterator[tuple[int, TakeRows]]:
        with warnings.catch_warnings():
            # A row longer than the header would lose its end or move every column by one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            options = {"keep_default_na": False, "na_values": [""], "index_col": False, "low_memory": False}
            texts = dict.fromkeys(self._texts, str)
            with pd.read_csv(self.path, chunksize=self.chunk_rows, dtype=texts, **options) as reader:
                for frame in reader:
                    self._begin(frame.columns, str(self.path))
                    for column, seen in enumerate(self.seen):
                        self._note(seen, frame.iloc[:, column])
                    yield len(frame), frame.take

    def _note(self, seen: SeenColumn, values: pd.Series) -> None:
        """Take notice of a column; what is no number, truth or date throughout is text."""
        if values.dtype.kind == "i" and (values < 0).any():
            self._negative.add(values.name)
        is_huge = isinstance(seen.dtype, np.dtype) and {seen.dtype.kind, values.dtype.kind} == {"i", "u"}
        is_text = values.name in self._texts or not seen.note(values)
        # Numbers below 0 and above 2**63 fit into no integer together, and pandas leaves them as they stand.
        if is_huge and not is_text:
            is_text, seen.dtype = values.name in self._negative, np.dtype(np.uint64)
        if is_text:
            self._texts.add(values.name)
            seen.dtype = np.dtype(object)
        dates = self._dates.setdefault(values.name, set())
        if "text" in dates or not values.notna().any():
            return
        is_string = pd.api.types.infer_dtype(values, skipna=True) == "string"
        parsed = parse_dates(values) if is_string else values
        dates.add(str(parsed.dtype) if is_string and parsed.dtype.kind == "M" else "text")


class ParquetStream(TableStream):
    """Parquet files one after another, read as ``pandas.read_parquet`` reads one.

    Parameters
    ----------
    paths : list of Path
        Files of the same columns.
    chunk_rows : int
    """

    def __init__(self, paths: list[Path], chunk_rows: int = ROWS_PER_CHUNK) -> None:
        super().__init__()
        self.paths, self.chunk_rows = paths, chunk_rows

    def chunks(self) -> Iterator[tuple[int, TakeRows]]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise MissingDependencyError("Parquet needs pyarrow; run: pip install pyarrow") from error
        for path in self.paths:
            try:
                # Read ahead, all of the file's bytes would be held until its end.
                with pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_READ_BYTES) as file:
                    self._note_schema(file.schema_arrow, path)
                    for batch in file.iter_batches(self.chunk_rows):
                        yield len(batch), self._take_from(batch, path)
            except (ValueError, OSError, pyarrow.ArrowException) as error:
                if isinstance(error, InvalidInputError):
                    raise
                raise _unreadable(path, error) from error
        pyarrow.default_memory_pool().release_unused()  # what reading took is training's now

    def _note_schema(self, schema: Any, path: Path) -> None:
        empty = _to_frame(schema.empty_table())
        check_unique(path, empty.columns)
        self._begin(empty.columns, str(path))
        for place, (name, dtype) in enumerate(empty.dtypes.items()):
            if isinstance(dtype, pd.CategoricalDtype):
                continue  # noted with the values: a schema doesn't hold the categories
            kind = str(schema.field(str(name)).type) if str(name) in schema.names else ""
            content = "string" if "string" in kind else kind
            if kind == "null":
                self.seen[place].note_dtype(None, False, blank=dtype)
            elif not self.seen[place].note_dtype(dtype, False, content if dtype == np.dtype(object) else None):
                self._refuse(place, dtype, str(path))

    def _take_from(self, batch: Any, path: Path) -> TakeRows:
        """Return a way to some rows of ``batch``, which leaves the others in Arrow's form."""
        assert self.names is not None
        fields = batch.schema.names
        whole = _to_frame(batch) if any(str(kind).startswith("dictionary") for kind in batch.schema.types) else None
        for place, name in enumerate(self.names):
            if whole is not None and isinstance(whole.dtypes.iloc[place], pd.CategoricalDtype):
                if not self.seen[place].note(whole.iloc[:, place]):
                    self._refuse(place, whole.dtypes.iloc[place], str(path))
            elif str(name) in fields:
                self.seen[place].has_missing |= batch.column(fields.index(str(name))).null_count > 0
        return whole.take if whole is not None else lambda rows: _to_frame(batch.take(rows))


def _to_frame(batch: Any) -> pd.DataFrame:
    """Return Arrow's rows as pandas would; an index with a name is data too."""
    frame: pd.DataFrame = batch.to_pandas()
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def open_path(path: Path, chunk_rows: int = ROWS_PER_CHUNK) -> TableStream:
    """Return the stream of a file, or of a folder of Parquet files."""
    name = path.name.lower()
    if path.is_dir():
        return ParquetStream(_list_folder(path), chunk_rows)
    if not name.endswith(SUFFIXES):
        raise InvalidInputError(f"{str(path)!r} ends in none of {', '.join(SUFFIXES)}; save the table as one of these.")
    if not path.is_file():
        raise InvalidInputError(f"{str(path)!r} does not exist; give the path of a file or a folder of Parquet files.")
    if path.stat().st_size == 0:
        raise InvalidInputError(f"{str(path)!r} is an empty file; write the table again.")
    return ParquetStream([path], chunk_rows) if name.endswith(".parquet") else CsvStream(path, chunk_rows)


def _list_folder(folder: Path) -> list[Path]:
    """Return a folder's Parquet files by name; what begins with "." or "_" is other programs' business."""
    found = [path.relative_to(folder) for path in sorted(folder.rglob("*.parquet")) if path.is_file()]
    found = [path for path in found if not any(part.startswith((".", "_")) for part in path.parts)]
    if not found:
        raise InvalidInputError(f"{str(folder)!r} is a folder without Parquet files; name one that holds some.")
    divided = [part for path in found for part in path.parts[:-1] if "=" in part]
    if divided:
        raise InvalidInputError(
            f"{str(folder)!r} is divided by a column ({divided[0]!r}), which the files themselves lack. Give the "
            "frames that your own reader makes of it, as an iterator."
        )
    return [folder / path for path in found]


def _unreadable(path: Path, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"{str(path)!r} can't be read ({type(error).__name__}: {error}); check that it is complete, and that a CSV "
        "file is UTF-8 with a header and commas."
    )
