"""Ties: columns whose value follows from another column's, found in the table and kept when rows are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

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
    for giver, taker in permutations(candidates, 2):
        sizes = layout.sizes[giver], layout.sizes[taker]
        free = free_levels.get(giver, -1)
        if _follow(some[:, giver], some[:, taker], sizes, free) is None:
            continue
        taken = _follow(levels[:, giver], levels[:, taker], sizes, free)
        if taken is not None and _evidence(levels[:, giver], taken, layout.marginals[layout.span(taker)]):
            ties.append(Tie(giver, taker, taken))
    return ties


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
    """Say whether so many rows in agreement can't be chance."""
    tied = taken[givers]
    return float((1.0 - shares[tied[tied >= 0]]).sum()) >= _MIN_EVIDENCE


class Ties:
    """Ties on a device, as drawing asks for them."""

    def __init__(self, ties: Sequence[Tie], device: torch.device) -> None:
        self._ties = [(tie.giver, tie.taker, torch.from_numpy(tie.levels).to(device)) for tie in ties]

    def settle(self, column: int, known: Mapping[int, Tensor]) -> Tensor | None:
        """Return the levels (n,) of ``column`` if they all follow from columns that are known."""
        for giver, taker, levels in self._ties:
            if taker == column and giver in known:
                settled = levels[known[giver]]
                if bool((settled >= 0).all()):
                    return settled
        return None

    def restrict(self, column: int, logits: Tensor, known: Mapping[int, Tensor]) -> None:
        """Make levels of ``column`` that contradict what is known next to impossible, in place.

        ``known`` holds levels (n,) by column, -1 where a row's is not known.
        """
        for giver, taker, levels in self._ties:
            if taker == column and giver in known:
                place = known[giver]
                wanted = torch.where(place >= 0, levels[place.clamp_min(0)], -1)[:, None]
                contradicts = (wanted >= 0) & (torch.arange(logits.shape[1], device=logits.device) != wanted)
            elif giver == column and taker in known:
                wanted = known[taker][:, None]
                contradicts = (wanted >= 0) & (levels >= 0) & (levels != wanted)
            else:
                continue
            logits -= contradicts.to(logits.dtype) * FORBIDDEN
