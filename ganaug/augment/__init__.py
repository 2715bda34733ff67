"""Augmentation: an oversampler for imbalanced-learn's pipelines, and whether it helps."""

from ganaug.augment.comparing import compare
from ganaug.augment.comparison import Comparison
from ganaug.augment.oversampler import GANOverSampler

__all__ = ["Comparison", "GANOverSampler", "compare"]
