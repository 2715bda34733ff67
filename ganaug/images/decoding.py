"""One image file: decoded upright, in the smallest color mode that holds it, recolored and scaled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import UnreadableImageError

if TYPE_CHECKING:
    from PIL.Image import Image

Size = tuple[int, int]
"""Height and width."""
MODES = {"grey16": 1, "grey": 1, "rgb": 3, "rgba": 4}
"""What files are decoded to, and its channels; each can hold those before it (but for the depth of grey16)."""
_NAMES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with alpha",
    "P": "palette",
    "PA": "palette with alpha",
    "RGB": "rgb",
    "RGBA": "rgba",
    "CMYK": "cmyk",
    "grey16": "16-bit grey",
}
_DEEP = ("I", "I;16", "I;16B", "I;16L")
"""PIL's modes for 16-bit grey."""
_ORIENTATION, _FIRST_ON_ITS_SIDE = 0x0112, 5
"""EXIF's note of how a photograph is turned, and the first value that swaps height and width."""
_WHITE = 255
_DEPTH = 257
"""65535 / 255: 16 bits of grey for each of 8."""


@dataclass
class Decoded:
    """One file's pixels (height, width, channels), and what they were before."""

    pixels: np.ndarray
    mode: str
    kind: str
    """The smallest mode that holds the file."""
    file_mode: str
    size: Size


def decode_file(path: str, choose: Callable[[str], str], size: Size | None, resize: str) -> Decoded:
    """Read a file; ``choose`` says which mode a file of some kind becomes."""
    from PIL import Image

    with Image.open(path) as image:
        file_mode = image.mode
        image.load()
        native, kind = _native(_upright(image))
    mode = choose(kind)
    pixels = recolor(native, kind, mode)
    if size is not None and resize != "error" and pixels.shape[:2] != size:
        pixels = scale(pixels, size, resize, 0, np.iinfo(pixels.dtype).max)
    file_mode = name_of(kind if kind == "grey16" else file_mode)
    return Decoded(pixels, mode, kind, file_mode, native.shape[:2])


def read_size(path: str) -> Size | None:
    """Return the height and width that ``decode_file`` would find, of the file's head alone; None of what has none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            is_on_its_side = image.getexif().get(_ORIENTATION, 1) >= _FIRST_ON_ITS_SIDE
    except Exception:  # damaged files make decoders fail in any way there is
        return None
    return (width, height) if is_on_its_side else (height, width)


def name_of(mode: str) -> str:
    """Return a color mode in words."""
    return _NAMES.get(mode, mode)


def _upright(image: "Image") -> "Image":
    """Turn a photograph as its EXIF orientation says."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # Broken notes about an image don't make the image unreadable.
        return image
    return image if turn is None else image.transpose(turn)


def _native(image: "Image") -> tuple[np.ndarray, str]:
    """Return the pixels in the smallest mode that holds them all."""
    if image.mode in _DEEP:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("32-bit grey; load it into an array")
        return values.astype(np.uint16)[..., np.newaxis], "grey16"
    if image.mode == "F":
        raise ValueError("real numbers; load it into an array")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        pixels = np.asarray(image.convert("RGBA"))
        if pixels[..., 3].min() < _WHITE:
            return pixels, "rgba"
        pixels = pixels[..., :3]
    else:
        pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
        if pixels.ndim == 2:
            return pixels[..., np.newaxis], "grey"
    is_grey = (pixels[..., :1] == pixels[..., 1:]).all()
    # Copied, so that the channels left out take no memory.
    return (pixels[..., :1].copy(), "grey") if is_grey else (np.ascontiguousarray(pixels), "rgb")


def recolor(pixels: np.ndarray, kind: str, mode: str) -> np.ndarray:
    """Return pixels of one mode in another; transparency is laid on white."""
    if kind == mode:
        return pixels
    if kind == "grey16":
        return recolor(np.rint(pixels / _DEPTH).astype(np.uint8), "grey", mode)
    if kind == "grey":
        return _widen(pixels, mode)
    if kind == "rgba":
        alpha = pixels[..., 3:] / _WHITE
        pixels = np.rint(pixels[..., :3] * alpha + _WHITE * (1 - alpha)).astype(np.uint8)
    if mode == "rgb":
        return pixels
    if mode == "rgba":
        return np.concatenate([pixels, np.full_like(pixels[..., :1], _WHITE)], axis=-1)
    from PIL import Image

    grey = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))
    return _widen(grey[..., np.newaxis], mode)


def _widen(grey: np.ndarray, mode: str) -> np.ndarray:
    """Return grey pixels of 8 bits in another mode."""
    if mode == "grey16":
        return grey.astype(np.uint16) * _DEPTH
    if mode == "grey":
        return grey
    return recolor(np.repeat(grey, 3, axis=-1), "rgb", mode)


def scale(pixels: np.ndarray, size: Size, resize: str, low: float, high: float) -> np.ndarray:
    """Return an image (height, width, channels) in another size, smoothed, inside its range."""
    from PIL import Image, ImageOps

    def one(layer: np.ndarray, black: Any) -> np.ndarray:
        image, target = Image.fromarray(layer), size[::-1]
        if resize == "stretch":
            return np.asarray(image.resize(target, Image.Resampling.BICUBIC))
        if resize == "crop":
            return np.asarray(ImageOps.fit(image, target, Image.Resampling.BICUBIC))
        return np.asarray(ImageOps.pad(image, target, Image.Resampling.BICUBIC, color=black))

    if pixels.dtype == np.uint8:
        # All channels at once, so that transparent pixels lend their color to no neighbor.
        layer = np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        result = one(layer, None).reshape(*size, pixels.shape[-1])
    else:
        layers = np.moveaxis(pixels, -1, 0).astype(np.float32)
        result = np.stack([one(layer, float(low)) for layer in layers], axis=-1)
    # The cubic filter overshoots at edges.
    result = np.clip(result, low, high)
    rounded: np.ndarray = result if pixels.dtype.kind == "f" else np.rint(result)
    return rounded.astype(pixels.dtype)


class FileReader:
    """Decodes one file at a time, all of them to one mode and size.

    Parameters
    ----------
    paths, names : list of str
        Where the files are, and what to call them.
    mode : str
    size : (int, int)
    resize : str
    """

    def __init__(self, paths: list[str], names: list[str], mode: str, size: Size, resize: str) -> None:
        self.paths, self.names = paths, names
        self.mode, self.size, self.resize = mode, size, resize

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, place: int) -> np.ndarray:
        """Return (channels, height, width)."""
        name = self.names[place]
        try:
            found = decode_file(self.paths[place], lambda _: self.mode, self.size, self.resize)
        except MemoryError:
            raise
        except Exception as error:
            raise UnreadableImageError(
                f"{name} could be read before and can't be now: {reason_of(error)}. Put the file back, and leave the "
                "files alone for as long as they are learned from."
            ) from error
        if found.pixels.shape[:2] != self.size:
            was, now = (f"{height} x {width}" for height, width in (self.size, found.size))
            raise UnreadableImageError(f"{name} had {was} pixels and has {now} now. Put the file back.")
        return found.pixels.transpose(2, 0, 1)


def reason_of(error: Exception) -> str:
    """Return why a file can't be read, in few words."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a folder"
    if type(error).__name__ == "UnidentifiedImageError":
        return "no image, or a damaged one"
    return str(error) or type(error).__name__
