"""Images as files: many in one tidy picture, one file each, or a picture every so many rounds of a training."""

import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.adversarial import Run, SamplePreview
from ganaug.exceptions import InvalidInputError
from ganaug.images.layouts import CHANNELS
from ganaug.images.pictures import WHITE, arrange, is_auto, name_files, to_bytes

_DEEP = np.dtype(np.uint16)


def make_grid(
    images: Any,
    n_columns: int | None = None,
    padding: int = 2,
    background: int | Sequence[int] = WHITE,
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
    pixels = to_bytes(*arrange(images, layout, image_size), value_range)
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
    if not is_number or color.min() < 0 or color.max() > WHITE:
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
    save_picture(make_grid(images, **settings), target)
    return target


def save_picture(pixels: np.ndarray, target: Path) -> None:
    """Write uint8 (height, width[, channels]), or uint16 gray, as a PNG file; it gets its name once it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        _write_png(pixels, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


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
    pixels, dtype = arrange(images, layout, image_size)
    if dtype == _DEEP and is_auto(value_range):
        if pixels.shape[-1] > 1:
            raise InvalidInputError(
                "images: colors of uint16 can't be written with 16 bits; value_range=(0, 65535) writes 8 bits."
            )
    else:
        pixels = to_bytes(pixels, dtype, value_range)
    home = Path(folder)
    targets = [home / name for name in name_files(len(pixels), labels, prefix, start)]
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
            _write_png(image, aside / str(place))
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
        background: int | Sequence[int] = WHITE,
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


def _write_png(pixels: np.ndarray, path: Path) -> None:
    from PIL import Image

    is_gray = pixels.ndim == 3 and pixels.shape[-1] == 1
    # PIL reads the memory as it lies, so it must lie in order.
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if is_gray else pixels)).save(path, format="PNG")
