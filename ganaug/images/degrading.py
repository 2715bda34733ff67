"""How large images become small ones to learn from, and few images many."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from ganaug.adversarial import Batch

DEGRADATIONS = ("area", "bicubic", "blur_noise")
_BLUR = (0.2, 1.0)
"""Least and largest deviation of the blur, in pixels of the small image."""
_NOISE = 0.06
"""Largest deviation of the noise, of a range of 2."""


def degrade(images: Tensor, scale: int, kind: str, rng: torch.Generator | None = None) -> Tensor:
    """Return images in [-1, 1] with sides ``scale`` times shorter.

    Parameters
    ----------
    images : Tensor of shape (n, channels, height, width)
        Sides are whole multiples of ``scale``.
    scale : int
    kind : {"area", "bicubic", "blur_noise"}
        Means of blocks; the antialiased cubic filter of image libraries; or a Gaussian blur, every ``scale``-th pixel
        and Gaussian noise, each of a strength that is drawn per image, for pictures whose past nobody knows.
    rng : Generator, optional
        For "blur_noise".
    """
    if kind == "area":
        return functional.avg_pool2d(images, scale)
    size = images.shape[2] // scale, images.shape[3] // scale
    if kind == "bicubic":
        return functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(-1.0, 1.0)
    chances = torch.rand(2, len(images), generator=rng, device=images.device)
    small = _blurred(images, scale, scale * (_BLUR[0] + (_BLUR[1] - _BLUR[0]) * chances[0]))
    noise = torch.randn(small.shape, generator=rng, device=images.device)
    return (small + _NOISE * chances[1].view(-1, 1, 1, 1) * noise).clamp(-1.0, 1.0)


def _blurred(images: Tensor, scale: int, deviations: Tensor) -> Tensor:
    """Return every ``scale``-th pixel of images, each blurred by a Gaussian of its own."""
    n, channels, height, width = images.shape
    radius = 2 * scale
    places = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    # Between the pixels where the scale is even: so the small image lies over the middle of the large one.
    shift = (scale - 1) / 2
    lines = torch.exp(-((places - shift % 1) ** 2) / (2 * deviations[:, None] ** 2))
    lines = (lines / lines.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    first = radius - int(shift)
    padded = functional.pad(images, (first, 2 * radius - first, first, 2 * radius - first), mode="replicate")
    padded = padded.reshape(1, n * channels, *padded.shape[2:])
    rows = functional.conv2d(padded, lines[:, None, :, None], stride=(scale, 1), groups=n * channels)
    small = functional.conv2d(rows, lines[:, None, None, :], stride=(1, scale), groups=n * channels)
    return small.reshape(n, channels, *small.shape[2:])[:, :, : height // scale, : width // scale]


def vary(batch: Batch, rng: torch.Generator) -> Batch:
    """Return pairs of images, mirrored and recolored alike: what details look like hardly depends on that.

    All are turned over by the same one of eight ways; each has its colors in an order of its own, and may become its
    negative. Transparency is left alone.
    """
    n, n_channels = batch.real.shape[:2]
    n_colors = min(n_channels, 3)
    chances = torch.rand(n, n_colors + 1, generator=rng, device=rng.device)
    order = chances[:, :n_colors].argsort(dim=1)
    sign = torch.where(chances[:, n_colors] < 0.5, -1.0, 1.0)[:, None, None, None]
    is_turned = torch.rand(3, generator=rng, device=rng.device) < 0.5
    flipped = [axis for axis, chosen in ((2, is_turned[0]), (3, is_turned[1])) if chosen]

    def change(images: Tensor) -> Tensor:
        rows = torch.arange(n, device=images.device)[:, None]
        colors = sign * images[:, :n_colors][rows, order]
        changed = torch.cat([colors, images[:, n_colors:]], dim=1).flip(flipped)
        return changed.transpose(2, 3) if is_turned[2] else changed

    return replace(batch, real=change(batch.real), source=None if batch.source is None else change(batch.source))
