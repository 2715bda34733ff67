"""Pairs of players by name, as recipes ask for them."""

from collections.abc import Callable

from torch import nn

from ganaug.images.networks.modern import ModernDiscriminator, ModernGenerator
from ganaug.images.networks.perceptron import PerceptronDiscriminator, PerceptronGenerator
from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator
from ganaug.images.networks.shape import ImageShape
from ganaug.images.networks.textbook import TextbookDiscriminator, TextbookGenerator

Players = tuple[ImageGenerator, ImageDiscriminator]
MakePlayers = Callable[[ImageShape, int, tuple[int, int], int], Players]
"""(shape, latent_dim, widths of generator and discriminator, number of classes) -> both."""


def _modern(shape: ImageShape, latent_dim: int, widths: tuple[int, int], n_classes: int) -> Players:
    return (
        ModernGenerator(shape, latent_dim, widths[0], n_classes),
        ModernDiscriminator(shape, widths[1], n_classes),
    )


def _textbook(shape: ImageShape, latent_dim: int, widths: tuple[int, int], n_classes: int) -> Players:
    return TextbookGenerator(shape, latent_dim, widths[0]), TextbookDiscriminator(shape, widths[1])


def _perceptrons(shape: ImageShape, latent_dim: int, widths: tuple[int, int], n_classes: int) -> Players:
    """As in Goodfellow et al. 2014; with classes as in Mirza and Osindero 2014, whose label layers these are.

    Weights begin as in the authors' code: small, and the discriminator's smaller still.
    """
    generator = PerceptronGenerator(shape, latent_dim, (widths[0], widths[0]), n_classes, label_width=1000)
    discriminator = PerceptronDiscriminator(
        shape, (widths[1], widths[1]), n_classes, label_width=50, n_pieces=5, dropout=0.5
    )
    for player, bound in ((generator, 0.05), (discriminator, 0.005)):
        for name, weights in player.named_parameters():
            nn.init.zeros_(weights) if name.endswith("bias") else nn.init.uniform_(weights, -bound, bound)
    return generator, discriminator


def _modern_perceptrons(shape: ImageShape, latent_dim: int, widths: tuple[int, int], n_classes: int) -> Players:
    return (
        PerceptronGenerator(shape, latent_dim, (widths[0], widths[0]), n_classes, label_width=32, has_norm=True),
        PerceptronDiscriminator(shape, (widths[1], widths[1]), n_classes, label_width=32, n_pieces=2),
    )


PLAYERS: dict[str, MakePlayers] = {
    "modern": _modern,
    "textbook": _textbook,
    "perceptrons": _perceptrons,
    "modern perceptrons": _modern_perceptrons,
}
