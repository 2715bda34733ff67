"""What the user's images look like (layout, dtype, range), pixels out of them, and images as given back.

Inside, pixels are ``(n, channels, height, width)`` in a compact dtype; ``to_unit`` scales them to [-1, 1].
"""

from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.images.layouts import Layout, channels_first, from_rows

Range = tuple[float, float]
_TOLERANCE = 1e-6
"""How far, as a share of the range, a float may lie beyond it: what conversions to float32 add."""
_CHUNK = 2**23
"""Values restored at once, so that no float64 copy of a large sample is made."""


@dataclass(frozen=True)
class ImageFormat:
    """Form of the images that ``fit`` was given.

    Attributes
    ----------
    height, width, channels : int
        Of the images that are learned, so after resizing.
    layout : "NHWC", "NCHW" or "NHW"
        Order of the axes; of the pixels of a row, if ``n_dims`` is 2.
    dtype : str
        Of the array; "uint8" or "uint16" for files.
    low, high : float
        The values that stand for black and white.
    n_dims : int
        4, 3 (grey images without an axis for the channel) or 2 (rows of pixels).
    is_own_range : bool
        Whether the range is the dtype's own, not one that the user named.
    """

    height: int
    width: int
    channels: int
    layout: Layout
    dtype: str
    low: float
    high: float
    n_dims: int = 4
    is_own_range: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def n_values(self) -> int:
        """Pixels times channels."""
        return self.height * self.width * self.channels

    @property
    def storage(self) -> np.dtype[Any]:
        """The smallest dtype that holds the values."""
        return storage_of(np.dtype(self.dtype), self.low, self.high)

    def __str__(self) -> str:
        unit = "channel" if self.channels == 1 else "channels"
        limits = f"[{self.low:g}, {self.high:g}]"
        return f"{self.height} x {self.width} pixels, {self.channels} {unit}, {self.dtype} in {limits}"

    def picture_form(self) -> dict[str, Any]:
        """Return what ``make_grid`` and ``save_images`` must be told of such images: their values alone don't tell."""
        form: dict[str, Any] = {"layout": self.layout}
        is_plain = np.dtype(self.dtype).kind != "f" and self.is_own_range
        if not is_plain or self.is_deep_color:
            form["value_range"] = (self.low, self.high)
        if self.n_dims == 2:
            form["image_size"] = self.size
        return form

    @property
    def is_deep_color(self) -> bool:
        """Whether the images have colors of 16 bits, of which PNG files get 8."""
        return self.channels > 1 and self.is_own_range and self.dtype == "uint16"

    def arrange(self, array: np.ndarray, smallest: int | None = None) -> np.ndarray:
        """Return ``array`` as (n, channels, height, width), from this layout or else from one that fits.

        The size must be the learned one, unless there is a ``smallest`` side: then the caller resizes, and a shorter
        side means that the axes are others.
        """
        others: tuple[Layout, ...] = ("NHWC", "NCHW", "NHW")
        for layout in (self.layout, *others):
            found = self._try(array, layout)
            if found is None or found.shape[1] != self.channels:
                continue
            if found.shape[2:] == self.size or (smallest is not None and min(found.shape[2:]) >= smallest):
                return found
        hint = " A single image needs an axis of its own: X[np.newaxis]." if array.ndim in (2, 3) else ""
        if smallest is not None:
            known = f"{self.channels} channel{'s' * (self.channels > 1)}"
            raise InvalidInputError(
                f"X has the shape {array.shape}, but fit was given images of {known}. Give images of {known}, of any "
                f"size.{hint}"
            )
        raise InvalidInputError(
            f"X has the shape {array.shape}, but fit was given images of {self}. Give images of that size and "
            f"those channels, or fit with image_size= and resize= to have them scaled.{hint}"
        )

    def _try(self, array: np.ndarray, layout: Layout) -> np.ndarray | None:
        if array.ndim == 2 and array.shape[1] == self.n_values:
            return from_rows(array, self.size, self.channels, layout)
        if array.ndim == (3 if layout == "NHW" else 4):
            return channels_first(array, layout)
        return None

    def restore(self, unit: np.ndarray) -> np.ndarray:
        """Return images of (n, channels, height, width) in [-1, 1] as they were given: layout, dtype, range."""
        shape = (self.height, self.width, self.channels)
        images = np.empty((len(unit), *shape), self.dtype)
        step, band = max(1, _CHUNK // self.n_values), max(1, _CHUNK // (self.width * self.channels))
        for start in range(0, len(unit), step):
            for top in range(0, self.height, band):  # of images that have more values, some rows at a time
                part = np.asarray(unit[start : start + step, :, top : top + band], np.float64).transpose(0, 2, 3, 1)
                values = (part + 1) / 2 * (self.high - self.low) + self.low
                images[start : start + step, top : top + band] = as_dtype(values, self)
        if self.layout == "NCHW":
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        if self.n_dims == 2:
            return images.reshape(len(unit), -1)
        return images[..., 0] if self.n_dims == 3 else images


def as_array(X: Any) -> np.ndarray:
    """Return a numeric array of at least one image, from an array, a frame, a tensor or a list."""
    if hasattr(X, "detach"):  # A torch tensor, wherever it is.
        X = X.detach().cpu()
    try:
        array = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    except ValueError as error:
        raise InvalidInputError(
            "X holds images of different sizes. Give one array of images of one size, or files and image_size=."
        ) from error
    if array.dtype.kind not in "biuf":
        raise InvalidInputError(
            f"X has the dtype {array.dtype}, which is no kind of pixel. Give uint8, uint16 or float images, a list "
            "of paths, or a folder."
        )
    if array.size == 0 or array.ndim == 0:
        raise InvalidInputError(f"X has the shape {array.shape}: there is no image in it. Give at least one.")
    return array


def find_range(array: np.ndarray, wanted: Any) -> tuple[Range, str | None]:
    """Return the values that stand for black and white, checked, and what the user should know about them."""
    lowest, highest = array.min().item(), array.max().item()
    if not np.isfinite([lowest, highest]).all():
        bad = int(np.argmin(np.isfinite(array).reshape(len(array), -1).all(axis=1)))
        raise InvalidInputError(f"X[{bad}] holds NaN or infinity. Leave the image out, or fill the pixels.")
    if not isinstance(wanted, str):
        limits, note = (float(wanted[0]), float(wanted[1])), None
    elif array.dtype.kind != "f":
        limits, note = own_range(array.dtype), None
    elif -1 <= lowest < -_TOLERANCE and highest <= 1 + _TOLERANCE:
        limits, note = (-1.0, 1.0), "There are values below 0, so they are taken as in [-1, 1]."
    else:
        limits, note = (0.0, 1.0), None
    check_range(array, limits, lowest, highest)
    return limits, note


def check_limits(value_range: Any) -> Range:
    """Return (low, high), the values that stand for black and white."""
    numbers = tuple(value_range) if np.iterable(value_range) and not isinstance(value_range, str) else ()
    is_known = len(numbers) == 2 and all(isinstance(number, Real) and isfinite(number) for number in numbers)
    if not is_known or not numbers[0] < numbers[1]:
        raise InvalidInputError(f"value_range={value_range!r} must be (low, high), two numbers, low below high.")
    return float(numbers[0]), float(numbers[1])


def own_range(dtype: np.dtype[Any]) -> Range:
    """Return black and white of a dtype of whole numbers; those but uint16 are bytes in a wider dress."""
    if dtype.kind == "b":
        return 0.0, 1.0
    return (0.0, 65535.0) if dtype == np.uint16 else (0.0, 255.0)


def check_range(array: np.ndarray, limits: Range, lowest: float, highest: float) -> None:
    """Refuse values beyond ``limits``."""
    slack = _TOLERANCE * (limits[1] - limits[0]) if array.dtype.kind == "f" else 0
    if limits[0] - slack <= lowest and highest <= limits[1] + slack:
        return
    outside = ((array < limits[0] - slack) | (array > limits[1] + slack)).reshape(len(array), -1).any(axis=1)
    top = 255 if 64 < highest <= 255 else int(np.ceil(highest))
    raise InvalidInputError(
        f"X has values from {lowest:g} to {highest:g}, beyond the range [{limits[0]:g}, {limits[1]:g}] of "
        f"{array.dtype} images; the first is in X[{int(np.argmax(outside))}]. Say which values stand for black and "
        f"white, perhaps value_range=({min(0, int(np.floor(lowest)))}, {top}), or scale the images."
    )


def storage_of(dtype: np.dtype[Any], low: float, high: float) -> np.dtype[Any]:
    """Return the smallest dtype that holds ``dtype``'s values from ``low`` to ``high``."""
    if dtype.kind != "f" and low >= 0:
        for name in ("uint8", "uint16"):
            if high <= np.iinfo(name).max:
                return np.dtype(name)
    return np.dtype("float32")


def as_dtype(values: np.ndarray, image_format: ImageFormat) -> np.ndarray:
    """Return real values in the format's dtype, inside its range; whole numbers are rounded."""
    dtype = np.dtype(image_format.dtype)
    values = np.clip(values, image_format.low, image_format.high)
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)


def to_unit(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return pixels as float32 in [-1, 1]."""
    # Divided, not multiplied by an inverse: so black and white come out as exactly -1 and 1.
    unit = np.array(pixels, dtype=np.float32, order="C")
    unit -= np.float32(low)
    unit /= np.float32((high - low) / 2)
    unit -= 1
    return np.clip(unit, -1, 1, out=unit)
