"""What all comparisons of models print: a table, a verdict, and how it was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Findings:
    """A table with a row per `method`, a verdict in words, and notes."""

    table: pd.DataFrame
    notes: tuple[str, ...]

    def verdict(self) -> str:
        """Say in words what was found."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, float]:
        """Return the figures under flat names, for a log, such as "bicubic_psnr"."""
        methods, figures = self.table["method"].tolist(), self.table.drop(columns="method")
        flat = {
            flat_name(method, str(name)): float(figures[name].iloc[row])
            for row, method in enumerate(methods)
            for name in figures
        }
        return {name: value for name, value in flat.items() if np.isfinite(value)}

    def __str__(self) -> str:
        table = self.table.set_index("method").map(shorten).reset_index().to_string(index=False)
        return "\n".join([table, "", self.verdict(), *(f"Note: {note}" for note in self.notes)])


def flat_name(*parts: str) -> str:
    """Return a name for a log.

    >>> flat_name("pixels only", "classifier-FID")
    'pixels_only_classifier_fid'
    """
    return re.sub(r"\W+", "_", " ".join(parts).lower()).strip("_")


def shorten(value: float) -> str:
    """Return a figure as it is printed.

    >>> shorten(0.123456), shorten(1234), shorten(float("nan"))
    ('0.1235', '1234', '-')
    """
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.4g}"


def listed(words: list[str]) -> str:
    """Return words as a sentence has them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
