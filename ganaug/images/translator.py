"""ImageTranslator: GANs that make images of images, of any size."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ganaug.images.anysize import Pictures, apply_in_tiles, blocks_of, load_pictures, restore
from ganaug.images.asking import in_blocks
from ganaug.images.base import BaseImageGAN, device_of
from ganaug.images.classifier import ImageClassifier
from ganaug.images.encoder import ImageEncoder
from ganaug.images.policy import Policy


class ImageTranslator(TransformerMixin, BaseImageGAN):
    """What a network makes of images of any size, and what a discriminator says of them."""

    _networks: ClassVar[tuple[str, ...]] = ()
    """Parameters that are networks of the user's: clones share them, and files don't hold them."""

    def __sklearn_clone__(self) -> Self:
        # scikit-learn would forget what a classifier has learned.
        params = self.get_params(deep=False)
        return type(self)(
            **{name: value if name in self._networks else clone(value, safe=False) for name, value in params.items()}
        )

    def _saved_params(self) -> dict[str, Any]:
        return super()._saved_params() | dict.fromkeys(self._networks)

    def _load(self, X: Any, encoder: ImageEncoder) -> Pictures:
        check_is_fitted(self)
        return load_pictures(X, encoder.format_, Policy.of(encoder))

    def _make(self, network: nn.Module, X: Any, source: ImageEncoder, target: ImageEncoder) -> Any:
        """Return what ``network`` makes of images of one form, in the other form."""
        pictures = self._load(X, source)
        runs = [apply_in_tiles(network, images, device_of(network)) for images in pictures.runs()]
        return restore(runs, target.format_, pictures.is_array)

    def _score(self, discriminator: nn.Module, X: Any, encoder: ImageEncoder) -> np.ndarray:
        """Return the mean logit of each image's patches, float64."""

        def judge(images: Tensor) -> Tensor:
            logits: Tensor = discriminator(images).flatten(1).double().mean(dim=1)
            return logits

        device = device_of(discriminator)
        runs = self._load(X, encoder).runs()
        return torch.cat(
            [in_blocks(judge, images, device=device, block=blocks_of(images.shape[2:])) for images in runs]
        ).numpy()


def as_judge(network: Any, of_features: bool, device: torch.device) -> Callable[[Tensor], Tensor] | None:
    """Return what a user's network says of images in [-1, 1]: an ``ImageClassifier``, or a module for [0, 1]."""
    if network is None:
        return None
    if isinstance(network, ImageClassifier):
        check_is_fitted(network)
        learned = network.network_.body if of_features else network.network_
        return _frozen(learned, device)
    module = _frozen(network, device)
    return lambda images: module((images + 1.0) / 2.0)


def _frozen(module: nn.Module, device: torch.device) -> nn.Module:
    """Return a copy that learns nothing."""
    return copy.deepcopy(module).to(device).eval().requires_grad_(False)
