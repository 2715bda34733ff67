"""VanillaGAN: the first one."""

from typing import ClassVar

import numpy as np

from ganaug.images.noise import NoiseGAN
from ganaug.images.recipes import MODERN_PERCEPTRON, TEXTBOOK_PERCEPTRON, Recipe


class VanillaGAN(NoiseGAN):
    """The first GAN (Goodfellow et al. 2014): multilayer perceptrons, which know nothing of neighboring pixels.

    For teaching, and for images too small for convolutions. ``DCGAN`` draws better ones.

    ``recipe="textbook"``, the default, is the paper's: two hidden layers of 1,200 rectified units in the generator, two
    of 240 maxout units with dropout in the discriminator, even noise, the non-saturating loss (``loss="minimax"`` is
    the game in its first form). Adam stands for its momentum with schedules that only fitted one budget.
    ``recipe="modern"`` has the losses, clusters and averages of the modern ``DCGAN``.

    Parameters
    ----------
    recipe : {"textbook", "modern"} or None, default=None
        None is the textbook. Networks, and the values of all parameters that are left at None.
    epochs, max_steps, max_seconds, batch_size, latent_dim, n_clusters, augment, image_size, resize, color, layout, \
value_range, on_unreadable, memory_limit, loss, gradient_penalty, gradient_penalty_weight, gradient_penalty_interval, \
discriminator_steps, generator_lr, discriminator_lr, learning_rate_schedule, ema_decay, keep_best, callbacks, verbose, \
device, precision, random_state
        As in ``DCGAN``.
    generator_width, discriminator_width : int or None, default=None
        Units per hidden layer: 1200 and 240 (modern: 512 and 256).

    Attributes
    ----------
    encoder_, generator_, discriminator_, clusters_, augment_kinds_, precision_, history_, n_iter_, n_images_, \
stop_reason_
        As in ``DCGAN``.

    References
    ----------
    Goodfellow et al. 2014, arXiv 1406.2661.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.images import VanillaGAN
    >>> images = load_digits().images
    >>> gan = VanillaGAN(max_steps=20, value_range=(0, 16), random_state=0).fit(images)
    >>> gan.sample(5).shape
    (5, 8, 8)
    """

    _recipes: ClassVar[dict[str, Recipe]] = {"textbook": TEXTBOOK_PERCEPTRON, "modern": MODERN_PERCEPTRON}

    def sample(
        self, n_samples: int = 1, *, truncation: float = 1.0, random_state: int | np.random.RandomState | None = None
    ) -> np.ndarray:
        """Draw synthetic images; see ``DCGAN.sample``."""
        return self._sample(n_samples, None, truncation, random_state)[0]
