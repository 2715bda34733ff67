"""Codes: a table as levels and positions, column by column, and back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidInputError
from ganaug.tabular.columns import CategoryColumn, Column, IdentifierColumn, NumberColumn, UniformNoise
from ganaug.tabular.forms import NumberForm

ModeledColumn = CategoryColumn | NumberColumn


@dataclass(frozen=True)
class Codes:
    """An encoded table: ``levels`` (n, columns) int64 and ``positions`` (n, columns) float64."""

    levels: np.ndarray
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.levels)

    def take(self, rows: np.ndarray) -> "Codes":
        """Return the codes of some rows."""
        return Codes(self.levels[rows], self.positions[rows])


def with_levels(columns: Sequence[Column]) -> list[ModeledColumn]:
    """Return the columns that have levels: all but identifiers."""
    return [column for column in columns if not isinstance(column, IdentifierColumn)]


def encode_table(columns: Sequence[Column], table: pd.DataFrame, rng: np.random.Generator | None) -> Codes:
    """Return the codes of ``table``, whose columns are in the order of ``columns``."""
    names = [column.name for column in columns]
    encoded = [encode_column(column, table.iloc[:, names.index(column.name)], rng) for column in with_levels(columns)]
    return Codes(
        np.stack([levels for levels, _ in encoded], axis=1),
        np.stack([positions for _, positions in encoded], axis=1),
    )


def decode_table(
    columns: Sequence[Column],
    codes_of: Callable[[int], tuple[np.ndarray, np.ndarray]],
    n_rows: int,
    noise: UniformNoise,
    first_row: int,
) -> pd.DataFrame:
    """Return the table that codes stand for; identifiers are made up, starting at ``first_row``.

    ``codes_of(place)`` gives levels and positions (n,) of one column: it is asked for one after another, so that a
    long table's codes need never be there in full width.
    """
    decoded, place = [], 0
    for column in columns:
        if isinstance(column, IdentifierColumn):
            decoded.append(column.make(first_row, n_rows, noise))
            continue
        decoded.append(column.decode(*codes_of(place), noise))
        place += 1
    table = pd.DataFrame(dict(enumerate(decoded)), copy=False)  # pandas.concat would copy every column
    table.columns = pd.Index([column.name for column in columns], tupleize_cols=False)
    return table


def split_sums(sums: np.ndarray, column: ModeledColumn) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels (n,) and positions (n,) whose sums a user gives for one column; NaN is "missing"."""
    unknown = np.isnan(sums)
    if unknown.any() and not column.has_missing:
        raise InvalidInputError(
            f"The code of column {column.name!r} is NaN in row {int(unknown.argmax())}, which stands for a missing "
            "value, but the column had none in fit. Fill it in or drop the row."
        )
    known = np.where(unknown, column.n_levels - 1, sums)  # "missing" is the last level, where there is one
    inside = np.clip(known, 0.0, np.nextafter(column.n_levels, 0.0))
    levels = np.floor(inside).astype(np.int64)
    return levels, inside - levels


def column_from_state(state: dict[str, Any]) -> Column:
    """Return the column whose ``asdict``, with its ``kind``, is ``state``."""
    classes = {"category": CategoryColumn, "number": NumberColumn, "identifier": IdentifierColumn}
    content = {name: value for name, value in state.items() if name != "kind"}
    if "form" in content:
        content["form"] = NumberForm(**content["form"])
    column: Column = classes[state["kind"]](**content)
    return column


def encode_column(
    column: ModeledColumn, values: pd.Series, rng: np.random.Generator | None, clip: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return level codes (n,) and positions (n,); with ``clip``, numbers out of range go to its nearest end."""
    with _explained(column):
        if clip and isinstance(column, NumberColumn):
            return column.encode(values, rng, clip=True)
        return column.encode(values, rng)


def as_numbers(column: ModeledColumn, values: pd.Series) -> np.ndarray:
    """Return a column as float64 numbers, (n,), each value by itself: categories as whole ones, NaN where missing."""
    with _explained(column):
        if isinstance(column, NumberColumn):
            return column.form.to_axis(values)
        known = pd.Index([*column.categories, *column.others], dtype=object)
        codes = known.get_indexer(pd.Index(values.to_numpy(dtype=object), dtype=object))
        return np.where(values.isna(), np.nan, np.where(codes < 0, len(known), codes))


@contextmanager
def _explained(column: ModeledColumn) -> Iterator[None]:
    """Say of which column values are of another kind than those that were learned."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInputError(
            f"Column {column.name!r} holds values that were no {column.kind} values in training: {error}. "
            "Convert it to what fit was given."
        ) from error
