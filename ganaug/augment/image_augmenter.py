"""ImageAugmenter: a labelled set of images with synthetic ones mixed in, as many as help a classifier."""

import os
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ganaug.adversarial import derive_seed
from ganaug.augment.image_folders import ClassFolder, check_output
from ganaug.augment.image_sets import (
    ImageSet,
    append_labels_to,
    append_to,
    count_synthetic,
    draw,
    is_fitted,
    make_classifier,
    make_gan,
    train,
)
from ganaug.augment.image_shares import ShareSearch, choose_share, describe_choice
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.randomness import draw_seed


class ImageAugmenter(BaseEstimator):
    """Mix synthetic images into a labelled set: of each class a share of its real ones, chosen by validation.

    A classifier is trained with each of ``shares`` and judged on images that were held back, from the GAN too. A
    share above the smallest is taken only where it is better beyond noise; 0, which is nothing, is among them unless
    you leave it out. Expect it to be chosen often: shifted or rotated copies of the real images usually help more
    than synthetic ones do, and `compare_images` tells.

    Put it into ``imblearn.pipeline`` in front of a classifier, so that only the training part of each fold is
    augmented.

    Parameters
    ----------
    gan : estimator or None, default=None
        A GAN that can ``fit(X, y)`` and ``sample(y=labels, random_state=seed)``: `ganaug.images.ConditionalGAN`. An
        unfitted one is trained twice: on the part that classifiers learn from while the share is chosen, and then on
        all images. A fitted one is used as it is, and must not have seen ``X``: else the choice is made by images
        that it knows. (scikit-learn's ``clone`` makes it unfitted; ``FrozenEstimator`` prevents that.) What it is
        told of the images' form (``value_range``, ``layout``, ``image_size``, ``color``) holds here, too. None is
        ``ConditionalGAN(max_steps=1_000)``: about a minute of one core for images of 28 x 28.
    shares : sequence of float, default=(0.0, 0.1, 0.25, 0.5)
        Synthetic images per real image, to choose from. A single one is taken without validation.
    classifier : estimator or None, default=None
        Judges the shares; it is cloned. It gets images as ``X`` has them (``augment_folder``: arrays of shape (n,
        height, width, channels)). None is a small convolutional network, ``ImageClassifier(max_steps=300)``.
    validation_fraction : float, default=0.2
        Part of each class that is held back while the share is chosen, one image at least. Few images prove little:
        with 40 a lead of ten points may be noise.
    n_repeats : int, default=3
        How often each share's classifier is trained, from other weights and with other synthetic images.
    balance : bool, default=False
        Whether synthetic images go to the classes that have the fewest, instead of to each by its share: as many in
        all, each to the class that is smallest by then.
    random_state : int, RandomState instance or None, default=None
        Seeds the split, the draws, and GAN and classifier if they have no ``random_state`` of their own.
    verbose : int, default=0
        1 prints each classifier's accuracy and the choice.

    Attributes
    ----------
    share_ : float
        The share that was taken.
    scores_ : DataFrame or None
        Of each share: ``mean`` balanced accuracy and its ``spread`` (standard deviation) over repeats, ``lead`` over
        the smallest share with ``low`` and ``high`` (95 % interval, wide enough for all shares together). None if
        there was nothing to choose.
    gan_ : estimator or None
        The GAN, fitted to all images; if nothing was added, the one of the choice, or None if there was none.
    is_synthetic_ : ndarray of bool, (n_images + n_synthetic,)
        Which images of the last result are synthetic: the real ones come first, in their order.

    See Also
    --------
    compare_images : Whether it helps, beside plain shifts, rotations and mixup.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.augment import ImageAugmenter
    >>> from ganaug.images import ConditionalGAN
    >>> digits = load_digits()
    >>> X, y = digits.images[:200], digits.target[:200]  # from 0 to 16
    >>> gan = ConditionalGAN(max_steps=20, value_range=(0, 16))
    >>> augmenter = ImageAugmenter(gan, shares=(0.5,), random_state=0)
    >>> X_more, y_more = augmenter.fit_resample(X, y)
    >>> X_more.shape, int(augmenter.is_synthetic_.sum())
    ((303, 8, 8), 103)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "gan": [BaseEstimator, None],
        "shares": ["array-like"],
        "classifier": [BaseEstimator, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "balance": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        gan: Any = None,
        *,
        shares: Sequence[float] = (0.0, 0.1, 0.25, 0.5),
        classifier: Any = None,
        validation_fraction: float = 0.2,
        n_repeats: int = 3,
        balance: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.gan = gan
        self.shares = shares
        self.classifier = classifier
        self.validation_fraction = validation_fraction
        self.n_repeats = n_repeats
        self.balance = balance
        self.random_state = random_state
        self.verbose = verbose

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the images, untouched, and below them synthetic ones.

        Parameters
        ----------
        X : array-like
            Images, as `ganaug.images.ConditionalGAN` takes arrays: any layout, dtype and number of channels. For
            files there is ``augment_folder``.
        y : array-like of shape (n_images,)
            Classes.

        Returns
        -------
        X_more : ndarray, or DataFrame if ``X`` is one
            In the layout, the dtype and the range of ``X``.
        y_more : ndarray, or Series if ``y`` is one

        Warns
        -----
        TrainingWarning
            If no share is better than the smallest beyond noise.
        """
        gan, shares = self._check()
        images = ImageSet.learn(X, y, gan)
        added = self._augment(images, gan, shares)
        return append_to(X, added.pixels), append_labels_to(y, added.labels)

    def augment_folder(self, folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> Path:
        """Write a folder of the real images and synthetic ones.

        Parameters
        ----------
        folder : path
            One sub-folder of images per class. They are all held in memory.
        output : path
            A new folder, outside of ``folder``. It holds the same sub-folders, with copies of the files that could be
            read and PNG files ``synthetic-000000.png`` and so on, of the size that the GAN learns. It appears when
            all files are whole; an error leaves nothing behind.

        Returns
        -------
        Path
            ``output``.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sklearn.datasets import load_digits
        >>> from ganaug.images import ConditionalGAN, save_images
        >>> digits = load_digits(n_class=2)
        >>> with tempfile.TemporaryDirectory() as home:
        ...     real = Path(home, "real")
        ...     _ = save_images(digits.images[:20] / 16, real, labels=digits.target[:20])
        ...     augmenter = ImageAugmenter(ConditionalGAN(max_steps=5), shares=(0.1,), random_state=0)
        ...     more = augmenter.augment_folder(real, Path(home, "more"))
        ...     sorted(path.relative_to(more).as_posix() for path in more.glob("*/synthetic-*"))
        ['0/synthetic-000000.png', '0/synthetic-000001.png', '1/synthetic-000000.png']
        """
        gan, shares = self._check()
        target = check_output(output, folder)
        real = ClassFolder.read(folder, gan)
        real.write(target, self._augment(real.images, gan, shares))
        return target

    def _check(self) -> tuple[Any, tuple[float, ...]]:
        """Return the GAN, and the shares in rising order."""
        self._validate_params()
        try:
            shares = sorted({float(share) for share in self.shares})
        except (TypeError, ValueError):
            shares = []
        if not shares or not all(0 <= share < np.inf for share in shares):
            raise InvalidInputError(f"shares={self.shares!r}: numbers of at least 0 are expected, such as (0, 0.25).")
        return make_gan(self.gan), tuple(shares)

    def _augment(self, images: ImageSet, gan: Any, shares: tuple[float, ...]) -> ImageSet:
        """Choose the share, and return the synthetic images."""
        seed = draw_seed(self.random_state)
        self.scores_: pd.DataFrame | None = None
        self.share_, self.gan_ = shares[0], gan if is_fitted(gan) else None
        if len(shares) > 1:
            classifier = make_classifier(self.classifier)
            settings = self.validation_fraction, self.n_repeats, self.balance
            search = ShareSearch(shares, classifier, *settings, seed=seed, verbose=self.verbose)
            self.scores_, self.gan_ = search.run(images, gan)
            self.share_ = choose_share(self.scores_)
            self._tell()
        if self.share_:
            self.gan_ = train(gan, images, derive_seed(seed, "gan"))
        counts = count_synthetic(images.counts, self.share_, self.balance)
        added = draw(self.gan_, images, counts, derive_seed(seed, "sample"))
        self.is_synthetic_ = np.arange(len(images) + len(added)) >= len(images)
        return added

    def _tell(self) -> None:
        assert self.scores_ is not None
        text = describe_choice(self.scores_)
        if self.share_ == self.scores_.index[0]:
            done = "Nothing is added" if self.share_ == 0 else f"share {self.share_:g} is taken"
            warnings.warn(f"{text} {done}.", TrainingWarning, stacklevel=4)
        elif self.verbose:
            print(text)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags
