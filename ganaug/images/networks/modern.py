"""DCGAN's skeleton, rebuilt for few steps on any size; what each choice gave is in docs/decisions/0010."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganaug.images.networks.layers import ScaledResidual
from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator
from ganaug.images.networks.shape import ImageShape

_SLOPE = 0.2
_LABEL_WIDTH = 32
_N_FEATURES = 128


class ModernGenerator(ImageGenerator):
    """Noise [+ class] -> smallest grid -> residual block -> doublings, each with a convolution -> image.

    Parameters
    ----------
    shape : ImageShape
        Sides that no number of doublings gives are cut from the middle of the next larger picture.
    latent_dim : int
    width : int
        Channels of the second largest grid; they double with every smaller one, up to four times as many.
    n_classes : int
        0 for none.
    """

    def __init__(self, shape: ImageShape, latent_dim: int, width: int, n_classes: int = 0) -> None:
        super().__init__(shape, latent_dim + (_LABEL_WIDTH if n_classes else 0))
        n_stages = shape.n_halvings
        n_from = shape.n_channels(width, n_stages)
        self.labels = nn.Embedding(n_classes, _LABEL_WIDTH) if n_classes else None
        rows, columns = shape.grid(n_stages)
        self.grid = nn.Sequential(
            nn.Linear(self.latent_width, n_from * rows * columns),
            nn.Unflatten(1, (n_from, rows, columns)),
        )
        layers: list[nn.Module] = [ScaledResidual(n_from, has_norm=True), nn.BatchNorm2d(n_from), nn.LeakyReLU(_SLOPE)]
        for stage in reversed(range(n_stages)):
            n_to = shape.n_channels(width, stage)
            # Not the paper's transposed convolutions: theirs leave a checkerboard in areas of one color.
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(n_from, n_to, 3, padding=1)]
            layers += [nn.BatchNorm2d(n_to), nn.LeakyReLU(_SLOPE)]
            n_from = n_to
        self.body = nn.Sequential(*layers, nn.Conv2d(n_from, shape.channels, 3, padding=1))

    def latent(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the noise, and the class's embedding."""
        return noise if self.labels is None else torch.cat([noise, self.labels(labels)], dim=1)

    def draw(self, latents: Tensor) -> Tensor:
        """Return images (n, channels, height, width) in [-1, 1]."""
        grid = self.grid(latents).contiguous(memory_format=torch.channels_last)
        return self.shape.cut(self.body(grid).float().tanh())


class ModernDiscriminator(ImageDiscriminator):
    """Strided convolutions, a residual block, one layer over all of the smallest grid; no batch norm anywhere.

    Classes enter at the end, as the product of an embedding with the features (Miyato and Koyama 2018,
    arXiv 1802.05637).

    Parameters
    ----------
    shape : ImageShape
    width : int
        Channels after the first convolution; they double with every further one, up to four times as many.
    n_classes : int
        0 for none.
    """

    def __init__(self, shape: ImageShape, width: int, n_classes: int = 0) -> None:
        super().__init__(_N_FEATURES, n_classes)
        layers: list[nn.Module] = []
        n_from = shape.channels
        for stage in range(1, shape.n_halvings + 1):
            n_to = shape.n_channels(width, stage)
            layers += [nn.Conv2d(n_from, n_to, 4, 2, 1), nn.LeakyReLU(_SLOPE)]
            n_from = n_to
        rows, columns = shape.floor_grid(shape.n_halvings)
        self.body = nn.Sequential(
            *layers[:-1],  # the residual block brings its own activation
            ScaledResidual(n_from, has_norm=False),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(n_from, n_from, 3, 2, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Flatten(),
            nn.Linear(n_from * ((rows + 1) // 2) * ((columns + 1) // 2), _N_FEATURES),
        )
        self.logit = nn.Linear(_N_FEATURES, 1)
        self.labels = nn.Embedding(n_classes, _N_FEATURES) if n_classes else None
        if self.labels is not None:
            nn.init.normal_(self.labels.weight, std=0.1)

    def features(self, images: Tensor) -> Tensor:
        """Return the last hidden layer."""
        return leaky_relu(self.body(images.contiguous(memory_format=torch.channels_last)), _SLOPE)

    def judge(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return one logit per image."""
        logits: Tensor = self.logit(features)[:, 0]
        if self.labels is not None:
            logits = logits + _PULL * (features * self.labels(labels)).sum(dim=1)
        return logits.float()

    def judge_all(self, features: Tensor) -> Tensor:
        """Return one logit per image and class."""
        if self.labels is None:
            return super().judge_all(features)
        logits: Tensor = self.logit(features) + _PULL * features @ self.labels.weight.T
        return logits.float()


_PULL = 3.0 / math.sqrt(_N_FEATURES)
"""How much a class says at first beside what all images have in common."""
