"""How the axes of an array of images lie, found and brought into one order; and which sizes can be learned."""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from ganaug.exceptions import InvalidInputError

Layout = Literal["NHWC", "NCHW", "NHW"]
SMALLEST, LARGEST = 8, 256
"""Sides of images, in pixels, that can be learned."""
CHANNELS = (1, 3, 4)
"""Grey, red-green-blue, and that with transparency."""


def channels_first(array: np.ndarray, layout: Layout) -> np.ndarray:
    """Return a view of (n, channels, height, width)."""
    if layout == "NHW":
        return array[:, np.newaxis]
    return array.transpose(0, 3, 1, 2) if layout == "NHWC" else array


def from_rows(array: np.ndarray, size: tuple[int, int], channels: int, layout: Layout) -> np.ndarray:
    """Return flattened images as (n, channels, height, width)."""
    if layout == "NCHW":
        return array.reshape(len(array), channels, *size)
    return array.reshape(len(array), *size, channels).transpose(0, 3, 1, 2)


def find_layout(shape: tuple[int, ...], wanted: str, image_size: tuple[int, int] | None) -> tuple[Layout, int]:
    """Return the layout and the number of channels of an array of this shape."""
    if len(shape) == 2:
        return _layout_of_rows(shape[1], wanted, image_size)
    if len(shape) == 3 and wanted == "auto" and shape[2] in CHANNELS:
        raise InvalidInputError(
            f"X has the shape {shape}, which looks like one image of {shape[2]} channel(s). For one image, give "
            f'X[np.newaxis]; for {shape[0]} grey images of {shape[1]} x {shape[2]} pixels, say layout="NHW".'
        )
    if len(shape) == 3 and wanted in ("auto", "NHW"):
        return "NHW", 1
    if len(shape) != 4 or wanted == "NHW":
        raise InvalidInputError(
            f"X has the shape {shape} and layout is {wanted!r}. Images come as (n, height, width), as (n, height, "
            "width, channels) or as (n, channels, height, width); for one image, give X[np.newaxis]."
        )
    axes: dict[Layout, int] = {"NHWC": 3, "NCHW": 1}
    able: list[Layout] = [layout for layout, axis in axes.items() if shape[axis] in CHANNELS]
    if wanted in able:
        able = [layout for layout in able if layout == wanted]
    elif wanted != "auto" or not able:
        raise InvalidInputError(
            f"X has the shape {shape} and layout is {wanted!r}: the axis of the channels must be 1, 3 or 4 long. "
            "Give grey, RGB or RGBA images, or another layout=."
        )
    if len(able) > 1:
        raise InvalidInputError(
            f"X has the shape {shape}, where the channels could be the second axis or the last. "
            'Say layout="NHWC" or layout="NCHW".'
        )
    return able[0], shape[axes[able[0]]]


def _layout_of_rows(n_values: int, wanted: str, image_size: tuple[int, int] | None) -> tuple[Layout, int]:
    if image_size is None:
        raise InvalidInputError(
            f"X is two-dimensional, rows of {n_values} pixels. Say image_size=(height, width), so that they can be "
            "put in place; a single image is X[np.newaxis]."
        )
    channels, left = divmod(n_values, image_size[0] * image_size[1])
    if left or channels not in CHANNELS or (wanted == "NHW" and channels != 1):
        raise InvalidInputError(
            f"X has rows of {n_values} values, which are not 1, 3 or 4 channels of image_size={image_size} pixels. "
            "Give the height and the width that the rows were made of."
        )
    layouts: dict[str, Layout] = {"NCHW": "NCHW", "NHW": "NHW"}
    return layouts.get(wanted, "NHWC"), channels


def check_axes(shape: tuple[int, ...], found: tuple[int, int], smallest: int) -> None:
    """Refuse images that are to be scaled, but look as if their axes were misread."""
    if min(found) < smallest:
        raise InvalidInputError(
            f"X has the shape {shape}, read as images of {found[0]} x {found[1]} pixels. If they are so small, say "
            'layout=; if the axes are others, bring them into the order of layout="NHWC". One image is X[np.newaxis].'
        )


def check_size(size: Iterable[int], what: str) -> None:
    """Refuse sides that are too short or too long to be learned."""
    height, width = size
    if not (SMALLEST <= min(height, width) and max(height, width) <= LARGEST):
        raise InvalidInputError(
            f"{what} {height} x {width} pixels; sides of {SMALLEST} to {LARGEST} can be learned. Say image_size= "
            f'and resize="crop", "pad" or "stretch" to have the images scaled.'
        )
