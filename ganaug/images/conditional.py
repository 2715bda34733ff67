"""ConditionalGAN: images of the class that is asked for."""

from typing import Any, ClassVar

import numpy as np

from ganaug.images.noise import NoiseGAN
from ganaug.images.recipes import MODERN, TEXTBOOK_PERCEPTRON, Recipe


class ConditionalGAN(NoiseGAN):
    """A GAN that is told classes (Mirza and Osindero 2014): ``fit(X, y)``, ``sample(10, y=[3] * 10)``.

    ``recipe="modern"``, the default, has the networks of the modern ``DCGAN``, whose clusters are clusters within the
    classes. ``recipe="textbook"`` is the paper's: perceptrons, in which the class enters both players by a layer of its
    own.

    Parameters
    ----------
    recipe : {"modern", "textbook"} or None, default=None
        None is the modern one. Networks, and the values of all parameters that are left at None.
    n_clusters : int or "auto", default="auto"
        Clusters of all classes together, by their number of images; each class has one at least.
    epochs, max_steps, max_seconds, batch_size, latent_dim, generator_width, discriminator_width, augment, image_size, \
resize, color, layout, value_range, on_unreadable, memory_limit, loss, gradient_penalty, gradient_penalty_weight, \
gradient_penalty_interval, discriminator_steps, generator_lr, discriminator_lr, learning_rate_schedule, ema_decay, \
keep_best, callbacks, verbose, device, precision, random_state
        As in ``DCGAN``; the textbook's widths are 1200 and 240 units.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, in their own dtype.
    encoder_, generator_, discriminator_, clusters_, augment_kinds_, precision_, history_, n_iter_, n_images_, \
stop_reason_
        As in ``DCGAN``.

    References
    ----------
    Mirza and Osindero 2014, arXiv 1411.1784; Miyato and Koyama 2018 (classes by projection), arXiv 1802.05637.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.images import ConditionalGAN
    >>> digits = load_digits()
    >>> gan = ConditionalGAN(max_steps=20, value_range=(0, 16), random_state=0).fit(digits.images, digits.target)
    >>> images, labels = gan.sample(3, y=[7, 7, 1], return_y=True)
    >>> images.shape, labels.tolist()
    ((3, 8, 8), [7, 7, 1])
    """

    _recipes: ClassVar[dict[str, Recipe]] = {"modern": MODERN, "textbook": TEXTBOOK_PERCEPTRON}
    _has_classes: ClassVar[bool] = True

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        return self.encoder_.classes_

    def sample(
        self,
        n_samples: int | None = None,
        y: Any = None,
        *,
        return_y: bool = False,
        truncation: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Draw synthetic images, of given classes or of all.

        Parameters
        ----------
        n_samples : int, optional
            By default as many as ``y`` has labels, or 1.
        y : label or array-like of shape (n_samples,), optional
            The class of each image; one label stands for all. Without it, classes are drawn by their shares in the
            images that were learned.
        return_y : bool, default=False
            Return ``(images, labels)``.
        truncation : float, default=1.0
            The noise is multiplied by it: below 1, images become more usual and less varied.
        random_state : int, RandomState instance or None, default=None
            As in ``DCGAN.sample``.

        Returns
        -------
        ndarray, or tuple of two
            Images in the layout, dtype and range of those that ``fit`` was given, and their labels if asked for.
        """
        images, classes = self._sample(n_samples, y, truncation, random_state)
        return (images, self.encoder_.decode_labels(classes)) if return_y else images

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
