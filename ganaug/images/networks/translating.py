"""Networks that make an image of an image, of any size: they are convolutions from end to end."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganaug.images.networks.layers import ScaledResidual

_SLOPE = 0.2
_BASE = 12
"""Side below which a grid is not halved any more: an image of 16 pixels is halved once, one of 64 twice."""
_MOST_HALVINGS = 2


class Translator(nn.Module):
    """Image of one domain -> the same image as one of another domain (Johnson et al. 2016, arXiv 1603.08155).

    A change is added to the image (or to its negative), and begins as none: what need not be translated is left alone
    from the first step. Without that shortcut the image is drawn anew.
    There is no norm over the image, so that a part of an image is translated as it is within the whole.

    Parameters
    ----------
    n_from, n_to : int
        Channels of the two domains.
    width : int
        Channels at full size; they double with every halving.
    n_blocks : int
        Residual blocks on the smallest grid.
    n_halvings : int
    shortcut : int
        1 adds the image itself, -1 its negative and 0 nothing.
    """

    scale = 1
    """How much larger an image becomes."""

    def __init__(self, n_from: int, n_to: int, width: int, n_blocks: int, n_halvings: int, shortcut: int = 1) -> None:
        super().__init__()
        self.n_from, self.n_to, self.shortcut, self.stride = n_from, n_to, shortcut, 2**n_halvings
        self.halo = self.stride * (2 * n_blocks + 3) + 1
        """How far, in pixels, a pixel is seen."""
        widest = width << n_halvings
        layers: list[nn.Module] = [nn.Conv2d(n_from, width, 5, padding=2), nn.LeakyReLU(_SLOPE)]
        for stage in range(n_halvings):
            layers += [nn.Conv2d(width << stage, width << (stage + 1), 4, 2, 1), nn.LeakyReLU(_SLOPE)]
        layers += [ScaledResidual(widest, has_norm=False) for _ in range(n_blocks)] + [nn.LeakyReLU(_SLOPE)]
        for stage in reversed(range(n_halvings)):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width << (stage + 1), width << stage, 3, padding=1)]
            layers += [nn.LeakyReLU(_SLOPE)]
        last = nn.Conv2d(width, n_to, 5, padding=2)
        nn.init.normal_(last.weight, std=0.01 if shortcut else 0.1)
        nn.init.zeros_(cast(Tensor, last.bias))
        self.body = nn.Sequential(*layers, last)

    def forward(self, images: Tensor) -> Tensor:
        """Return images (n, n_to, height, width), about in [-1, 1], of images (n, n_from, height, width)."""
        height, width = images.shape[2:]
        # Padded to a whole number of the smallest grid's cells.
        below, right = -height % self.stride, -width % self.stride
        padded = functional.pad(images, (0, right, 0, below), mode="replicate")
        change: Tensor = self.body(padded.contiguous(memory_format=torch.channels_last)).float()
        change = change[:, :, :height, :width]
        if not self.shortcut:
            return change.tanh()
        return self.shortcut * match_channels(images, self.n_to) + change


class PatchDiscriminator(nn.Module):
    """One logit per patch of an image, not per image (Isola et al. 2017, arXiv 1611.07004).

    It judges the texture and the strokes, and can't ask that there be as many images of each kind in both domains.

    Parameters
    ----------
    channels : int
    width : int
        Channels after the first convolution; they double with every further one.
    n_halvings : int
    """

    def __init__(self, channels: int, width: int, n_halvings: int) -> None:
        super().__init__()
        self.smallest = 2**n_halvings
        """Side, in pixels, below which there is no patch."""
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(_SLOPE)]
        for stage in range(n_halvings - 1):
            layers += [nn.Conv2d(width << stage, width << (stage + 1), 4, 2, 1), nn.LeakyReLU(_SLOPE)]
        widest = width << (n_halvings - 1)
        layers += [nn.Conv2d(widest, widest, 3, padding=1), nn.LeakyReLU(_SLOPE)]
        self.body = nn.Sequential(*layers, nn.Conv2d(widest, 1, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, rows, columns)."""
        logits: Tensor = self.body(images.contiguous(memory_format=torch.channels_last))
        return logits[:, 0].float()


def per_image(logits: Tensor) -> Tensor:
    """Return the mean logit of each image's patches, (n,)."""
    return logits.flatten(1).mean(dim=1)


def match_channels(images: Tensor, n_channels: int) -> Tensor:
    """Return images with so many channels, all of them grey if those of the images are not as many."""
    if images.shape[1] == n_channels:
        return images
    return images[:, :3].mean(dim=1, keepdim=True).expand(-1, n_channels, -1, -1)


def count_halvings(side: int) -> int:
    """Return how often a translator halves images with sides of so many pixels."""
    return min(_MOST_HALVINGS, max(0, math.ceil(math.log2(side / _BASE))))
