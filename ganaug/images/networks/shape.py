"""How networks follow from the shape of the images: any height and width, not only powers of two."""

import math
from dataclasses import dataclass

from torch import Tensor

_BASE = 7
"""Side of the smallest grid that is aimed at: 28 pixels are 7 x 2 x 2, as on the digits that all began with."""
_WIDEST = 4
"""Channels grow towards the small grids, up to so many times the width."""


@dataclass(frozen=True)
class ImageShape:
    """Channels, height and width of images, and the grids between them and their smallest one."""

    channels: int
    height: int
    width: int

    @property
    def n_pixels(self) -> int:
        """Numbers per image."""
        return self.channels * self.height * self.width

    @property
    def n_halvings(self) -> int:
        """How often a side is halved on the way to the smallest grid; at least once."""
        return max(1, round(math.log2(min(self.height, self.width) / _BASE)))

    def floor_grid(self, n_halvings: int) -> tuple[int, int]:
        """Return height and width after so many halvings, odd sides rounded down."""
        factor = 2**n_halvings
        return self.height // factor, self.width // factor

    def grid(self, n_halvings: int) -> tuple[int, int]:
        """Return height and width after so many halvings, odd sides rounded up."""
        factor = 2**n_halvings
        return -(-self.height // factor), -(-self.width // factor)

    def n_channels(self, width: int, n_halvings: int) -> int:
        """Return the channels of the grid after so many halvings, for networks of ``width``."""
        return min(_WIDEST * width, (width << n_halvings) // 2)

    def cut(self, images: Tensor) -> Tensor:
        """Return the middle of images that have become larger than this by doubling."""
        top, left = (images.shape[2] - self.height) // 2, (images.shape[3] - self.width) // 2
        return images[:, :, top : top + self.height, left : left + self.width]
