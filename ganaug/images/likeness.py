"""How like the training images the fakes are, cheaply: what picks the weights that are kept."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganaug.adversarial import RecordSource
from ganaug.images.asking import BLOCK, in_blocks
from ganaug.images.distances import frechet_distance
from ganaug.images.random_features import RandomFeatures

_N_REAL, _N_FAKE = 2000, 1000
_FULL_SIZE, _FEWEST = 3 * 32 * 32, 128
"""Larger images are compared in proportion fewer, so that a look never takes much longer."""


class Likeness:
    """Minus the Frechet distance between real images and fakes, in the features of a fixed random network.

    Parameters
    ----------
    records : RecordSource
        At most 2,000 of them are looked at, once.
    seed : int
        Of the choice of images. The network is always the same.

    Attributes
    ----------
    n_fakes : int
        Images to be drawn per look.
    """

    def __init__(self, records: RecordSource, seed: int) -> None:
        shape = records.take(torch.tensor([0])).real.shape[1:]
        share = min(1.0, _FULL_SIZE / shape.numel())
        self.n_fakes = max(_FEWEST, round(share * _N_FAKE))
        n_real = max(_FEWEST, round(share * _N_REAL))
        self._features: Callable[[Tensor], Tensor] = RandomFeatures(*shape)
        chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(records))[:n_real])
        self._real = np.concatenate([self._look(records.take(some).real) for some in chosen.split(BLOCK)])

    def __call__(self, fakes: Tensor) -> float:
        """Return the likeness of images (n, channels, height, width) in [-1, 1]; higher is better, 0 the best."""
        return -frechet_distance(self._real, self._look(fakes))

    def _look(self, images: Tensor) -> np.ndarray:
        return in_blocks(self._features, images).double().numpy()
