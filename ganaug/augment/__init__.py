"""Augmentation: an oversampler for imbalanced-learn's pipelines, and whether it helps."""

from ganaug.exceptions import MissingDependencyError

try:
    import imblearn  # noqa: F401
except ImportError as error:
    raise MissingDependencyError(
        "ganaug.augment needs imbalanced-learn; run: pip install 'ganaug[imblearn]'"
    ) from error

from ganaug.augment.comparing import compare
from ganaug.augment.comparison import Comparison
from ganaug.augment.oversampler import GANOverSampler

__all__ = ["Comparison", "GANOverSampler", "compare"]
