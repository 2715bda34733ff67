"""Images and models as a command or a run names them: a folder or a file of arrays, a size as text, a GAN by a word."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.images.decoding import read_size
from ganaug.images.reading import find_files

if TYPE_CHECKING:
    from ganaug.images.noise import NoiseGAN

ARRAY_SUFFIXES = (".npz", ".npy")
MODELS = {"dcgan": "DCGAN", "conditional": "ConditionalGAN", "vanilla": "VanillaGAN"}
_SIZE = re.compile(r"(\d+)(?:\s*[xX]\s*(\d+))?")


def read_images(path: str | os.PathLike[str], name: str) -> tuple[Any, np.ndarray | None]:
    """Return what ``fit`` takes: an array and its labels or None, or the folder, whose sub-folders are its labels.

    Parameters
    ----------
    path : path-like
        A folder of images, a .npz file with the arrays ``X`` and, optionally, ``y``, or a .npy file.
    name : str
        What stands before it in errors, such as "DATA ".
    """
    place = Path(path).expanduser()
    told = f"{name}{os.fspath(path)!r}"
    if place.is_dir():
        return place, None
    if not place.is_file():
        raise InvalidInputError(f"{told}: there is no folder and no file {place.absolute()}.")
    if place.suffix.lower() not in ARRAY_SUFFIXES:
        raise InvalidInputError(f"{told} is a file; give a folder of images, or arrays in a .npz or .npy file.")
    try:
        return _read_arrays(place)
    except InvalidInputError as error:
        raise InvalidInputError(f"{told} {error}") from None
    except Exception as error:  # damaged archives fail in any way there is
        raise InvalidInputError(
            f"{told} can't be read as arrays ({error}); save numbers with np.savez(path, X=..., y=...)."
        ) from error


def _read_arrays(place: Path) -> tuple[np.ndarray, np.ndarray | None]:
    # Never pickle: a file of somebody else's must not run code.
    loaded = np.load(place, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded, None
    with loaded:
        if "X" not in loaded:
            raise InvalidInputError(f"has no array X, but {loaded.files}; save with np.savez(path, X=..., y=...).")
        return loaded["X"], loaded["y"] if "y" in loaded else None


def find_labels(X: Any, y: np.ndarray | None) -> np.ndarray | None:
    """Return the class of each image, from ``y`` or the sub-folders; None where there are not two of them."""
    labels = find_files(X).classes() if y is None and isinstance(X, Path) else y
    return None if labels is None or len(np.unique(np.asarray(labels))) < 2 else np.asarray(labels)


def make_gan(model: str | None, has_labels: bool, **parameters: Any) -> "NoiseGAN":
    """Return the GAN of this name; None is a conditional one for images with labels and a DCGAN for others."""
    import ganaug.images

    name = MODELS[model or ("conditional" if has_labels else "dcgan")]
    # A parameter that isn't given is the model's own to choose: recipes differ.
    gan: NoiseGAN = getattr(ganaug.images, name)(
        **{name: value for name, value in parameters.items() if value is not None}
    )
    return gan


def parse_size(text: Any, name: str) -> tuple[int, int] | None:
    """Return (height, width) of "32", "32x48", a number or a pair; an empty text and None are None.

    >>> parse_size("32x48", "`image_size`=")
    (32, 48)
    """
    if text is None or isinstance(text, tuple):
        return text
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise InvalidInputError(f"{name}{text!r}: give a side such as 32, or height x width such as 32x48.")
    return int(match[1]), int(match[2] or match[1])


def choose_within(paths: Sequence[str], n_bytes: float, seed: int | None) -> list[str]:
    """Return as many of the files as have so many bytes of pixels, in their order: all, or some drawn at random."""
    sizes = [4 * height * width for height, width in (read_size(path) or (0, 0) for path in paths)]
    if sum(sizes) <= n_bytes:
        return list(paths)
    order = np.random.default_rng(seed).permutation(len(paths))
    fits = np.cumsum(np.array(sizes)[order]) <= n_bytes
    return [paths[place] for place in sorted(order[: max(1, int(fits.sum()))])]
