"""ImageTranslator: GANs that make images of images, of any size."""

import copy
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import TransformerMixin, clone
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ganaug.adversarial import EarlyStopping, KeepBest, Run
from ganaug.exceptions import DataWarning, InvalidInputError, TrainingWarning
from ganaug.images.anysize import Pictures, apply_in_tiles, blocks_of, learn_pictures, load_pictures, restore
from ganaug.images.asking import in_blocks
from ganaug.images.base import ENCODING, BaseImageGAN, device_of
from ganaug.images.classifier import ImageClassifier
from ganaug.images.encoder import ImageEncoder
from ganaug.images.layouts import SMALLEST
from ganaug.images.networks.translating import per_image
from ganaug.images.policy import Policy

_USUAL_PATCH = 64
"""Side, in pixels, of the parts of large images that are learned from."""
_BETAS = (0.5, 0.99)


class ImageTranslator(TransformerMixin, BaseImageGAN):
    """Learn from images of any size, or parts of them; what networks make of such images, and say of them.

    A GAN has the parameter ``patch_size`` beside those of the loop and the encoder.
    """

    _networks: ClassVar[tuple[str, ...]] = ()
    """Parameters that are networks of the user's: clones share them, and files don't hold them."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: kinds
            for name, kinds in BaseImageGAN._parameter_constraints.items()
            if name not in ("image_size", "resize")  # an image is learned and translated at the size it has
        },
        "patch_size": [Interval(Integral, SMALLEST, None, closed="left"), None],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseImageGAN._fitted_names, "patch_size_")

    @property
    def _is_learning(self) -> bool:
        """Whether the game is built to be trained: else it needs neither earlier fakes nor networks of the user's."""
        return hasattr(self, "_fit_records")

    def _learn(self, X: Any, run: Run) -> tuple[ImageEncoder, Pictures]:
        """Load images of any size, and learn their form."""
        names = [name for name in ENCODING if hasattr(self, name)]
        encoder = ImageEncoder(**{name: getattr(self, name) for name in names})
        encoder._validate_params()
        pictures, encoder.format_, encoder.report_ = learn_pictures(
            X, Policy.of(encoder), lambda done, total: run.tell("on_encode", done, total)
        )
        encoder.classes_ = None
        return encoder, pictures

    def _settle_patch(self, *domains: Pictures, multiple: int = 1) -> int:
        """Return the side of the parts to learn from; refuse images that are too small for it."""
        shortest = [min(size) for pictures in domains for size in pictures.sizes]
        side = int(self.patch_size or min(_USUAL_PATCH, *shortest) // multiple * multiple)
        if side % multiple:
            raise InvalidInputError(
                f"patch_size={side} is no multiple of scale={multiple}. Say {-(-side // multiple) * multiple}."
            )
        least = max(side, SMALLEST)
        for pictures in domains:
            place = next((place for place, size in enumerate(pictures.sizes) if min(size) < least), None)
            if place is not None:
                height, width = pictures.sizes[place]
                lower = f", or say patch_size={max(SMALLEST, min(height, width) // multiple * multiple)}"
                raise InvalidInputError(
                    f"{pictures.name(place)} has {height} x {width} pixels, and parts of {least} x {least} are to be "
                    f"learned from. Leave it out{lower if min(height, width) >= SMALLEST else ''}."
                )
        usual = min(_USUAL_PATCH, float(np.median(shortest)))
        if self.patch_size is None and side < usual / 2:
            warnings.warn(
                f"The smallest image has {min(shortest)} pixels a side, so parts of {side} x {side} are learned from, "
                f"where most have {usual:.0f} or more. Leave it out to learn from larger parts, or say patch_size=.",
                DataWarning,
                stacklevel=6,
            )
        return side

    def _check_callbacks(self) -> None:
        super()._check_callbacks()
        for callback in self.callbacks or ():
            if isinstance(callback, EarlyStopping | KeepBest):
                warnings.warn(
                    f"callbacks holds {type(callback).__name__}, but {type(self).__name__} measures no quality while "
                    "it learns, so it does nothing. Leave it out; to stop early, say max_seconds= or max_steps=.",
                    TrainingWarning,
                    stacklevel=5,
                )

    def _loop_settings(self) -> dict[str, Any]:
        names = ("discriminator_steps", "generator_lr", "discriminator_lr", "learning_rate_schedule", "ema_decay")
        return {name: getattr(self, name) for name in names} | {
            "generator_betas": _BETAS,
            "discriminator_betas": _BETAS,
        }

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
        runs = (apply_in_tiles(network, images, device_of(network)) for images in pictures.runs())
        return restore(runs, target.format_, pictures.is_array)

    def _score(self, discriminator: nn.Module, X: Any, encoder: ImageEncoder) -> np.ndarray:
        """Return the mean logit of each image's patches, float64."""

        def judge(images: Tensor) -> Tensor:
            return per_image(discriminator(images).double())

        device, pictures = device_of(discriminator), self._load(X, encoder)
        least = int(getattr(discriminator, "smallest", 1))
        for place, (height, width) in enumerate(pictures.sizes):
            if min(height, width) < least:
                raise InvalidInputError(
                    f"{pictures.name(place)} has {height} x {width} pixels, and the discriminator judges images with "
                    f"sides of {least} or more. Leave it out."
                )
        return torch.cat(
            [in_blocks(judge, images, device=device, block=blocks_of(images.shape[2:])) for images in pictures.runs()]
        ).numpy()


def as_judge(
    name: str, network: Any, of_features: bool, device: torch.device, shapes: Sequence[tuple[int, int, int]]
) -> Callable[[Tensor], Tensor] | None:
    """Return what a user's network says of images in [-1, 1]: an ``ImageClassifier``, or a module for [0, 1].

    It is tried at images of the ``shapes`` that it is to see; if it can't take them, ``name`` is told.
    """
    if network is None:
        return None
    judge: Callable[[Tensor], Tensor]
    if isinstance(network, ImageClassifier):
        check_is_fitted(network)
        judge = _frozen(network.network_.body if of_features else network.network_, device)
    else:
        module = _frozen(network, device)

        def judge(images: Tensor) -> Tensor:
            answer: Tensor = module((images + 1.0) / 2.0)
            return answer

    for shape in shapes:
        try:
            with torch.no_grad():
                judge(torch.zeros(1, *shape, device=device))
        except RuntimeError as error:
            channels, height, width = shape
            raise InvalidInputError(
                f"{name} can't take images of {height} x {width} pixels and {channels} channel(s), which it is to see: "
                f"{str(error).splitlines()[0]}. Give a network of such images, or leave it out."
            ) from error
    return judge


def _frozen(module: nn.Module, device: torch.device) -> nn.Module:
    """Return a copy that learns nothing."""
    return copy.deepcopy(module).to(device).eval().requires_grad_(False)
