"""PacGAN: the discriminator judges several records at once (Lin et al. 2018, arXiv 1712.04086)."""

import torch
from torch import Tensor, nn


class PackedDiscriminator(nn.Module):
    """Wrap a discriminator so that it sees ``pac`` records side by side.

    A generator that repeats itself is given away by its packs. Records are joined along dimension 1 (features
    of a table, channels of an image), so the wrapped network must be built for ``pac`` times as many. There is
    one logit per pack.

    Parameters
    ----------
    discriminator : Module, ``(records[, conditions]) -> logits``
    pac : int
        Records per pack. A batch whose length is no multiple of it is completed by repeating its first records.
    """

    def __init__(self, discriminator: nn.Module, pac: int) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.pac = pac

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return one logit per pack of ``pac`` consecutive records."""
        logits: Tensor = self.discriminator(*(self._pack(tensor) for tensor in inputs))
        return logits

    def _pack(self, tensor: Tensor) -> Tensor:
        n_packs = -(-len(tensor) // self.pac)
        rows = torch.arange(n_packs * self.pac, device=tensor.device) % len(tensor)
        packs: Tensor = tensor[rows].unflatten(0, (n_packs, self.pac))
        return packs.flatten(1, 2) if packs.dim() > 2 else packs
