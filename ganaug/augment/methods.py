"""What may be done about rare classes: the samplers behind the names, and how one is applied to training rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.over_sampling import RandomOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from ganaug.augment.checking import check_methods
from ganaug.augment.oversampler import GANOverSampler
from ganaug.augment.preparing import seed_copy
from ganaug.augment.smote import TableSMOTE
from ganaug.exceptions import InvalidInputError

BUILT_IN = ("none", "random", "smote", "class_weight", "gan")


@dataclass(frozen=True)
class Methods:
    """What is compared.

    Attributes
    ----------
    samplers : dict
        Unfitted samplers by method; None where the rows are left as they are.
    gans : tuple of str
        The methods that train a GAN.
    notes : tuple of str
    """

    samplers: dict[str, Any]
    gans: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def resolve(cls, methods: Any, gan: Any, sampling_strategy: Any) -> "Methods":
        """Return the samplers that names stand for.

        Parameters
        ----------
        methods : sequence of str, or dict
        gan : estimator or None
            For the method "gan": a `GANOverSampler`, or a GAN for one.
        sampling_strategy : float, str, dict or callable
            For the built-in samplers.
        """
        given = check_methods(methods, BUILT_IN)
        gan = _thaw(gan)
        samplers = {
            name: _make_built_in(name, gan, sampling_strategy) if sampler is None else _copy(sampler)
            for name, sampler in given.items()
        }
        gans = tuple(name for name, sampler in samplers.items() if isinstance(sampler, GANOverSampler))
        is_fitted = "gan" in given and given["gan"] is None and _is_fitted(getattr(gan, "gan", gan))
        text = "gan: the one given is fitted, and may have seen validation rows, so it was trained anew in each fold"
        return cls(samplers, gans, (text,) if is_fitted else ())


def _make_built_in(name: str, gan: Any, sampling_strategy: Any) -> Any:
    if name == "random":
        return RandomOverSampler(sampling_strategy=sampling_strategy)
    if name == "smote":
        return TableSMOTE(sampling_strategy=sampling_strategy)
    if name != "gan":
        return None
    if not isinstance(gan, GANOverSampler):
        # clone, or the oversampler would take a fitted GAN as it is.
        return GANOverSampler(None if gan is None else _clone_gan(gan), sampling_strategy=sampling_strategy)
    sampler = _copy(gan)
    if isinstance(gan.sampling_strategy, str) and gan.sampling_strategy == "auto":
        sampler.set_params(sampling_strategy=sampling_strategy)
    return sampler


def _copy(sampler: Any) -> Any:
    """Return an unfitted copy of a sampler that gives classifiers nothing but rows, from a GAN trained in the fold."""
    if not isinstance(sampler, GANOverSampler):
        return clone(sampler)
    # A column of provenance would tell classifiers what is synthetic.
    return clone(sampler).set_params(provenance=None, gan=None if sampler.gan is None else clone(_thaw(sampler.gan)))


def _thaw(gan: Any) -> Any:
    """Return what is frozen: a GAN that stays fitted through ``clone`` may have seen validation rows."""
    while isinstance(gan, FrozenEstimator):
        gan = gan.estimator
    return gan


def _clone_gan(gan: Any) -> Any:
    if not hasattr(gan, "fit") or isinstance(gan, type):
        raise InvalidInputError(f"gan={gan!r} is no estimator. Give a GAN such as TabularGAN(), or a GANOverSampler.")
    return clone(gan)


def _is_fitted(gan: Any) -> bool:
    try:
        check_is_fitted(gan)
    except (ValueError, TypeError, AttributeError):  # NotFittedError is one of them
        return False
    return True


def check_strategy(sampling_strategy: Any, y: np.ndarray) -> None:
    """Refuse a strategy that imbalanced-learn can't follow on training rows with these labels."""
    try:
        check_sampling_strategy(sampling_strategy, y, "over-sampling")
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"sampling_strategy={sampling_strategy!r} can't be followed in the training part of a fold: {error}"
        ) from error


def resample(sampler: Any, X: Any, y: np.ndarray, seed: int) -> tuple[Any, np.ndarray, list[tuple[str, str]]]:
    """Return training rows after a sampler, and what it notes; None leaves them as they are."""
    if sampler is None:
        return X, y, []
    copy = seed_copy(sampler, seed)
    X_resampled, y_resampled = copy.fit_resample(X, y)
    return X_resampled, np.asarray(y_resampled), getattr(copy, "notes_", [])
