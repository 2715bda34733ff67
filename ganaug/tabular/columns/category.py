"""Columns of categories."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import ConditionError
from ganaug.tabular.columns.choices import UNSEEN, Choices, UniformNoise
from ganaug.tabular.forms import dtype_name


@dataclass
class CategoryColumn:
    """Categories in their order; the rarest share an "other" level if there are too many.

    Attributes
    ----------
    name : the column's name
    dtype : str
    categories : list
        The levels that have a code of their own.
    counts : ndarray of int
        Rows per level, "other" and "missing" included.
    others, other_counts : the values behind the "other" level, and how often each was seen
    has_missing : bool
    keeps_none : bool
        Missing values of an object column come back as None, not as NaN.
    all_categories, ordered : of a categorical dtype, which comes back as it was
    """

    name: Any
    dtype: str
    categories: list[Any]
    counts: np.ndarray
    others: list[Any] = field(default_factory=list)
    other_counts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    has_missing: bool = False
    keeps_none: bool = False
    all_categories: list[Any] | None = None
    ordered: bool = False

    kind = "category"

    @classmethod
    def learn(cls, column: pd.Series, max_categories: int) -> "CategoryColumn":
        """Learn the levels of ``column``."""
        counts = column.value_counts(sort=False, dropna=True)
        counts = counts[counts > 0]
        by_frequency = counts.sort_values(ascending=False, kind="stable")
        kept, rest = by_frequency, by_frequency.iloc[:0]
        if len(by_frequency) > max_categories:
            kept, rest = by_frequency.iloc[: max_categories - 1], by_frequency.iloc[max_categories - 1 :]
        # Levels stand in order of first appearance (or of the dtype's categories): stable under resampling.
        kept = counts[counts.index.isin(kept.index)]
        n_missing = int(column.isna().sum())
        level_counts = [*kept.to_numpy(), *([rest.sum()] if len(rest) else []), *([n_missing] if n_missing else [])]
        categorical = column.dtype if isinstance(column.dtype, pd.CategoricalDtype) else None
        return cls(
            name=column.name,
            dtype="category" if categorical else dtype_name(column.dtype),
            categories=list(kept.index),
            counts=np.asarray(level_counts, dtype=np.int64),
            others=list(rest.index),
            other_counts=rest.to_numpy(dtype=np.int64),
            has_missing=n_missing > 0,
            keeps_none=column.dtype == object and any(value is None for value in column),
            all_categories=list(categorical.categories) if categorical else None,
            ordered=bool(categorical.ordered) if categorical else False,
        )

    @property
    def n_levels(self) -> int:
        """Codes in use."""
        return len(self.counts)

    @property
    def n_ordered(self) -> int:
        """Leading levels of which neighbors are alike."""
        return len(self.categories) if self.ordered else 0

    @property
    def is_binned(self) -> np.ndarray:
        """Which levels have positions: none."""
        return np.zeros(self.n_levels, dtype=bool)

    @property
    def other_level(self) -> int | None:
        """The level that stands for all rare values together."""
        return len(self.categories) if self.others else None

    def encode(self, column: pd.Series, rng: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return level codes (n,) and positions (n,), the latter all 0.5."""
        known = pd.Index(self.categories, dtype=object)
        codes = known.get_indexer(pd.Index(column.to_numpy(dtype=object), dtype=object)).astype(np.int64)
        if self.others:
            is_other = (codes < 0) & column.isin(self.others).to_numpy()
            codes[is_other] = len(self.categories)
        codes[column.isna().to_numpy()] = self.n_levels - 1 if self.has_missing else UNSEEN
        return codes, np.full(len(codes), 0.5)

    def decode(self, levels: np.ndarray, positions: np.ndarray, noise: UniformNoise) -> pd.Series:
        """Return values with the dtype that was seen; "other" is drawn from the values behind it."""
        n_slots = self.n_levels + (0 if self.has_missing else 1)
        values = np.empty(n_slots, dtype=object)
        values[: len(self.categories)] = self.categories
        values[-1] = None
        decoded = values[levels]
        if self.others:
            draws = noise.random(len(levels))  # drawn for every row, so that each row's draw has a fixed place
            cumulative = np.cumsum(self.other_counts) / self.other_counts.sum()
            is_other = levels == len(self.categories)
            others = np.empty(len(self.others), dtype=object)
            others[:] = self.others
            decoded[is_other] = others[np.searchsorted(cumulative, draws[is_other], side="right")]
        return self.as_series(decoded)

    def as_series(self, values: np.ndarray) -> pd.Series:
        """Give values the column's own dtype."""
        if self.all_categories is not None:
            dtype = pd.CategoricalDtype(self.all_categories, self.ordered)
            return pd.Series(values, name=self.name, dtype=object).astype(dtype)
        column = pd.Series(values, name=self.name, dtype=object)
        if self.dtype == "object":
            return column if self.keeps_none or not self.has_missing else column.where(column.notna(), np.nan)
        return column.astype(pd.api.types.pandas_dtype(self.dtype))

    def choose(self, wanted: list[Any]) -> Choices:
        """Return the alternatives that ``wanted`` values stand for."""
        levels, shares, values = [], [], []
        for value in wanted:
            if isinstance(value, tuple) and value not in self.categories:
                raise ConditionError(
                    f"Column {self.name!r} holds categories, so the range {value!r} means nothing in it. "
                    "Give a value or a list of values."
                )
            (code,), _ = self.encode(pd.Series([value], dtype=object))
            if code == UNSEEN and pd.isna(value):
                raise ConditionError(f"Column {self.name!r} has no missing values, so a row can't have one in it.")
            if code == UNSEEN:
                shown = ", ".join(map(repr, self.categories[:10]))
                raise ConditionError(
                    f"Column {self.name!r} has no value {value!r} in the training data. It has: {shown}"
                    f"{', ...' if len(self.categories) > 10 else ''}."
                )
            share = 1.0
            if self.others and code == len(self.categories):
                share = self.other_counts[self.others.index(value)] / self.other_counts.sum()
                values.append(self.others[self.others.index(value)])
            else:  # the value as it was learned: a 1 that asks for True gives True
                values.append(self.categories[code] if code < len(self.categories) else None)
            levels.append(code)
            shares.append(np.log(share))
        size = len(levels)
        return Choices(np.array(levels), np.zeros(size), np.ones(size), np.array(shares), values)
