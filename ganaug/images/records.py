"""What image GANs train on: pixels in memory or read from disk as they are needed, and classes as indices."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from ganaug.adversarial.game import Batch
from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import to_unit


class ImageRecords:
    """Images in memory, in a compact dtype; batches are float32 in [-1, 1].

    Parameters
    ----------
    pixels : ndarray of shape (n_images, channels, height, width)
        Not copied.
    low, high : float
        The values that stand for black and white.
    labels : Tensor of shape (n_images,), optional
        Indices of classes.
    """

    def __init__(self, pixels: np.ndarray, low: float, high: float, labels: Tensor | None = None) -> None:
        self.pixels, self.low, self.high, self.labels = pixels, low, high, labels

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, indices: Tensor) -> Batch:
        """Return the images at ``indices`` as a batch, with their classes as conditions."""
        unit = to_unit(self.pixels[indices.numpy()], self.low, self.high)
        return Batch(torch.from_numpy(unit), None if self.labels is None else self.labels[indices])


class PixelReader(Protocol):
    """Reads one image at a time."""

    def __len__(self) -> int: ...

    def read(self, place: int) -> np.ndarray:
        """Return (channels, height, width)."""
        ...


class FileRecords:
    """Images on disk, decoded each time they are asked for; equal to ``ImageRecords`` of the same files, bit for bit.

    Parameters
    ----------
    reader : PixelReader
    low, high : float
        The values that stand for black and white.
    labels : Tensor of shape (n_images,), optional
        Indices of classes.
    """

    def __init__(self, reader: PixelReader, low: float, high: float, labels: Tensor | None = None) -> None:
        self.reader, self.low, self.high, self.labels = reader, low, high, labels

    def __len__(self) -> int:
        return len(self.reader)

    def take(self, indices: Tensor) -> Batch:
        """Return the images at ``indices`` as a batch, with their classes as conditions."""
        pixels = np.stack([self.reader.read(place) for place in indices.tolist()])
        unit = to_unit(pixels, self.low, self.high)
        return Batch(torch.from_numpy(unit), None if self.labels is None else self.labels[indices])


def check_labels(y: Any, n_images: int | None = None) -> np.ndarray:
    """Return classes as a flat array without missing values, one per image."""
    labels: np.ndarray = column_or_1d(y)
    if isinstance(y, list | tuple) and labels.dtype.kind == "U":
        # numpy has turned whatever stood among the texts into text: None and NaN, too.
        labels = np.array(y, dtype=object) if any(not isinstance(label, str) for label in y) else labels
    if n_images is not None and len(labels) != n_images:
        raise InvalidInputError(f"y has {len(labels)} labels for {n_images} images. Give one label per image.")
    missing = np.asarray(pd.isna(labels))
    if missing.any():
        raise InvalidInputError(
            f"y[{int(np.argmax(missing))}] is missing, and {int(missing.sum())} of {len(labels)} in all. Leave those "
            "images out, or give them a class of their own."
        )
    if labels.dtype.kind == "f" and (labels != np.rint(labels)).any():
        first = int(np.argmax(labels != np.rint(labels)))
        raise InvalidInputError(f"y[{first}] is {labels[first]}, a measure, not a class. Cut y into bins first.")
    return labels


def find_classes(labels: np.ndarray) -> np.ndarray:
    """Return the sorted classes."""
    try:
        return np.unique(labels)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise InvalidInputError(
            f"y mixes {', '.join(kinds)}, which can't be put in order. Give labels of one type."
        ) from error


def code_labels(labels: np.ndarray, classes: np.ndarray) -> Tensor:
    """Return the index of each label among ``classes``."""
    # By hash, not by bisection: a label of another type is not among the classes, and can't be compared with them.
    codes = pd.Index(classes.tolist()).get_indexer(pd.Index(labels.tolist()))
    if (codes < 0).any():
        first = int(np.argmax(codes < 0))
        known = ", ".join(repr(label) for label in classes[:10].tolist()) + (", ..." if len(classes) > 10 else "")
        raise InvalidInputError(
            f"y[{first}] is {labels[first : first + 1].tolist()[0]!r}, which fit has not seen. It knows {known}."
        )
    return torch.from_numpy(codes.astype(np.int64))
