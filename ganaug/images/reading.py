"""Image files: found, and decoded once to learn what they are; and the report of what was loaded."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.exceptions import DataWarning, InvalidInputError, UnreadableImageError
from ganaug.images.decoding import MODES, Decoded, Size, decode_file, name_of, reason_of
from ganaug.images.formats import Range
from ganaug.images.layouts import LARGEST

SUFFIXES = frozenset(("png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff", "ppm", "pgm"))


@dataclass
class LoadReport:
    """What was loaded; ``str()`` of it is for people.

    Attributes
    ----------
    n_images : int
    source : "array", "paths" or "folder"
    size : (int, int)
        Height and width, after resizing.
    channels : int
    dtype : str
    value_range : (float, float)
        The values that stand for black and white.
    resized : int
        How many images had another size.
    converted : dict
        How many files changed their color mode, by "from -> to".
    skipped : dict
        Why a file was left out, by its name.
    classes : dict or None
        How many images each class has.
    on_disk : bool
        Whether files are decoded as they are needed, because together they are larger than ``memory_limit``.
    notes : list of str
        What else the user should know.
    largest : (int, int) or None
        Where images of any size are learned: the largest height and width if they differ; ``size`` is the first one's.
    """

    n_images: int
    source: str
    size: Size
    channels: int
    dtype: str
    value_range: Range
    resized: int = 0
    converted: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    classes: dict[Any, int] | None = None
    on_disk: bool = False
    notes: list[str] = field(default_factory=list)
    largest: Size | None = None

    def __str__(self) -> str:
        place = {"array": "an array", "paths": "a list of files", "folder": "a folder"}[self.source]
        low, high = self.value_range
        size = f"of {self.size[0]} x {self.size[1]}"
        if self.largest is not None:
            size = f"of up to {self.largest[0]} x {self.largest[1]}"
        lines = [
            f"{self.n_images} image{'s' * (self.n_images > 1)} {size} pixels, {self.channels} "
            f"channel{'s' * (self.channels > 1)}, {self.dtype} in [{low:g}, {high:g}], from {place}."
        ]
        if self.resized:
            lines.append(f"Resized: {self.resized}.")
        if self.converted:
            lines.append("Converted: " + ", ".join(f"{change} ({count})" for change, count in self.converted.items()))
        if self.skipped:
            lines.append(f"Left out: {listing(self.skipped)}.")
        if self.classes is not None:
            lines.append("Classes: " + ", ".join(f"{label} ({count})" for label, count in self.classes.items()) + ".")
        if self.on_disk:
            lines.append("Decoded from disk as they are needed: together they are larger than memory_limit.")
        return "\n".join(lines + self.notes)


@dataclass
class FileList:
    """Image files, by the names that people know them by, and the files that are none."""

    paths: list[str]
    names: list[str]
    source: str
    unreadable: dict[str, str] = field(default_factory=dict)

    def classes(self) -> list[str] | None:
        """Return each file's first-level folder, or None if there are no classes."""
        parts = [Path(name).parts for name in self.names]
        if self.source != "folder" or any(len(part) == 1 for part in parts):
            return None
        return [part[0] for part in parts]


def are_files(X: Any) -> bool:
    """Tell whether ``X`` is a path, or a list of paths, and not an array."""
    if isinstance(X, str | os.PathLike):
        return True
    if isinstance(X, Mapping | set | frozenset):  # a set has no order that answers could be in
        return False
    if hasattr(X, "columns") or not hasattr(X, "__len__") or getattr(X, "ndim", 1) != 1 or len(X) == 0:
        return False
    return isinstance(next(iter(X)), str | os.PathLike)


def find_files(X: Any) -> FileList:
    """Return the files that ``X``, a folder or a list of paths, stands for; a folder's in the order of their names."""
    if not isinstance(X, str | os.PathLike):
        wrong = next((place for place, path in enumerate(X) if not isinstance(path, str | os.PathLike)), None)
        if wrong is not None:
            item = list(X)[wrong]
            raise InvalidInputError(f"X[{wrong}] is {item!r}, among paths. Give paths only, or an array of pixels.")
        paths = [os.fspath(path) for path in X]
        return FileList([os.path.expanduser(path) for path in paths], paths, "paths")
    folder = Path(X).expanduser()
    if not folder.is_dir():
        reason = "is a file; give a list of paths, or its folder" if folder.exists() else "does not exist"
        raise InvalidInputError(f"X={os.fspath(X)!r} {reason}.")
    names = sorted(_walk(folder))
    images = [name for name in names if _suffix(name) in SUFFIXES]
    others = {name: "no image file" for name in names if _suffix(name) not in SUFFIXES}
    if not images:
        found = f"; it holds {listing(others)}" if others else ""
        raise InvalidInputError(
            f"There is no image in the folder X={os.fspath(X)!r}{found}. Known are {', '.join(sorted(SUFFIXES))}."
        )
    return FileList([str(folder / name) for name in images], images, "folder", others)


