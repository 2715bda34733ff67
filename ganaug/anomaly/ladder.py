"""The noise ladder: normal records, copies of them under noise of rising levels, and batches of both.

A discriminator that only knows its own generator's fakes finds what is far from everything "very real". One that must
tell how *much* noise a record carries has seen all distances, from half the usual spacing out to ten deviations.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganaug.adversarial import Batch

_TOP = 10.0
"""Noise of the last level, in standard deviations: far enough for heavy tails."""
_BOTTOM = (0.02, 0.5)
_KEEP_RATES = (1.0, 1.0, 0.5, 0.25)
"""Shares of the coordinates that are made noisy; drawn per copy."""
_LOCAL = (0.3, 3.0)
_NORMAL_SHARE = 0.1
N_FOLDS = 4
"""Each member of a head is blind to one fold of the records, which it can then judge as strangers."""


def noise_levels(spacing: float, n_coordinates: int, n_levels: int) -> Tensor:
    """Return the standard deviations of the noise, rising geometrically from half the spacing of neighbors."""
    low, high = _BOTTOM
    bottom = min(max(0.5 * spacing / math.sqrt(n_coordinates), low), high)
    return torch.exp(torch.linspace(math.log(bottom), math.log(_TOP), n_levels, dtype=torch.float64))


def add_noise(
    records: Tensor, levels: Tensor, n_copies: int, rng: torch.Generator, local: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return noisy copies (n_copies, d + 1), their levels 1..K, and the rows that they are copies of.

    The last coordinate, the count of strange values, stays 0.

    ``local`` (n,): the spacing of the neighbors around each record relative to the usual one; noise follows it.
    """
    sources = torch.randint(len(records), (n_copies,), generator=rng)
    rungs = torch.randint(len(levels), (n_copies,), generator=rng)
    rates = torch.tensor(_KEEP_RATES, dtype=records.dtype)
    keep = rates[torch.randint(len(rates), (n_copies,), generator=rng)]
    n_coordinates = records.shape[1] - 1
    chance = torch.rand(n_copies, n_coordinates, generator=rng, dtype=records.dtype)
    noisy = chance < keep[:, None]
    noisy.scatter_(1, chance.argmin(dim=1, keepdim=True), True)  # at least one coordinate
    scale = levels[rungs]
    if local is not None:
        scale = scale * local[sources].clamp(*_LOCAL)
    noise = torch.randn(n_copies, n_coordinates, generator=rng, dtype=records.dtype)
    copies = records[sources]
    copies[:, :-1] += noise * noisy * scale[:, None]
    return copies, rungs + 1, sources


@dataclass(frozen=True)
class Rungs:
    """What one head is shown: normal records (level 0) and noisy copies of them.

    Attributes
    ----------
    normal, noisy : Tensor of shape (n, n_inputs) and (n_copies, n_inputs), float32
    levels : Tensor of shape (n_copies,), int64
        1 to the number of levels.
    sources : Tensor of shape (n_copies,), int64
        The row of ``normal`` that each copy was made of.
    """

    normal: Tensor
    noisy: Tensor
    levels: Tensor
    sources: Tensor


class Ladder:
    """The rungs of every head, as a source of records for the engine.

    Parameters
    ----------
    rungs : dict of str to Rungs
        By head.
    folds : Tensor of shape (n,), int64
        The fold of each normal record.
    """

    def __init__(self, rungs: dict[str, Rungs], folds: Tensor) -> None:
        self.rungs, self.folds = rungs, folds

    def __len__(self) -> int:
        return len(self.folds)

    def take(self, indices: Tensor) -> Batch:
        """Return normal records as a batch, by the first head's view."""
        return Batch(next(iter(self.rungs.values())).normal[indices])


class LadderBatches:
    """Endless batches, a block for each member of each head: a tenth normal records, the rest noisy copies.

    A batch's ``real`` is (heads x members, batch_size, n_inputs), its ``conditions`` the levels (heads x members,
    batch_size), 0 for normal records.

    Parameters
    ----------
    ladder : Ladder
    n_members : int
        Per head.
    batch_size : int
        Records per member.
    rng : torch.Generator
        On the CPU; its state is part of ``state_dict``.
    device : torch.device
    """

    def __init__(
        self, ladder: Ladder, n_members: int, batch_size: int, rng: torch.Generator, device: torch.device
    ) -> None:
        self.ladder, self.rng, self.device = ladder, rng, device
        self.n_normal = max(1, round(_NORMAL_SHARE * batch_size))
        self.n_noisy = max(1, batch_size - self.n_normal)
        blind = torch.arange(n_members) % N_FOLDS
        self._blocks = [
            (rungs, _others(ladder.folds, fold), _others(ladder.folds[rungs.sources], fold))
            for rungs in ladder.rungs.values()
            for fold in blind
        ]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in which each member has met as many normal records as there are."""
        return max(1, len(self.ladder) // self.n_normal)

    def __next__(self) -> Batch:
        records, levels = [], []
        for rungs, normal, noisy in self._blocks:
            some = normal[self._draw(len(normal), self.n_normal)]
            copies = noisy[self._draw(len(noisy), self.n_noisy)]
            records.append(torch.cat([rungs.normal[some], rungs.noisy[copies]]))
            levels.append(torch.cat([torch.zeros_like(some), rungs.levels[copies]]))
        return Batch(torch.stack(records), torch.stack(levels)).to(self.device)

    def _draw(self, n_records: int, size: int) -> Tensor:
        return torch.randint(n_records, (size,), generator=self.rng)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands."""
        return {"rng": self.rng.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.rng.set_state(state["rng"])


def _others(folds: Tensor, fold: Tensor) -> Tensor:
    """Return the places outside ``fold``; all of them where nothing would be left."""
    outside = torch.nonzero(folds != fold)[:, 0]
    return outside if len(outside) else torch.arange(len(folds))
