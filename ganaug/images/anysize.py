"""Images of any size: photographs as they are, in one array, in a list of arrays or in files; whole or in parts."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.exceptions import InvalidInputError
from ganaug.images.asking import BLOCK, in_blocks
from ganaug.images.formats import ImageFormat, as_array, find_range, to_unit
from ganaug.images.layouts import channels_first, find_layout
from ganaug.images.loading import decode_all, limits_of_files, limits_of_new, load_files_as
from ganaug.images.policy import Policy
from ganaug.images.reading import LoadReport, are_files

_PIXELS_AT_A_TIME = 1024 * 32 * 32
"""So many pixels are floats at a time, unless one image has more."""
_TILE = 128
"""Side, in pixels, of the parts that large images are taken in."""
_PIXELS_PER_BLOCK = 64 * 32 * 32
"""So many pixels go through a network at a time, unless one image or part of one has more."""


@dataclass
class Pictures:
    """Images of any size, in their compact dtype.

    Attributes
    ----------
    pixels : list of ndarray
        Each (channels, height, width).
    low, high : float
        The values that stand for black and white.
    is_array : bool
        Whether they came as one array, and so have one size.
    names : list of str or None
        Of files.
    """

    pixels: list[np.ndarray]
    low: float
    high: float
    is_array: bool
    names: list[str] | None = None

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each."""
        return [(image.shape[1], image.shape[2]) for image in self.pixels]

    def name(self, place: int) -> str:
        """Return what to call an image in an error."""
        return f"X[{place}]" if self.names is None else self.names[place]

    def __len__(self) -> int:
        return len(self.pixels)

    def runs(self) -> Iterator[Tensor]:
        """Yield images of equal size that follow each other, as floats (n, channels, height, width) in [-1, 1]."""
        for _, group in groupby(self.pixels, key=np.shape):
            same = list(group)
            step = max(1, _PIXELS_AT_A_TIME // same[0][0].size)
            for first in range(0, len(same), step):
                yield torch.from_numpy(to_unit(np.stack(same[first : first + step]), self.low, self.high))


def restore(runs: Iterable[Tensor], image_format: ImageFormat, is_array: bool) -> Any:
    """Return images (n, channels, height, width) in [-1, 1] of any sizes as they were given: an array, or a list."""
    parts = []
    for images in runs:
        height, width = images.shape[2:]
        parts.append(replace(image_format, height=height, width=width).restore(images.numpy()))
    return np.concatenate(parts) if is_array else [image for part in parts for image in part]


def learn_pictures(
    X: Any, policy: Policy, on_file: Callable[[int, int], None] | None = None
) -> tuple[Pictures, ImageFormat, LoadReport]:
    """Load images of any size, and learn their form; the size in it is that of the first."""
    if are_files(X):
        return _learn_files(X, policy, on_file)
    if isinstance(X, list | tuple):
        return _learn_list(X, policy)
    return _learn_array(as_array(X), policy)


def _learn_array(array: np.ndarray, policy: Policy) -> tuple[Pictures, ImageFormat, LoadReport]:
    _refuse_rows(array.ndim, array.shape)
    layout, channels = find_layout(array.shape, policy.layout, None)
    (low, high), note = find_range(array, policy.value_range)
    pixels = channels_first(array, layout)
    height, width = pixels.shape[2:]
    image_format = ImageFormat(
        height,
        width,
        channels,
        layout,
        str(array.dtype),
        low=low,
        high=high,
        n_dims=array.ndim,
        is_own_range=isinstance(policy.value_range, str),
    )
    report = LoadReport(len(array), "array", image_format.size, channels, str(array.dtype), (low, high))
    report.notes += [] if note is None else [note]
    return Pictures(list(pixels.astype(image_format.storage, copy=False)), low, high, True), image_format, report


def _learn_list(X: Any, policy: Policy) -> tuple[Pictures, ImageFormat, LoadReport]:
    """Learn from arrays that may differ in size, each an image."""
    images = [_one(image, place) for place, image in enumerate(X)]
    # A flat item is one grey image, however narrow it is.
    learned = []
    for place, image in enumerate(images):
        with _as_item(place):
            learned.append(_learn_array(image, replace(policy, layout="NHW") if image.ndim == 3 else policy))
    if not learned:
        raise InvalidInputError("X is an empty list: there is no image in it. Give at least one.")
    # Of floats in [-1, 1] some images may hold no value below 0: what stands for black is one for all.
    _, lowest, report = min(learned, key=lambda part: part[1].low)
    found = [replace(other, low=lowest.low) if other.dtype == lowest.dtype else other for _, other, _ in learned]
    image_format = found[0]
    for place, other in enumerate(found):
        if replace(other, height=1, width=1) != replace(image_format, height=1, width=1):
            raise InvalidInputError(f"X[{place}] holds {other}, and X[0] {image_format}. Give images of one kind.")
    report.n_images, report.size = len(learned), image_format.size
    pixels = [pictures.pixels[0] for pictures, _, _ in learned]
    report.largest = _largest(pixels)
    return Pictures(pixels, image_format.low, image_format.high, False), image_format, report


def _learn_files(
    X: Any, policy: Policy, on_file: Callable[[int, int], None] | None
) -> tuple[Pictures, ImageFormat, LoadReport]:
    survey, mode = decode_all(X, policy, on_file)
    pixels = [found.pixels.transpose(2, 0, 1) for found in survey.decoded]
    dtype = pixels[0].dtype
    (low, high), is_own = limits_of_files(survey, policy, dtype)
    channels, *size = pixels[0].shape
    image_format = ImageFormat(size[0], size[1], channels, "NHWC", str(dtype), low, high, is_own_range=is_own)
    report = LoadReport(len(pixels), survey.files.source, image_format.size, channels, str(dtype), (low, high))
    report.skipped, report.converted = survey.files.unreadable, survey.changes(mode)
    report.largest = _largest(pixels)
    return Pictures(pixels, low, high, False, survey.files.names), image_format, report


def _largest(pixels: list[np.ndarray]) -> tuple[int, int] | None:
    """Return the largest height and width; None if all are the same."""
    sizes = {image.shape[1:] for image in pixels}
    return None if len(sizes) == 1 else (max(size[0] for size in sizes), max(size[1] for size in sizes))


def load_pictures(X: Any, image_format: ImageFormat, policy: Policy) -> Pictures:
    """Load new images of the learned channels and range, and of any size."""
    if are_files(X):
        pixels, (low, high) = load_files_as(X, image_format, policy)
        return Pictures(pixels, low, high, False)
    if isinstance(X, list | tuple):
        parts = []
        for place, image in enumerate(X):
            with _as_item(place):
                parts.append(load_pictures(_one(image, place), image_format, policy))
        if not parts:
            raise InvalidInputError("X is an empty list: there is no image in it. Give at least one.")
        units = [to_unit(part.pixels[0], part.low, part.high) for part in parts]
        return Pictures(units, -1.0, 1.0, False)  # bytes and floats may stand beside each other
    array = as_array(X)
    _refuse_rows(array.ndim, array.shape)
    low, high = find_range(array, limits_of_new(array.dtype, image_format))[0]
    return Pictures(list(image_format.arrange(array, smallest=1)), low, high, True)


@contextmanager
def called(name: str, what: str = r"\bX\b") -> Iterator[None]:
    """Say ``name`` where loading says X."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(re.sub(what, name, str(error))) from error


def _as_item(place: int) -> AbstractContextManager[None]:
    """Say which item of a list is meant, each of which is loaded as an array of its own."""
    return called(f"X[{place}]", r"\bX\b(?:\[\d+\])?")


def _one(image: Any, place: int) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim not in (2, 3):
        raise InvalidInputError(
            f"X[{place}] has the shape {array.shape}; in a list each item is an image of shape (height, width) or "
            "(height, width, channels)."
        )
    return array[np.newaxis]


def _refuse_rows(n_dims: int, shape: tuple[int, ...]) -> None:
    if n_dims == 2:
        raise InvalidInputError(
            f"X has the shape {shape}: rows of pixels, or one image. Give images of shape (n, height, width) or (n, "
            "height, width, channels); one image is X[np.newaxis], and rows are X.reshape(n, height, width)."
        )


def apply_in_tiles(network: nn.Module, images: Tensor, device: torch.device, tile: int = _TILE) -> Tensor:
    """Return what a network of convolutions makes of images of one size, large ones part by part; on the CPU.

    Parts overlap by as far as the network sees, so the answer is that to the whole image.

    Parameters
    ----------
    network : Module
        Has ``stride``, of which the sides of a part must be multiples, ``halo``, how far it sees, and ``scale``, by
        which it enlarges.
    images : Tensor of shape (n, channels, height, width)
    device : torch.device
        Where the network is.
    tile : int
        Side of a part without its overlap.
    """
    stride, halo, scale = (int(getattr(network, name)) for name in ("stride", "halo", "scale"))
    height, width = images.shape[2:]
    below, right = -height % stride, -width % stride
    if below or right:  # by whole cells, so that all parts fall on the network's grids alike
        images = nn.functional.pad(images, (0, right, 0, below), mode="replicate")
    full = images.shape[2:]
    margin = -(-halo // stride) * stride
    window = [min(side, tile // stride * stride + 2 * margin) for side in full]
    starts = [_starts(side, part, margin) for side, part in zip(full, window, strict=True)]
    size = blocks_of(window)
    if len(starts[0]) * len(starts[1]) == 1:
        return in_blocks(network, images, device=device, block=size)[:, :, : scale * height, : scale * width]
    places = [(row, column) for row in starts[0] for column in starts[1]]
    result: Tensor | None = None
    for place, image in enumerate(images):
        for first in range(0, len(places), size):
            some = places[first : first + size]
            parts = torch.stack([image[:, row : row + window[0], column : column + window[1]] for row, column in some])
            answers = in_blocks(network, parts, device=device, block=size)
            if result is None:
                result = answers.new_empty((len(images), answers.shape[1], scale * full[0], scale * full[1]))
            for (row, column), answer in zip(some, answers, strict=True):
                # Each part is laid over those before it but for its margin, which they know better.
                top, left = (margin if row else 0), (margin if column else 0)
                result[place, :, scale * (row + top) : scale * (row + window[0]), scale * (column + left) :][
                    ..., : scale * (window[1] - left)
                ] = answer[:, scale * top :, scale * left :]
    assert result is not None
    return result[:, :, : scale * height, : scale * width]


def blocks_of(size: Sequence[int]) -> int:
    """Return how many images of this height and width go through a network at a time, so that memory is bounded."""
    return max(1, min(BLOCK, _PIXELS_PER_BLOCK // (size[0] * size[1])))


def _starts(side: int, window: int, margin: int) -> list[int]:
    """Return where parts of length ``window`` begin, so that what lies between their margins covers the side."""
    if window == side:
        return [0]
    step = window - 2 * margin
    return [*range(0, side - window, step), side - window]
