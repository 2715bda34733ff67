"""Generators and discriminators of images: the papers' own, and modern ones; all of them take any size."""

from ganaug.images.networks.making import PLAYERS
from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator
from ganaug.images.networks.shape import ImageShape

__all__ = ["PLAYERS", "ImageDiscriminator", "ImageGenerator", "ImageShape"]
