"""Labelled images as a user has them: their form and classes learned, more of them drawn, appended and judged by."""

import inspect
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ganaug.augment.preparing import seed_copy
from ganaug.exceptions import InvalidInputError
from ganaug.images import ConditionalGAN, ImageEncoder
from ganaug.images.classifier import ImageClassifier
from ganaug.images.formats import as_array
from ganaug.images.reading import are_files

GAN_STEPS = 1_000
CLASSIFIER_STEPS = 300
_NO_LIMIT = 2**62


@dataclass(frozen=True)
class ImageSet:
    """Images, classes, and what is known of their form.

    Attributes
    ----------
    pixels : ndarray
        In the layout and the dtype that the user has.
    codes : ndarray of int
        Each image's place in ``encoder.classes_``.
    encoder : ImageEncoder
    """

    pixels: np.ndarray
    codes: np.ndarray
    encoder: ImageEncoder

    @classmethod
    def learn(cls, X: Any, y: Any, gan: Any) -> "ImageSet":
        """Learn the form of arrays, by what ``gan`` is told about them (``value_range``, ``layout``, ...)."""
        if are_files(X):
            raise InvalidInputError(
                "X holds paths, and synthetic images can't be appended to those. Give arrays, or call "
                "augment_folder(folder, output) with one sub-folder per class."
            )
        if y is None:
            raise InvalidInputError("y=None: the class of each image is needed. Give one label per image.")
        array, encoder = as_array(X), make_encoder(gan)
        codes = encoder.learn(array, y).labels.numpy()
        learned, given = encoder.format_.size, array.shape[1:]
        if encoder.inverse_transform(np.zeros((1, encoder.format_.n_values))).shape[1:] != given:
            raise InvalidInputError(
                f"image_size={encoder.image_size!r} of the GAN has it learn images of {learned[0]} x {learned[1]} "
                f"pixels, which can't be appended to X of shape {array.shape}. Scale X first, or leave image_size out."
            )
        return cls(array, codes, encoder)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def labels(self) -> np.ndarray:
        """The class of each image."""
        return self.encoder.decode_labels(self.codes)

    @property
    def counts(self) -> np.ndarray:
        """How many images each class has."""
        return np.bincount(self.codes, minlength=len(self.encoder.classes_))

    def take(self, places: np.ndarray) -> "ImageSet":
        """Return the images at ``places``."""
        return ImageSet(self.pixels[places], self.codes[places], self.encoder)

    def add(self, other: "ImageSet") -> "ImageSet":
        """Return these images, and the others below them."""
        pixels = np.concatenate([self.pixels, other.pixels])
        return ImageSet(pixels, np.concatenate([self.codes, other.codes]), self.encoder)


def make_encoder(gan: Any) -> ImageEncoder:
    """Return an encoder that is told what a GAN is; it keeps files in memory, where a classifier needs them anyway."""
    told = {name: getattr(gan, name) for name in ImageEncoder().get_params() if hasattr(gan, name)}
    return ImageEncoder(**told | {"memory_limit": _NO_LIMIT})


def make_gan(gan: Any) -> Any:
    """Return the GAN given, if it can do what is asked of it; None stands for a small one."""
    if gan is None:
        return ConditionalGAN(max_steps=GAN_STEPS)
    asked = inspect.signature(gan.sample).parameters if callable(getattr(gan, "sample", None)) else {}
    if isinstance(gan, type) or not hasattr(gan, "fit") or not {"y", "random_state"} <= set(asked):
        raise InvalidInputError(
            f"gan={gan!r} can't fit(X, y) and sample(y=labels, random_state=seed). Give a ganaug.images.ConditionalGAN."
        )
    return gan


def make_classifier(classifier: Any) -> Any:
    """Return the classifier given; None stands for a small one."""
    if classifier is None:
        return ImageClassifier(max_steps=CLASSIFIER_STEPS)
    if isinstance(classifier, type) or not hasattr(classifier, "fit") or not hasattr(classifier, "predict"):
        raise InvalidInputError(
            f"classifier={classifier!r} can't fit(X, y) and predict(X). Give a classifier of image arrays, such as "
            "make_pipeline(FunctionTransformer(lambda images: images.reshape(len(images), -1)), LogisticRegression())."
        )
    return classifier


