"""GANs for tables."""

from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.gan import TabularGAN
from ganaug.tabular.preview import SampleTable

__all__ = ["SampleTable", "TableEncoder", "TabularGAN"]
