"""Pairs of players by name, as recipes ask for them."""

from collections.abc import Callable

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
    """As in Goodfellow et al. 2014; with classes as in Mirza and Osindero 2014, whose label layers these are."""
    return (
        PerceptronGenerator(shape, latent_dim, (widths[0], widths[0]), n_classes, label_width=1000),
        PerceptronDiscriminator(shape, (widths[1], widths[1]), n_classes, label_width=50, n_pieces=5, dropout=0.5),
    )


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
