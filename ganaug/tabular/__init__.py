"""GANs for tables."""

from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.gan import TabularGAN
from ganaug.tabular.preview import SampleTable
from ganaug.tabular.sdv import CTGAN, TVAE
from ganaug.tabular.sdv_metadata import from_sdv_metadata

__all__ = ["CTGAN", "TVAE", "SampleTable", "TableEncoder", "TabularGAN", "from_sdv_metadata"]
