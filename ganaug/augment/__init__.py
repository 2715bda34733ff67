"""Augmentation: samplers of tables and of images for imbalanced-learn's pipelines, and whether they help."""

from ganaug.augment.comparing import compare
from ganaug.augment.comparison import Comparison
from ganaug.augment.image_augmenter import ImageAugmenter
from ganaug.augment.image_comparing import ImageComparison, compare_images
from ganaug.augment.oversampler import GANOverSampler

__all__ = ["Comparison", "GANOverSampler", "ImageAugmenter", "ImageComparison", "compare", "compare_images"]
