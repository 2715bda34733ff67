"""The multilayer perceptrons of the first GANs, Goodfellow et al. 2014 and Mirza and Osindero 2014, at any size."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu

from ganaug.images.networks.layers import BatchNorm, Maxout, SeededDropout
from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator
from ganaug.images.networks.shape import ImageShape


class PerceptronGenerator(ImageGenerator):
    """Noise [+ class] -> hidden layers -> all pixels at once.

    Parameters
    ----------
    shape : ImageShape
    latent_dim : int
    hidden : sequence of int
    n_classes : int
        0 for none.
    label_width : int
        Width of the layer that only sees the class.
    has_norm : bool
        Batch norm before each activation; in neither paper.
    """

    def __init__(
        self,
        shape: ImageShape,
        latent_dim: int,
        hidden: Sequence[int],
        n_classes: int = 0,
        label_width: int = 0,
        has_norm: bool = False,
    ) -> None:
        super().__init__(shape, latent_dim + (label_width if n_classes else 0))
        self.label_layer = nn.Embedding(n_classes, label_width) if n_classes else None
        sizes = [self.latent_width, *hidden]
        layers: list[nn.Module] = []
        for n_from, n_to in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n_from, n_to), *([BatchNorm(n_to)] if has_norm else []), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.pixels = nn.Linear(sizes[-1], shape.n_pixels)

    def latent(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the noise, and what the class's own layer makes of the class."""
        return noise if self.label_layer is None else torch.cat([noise, relu(self.label_layer(labels))], dim=1)

    def draw(self, latents: Tensor) -> Tensor:
        """Return images (n, channels, height, width) in [-1, 1]."""
        images = torch.tanh(self.pixels(self.hidden(latents)).float())
        return images.view(-1, self.shape.channels, self.shape.height, self.shape.width)


class PerceptronDiscriminator(ImageDiscriminator):
    """Pixels -> hidden layers -> [+ class] -> last hidden layer -> logit.

    Parameters
    ----------
    shape : ImageShape
    hidden : sequence of two or more int
    n_classes : int
        0 for none.
    label_width : int
        Width of the layer that only sees the class.
    n_pieces : int
        Pieces of the maxout units (5 in both papers).
    dropout : float
        On every hidden layer (.5 in both papers).
    """

    def __init__(
        self,
        shape: ImageShape,
        hidden: Sequence[int],
        n_classes: int = 0,
        label_width: int = 0,
        n_pieces: int = 5,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(hidden[-2], n_classes)
        sizes = [shape.n_pixels, *hidden[:-1]]
        layers: list[nn.Module] = []
        for n_from, n_to in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [Maxout(n_from, n_to, n_pieces), SeededDropout(dropout)]
        self.trunk = nn.Sequential(*layers)
        self.label_layer = Maxout(n_classes, label_width, n_pieces) if n_classes else None
        n_joint = hidden[-2] + (label_width if n_classes else 0)
        self.joint = nn.Sequential(Maxout(n_joint, hidden[-1], n_pieces), SeededDropout(dropout))
        self.logit = nn.Linear(hidden[-1], 1)

    def features(self, images: Tensor) -> Tensor:
        """Return the last hidden layer that knows no class."""
        seen: Tensor = self.trunk(images.flatten(1))
        return seen

    def judge(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return one logit per image."""
        if self.label_layer is not None:
            assert labels is not None
            told = self.label_layer(one_hot(labels, self.n_classes).to(features.dtype))
            features = torch.cat([features, told], dim=1)
        logits: Tensor = self.logit(self.joint(features))
        return logits[:, 0].float()
