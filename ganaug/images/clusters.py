"""Clusters of similar images, as classes that nobody had to name.

A game about many narrow kinds of images is learned several times faster than one about all of them, and drops none:
every kind is asked of the generator as often as there are images of it (Liu et al. 2020, arXiv 2006.10728).
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganaug.adversarial import RecordSource

_N_COMPONENTS = 40
_LARGEST_GRID = 28
"""Larger images are averaged down to this side: a cluster is about what an image shows, not about its details."""
_N_LEARNED = 20_000
_BLOCK = 256


@dataclass(frozen=True)
class Clusters:
    """The kinds of images that both players are told apart: clusters within classes.

    Attributes
    ----------
    shares : ndarray of shape (n_clusters,)
        Share of each cluster in the images that were learned.
    classes : ndarray of shape (n_clusters,), int64
        Index of the class that each cluster is a part of; all 0 where images have no classes.
    """

    shares: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.shares)

    def draw(self, classes: Tensor | None, chances: Tensor) -> Tensor:
        """Return a cluster (n,) for each chance in [0, 1): of any class, or of the given ones (n,)."""
        if classes is None:
            classes = torch.zeros(len(chances), dtype=torch.int64)
            of_class = np.ones((1, len(self)), dtype=bool)
        else:
            of_class = np.arange(self.classes.max() + 1)[:, None] == self.classes
        bounds = torch.from_numpy(np.where(of_class, self.shares, 0.0).cumsum(axis=1))
        bounds = (bounds / bounds[:, -1:])[classes]
        drawn = torch.searchsorted(bounds, chances[:, None].double(), right=True)[:, 0]
        return drawn.clamp_max(len(self) - 1)

    def guess(self, logits: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return the likeliest cluster (n,) by logits (n, n_clusters): of any class, or of the given ones (n,)."""
        return self._weighted(logits, classes).argmax(dim=1)

    def judge(self, logits: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return one logit (n,) of logits (n, n_clusters): a real image is one of some cluster (of its class)."""
        return self._weighted(logits, classes).logsumexp(dim=1)

    def _weighted(self, logits: Tensor, classes: Tensor | None) -> Tensor:
        log_shares = torch.from_numpy(np.log(self.shares)).to(logits)
        if classes is not None:
            of_class = torch.from_numpy(self.classes)[None, :] == classes[:, None]
            log_shares = torch.where(of_class, log_shares, -torch.inf)
            log_shares = log_shares - log_shares.logsumexp(dim=1, keepdim=True)
        return logits + log_shares


def find_clusters(records: RecordSource, labels: Tensor | None, n_clusters: int, seed: int) -> tuple[Clusters, Tensor]:
    """Cut each class (or all images, if ``labels`` is None) into clusters; return them, and that of each image.

    Clusters that no image falls into are left out. Classes get clusters by their number of images, at least one each.
    """
    n_images = len(records)
    labels = torch.zeros(n_images, dtype=torch.int64) if labels is None else labels
    clusters = torch.empty(n_images, dtype=torch.int64)
    classes: list[int] = []
    for label in range(int(labels.max()) + 1):
        places = (labels == label).nonzero()[:, 0].numpy()
        n_wanted = max(1, round(n_clusters * len(places) / n_images))
        found = _cluster(records, places, n_wanted, seed) if n_wanted > 1 else np.zeros(len(places), np.int64)
        clusters[places] = torch.from_numpy(found) + len(classes)
        classes += [label] * (int(found.max()) + 1)
    shares = np.bincount(clusters.numpy(), minlength=len(classes)) / n_images
    return Clusters(shares, np.array(classes, dtype=np.int64)), clusters


def _cluster(records: RecordSource, places: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Return a cluster for each of the images at ``places``, from 0 on."""
    chosen = np.random.default_rng(seed).permutation(places)[:_N_LEARNED]
    some = _pixels(records, chosen)
    if not some.std(axis=0).any():  # all alike
        return np.zeros(len(places), dtype=np.int64)
    # Sums in another order round otherwise, so on one thread.
    with threadpool_limits(1):
        components = PCA(min(_N_COMPONENTS, *some.shape), svd_solver="randomized", random_state=seed % 2**32).fit(some)
        kmeans = MiniBatchKMeans(min(n_clusters, len(some)), n_init=1, batch_size=2048, random_state=seed % 2**32)
        kmeans.fit(components.transform(some))
        parts = [
            kmeans.predict(components.transform(_pixels(records, places[first : first + _BLOCK])))
            for first in range(0, len(places), _BLOCK)
        ]
    _, found = np.unique(np.concatenate(parts), return_inverse=True)
    return found.astype(np.int64)


def _pixels(records: RecordSource, places: np.ndarray) -> np.ndarray:
    parts = []
    for first in range(0, len(places), _BLOCK):
        images = records.take(torch.from_numpy(places[first : first + _BLOCK])).real
        height, width = (min(side, _LARGEST_GRID) for side in images.shape[2:])
        parts.append(adaptive_avg_pool2d(images, (height, width)).flatten(1).numpy())
    return np.concatenate(parts)
