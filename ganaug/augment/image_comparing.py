"""Whether synthetic images help a classifier more than plain changes of the real ones do: `compare_images`."""

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold

from ganaug.adversarial import derive_seed
from ganaug.augment.checking import check_labels
from ganaug.augment.comparison import Comparison
from ganaug.augment.folds import Fold, Note, count_notes
from ganaug.augment.image_augmenter import ImageAugmenter
from ganaug.augment.image_methods import BUILT_IN, Enrichment, check_methods
from ganaug.augment.image_sets import ImageSet, fit_classifier, is_fitted, make_classifier, make_gan, present
from ganaug.augment.judging import sign
from ganaug.augment.preparing import seed_copy
from ganaug.exceptions import GanaugWarning, InvalidInputError
from ganaug.randomness import draw_seed

METRIC = "balanced_accuracy"


@dataclass(frozen=True, eq=False)
class ImageComparison(Comparison):
    """What `compare_images` returns: printed, it is a table and a verdict.

    It has what `Comparison` has: ``scores``, ``table()``, ``against("gan")``, ``winner()``, ``plot()``. The only
    metric is balanced accuracy, the mean over classes of the share that is recognized.
    """

    def verdict(self, metric: str | None = None) -> str:
        """Say which method to use, and which plain changes of the real images do better than the GAN."""
        lines = [super().verdict(metric), self._about_plain()]
        return "\n".join(line for line in lines if line)

    def _about_plain(self) -> str:
        """Say of each plain method what it does beside the best GAN."""
        means = self.table().set_index("method")["mean"]
        plain = [method for method in self.methods if method not in (*self.gans, "none")]
        gans = [method for method in self.methods if method in self.gans]
        if not plain or not gans:
            return ""
        best = str(means[gans].idxmax())
        leads = self.against(best).set_index("method").loc[plain].sort_values("mean", ascending=False)
        parts = []
        for method, row in leads.iterrows():
            word = "ahead within the noise" if row["difference"] > 0 else "no better"
            word = "better" if row["low"] > 0 else "worse" if row["high"] < 0 else word
            interval = f"{sign(row['difference'])}, 95 % interval {sign(row['low'])} to {sign(row['high'])}"
            parts.append(f"{method} {row['mean']:.3f}, {word} ({interval})")
        return f"Without a GAN, beside {best!r} ({means[best]:.3f}): {'; '.join(parts)}."


