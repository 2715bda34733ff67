"""Encoded columns as matrices for models, with what models are to be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ROWS = 50_000  # of a table, for models
MAX_CELLS = 7_500_000  # 50,000 rows x 150 columns


@dataclass(frozen=True)
class Matrices:
    """Tables as floats: NaN = missing, codes for categories; of texts only whether they are missing.

    `tables` holds "real", "synthetic" and, where it was given, "holdout"; `kinds` the kind of
    each column, "text" included.
    """

    names: list[Any]
    kinds: list[str]
    tables: dict[str, np.ndarray]

    @classmethod
    def draw(
        cls, encoded: dict[Any, tuple[str, list[np.ndarray]]], roles: list[str], rng: np.random.RandomState
    ) -> Matrices:
        """Draw rows of each table, without replacement, as many as models can take."""
        limit = min(MAX_ROWS, max(2_000, MAX_CELLS // len(encoded)))
        tables = {}
        for place, role in enumerate(roles):
            rows = rng.permutation(len(next(iter(encoded.values()))[1][place]))[:limit]
            tables[role] = np.column_stack([_as_floats(kind, arrays[place][rows]) for kind, arrays in encoded.values()])
        return cls(list(encoded), [kind for kind, _ in encoded.values()], tables)

    @property
    def is_category(self) -> np.ndarray:
        """Which columns hold codes."""
        return np.array([kind in ("category", "boolean") for kind in self.kinds])


def _as_floats(kind: str, values: np.ndarray) -> np.ndarray:
    if kind == "text":
        return (values < 0).astype(float)
    if kind in ("category", "boolean"):
        return np.where(values < 0, np.nan, values)
    return values


def shuffle_columns(table: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Return the same columns, independent of each other."""
    return np.column_stack([rng.permutation(column) for column in table.T])
