"""Ties: columns whose value follows from another column's, found in the table and kept when rows are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganaug.tabular.layout import TableLayout

FORBIDDEN = 1e4
"""Taken off the logits of levels that contradict a tie: their order stays, should nothing else be left."""
_SCREENED_ROWS = 2000
_MIN_EVIDENCE = 100.0
"""So many rows must be expected to contradict the tie if the columns were independent, and none may."""


@dataclass(frozen=True)
class Tie:
    """Column ``taker`` follows from column ``giver``.

    Attributes
    ----------
    giver, taker : int
        Places among the columns that have levels.
    levels : ndarray of int, (levels of giver,)
        The taker's level for each of the giver's; -1 where it is free ("other" values).
    """

    giver: int
    taker: int
    levels: np.ndarray


def find_ties(levels: np.ndarray, layout: TableLayout, free_levels: Mapping[int, int]) -> list[Tie]:
    """Return the ties among the columns without bins.

    Parameters
    ----------
    levels : ndarray of int, (n, columns)
    layout : TableLayout
    free_levels : dict
        The level of a column that stands for several values, which may go with anything.
    """
    candidates = [
        column
        for column in range(layout.n_columns)
        if layout.sizes[column] > 1 and not layout.is_binned[layout.span(column)].any()
    ]
    some = levels[:: max(1, len(levels) // _SCREENED_ROWS)]
    ties = []
    for giver in candidates:
        free = free_levels.get(giver, -1)
        for taker in _unbroken(some, giver, free, candidates):
            sizes = layout.sizes[giver], layout.sizes[taker]
            taken = _follow(levels[:, giver], levels[:, taker], sizes, free)
            if taken is not None and _evidence(levels[:, giver], taken, layout.marginals[layout.span(taker)]):
                ties.append(Tie(giver, taker, taken))
    return ties


def _unbroken(levels: np.ndarray, giver: int, free: int, candidates: list[int]) -> list[int]:
    """Return the columns that never differ between rows of the same level of ``giver``."""
    sorted_rows = levels[np.argsort(levels[:, giver], kind="stable")]
    of_giver = sorted_rows[:, giver]
    together = (of_giver[1:] == of_giver[:-1]) & (of_giver[1:] != free)
    broken = ((sorted_rows[1:] != sorted_rows[:-1]) & together[:, None]).any(axis=0)
    return [taker for taker in candidates if taker != giver and not broken[taker]]


def _follow(givers: np.ndarray, takers: np.ndarray, sizes: tuple[int, int], free: int) -> np.ndarray | None:
    """Return the taker's level for each of the giver's (-1: free or never seen); None if it does not follow."""
    seen = np.zeros(sizes, dtype=bool)
    seen[givers, takers] = True
    n_seen = seen.sum(axis=1)
    if free >= 0:
        n_seen[free] = 0
    if (n_seen > 1).any():
        return None
    return np.where(n_seen == 1, seen.argmax(axis=1), -1)


def _evidence(givers: np.ndarray, taken: np.ndarray, shares: np.ndarray) -> bool:
    """Say whether so many rows in agreement can't be chance; the first row of a giver's level agrees with itself."""
    repeats = np.maximum(np.bincount(givers, minlength=len(taken)) - 1, 0)
    return float((repeats * np.where(taken >= 0, 1.0 - shares[taken], 0.0)).sum()) >= _MIN_EVIDENCE


class Ties:
    """Ties on a device, as drawing asks for them."""

    def __init__(self, ties: Sequence[Tie], device: torch.device) -> None:
        self._of_taker: dict[int, list[tuple[int, Tensor]]] = {}
        self._of_giver: dict[int, list[tuple[int, Tensor]]] = {}
        for tie in ties:
            levels = torch.from_numpy(tie.levels).to(device)
            self._of_taker.setdefault(tie.taker, []).append((tie.giver, levels))
            self._of_giver.setdefault(tie.giver, []).append((tie.taker, levels))

    def partners(self, column: int) -> set[int]:
        """Return the columns that say something about ``column``."""
        tied = (*self._of_taker.get(column, ()), *self._of_giver.get(column, ()))
        return {partner for partner, _ in tied}

    def settle(self, column: int, known: Mapping[int, Tensor]) -> Tensor | None:
        """Return the levels (n,) of ``column`` if they all follow from columns that are known."""
        for giver, levels in self._of_taker.get(column, ()):
            if giver in known:
                settled = levels[known[giver]]
                if bool((settled >= 0).all()):
                    return settled
        return None

    def restrict(self, column: int, logits: Tensor, known: Mapping[int, Tensor]) -> None:
        """Make levels of ``column`` that contradict what is known next to impossible, in place.

        ``known`` holds levels (n,) by column, -1 where a row's is not known. Rows of ``logits`` end up with 0 as
        their largest, so that their order outlives the clamping of draws even where nothing agrees with all.
        """
        is_tied = False
        for giver, levels in self._of_taker.get(column, ()):
            if giver in known:
                place = known[giver]
                wanted = torch.where(place >= 0, levels[place.clamp_min(0)], -1)[:, None]
                contradicts = (wanted >= 0) & (torch.arange(logits.shape[1], device=logits.device) != wanted)
                logits -= contradicts.to(logits.dtype) * FORBIDDEN
                is_tied = True
        for taker, levels in self._of_giver.get(column, ()):
            if taker in known:
                wanted = known[taker][:, None]
                contradicts = (wanted >= 0) & (levels >= 0) & (levels != wanted)
                logits -= contradicts.to(logits.dtype) * FORBIDDEN
                is_tied = True
        if is_tied:
            logits -= logits.amax(dim=1, keepdim=True)
