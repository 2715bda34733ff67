"""A table that comes in chunks."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from ganaug.exceptions import InvalidInputError
from ganaug.files import check_unique
from ganaug.tabular.dtypes import SeenColumn, join_parts
from ganaug.tabular.reservoir import Reservoir, TakeRows


class TableStream(ABC):
    """A table that comes in chunks, and the dtypes that it would have in one piece."""

    def __init__(self) -> None:
        self.names: pd.Index | None = None
        self.seen: list[SeenColumn] = []

    @abstractmethod
    def chunks(self) -> Iterator[tuple[int, TakeRows]]:
        """Give, chunk by chunk, the number of rows and a way to some of them; ``seen`` is brought up to date."""

    def read(self, max_rows: int | None, seed: int) -> tuple[pd.DataFrame, int]:
        """Return a uniform sample of at most ``max_rows`` rows, in their order, and the number of all rows."""
        kept = Reservoir(max_rows, seed, lambda place, parts: join_parts(parts, self.seen[place].whole))
        for n_rows, take in self.chunks():
            kept.add(n_rows, take)
        if self.names is None or not len(self.names):
            raise InvalidInputError("X holds no table. Give at least one chunk of rows.")
        return kept.table(), kept.n_rows

    def _begin(self, names: pd.Index, where: str) -> None:
        """Take the first chunk's names; refuse later ones that differ."""
        if self.names is None:
            self.names, self.seen = names, [SeenColumn() for _ in names]
        elif list(names) != list(self.names):
            absent = [name for name in self.names if name not in names]
            new = [name for name in names if name not in self.names]
            raise InvalidInputError(
                f"{where} has other columns than those before: it lacks {absent} and adds {new}. "
                "Give all chunks the same columns."
            )

    def _refuse(self, place: int, dtype: Any, where: str) -> None:
        assert self.names is not None
        seen = self.seen[place]
        raise InvalidInputError(
            f"Column {self.names[place]!r} is {dtype} in {where}, but {seen.dtype}"
            f"{f' of {seen.content}s' if seen.content else ''} before. Convert it to one dtype in all chunks."
        )


class FrameStream(TableStream):
    """DataFrames one after another.

    Parameters
    ----------
    frames : iterable of DataFrame
        Gone through once.
    """

    def __init__(self, frames: Iterable[Any]) -> None:
        super().__init__()
        self.frames = frames

    def chunks(self) -> Iterator[tuple[int, TakeRows]]:
        for place, frame in enumerate(self.frames):
            where = f"chunk {place} (counted from 0)"
            if not isinstance(frame, pd.DataFrame):
                raise InvalidInputError(f"X gives a {type(frame).__name__} as {where}; give DataFrames only.")
            if self.names is not None and set(frame.columns) == set(self.names):
                frame = frame[self.names]
            self._begin(frame.columns, where)
            check_unique("X", frame.columns)
            for column, seen in enumerate(self.seen):
                values = frame.iloc[:, column]
                if not seen.note(values):
                    self._refuse(column, values.dtype, where)
            yield len(frame), frame.take
