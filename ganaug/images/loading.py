"""Images loaded: their form learned from arrays or files, and new ones brought into that form."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.images.decoding import MODES, FileReader, Size, decode_file, scale
from ganaug.images.formats import ImageFormat, Range, as_array, find_range, own_range, storage_of
from ganaug.images.layouts import LARGEST, channels_first, check_axes, check_size, find_layout, from_rows
from ganaug.images.policy import Policy
from ganaug.images.reading import (
    FileList,
    LoadReport,
    Survey,
    are_files,
    find_files,
    report_unreadable,
    settle_mode,
    settle_size,
    survey_files,
)

Progress = Callable[[int, int], None]


@dataclass
class Loaded:
    """Images to train on, their form, and whence they come."""

    image_format: ImageFormat
    report: LoadReport
    pixels: np.ndarray | FileReader
    """In memory, or as a reader of what is on disk."""
    folders: np.ndarray | None = None
    """The class folder of each image that was kept."""
    n_given: int = 0
    kept: list[int] | None = None
    """Places of those that were kept among those that were given; None if all were."""


def load_training(X: Any, policy: Policy, on_file: Progress | None = None) -> Loaded:
    """Load images and learn their form."""
    return _load_files(X, policy, on_file) if are_files(X) else _load_array(X, policy)


def _load_array(X: Any, policy: Policy) -> Loaded:
    array = as_array(X)
    layout, channels = find_layout(array.shape, policy.layout, policy.size)
    limits, note = find_range(array, policy.value_range)
    if policy.color != "auto" and MODES[policy.color] != channels:
        raise InvalidInputError(
            f'color={policy.color!r} is for files, and X has {channels} channel(s). Convert X, or say color="auto".'
        )
    if array.ndim == 2 and policy.size is not None:
        pixels = from_rows(array, policy.size, channels, layout)
    else:
        pixels = channels_first(array, layout)
    found = (pixels.shape[2], pixels.shape[3])
    size: Size = policy.size or found
    if size != found and policy.resize != "error":
        check_axes(array.shape, found, policy.smallest)
    elif size != found:
        raise InvalidInputError(
            f"X holds images of {found[0]} x {found[1]} pixels, and image_size is {size}. Say resize="
            '"crop", "pad" or "stretch" to have them scaled, or leave image_size out.'
        )
    check_size(size, "X holds images of")
    is_own = isinstance(policy.value_range, str)
    image_format = ImageFormat(
        *size, channels, layout, str(array.dtype), low=limits[0], high=limits[1], n_dims=array.ndim, is_own_range=is_own
    )
    pixels = pixels.astype(image_format.storage, copy=False)
    report = LoadReport(len(array), "array", size, channels, str(array.dtype), limits)
    if size != found:
        pixels, report.resized = _rescale(pixels, size, policy.resize, limits), len(array)
    report.notes += [] if note is None else [note]
    return Loaded(image_format, report, pixels, n_given=len(array))


def _rescale(pixels: np.ndarray, size: Size, resize: str, limits: Range) -> np.ndarray:
    scaled = np.empty((*pixels.shape[:2], *size), pixels.dtype)
    for place, image in enumerate(pixels):
        scaled[place] = scale(image.transpose(1, 2, 0), size, resize, *limits).transpose(2, 0, 1)
    return scaled


def _load_files(X: Any, policy: Policy, on_file: Progress | None) -> Loaded:
    given = find_files(X)

    def choose(kind: str) -> str:
        return settle_mode([kind], policy.color)

    survey = survey_files(given, choose, policy.size, policy.resize, policy.memory_limit, on_file)
    _check_survey(survey, given, policy.skip)
    files = survey.files
    mode = settle_mode((found.kind for found in survey.decoded), policy.color)
    size = settle_size(survey, policy.size, policy.resize)
    check_size(size, "The files hold images of")
    dtype = np.dtype("uint16" if mode == "grey16" else "uint8")
    limits, is_own = limits_of_files(survey, policy, dtype)
    image_format = ImageFormat(*size, MODES[mode], "NHWC", str(dtype), *limits, is_own_range=is_own)
    report = LoadReport(len(files.paths), files.source, size, MODES[mode], str(dtype), limits)
    report.skipped = files.unreadable
    report.resized = sum(found.size != size for found in survey.decoded)
    report.converted = survey.changes(mode)
    report.on_disk = len(files.paths) * image_format.n_values * dtype.itemsize > policy.memory_limit
    reader = FileReader(files.paths, files.names, mode, size, policy.resize)
    pixels = reader if report.on_disk else _collect(survey, reader, image_format)
    folders = files.classes()
    if files.source == "folder" and folders is None and any("/" in name for name in files.names):
        report.notes.append("Some images lie in no sub-folder, so the sub-folders are not taken as classes.")
    return Loaded(
        image_format,
        report,
        pixels,
        None if folders is None else np.array(folders),
        len(given.paths),
        survey.kept if files.source == "paths" else None,
    )


def _check_survey(survey: Survey, given: FileList, skip: bool) -> None:
    unreadable = survey.files.unreadable
    report_unreadable(unreadable, len(given.paths) + len(given.unreadable), skip and bool(survey.decoded))


def limits_of_files(survey: Survey, policy: Policy, dtype: np.dtype[Any]) -> tuple[Range, bool]:
    """Return black and white of files, and whether they are their dtype's own."""
    if isinstance(policy.value_range, str):
        return own_range(dtype), True
    low, high = policy.value_range
    if survey.lowest < low or survey.highest > high:
        raise InvalidInputError(
            f"value_range is ({low:g}, {high:g}), and the files have values from {survey.lowest} to {survey.highest}. "
            'Say value_range="auto" for the whole range of their bits.'
        )
    return (low, high), False


