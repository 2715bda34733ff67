"""How close synthetic images are to real ones, beside the floor that real images set themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.image_judges import Features, choose_features, small_pixels
from ganaug.evaluation.image_sets import ImageSets, gather, make_judge
from ganaug.exceptions import InvalidInputError

MEMORIZATION_IMAGES = 2_000  # medians of more would be no steadier than the GAN's seed
NEIGHBORHOODS = {"precision": "higher", "recall": "higher", "density": "near real", "coverage": "higher"}


@dataclass(frozen=True)
class ImageQuality:
    """What `image_quality` measured; print it.

    Attributes
    ----------
    figures : pandas.DataFrame
        `figure`, its value for the `synthetic` images, the same for other `real` images (the floor: what a perfect
        generator would get), and which is `better`: "lower", "higher", "near real" or "near 1".
    modes : pandas.DataFrame or None
        Per class its share among the `real` and the `synthetic` images, as the classifier reads both.
    features : str
        What the images were compared by.
    n_images : int
        Images compared, equally many of each kind.
    notes : tuple of str
        How it was measured, and what could not be.
    """

    figures: pd.DataFrame
    modes: pd.DataFrame | None
    features: str
    n_images: int
    notes: tuple[str, ...] = ()

    def __getitem__(self, figure: str) -> float:
        """Return one figure of the synthetic images, e.g. report["recall"]."""
        values = self.figures.set_index("figure")["synthetic"]
        if figure not in values:
            raise KeyError(f"{figure!r} was not measured; there are {list(values.index)}.")
        return float(values[figure])

    def to_dict(self) -> dict[str, float]:
        """Return the figures under flat names, for a log: "recall", and "recall_real" for its floor."""
        flat: dict[str, float] = {}
        for figure, synthetic, real, _ in self.figures.to_numpy():
            name = re.sub(r"\W+", "_", figure.lower()).strip("_")
            flat |= {name: float(synthetic), f"{name}_real": float(real)}
        return {name: value for name, value in flat.items() if not np.isnan(value)}

    def __str__(self) -> str:
        width = self.figures["figure"].str.len().max()
        lines = [f"{'':{width}}  {'synthetic':>10}  {'real':>10}  better"]
        for figure, synthetic, real, better in self.figures.to_numpy():
            lines.append(f"{figure:{width}}  {_short(synthetic):>10}  {_short(real):>10}  {better}")
        return "\n".join([*lines, *self.notes])


def image_quality(
    real: Any,
    synthetic: Any,
    *,
    y: Any = None,
    y_synthetic: Any = None,
    holdout: Any = None,
    y_holdout: Any = None,
    features: Any = "auto",
    features_name: str | None = None,
    n_neighbors: int = 5,
    max_images: int = 5_000,
    random_state: int | np.random.RandomState | None = 0,
    value_range: str | Sequence[float] = "auto",
    layout: str = "auto",
    image_size: int | Sequence[int] | None = None,
    resize: str = "error",
    color: str = "auto",
) -> ImageQuality:
    """Compare synthetic images with real ones, by features and, where there are labels, by a classifier.

    Every figure stands beside the same figure of real images that were kept apart: `holdout`, or else a random half
    of `real`. Figures depend on how many images are compared, so equally many of each kind are. Distances on other
    features than Inception's mean nothing beside published FIDs, and are never called so.

    With labels, a classifier is trained on a random half of `real` and none of these images is compared.

    Parameters
    ----------
    real, synthetic : array, list of paths, or path of a folder
        Images of one size, the real ones those that the GAN was trained on. A folder's sub-folders are its labels.
    y, y_synthetic : array-like, default=None
        Labels. With `y`: the share of each class, as the classifier reads it. With both: whether the classifier
        agrees with `y_synthetic`, and the classification accuracy score [4]_.
    holdout, y_holdout : default=None
        Real images that the GAN was not trained on, to see whether it memorized, and their labels.
    features : "auto", "classifier", "random", ImageClassifier, torch.nn.Module or callable, default="auto"
        "classifier" trains one on `y`; "random" is a fixed random network; "auto" is the first where there is `y`. A
        fitted `ganaug.images.classifier.ImageClassifier` should know none of these images. A module is given float
        images, NCHW in [-1, 1], in evaluation mode; any other callable a batch of images as `real` has them. Both
        return (n, d).
    features_name : str, default=None
        Name of a module or callable in the report. Say "inception" where it is FID's Inception network: then, and only
        then, the distances are called FID [1]_ and KID [2]_.
    n_neighbors : int, default=5
        For precision, recall, density and coverage [3]_.
    max_images : int, default=5000
        Compare at most so many of each kind, and train classifiers on at most twice as many.
    random_state : int, RandomState or None, default=0
        Draws the halves and seeds the classifiers. The random network is always the same.
    value_range, layout, image_size, resize, color
        What `real`, `synthetic` and `holdout` are like, where they don't tell by themselves: values that stand for
        black and white, such as (0, 16); order of the axes; height and width of rows of pixels, or to scale to; how to
        scale; what files become. As for `ganaug.images.ImageEncoder`, and as the GAN was told.

    Returns
    -------
    ImageQuality
        Memorization is the median distance of synthetic images to the nearest training image over that of held-out
        ones: 1 is fresh, 0 a copy. "copied" is the share of them nearer than all but 1 % of held-out images are.

    Raises
    ------
    InvalidInputError
        Images or labels do not fit together, or there are too few of them.

    References
    ----------
    .. [1] Heusel et al. (2017), "GANs trained by a two time-scale update rule converge to a local Nash equilibrium".
    .. [2] Binkowski et al. (2018), "Demystifying MMD GANs".
    .. [3] Naeem et al. (2020), "Reliable fidelity and diversity metrics for generative models".
    .. [4] Ravuri and Vinyals (2019), "Classification accuracy score for conditional generative models".

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.evaluation import image_quality
    >>> rng = np.random.default_rng(0)
    >>> real = rng.integers(0, 200, (200, 8, 8), dtype=np.uint8)
    >>> report = image_quality(real, real[:100] // 2, features="random")  # darker
    >>> report.figures["figure"].tolist()[:3]
    ['random-features distance', 'random-features kernel distance', 'precision']
    >>> darker, floor = report.figures.loc[0, ["synthetic", "real"]]
    >>> bool(darker > 10 * floor)
    True
    """
    for name, count in (("n_neighbors", n_neighbors), ("max_images", max_images)):
        if not isinstance(count, Integral) or count < 1:
            raise InvalidInputError(f"{name}={count!r}: a whole number of at least 1 is expected.")
    form = {"value_range": value_range, "layout": layout, "image_size": image_size, "resize": resize, "color": color}
    sets = gather(real, synthetic, holdout, (y, y_synthetic, y_holdout), random_state, form)
    judge = make_judge(sets, features, max_images)
    if isinstance(features, str) and features == "auto":
        features = "random" if judge.classifier is None else "classifier"
    chosen = choose_features(features, features_name, sets.encoder, judge.classifier)
    n_images = min(max_images, len(judge.reference), len(judge.fresh), len(sets.synthetic))
    if n_images <= n_neighbors:
        raise InvalidInputError(
            f"n_neighbors={n_neighbors!r}, but only {n_images} images of each kind can be compared ({len(sets.real)} "
            f"real, {len(sets.synthetic)} synthetic given); give more images, or fewer neighbors."
        )
    picked = sets.rng.permutation(len(sets.synthetic))[:n_images]
    images = [judge.reference[:n_images], judge.fresh[:n_images], sets.synthetic[picked]]
    rows = _likeness(chosen, images, n_neighbors)
    modes = None
    if judge.classifier is not None:
        modes, more = _compare_modes(judge.classifier, images)
        rows += more
    rows += judge.agreement(picked) + judge.accuracy_score(max_images)
    rows += _memorization(chosen, sets) if holdout is not None else []
    notes = [f"{n_images:,} images of each kind, compared by {chosen.name} features.", *judge.notes]
    if holdout is None:
        notes.append("Memorization was not measured: give holdout=, real images that the GAN was not trained on.")
    figures = pd.DataFrame(rows, columns=["figure", "synthetic", "real", "better"])
    return ImageQuality(figures, modes, chosen.name, n_images, tuple(notes))


Row = tuple[str, float, float, str]


def _likeness(features: Features, images: list[np.ndarray], n_neighbors: int) -> list[Row]:
    from ganaug.images.distances import frechet_distance, kernel_distance, neighborhoods

    reference, fresh, synthetic = (features(part) for part in images)
    rows = [
        (name, measure(reference, synthetic), measure(reference, fresh), "lower")
        for name, measure in ((features.distance, frechet_distance), (features.kernel, kernel_distance))
    ]
    of_synthetic, of_fresh = (neighborhoods(reference, part, n_neighbors) for part in (synthetic, fresh))
    return rows + [(name, of_synthetic[name], of_fresh[name], better) for name, better in NEIGHBORHOODS.items()]


def _compare_modes(classifier: Any, images: list[np.ndarray]) -> tuple[pd.DataFrame, list[Row]]:
    """Return the share of each class, and how far and how many are there; all as the classifier reads them."""
    classes = classifier.classes_
    shares = [
        np.bincount(classifier.predict_proba(part).argmax(1), minlength=len(classes)) / len(part) for part in images
    ]
    expected = (shares[0] * len(images[0]) + 0.5) / (len(images[0]) + 0.5 * len(classes))  # no class is impossible

    def divergence(share: np.ndarray) -> float:
        there = share > 0
        return float((share[there] * np.log(share[there] / expected[there])).sum())

    def count(share: np.ndarray) -> float:
        return float((share > expected / 10).sum())

    rows = [
        ("mode divergence (KL)", divergence(shares[2]), divergence(shares[1]), "lower"),
        (f"modes (of {len(classes)})", count(shares[2]), count(shares[1]), "higher"),
    ]
    return pd.DataFrame({"class": classes, "real": shares[0], "synthetic": shares[2]}), rows


def _memorization(features: Features, sets: ImageSets) -> list[Row]:
    from ganaug.images.distances import nearest_distances

    rows: list[Row] = []
    queries = [sets.rng.permutation(part)[:MEMORIZATION_IMAGES] for part in (sets.synthetic, sets.holdout)]
    views: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        f"{features.name} features": features,
        "pixels": lambda images: small_pixels(images, sets.encoder),
    }
    for name, view in views.items():
        training = view(sets.real)
        distance, usual = (nearest_distances(view(part), training) for part in queries)
        # All held-out images may be copies themselves, of blank images for instance: then nothing can be said.
        ratio = float(np.median(distance) / np.median(usual)) if np.median(usual) > 0 else np.nan
        rows.append((f"memorization ({name})", ratio, 1.0, "near 1"))
        near = np.quantile(usual, 0.01)
        copied = float((distance < near).mean() if near > 0 else (distance == 0).mean())
        rows.append((f"copied ({name})", copied, float((usual < near).mean()), "lower"))
    return rows


def _short(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if value == int(value) and abs(value) >= 2 else f"{value:.4g}"
