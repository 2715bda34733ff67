"""What pictures of images are made of: pixels as bytes, and names of files."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import as_array, check_limits, find_range, own_range
from ganaug.images.layouts import channels_first, find_layout, from_rows

WHITE = 255
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names of devices on Windows, which can't be names of files."""


def arrange(images: Any, layout: str, image_size: int | Sequence[int] | None) -> tuple[np.ndarray, np.dtype[Any]]:
    """Return images as (n, height, width, channels), and their dtype."""
    size = None
    if image_size is not None:
        sides = tuple(image_size) if isinstance(image_size, Sequence) else (image_size, image_size)
        if len(sides) != 2 or not all(isinstance(side, Integral) and side >= 1 for side in sides):
            raise InvalidInputError(
                f"image_size={image_size!r}: (height, width) of the images, or one side, is expected."
            )
        size = int(sides[0]), int(sides[1])
    try:
        array = as_array(images)
        found, n_channels = find_layout(array.shape, layout, size)
    except InvalidInputError as error:  # which calls them X, as fit does
        raise InvalidInputError(re.sub(r"\bX\b", "images", str(error))) from None
    if array.ndim == 2:
        assert size is not None  # or find_layout would have asked for it
        pixels = from_rows(array, size, n_channels, found)
    else:
        pixels = channels_first(array, found)
    return pixels.transpose(0, 2, 3, 1), array.dtype


def to_bytes(pixels: np.ndarray, dtype: np.dtype[Any], value_range: Any) -> np.ndarray:
    """Return pixels as uint8, from 0 for black to 255 for white."""
    if is_auto(value_range):
        try:
            low, high = find_range(pixels, value_range)[0]
        except InvalidInputError as error:
            raise InvalidInputError(re.sub(r"\bX\b", "images", str(error))) from None
    else:
        low, high = check_limits(value_range)
    if np.isnan(pixels).any():
        raise InvalidInputError("images: there are NaN among the pixels; fill them, or leave those images out.")
    if dtype == np.uint8 and (low, high) == own_range(dtype):
        return pixels
    shares = (pixels.astype(np.float32) - low) / (high - low)
    scaled: np.ndarray = np.rint(shares.clip(0, 1) * WHITE).astype(np.uint8)
    return scaled


def is_auto(value_range: Any) -> bool:
    """Tell whether the range is to be that of the dtype or of the values."""
    return isinstance(value_range, str) and value_range == "auto"


def name_files(n_images: int, labels: Any, prefix: str, start: int) -> list[str]:
    """Return the files' names, with their class's folder if they have one."""
    if safe_name(prefix) != prefix:
        raise InvalidInputError(f"prefix={prefix!r} can't begin a file name; give letters, digits, '-' and '_'.")
    if start < 0:
        raise InvalidInputError(f"start={start!r}: files are numbered from 0 on.")
    names = [f"{prefix}-{number:06d}.png" for number in range(start, start + n_images)]
    if labels is None:
        return names
    classes = np.asarray(labels)
    if classes.shape != (n_images,):
        raise InvalidInputError(
            f"labels: one for each of {n_images} images is expected, got the shape {classes.shape}."
        )
    return [f"{safe_name(str(label))}/{name}" for label, name in zip(classes, names, strict=True)]


def safe_name(text: str) -> str:
    """Return ``text`` as the name of a file; different texts have different names."""

    def escape(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    # Dots first (hidden files, "..") and dots or spaces last (lost on Windows), and what some system forbids.
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*%\ud800-\udfff]|^\.|[. ]$', escape, text)
    if _RESERVED.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name or "%"
