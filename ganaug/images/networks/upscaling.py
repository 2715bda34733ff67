"""The network that enlarges images of any size."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganaug.images.networks.layers import ScaledResidual

_SLOPE = 0.2
_FINE_WIDTH = 16
"""Channels at the full size, where a channel is dearest."""


class Upscaler(nn.Module):
    """Small image -> the same image, ``scale`` times as high and wide.

    What is learned is added to the bicubic enlargement, and begins as nothing. The work is done on the small grid
    (SRResNet of Ledig et al. 2017, arXiv 1609.04802, without batch norm as in Lim et al. 2017, arXiv 1707.02921), whose
    channels then become pixels (Shi et al. 2016, arXiv 1609.05158).

    Parameters
    ----------
    channels : int
        Of the images.
    width : int
        Channels of the hidden grids.
    n_blocks : int
        Residual blocks.
    scale : int
    """

    stride = 1
    """Sides are whole numbers of it."""

    def __init__(self, channels: int, width: int, n_blocks: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.halo = 2 * n_blocks + 4
        """How far, in pixels of the small image, a pixel is seen."""
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(
            *(ScaledResidual(width, has_norm=False) for _ in range(n_blocks)),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, width, 3, padding=1),
        )
        last = nn.Conv2d(_FINE_WIDTH, channels, 3, padding=1)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(cast(Tensor, last.bias))
        self.tail = nn.Sequential(
            nn.Conv2d(width, _FINE_WIDTH * scale**2, 3, padding=1),
            nn.PixelShuffle(scale),
            nn.LeakyReLU(_SLOPE),
            last,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return images (n, channels, scale * height, scale * width), about in [-1, 1]."""
        first = self.stem(images.contiguous(memory_format=torch.channels_last))
        change: Tensor = self.tail(first + self.blocks(first)).float()
        return enlarge(images, self.scale) + change


def enlarge(images: Tensor, scale: int) -> Tensor:
    """Return images enlarged by bicubic interpolation."""
    return functional.interpolate(images.float(), scale_factor=scale, mode="bicubic")
