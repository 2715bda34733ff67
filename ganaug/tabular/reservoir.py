"""A uniform sample of rows in one pass, in memory for the sample alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

TakeRows = Callable[[np.ndarray], pd.DataFrame]
_SLACK = 8
"""Rows gather to the sample's size and an eighth more before those that fell out of it are let go."""


def draw_rows(n_rows: int, n_kept: int, seed: int) -> np.ndarray:
    """Return which of ``n_rows`` rows a ``Reservoir`` of that seed keeps, ascending."""
    keys = np.random.default_rng(seed).random(n_rows)
    return np.sort(np.argpartition(keys, n_kept)[:n_kept]) if n_kept < n_rows else np.arange(n_rows)


class Reservoir:
    """Keep the rows with the smallest random keys (Vitter 1985's problem; sampling by keys as in Efraimidis 2006).

    The key of a row depends on the seed and the row's number alone, so that the sample is the same however the rows
    are cut into chunks. Rows stay in their order; if there are no more than ``max_rows`` of them, all are kept.

    Parameters
    ----------
    max_rows : int or None
        None keeps all.
    seed : int
    join : callable
        Makes one column of its parts: ``join(place, parts)``.
    """

    def __init__(self, max_rows: int | None, seed: int, join: Callable[[int, list[pd.Series]], pd.Series]) -> None:
        self.max_rows, self.join = max_rows, join
        self.n_rows = 0
        self._rng = np.random.default_rng(seed)
        self._keys: list[np.ndarray] = []
        self._limit = np.inf
        self._parts: list[list[pd.Series]] = []
        """Per column, what is kept of it and what came since."""
        self._columns: Any = None

    def add(self, n_rows: int, take: TakeRows) -> None:
        """Look at the next ``n_rows`` rows; ``take`` returns those of them that are wanted."""
        keys = self._rng.random(n_rows)
        self.n_rows += n_rows
        rows = np.flatnonzero(keys < self._limit)
        if self.max_rows is not None and len(rows) > self.max_rows:
            rows = rows[np.sort(np.argpartition(keys[rows], self.max_rows)[: self.max_rows])]
        if self._columns is not None and not len(rows):
            return
        part = take(rows)
        if self._columns is None:
            self._columns, self._parts = part.columns, [[] for _ in part.columns]
        for place, parts in enumerate(self._parts):
            parts.append(part.iloc[:, place].copy())  # a view would hold on to the other columns
        self._keys.append(keys[rows])
        n_held = sum(map(len, self._keys))
        if self.max_rows is not None and n_held > self.max_rows + max(n_rows, self.max_rows // _SLACK):
            self._let_go()

    def table(self) -> pd.DataFrame:
        """Return the rows kept, in their order, and forget them."""
        self._let_go()
        table = pd.DataFrame({place: parts[0] for place, parts in enumerate(self._parts)}, copy=False)
        table.columns = self._columns
        self._parts = []
        return table

    def _let_go(self) -> None:
        """Join the parts, a column at a time so that little is held twice, and keep the rows with the least keys."""
        keys = np.concatenate([np.zeros(0), *self._keys])
        chosen = None
        if self.max_rows is not None and len(keys) > self.max_rows:
            chosen = np.sort(np.argpartition(keys, self.max_rows)[: self.max_rows])
            keys = keys[chosen]
            self._limit = keys.max()
        for place, parts in enumerate(self._parts):
            # A part of no rows would lend its dtype to the others.
            joined = self.join(place, [part for part in parts if len(part)] or parts[:1])
            parts[:] = [joined if chosen is None else joined.take(chosen).reset_index(drop=True)]
        self._keys = [keys]