def is_fitted(gan: Any) -> bool:
    """Tell whether a GAN is fitted, and so to be used as it is."""
    try:
        check_is_fitted(gan)
    except NotFittedError:
        return False
    return True


def train(gan: Any, images: ImageSet, seed: int) -> Any:
    """Return a trained copy of an unfitted GAN; a fitted one comes back as it is."""
    return gan if is_fitted(gan) else seed_copy(gan, seed).fit(images.pixels, images.labels)


def draw(gan: Any, images: ImageSet, counts: np.ndarray, seed: int) -> ImageSet:
    """Return synthetic images, so many of each class, in the form of ``images``."""
    encoder, codes = images.encoder, np.repeat(np.arange(len(counts)), counts)
    if not len(codes):
        return images.take(np.arange(0))
    pixels = np.asarray(gan.sample(y=encoder.decode_labels(codes), random_state=seed % 2**32))
    learned = getattr(gan, "encoder_", encoder)
    if learned.format_ != encoder.format_:
        # A GAN that was fitted elsewhere may know the same images in another layout, dtype or range.
        shapes = [(known.format_.channels, *known.format_.size) for known in (learned, encoder)]
        if shapes[0] != shapes[1]:
            raise InvalidInputError(
                f"gan was fitted to images of {learned.format_}, and these are of {encoder.format_}. Give a GAN fitted "
                "to such images, or an unfitted one."
            )
        pixels = encoder.decode(learned.encode(pixels))
    if pixels.shape[1:] != images.pixels.shape[1:] or pixels.dtype != images.pixels.dtype:
        raise InvalidInputError(
            f"gan={gan!r} drew {pixels.dtype} of shape {pixels.shape}, which can't be appended to "
            f"{images.pixels.dtype} of shape {images.pixels.shape}. Give one that returns images as it was given them."
        )
    return ImageSet(pixels, codes, encoder)


def count_synthetic(counts: np.ndarray, share: float, balance: bool = False) -> np.ndarray:
    """Return how many synthetic images each class gets: one at least, if any.

    With ``balance`` as many in all, each of them to the class that has the fewest by then.

    >>> count_synthetic(np.array([100, 10, 50]), 0.25).tolist()
    [25, 3, 13]
    >>> count_synthetic(np.array([100, 10, 50]), 0.25, balance=True).tolist()
    [0, 40, 0]
    """
    if not balance:
        return np.ceil(share * counts - 1e-9).astype(int)
    n_wanted, rarest_first = math.ceil(share * counts.sum() - 1e-9), np.argsort(counts, kind="stable")
    ascending = counts[rarest_first]
    for n_filled in range(1, len(counts) + 1):
        level, n_left = divmod(n_wanted + int(ascending[:n_filled].sum()), n_filled)
        if n_filled == len(counts) or level < ascending[n_filled]:
            break
    wanted = np.zeros_like(counts)
    wanted[rarest_first[:n_filled]] = level - ascending[:n_filled] + (np.arange(n_filled) < n_left)
    return wanted


def fit_classifier(classifier: Any, images: ImageSet, seed: int) -> Any:
    """Return a trained copy of a classifier."""
    return seed_copy(classifier, seed).fit(present(classifier, images), images.labels)


def present(classifier: Any, images: ImageSet) -> np.ndarray:
    """Return images as a classifier takes them: as the user has them; ours is told no range, so it gets [0, 1]."""
    if not isinstance(classifier, ImageClassifier):
        return images.pixels
    return (images.encoder.encode(images.pixels).numpy() + 1) / 2


def append_to(X: Any, added: np.ndarray) -> Any:
    """Return ``X`` as it is and the images added below it; a frame of pixels stays one."""
    if isinstance(X, pd.DataFrame):
        return pd.concat([X, pd.DataFrame(added, columns=X.columns).astype(X.dtypes)], ignore_index=True)
    return np.concatenate([as_array(X), added])


def append_labels_to(y: Any, added: np.ndarray) -> Any:
    """Return ``y`` as it is and the labels added below it; a Series stays one."""
    if isinstance(y, pd.Series):
        return pd.concat([y, pd.Series(added, name=y.name).astype(y.dtype)], ignore_index=True)
    labels = np.asarray(y).reshape(-1)
    return np.concatenate([labels, added.astype(labels.dtype)])
