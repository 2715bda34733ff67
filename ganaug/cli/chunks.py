"""Tables that may be larger than memory: read and written a chunk at a time, values kept as they stand in the file."""

import contextlib
import gzip
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")


class TableReader:
    """Read a file a chunk at a time: all of CSV as text, Parquet in its own types; missing where a cell is empty.

    Parameters
    ----------
    path : Path
        .csv, .csv.gz or .parquet.

    Attributes
    ----------
    names : list of str
        The columns, called as `load_table` calls them.
    header : list of str
        What stands above them in the file: a CSV file may leave a name out.
    metadata : dict or None
        What a Parquet file says of itself; it tells pandas its own types and index.
    share : float
        How much of the file is read.
    """

    def __init__(self, path: Path) -> None:
        if not path.name.lower().endswith(SUFFIXES):
            raise InvalidInputError(f"{path}: the name must end in {', '.join(SUFFIXES)}.")
        if not path.is_file():
            raise InvalidInputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; name a file.")
        self.path, self.share = path, 0.0
        self.metadata: dict[bytes, bytes] | None = None
        with self._one_error():
            self.header = self._read_header()
        repeated = [name for place, name in enumerate(self.header) if name and name in self.header[:place]]
        if repeated:
            raise InvalidInputError(f"{path} has two columns named {repeated[0]!r}; rename one.")
        self.names = [name or f"Unnamed: {place}" for place, name in enumerate(self.header)]

    @property
    def _is_parquet(self) -> bool:
        return self.path.suffix.lower() == ".parquet"

    @property
    def _compression(self) -> str | None:
        return "gzip" if self.path.suffix.lower() == ".gz" else None

    def _read_header(self) -> list[str]:
        if self._is_parquet:
            import pyarrow.parquet

            schema = pyarrow.parquet.read_schema(self.path)
            self.metadata = schema.metadata
            return list(schema.names)
        import pandas as pd

        first = pd.read_csv(
            self.path, header=None, nrows=1, dtype=str, keep_default_na=False, compression=self._compression
        )
        return first.iloc[0].tolist()

    def chunks(self, size: int) -> "Iterator[pd.DataFrame]":
        """Give the rows in frames of at most ``size``; the index goes on from frame to frame."""
        self.share = 0.0
        frames = self._parquet_frames(size) if self._is_parquet else self._csv_frames(size)
        n_read = 0
        while True:
            with self._one_error():
                frame = next(frames, None)
            if frame is None:
                break
            yield frame.set_axis(range(n_read, n_read + len(frame)))
            n_read += len(frame)
        self.share = 1.0

    def _parquet_frames(self, size: int) -> "Iterator[pd.DataFrame]":
        import pandas as pd
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(self.path) as file:
            n_read = 0
            for batch in file.iter_batches(size):
                n_read += len(batch)
                self.share = n_read / file.metadata.num_rows
                # By the file's types, whatever the batch holds: whole numbers stay so beside missing ones.
                yield batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)

    def _csv_frames(self, size: int) -> "Iterator[pd.DataFrame]":
        import pandas as pd

        with open(self.path, "rb") as file:
            reader = pd.read_csv(
                file,
                dtype="string[pyarrow]",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                chunksize=size,
                compression=self._compression,
            )
            for frame in reader:
                self.share = file.tell() / max(1, os.fstat(file.fileno()).st_size)
                yield frame

    @contextlib.contextmanager
    def _one_error(self) -> Iterator[None]:
        """Say of whatever pandas and pyarrow complain of that the file can't be read."""
        from zlib import error as ZlibError

        import pandas as pd

        try:
            with warnings.catch_warnings():
                # A row longer than the header would lose its end.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                yield
        except (ValueError, EOFError, OSError, ZlibError, pd.errors.ParserWarning) as error:
            raise InvalidInputError(
                f"{self.path} can't be read as a table ({type(error).__name__}: {error}); check that it is complete, "
                "and that a CSV file is UTF-8 with a header and commas."
            ) from error


class TableWriter(contextlib.AbstractContextManager["TableWriter"]):
    """Write a table in chunks under a temporary name; it gets its own once all of it is there.

    Parameters
    ----------
    path : Path
        .csv, .csv.gz or .parquet.
    header : sequence of str, optional
        What to write above the columns of a CSV file; their names, without it.
    metadata : dict, optional
        Of a Parquet file.
    """

    def __init__(
        self, path: Path, header: Sequence[str] | None = None, metadata: dict[bytes, bytes] | None = None
    ) -> None:
        self.path, self.header, self.metadata = path, header, metadata
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._open = contextlib.ExitStack()
        self._target: Any = None

    def __enter__(self) -> "TableWriter":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, chunk: "pd.DataFrame") -> None:
        """Append the rows of ``chunk``."""
        if self.path.suffix.lower() == ".parquet":
            self._write_parquet(chunk)
            return
        is_first = self._target is None
        if is_first:
            self._target = self._open_text()
        header = list(self.header or chunk.columns)
        chunk.to_csv(self._target, index=False, header=header if is_first else False, lineterminator="\n")

    def _open_text(self) -> IO[Any]:
        if self.path.suffix.lower() != ".gz":
            return self._open.enter_context(open(self._temporary, "w", encoding="utf-8", newline=""))
        # Without name and time in the archive, the same records give the same bytes.
        file = self._open.enter_context(open(self._temporary, "wb"))
        archive = self._open.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        return self._open.enter_context(io.TextIOWrapper(archive, encoding="utf-8", newline=""))

    def _write_parquet(self, chunk: "pd.DataFrame") -> None:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.Table.from_pandas(chunk, preserve_index=False).replace_schema_metadata(self.metadata)
        if self._target is None:
            self._target = self._open.enter_context(pyarrow.parquet.ParquetWriter(self._temporary, table.schema))
        self._target.write_table(table)

    def __exit__(self, kind: Any, *details: Any) -> None:
        try:
            self._open.close()
            if kind is None and self._target is not None:
                os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)
