"""The discriminator of an image detector: one trunk, asked for levels, orientations and defects."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, silu

N_FEATURES = 128
_SMALL_SIDE = 20
"""Images whose longer side is shorter than this are halved once, not twice, before places are looked at."""


class Opinion(NamedTuple):
    """What a judge says of images; logits but for ``features``."""

    level: Tensor
    """(n, 1 + kinds x levels): normal, or corrupted in this way and by so much."""
    orientation: Tensor
    """(n, orientations)."""
    defect: Tensor
    """(n, 1, rows, columns): a defect here."""
    features: Tensor
    """(n, N_FEATURES)."""
    places: Tensor
    """(n, channels, rows, columns): features of each place."""


class ImageJudge(nn.Module):
    """Convolutions on images (n, channels, height, width), with heads on places and on the whole.

    Parameters
    ----------
    n_channels, height, width : int
        Of the images.
    n_filters : int
        Of the first convolution; twice and four times as many later.
    n_levels, n_orientations : int
        Classes to tell apart.
    """

    def __init__(
        self, n_channels: int, height: int, width: int, n_filters: int, n_levels: int, n_orientations: int
    ) -> None:
        super().__init__()
        stride = 1 if max(height, width) < _SMALL_SIDE else 2
        rows, columns = (_halved(_halved(side), stride) for side in (height, width))
        self.n_places, self.n_place_values = (rows, columns), 2 * n_filters
        self.stem = nn.Conv2d(n_channels, n_filters, 5, 2, 2)
        self.near = nn.Sequential(
            ResidualBlock(n_filters, 2 * n_filters, stride), ResidualBlock(2 * n_filters, 2 * n_filters)
        )
        # A side of two places is not halved: with one column left, oneDNN's bfloat16 convolutions give garbage.
        strides = (2 if rows > 2 else 1, 2 if columns > 2 else 1)
        self.far = ResidualBlock(2 * n_filters, 4 * n_filters, strides)
        n_inner = 4 * n_filters * _halved(rows, strides[0]) * _halved(columns, strides[1])
        self.inner = nn.Sequential(nn.Linear(n_inner, N_FEATURES), nn.BatchNorm1d(N_FEATURES), nn.SiLU())
        self.level = nn.Linear(N_FEATURES, n_levels)
        self.orientation = nn.Linear(N_FEATURES, n_orientations)
        self.defect = nn.Conv2d(2 * n_filters, 1, 1)

    def forward(self, images: Tensor) -> Opinion:
        """Return an opinion of images in [-1, 1]."""
        images = images.contiguous(memory_format=torch.channels_last)
        near: Tensor = self.near(silu(self.stem(images)))
        features: Tensor = self.inner(self.far(near).flatten(1))
        # A place is judged by what is around it, too: its defects are seldom one place large.
        places = avg_pool2d(near, 3, 1, 1, count_include_pad=False)
        return Opinion(self.level(features), self.orientation(features), self.defect(near), features, places)


class ResidualBlock(nn.Module):
    """Two normalized convolutions and a way around them.

    Parameters
    ----------
    n_from, n_to : int
        Channels.
    stride : int or (int, int)
        Down, and to the right.
    """

    def __init__(self, n_from: int, n_to: int, stride: int | tuple[int, int] = 1) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(n_from, n_to, 3, stride, 1, bias=False), nn.BatchNorm2d(n_to)
        self.second, self.second_norm = nn.Conv2d(n_to, n_to, 3, 1, 1, bias=False), nn.BatchNorm2d(n_to)
        is_plain = stride in (1, (1, 1)) and n_from == n_to
        self.around = nn.Identity() if is_plain else nn.Conv2d(n_from, n_to, 1, stride, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, n_to, rows, columns)."""
        inner = self.second_norm(self.second(silu(self.first_norm(self.first(inputs)))))
        return silu(inner + self.around(inputs))


def _halved(side: int, stride: int = 2) -> int:
    return -(-side // stride)
