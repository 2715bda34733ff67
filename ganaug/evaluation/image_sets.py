"""Which images are compared with which, and a judge that was trained on none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganaug.evaluation.image_judges import ShownClassifier, halve_by_class, train_classifier
from ganaug.exceptions import InvalidInputError


@dataclass(frozen=True)
class ImageSets:
    """All images in the form of the real ones, with labels as indices of the classes of the real ones."""

    encoder: Any
    real: np.ndarray
    synthetic: np.ndarray
    holdout: Any
    codes: Any  # like the two below an array, or None where there are no labels
    codes_synthetic: Any
    codes_holdout: Any
    seed: int
    rng: np.random.Generator


def gather(
    real: Any, synthetic: Any, holdout: Any, labels: tuple[Any, Any, Any], random_state: Any, form: dict[str, Any]
) -> ImageSets:
    """Read and check what the user gave; ``form`` are parameters of the encoder of images."""
    from ganaug.images.encoder import ImageEncoder
    from ganaug.randomness import draw_seed

    encoder = ImageEncoder(**form)
    y, y_synthetic, y_holdout = labels
    with _called({"X": "`real`", "y": "`y`"}):
        records = encoder.learn(real, y)
        real = _as_array(real, encoder)
    codes = None if records.labels is None else records.labels.numpy()
    synthetic = _in_the_form_of(real, "synthetic", synthetic, encoder)
    holdout = None if holdout is None else _in_the_form_of(real, "holdout", holdout, encoder)
    codes_synthetic = _encode_labels("y_synthetic", y_synthetic, synthetic, codes, encoder)
    codes_holdout = _encode_labels("y_holdout", y_holdout, holdout, codes, encoder)
    seed = draw_seed(random_state)
    rng = np.random.default_rng(seed)
    return ImageSets(encoder, real, synthetic, holdout, codes, codes_synthetic, codes_holdout, seed, rng)


@contextmanager
def _called(names: dict[str, str], start: str = "") -> Iterator[None]:
    """Say ``real`` and ``y_synthetic`` where an encoder says X and y, and nothing that can't be done here."""
    try:
        yield
    except InvalidInputError as error:
        text = str(error)
        for name, called in names.items():
            text = re.sub(rf"(?<![\w`'\"]){name}\b", called, text)
        text = text.replace(', or say on_unreadable="skip" to leave them out', "")
        text = text.replace("fit was given images", "`real` holds images").replace(
            "or fit with image_size", "or say image_size"
        )
        raise InvalidInputError(start + text) from error


def _as_array(images: Any, encoder: Any) -> np.ndarray:
    from ganaug.images.formats import as_array
    from ganaug.images.reading import are_files

    if are_files(images) or encoder.resize != "error":
        restored: np.ndarray = encoder.decode(encoder.encode(images))
        return restored
    return as_array(images)


def _in_the_form_of(real: np.ndarray, name: str, images: Any, encoder: Any) -> np.ndarray:
    with _called({"X": f"`{name}`"}, f"`{name}` does not go with `real`. "):
        array = _as_array(images, encoder)
        encoded = encoder.encode(array)
    is_same = array.shape[1:] == real.shape[1:] and array.dtype == real.dtype
    restored: np.ndarray = array if is_same else encoder.decode(encoded)  # another layout, or bytes beside floats
    return restored


def _encode_labels(name: str, labels: Any, images: Any, codes: Any, encoder: Any) -> np.ndarray | None:
    from ganaug.images.records import check_labels

    if labels is None:
        return None
    if images is None or codes is None:
        missing = "y" if codes is None else name.removeprefix("y_")
        raise InvalidInputError(f"`{name}` was given without `{missing}`, which it is compared with; give both.")
    with _called({"y": f"`{name}`"}):
        encoded: np.ndarray = encoder.encode_labels(check_labels(labels, len(images))).numpy()
    return encoded


