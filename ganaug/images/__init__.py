"""GANs for images: arrays, files or a folder in; synthetic images of the same form out."""

from ganaug.images.conditional import ConditionalGAN
from ganaug.images.cyclegan import CycleGAN
from ganaug.images.dcgan import DCGAN
from ganaug.images.encoder import ImageEncoder
from ganaug.images.grids import SampleGrid, make_grid, save_grid, save_images
from ganaug.images.srgan import SRGAN
from ganaug.images.vanilla import VanillaGAN

__all__ = [
    "DCGAN",
    "SRGAN",
    "ConditionalGAN",
    "CycleGAN",
    "ImageEncoder",
    "SampleGrid",
    "VanillaGAN",
    "make_grid",
    "save_grid",
    "save_images",
]
