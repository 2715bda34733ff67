"""Features of images that nobody trained: a fixed random convolutional network, the same for a seed everywhere."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganaug.adversarial.seeding import make_generator
from ganaug.exceptions import InvalidInputError
from ganaug.images.asking import in_blocks

GRID = 4  # local means are taken in a grid of 4 x 4: where an image is bright
# Brightness varies far more between images than textures do: at its full weight it hid noise in photographs.
BRIGHTNESS = 0.25


class RandomFeatures(nn.Module):
    """A few random convolutions, read as mean activations at every scale, beside the local means of the pixels.

    Random filters respond to edges and textures much as trained ones do, so that distances between their mean
    responses order noise, blur, deformed and repeated images, without labels and without downloaded weights. They know
    nothing of what an image shows: one missing class of ten moves the Frechet distance of 2,000 images to about 1.4
    times what it is between real ones, where repeated images bring it to 20 times. A distance on these features is
    comparable only with another one for the same seed, size and number of features.

    The features of an image do not depend on the images beside it, bit for bit.

    Parameters
    ----------
    channels, height, width : int
        Of the images; sides of at least 4.
    seed : int, default=0
        The random filters.
    n_features : int, default=128
        Length of an image's features; the first 16 per channel are local means.

    Examples
    --------
    >>> import torch
    >>> features = RandomFeatures(channels=1, height=28, width=28)
    >>> features(torch.zeros(10, 1, 28, 28)).shape
    torch.Size([10, 128])
    """

    def __init__(self, channels: int, height: int, width: int, seed: int = 0, n_features: int = 128) -> None:
        super().__init__()
        n_means = n_features - channels * GRID**2
        # Below 4 pixels a map has nothing left to pool; beyond five scales little is left to see.
        n_scales = min(5, max(2, round(math.log2(min(height, width))) - 2))
        if n_means < 2**n_scales or min(height, width) < GRID:
            raise InvalidInputError(
                f"n_features={n_features!r} and images of {height} x {width} x {channels}: give sides of at least "
                f"{GRID} and n_features of at least {channels * GRID**2 + 2**n_scales}."
            )
        self.shape, self.n_features = (channels, height, width), n_features
        # Twice as many filters where the map has a quarter of the pixels: every scale costs about the same.
        widths = [n_means * 2**scale // (2**n_scales - 1) for scale in range(n_scales)]
        widths[-1] += n_means - sum(widths)
        self.filters = nn.ParameterList()
        generator = make_generator(seed, "random features")
        for n_filters in widths:
            # For the same reason the first filters see contrast alone.
            drawn = _draw_filters(n_filters, channels, generator, balanced=not self.filters)
            self.filters.append(nn.Parameter(drawn, requires_grad=False))
            channels = n_filters

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, n_features), on the CPU, for float images, NCHW in [-1, 1]."""
        if images.shape[1:] != self.shape:
            raise InvalidInputError(
                f"`images` has shape {tuple(images.shape)}; these features are for (n, *{self.shape}), NCHW."
            )
        return in_blocks(self._describe, images)

    def _describe(self, images: Tensor) -> Tensor:
        described = [BRIGHTNESS * functional.adaptive_avg_pool2d(images, GRID).flatten(1)]
        maps = images
        for filters in self.filters:
            # The absolute value, as both signs of an edge are an edge: it separated corruptions better than ReLUs.
            maps = functional.conv2d(maps, filters, padding=1).abs()
            described.append(maps.mean((2, 3)))
            maps = functional.avg_pool2d(maps, 2, ceil_mode=True) if min(maps.shape[2:]) > 1 else maps
        return torch.cat(described, dim=1)


def _draw_filters(n_filters: int, channels: int, generator: torch.Generator, balanced: bool) -> Tensor:
    """Return (n_filters, channels, 3, 3) of length 1, about orthogonal; if `balanced`, with mean 0 in each channel."""
    fan_in = 9 * channels
    size = max(n_filters, fan_in)
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]
    filters = basis[:n_filters, :fan_in].reshape(n_filters, channels, 9)
    if balanced:
        filters = filters - filters.mean(2, keepdim=True)
    return functional.normalize(filters.flatten(1), dim=1).reshape(n_filters, channels, 3, 3).float()
