"""How like the training images the fakes are, cheaply: what picks the weights that are kept."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganaug.adversarial import RecordSource
from ganaug.images.asking import in_blocks
from ganaug.images.distances import frechet_distance
from ganaug.images.random_features import RandomFeatures

_N_REAL = 2000
N_FAKE = 1000
"""Images drawn per look."""


class Likeness:
    """Minus the Frechet distance between real images and fakes, in the features of a fixed random network.

    Parameters
    ----------
    records : RecordSource
        At most 2,000 of them are looked at, once.
    seed : int
        Of the choice of images. The network is always the same.
    """

    def __init__(self, records: RecordSource, seed: int) -> None:
        chosen = np.random.default_rng(seed).permutation(len(records))[:_N_REAL]
        images = records.take(torch.from_numpy(chosen)).real
        self._features: Callable[[Tensor], Tensor] = RandomFeatures(*images.shape[1:])
        self._real = self._look(images)

    def __call__(self, fakes: Tensor) -> float:
        """Return the likeness of images (n, channels, height, width) in [-1, 1]; higher is better, 0 the best."""
        return -frechet_distance(self._real, self._look(fakes))

    def _look(self, images: Tensor) -> np.ndarray:
        return in_blocks(self._features, images).double().numpy()
