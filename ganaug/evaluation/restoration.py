"""How close restored images are to the true ones, image by image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError

WINDOW, DEVIATION = 11, 1.5  # of SSIM's Gaussian, in pixels
K1, K2 = 0.01, 0.03
Array = np.ndarray[Any, np.dtype[np.float64]]


def psnr(images: Any, truth: Any, *, value_range: str | Sequence[float] = "auto", layout: str = "auto") -> Array:
    """Return the peak signal-to-noise ratio of each image, in decibels: higher = closer to the truth.

    It is 10 log10(1 / mean squared error), over pixels and channels whose range is 1. Blurred images score high: the
    mean of all that may be true is closest to each of them.

    Parameters
    ----------
    images, truth : array, list of arrays, list of paths, or path of a folder
        The restored and the true image, in the same order and of the same sizes: (n, height, width), (n, height,
        width, channels) or (n, channels, height, width), of bytes, uint16 or floats. Those of a list may differ in
        size.
    value_range : "auto" or (low, high), default="auto"
        Values that stand for black and white in `truth`: of whole numbers the dtype's range, of floats [0, 1], or
        [-1, 1] if some are negative.
    layout : {"auto", "NHWC", "NCHW", "NHW"}, default="auto"
        Order of the axes, where the shape leaves it open.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where an image equals the truth.

    Raises
    ------
    InvalidInputError
        Images and truth are not equally many, or not of the same sizes and channels.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.evaluation import psnr
    >>> truth = np.zeros((2, 8, 8))
    >>> psnr(truth + [[[0.1]], [[0.01]]], truth).round(3)
    array([20., 40.])
    """

    def ratio(images: Array, truth: Array) -> Array:
        error = ((images - truth) ** 2).mean(axis=(1, 2, 3))
        with np.errstate(divide="ignore"):
            decibels: Array = -10 * np.log10(error)
        return decibels

    return _measure(ratio, images, truth, value_range, layout)


def ssim(images: Any, truth: Any, *, value_range: str | Sequence[float] = "auto", layout: str = "auto") -> Array:
    """Return the structural similarity of each image to the truth: 1 = equal, about 0 = nothing in common [1]_.

    Means, variances and covariances are those in a Gaussian window of 11 x 11 pixels with a deviation of 1.5, at every
    place where it lies inside the image; the result is the mean over places and channels. An image with a side below
    11 pixels gets a square window of the largest odd side that fits: compare such values with each other only.

    Parameters
    ----------
    images, truth, value_range, layout
        As for `psnr`.

    Returns
    -------
    ndarray of shape (n,)

    References
    ----------
    .. [1] Wang et al. (2004), "Image quality assessment: from error visibility to structural similarity".

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.evaluation import ssim
    >>> truth = np.random.default_rng(0).integers(0, 256, (1, 16, 16), dtype=np.uint8)
    >>> ssim(truth, truth).tolist()
    [1.0]
    >>> bool(ssim(truth // 2, truth)[0] > ssim(255 - truth, truth)[0])
    True
    """

    def similarity(images: Array, truth: Array) -> Array:
        fits = min(WINDOW, *images.shape[2:])
        side = fits if fits % 2 else fits - 1
        mean, mean_truth = _blurred(images, side), _blurred(truth, side)
        variance = _blurred(images**2, side) - mean**2
        variance_truth = _blurred(truth**2, side) - mean_truth**2
        covariance = _blurred(images * truth, side) - mean * mean_truth
        shares = (2 * mean * mean_truth + K1**2) / (mean**2 + mean_truth**2 + K1**2)
        shares *= (2 * covariance + K2**2) / (variance + variance_truth + K2**2)
        means: Array = shares.mean(axis=(1, 2, 3))
        return means

    return _measure(similarity, images, truth, value_range, layout)


def _blurred(images: Array, side: int) -> Array:
    """Return means under a Gaussian window, where it lies inside the image."""
    from scipy.ndimage import correlate1d

    reach = side // 2
    line = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * DEVIATION**2))
    line /= line.sum()
    means: Array = correlate1d(correlate1d(images, line, axis=2), line, axis=3)
    height, width = images.shape[2:]
    return means[:, :, reach : height - reach, reach : width - reach]


def sharpness(images: Any, truth: Any, *, value_range: str | Sequence[float] = "auto", layout: str = "auto") -> Array:
    """Return the mean absolute step between neighboring pixels, over that of the truth: 1 = as sharp.

    Below 1 an image is blurred, above it has noise or edges that the truth has not. It says nothing of whether the
    edges are where they should be.

    Parameters
    ----------
    images, truth, value_range, layout
        As for `psnr`.

    Returns
    -------
    ndarray of shape (n,)
        Where the truth is of one color, 1 if the image is too, and infinite if not.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.evaluation import sharpness
    >>> truth = np.random.default_rng(0).random((1, 8, 8))
    >>> sharpness(truth / 2 + 0.25, truth).round(3)
    array([0.5])
    """

    def steepness(images: Array) -> Array:
        steps = (np.abs(np.diff(images, axis=axis)).mean(axis=(1, 2, 3)) for axis in (2, 3) if images.shape[axis] > 1)
        return np.asarray(sum(steps, np.zeros(len(images))))

    def ratio(images: Array, truth: Array) -> Array:
        found, wanted = steepness(images), steepness(truth)
        flat = np.where(found == 0, 1.0, np.inf)
        return np.divide(found, wanted, out=flat, where=wanted > 0)

    return _measure(ratio, images, truth, value_range, layout)


def feature_distance(
    images: Any,
    truth: Any,
    classifier: Any,
    *,
    value_range: str | Sequence[float] = "auto",
    layout: str = "auto",
) -> Array:
    """Return the mean squared distance of what a classifier sees in each image to what it sees in the true one.

    Parameters
    ----------
    images, truth, value_range, layout
        As for `psnr`; all of the size and the channels that the classifier learned.
    classifier : ImageClassifier
        A fitted `ganaug.images.classifier.ImageClassifier`, which should know none of these images. The mean square of
        its features is about 1.

    Returns
    -------
    ndarray of shape (n,)
        0 = the same; smaller is better.
    """

    def distance(images: Array, truth: Array) -> Array:
        seen, wanted = (classifier.features(show(classifier, part)).astype(np.float64) for part in (images, truth))
        distances: Array = ((seen - wanted) ** 2).mean(axis=1)
        return distances

    return _measure(distance, images, truth, value_range, layout)


def show(classifier: Any, images: Array) -> np.ndarray:
    """Return images (n, channels, height, width) in [0, 1] in the form that a classifier was fitted to."""
    known = classifier.encoder_.format_
    if images.shape[1:] != (known.channels, *known.size):
        channels, height, width = images.shape[1:]
        raise InvalidInputError(
            f"classifier={classifier!r} was fitted to images of {known}, and these have {height} x {width} pixels and "
            f"{channels} channel(s). Give a classifier of such images."
        )
    shown: np.ndarray = classifier.encoder_.decode(2 * images - 1)
    return shown


def _measure(figure: Callable[[Array, Array], Array], images: Any, truth: Any, value_range: Any, layout: str) -> Array:
    return np.concatenate([figure(*pair) for pair in read_pairs(images, truth, value_range, layout)])


def read_pairs(images: Any, truth: Any, value_range: Any, layout: str) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of images and truth of one size: (n, channels, height, width) in [0, 1]."""
    from ganaug.images.anysize import blocks_of, learn_pictures, load_pictures
    from ganaug.images.encoder import ImageEncoder
    from ganaug.images.policy import Policy

    encoder = ImageEncoder(value_range=value_range, layout=layout)
    encoder._validate_params()
    policy = Policy.of(encoder)
    with called("truth"):
        wanted, image_format, _ = learn_pictures(truth, policy)
    with called("images"):
        found = load_pictures(images, image_format, policy)
    if len(found) != len(wanted):
        raise InvalidInputError(f"There are {len(found)} `images` and {len(wanted)} of `truth`; give pairs.")
    for place, pair in enumerate(zip(found.pixels, wanted.pixels, strict=True)):
        (height, width), (true_height, true_width) = (image.shape[1:] for image in pair)
        if (height, width) != (true_height, true_width):
            raise InvalidInputError(
                f"images[{place}] has {height} x {width} pixels and truth[{place}] {true_height} x {true_width}. Give "
                "images of the size of the true ones, in the same order."
            )
    # Bounded by pixels, since each is needed as several floats.
    for some, true_ones in zip(found.runs(), wanted.runs(), strict=True):
        step = blocks_of(some.shape[2:])
        for first in range(0, len(some), step):
            block = slice(first, first + step)
            yield (some[block].double().numpy() + 1) / 2, (true_ones[block].double().numpy() + 1) / 2


@contextmanager
def called(name: str, known: str = "`truth` holds images", what: str = "X") -> Iterator[None]:
    """Say ``name`` where loading says X, and what holds the images that it goes with."""
    try:
        yield
    except InvalidInputError as error:
        text = re.sub(rf"(?<![\w`'\"]){what}\b", f"`{name}`", str(error)).replace("fit was given images", known)
        raise InvalidInputError(text) from error
