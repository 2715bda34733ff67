"""Images as files: many in one tidy picture, one file each, or a picture every so many rounds of a training."""

import math
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.adversarial import Run, SamplePreview
from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import as_array, check_limits, find_range, own_range
from ganaug.images.layouts import CHANNELS, channels_first, find_layout, from_rows

_WHITE = 255
_DEEP = np.dtype(np.uint16)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names of devices on Windows, which can't be names of files."""


def make_grid(
    images: Any,
    n_columns: int | None = None,
    padding: int = 2,
    background: int | Sequence[int] = _WHITE,
    *,
    value_range: Any = "auto",
    layout: str = "auto",
    image_size: int | Sequence[int] | None = None,
) -> np.ndarray:
    """Return one picture of all images, row by row.

    Parameters
    ----------
    images : array-like
        (n, height, width), (n, height, width, channels), (n, channels, height, width) or rows of pixels; gray, RGB or
        RGBA; whole numbers or floats.
    n_columns : int or None
        Images beside each other; None makes the grid about square.
    padding : int
        Pixels between images, and around them all.
    background : int or sequence of int
        Color of the padding and of places without an image, 0 to 255, for all channels or for each. Of RGBA, 255 is
        opaque white and 0 is transparent.
    value_range : "auto" or (float, float)
        Values that stand for black and white; what lies beyond is shown as black or white. "auto" is the dtype's own
        range, and of floats [0, 1], or [-1, 1] if any is below 0.
    layout : "auto", "NHWC", "NCHW" or "NHW"
        Order of the axes.
    image_size : (int, int), int or None
        Height and width, needed for rows of pixels alone.

    Returns
    -------
    grid : uint8 array of shape (height, width), or (height, width, channels) for RGB and RGBA

    Examples
    --------
    >>> import numpy as np
    >>> make_grid(np.zeros((10, 28, 28)), n_columns=5).shape
    (62, 152)
    """
    pixels = _to_bytes(*_arrange(images, layout, image_size), value_range)
    n_images, height, width, n_channels = pixels.shape
    color = _check_look(n_columns, padding, background, (n_channels,))
    columns = min(math.ceil(math.sqrt(n_images)) if n_columns is None else n_columns, n_images)
    rows = math.ceil(n_images / columns)
    # Each cell is an image with its padding below and to the right; the rest of the frame is above and to the left.
    cells = np.empty((rows * columns, height + padding, width + padding, n_channels), np.uint8)
    cells[:] = color
    cells[:n_images, :height, :width] = pixels
    cells = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    grid = np.empty((rows * (height + padding) + padding, columns * (width + padding) + padding, n_channels), np.uint8)
    grid[:] = color
    grid[padding:, padding:] = cells.reshape(grid[padding:, padding:].shape)
    return grid[..., 0] if n_channels == 1 else grid


def _check_look(n_columns: Any, padding: Any, background: Any, n_channels: Sequence[int]) -> np.ndarray:
    """Return the color of the background; refuse what no grid of so many channels can look like."""
    if n_columns is not None and not (isinstance(n_columns, Integral) and n_columns >= 1):
        raise InvalidInputError(f"n_columns={n_columns!r}: at least 1 is expected, or None for a square grid.")
    if not (isinstance(padding, Integral) and padding >= 0):
        raise InvalidInputError(f"padding={padding!r}: 0 pixels or more are expected.")
    color = np.asarray(background)
    is_number = color.dtype.kind in "iuf" and color.shape in ((), *((count,) for count in n_channels))
    if not is_number or color.min() < 0 or color.max() > _WHITE:
        counts = " or ".join(map(str, n_channels))
        raise InvalidInputError(
            f"background={background!r}: a value from 0 to 255 is expected, or one for each of {counts} channels."
        )
    return color


