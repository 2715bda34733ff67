"""What a fitted SRGAN is worth beside bicubic enlargement, and beside itself without a discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.findings import Findings, listed, shorten
from ganaug.evaluation.upscaling_figures import describe_gains, measure
from ganaug.evaluation.upscaling_methods import FIRST, MODEL, PIXELS, enlarge_by_all
from ganaug.exceptions import InvalidInputError

BUDGETS = ("seconds", "steps")


@dataclass(frozen=True, eq=False)
class UpscalingComparison(Findings):
    """What `compare_upscaling` returns: printed, it is a table and a verdict.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per `method`: "bicubic", "pixels only" (if it was trained), "first phase" and "model", and a column per
        figure: `PSNR` in decibels and `SSIM` (means over images), `sharpness` (median), and with a classifier
        `feature distance` (mean), `classifier-FID` and, with labels, `read rightly` (a share).
    differences : pandas.DataFrame
        How much better (above 0) or worse the model is than each `rival`, by `figure`: `gain` with `low` and `high`, a
        95 % interval over the test images. Of sharpness it is how much nearer to 1.
    better : dict
        Of each figure "higher", "lower" or "near 1".
    notes : tuple of str
        How it was measured.
    """

    differences: pd.DataFrame
    better: dict[str, str]

    def winner(self, figure: str) -> str:
        """Return the method that is best by one figure, such as "PSNR"."""
        if figure not in self.better:
            raise InvalidInputError(f"figure={figure!r} was not measured. Choose among {list(self.better)}.")
        values = self.table.set_index("method")[figure].astype(float)
        badness = {"higher": -values, "lower": values, "near 1": (values - 1).abs()}[self.better[figure]]
        return str(badness.idxmin())

    def verdict(self) -> str:
        """Say which method is best by each figure, and whether the adversarial phase was worth it."""
        best: dict[str, list[str]] = {}
        for figure in self.better:
            method = self.winner(figure)
            value = float(self.table.set_index("method")[figure].astype(float)[method])
            best.setdefault(method, []).append(f"{figure} ({shorten(value)})")
        lines = [f"Best: {'; '.join(f'{method} in {listed(figures)}' for method, figures in best.items())}."]
        rival = PIXELS if PIXELS in set(self.table["method"]) else FIRST
        lines.append(self._beside(rival))
        if rival == FIRST:
            lines.append(
                "The first phase had a part of the training alone; what pixels alone reach in as much time was not "
                "measured."
            )
        return "\n".join(lines)

    def _beside(self, rival: str) -> str:
        """Say where the model is better than a rival beyond the noise of the images, and where it is not."""
        won: list[str] = []
        lost: list[str] = []
        even: list[str] = []
        for _, figure, gain, low, high in self.differences[self.differences["rival"] == rival].to_numpy().tolist():
            kind = won if low > 0 else lost if high < 0 else even
            kind.append(figure if kind is even else f"{figure} ({gain:+.2g})")
        sentence = f"The adversarial phase beat {rival!r} in {listed(won)}"
        sentence = sentence if won else f"The adversarial phase did not beat {rival!r} in anything"
        sentence += f", and lost in {listed(lost)}" if lost else ""
        return sentence + (f"; in {listed(even)} the test images show no difference." if even else ".")


def compare_upscaling(
    model: Any,
    X: Any,
    truth: Any = None,
    *,
    training: Any = None,
    training_truth: Any = None,
    budget: str = "seconds",
    classifier: Any = None,
    y: Any = None,
    random_state: int | np.random.RandomState | None = 0,
) -> UpscalingComparison:
    """Compare a fitted `SRGAN` with bicubic enlargement, with its own first phase, and with a training on pixels alone.

    Closeness to the true pixels (PSNR, SSIM) and the look of real images (sharpness, features) pull in different
    directions [1]_, so that no figure decides alone. What counts for the adversary is the comparison with pixels alone
    under an equal budget: its steps are dearer.

    Parameters
    ----------
    model : SRGAN
        Fitted, also one that was loaded. It is left as it is.
    X : array, list of arrays, list of paths, or path of a folder
        Large images that `model` has not seen, with sides of at least `scale` pixels; they are made small by its own
        `degradation`, and cut to multiples of `scale`. If `truth` is given, `X` are small images instead.
    truth : same kinds, default=None
        The large version of each image of `X`.
    training, training_truth : same kinds, default=None
        What `fit` was given as `X` and `y`, to train a copy of the model with `adversarial_weight` 0, all else equal.
        None leaves that out.
    budget : {"seconds", "steps"}, default="seconds"
        Whether the copy trains as long as the model did, on the wall (measure on the machine that the model was
        trained on; this is not repeatable), or as many steps.
    classifier : ImageClassifier, default=None
        Fitted to images of the size of the true ones, none of which it should know. It adds the distance of its
        features to those of the true image, and their Frechet distance over all images.
    y : array-like, default=None
        Labels of the images, of which the classifier should read as many as it can.
    random_state : int, RandomState or None, default=0
        Draws the noise of `degradation="blur_noise"`, and the images of the intervals.

    Returns
    -------
    UpscalingComparison
        Print it. Intervals tell how much depends on the test images, not on the trainings' random states.

    Raises
    ------
    InvalidInputError
        `model` is no fitted SRGAN, or images, truth and labels do not fit together.

    References
    ----------
    .. [1] Blau and Michaeli (2018), "The perception-distortion tradeoff".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.evaluation import compare_upscaling
    >>> from ganaug.images import SRGAN
    >>> digits = load_digits().images / 16
    >>> model = SRGAN(max_steps=10, width=8, n_blocks=1, random_state=0).fit(digits[:900])
    >>> found = compare_upscaling(model, digits[900:1000])
    >>> found.table["method"].tolist()
    ['bicubic', 'first phase', 'model']
    >>> found.winner("sharpness") in {"bicubic", "first phase", "model"}
    True
    """
    from ganaug.adversarial import derive_seed
    from ganaug.randomness import draw_seed

    _check(model, budget, training, training_truth, classifier)
    seed = draw_seed(random_state)
    results, large, notes = enlarge_by_all(
        model, X, truth, training, training_truth, budget, derive_seed(seed, "degradation")
    )
    figures = measure(results, large, model.encoder_.format_, classifier, y, notes)
    columns = {figure.name: [figure.of(method) for method in results] for figure in figures}
    return UpscalingComparison(
        pd.DataFrame({"method": list(results), **columns}),
        (f"{len(large):,} test images and one training of each: another random state moves the figures, too.", *notes),
        describe_gains(figures, MODEL, derive_seed(seed, "intervals")),
        {figure.name: figure.better for figure in figures},
    )


def _check(model: Any, budget: str, training: Any, training_truth: Any, classifier: Any) -> None:
    from sklearn.utils.validation import check_is_fitted

    from ganaug.images import SRGAN
    from ganaug.images.classifier import ImageClassifier

    if not isinstance(model, SRGAN):
        raise InvalidInputError(f"model={model!r}: a fitted ganaug.images.SRGAN is expected.")
    check_is_fitted(model)
    if budget not in BUDGETS:
        raise InvalidInputError(f"budget={budget!r}: 'seconds' or 'steps' is expected.")
    if training is None and training_truth is not None:
        raise InvalidInputError("training_truth was given without training, the small images that go with it.")
    learns_features = model.feature_network is not None and model.feature_weight > 0
    if training is not None and not model.pixel_weight and not learns_features:
        raise InvalidInputError(
            f"pixel_weight={model.pixel_weight!r}: without its adversary the model would learn nothing. Leave out "
            "training=."
        )
    if training is not None and not model.history_:
        raise InvalidInputError(
            f"model={model!r} was trained for no step, so that pixels alone would have no budget. Leave out training=, "
            "or train it."
        )
    if classifier is not None:
        if not isinstance(classifier, ImageClassifier):
            raise InvalidInputError(f"classifier={classifier!r}: a fitted ImageClassifier is expected.")
        check_is_fitted(classifier)
