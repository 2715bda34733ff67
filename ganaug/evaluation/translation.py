"""What a fitted CycleGAN is worth to who has labels in one domain and needs a classifier for the other."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ganaug.evaluation.findings import Findings, flat_name, shorten
from ganaug.evaluation.image_judges import ShownClassifier, halve_by_class, train_classifier
from ganaug.evaluation.restoration import called
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from torch import Tensor

SOURCE, TRANSLATED, CEILING = "source only", "translated", "trained on B"
KEPT = {TRANSLATED: "labels kept", SOURCE: "labels kept untranslated"}


@dataclass(frozen=True, eq=False)
class TranslationComparison(Findings):
    """What `compare_translation` returns: printed, it is a table and a verdict.

    Attributes
    ----------
    table : pandas.DataFrame
        Accuracy on images of B of classifiers trained on images of A as they are ("source only"; left out if the
        domains differ in channels), on their translations ("translated") and on other images of B ("trained on B",
        the ceiling): `mean`, `min` and `max` over the trainings, and the number of `images` trained on.
    figures : dict
        "labels kept": share of translations that the classifiers of B read as the image's label, and "labels kept
        untranslated", the same of the images as they are; "cycle error of A" and "of B": mean absolute change of
        pixels after going there and back, as a share of the range.
    n_tested : int
        Images of B that all were tested on.
    notes : tuple of str
        How it was measured.
    """

    figures: dict[str, float]
    n_tested: int

    def to_dict(self) -> dict[str, float]:
        """Return all figures under flat names, for a log, such as "translated_mean" and "labels_kept"."""
        return super().to_dict() | {flat_name(name): value for name, value in self.figures.items()}

    def gain(self) -> tuple[float, float]:
        """Return what translation adds to the accuracy, and how much chance may explain.

        Returns
        -------
        gain, noise : float
            Means of "translated" less "source only"; the larger of the two methods' spread (max less min) and of two
            standard errors of the difference on so many test images. NaN if "source only" was left out.
        """
        rows = self.table.set_index("method")
        if SOURCE not in rows.index:
            return np.nan, np.nan
        pair = rows.loc[[SOURCE, TRANSLATED]]
        variance = (pair["mean"] * (1 - pair["mean"])).sum() / self.n_tested
        noise = max(float((pair["max"] - pair["min"]).max()), 2 * float(np.sqrt(variance)))
        return float(pair["mean"].iloc[1] - pair["mean"].iloc[0]), noise

    def verdict(self) -> str:
        """Say whether translation helps beyond chance, what is left to gain, and whether labels survive."""
        means = self.table.set_index("method")["mean"]
        translated, ceiling, (gain, noise) = means[TRANSLATED], means[CEILING], self.gain()
        lines = []
        if SOURCE in means:
            reason = f"{noise:.3f}, as far as trainings and the choice of test images may move it"
            says = "helps" if gain > noise else "harms" if gain < -noise else "makes no difference beyond chance"
            beside = "more than" if abs(gain) > noise else "within"
            lines.append(
                f"Translation {says}: accuracy {translated:.3f} on B, {means[SOURCE]:.3f} without; {gain:+.3f} is "
                f"{beside} {reason}."
            )
        left = f"{ceiling - translated:.3f} below" if translated < ceiling else "not below"
        lines.append(f"It is {left} training on labelled images of B ({ceiling:.3f}).")
        kept = f"Of the translations {self.figures[KEPT[TRANSLATED]]:.1%} are read as their label"
        if SOURCE in means:
            kept += f", and {self.figures[KEPT[SOURCE]]:.1%} of the images as they were"
        return "\n".join([*lines, f"{kept}, by classifiers of B."])

    def __str__(self) -> str:
        figures = "\n".join(f"{name}: {shorten(value)}" for name, value in self.figures.items())
        return f"{super().__str__()}\n{figures}"


def compare_translation(
    model: Any,
    domain_a: Any,
    domain_b: Any,
    y_a: Any,
    y_b: Any,
    *,
    n_repeats: int = 3,
    random_state: int | np.random.RandomState | None = 0,
) -> TranslationComparison:
    """Measure whether a fitted `CycleGAN` makes labelled images of A into useful training images of B.

    Classifiers are trained on images of A, on their translations [1]_, and on half of B, each `n_repeats` times, and
    all are tested on the other half of B, with equal first weights in each repeat.

    Parameters
    ----------
    model : CycleGAN
        Fitted, also one that was loaded.
    domain_a, domain_b : array, list of paths, or path of a folder
        Images of each domain, of the channels that `model` was fitted to and all of one size, since they are to train
        classifiers. It has seen no labels, so that they may be the same images; what it makes of images of B it was
        not fitted to is the stricter test.
    y_a, y_b : array-like
        Their labels: the same classes in both, at least two images of B of one of them.
    n_repeats : int, default=3
        Trainings of each kind. One says nothing of how much they differ.
    random_state : int, RandomState or None, default=0
        Halves B and seeds the classifiers.

    Returns
    -------
    TranslationComparison
        Print it.

    Raises
    ------
    InvalidInputError
        `model` is no fitted CycleGAN, or images and labels do not fit together.

    References
    ----------
    .. [1] Hoffman et al. (2018), "CyCADA: cycle-consistent adversarial domain adaptation".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.evaluation import compare_translation
    >>> from ganaug.images import CycleGAN
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> a, b = X[:180].reshape(-1, 8, 8) / 16, 1 - X[180:].reshape(-1, 8, 8) / 16  # black on white
    >>> model = CycleGAN(max_steps=5, width=8, n_blocks=1, random_state=0).fit(a, b)
    >>> found = compare_translation(model, a, b, y[:180], y[180:], n_repeats=1)
    >>> found.table["method"].tolist()
    ['source only', 'translated', 'trained on B']
    """
    from ganaug.adversarial import derive_seed
    from ganaug.randomness import draw_seed

    _check(model, n_repeats)
    images = _Domains.load(model, domain_a, domain_b)
    codes_a, codes_b, classes = _check_labels(y_a, y_b, images)
    seed = draw_seed(random_state)
    trained, tested = halve_by_class(codes_b, np.random.default_rng(derive_seed(seed, "halves")))
    if len(tested) == 0:
        raise InvalidInputError(f"domain_b holds {len(images.b)} image; one half of it is trained on, give more.")
    sources = {TRANSLATED: (images.translated, codes_a), CEILING: (images.b[trained], codes_b[trained])}
    if images.a_as_b is not None:
        sources = {SOURCE: (images.a_as_b, codes_a)} | sources
    scores: dict[str, list[float]] = {method: [] for method in sources}
    kept: dict[str, list[float]] = {name: [] for method, name in KEPT.items() if method in sources}
    for repeat in range(n_repeats):
        first_weights = derive_seed(seed, "classifier", repeat) % 2**32
        readers = {
            method: train_classifier(*source, first_weights, images.encoder_b) for method, source in sources.items()
        }
        for method, reader in readers.items():
            scores[method].append(_accuracy(reader, images.b[tested], codes_b[tested]))
        for method, name in KEPT.items():
            if method in sources:
                kept[name].append(_accuracy(readers[CEILING], sources[method][0], codes_a))
    rows = [
        (method, np.mean(found), min(found), max(found), len(sources[method][1])) for method, found in scores.items()
    ]
    notes = [
        f"{n_repeats} training(s) of each kind, {len(classes)} classes; tested on {len(tested):,} images of B, which "
        "no classifier was trained on."
    ]
    if images.a_as_b is None:
        notes.append("The domains differ in channels, so that images of A can't be taken for images of B as they are.")
    return TranslationComparison(
        pd.DataFrame(rows, columns=["method", "mean", "min", "max", "images"]),
        tuple(notes),
        {name: float(np.mean(found)) for name, found in kept.items()} | images.cycle_errors,
        len(tested),
    )


@dataclass(frozen=True)
class _Domains:
    """All images in the form of B; ``a_as_b`` is None where A has other channels."""

    a_as_b: Any
    translated: np.ndarray
    b: np.ndarray
    cycle_errors: dict[str, float]
    encoder_b: Any

    @classmethod
    def load(cls, model: Any, domain_a: Any, domain_b: Any) -> _Domains:
        with called("domain_a", "the model was fitted to images"):
            encoder_a, encoded_a = _encode(model.encoder_, domain_a)
        with called("domain_b", "the model was fitted to images"):
            encoder_b, encoded_b = _encode(model.encoder_b_, domain_b)
        sizes = [" x ".join(map(str, encoder.format_.size)) for encoder in (encoder_a, encoder_b)]
        if sizes[0] != sizes[1]:
            raise InvalidInputError(
                f"domain_a holds images of {sizes[0]} pixels, and domain_b of {sizes[1]}: a classifier takes one size. "
                "Cut or scale them."
            )
        a, b = encoder_a.decode(encoded_a), encoder_b.decode(encoded_b)
        translated, backward = model.transform(a), model.inverse_transform(b)
        there_and_back = encoder_a.encode(model.inverse_transform(translated))
        back_and_there = encoder_b.encode(model.transform(backward))
        errors = {
            "cycle error of A": float((there_and_back - encoded_a).abs().mean()) / 2,
            "cycle error of B": float((back_and_there - encoded_b).abs().mean()) / 2,
        }
        is_alike = encoded_a.shape[1] == encoded_b.shape[1]
        return cls(encoder_b.decode(encoded_a) if is_alike else None, translated, b, errors, encoder_b)


def _encode(encoder: Any, images: Any) -> tuple[Any, Tensor]:
    """Return an encoder like the model's for images of this size, and the images in [-1, 1]."""
    import torch

    from ganaug.images.anysize import load_pictures
    from ganaug.images.policy import Policy

    pictures = load_pictures(images, encoder.format_, Policy.of(encoder))
    sizes = sorted(set(pictures.sizes))
    if len(sizes) > 1:
        found = " and ".join(f"{height} x {width}" for height, width in sizes[:2])
        raise InvalidInputError(
            f"X holds images of several sizes, such as {found}: a classifier takes one. Cut or scale them."
        )
    sized = copy.copy(encoder)
    sized.format_ = replace(encoder.format_, height=sizes[0][0], width=sizes[0][1])
    return sized, torch.cat(list(pictures.runs()))