def compare_images(
    X: Any,
    y: Any,
    *,
    methods: Sequence[str] | Mapping[str, Any] = BUILT_IN,
    classifier: Any = None,
    gan: Any = None,
    share: float = 1.0,
    n_splits: int = 3,
    n_repeats: int = 1,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> ImageComparison:
    """Measure what more images do for a classifier: plain changes of the real ones, or a GAN's.

    In stratified cross-validation each method adds images to the training part of each fold; what it learns, it
    learns there. A classifier is fitted and judged on the other part, which no method touches. All methods see the
    same folds and add as many images, so that differences are paired.

    Parameters
    ----------
    X : array-like
        Images, as `ganaug.images.ConditionalGAN` takes arrays.
    y : array-like of shape (n_images,)
        Classes.
    methods : sequence of str, or dict, default=("none", "shifts", "rotations", "mixup", "gan")
        "none" leaves the images as they are, and is always there; "shifts" adds copies moved by up to an eighth of
        the size; "rotations" copies turned by up to 10 degrees; "mixup" weighted means of two images, with the label
        of one of them, drawn with its weight as the probability (in expectation that is the loss of soft labels);
        "gan" synthetic images. "gan+shifts" adds synthetic images and then shifted copies of all; any may be joined.
        A dict of names and samplers adds others, such as an `ImageAugmenter`, which chooses its share itself; None
        stands for the built-in method of that name.
    classifier : estimator or None, default=None
        As in `ImageAugmenter`: cloned; None is a small convolutional network that makes as many steps whatever is
        added, so that no method wins by longer training.
    gan : estimator or None, default=None
        For "gan", as in `ImageAugmenter`. It is trained anew in each fold, even if it is fitted.
    share : float, default=1.0
        Images added per image, by each part of a method.
    n_splits, n_repeats : int, default=3 and 1
        Folds, and how often they are drawn. Three folds prove differences that are large; more prove smaller ones.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, GAN, changes and classifiers; a ``random_state`` of theirs that is not None stays as it is.
    verbose : int, default=0
        1 prints each result.

    Returns
    -------
    ImageComparison
        Print it for a table and the verdict.

    References
    ----------
    Zhang et al. 2018 (mixup), arXiv 1710.09412; Nadeau and Bengio 2003 (intervals).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.augment import compare_images
    >>> from ganaug.images import ConditionalGAN
    >>> digits = load_digits(n_class=3)
    >>> gan = ConditionalGAN(max_steps=10, value_range=(0, 16))
    >>> X, y = digits.images[:90], digits.target[:90]
    >>> found = compare_images(X, y, methods=["shifts", "gan"], gan=gan, n_splits=2, random_state=0)
    >>> found.table()["method"].tolist()
    ['none', 'shifts', 'gan']
    """
    for name, value, least in (("n_splits", n_splits, 2), ("n_repeats", n_repeats, 1)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise InvalidInputError(f"{name}={value!r}: give a whole number of at least {least}.")
    seed = draw_seed(random_state)
    job = ImageJob.make(X, y, methods, classifier=classifier, gan=gan, share=share, seed=seed, verbose=verbose)
    labels = check_labels(job.images.labels, len(job.images), n_splits)
    shuffled = derive_seed(seed, "folds") % 2**32
    splitter = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=shuffled)
    parts = enumerate(splitter.split(labels, labels))
    return job.run(Fold(*divmod(place, n_splits), train, test) for place, (train, test) in parts)


@dataclass(frozen=True)
class ImageJob:
    """What all folds of a comparison have in common; ``samplers`` has None for a built-in method."""

    images: ImageSet
    samplers: dict[str, Any]
    classifier: Any
    gan: Any
    share: float
    seed: int
    verbose: int
    notes: list[Note]

    @classmethod
    def make(
        cls, X: Any, y: Any, methods: Any, *, classifier: Any, gan: Any, share: float, seed: int, verbose: int = 0
    ) -> "ImageJob":
        """Check what `compare_images` is given."""
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 < share < np.inf:
            raise InvalidInputError(f"share={share!r}: images added per image, a number above 0.")
        samplers, gan, classifier = check_methods(methods), make_gan(gan), make_classifier(classifier)
        text = "the one given is fitted, and may have seen validation images, so it was trained anew in each fold"
        notes = [("gan", "fitted", text)] if is_fitted(gan) else []
        return cls(ImageSet.learn(X, y, gan), samplers, classifier, clone(gan), float(share), seed, verbose, notes)

    def run(self, folds: Iterable[Fold]) -> ImageComparison:
        """Compare the methods on folds."""
        rows = [row for fold in folds for row in self._run_fold(fold)]
        gans = tuple(name for name, sampler in self.samplers.items() if _draws(name, sampler))
        described = {name: sampler and " ".join(repr(sampler).split()) for name, sampler in self.samplers.items()}
        parameters = {"classifier": repr(self.classifier), "gan": repr(self.gan), "methods": described}
        return ImageComparison(pd.DataFrame(rows), METRIC, gans, count_notes(self.notes), parameters)

    def _run_fold(self, fold: Fold) -> Iterator[dict[str, Any]]:
        training, test = self.images.take(fold.train), self.images.take(fold.test)
        enrichment = Enrichment(training, self.share, self.gan, derive_seed(self.seed, "fold", fold.repeat, fold.fold))
        for method, sampler in self.samplers.items():
            began = time.process_time()
            if sampler is None:
                images = enrichment.apply(method)
            else:
                images = self._resample(method, training, derive_seed(enrichment.seed, "sampler", method))
            sampled = time.process_time()
            # The same seed for all methods: what differs between them is the images.
            model = fit_classifier(self.classifier, images, derive_seed(enrichment.seed, "classifier"))
            figures = {"resample_seconds": sampled - began, "fit_seconds": time.process_time() - sampled}
            value = balanced_accuracy_score(test.labels, model.predict(present(self.classifier, test)))
            if self.verbose:
                print(f"{method}, {fold}: {value:.3f}")
            where = {"estimator": type(self.classifier).__name__, "method": method}
            yield {**where, "repeat": fold.repeat, "fold": fold.fold, "metric": METRIC, "value": value, **figures}

    def _resample(self, method: str, images: ImageSet, seed: int) -> ImageSet:
        copy = seed_copy(self.samplers[method], seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GanaugWarning)  # it would come in every fold; the share is noted
            pixels, labels = copy.fit_resample(images.pixels, images.labels)
        if isinstance(copy, ImageAugmenter):
            self.notes.append((method, f"{copy.share_:g}", f"chose a share of {copy.share_:g}"))
        return ImageSet(pixels, images.encoder.encode_labels(labels).numpy(), images.encoder)


def _draws(name: str, sampler: Any) -> bool:
    """Tell whether a method trains a GAN."""
    return "gan" in name.split("+") if sampler is None else isinstance(sampler, ImageAugmenter)
