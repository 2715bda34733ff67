"""What image GANs train on: pixels in memory or read from disk as they are needed, and classes as indices."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from ganaug import plain
from ganaug.adversarial.game import Batch
from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import to_unit


class Records(ABC):
    """Images of which some are taken at a time, as float32 in [-1, 1]."""

    low: float
    high: float
    labels: Tensor | None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def fetch(self, places: np.ndarray) -> np.ndarray:
        """Return the pixels at ``places``, in their compact dtype."""

    def take(self, indices: Tensor) -> Batch:
        """Return the images at ``indices`` as a batch, with their classes as conditions."""
        unit = to_unit(self.fetch(indices.numpy()), self.low, self.high)
        return Batch(torch.from_numpy(unit), None if self.labels is None else self.labels[indices])


class ImageRecords(Records):
    """Images in memory, in a compact dtype.

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

    def fetch(self, places: np.ndarray) -> np.ndarray:
        """Return the pixels at ``places``."""
        return self.pixels[places]


class PixelReader(Protocol):
    """Reads one image at a time."""

    def __len__(self) -> int: ...

    def read(self, place: int) -> np.ndarray:
        """Return (channels, height, width)."""
        ...


class FileRecords(Records):
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

    def fetch(self, places: np.ndarray) -> np.ndarray:
        """Return the pixels at ``places``, read anew."""
        return np.stack([self.reader.read(place) for place in places.tolist()])


def check_labels(y: Any, n_images: int | None = None) -> np.ndarray:
    """Return classes as a flat array without missing values, one per image."""
    try:
        labels: np.ndarray = column_or_1d(y)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"y can't be labels: {error} Give one label per image.") from error
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


def learn_classes(labels: np.ndarray) -> tuple[np.ndarray, Tensor]:
    """Return the sorted classes, and the index of each label among them."""
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise InvalidInputError(
            f"y mixes {', '.join(kinds)}, which can't be put in order. Give labels of one type."
        ) from error
    try:
        # Now, not when a model that took an hour is to be saved.
        plain.encode(to_list(classes), {})
    except InvalidInputError as error:
        raise InvalidInputError(f"y holds labels that a model can't keep: {error}") from None
    return classes, torch.from_numpy(codes.astype(np.int64))


def code_labels(labels: np.ndarray, classes: np.ndarray) -> Tensor:
    """Return the index of each label among ``classes``."""
    known, wanted = to_list(classes), to_list(labels)
    # By hash, not by bisection: a label of another type is not among the classes, and can't be compared with them.
    # What is no number is compared as it is, since pandas would read dates out of texts and out of numbers.
    kind = None if classes.dtype.kind in "biuf" else object
    codes = pd.Index(known, kind, tupleize_cols=False).get_indexer(pd.Index(wanted, kind, tupleize_cols=False))
    if (codes < 0).any():
        first = int(np.argmax(codes < 0))
        shown = ", ".join(repr(label) for label in known[:10]) + (", ..." if len(known) > 10 else "")
        raise InvalidInputError(f"y[{first}] is {wanted[first]!r}, which fit has not seen. It knows {shown}.")
    return torch.from_numpy(codes.astype(np.int64))


def decode_labels(indices: Any, classes: np.ndarray) -> np.ndarray:
    """Return the classes at ``indices``."""
    places = indices.detach().cpu().numpy() if isinstance(indices, Tensor) else np.asarray(indices)
    places = places.astype(int) if places.size == 0 else places
    is_known = places.dtype.kind in "iu" and ((places >= 0) & (places < len(classes))).all()
    if not is_known:
        raise InvalidInputError(
            f"indices={indices!r}: there are {len(classes)} classes, so whole numbers from 0 to {len(classes) - 1} are "
            "expected."
        )
    labels: np.ndarray = classes[places]
    return labels


def to_list(labels: np.ndarray) -> list[Any]:
    """Return labels as plain values; dates and durations whole, where numpy's own list may be of nanoseconds."""
    if labels.dtype.kind == "M":
        return list(pd.DatetimeIndex(labels))
    if labels.dtype.kind == "m":
        return list(pd.TimedeltaIndex(labels))
    values: list[Any] = labels.tolist()
    return values


def from_list(values: list[Any], dtype: str) -> np.ndarray:
    """Undo ``to_list``."""
    kind = np.dtype(dtype).kind
    if kind in "Mm":
        # By way of pandas, since numpy's reading of a date has no nanoseconds.
        index = pd.DatetimeIndex(values) if kind == "M" else pd.TimedeltaIndex(values)
        return index.to_numpy().astype(dtype)
    labels = np.empty(len(values), dtype=dtype)
    labels[:] = values
    return labels
