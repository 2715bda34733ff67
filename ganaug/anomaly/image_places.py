"""Images place by place: how far each place is from the nearest normal one there."""

import hashlib

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad, unfold

MOST_PIXELS = 64
"""Longer side of what the detector looks at; larger images are scaled down to it."""
_MOST_CENTERS = 64
_IMAGES_PER_CENTER = 8
_LEAST_MEMBERS = 3
"""A center of fewer images would give them away."""
_ROUNDS = 8
_FAR = 1e12
_LARGEST_PATCH = 9


def shrink(images: Tensor) -> Tensor:
    """Return images as the detector looks at them: at most ``MOST_PIXELS`` a side."""
    size = shrunk_size(images.shape[2], images.shape[3])
    if size == tuple(images.shape[2:]):
        return images
    return interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)


def shrunk_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and the width at which the detector looks at images of this size."""
    scale = min(1.0, MOST_PIXELS / max(height, width))
    # A narrow image stays wide enough for the networks.
    rows, columns = (max(min(side, 8), round(side * scale)) for side in (height, width))
    return rows, columns


def cut_patches(images: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Return overlapping patches (places, n, values) of images, and how many rows and columns of places there are."""
    height, width = images.shape[2:]
    size = min(_LARGEST_PATCH, 2 * ((min(height, width) + 4) // 9) + 1)
    stride = (size + 1) // 2
    wide = pad(images, (size // 2,) * 4, mode="reflect")
    rows, columns = ((side + 2 * (size // 2) - size) // stride + 1 for side in (height, width))
    return unfold(wide, size, stride=stride).permute(2, 0, 1).contiguous(), (rows, columns)


def detail(images: Tensor) -> Tensor:
    """Return how much detail each image has, (n,): the log of its mean gradient.

    Whatever is plain lies near to everything, and whatever is rich in detail far away, normal or not; so distances are
    read against it (Serra et al. 2020, arXiv 1909.11480).
    """
    steps = images.diff(dim=2).abs().mean(dim=(1, 2, 3)) + images.diff(dim=3).abs().mean(dim=(1, 2, 3))
    return torch.log(steps.double() + 0.02)


class Places:
    """Normal vectors at each place, and the distance to the nearest of them.

    Parameters
    ----------
    references : Tensor of shape (places, n_references, values)
    """

    def __init__(self, references: Tensor) -> None:
        self.references = references

    def nearest(self, vectors: Tensor, own: Tensor | None = None) -> Tensor:
        """Return the distance (n, places) of vectors (places, n, values) to the nearest references.

        Parameters
        ----------
        vectors : Tensor
        own : Tensor of shape (n,), optional
            The reference that an image is itself, and that doesn't count; -1 for none.
        """
        distances = torch.cdist(vectors, self.references)
        if own is not None and self.references.shape[1] > 1:
            images = torch.nonzero(own >= 0)[:, 0]
            distances[:, images, own[images]] = _FAR
        return distances.amin(dim=2).T


def find_centers(vectors: Tensor, rng: torch.Generator) -> Tensor:
    """Return means of clusters (places, n_centers, values) of vectors (places, n, values), each of several images."""
    n_places, n_images, _ = vectors.shape
    n_centers = max(1, min(_MOST_CENTERS, n_images // _IMAGES_PER_CENTER))
    centers = vectors[:, torch.randperm(n_images, generator=rng)[:n_centers]]
    middle = vectors.mean(dim=1, keepdim=True)
    for _ in range(_ROUNDS):
        nearest = torch.cdist(vectors, centers).argmin(dim=2)
        counts = torch.zeros(n_places, n_centers, dtype=vectors.dtype).scatter_add_(
            1, nearest, torch.ones_like(nearest, dtype=vectors.dtype)
        )
        sums = torch.zeros_like(centers).scatter_add_(1, nearest[:, :, None].expand_as(vectors), vectors)
        means = sums / counts.clamp_min(1)[:, :, None]
        centers = torch.where(counts[:, :, None] >= _LEAST_MEMBERS, means, middle)
    return centers


class Recognizer:
    """Tells which of some images another one is, bit for bit.

    Parameters
    ----------
    images : Tensor of shape (n, channels, height, width)
    """

    def __init__(self, images: Tensor) -> None:
        self._places = {mark: place for place, mark in enumerate(_marks(images))}

    def find(self, images: Tensor) -> Tensor:
        """Return the place (n,) of each image among those known, or -1."""
        return torch.tensor([self._places.get(mark, -1) for mark in _marks(images)], dtype=torch.int64)


def _marks(images: Tensor) -> list[bytes]:
    return [hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest() for image in images.contiguous()]
