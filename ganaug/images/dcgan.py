"""DCGAN: images from noise by convolutions."""

from typing import ClassVar

import numpy as np

from ganaug.images.noise import NoiseGAN
from ganaug.images.recipes import MODERN, TEXTBOOK_CONVOLUTION, Recipe


class DCGAN(NoiseGAN):
    """Deep convolutional GAN (Radford et al. 2016): images from noise, and features without labels.

    Any height and width from 8 to 256 pixels; grey, color, or color with transparency.

    ``recipe="modern"``, the default, keeps the paper's skeleton of convolutions and changes what decides how much is
    learned per second: the images are first cut into clusters, which both players are told apart (a game
    about many narrow kinds is learned several times faster than one about all images); the loss compares pairs of
    real and fake, with the discriminator's gradients held down at both; no batch norm in the discriminator; averaged
    weights; bfloat16 where the processor is faster in it. ``recipe="textbook"`` is the paper's.

    Parameters
    ----------
    recipe : {"modern", "textbook"} or None, default=None
        None is the modern one. Networks, and the values of all parameters below that are left at None.
    epochs, max_steps : int or None, default=None
        Passes over the images, and generator updates. The first of ``epochs``, ``max_steps`` and ``max_seconds`` to be
        used up ends the training; if none is set, 3,000 steps do.
    max_seconds : float or None, default=None
        Wall time in seconds, loading included. Results under a time budget depend on the machine's speed.
    batch_size : int or None, default=None
        32 (textbook: 128). Any size works with any number of images.
    latent_dim : int or None, default=None
        Size of the noise: 64 (textbook: 100).
    generator_width, discriminator_width : int or None, default=None
        Channels of the largest hidden grid: 32 (textbook: 64; the paper had 128). More are slower, and better only in
        the long run.
    n_clusters : int or "auto", default="auto"
        Clusters of similar images that both players are told apart. "auto" is one per 100 images, 100 at most; 1 is
        none. Sampling draws clusters as often as they occur. The textbook knows none.
    augment : "auto", tuple of str or None, default="auto"
        Differentiable augmentation of what the discriminator sees, as strong as it overfits: any of "translation",
        "cutout", "color", "scale", "rotation", "flip". "auto" is the first two, and color for color images, under
        5,000 images, and none above, nor for the textbook.
    image_size : int, (height, width) or None, default=None
        Size to learn; needed where the images' sizes differ, or where they come as rows of pixels.
    resize : {"error", "crop", "pad", "stretch"}, default="error"
        What is done to images of another size.
    color : {"auto", "grey", "rgb", "rgba"}, default="auto"
        What files are read as; "auto" is the least that holds them all.
    layout : {"auto", "NHWC", "NCHW", "NHW"}, default="auto"
        Order of an array's axes, where its shape leaves it open.
    value_range : "auto" or (low, high), default="auto"
        What stands for black and white: of integers the dtype's range, of floats [0, 1].
    on_unreadable : {"raise", "skip"}, default="raise"
        What is done about files in a folder that are no readable images; both name them.
    memory_limit : int, default=2**30
        Bytes of pixels that are kept in memory; larger folders are read from disk as they are needed.
    loss : str or None, default=None
        "minimax", "non_saturating" (textbook), "least_squares", "hinge", "wasserstein" or "relativistic" (modern).
    gradient_penalty : str or None, default="auto"
        "r1", "r2", "r1_r2" (modern), "wasserstein_gp" or None (textbook).
    gradient_penalty_weight : float or None, default=None
    gradient_penalty_interval : int or None, default=None
        Discriminator updates per penalty.
    discriminator_steps : int or None, default=None
        Discriminator updates per generator update: 1.
    generator_lr, discriminator_lr : float or None, default=None
        Adam's step sizes: 2e-3 (textbook: 2e-4).
    learning_rate_schedule : {"cosine", "linear", "constant"} or None, default=None
        How the step sizes fall over the budget.
    ema_decay : float or None, default=None
        Decay of the averaged generator, which is the one that is kept; 0 is none (textbook).
    keep_best : bool or None, default=None
        Compare the averaged generator with the images, by the Frechet distance of random features, five times from
        the middle of the budget on, and keep the best: True (textbook: False).
    callbacks : list of Callback or None, default=None
        ``SampleGrid`` shows the generator learn.
    verbose : int, default=0
        1 shows a progress bar.
    device : str, default="auto"
        "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        "auto" times a convolution in both before the first fit of a process; name one where a machine is so busy that
        the answer could change, and bits matter. Penalties, averages and all that is
        asked of a fitted model are float32.
    random_state : int, RandomState instance or None, default=None
        With an int, ``fit`` (under a budget of steps) and ``sample`` are repeatable bit for bit on the same machine's
        CPU with as many threads.

    Attributes
    ----------
    encoder_ : ImageEncoder
        ``encoder_.report_`` says what was loaded.
    generator_, discriminator_ : Module
        The averaged generator and the discriminator.
    clusters_ : Clusters
        Share and class of each cluster.
    augment_kinds_ : tuple of str
    precision_ : str
        What "auto" came to.
    history_ : list of dict
        A row per epoch (and at most 50 steps): ``epoch``, ``step``, ``seconds`` and the mean of each ``player/term``.
    n_iter_ : int
        Generator updates made.
    n_images_ : int
    likeness_ : float or None
        Of the weights that were kept: minus the Frechet distance that ``keep_best`` compares by, 0 at best.
    stop_reason_ : str
        "epochs", "max_steps", "max_seconds", "interrupted", "diverged", or what a callback said.

    References
    ----------
    Radford et al. 2016, arXiv 1511.06434; Liu et al. 2020 (clusters), arXiv 2006.10728; Huang et al. 2024 (R3GAN),
    arXiv 2501.05441; Zhao et al. 2020 and Karras et al. 2020 (augmentation), arXiv 2006.10738 and 2006.06676.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.images import DCGAN
    >>> images = load_digits().images  # (1797, 8, 8), from 0 to 16
    >>> gan = DCGAN(max_steps=20, value_range=(0, 16), random_state=0).fit(images)
    >>> gan.sample(5).shape
    (5, 8, 8)
    """

    _recipes: ClassVar[dict[str, Recipe]] = {"modern": MODERN, "textbook": TEXTBOOK_CONVOLUTION}

    def sample(
        self, n_samples: int = 1, *, truncation: float = 1.0, random_state: int | np.random.RandomState | None = None
    ) -> np.ndarray:
        """Draw synthetic images.

        Parameters
        ----------
        n_samples : int, default=1
        truncation : float, default=1.0
            The noise is multiplied by it: below 1, images become more usual and less varied.
        random_state : int, RandomState instance or None, default=None
            None takes the estimator's ``random_state``: with an int, **each call returns the same
            images** (as scikit-learn's mixtures do). Give another number for other images.

        Returns
        -------
        ndarray
            Images in the layout, dtype and range of those that ``fit`` was given; files come back as
            (n_samples, height, width, channels), uint8.
        """
        return self._sample(n_samples, None, truncation, random_state)[0]
