"""Dropout whose noise costs next to nothing."""

from typing import Self

import torch
from torch import Tensor, nn

_SLACK = 2**18
"""Places at which a mask may begin."""


class StripDropout(nn.Module):
    """Dropout with masks cut out of one long random strip, each at a place of its own.

    Drawing a fresh number for every value would cost a table's generator more than its matrix products do. The strip
    is the same in every training; where masks begin comes from the generator handed in, never from the global one.

    Parameters
    ----------
    rate : float
        Share of the values set to 0; the others grow by as much.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self._strip = torch.empty(0)

    def train(self, mode: bool = True) -> Self:
        """Let the strip go when training ends: it would be copied with every copy of the network."""
        if not mode:
            self._strip = torch.empty(0)
        return super().train(mode)

    def forward(self, values: Tensor, rng: torch.Generator | None) -> Tensor:
        """Drop some of ``values``, in place; without ``rng`` none."""
        mask = self.mask(values, rng)
        return values if mask is None else values.mul_(mask)

    def mask(self, like: Tensor, rng: torch.Generator | None) -> Tensor | None:
        """Return the factors for a tensor of the shape of ``like``; None where nothing is dropped."""
        if rng is None or not self.rate:
            return None
        size = like.numel()
        if len(self._strip) < size + _SLACK or self._strip.device != like.device:
            uniform = torch.rand(size + _SLACK, generator=torch.Generator().manual_seed(0))
            self._strip = ((uniform >= self.rate) / (1.0 - self.rate)).to(like.device, like.dtype)
        start = int(torch.randint(_SLACK, (), generator=rng, device=rng.device))
        return self._strip[start : start + size].view(like.shape)
