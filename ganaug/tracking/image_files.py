"""Images that a command or a run starts from: a folder or a file of arrays; their model, their form, their digest."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs

if TYPE_CHECKING:
    from ganaug.images.base import BaseImageGAN
    from ganaug.images.formats import ImageFormat

ARRAY_SUFFIXES = (".npz", ".npy")
MODELS = {"dcgan": "DCGAN", "conditional": "ConditionalGAN", "vanilla": "VanillaGAN"}
CHOICES = {
    "model": tuple(MODELS),
    "recipe": ("modern", "textbook"),
    "resize": ("error", "crop", "pad", "stretch"),
}
MIN_IMAGES, MIN_HELD_OUT = 50, 10
"""Fewer have not enough neighbors to be compared by."""
_SIZE = re.compile(r"(\d+)(?:\s*[xX]\s*(\d+))?")


@dataclass(frozen=True)
class ImageSet:
    """Images, as an array or paths, and the class of each or None."""

    X: Any
    y: np.ndarray | None

    def at(self, places: np.ndarray) -> "ImageSet":
        """Return the images at ``places``."""
        X = self.X[places] if isinstance(self.X, np.ndarray) else [self.X[place] for place in places]
        return ImageSet(X, None if self.y is None else self.y[places])


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
    from ganaug.images.reading import find_files

    labels = find_files(X).classes() if y is None and isinstance(X, Path) else y
    return None if labels is None or len(np.unique(np.asarray(labels))) < 2 else np.asarray(labels)


def make_gan(model: str | None, has_labels: bool, **parameters: Any) -> "BaseImageGAN":
    """Return the GAN of this name; None is a conditional one for images with labels and a DCGAN for others."""
    import ganaug.images

    name = MODELS[model or ("conditional" if has_labels else "dcgan")]
    # A parameter that isn't given is the model's own to choose: recipes differ.
    gan: BaseImageGAN = getattr(ganaug.images, name)(
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


def form_of(image_format: "ImageFormat") -> dict[str, Any]:
    """Return what grids and files must know of images of this format, whose look their values alone don't tell."""
    is_plain = np.dtype(image_format.dtype).kind != "f" and image_format.is_own_range
    form: dict[str, Any] = {"layout": image_format.layout}
    if not is_plain:
        form["value_range"] = (image_format.low, image_format.high)
    if image_format.n_dims == 2:
        form["image_size"] = image_format.size
    return form


def check_choice(name: str, value: Any) -> None:
    """Refuse what is none of the values that a run's parameter takes."""
    if value is not None and value not in CHOICES[name]:
        raise InvalidInputError(f"`{name}`={value!r} must be one of {', '.join(CHOICES[name])}.")


def read_set(data: str | os.PathLike[str] | None, model: str | None) -> ImageSet:
    """Return a run's images, checked, and their classes where there are two at least; None is scikit-learn's digits."""
    if data is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return ImageSet(digits.images / 16, digits.target)
    X, y = read_images(data, "`data`=")
    labels = find_labels(X, y)
    if isinstance(X, Path):
        from ganaug.images.reading import find_files

        X = find_files(X).paths
    told = f"`data`={os.fspath(data)!r}"
    if labels is not None and len(labels) != len(X):
        raise InvalidInputError(f"{told} has {len(labels)} labels for {len(X)} images; give one label per image.")
    if len(X) < MIN_IMAGES:
        raise InvalidInputError(f"{told} has {len(X)} images; a run needs at least {MIN_IMAGES}.")
    if model == "conditional" and labels is None:
        raise InvalidInputError(f"`model`={model!r}: {told} has no two classes; give sub-folders, or the array y.")
    return ImageSet(X, labels)


def digest(images: ImageSet) -> str:
    """Return a fingerprint of images and labels: of an array its values, of files their bytes, in their order."""
    found = hashlib.sha256()
    if isinstance(images.X, np.ndarray):
        found.update(f"{images.X.dtype.str} {images.X.shape}".encode())
        found.update(np.ascontiguousarray(images.X))
    else:
        for path in images.X:
            found.update(Path(path).read_bytes())
    if images.y is not None:
        found.update(repr(images.y.tolist()).encode())
    return found.hexdigest()


def split(images: ImageSet, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the images to learn from, and of a fifth of each class that is held out; in their order."""
    rng = np.random.default_rng(random_state)
    everything = np.arange(len(images.X))
    labels = images.y
    groups = [everything] if labels is None else [np.flatnonzero(labels == label) for label in np.unique(labels)]
    shares = [rng.permutation(group)[: round(inputs.HOLDOUT_SHARE * len(group))] for group in groups]
    held_out = np.sort(np.concatenate(shares))
    if len(held_out) < MIN_HELD_OUT:
        raise InvalidInputError(
            f"`data` has {len(everything)} images of {len(groups)} classes, too few of each to hold a fifth of them "
            f"out: {MIN_HELD_OUT} images are needed to measure by. Give more images per class, or no classes."
        )
    return np.setdiff1d(everything, held_out), held_out


def best_likeness(gan: "BaseImageGAN") -> float | None:
    """Return the likeness of the weights that were kept; None if it was not measured."""
    looks = [row["quality/likeness"] for row in gan.history_ if "quality/likeness" in row]
    return max((look for look in looks if not np.isnan(look)), default=None)