def _walk(folder: Path) -> Iterable[str]:
    """Yield all files below ``folder``, linked folders included, but nothing hidden."""
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        # A link may lead back up.
        place = os.path.realpath(root)
        folders[:] = [] if place in seen else [name for name in folders if not name.startswith(".")]
        if place not in seen:
            yield from ((Path(root) / name).relative_to(folder).as_posix() for name in files if name[0] != ".")
        seen.add(place)


def _suffix(name: str) -> str:
    return Path(name).suffix.lower().removeprefix(".")


def listing(reasons: dict[str, str]) -> str:
    """Return the first ten names, each with its reason, and how many more there are."""
    shown = ", ".join(f"{name} ({reason})" for name, reason in list(reasons.items())[:10])
    return shown + (f" and {len(reasons) - 10} more" if len(reasons) > 10 else "")


def report_unreadable(unreadable: dict[str, str], n_files: int, skip: bool) -> None:
    """Raise, or only warn, that some files can't be read."""
    if not unreadable:
        return
    text = f"{len(unreadable)} of {n_files} files can't be read as images: {listing(unreadable)}."
    if not skip:
        raise UnreadableImageError(f'{text} Remove them, or say on_unreadable="skip" to leave them out.')
    warnings.warn(f"{text} They are left out.", DataWarning, stacklevel=4)


@dataclass
class Survey:
    """What is known of the files that could be decoded."""

    files: FileList
    decoded: list[Decoded]
    """Their pixels are empty where memory did not allow to keep them."""
    kept: list[int]
    """Their places in the list that was surveyed."""
    lowest: float = np.inf
    highest: float = -np.inf

    def sizes(self) -> Counter[Size]:
        """Count the sizes before resizing."""
        return Counter(found.size for found in self.decoded)

    def changes(self, mode: str) -> dict[str, int]:
        """Count the files whose color mode is not ``mode``, by what they were."""
        before = Counter(found.file_mode for found in self.decoded if found.file_mode != name_of(mode))
        return {f"{file_mode} -> {name_of(mode)}": count for file_mode, count in before.most_common()}


def survey_files(
    files: FileList,
    choose: Callable[[str], str],
    size: Size | None,
    resize: str,
    memory_limit: float = np.inf,
    on_file: Callable[[int, int], None] | None = None,
    largest: int | None = LARGEST,
) -> Survey:
    """Decode all files; the answer has those that can be read, and why the others can't.

    The pixels of images with a side above ``largest`` are not kept, nor those beyond ``memory_limit`` bytes.
    """
    survey = Survey(FileList([], [], files.source, dict(files.unreadable)), [], [])
    n_bytes = 0
    for place, (path, name) in enumerate(zip(files.paths, files.names, strict=True)):
        try:
            found = decode_file(path, choose, size, resize)
        except MemoryError:
            raise
        except Exception as error:
            # Damaged files make decoders fail in any way there is.
            survey.files.unreadable[name] = reason_of(error)
        else:
            survey.kept.append(place)
            survey.files.paths.append(path)
            survey.files.names.append(name)
            survey.lowest = min(survey.lowest, found.pixels.min())
            survey.highest = max(survey.highest, found.pixels.max())
            n_bytes += found.pixels.nbytes
            if n_bytes > memory_limit or (largest is not None and max(found.pixels.shape) > largest):
                found.pixels = np.empty(0, found.pixels.dtype)
            survey.decoded.append(found)
        if on_file is not None:
            on_file(place + 1, len(files.paths))
    return survey


def settle_mode(kinds: Iterable[str], color: str) -> str:
    """Return the mode that all files become; 16 bits only if all files have them."""
    found = set(kinds)
    if found == {"grey16"} and color in ("auto", "grey"):
        return "grey16"
    if color != "auto":
        return color
    return max(found - {"grey16"} | {"grey"}, key=list(MODES).index)


def settle_size(survey: Survey, image_size: Size | None, resize: str) -> Size:
    """Return the size that all images have, or get."""
    sizes = survey.sizes()
    if image_size is not None and (resize != "error" or set(sizes) == {image_size}):
        return image_size
    common = " and ".join(f"{height} x {width} ({count} images)" for (height, width), count in sizes.most_common(2))
    way_out = 'resize="crop", "pad" or "stretch" to have them scaled'
    if image_size is not None:
        first = next(place for place, found in enumerate(survey.decoded) if found.size != image_size)
        height, width = survey.decoded[first].size
        raise InvalidInputError(
            f"{survey.files.names[first]} has {height} x {width} pixels, and image_size is {image_size}; most common "
            f"are {common}. Say {way_out}."
        )
    if len(sizes) > 1:
        raise InvalidInputError(
            f"The images have {len(sizes)} different sizes; most common are {common}. Say image_size= and {way_out}."
        )
    return next(iter(sizes))
