"""By what images are compared: features under an honest name, and a classifier of the user's labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError

BATCH = 256  # images that a callable is given at once
SEED = 1  # of the random network: not 0, by which GANs pick their weights while they train
LARGEST_PIXELS = 32  # sides above are averaged down before pixels are compared


@dataclass(frozen=True)
class Features:
    """Turns images into rows of numbers, and says what distances on them are called."""

    name: str
    distance: str
    kernel: str
    look: Callable[[np.ndarray], np.ndarray]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return float64 (n, d)."""
        rows = np.asarray(self.look(images), dtype=np.float64)
        if rows.ndim != 2 or len(rows) != len(images):
            raise InvalidInputError(
                f"`features` ({self.name}) gave an array of shape {rows.shape} for {len(images)} images; return one "
                "row of numbers per image, (n, d), e.g. means over height and width."
            )
        return rows


def choose_features(features: Any, name: str | None, encoder: Any, classifier: Any) -> Features:
    """Return the features that the user asked for; `classifier` is fitted, or None where there are no labels."""
    from torch import nn

    from ganaug.images.classifier import ImageClassifier
    from ganaug.images.random_features import RandomFeatures

    wanted = features if isinstance(features, str) else None
    if wanted == "classifier" or isinstance(features, ImageClassifier):
        if classifier is None:
            raise InvalidInputError(
                "features='classifier' needs labels to train a classifier on: give y=, or features='random'."
            )
        return Features("classifier", "classifier-FID", "classifier-KID", classifier.features)
    if wanted == "random":
        described = encoder.format_
        network = RandomFeatures(described.channels, described.height, described.width, seed=SEED)
        look = _look_of_module(network, encoder)
        return Features("random", "random-features distance", "random-features kernel distance", look)
    if not callable(features):
        raise InvalidInputError(
            f"features={features!r}: give 'classifier', 'random', a fitted ImageClassifier, a torch module, or a "
            "callable from images to (n, d)."
        )
    name = str(name or getattr(features, "__name__", type(features).__name__))
    look = _look_of_module(features, encoder) if isinstance(features, nn.Module) else _look_of_callable(features)
    # Only on Inception's features do these numbers have their names in the literature.
    if name.lower() == "inception":
        return Features(name, "FID", "KID", look)
    return Features(name, f"frechet distance ({name})", f"kernel distance ({name})", look)


def _look_of_callable(function: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], np.ndarray]:
    def look(images: np.ndarray) -> np.ndarray:
        return np.concatenate([_as_numpy(function(images[first:][:BATCH])) for first in range(0, len(images), BATCH)])

    return look


def _look_of_module(module: Any, encoder: Any) -> Callable[[np.ndarray], np.ndarray]:
    from ganaug.images.asking import in_blocks

    def look(images: np.ndarray) -> np.ndarray:
        device = next((weights.device for weights in module.parameters()), "cpu")
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            encoded = (encoder.encode(images[first:][:BATCH]).to(device) for first in range(0, len(images), BATCH))
            return np.concatenate([_as_numpy(in_blocks(module, part)) for part in encoded])
        finally:
            for part, was_training in modes.items():
                part.training = was_training

    return look


def _as_numpy(rows: Any) -> np.ndarray:
    return rows.detach().cpu().numpy() if hasattr(rows, "detach") else np.asarray(rows)


def small_pixels(images: np.ndarray, encoder: Any) -> np.ndarray:
    """Return the pixels of each image as a row, of an image averaged to at most 32 x 32."""
    from torch.nn import functional

    size = tuple(min(side, LARGEST_PIXELS) for side in encoder.format_.size)
    parts = []
    for first in range(0, len(images), BATCH):
        encoded = encoder.encode(images[first : first + BATCH])
        parts.append(functional.adaptive_avg_pool2d(encoded, size).flatten(1).numpy())
    return np.concatenate(parts)


def halve_by_class(codes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return two random halves of the rows with the same share of each class."""
    order = rng.permutation(len(codes))
    by_class = order[np.argsort(codes[order], kind="stable")]
    return rng.permutation(by_class[::2]), rng.permutation(by_class[1::2])


class ShownClassifier:
    """A classifier that is shown images of one form in the form that it was fitted to.

    Parameters
    ----------
    classifier : ImageClassifier
        Fitted.
    encoder : ImageEncoder
        Knows the form of the images that will be asked about.
    """

    def __init__(self, classifier: Any, encoder: Any) -> None:
        self.classifier, self.encoder = classifier, encoder
        known, asked = classifier.encoder_.format_, encoder.format_
        if (known.channels, known.size) != (asked.channels, asked.size):
            raise InvalidInputError(
                f"features={classifier!r} was fitted to images of {known}, and `real` holds images of {asked}. Give a "
                "classifier of such images, or say image_size= and resize=."
            )

    @property
    def classes_(self) -> np.ndarray:
        """The labels that the classifier knows."""
        classes: np.ndarray = self.classifier.classes_
        return classes

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the likeliest class of each image."""
        return self._ask(self.classifier.predict, images)

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Return the probability of each class."""
        return self._ask(self.classifier.predict_proba, images)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return what the last hidden layer says of each image."""
        return self._ask(self.classifier.features, images)

    def _ask(self, answer: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
        decode, encode = self.classifier.encoder_.decode, self.encoder.encode
        # A few at a time, since none of the forms between need be kept.
        parts = [images[first : first + BATCH] for first in range(0, len(images), BATCH)]
        return np.concatenate([answer(decode(encode(part))) for part in parts])


def train_classifier(images: np.ndarray, labels: np.ndarray, seed: int, encoder: Any) -> ShownClassifier:
    """Return a classifier fitted on the images."""
    from ganaug.images.classifier import ImageClassifier

    # In [0, 1], whatever black and white are to the user: a classifier can't be told.
    shares = (encoder.encode(images).numpy() + 1) / 2
    return ShownClassifier(ImageClassifier(random_state=seed).fit(shares, labels), encoder)