def save_grid(images: Any, path: str | os.PathLike[str], **settings: Any) -> Path:
    """Write ``make_grid(images, **settings)`` as a PNG file, and return its path.

    Folders are made as needed. A file of that name is replaced once the new one is whole.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InvalidInputError(f"path={str(path)!r}: grids are written as PNG; let the name end in .png.")
    grid = make_grid(images, **settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        _write_png(grid, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def save_images(
    images: Any,
    folder: str | os.PathLike[str],
    labels: Any = None,
    prefix: str = "image",
    start: int = 0,
    *,
    overwrite: bool = False,
    value_range: Any = "auto",
    layout: str = "auto",
    image_size: int | Sequence[int] | None = None,
) -> list[Path]:
    """Write each image as a PNG file, and return the paths in the order of the images.

    Files are written aside and moved into place when all of them are whole: an error leaves none behind.

    Parameters
    ----------
    images, value_range, layout, image_size
        As for ``make_grid``. Gray images of uint16 keep their 16 bits, unless a range is given; PNG files of PIL
        have no other deep ones.
    folder : path
        Made if it isn't there.
    labels : array-like of shape (n_images,) or None
        Classes: each has a folder of its own, as readers of image folders expect. What can't be part of a file name
        is written as in a URL: "a/b" is "a%2Fb".
    prefix, start : str, int
        The first file is ``prefix-000000.png`` for ``start=0``. To add to a folder, start where it ends.
    overwrite : bool
        Replace files that are there. If not, one such file is an error, and nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = save_images(np.zeros((2, 8, 8)), folder, labels=["cat", "dog"])
    ...     [path.relative_to(folder).as_posix() for path in paths]
    ['cat/image-000000.png', 'dog/image-000001.png']
    """
    pixels, dtype = _arrange(images, layout, image_size)
    if dtype == _DEEP and _is_auto(value_range):
        if pixels.shape[-1] > 1:
            raise InvalidInputError(
                "images: colors of uint16 can't be written with 16 bits; value_range=(0, 65535) writes 8 bits."
            )
    else:
        pixels = _to_bytes(pixels, dtype, value_range)
    home = Path(folder)
    targets = [home / name for name in _name_files(len(pixels), labels, prefix, start)]
    taken = [] if overwrite else [path for path in targets if path.exists()]
    if taken:
        raise FileExistsError(
            f"{len(taken)} of the {len(targets)} files to write are there already, {taken[0]} for one. Give another "
            "folder or prefix, a start beyond the numbers in use, or overwrite=True."
        )
    home.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=home))
    try:
        for place, image in enumerate(pixels):
            _write_png(image[..., 0] if image.shape[-1] == 1 else image, aside / str(place))
        for place, target in enumerate(targets):
            target.parent.mkdir(exist_ok=True)
            os.replace(aside / str(place), target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return targets


class SampleGrid(SamplePreview):
    """Sample the same images every so many rounds, and write them as one PNG picture if a folder is given.

    Parameters
    ----------
    every : int
        Rounds between two pictures.
    folder : path or None
        Where ``step-000500.png`` and so on are written. None keeps the samples in ``previews_`` alone.
    n_columns, padding, background
        As for ``make_grid``.

    Attributes
    ----------
    previews_ : list of (step, images)
        The images are in the form of those that the estimator was fitted to.

    Examples
    --------
    >>> SampleGrid(every=100, folder="previews")
    SampleGrid(every=100, folder='previews', n_columns=None, padding=2, background=255)
    """

    def __init__(
        self,
        every: int = 500,
        folder: str | Path | None = None,
        n_columns: int | None = None,
        padding: int = 2,
        background: int | Sequence[int] = _WHITE,
    ) -> None:
        super().__init__(every, folder)
        self.n_columns, self.padding, self.background = n_columns, padding, background

    def on_fit_begin(self, run: Run) -> None:
        super().on_fit_begin(run)
        # Now, not when the first picture is due.
        _check_look(self.n_columns, self.padding, self.background, CHANNELS)
        # What the user told the estimator about the images holds for its samples: they have the same form.
        known = {name: run.parameters.get(name) for name in ("value_range", "layout", "image_size")}
        self._form = {name: value for name, value in known.items() if value is not None}

    def write(self, sample: Any, stem: Path) -> None:
        """Write ``sample`` as ``stem``.png."""
        look = {"n_columns": self.n_columns, "padding": self.padding, "background": self.background}
        form = dict(getattr(self, "_form", {}))
        if np.ndim(sample) != 2:
            # Only rows of pixels need it. Elsewhere the shape tells, and files don't come back in the layout of arrays.
            form.pop("layout", None)
        save_grid(sample, stem.with_suffix(".png"), **look, **form)


def _arrange(images: Any, layout: str, image_size: int | Sequence[int] | None) -> tuple[np.ndarray, np.dtype[Any]]:
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


def _to_bytes(pixels: np.ndarray, dtype: np.dtype[Any], value_range: Any) -> np.ndarray:
    """Return pixels as uint8, from 0 for black to 255 for white."""
    if _is_auto(value_range):
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
    scaled: np.ndarray = np.rint(shares.clip(0, 1) * _WHITE).astype(np.uint8)
    return scaled


def _is_auto(value_range: Any) -> bool:
    return isinstance(value_range, str) and value_range == "auto"


def _name_files(n_images: int, labels: Any, prefix: str, start: int) -> list[str]:
    """Return the files' names, with their class's folder if they have one."""
    if _safe_name(prefix) != prefix:
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
    return [f"{_safe_name(str(label))}/{name}" for label, name in zip(classes, names, strict=True)]


def _safe_name(text: str) -> str:
    """Return ``text`` as the name of a file; different texts have different names."""

    def escape(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    # Dots first (hidden files, "..") and dots or spaces last (lost on Windows), and what some system forbids.
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*%\ud800-\udfff]|^\.|[. ]$', escape, text)
    if _RESERVED.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name or "%"


def _write_png(pixels: np.ndarray, path: Path) -> None:
    from PIL import Image

    # PIL reads the memory as it lies, so it must lie in order.
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG")
