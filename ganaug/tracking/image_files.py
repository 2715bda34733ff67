"""Images that a run starts from: read, checked, told apart by a digest, and split."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs

CHOICES = {"recipe": ("modern", "textbook"), "resize": ("error", "crop", "pad", "stretch")}
MIN_IMAGES, MIN_HELD_OUT = 50, 10
"""Fewer have not enough neighbors to be compared by."""


@dataclass(frozen=True)
class ImageSet:
    """Images, as an array or paths, and the class of each or None."""

    X: Any
    y: np.ndarray | None

    def at(self, places: np.ndarray) -> "ImageSet":
        """Return the images at ``places``."""
        X = self.X[places] if isinstance(self.X, np.ndarray) else [self.X[place] for place in places]
        return ImageSet(X, None if self.y is None else self.y[places])


def check_choice(name: str, value: Any) -> None:
    """Refuse what is none of the values that a run's parameter takes."""
    from ganaug.images.sources import MODELS

    choices = tuple(MODELS) if name == "model" else CHOICES[name]
    if value is not None and value not in choices:
        raise InvalidInputError(f"`{name}`={value!r} must be one of {', '.join(choices)}.")


def read_set(data: str | os.PathLike[str] | None, model: str | None) -> ImageSet:
    """Return a run's images, checked, and their classes where there are two at least; None is scikit-learn's digits."""
    # Late, as all that needs torch's networks: who tracks something else need not wait for it.
    from ganaug.images.sources import find_labels, read_images

    if data is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return ImageSet(digits.images / 16, digits.target)
    X, y = read_images(data, "`data`=")
    labels = find_labels(X, y)
    if isinstance(X, Path):
        from ganaug.images.reading import find_files

        X = find_files(X).paths
    told = f"`data`={os.fspath(data)!r}"
    if labels is not None and len(labels) != len(X):
        raise InvalidInputError(f"{told} has {len(labels)} labels for {len(X)} images; give one label per image.")
    if len(X) < MIN_IMAGES:
        raise InvalidInputError(f"{told} has {len(X)} images; a run needs at least {MIN_IMAGES}.")
    if model == "conditional" and labels is None:
        raise InvalidInputError(f"`model`={model!r}: {told} has no two classes; give sub-folders, or the array y.")
    return ImageSet(X, labels)


def digest(images: ImageSet) -> str:
    """Return a fingerprint of images and labels: of an array its values, of files their bytes, in their order."""
    found = hashlib.sha256()
    if isinstance(images.X, np.ndarray):
        found.update(f"{images.X.dtype.str} {images.X.shape}".encode())
        found.update(np.ascontiguousarray(images.X))
    else:
        for path in images.X:
            found.update(Path(path).read_bytes())
    if images.y is not None:
        found.update(repr(images.y.tolist()).encode())
    return found.hexdigest()


def split(images: ImageSet, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the images to learn from, and of a fifth of each class that is held out; in their order."""
    rng = np.random.default_rng(random_state)
    everything = np.arange(len(images.X))
    labels = images.y
    groups = [everything] if labels is None else [np.flatnonzero(labels == label) for label in np.unique(labels)]
    shares = [rng.permutation(group)[: round(inputs.HOLDOUT_SHARE * len(group))] for group in groups]
    held_out = np.sort(np.concatenate(shares))
    if len(held_out) < MIN_HELD_OUT:
        raise InvalidInputError(
            f"`data` has {len(everything)} images of {len(groups)} classes, too few of each to hold a fifth of them "
            f"out: {MIN_HELD_OUT} images are needed to measure by. Give more images per class, or no classes."
        )
    return np.setdiff1d(everything, held_out), held_out
