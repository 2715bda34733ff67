"""Figures of enlarged images, with intervals over the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.restoration import psnr, read_pairs, sharpness, show, ssim
from ganaug.exceptions import InvalidInputError

DRAWS = 200  # of images with replacement


@dataclass(frozen=True)
class Figure:
    """One figure of all methods.

    Attributes
    ----------
    name : str
    better : "higher", "lower" or "near 1"
    rows : dict
        Of each method an array with a row per image, the same images for all.
    summarize : callable
        Rows of some images -> the figure.
    """

    name: str
    better: str
    rows: dict[str, np.ndarray]
    summarize: Callable[[np.ndarray], float]

    def of(self, method: str) -> float:
        """Return the figure of a method."""
        return self.summarize(self.rows[method])

    def worths(self, method: str, seed: int) -> np.ndarray:
        """Return how good a method is on all images, and then on images drawn with replacement."""
        rows = self.rows[method]
        if len(rows) < 2:  # of one image nobody knows how much it stands for
            return np.array([self._worth(rows), *[np.nan] * DRAWS])
        draws = np.random.default_rng(seed).integers(0, len(rows), (DRAWS, len(rows)))
        return np.array([self._worth(rows), *(self._worth(rows[drawn]) for drawn in draws)])

    def _worth(self, rows: np.ndarray) -> float:
        value = self.summarize(rows)
        return {"higher": value, "lower": -value, "near 1": -abs(value - 1)}[self.better]


def describe_gains(figures: list[Figure], method: str, seed: int) -> pd.DataFrame:
    """Return how much better a method is than each other one, with 95 % intervals over the images."""
    found = []
    for figure in figures:
        worths = {name: figure.worths(name, seed) for name in figure.rows}
        for rival in [name for name in worths if name != method]:
            gain, *drawn = worths[method] - worths[rival]
            reach = 1.96 * float(np.std(drawn))
            found.append((rival, figure.name, gain, gain - reach, gain + reach))
    return pd.DataFrame(found, columns=["rival", "figure", "gain", "low", "high"])


def measure(
    results: dict[str, Any], truth: Any, image_format: Any, classifier: Any, y: Any, notes: list[str]
) -> list[Figure]:
    """Return the figures of enlarged images, all in one form; what is remarkable goes to ``notes``."""
    form = {"value_range": (image_format.low, image_format.high), "layout": image_format.layout}
    # Blank images are restored exactly by some method: an infinite decibel would drown all others.
    decibels = _finite({name: psnr(images, truth, **form) for name, images in results.items()}, "PSNR", notes)
    steps = _finite({name: sharpness(images, truth, **form) for name, images in results.items()}, "sharpness", notes)
    figures = [
        Figure("PSNR", "higher", decibels, _mean),
        Figure("SSIM", "higher", {name: ssim(images, truth, **form) for name, images in results.items()}, _mean),
        Figure("sharpness", "near 1", steps, lambda rows: float(np.median(rows))),
    ]
    figures = [figure for figure in figures if all(map(len, figure.rows.values()))]
    if classifier is not None:
        return figures + _as_seen(results, truth, form, classifier, y, notes)
    if y is not None:
        raise InvalidInputError("y was given without classifier, which is to read the images; give both.")
    return figures


def _finite(rows: dict[str, np.ndarray], name: str, notes: list[str]) -> dict[str, np.ndarray]:
    is_finite = np.all([np.isfinite(values) for values in rows.values()], axis=0)
    if not is_finite.all():
        notes.append(f"{(~is_finite).sum():,} image(s) of one color, or restored exactly, are left out of {name}.")
    return {method: values[is_finite] for method, values in rows.items()}


def _mean(rows: np.ndarray) -> float:
    return float(rows.mean())


def _as_seen(
    results: dict[str, Any], truth: Any, form: dict[str, Any], classifier: Any, y: Any, notes: list[str]
) -> list[Figure]:
    """Return what a classifier makes of the images."""
    from ganaug.images.distances import frechet_distance
    from ganaug.images.records import check_labels

    def ask(answer: Callable[[Any], np.ndarray], images: Any) -> np.ndarray:
        pairs = read_pairs(images, truth, **form)
        return np.concatenate([answer(show(classifier, part)) for part, _ in pairs])

    wanted = ask(classifier.features, truth).astype(np.float64)
    seen = {name: ask(classifier.features, images).astype(np.float64) for name, images in results.items()}
    distances = {name: ((found - wanted) ** 2).mean(axis=1) for name, found in seen.items()}
    figures = [Figure("feature distance", "lower", distances, _mean)]
    if len(truth) > 1:
        both = {name: np.stack([wanted, found], axis=1) for name, found in seen.items()}
        figures.append(Figure("classifier-FID", "lower", both, lambda rows: frechet_distance(rows[:, 0], rows[:, 1])))
    if y is not None:
        labels = check_labels(y, len(truth))
        is_right = {name: ask(classifier.predict, images) == labels for name, images in results.items()}
        figures.append(Figure("read rightly", "higher", is_right, _mean))
        share = float((ask(classifier.predict, truth) == labels).mean())
        notes.append(f"The classifier reads {100 * share:.1f} % of the true images rightly.")
    return figures
