"""What every generator and every discriminator of images can be asked."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ganaug.images.networks.shape import ImageShape


class ImageGenerator(nn.Module, ABC):
    """Noise [+ class] -> latent -> image.

    The latent is all that an image is drawn from: noise, and what stands for its class. So latents can be mixed,
    moved and searched for without asking for classes.

    Parameters
    ----------
    shape : ImageShape
    latent_width : int
        Numbers per latent: those of the noise first.
    """

    def __init__(self, shape: ImageShape, latent_width: int) -> None:
        super().__init__()
        self.shape, self.latent_width = shape, latent_width

    @abstractmethod
    def latent(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return latents (n, latent_width) of noise (n, latent_dim)."""

    @abstractmethod
    def draw(self, latents: Tensor) -> Tensor:
        """Return images (n, channels, height, width) in [-1, 1]."""

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images (n, channels, height, width) in [-1, 1]."""
        return self.draw(self.latent(noise, labels))


class ImageDiscriminator(nn.Module, ABC):
    """Images [+ class] -> logit, by way of features that know no class.

    Parameters
    ----------
    n_features : int
        Width of the features.
    n_classes : int
        0 for none.
    """

    def __init__(self, n_features: int, n_classes: int = 0) -> None:
        super().__init__()
        self.n_features, self.n_classes = n_features, n_classes

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return what is seen in images (n, channels, height, width), whatever their class: (n, n_features)."""

    @abstractmethod
    def judge(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return one logit per image, (n,), float32; higher = more real (of its class)."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return one logit per image, (n,)."""
        return self.judge(self.features(images), labels)

    def judge_all(self, features: Tensor) -> Tensor:
        """Return the logits (n, n_classes) of images as members of each class; (n, 1) where there are none."""
        if not self.n_classes:
            return self.judge(features)[:, None]
        labels = torch.arange(self.n_classes, device=features.device)
        return torch.stack([self.judge(features, label.expand(len(features))) for label in labels], dim=1)
