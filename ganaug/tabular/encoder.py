"""The table encoder: a DataFrame in, integer levels and positions out, and back."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import DataWarning, InvalidInputError, TableTooWideError
from ganaug.plain import encode
from ganaug.tabular.columns import CategoryColumn, Column, IdentifierColumn, NumberColumn
from ganaug.tabular.forms import NumberForm, learn_form
from ganaug.tabular.kinds import TIME_KINDS, kind_from_dtype
from ganaug.tabular.times import find_text_format

KINDS = ("number", "category", "datetime", "identifier")
_FLOATS_PER_LEVEL = 6 * 200
"""Weights per level (embedding, output, discriminator) times copies (gradient, two moments, average, snapshots)."""


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


class TableEncoder:
    """Turn the columns of a table into levels, and levels back into the table.

    Parameters
    ----------
    max_categories : int, default=200
        Categories per column that keep a level of their own; the rarest others share one.
    max_bins : int or "auto", default="auto"
        Bins for a column of many distinct numbers; "auto" grows with the table, from 5 to 32 (at 10,000 rows).
    categorical_features : "from_dtype" or list of names, default="from_dtype"
        Columns to treat as categories whatever their dtype.
    schema : dict, optional
        Kind per column ("number", "category", "datetime", "identifier"), where the dtype doesn't tell.

    Attributes
    ----------
    columns_ : list of columns, in the table's order

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"city": ["Rome", "Oslo", None], "age": [30, 40, 30]})
    >>> encoder = TableEncoder().fit(table)
    >>> codes = encoder.encode(table)
    >>> codes.levels.tolist()
    [[0, 0], [1, 1], [2, 0]]
    >>> encoder.decode(codes).equals(table)
    True
    """

    def __init__(
        self,
        *,
        max_categories: int = 200,
        max_bins: int | str = "auto",
        categorical_features: str | Sequence[Any] = "from_dtype",
        schema: Mapping[Any, str] | None = None,
    ) -> None:
        self.max_categories = max_categories
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.schema = schema

    def fit(self, table: pd.DataFrame, on_column: Callable[[int, int], None] | None = None) -> "TableEncoder":
        """Learn levels from ``table``; ``on_column(done, total)`` is told of the progress."""
        check_names(table)
        columns: list[Column] = []
        self.n_bins_ = self.max_bins if isinstance(self.max_bins, int) else _choose_bins(len(table))
        for place in range(table.shape[1]):
            columns.append(self._learn(table.iloc[:, place]))
            _check_way_back(columns[-1], table.iloc[:, place])
            if on_column is not None:
                on_column(place + 1, table.shape[1])
        self.columns_ = columns
        if not self.modeled_:
            raise InvalidInputError(
                f"Every column of the table looks like an identifier ({list(table.columns)}), so there is nothing "
                "to learn. Say what they are with schema={column: 'category'}."
            )
        _check_memory(self.modeled_, len(table))
        return self

    @property
    def modeled_(self) -> list[CategoryColumn | NumberColumn]:
        """The columns that have levels (all but identifiers), in order."""
        return [column for column in self.columns_ if not isinstance(column, IdentifierColumn)]

    def encode(self, table: pd.DataFrame, rng: np.random.Generator | None = None) -> Codes:
        """Return the codes of ``table``'s modeled columns; with ``rng``, repeated numbers are spread out."""
        names = [column.name for column in self.columns_]
        encoded = [_encode(column, table.iloc[:, names.index(column.name)], rng) for column in self.modeled_]
        return Codes(
            np.stack([levels for levels, _ in encoded], axis=1),
            np.stack([positions for _, positions in encoded], axis=1),
        )

    def decode(self, codes: Codes, rng: np.random.Generator | None = None, first_row: int = 0) -> pd.DataFrame:
        """Return the table that ``codes`` stand for; identifiers are made up, starting at ``first_row``."""
        rng = np.random.default_rng(0) if rng is None else rng
        decoded, place = [], 0
        for column in self.columns_:
            if isinstance(column, IdentifierColumn):
                decoded.append(column.make(first_row, len(codes), rng))
                continue
            decoded.append(column.decode(codes.levels[:, place], codes.positions[:, place], rng))
            place += 1
        table = pd.concat(decoded, axis=1)
        table.columns = pd.Index([column.name for column in self.columns_], tupleize_cols=False)
        return table

    def to_state(self) -> dict[str, Any]:
        """Return plain values and arrays from which ``from_state`` builds the same encoder."""
        columns = []
        for column in self.columns_:
            state = asdict(column)
            columns.append({"kind": column.kind, **state})
        return {"max_categories": self.max_categories, "max_bins": self.max_bins, "columns": columns}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "TableEncoder":
        """Undo ``to_state``."""
        encoder = cls(max_categories=state["max_categories"], max_bins=state["max_bins"])
        classes = {"category": CategoryColumn, "number": NumberColumn, "identifier": IdentifierColumn}
        encoder.columns_ = []
        for saved in state["columns"]:
            content = {name: value for name, value in saved.items() if name != "kind"}
            if "form" in content:
                content["form"] = NumberForm(**content["form"])
            encoder.columns_.append(classes[saved["kind"]](**content))
        return encoder

    def _learn(self, column: pd.Series) -> Column:
        kind, text_format = self._find_kind(column)
        try:
            if kind == "category":
                learned = CategoryColumn.learn(column, self.max_categories)
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
            if not form.is_exact and column.nunique() <= self.max_categories:
                return CategoryColumn.learn(column, self.max_categories)
            return NumberColumn.learn(column, form, self.n_bins_)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"Column {column.name!r} can't be encoded as {kind}: {error}.") from error

    def _find_kind(self, column: pd.Series) -> tuple[str, str | None]:
        """Return ("category" | "identifier" | a form's kind, text format)."""
        wanted = (self.schema or {}).get(column.name)
        if wanted is None and not isinstance(self.categorical_features, str):
            wanted = "category" if column.name in list(self.categorical_features) else None
        found = kind_from_dtype(column)
        if wanted is None and found == "text":
            return self._kind_of_text(column)
        if wanted in ("category", "identifier"):
            return wanted, None
        if wanted == "datetime" or (wanted is None and found == "text"):
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

    def _kind_of_text(self, column: pd.Series) -> tuple[str, str | None]:
        present = column.dropna()
        n_distinct = present.nunique()
        if n_distinct > min(self.max_categories, 20):
            text_format = find_text_format(present)
            if text_format is not None:
                return "text", text_format
        is_identifier = n_distinct > self.max_categories and n_distinct >= 0.9 * len(present)
        return ("identifier" if is_identifier else "category"), None


def _encode(
    column: CategoryColumn | NumberColumn, values: pd.Series, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    try:
        return column.encode(values, rng)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInputError(
            f"Column {column.name!r} holds values that were no {column.kind} values in training: {error}. "
            "Convert it to what fit was given."
        ) from error


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


def _choose_bins(n_rows: int) -> int:
    """Return how many bins a table of ``n_rows`` can fill; positions inside the bins are learned as well."""
    return min(32, max(5, round(n_rows**0.5 / 3)))


def check_names(table: pd.DataFrame) -> None:
    """Refuse a table in which two columns have the same name."""
    repeated = table.columns[table.columns.duplicated()].tolist()
    if repeated:
        raise InvalidInputError(f"Column names must differ, but {repeated!r} occur more than once. Rename them.")


def _check_finite(column: pd.Series, kind: str) -> None:
    if kind == "number" and column.isin([np.inf, -np.inf]).any():
        raise InvalidInputError(
            f"Column {column.name!r} contains infinity (inf), which can't be learned. Replace it by NaN or a number."
        )


def _check_memory(columns: Sequence[CategoryColumn | NumberColumn], n_rows: int) -> None:
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