def _check(model: Any, n_repeats: int) -> None:
    from sklearn.utils.validation import check_is_fitted

    from ganaug.images import CycleGAN

    if not isinstance(model, CycleGAN):
        raise InvalidInputError(f"model={model!r}: a fitted ganaug.images.CycleGAN is expected.")
    check_is_fitted(model)
    if not isinstance(n_repeats, Integral) or isinstance(n_repeats, bool) or n_repeats < 1:
        raise InvalidInputError(f"n_repeats={n_repeats!r}: give a whole number of at least 1.")


def _check_labels(y_a: Any, y_b: Any, images: _Domains) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both domains' labels as places among the classes, and the classes."""
    from ganaug.images.records import check_labels

    labels = []
    for name, given, pixels in (("y_a", y_a, images.translated), ("y_b", y_b, images.b)):
        with called(name, known="", what="y"):
            labels.append(check_labels(given, len(pixels)))
    classes_a, classes_b = (set(part.tolist()) for part in labels)
    for (name, own), (other, theirs) in (
        (("y_a", classes_a), ("y_b", classes_b)),
        (("y_b", classes_b), ("y_a", classes_a)),
    ):
        if own - theirs:
            some = ", ".join(map(str, sorted(own - theirs, key=str)[:10]))
            raise InvalidInputError(f"{name} has the class(es) {some}, which {other} has not; leave those images out.")
    classes, codes_a = np.unique(labels[0], return_inverse=True)
    if len(classes) < 2:
        raise InvalidInputError(f"y_a and y_b have the class {classes[0]} alone; give images of two or more.")
    return codes_a, np.searchsorted(classes, labels[1]), classes


def _accuracy(reader: ShownClassifier, images: np.ndarray, codes: np.ndarray) -> float:
    return float((reader.predict(images) == codes).mean())
