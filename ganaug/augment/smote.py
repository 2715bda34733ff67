"""SMOTE for any table: imbalanced-learn's variants, with missing values, dates and tiny classes seen to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
from imblearn.utils import check_sampling_strategy
from sklearn.base import BaseEstimator

from ganaug.adversarial import derive_seed
from ganaug.augment.columns import as_frame, as_numbers, kind_of
from ganaug.exceptions import InvalidInputError
from ganaug.randomness import draw_seed

_MAX_CELLS = 20_000_000
"""Cells at a time of SMOTENC's neighbors, one-hot: 160 MB."""
_MAX_NOMINAL_ROWS = 5_000
"""Rows of a class for SMOTEN, which keeps the distance of every two: 200 MB."""


class TableSMOTE(BaseEstimator):
    """SMOTE, SMOTENC or SMOTEN, as the columns need it.

    Real rows stay as they are. Synthetic ones are made from a copy in which missing numbers and dates are medians, a
    missing category is one of its own, dates are numbers, and numbers are standardized, so that no column's unit
    decides who is whose neighbor. They come back in the dtypes of the real ones.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn.
    k_neighbors : int, default=5
        Fewer where a class has not that many other rows; a single row is repeated.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    notes_ : list of (str, str)
        A key and a sentence for everything that was done differently.
    """

    def __init__(self, sampling_strategy: Any = "auto", k_neighbors: int = 5, random_state: Any = None) -> None:
        self.sampling_strategy, self.k_neighbors, self.random_state = sampling_strategy, k_neighbors, random_state

    def fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the rows, and below them synthetic ones of the classes that were short of them."""
        wanted = check_sampling_strategy(self.sampling_strategy, y, "over-sampling")
        seed = draw_seed(self.random_state)
        self.notes_: list[tuple[str, str]] = []
        table = as_frame(X).reset_index(drop=True)
        columns = [_Column.read(table.iloc[:, place]) for place in range(table.shape[1])]
        tables, labels = [table.iloc[:0]], [y]
        for label, n_wanted in wanted.items():
            if n_wanted:
                is_class, class_seed = y == label, derive_seed(seed, "class", str(label))
                n_neighbors = self._count_neighbors(label, int(is_class.sum()))
                if n_neighbors:
                    tables.append(_synthesize(columns, is_class, y, n_wanted, n_neighbors, class_seed))
                else:
                    tables.append(table.iloc[np.repeat(np.flatnonzero(is_class), n_wanted)])
                labels.append(np.full(n_wanted, label, dtype=y.dtype))
        return _append(X, pd.concat(tables, ignore_index=True)), np.concatenate(labels)

    def _count_neighbors(self, label: Any, n_rows: int) -> int:
        """Return how many neighbors a class allows, and note where that is fewer than asked for."""
        name = repr(label.item() if hasattr(label, "item") else label)
        if n_rows == 1:
            self.notes_.append((f"single {name}", f"class {name} has a single row to learn from, which is repeated"))
        elif n_rows <= self.k_neighbors:
            text = f"class {name} has {n_rows} rows to learn from, so k_neighbors is {n_rows - 1}"
            self.notes_.append((f"few {name}", text))
        return min(self.k_neighbors, n_rows - 1)


def _synthesize(
    columns: "list[_Column]", is_class: np.ndarray, y: np.ndarray, n_wanted: int, n_neighbors: int, seed: int
) -> pd.DataFrame:
    """Return new rows of a class."""
    matrix = np.column_stack([column.codes for column in columns])
    categories = np.array([not column.is_number for column in columns])
    if categories.all():
        drawn = _draw_nominal(matrix, is_class, y, n_wanted, n_neighbors, seed)
    else:
        drawn = _draw(matrix[is_class], categories, n_wanted, n_neighbors, seed)
    return pd.concat([column.write(drawn[:, place]) for place, column in enumerate(columns)], axis=1)


@dataclass(frozen=True)
class _Column:
    """A column as numbers without a gap, and the way back."""

    values: pd.Series
    is_number: bool
    codes: np.ndarray
    center: float = 0.0
    scale: float = 1.0
    first: np.ndarray | None = None
    """Of each category, the first row that has it."""

    @classmethod
    def read(cls, values: pd.Series) -> "_Column":
        if kind_of(values) not in ("number", "time") or values.isna().all():
            codes, _ = pd.factorize(values, use_na_sentinel=False)
            return cls(values, False, codes.astype(float), first=np.unique(codes, return_index=True)[1])
        # Nanoseconds since 1970 are too large for a float; those since the column's first value rarely are.
        numbers = as_numbers((values - values.min()).to_frame())[:, 0] if values.dtype.kind in "mM" else None
        numbers = as_numbers(values.to_frame())[:, 0] if numbers is None else numbers
        if np.isinf(numbers).any():
            raise InvalidInputError(f"column {values.name!r} holds infinite numbers; make them missing or finite.")
        numbers[np.isnan(numbers)] = np.nanmedian(numbers)
        center, scale = numbers.mean(), numbers.std() or 1.0
        return cls(values, True, (numbers - center) / scale, center, scale)

    def write(self, codes: np.ndarray) -> pd.Series:
        if not self.is_number:
            return self.values.iloc[self.first[codes.astype(int)]].reset_index(drop=True)
        numbers, dtype = codes * self.scale + self.center, self.values.dtype
        if dtype.kind in "mM":
            since = pd.Series(np.rint(numbers).astype("int64")).astype(_duration(dtype))
            return (self.values.min() + since).astype(dtype).rename(self.values.name)
        numbers = np.rint(numbers) if dtype.kind in "iu" else numbers
        return pd.Series(numbers, name=self.values.name).astype(dtype)


def _duration(dtype: Any) -> str:
    """Return the dtype of durations in the unit of ``dtype``."""
    unit = getattr(dtype, "unit", None) or np.datetime_data(dtype)[0]
    return f"timedelta64[{unit}]"


def _draw(rows: np.ndarray, categories: np.ndarray, n_wanted: int, n_neighbors: int, seed: int) -> np.ndarray:
    """Return new rows of a class by SMOTE, or SMOTENC where some columns are categories.

    Both look at the rows of the class alone. The one row more is for imbalanced-learn, which wants two classes.
    """
    n_rows = len(rows)
    X, y = np.vstack([rows, rows[:1]]), np.repeat([1, 0], [n_rows, 1])
    nominal = np.flatnonzero(categories).tolist()
    width = sum(len(np.unique(column)) for column in rows[:, categories].T) + int((~categories).sum())
    n_block = max(1, _MAX_CELLS // (n_neighbors * width)) if nominal else n_wanted
    parts = []
    for start in range(0, n_wanted, n_block):
        options = {
            "sampling_strategy": {1: n_rows + min(n_block, n_wanted - start)},
            "k_neighbors": n_neighbors,
            "random_state": derive_seed(seed, "block", start) % 2**32,
        }
        sampler = SMOTENC(nominal, **options) if nominal else SMOTE(**options)
        parts.append(sampler.fit_resample(X, y)[0][len(X) :])
    return np.concatenate(parts)


def _draw_nominal(
    matrix: np.ndarray, is_class: np.ndarray, y: np.ndarray, n_wanted: int, n_neighbors: int, seed: int
) -> np.ndarray:
    """Return new rows of a class by SMOTEN, whose distance asks in which classes two categories occur."""
    rows = np.flatnonzero(is_class)
    if len(rows) > _MAX_NOMINAL_ROWS:
        rows = np.random.default_rng(seed).choice(rows, _MAX_NOMINAL_ROWS, replace=False)
    chosen = np.concatenate([np.flatnonzero(~is_class), rows])
    _, codes = np.unique(y[chosen], return_inverse=True)
    strategy = {int(codes[-1]): len(rows) + n_wanted}
    sampler = SMOTEN(sampling_strategy=strategy, k_neighbors=n_neighbors, random_state=seed % 2**32)
    return sampler.fit_resample(matrix[chosen].astype(int), codes)[0][len(chosen) :]


def _append(X: Any, drawn: pd.DataFrame) -> Any:
    """Return the rows of ``X`` as they are, and below them the ones drawn."""
    if isinstance(X, pd.DataFrame):
        return pd.concat([X, drawn], ignore_index=True)
    return np.concatenate([X, drawn.to_numpy(dtype=object).astype(X.dtype)])
