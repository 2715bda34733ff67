"""Fakes of earlier steps, which keep a discriminator from forgetting what it has learned of them."""

import torch
from torch import Tensor, nn


class FakeHistory(nn.Module):
    """Show the discriminator an earlier fake in place of every second one (Shrivastava et al. 2017, arXiv 1612.07828).

    Parameters
    ----------
    size : int
        Fakes that are kept; 0 for none.
    shape : tuple of int
        Of a fake.
    """

    fakes: Tensor
    n_seen: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        # Buffers, so that roll-backs and checkpoints include them.
        self.register_buffer("fakes", torch.zeros(size, *shape))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, fakes: Tensor, rng: torch.Generator) -> Tensor:
        """Return ``fakes``, some of them exchanged for earlier ones, whose places they take."""
        size, n_seen = len(self.fakes), int(self.n_seen)
        self.n_seen += len(fakes)
        n_new = min(len(fakes), size - n_seen)
        if n_new > 0:  # filled up first
            self.fakes[n_seen : n_seen + n_new] = fakes[:n_new]
            return fakes
        places = torch.randperm(size, generator=rng, device=rng.device)[: len(fakes)]
        is_exchanged = torch.rand(len(places), generator=rng, device=rng.device) < 0.5
        mine, theirs = is_exchanged.nonzero()[:, 0], places[is_exchanged]
        shown = fakes.clone()
        shown[mine] = self.fakes[theirs]
        self.fakes[theirs] = fakes[mine]
        return shown