def _collect(survey: Survey, reader: FileReader, image_format: ImageFormat) -> np.ndarray:
    """Return all pixels; files that were surveyed in another mode, or not kept, are decoded again."""
    pixels = np.empty((len(reader), image_format.channels, *image_format.size), image_format.dtype)
    for place, found in enumerate(survey.decoded):
        is_ready = found.mode == reader.mode and found.pixels.size
        pixels[place] = found.pixels.transpose(2, 0, 1) if is_ready else reader.read(place)
        # Freed on the way, so that there are never two of everything.
        survey.decoded[place] = replace(found, pixels=np.empty(0))
    return pixels


def load_new(X: Any, image_format: ImageFormat, policy: Policy) -> tuple[np.ndarray, Range]:
    """Return new images as pixels of the learned size and channels, and what is black and white in them."""
    if are_files(X):
        return _load_new_files(X, image_format, policy)
    array = as_array(X)
    limits, _ = find_range(array, limits_of_new(array.dtype, image_format))
    pixels = image_format.arrange(array, policy.smallest if policy.resize != "error" else None)
    pixels = pixels.astype(storage_of(array.dtype, *limits), copy=False)
    if pixels.shape[2:] != image_format.size:
        pixels = _rescale(pixels, image_format.size, policy.resize, limits)
    return pixels, limits


def limits_of_new(dtype: np.dtype[Any], image_format: ImageFormat) -> Range:
    """Return black and white of new images, which may be bytes where the learned ones were not."""
    learned = np.dtype(image_format.dtype)
    if not image_format.is_own_range or _family(dtype) == _family(learned):
        return image_format.low, image_format.high
    if dtype == np.uint8 or dtype.kind == "b":
        return own_range(dtype)
    raise InvalidInputError(
        f"X has the dtype {dtype}, but fit was given images of {image_format}. Convert X to {learned}."
    )


def _family(dtype: np.dtype[Any]) -> str:
    """Return what dtypes have in common whose values mean the same."""
    if dtype.kind in "ui":
        return "words" if dtype == np.uint16 else "bytes"
    return dtype.kind


def _load_new_files(X: Any, image_format: ImageFormat, policy: Policy) -> tuple[np.ndarray, Range]:
    survey = _survey_new(X, image_format, policy, image_format.size)
    settle_size(survey, image_format.size, policy.resize)
    return _in_range(np.stack([found.pixels.transpose(2, 0, 1) for found in survey.decoded]), image_format)


def load_files_as(X: Any, image_format: ImageFormat, policy: Policy) -> tuple[list[np.ndarray], Range]:
    """Return new files of any size as pixels (channels, height, width), and what is black and white in them."""
    survey = _survey_new(X, image_format, replace(policy, resize="error"), None)
    pixels = [found.pixels.transpose(2, 0, 1) for found in survey.decoded]
    limits = [_in_range(image[np.newaxis], image_format)[1] for image in pixels]
    return pixels, limits[0]


def _in_range(pixels: np.ndarray, image_format: ImageFormat) -> tuple[np.ndarray, Range]:
    limits = own_range(pixels.dtype) if image_format.is_own_range else (image_format.low, image_format.high)
    return pixels, find_range(pixels, limits)[0]


def _survey_new(X: Any, image_format: ImageFormat, policy: Policy, size: Size | None) -> Survey:
    """Decode new files in the learned mode."""
    given = find_files(X)
    # One mode whatever is in the list, so that what becomes of a file does not depend on the others.
    deep = image_format.channels == 1 and image_format.storage != np.uint8
    mode = (
        "grey16" if deep else next(name for name, n in MODES.items() if n == image_format.channels and name != "grey16")
    )
    largest = LARGEST if size else None
    survey = survey_files(given, lambda _: mode, size, policy.resize, largest=largest)
    # Each path of a list gets an answer; only a folder's files may be left out.
    _check_survey(survey, given, policy.skip and given.source == "folder")
    modes = list(MODES)
    for name, found in zip(survey.files.names, survey.decoded, strict=True):
        if policy.color == "auto" and modes.index(found.kind) > max(1, modes.index(mode)):
            raise InvalidInputError(
                f"{name} is {found.kind}, but fit was given images of {image_format}. Convert it, or say color= when "
                "you fit, to have files converted."
            )
    return survey


def decode_all(X: Any, policy: Policy, on_file: Progress | None = None) -> tuple[Survey, str]:
    """Decode files at the size they have, all of them to one mode, which is returned too."""
    given = find_files(X)

    def choose(kind: str) -> str:
        return settle_mode([kind], policy.color)

    survey = survey_files(given, choose, None, "error", policy.memory_limit, on_file, largest=None)
    _check_survey(survey, given, policy.skip)
    mode = settle_mode((found.kind for found in survey.decoded), policy.color)
    n_pixels = sum(height * width for height, width in (found.size for found in survey.decoded))
    n_bytes = n_pixels * MODES[mode] * (2 if mode == "grey16" else 1)
    if n_bytes > policy.memory_limit:
        raise InvalidInputError(
            f"The files hold {n_bytes / 2**20:,.0f} MiB of pixels, more than memory_limit={policy.memory_limit:g} "
            "bytes. Raise it, or give fewer or smaller images: parts of them are drawn from memory."
        )
    for place, found in enumerate(survey.decoded):
        if found.mode != mode or not found.pixels.size:
            survey.decoded[place] = decode_file(survey.files.paths[place], lambda _: mode, None, "error")
    return survey, mode
