"""The table encoder: a table in, integer levels and positions out, and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_array, check_is_fitted

from ganaug.exceptions import InvalidInputError
from ganaug.tabular.codes import (
    Codes,
    ModeledColumn,
    column_from_state,
    decode_table,
    encode_table,
    split_sums,
    with_levels,
)
from ganaug.tabular.columns import Column, IdentifierColumn, UniformNoise
from ganaug.tabular.frames import TableFormat
from ganaug.tabular.learning import check_any, check_memory, choose_bins, learn_column


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn any table into numbers, one per column, and numbers back into the table.

    A column becomes **levels**: a level is a category, a frequent number, a bin of numbers (or times), "missing", or
    "other" (all rare categories together). The code of a value is its level plus its position inside the bin, between
    0 and 1; where a level is no bin, plus 0.5. So ``floor(code)`` is the level, codes are in the order of the numbers
    (and of ordered categories), and a bin's codes are spread evenly, however skewed the column is. Only around a
    frequent number that lies inside a bin does the order break: its level stands behind that bin.

    Parameters
    ----------
    max_categories : int, default=200
        Categories per column that keep a level of their own; the rarest others share one.
    max_bins : int or "auto", default="auto"
        Bins for a column of many distinct numbers; "auto" grows with the table, from 5 to 32 (at 10,000 rows).
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Columns to treat as categories: names, indices or a boolean mask. By default text, booleans and categorical
        dtypes.
    schema : dict or None, default=None
        Kind of columns, ``{column: "number" | "category" | "datetime" | "identifier"}``, where the dtype does not tell.

    Attributes
    ----------
    columns_ : list
        What is known of each column, in the table's order.
    modeled_ : list
        The columns that have levels: all but identifiers, which ``transform`` leaves out.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from ganaug.tabular import TableEncoder
    >>> table = pd.DataFrame({"city": ["Rome", "Oslo", None], "age": [30, 40, 30]})
    >>> encoder = TableEncoder().fit(table)
    >>> codes = encoder.transform(table)
    >>> codes
    array([[0.5, 0.5],
           [1.5, 1.5],
           [2.5, 0.5]])
    >>> np.floor(codes[:, 0])  # the levels of "city": Rome, Oslo, missing
    array([0., 1., 2.])
    >>> encoder.transform(pd.DataFrame({"city": ["Paris"], "age": [40]}))  # never seen in fit
    array([[nan, 1.5]])
    >>> encoder.inverse_transform(codes).equals(table)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_categories": [Interval(Integral, 2, None, closed="left")],
        "max_bins": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "categorical_features": ["array-like", StrOptions({"from_dtype"})],
        "schema": [dict, None],
    }

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the levels of each column.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Any mix of numbers, categories, booleans, dates, times and missing values.
        y : ignored

        Returns
        -------
        self
        """
        table_format, table = TableFormat.learn(self, X, None)
        return self.learn(table, table_format)

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes: level plus position.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out), float64
            NaN where a value was never seen in ``fit``: a new category, a number out of range by more than 5 % of it,
            a missing value in a column that had none. Identifiers have no codes and are left out.
        """
        check_is_fitted(self)
        codes = self.encode(self.format_.check(self, X, None))
        summed = np.where(codes.levels < 0, np.nan, codes.levels + codes.positions)
        return summed[:, : len(self._coded())]

    def inverse_transform(self, X: Any) -> Any:
        """Return the table that codes stand for.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features_out)
            As ``transform`` returns them. A code out of range stands for the nearest level; NaN for a missing value,
            which is an error in a column that had none in ``fit``.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features)
            What ``fit`` was given, with its columns, order and dtypes. Categories come back exactly, except that the
            rarest ones, if they share a level, are drawn by their frequency; numbers of a bin, to within its quantiles;
            identifiers are made up anew.
        """
        check_is_fitted(self)
        array = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", estimator=self, input_name="X")
        coded = self._coded()
        if array.shape[1] != len(coded):
            raise InvalidInputError(
                f"X has {array.shape[1]} columns, but there are codes for {len(coded)}: "
                f"{[column.name for column in coded]}. Give what transform returns."
            )
        levels = np.zeros((len(array), len(self.modeled_)), dtype=np.int64)
        positions = np.full(levels.shape, 0.5)
        for place, column in enumerate(coded):
            levels[:, place], positions[:, place] = split_sums(array[:, place], column)
        table = self.decode(Codes(levels, positions))
        if isinstance(X, pd.DataFrame):
            table.index = X.index
        return self.format_.restore(table, return_y=False)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that have codes.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns, where ``fit`` was given none.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        features = self.columns_[: len(self.format_.columns)]
        return names[[not isinstance(column, IdentifierColumn) for column in features]]

    def learn(
        self, table: pd.DataFrame, table_format: TableFormat, on_column: Callable[[int, int], None] | None = None
    ) -> Self:
        """Learn levels from a table that was validated; ``on_column(done, total)`` is told of the progress.

        A target, if the format has one, is the last column and has levels too; ``transform`` leaves it out.
        """
        categorical = table_format.resolve_columns(self.categorical_features)
        wanted = {} if isinstance(categorical, str) else dict.fromkeys(categorical, "category")
        wanted |= table_format.check_schema(self.schema, table)
        self.n_bins_ = choose_bins(len(table)) if isinstance(self.max_bins, str) else int(self.max_bins)
        columns: list[Column] = []
        for place, (name, values) in enumerate(table.items()):
            columns.append(learn_column(values, wanted.get(name), self.max_categories, self.n_bins_))
            if on_column is not None:
                on_column(place + 1, table.shape[1])
        check_any(columns)
        check_memory(with_levels(columns), len(table))
        return self._set_learned(columns, table_format)

    @property
    def modeled_(self) -> list[ModeledColumn]:
        """The columns that have levels (all but identifiers), in order."""
        return with_levels(self.columns_)

    def encode(self, table: pd.DataFrame, rng: np.random.Generator | None = None) -> Codes:
        """Return the codes of ``table``'s modeled columns; with ``rng``, repeated numbers are spread out."""
        return encode_table(self.columns_, table, rng)

    def decode(self, codes: Codes, rng: np.random.Generator | None = None, first_row: int = 0) -> pd.DataFrame:
        """Return the table that ``codes`` stand for; identifiers are made up, starting at ``first_row``."""
        noise = np.random.default_rng(0) if rng is None else rng
        return self.decode_columns(
            lambda place: (codes.levels[:, place], codes.positions[:, place]), len(codes), noise, first_row
        )

    def decode_columns(
        self,
        codes_of: Callable[[int], tuple[np.ndarray, np.ndarray]],
        n_rows: int,
        noise: UniformNoise,
        first_row: int = 0,
    ) -> pd.DataFrame:
        """Return the table whose modeled columns' levels and positions (n,) ``codes_of(place)`` gives."""
        return decode_table(self.columns_, codes_of, n_rows, noise, first_row)

    def to_state(self) -> dict[str, Any]:
        """Return plain values and arrays from which ``from_state`` builds the same encoder."""
        columns = [{"kind": column.kind, **asdict(column)} for column in self.columns_]
        return self.get_params(deep=False) | {"columns": columns}

    @classmethod
    def from_state(cls, state: dict[str, Any], table_format: TableFormat) -> Self:
        """Undo ``to_state``; the format of the table is kept elsewhere."""
        params = {name: state[name] for name in cls._get_param_names() if name in state}
        return cls(**params)._set_learned([column_from_state(saved) for saved in state["columns"]], table_format)

    def _set_learned(self, columns: list[Column], table_format: TableFormat) -> Self:
        """Keep what was learned, with the names under which scikit-learn looks for it."""
        self.columns_, self.format_ = columns, table_format
        self.n_features_in_ = len(table_format.columns)
        if table_format.array_dtype is None and all(isinstance(name, str) for name in table_format.columns):
            self.feature_names_in_ = np.array(table_format.columns, dtype=object)
        return self

    def _coded(self) -> list[ModeledColumn]:
        """Return the columns of ``transform``'s answer."""
        return [column for column in self.modeled_ if column.name in self.format_.columns]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
