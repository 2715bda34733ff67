"""Distances between two sets of features, real and fake: numbers only, whatever the features are.

Everything is computed in float64 and a block of rows at a time, so that memory grows with the number of samples and
not with its square.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError

Array = np.ndarray[Any, np.dtype[np.float64]]
BLOCK = 512  # rows of one side that are compared with all of the other side at once
# Squared distances below this share of the squared lengths are rounding: the two rows are the same.
SAME = 1e-12


def frechet_distance(real: Any, fake: Any) -> float:
    """Return the squared Frechet distance between Gaussians fitted to two sets of features.

    FID is this number for the pooled features of one particular Inception network [1]_; for other features it means
    nothing beside published FIDs. Covariances divide by n - 1, as is usual. The number is biased upwards, the more so
    the fewer samples there are: compare only values that come from equally many.

    Parameters
    ----------
    real, fake : array-like of shape (n, d)
        Features, a row per sample; at least two rows each, which may be fewer than d.

    Returns
    -------
    float
        0 = the same mean and covariance; smaller is better.

    References
    ----------
    .. [1] Heusel et al. (2017), "GANs trained by a two time-scale update rule converge to a local Nash equilibrium".

    Examples
    --------
    >>> real = [[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]
    >>> fake = [[row[0] + 3.0, row[1]] for row in real]  # moved by 3
    >>> round(frechet_distance(real, fake), 6)
    9.0
    """
    real, fake = _check_features(real, fake, 2)
    gap = float(((real.mean(0) - fake.mean(0)) ** 2).sum())
    root_real, root_fake = _root_of_covariance(real), _root_of_covariance(fake)
    # The trace of (cov_real cov_fake)^(1/2) is the sum of the singular values of this product of roots. The smaller
    # of its two symmetric squares has them as roots of eigenvalues: fewer samples than features make it small.
    product = root_real @ root_fake.T
    square = product @ product.T if product.shape[0] <= product.shape[1] else product.T @ product
    overlap = float(np.sqrt(np.linalg.eigvalsh(square).clip(0)).sum())
    spread = float((root_real**2).sum() + (root_fake**2).sum())
    return max(0.0, gap + spread - 2 * overlap)


def kernel_distance(
    real: Any, fake: Any, *, subset_size: int | None = None, n_subsets: int = 100, random_state: int = 0
) -> float:
    """Return the squared maximum mean discrepancy with the cubic kernel (x.y / d + 1)^3, unbiased.

    On Inception's features this is KID [1]_. Unlike the Frechet distance its expectation does not depend on the number
    of samples; between samples of one distribution it is 0 on average, and so a little below 0 as often as above.

    Parameters
    ----------
    real, fake : array-like of shape (n, d)
        Features, a row per sample; at least two rows each.
    subset_size : int, default=None
        None compares all pairs, which is steadier. A number gives the mean over `n_subsets` random subsets of that
        size, as other packages report it.
    n_subsets : int, default=100
        How many subsets are drawn.
    random_state : int, default=0
        Draws them.

    Returns
    -------
    float
        About 0 = no difference; smaller is better.

    References
    ----------
    .. [1] Binkowski et al. (2018), "Demystifying MMD GANs".

    Examples
    --------
    >>> kernel_distance([[0.0], [0.0]], [[1.0], [1.0]])  # the kernel is 1, 8 and, between the two, 1
    7.0
    """
    real, fake = _check_features(real, fake, 2)
    if subset_size is None:
        return _squared_discrepancy(real, fake)
    if not 2 <= subset_size <= min(len(real), len(fake)):
        raise InvalidInputError(
            f"subset_size={subset_size!r}: give 2 to {min(len(real), len(fake))} (the smaller set), or None for all."
        )
    rng = np.random.default_rng(random_state)
    subsets = [
        _squared_discrepancy(*(rows[rng.permutation(len(rows))[:subset_size]] for rows in (real, fake)))
        for _ in range(n_subsets)
    ]
    return float(np.mean(subsets))


def neighborhoods(real: Any, fake: Any, n_neighbors: int = 5) -> dict[str, float]:
    """Return precision, recall, density and coverage from balls that reach to the k-th neighbor.

    Precision is the share of fakes inside some real sample's ball, recall the share of real samples inside some
    fake's ball [1]_; density counts in how many real balls a fake lies (over k, so 1 for real samples, more where
    fakes crowd into the middle), coverage is the share of real balls that hold a fake [2]_. The figures are those of
    the ``prdc`` package; they depend on the number of samples, so compare equally many.

    Parameters
    ----------
    real, fake : array-like of shape (n, d)
        Features, a row per sample; more than `n_neighbors` rows each.
    n_neighbors : int, default=5
        The k of the k-th neighbor, a sample not being its own.

    Returns
    -------
    dict
        "precision" and "density" (are the fakes likely?), "recall" and "coverage" (is all there?); higher is better.

    References
    ----------
    .. [1] Kynkaanniemi et al. (2019), "Improved precision and recall metric for assessing generative models".
    .. [2] Naeem et al. (2020), "Reliable fidelity and diversity metrics for generative models".

    Examples
    --------
    >>> import numpy as np
    >>> real = np.arange(20.0)[:, None]
    >>> neighborhoods(real, real[:10] + 0.1, n_neighbors=2)  # likely, but the upper half is missing
    {'precision': 1.0, 'recall': 0.6, 'density': 1.05, 'coverage': 0.55}
    """
    if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, int | np.integer) or n_neighbors < 1:
        raise InvalidInputError(f"n_neighbors={n_neighbors!r}: give a whole number of at least 1, e.g. 5.")
    real, fake = _check_features(real, fake, int(n_neighbors) + 1)
    radius_real, radius_fake = (_neighbor_distances(rows, rows, int(n_neighbors)) for rows in (real, fake))
    in_real_balls = np.zeros(len(fake), dtype=np.int64)
    recalled = covered = 0
    for rows, distance in _distance_blocks(real, fake):
        inside = distance < radius_real[rows, None]
        in_real_balls += inside.sum(0)
        recalled += int((distance < radius_fake).any(1).sum())
        covered += int(inside.any(1).sum())
    return {
        "precision": float((in_real_balls > 0).mean()),
        "recall": recalled / len(real),
        "density": float(in_real_balls.mean() / n_neighbors),
        "coverage": covered / len(real),
    }


def nearest_distances(queries: Any, references: Any) -> Array:
    """Return each query's Euclidean distance to the nearest reference; exactly 0 for a copy.

    Examples
    --------
    >>> nearest_distances([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 9.0]]).tolist()
    [0.0, 5.0]
    """
    return _neighbor_distances(*_check_features(queries, references, 1, ("queries", "references")), 0)


def _check_features(
    left: Any, right: Any, minimum: int, names: tuple[str, str] = ("real", "fake")
) -> tuple[Array, Array]:
    checked = []
    for name, rows in zip(names, (left, right), strict=True):
        array = np.asarray(rows, dtype=np.float64)
        if array.ndim != 2 or not array.shape[1]:
            raise InvalidInputError(f"`{name}` has shape {array.shape}; give features as (n, d), a row per sample.")
        if len(array) < minimum:
            raise InvalidInputError(f"`{name}` has {len(array)} rows, and {minimum} are needed; give more samples.")
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).any(1).sum())
            raise InvalidInputError(f"`{name}` has NaN or infinity in {bad} of {len(array)} rows; drop or mend them.")
        checked.append(array)
    if checked[0].shape[1] != checked[1].shape[1]:
        raise InvalidInputError(
            f"`{names[0]}` has {checked[0].shape[1]} features and `{names[1]}` {checked[1].shape[1]}; "
            "take both from the same network."
        )
    return checked[0], checked[1]


def _root_of_covariance(rows: Array) -> Array:
    """Return a matrix whose transpose times itself is the covariance; with few rows, the rows themselves."""
    centered: Array = (rows - rows.mean(0)) / np.sqrt(len(rows) - 1)
    if len(rows) <= rows.shape[1]:
        return centered
    values, vectors = np.linalg.eigh(centered.T @ centered)
    root: Array = np.sqrt(values.clip(0))[:, None] * vectors.T
    return root


def _squared_discrepancy(real: Array, fake: Array) -> float:
    def total(left: Array, right: Array) -> float:
        return sum(float(cubed(left[rows] @ right.T).sum()) for rows in _slices(len(left)))

    def cubed(products: Array) -> Array:
        kernel: Array = products / real.shape[1] + 1
        return kernel * kernel * kernel  # ten times as fast as ** 3

    def own(rows: Array) -> float:
        # A sample's kernel with itself says nothing of the distribution: leaving it out makes the estimate unbiased.
        diagonal = float(cubed(np.einsum("nd,nd->n", rows, rows)).sum())
        return (total(rows, rows) - diagonal) / (len(rows) * (len(rows) - 1))

    return own(real) + own(fake) - 2 * total(real, fake) / (len(real) * len(fake))


def _neighbor_distances(queries: Array, references: Array, rank: int) -> Array:
    """Return each query's distance to the reference that `rank` others are nearer than."""
    ranked: Callable[[Array], Array] = lambda block: np.partition(block, rank, axis=1)[:, rank]  # noqa: E731
    return np.concatenate([ranked(distance) for _, distance in _distance_blocks(queries, references)])


def _distance_blocks(left: Array, right: Array) -> Iterator[tuple[slice, Array]]:
    """Yield the distances of a block of rows on the left to all rows on the right."""
    center = right.mean(0)  # far from the origin the squares below would lose digits
    left, right = left - center, right - center
    lengths_left, lengths_right = (np.einsum("nd,nd->n", rows, rows) for rows in (left, right))
    for rows in _slices(len(left)):
        lengths = lengths_left[rows, None] + lengths_right
        squared = lengths - 2 * (left[rows] @ right.T)
        squared[squared < SAME * lengths] = 0  # a copy is at 0, not at the root of the rounding
        yield rows, np.sqrt(squared)


def _slices(n_rows: int) -> list[slice]:
    return [slice(first, min(first + BLOCK, n_rows)) for first in range(0, n_rows, BLOCK)]
