"""What a condition allows in one column."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

UNSEEN = -1
"""Code of a value that was not there when the encoder was fitted."""


class UniformNoise(Protocol):
    """Where decoding takes random numbers from: a numpy Generator, or what a chunk of rows has in its place."""

    def random(self, size: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Choices:
    """What a condition allows in one column: alternatives, each a level and a stretch of positions in it.

    ``values`` holds the exact value to put into the row, or None where one is drawn from the stretch.
    """

    levels: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    log_shares: np.ndarray
    """log of the share of the level's mass that the alternative stands for, where the model can't tell."""
    values: list[Any]
    limits: list[tuple[float, float]] | None = None
    """Range on the column's axis that the decoded number must lie in."""
