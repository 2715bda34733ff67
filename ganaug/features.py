"""Discriminators as transformers: what they have learned to see serves other models."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ganaug.devices import limited_threads


class DiscriminatorFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ABC):
    """``transform`` gives the discriminator's features; a GAN says what they are and how many."""

    _max_threads: int | None

    @abstractmethod
    def _features(self, X: Any) -> np.ndarray:
        """Validate records; return what the discriminator sees in them, (n_samples, n_features_out), float64."""

    @property
    @abstractmethod
    def _n_features_out(self) -> int:
        """How many features there are; of the fitted networks."""

    def transform(self, X: Any) -> np.ndarray:
        """Return the discriminator's features: what it has made of a record before it judges.

        A discriminator learns to see what holds the columns (or the parts of an image) together, with no labels. So
        its last hidden layer serves another model as input (Radford et al. 2016, arXiv 1511.06434); scale the
        features before a linear one.

        Parameters
        ----------
        X : array-like or DataFrame
            Records, as ``fit`` takes them. A target that ``fit`` was given is not asked for, and not seen.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out), float64
            A record's features depend on no other record.
        """
        check_is_fitted(self)
        with limited_threads(self._max_threads):
            return self._features(X)
