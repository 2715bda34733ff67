"""Networks asked in blocks of one size, and chance drawn likewise.

A convolution over another number of images may round otherwise, so every call has the same number of them, the last
one filled up: what is said of an image, and what is drawn from a latent, depends on no other.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ganaug.adversarial import NoiseGame, make_generator

BLOCK = 64
"""Images at a time."""


@torch.no_grad()
def in_blocks(
    function: Callable[..., Tensor], *inputs: Tensor, device: torch.device | None = None, block: int = BLOCK
) -> Tensor:
    """Return ``function`` of each record of ``inputs``, which have equally many; computed on ``device``, on the CPU."""
    parts = []
    for first in range(0, max(1, len(inputs[0])), block):
        blocks = [part[first : first + block] for part in inputs]
        n_rows = len(blocks[0])
        filled = [torch.cat([part, part.new_zeros((block - n_rows, *part.shape[1:]))]).to(device) for part in blocks]
        parts.append(function(*filled)[:n_rows].cpu())
    return torch.cat(parts)


def draw_noise(game: NoiseGame, n_records: int, seed: int) -> Tensor:
    """Return noise (n_records, latent_dim); a row is the same however many are drawn."""
    firsts = range(0, max(1, n_records), BLOCK)
    return torch.cat([game.draw_noise(BLOCK, make_generator(seed, "noise", first)) for first in firsts])[:n_records]


def draw_chances(n_records: int, seed: int) -> Tensor:
    """Return even chances (n_records,) in [0, 1); one is the same however many are drawn."""
    firsts = range(0, max(1, n_records), BLOCK)
    rngs = [make_generator(seed, "chance", first) for first in firsts]
    return torch.cat([torch.rand(BLOCK, generator=rng, dtype=torch.float64) for rng in rngs])[:n_records]
