"""Columns of identifiers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.tabular.columns.choices import UniformNoise
from ganaug.tabular.forms import dtype_name


@dataclass
class IdentifierColumn:
    """Text that differs in (nearly) every row: not learned, not stored, made up anew in the same pattern.

    Attributes
    ----------
    name : the column's name
    dtype : str
    alphabets : list of str
        The characters seen at each position of the most frequent length.
    missing_rate : float
    """

    name: Any
    dtype: str
    alphabets: list[str]
    missing_rate: float

    kind = "identifier"
    n_levels = 0

    @classmethod
    def learn(cls, column: pd.Series) -> "IdentifierColumn":
        """Learn the pattern of ``column``."""
        if not all(isinstance(value, str) for value in column.dropna()):
            raise ValueError("its values are no texts; turn them into texts with .astype(str)")
        texts = column.dropna()
        length = int(texts.str.len().mode().iloc[0])
        texts = texts[texts.str.len() == length]
        alphabets = ["".join(sorted(set(texts.str[place]))) for place in range(length)]
        return cls(column.name, dtype_name(column.dtype), alphabets, float(column.isna().mean()))

    def make(self, first_row: int, n_rows: int, noise: UniformNoise) -> pd.Series:
        """Return identifiers for rows ``first_row`` onwards; all differ, growing longer where the pattern is full."""
        space = 1
        for alphabet in self.alphabets:
            space *= len(alphabet)
        # Row i gets the (i * stride)-th text: a walk through the pattern that meets none twice.
        stride = next(prime for prime in (2_654_435_761, 2_147_483_647, 1_000_003, 1) if space % prime)
        texts = []
        for row in range(first_row, first_row + n_rows):
            laps, rest = divmod(row, space)
            text = _spell(rest * stride % space, self.alphabets)
            texts.append(f"{text}{laps}" if laps else text)
        values = np.array(texts, dtype=object)
        values[noise.random(n_rows) < self.missing_rate] = None
        column = pd.Series(values, name=self.name, dtype=object)
        return column.astype(pd.api.types.pandas_dtype(self.dtype))


def _spell(number: int, alphabets: list[str]) -> str:
    """Write ``number`` with one digit per alphabet."""
    text = []
    for alphabet in reversed(alphabets):
        number, place = divmod(number, len(alphabet))
        text.append(alphabet[place])
    return "".join(reversed(text))
