"""BaseImageGAN: what all GANs of images share, whatever they make them of."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn

from ganaug.adversarial import Budget, TrainingSettings
from ganaug.base import BaseGAN
from ganaug.images.encoder import ImageEncoder
from ganaug.images.precision import is_bfloat16_faster

DEFAULT_STEPS = 3000
ENCODING = ("image_size", "resize", "color", "layout", "value_range", "on_unreadable", "memory_limit")
"""Parameters that are the encoder's."""


class BaseImageGAN(BaseGAN):
    """Encoder, precision and budget."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: kinds for name, kinds in BaseGAN._parameter_constraints.items() if name != "pac"},
        **{name: ImageEncoder._parameter_constraints[name] for name in ENCODING},
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseGAN._fitted_names, "precision_", "n_images_")

    def _budget(self) -> Budget:
        limits = {name: getattr(self, name) for name in ("epochs", "max_steps", "max_seconds")}
        is_open = all(limit is None for limit in limits.values())
        return Budget(max_steps=DEFAULT_STEPS) if is_open else Budget(**limits)

    def _settings(self, device: torch.device) -> TrainingSettings:
        is_open = self.precision == "auto"
        self.precision_ = ("bfloat16" if is_bfloat16_faster(device.type) else "float32") if is_open else self.precision
        return TrainingSettings(**self._loop_settings(), precision=self.precision_)

    @abstractmethod
    def _loop_settings(self) -> dict[str, Any]:
        """Return what the training loop is told, but for the precision."""

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
