"""BaseImageGAN: what all GANs of images share, whatever they draw them from."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ganaug.adversarial import Batches, BatchStream, Budget, RecordSource, Run, TrainingSettings, make_generator
from ganaug.base import BaseGAN
from ganaug.exceptions import InvalidInputError
from ganaug.images.asking import in_blocks
from ganaug.images.encoder import ImageEncoder
from ganaug.images.networks import ImageDiscriminator
from ganaug.images.precision import is_bfloat16_faster
from ganaug.images.recipes import Recipe
from ganaug.images.records import check_labels

DEFAULT_STEPS = 3000
ENCODING = ("image_size", "resize", "color", "layout", "value_range", "on_unreadable", "memory_limit")
"""Parameters that are the encoder's."""
_SETTINGS = ("discriminator_steps", "generator_lr", "discriminator_lr", "learning_rate_schedule", "ema_decay")
_FROM_RECIPE = ("batch_size", "loss", "gradient_penalty_weight", "gradient_penalty_interval", *_SETTINGS)
CHUNK = 1024
"""Images that are floats at a time."""


class BaseImageGAN(BaseGAN):
    """Encoder, settings by recipe, precision, budget, features.

    A GAN of images names its ``_recipes``; a parameter at None takes the recipe's value.
    """

    _recipes: ClassVar[dict[str, Recipe]]
    """By name, the default first."""
    _has_classes: ClassVar[bool] = False
    """Whether ``y`` is learned; otherwise it is ignored, as everywhere in scikit-learn."""
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: kinds for name, kinds in BaseGAN._parameter_constraints.items() if name != "pac"},
        **{name: [*BaseGAN._parameter_constraints[name], None] for name in _FROM_RECIPE},
        **{name: ImageEncoder._parameter_constraints[name] for name in ENCODING},
        "recipe": [StrOptions({"modern", "textbook"}), None],
        "gradient_penalty": [*BaseGAN._parameter_constraints["gradient_penalty"], StrOptions({"auto"})],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseGAN._fitted_names, "precision_", "n_images_")

    @property
    def _recipe(self) -> Recipe:
        return self._recipes[self.recipe or next(iter(self._recipes))]

    def _choice(self, name: str) -> Any:
        """Return a parameter, or the recipe's value where it was left open."""
        value = getattr(self, name)
        is_open = value is None or (isinstance(value, str) and value == "auto")
        return getattr(self._recipe, name) if is_open else value

    def _learn_images(self, X: Any, y: Any, run: Run) -> Any:
        """Set ``encoder_`` and ``n_images_``; return the records, with classes as their labels if any are learned."""
        self.encoder_ = ImageEncoder(**{name: getattr(self, name) for name in ENCODING})
        labels = y if self._has_classes else None
        records = self.encoder_.learn(X, labels, lambda done, total: run.tell("on_encode", done, total))
        if self._has_classes and records.labels is None:
            raise InvalidInputError(
                f"{type(self).__name__} learns classes, but there are none. Call fit(X, y), or give a folder with one "
                "sub-folder per class."
            )
        self.n_images_ = len(records)
        return records

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        return Batches(records, self._choice("batch_size"), make_generator(self.seed_, "batches"), device)

    def _budget(self) -> Budget:
        limits = {name: getattr(self, name) for name in ("epochs", "max_steps", "max_seconds")}
        is_open = all(limit is None for limit in limits.values())
        return Budget(max_steps=DEFAULT_STEPS) if is_open else Budget(**limits)

    def _settings(self, device: torch.device) -> TrainingSettings:
        is_open = self.precision == "auto"
        self.precision_ = ("bfloat16" if is_bfloat16_faster(device.type) else "float32") if is_open else self.precision
        return TrainingSettings(
            **{name: self._choice(name) for name in _SETTINGS},
            generator_betas=self._recipe.betas,
            discriminator_betas=self._recipe.betas,
            warmup_steps=self._recipe.warmup_steps,
            precision=self.precision_,
        )

    def _encode(self, X: Any) -> Iterator[Tensor]:
        """Encode images, a chunk at a time: as floats they are four times as large as bytes."""
        if not hasattr(X, "shape") and not isinstance(X, list | tuple):  # a folder
            yield self.encoder_.encode(X)
            return
        for first in range(0, max(1, len(X)), CHUNK):
            yield self.encoder_.encode(X[first : first + CHUNK])

    def _features(self, X: Any) -> np.ndarray:
        judge = self._judge
        parts = [in_blocks(judge.features, images, device=device_of(judge)).double() for images in self._encode(X)]
        return torch.cat(parts).numpy()

    @property
    def _n_features_out(self) -> int:
        return self._judge.n_features

    @property
    def _judge(self) -> ImageDiscriminator:
        """The discriminator whose features are given."""
        judge = self.discriminator_
        assert isinstance(judge, ImageDiscriminator)
        return judge

    def _classes(self, y: Any, n_images: int | None = None) -> Tensor | None:
        """Return the index of each label of ``y``, checked; None without any."""
        if y is None:
            return None
        if not self._has_classes:
            raise InvalidInputError(f"y was given, but {type(self).__name__} learns no classes; ConditionalGAN does.")
        return self.encoder_.encode_labels(check_labels(y, n_images))

    def _restore_encoder(self, state: dict[str, Any]) -> None:
        self.encoder_ = ImageEncoder.from_state(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def device_of(network: nn.Module) -> torch.device:
    """Return where a network is."""
    return next(network.parameters()).device
