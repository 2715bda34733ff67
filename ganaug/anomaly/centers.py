"""What a detector keeps when it may keep no record: centers of clusters."""

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from ganaug.anomaly.memory import nearest_points

_N_CENTERS = 64
_RECORDS_PER_CENTER = 5
_SMALLEST_CLUSTER = 3
"""A center that stands for fewer records would give one of them away."""
_MOST_RECORDS = 10_000
_N_NEAREST = 4
_DAMPING = 0.05


def find_centers(points: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return means of clusters of ``points`` (n, d), and the mean distance of a cluster's points from its own."""
    points = points[:: 1 + len(points) // _MOST_RECORDS]
    n_clusters = max(1, min(_N_CENTERS, len(points) // _RECORDS_PER_CENTER))
    clusters = KMeans(n_clusters, n_init=1, max_iter=30, random_state=seed).fit(points)
    far = np.linalg.norm(points - clusters.cluster_centers_[clusters.labels_], axis=1)
    sizes = np.bincount(clusters.labels_, minlength=n_clusters)
    radii = np.bincount(clusters.labels_, weights=far, minlength=n_clusters) / np.maximum(sizes, 1)
    kept = sizes >= _SMALLEST_CLUSTER
    if not kept.any():
        return points.mean(axis=0, keepdims=True), np.array([far.mean()])
    return clusters.cluster_centers_[kept], radii[kept]


class Centers:
    """Centers of clusters, and a record's distances to the nearest of them.

    Parameters
    ----------
    references : Tensor of shape (n_centers, d), float64
    radii : Tensor of shape (n_centers,), float64
        Mean distance of a cluster's records from its center.

    Attributes
    ----------
    n_features : int
        Features per record: log distances to the ``n_nearest`` nearest centers, ascending, and by how much each exceeds
        the cluster's radius.
    """

    block = 2048
    near: tuple[int, ...] = (0,)

    def __init__(self, references: Tensor, radii: Tensor, n_nearest: int = _N_NEAREST) -> None:
        self.references, self.radii = references, radii
        self.squares = references.square().sum(dim=1)
        self.n_nearest = min(n_nearest, len(references))
        self.n_features = 2 * self.n_nearest
        self.damping = _DAMPING * max(float(radii.median()), 1e-6)
        self.log_radii = torch.log(radii + self.damping)
        self._without: list[Centers] = []

    @classmethod
    def learn(cls, records: Tensor, folds: Tensor, seed: int) -> "Centers":
        """Find centers of ``records``, and until ``forget``, also those of all records but each fold."""
        references, radii = find_centers(records.numpy(), seed)
        centers = cls(torch.from_numpy(references), torch.from_numpy(radii))
        for fold in range(int(folds.max()) + 1):
            others = records[folds != fold]
            found = find_centers(others.numpy(), seed) if len(others) else (references, radii)
            without = cls(torch.from_numpy(found[0]), torch.from_numpy(found[1]))
            centers._without.append(without)
        # The same number of features with and without a fold, so that one network serves both.
        n_nearest = min(one.n_nearest for one in (centers, *centers._without))
        for one in (centers, *centers._without):
            one.n_nearest, one.n_features = n_nearest, 2 * n_nearest
        return centers

    def forget(self) -> None:
        """Drop the centers without a fold, which only the training asks for."""
        self._without = []

    def own(self, records: Tensor, folds: Tensor) -> Tensor:
        """Return what is to be left out for the training records themselves: the centers that their fold made."""
        return folds

    def features(self, records: Tensor, left_out: Tensor | None = None) -> Tensor:
        """Return the features (n, n_features) of records, unscaled; ``left_out`` (n,): folds, -1 for none."""
        if left_out is None:
            return self._features(records)
        features = torch.empty(len(records), self.n_features, dtype=records.dtype)
        for fold in left_out.unique().tolist():
            rows = torch.nonzero(left_out == fold)[:, 0]
            centers = self._without[fold] if fold >= 0 else self
            features[rows] = centers._features(records[rows])
        return features

    def _features(self, records: Tensor) -> Tensor:
        distances, places = nearest_points(
            records, self.references, self.squares, self.n_nearest, self.block, choose=_smallest
        )
        log_distances = torch.log(distances + self.damping)
        return torch.cat([log_distances, log_distances - self.log_radii[places]], dim=1)

    def recognize(self, records: Tensor) -> None:
        """Recognize nothing: no record is kept."""


def _smallest(squared: Tensor, n_nearest: int) -> tuple[Tensor, Tensor]:
    """Return the smallest entries of each row, ascending, and their places: for a few of few, faster than a sort."""
    found = []
    for _ in range(n_nearest):
        found.append(squared.min(dim=1))
        squared.scatter_(1, found[-1].indices[:, None], torch.inf)
    return torch.stack([one.values for one in found], dim=1), torch.stack([one.indices for one in found], dim=1)
