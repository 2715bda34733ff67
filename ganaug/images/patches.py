"""Batches of what translating GANs learn from: parts of images of any size, and images of two domains."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganaug.adversarial import Batch, Batches, make_generator
from ganaug.images.anysize import Pictures
from ganaug.images.formats import to_unit


class Patches:
    """Square parts of images, with the same parts of their small versions if there are any.

    There are as many records as parts that fit into the images side by side, so that a large image comes up more
    often than a small one; where a part lies is drawn anew each time.

    Parameters
    ----------
    images : Pictures
    side : int
        Of a part, a multiple of ``scale``.
    small : Pictures or None
        The same images, with sides ``scale`` times shorter.
    scale : int
    """

    def __init__(self, images: Pictures, side: int, small: Pictures | None = None, scale: int = 1) -> None:
        self.images, self.side, self.small, self.scale = images, side, small, scale
        cells = [(height // side) * (width // side) for _, height, width in map(np.shape, images.pixels)]
        self.owners = torch.from_numpy(np.repeat(np.arange(len(cells)), cells))
        """The image of each record."""

    def __len__(self) -> int:
        return len(self.owners)

    def take(self, indices: Tensor) -> Batch:
        """Return the first part of the image of each record."""
        return self.cut(indices, torch.zeros(len(indices), 2, dtype=torch.float64))

    def cut(self, indices: Tensor, chances: Tensor) -> Batch:
        """Return a part of the image of each record; ``chances`` (n, 2) in [0, 1) say where it lies."""
        real, source = [], []
        for owner, chance in zip(self.owners[indices].tolist(), chances.tolist(), strict=True):
            image = self.images.pixels[owner]
            # On the small image's pixels, so that both parts show the same.
            room = [(side - self.side) // self.scale + 1 for side in image.shape[1:]]
            top, left = (int(share * count) for share, count in zip(chance, room, strict=True))
            real.append(_part(image, top * self.scale, left * self.scale, self.side))
            if self.small is not None:
                source.append(_part(self.small.pixels[owner], top, left, self.side // self.scale))
        return Batch(_as_tensor(real, self.images), source=_as_tensor(source, self.small) if self.small else None)


def _part(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    return image[:, top : top + side, left : left + side]


def _as_tensor(parts: list[np.ndarray], whence: Pictures) -> Tensor:
    return torch.from_numpy(to_unit(np.stack(parts), whence.low, whence.high))


class PatchBatches(Batches):
    """Endless shuffled batches of parts."""

    records: Patches

    def _fetch(self, indices: Tensor) -> Batch:
        return self.records.cut(indices, torch.rand(len(indices), 2, generator=self.rng, dtype=torch.float64))


class PairOfDomains:
    """The records of two domains, which have nothing to do with each other.

    Parameters
    ----------
    a, b : Patches
    """

    def __init__(self, a: Patches, b: Patches) -> None:
        self.a, self.b = a, b

    def __len__(self) -> int:
        return max(len(self.a), len(self.b))

    def take(self, indices: Tensor) -> Batch:
        """Return records of both, each domain begun anew where it ends."""
        return Batch(self.b.take(indices % len(self.b)).real, source=self.a.take(indices % len(self.a)).real)


class UnpairedBatches(Iterator[Batch]):
    """Endless batches of two domains, each shuffled by itself; one pass is one over the larger domain.

    Parameters
    ----------
    records : PairOfDomains
    batch_size : int
    seed : int
    device : torch.device
    """

    def __init__(self, records: PairOfDomains, batch_size: int, seed: int, device: torch.device) -> None:
        size = min(batch_size, len(records.a), len(records.b))
        self._domains = {
            name: PatchBatches(domain, size, make_generator(seed, "batches", name), device)
            for name, domain in (("a", records.a), ("b", records.b))
        }

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the larger domain."""
        return max(domain.steps_per_epoch for domain in self._domains.values())

    def __next__(self) -> Batch:
        return Batch(next(self._domains["b"]).real, source=next(self._domains["a"]).real)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands."""
        return {name: domain.state_dict() for name, domain in self._domains.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        for name, domain in self._domains.items():
            domain.load_state_dict(state[name])
