"""What the user gave, as a DataFrame inside; and what the user gets back, in the form that was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from ganaug.exceptions import InvalidInputError
from ganaug.tabular.kinds import KINDS, kind_from_dtype


@dataclass(frozen=True)
class TableFormat:
    """Form of the table that ``fit`` was given.

    Attributes
    ----------
    columns : list
        Names of the features; ``x0``, ``x1``, ... for arrays.
    array_dtype : str or None
        Of an array; None for a frame.
    index_names, is_multi : list or None, bool
        Names of the levels of a frame's columns, and whether they are a MultiIndex.
    target : name or None
        The column that ``y`` became, after the features.
    target_dtype : str or None
        Of an array ``y``; None for a Series.
    """

    columns: list[Any]
    array_dtype: str | None
    index_names: list[Any] | None = None
    is_multi: bool = False
    target: Any = None
    target_dtype: str | None = None

    @classmethod
    def learn(cls, estimator: Any, X: Any, y: Any) -> tuple["TableFormat", pd.DataFrame]:
        """Validate training data; return their format and one table with ``y`` as the last column."""
        table, array_dtype = _as_table(estimator, X, reset=True)
        columns = list(table.columns)
        if y is None:
            return cls(columns, array_dtype, *_index_form(X)), table
        target = _as_target(y, len(table))
        if target.name in columns:
            raise InvalidInputError(
                f"y is called {target.name!r}, and X has a column of that name too. Drop it from X or rename y."
            )
        target_dtype = None if isinstance(y, pd.Series) else str(target.dtype)
        return cls(columns, array_dtype, *_index_form(X), target.name, target_dtype), _join(table, target)

    def check(self, estimator: Any, X: Any, y: Any) -> pd.DataFrame:
        """Validate new data; return a table whose target, if it is not given, is missing."""
        table, _ = _as_table(estimator, X, reset=False, columns=self.columns)
        if y is not None and self.target is None:
            raise InvalidInputError("y was given, but fit was given none. Leave it out.")
        if self.target is not None:
            target = pd.Series([None] * len(table), dtype=object) if y is None else _as_target(y, len(table))
            table = _join(table, target.rename(self.target))
        return table

    def restore(self, table: pd.DataFrame, return_y: bool) -> Any:
        """Return ``table`` (with the target as the last column, if there is one) as ``fit`` was given it."""
        features = table.iloc[:, : len(self.columns)]
        if self.array_dtype is None:
            X = features.copy(deep=False)  # set_axis would copy every column
            X.columns = self._index()
        else:
            X = features.to_numpy(dtype=self.array_dtype)
        if not return_y:
            return X
        y = table.iloc[:, -1]
        return X, (y.to_numpy(dtype=self.target_dtype) if self.target_dtype else y)

    def _index(self) -> pd.Index:
        names = self.index_names or [None]
        if self.is_multi:
            return pd.MultiIndex.from_tuples(self.columns, names=names)
        return pd.Index(self.columns, name=names[0], tupleize_cols=False)

    def resolve_columns(self, wanted: str | Sequence[Any]) -> str | list[Any]:
        """Return the names that ``categorical_features`` means: names, indices or a boolean mask."""
        if isinstance(wanted, str):
            return wanted
        chosen = np.asarray(wanted, dtype=None if len(wanted) else object)
        if chosen.dtype == bool:
            if len(chosen) != len(self.columns):
                raise InvalidInputError(
                    f"categorical_features is a mask of {len(chosen)} values for {len(self.columns)} columns."
                )
            return [name for name, is_chosen in zip(self.columns, chosen, strict=True) if is_chosen]
        return [self._find(name) for name in wanted]

    def check_schema(self, schema: Mapping[Any, str] | None, table: pd.DataFrame) -> dict[Any, str]:
        """Return the schema by column name; a target of texts is never taken for an identifier."""
        named = {self._find(name): kind for name, kind in (schema or {}).items()}
        for name, kind in named.items():
            if kind not in KINDS:
                raise InvalidInputError(f"schema[{name!r}] is {kind!r}; it must be one of {list(KINDS)}.")
        if self.target is not None and kind_from_dtype(table.iloc[:, -1]) == "text":
            named.setdefault(self.target, "category")
        return named

    def _find(self, name: Any) -> Any:
        names = self.columns if self.target is None else [*self.columns, self.target]
        if name in names:
            return name
        if isinstance(name, int | np.integer) and -len(self.columns) <= name < len(self.columns):
            return self.columns[name]
        raise InvalidInputError(f"There is no column {name!r}. The table has {names}.")


def check_names(table: pd.DataFrame) -> None:
    """Refuse a table in which two columns have the same name."""
    repeated = table.columns[table.columns.duplicated()].tolist()
    if repeated:
        raise InvalidInputError(f"Column names must differ, but {repeated!r} occur more than once. Rename them.")


def _index_form(X: Any) -> tuple[list[Any] | None, bool]:
    if not isinstance(X, pd.DataFrame):
        return None, False
    return list(X.columns.names), isinstance(X.columns, pd.MultiIndex)


def _join(table: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """Append the target as the last column, whatever the names."""
    joined = pd.concat([table, target.set_axis(table.index)], axis=1)
    return joined.set_axis(pd.Index([*table.columns, target.name], tupleize_cols=False), axis=1)


def _as_table(estimator: Any, X: Any, reset: bool, columns: list[Any] | None = None) -> tuple[pd.DataFrame, str | None]:
    """Return the features as a frame, and the dtype of the array they were (None for a frame)."""
    if isinstance(X, pd.DataFrame):
        check_names(X)
        _check_frame(X, columns)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        table = X.copy(deep=False)  # nothing is written into it: a table may fill half of the memory
        given = list(X.columns)
        if columns is not None and given != columns:  # scikit-learn compares names that are strings, and no others
            table = table.iloc[:, [given.index(name) for name in columns]]
        table.index = pd.RangeIndex(len(X))
        return table, None
    minimum = 2 if reset else 1
    array = validate_data(
        estimator, X, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=minimum
    )
    names = columns or [f"x{place}" for place in range(array.shape[1])]
    table = pd.DataFrame(array, columns=names)
    return (table.infer_objects() if array.dtype == object else table), str(array.dtype)


def _check_frame(X: pd.DataFrame, columns: list[Any] | None) -> None:
    if X.shape[1] == 0:
        raise InvalidInputError(f"X has 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
    if columns is None:
        if len(X) < 2:
            raise InvalidInputError(f"X has {len(X)} sample(s) (shape={X.shape}) while a minimum of 2 is required.")
        return
    absent = [name for name in columns if name not in X.columns]
    if absent:
        raise InvalidInputError(f"X lacks the columns {absent} that fit was given. It has {list(X.columns)}.")


def _as_target(y: Any, n_rows: int) -> pd.Series:
    if isinstance(y, pd.Series):
        target = y.reset_index(drop=True).rename("target" if y.name is None else y.name)
    else:
        target = pd.Series(column_or_1d(y, warn=True), name="target").infer_objects()
    check_consistent_length(np.empty(n_rows), target)
    if target.isna().any():
        raise InvalidInputError(f"y contains NaN ({int(target.isna().sum())} missing values). Drop those rows.")
    return target
