"""GANs for tables."""

from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.gan import TabularGAN

__all__ = ["TableEncoder", "TabularGAN"]