@dataclass(frozen=True)
class Judge:
    """A classifier where there are labels, and the real images that it has not seen.

    `reference` is what all are compared with, `fresh` the real images that set the floor. `trained` and `tested` are
    rows of `real`: what a classifier may learn from, and what it is tested on.
    """

    sets: ImageSets
    classifier: Any
    reference: np.ndarray
    fresh: np.ndarray
    trained: np.ndarray
    tested: np.ndarray
    notes: list[str] = field(default_factory=list)

    def _accuracy(self, classifier: Any, images: np.ndarray, codes: np.ndarray) -> float:
        return float((classifier.predict(images) == self.sets.encoder.decode_labels(codes)).mean())

    def test(self, classifier: Any) -> float:
        """Return the accuracy on real images that no classifier here has seen."""
        sets = self.sets
        if sets.codes_holdout is not None:
            return self._accuracy(classifier, sets.holdout, sets.codes_holdout)
        return self._accuracy(classifier, sets.real[self.tested], sets.codes[self.tested])

    def agreement(self, picked: np.ndarray) -> list[tuple[str, float, float, str]]:
        """Return how often the classifier reads an image as its label says, synthetic and real."""
        sets = self.sets
        if self.classifier is None or sets.codes_synthetic is None:
            return []
        share = self._accuracy(self.classifier, sets.synthetic[picked], sets.codes_synthetic[picked])
        return [("label agreement", share, self.test(self.classifier), "higher")]

    def accuracy_score(self, max_images: int) -> list[tuple[str, float, float, str]]:
        """Return the accuracy on real images of classifiers trained on synthetic and on as many real ones."""
        sets = self.sets
        if sets.codes_synthetic is None:
            return []
        n_images = min(len(self.trained), len(sets.synthetic), 2 * max_images)
        picked = sets.rng.permutation(len(sets.synthetic))[:n_images]
        if len(np.unique(sets.codes_synthetic[picked])) < 2:
            self.notes.append("Classification accuracy was not measured: the synthetic images have one class alone.")
            return []
        scores = []
        sources = [(sets.synthetic, sets.codes_synthetic, picked), (sets.real, sets.codes, self.trained[:n_images])]
        for images, codes, rows in sources:
            labels = sets.encoder.decode_labels(codes[rows])
            scores.append(self.test(train_classifier(images[rows], labels, sets.seed, sets.encoder)))
        return [("classification accuracy", scores[0], scores[1], "higher")]


def make_judge(sets: ImageSets, features: Any, max_images: int) -> Judge:
    """Split the real images, and train a classifier on one part where there are labels and none was given."""
    from ganaug.images.classifier import ImageClassifier

    is_given = isinstance(features, ImageClassifier)
    everything = sets.rng.permutation(len(sets.real))
    trained, rest, notes = everything[:0], everything, []
    if sets.codes is not None and (not is_given or sets.codes_synthetic is not None):
        notes += _check_classes(sets)
        trained, rest = halve_by_class(sets.codes, sets.rng)
        trained = trained[: 2 * max_images]
    if sets.holdout is None:
        reference, fresh = sets.real[rest[::2]], sets.real[rest[1::2]]
    else:
        reference, fresh = sets.real[rest], sets.rng.permutation(sets.holdout)
    classifier = None
    if is_given:
        classifier = ShownClassifier(features, sets.encoder)
        notes.append("The classifier was given: it should have been trained on none of these images.")
    elif len(trained):
        labels = sets.encoder.decode_labels(sets.codes[trained])
        classifier = train_classifier(sets.real[trained], labels, sets.seed, sets.encoder)
    judge = Judge(sets, classifier, reference, fresh, trained, rest, notes)
    if len(trained) and not is_given:
        notes.append(
            f"The classifier was trained on {len(trained):,} of the {len(sets.real):,} real images, which are not "
            f"compared, and reads {100 * judge.test(classifier):.1f} % of others rightly."
        )
    return judge


def _check_classes(sets: ImageSets) -> list[str]:
    """Refuse labels that can't be halved, and note single images, which are in one half alone."""
    classes, counts = sets.encoder.classes_, np.bincount(sets.codes)
    single = ", ".join(map(str, classes[counts == 1][:10]))
    if (counts > 1).sum() > 1 or not single:
        return [f"Of some classes there is one image, which is trained on or judged by, not both: {single}."] * bool(
            single
        )
    raise InvalidInputError(
        f"`y` has one image of the class {single}, and halving needs two: one half of each class trains a classifier, "
        "the other is judged. Give more images of it, or none and no labels (of a folder, a list of its files)."
    )
