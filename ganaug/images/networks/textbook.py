"""DCGAN as its paper has it (Radford et al. 2016, arXiv 1511.06434), with one stage fewer or more for other sizes.

Strided and transposed convolutions, batch norm in both players (not at the generator's output nor at the
discriminator's input), ReLU and leaky ReLU, weights begun as N(0, .02), no hidden layers that are fully connected.
"""

import math

from torch import Tensor, nn

from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator
from ganaug.images.networks.shape import ImageShape

_SMALLEST = 4


class TextbookGenerator(ImageGenerator):
    """Noise -> smallest grid -> transposed convolutions that double it -> tanh.

    Parameters
    ----------
    shape : ImageShape
        Sides that no number of doublings gives are cut from the middle of the next larger picture.
    latent_dim : int
    width : int
        Channels of the largest hidden grid; they double with every smaller one.
    """

    def __init__(self, shape: ImageShape, latent_dim: int, width: int) -> None:
        super().__init__(shape, latent_dim)
        n_stages = _count_stages(shape)
        n_from = width * 2 ** (n_stages - 1)
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent_dim, n_from, shape.grid(n_stages), bias=False),
            nn.BatchNorm2d(n_from),
            nn.ReLU(),
        ]
        for _ in range(n_stages - 1):
            layers += [
                nn.ConvTranspose2d(n_from, n_from // 2, 4, 2, 1, bias=False),
                nn.BatchNorm2d(n_from // 2),
                nn.ReLU(),
            ]
            n_from //= 2
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(n_from, shape.channels, 4, 2, 1, bias=False))
        self.apply(_begin)

    def latent(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the noise."""
        return noise

    def draw(self, latents: Tensor) -> Tensor:
        """Return images (n, channels, height, width) in [-1, 1]."""
        images: Tensor = self.body(latents[:, :, None, None])
        return self.shape.cut(images.float().tanh())


class TextbookDiscriminator(ImageDiscriminator):
    """Strided convolutions down to the smallest grid -> one convolution over all of it -> logit.

    Parameters
    ----------
    shape : ImageShape
    width : int
        Channels after the first convolution; they double with every further one.
    """

    def __init__(self, shape: ImageShape, width: int) -> None:
        n_stages = _count_stages(shape)
        rows, columns = shape.floor_grid(n_stages)
        n_to = width * 2 ** (n_stages - 1)
        super().__init__(n_to * rows * columns)
        layers: list[nn.Module] = [nn.Conv2d(shape.channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for stage in range(1, n_stages):
            n_from = width * 2 ** (stage - 1)
            layers += [
                nn.Conv2d(n_from, 2 * n_from, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * n_from),
                nn.LeakyReLU(0.2),
            ]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.logit = nn.Linear(self.n_features, 1, bias=False)
        self.apply(_begin)

    def features(self, images: Tensor) -> Tensor:
        """Return the smallest grid."""
        seen: Tensor = self.body(images)
        return seen

    def judge(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return one logit per image."""
        logits: Tensor = self.logit(features)
        return logits[:, 0].float()


def _count_stages(shape: ImageShape) -> int:
    """Return how often sides are halved: down to 4 pixels, as the paper's 64 are, or to less than twice as many."""
    return max(1, int(math.log2(min(shape.height, shape.width) / _SMALLEST)))


def _begin(layer: nn.Module) -> None:
    """Begin weights as the paper does."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
