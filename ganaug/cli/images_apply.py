"""Files made of files by a model that makes images of images: ``ganaug images upscale`` and ``translate``."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ganaug.cli.console import INTERRUPTED, in_bytes, make_console, make_progress
from ganaug.cli.images_learning import in_words_of_options, report_loaded
from ganaug.exceptions import DataWarning, InvalidInputError

if TYPE_CHECKING:
    import numpy as np

    from ganaug.images.encoder import ImageEncoder
    from ganaug.images.translator import ImageTranslator

_OTHER_PICTURES = (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


@dataclass(frozen=True)
class Job:
    """A file, what to call it, and the file that is to be made of it."""

    source: str
    name: str
    target: Path


def plan(source: Path, output: Path, overwrite: bool, skip: bool) -> list[Job]:
    """Return what is to be made of what; refuse what can't be read or written before any time is spent on it."""
    from ganaug.images.sources import ARRAY_SUFFIXES

    told = f"OUT {str(output)!r}"
    if not source.exists():
        raise InvalidInputError(f"IN {str(source)!r}: there is no folder and no file {source.absolute()}.")
    if source.suffix.lower() in ARRAY_SUFFIXES:
        raise InvalidInputError(f"IN {str(source)!r} holds arrays; give image files, or call transform in Python.")
    if output.suffix.lower() in _OTHER_PICTURES and not output.is_dir():
        raise InvalidInputError(f"{told}: images are written as PNG; let the name end in .png, or name a folder.")
    is_folder = source.is_dir() or output.is_dir() or output.suffix.lower() != ".png"
    if source.is_dir() and output.suffix.lower() == ".png" and not output.is_dir():
        raise InvalidInputError(f"{told} is a name for one image, and IN {str(source)!r} is a folder; name a folder.")
    if is_folder and output.exists() and not output.is_dir():
        raise InvalidInputError(f"{told} is a file; name a folder, or a file that ends in .png for one image.")
    if source.is_dir() and output.resolve().is_relative_to(source.resolve()):
        raise InvalidInputError(
            f"{told} lies in IN {str(source)!r}, so that results would be taken for images to work on next time; name "
            "a folder elsewhere."
        )
    jobs = _pair_folder(source, output, skip) if source.is_dir() else [_pair_file(source, output, is_folder)]
    _check_targets(jobs, overwrite)
    return jobs


def _pair_folder(source: Path, output: Path, skip: bool) -> list[Job]:
    from ganaug.images.reading import find_files, report_unreadable

    with in_words_of_options("IN"):
        files = find_files(source)
        report_unreadable(files.unreadable, len(files.paths) + len(files.unreadable), skip)
    return [
        Job(path, name, output / Path(name).with_suffix(".png"))
        for path, name in zip(files.paths, files.names, strict=True)
    ]


def _pair_file(source: Path, output: Path, is_folder: bool) -> Job:
    return Job(str(source), source.name, output / f"{source.stem}.png" if is_folder else output)


def _check_targets(jobs: Sequence[Job], overwrite: bool) -> None:
    found: dict[Path, Job] = {}
    for job in jobs:
        other = found.setdefault(job.target, job)
        if other is not job:
            raise InvalidInputError(f"{other.name} and {job.name} would both become {job.target}; rename one of them.")
        if job.target.exists() and job.target.samefile(job.source):
            raise InvalidInputError(f"{job.target} would replace the image that it is made of; choose another OUT.")
    taken = [job.target for job in jobs if job.target.exists()]
    if taken and not overwrite:
        raise InvalidInputError(
            f"{len(taken)} of the {len(jobs)} files to write are there already, {taken[0]} for one; add --overwrite to "
            "replace them, or choose another OUT."
        )


def refuse_learning(options: dict[str, Any]) -> None:
    """Refuse options of the learning beside a model that has learned."""
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        raise InvalidInputError(
            f"--{given.replace('_', '-')} {options[given]} is for learning, and --model names a model that has "
            "learned; leave out one of the two."
        )


def as_parameters(learning: dict[str, Any], names: Sequence[str], seconds: float) -> dict[str, Any]:
    """Return the options that were given as parameters of a GAN; without a limit, so many seconds are one."""
    given = {name: learning[name] for name in (*names, "max_seconds", "max_steps") if learning[name] is not None}
    given = {name: str(value) if isinstance(value, StrEnum) else value for name, value in given.items()}
    return given if {"max_seconds", "max_steps"} & set(given) else given | {"max_seconds": seconds}


def list_folder(folder: Path, option: str, skip: bool) -> list[str]:
    """Return the images of a folder to learn from, which an option names."""
    from ganaug.images.reading import find_files, report_unreadable

    told = f"{option} {str(folder)!r}"
    if not folder.is_dir():
        raise InvalidInputError(f"{told} is no folder; name a folder of images.")
    try:
        with in_words_of_options():
            files = find_files(folder)
            report_unreadable(files.unreadable, len(files.paths) + len(files.unreadable), skip)
    except InvalidInputError as error:
        raise InvalidInputError(f"{told}: {error}") from error
    return files.paths


def learn(gan: "ImageTranslator", data: dict[str, list[str]], quiet: bool, save: Path | None, overwrite: bool) -> None:
    """Fit a model to files by what they are called, as many as memory holds, and save it if a folder is given.

    After Ctrl-C the command ends here.
    """
    from ganaug.images.sources import choose_within

    gan.set_params(callbacks=None if quiet else [report_loaded(gan)], verbose=int(not quiet))
    chosen = {name: choose_within(paths, gan.memory_limit, gan.random_state) for name, paths in data.items()}
    for name, paths in data.items():
        # Parts are drawn from memory: some of very many images teach as much in the time.
        if len(chosen[name]) < len(paths) and not quiet:
            some = f"{len(chosen[name]):,} of the {len(paths):,} images of {name}"
            make_console().print(f"Learning from {some}, as memory allows.", markup=False)
    with in_words_of_options(*data):
        gan.fit(*chosen.values())
    if save is not None:
        gan.save(save)
    if not quiet:
        seconds = gan.history_[-1]["seconds"] if gan.history_ else 0.0
        kept = "" if save is None else f" Saved in {save}."
        make_console().print(
            f"Learned in {gan.n_iter_:,} steps and {seconds:.0f} s (stop reason: {gan.stop_reason_}).{kept}",
            markup=False,
        )
    if gan.stop_reason_ == "interrupted":
        raise typer.Exit(INTERRUPTED)


def place(gan: "ImageTranslator", device: str) -> None:
    """Move a loaded model; "auto" leaves it where it is."""
    from ganaug.devices import resolve_device

    if device != "auto":
        gan.game_.to(resolve_device(device))


def read_and_write_files(*encoders: "ImageEncoder") -> None:
    """Have a model of arrays take the black and white of files for those of its arrays, and make what files hold."""
    import numpy as np

    from ganaug.images.formats import own_range

    for encoder in encoders:
        known = encoder.format_
        if encoder.report_.source == "array":
            dtype = np.dtype("uint16" if known.dtype == "uint16" and known.channels == 1 else "uint8")
            low, high = own_range(dtype)
            form = {"layout": "NHWC", "n_dims": 4, "dtype": str(dtype), "low": low, "high": high}
            encoder.format_ = replace(known, **form, is_own_range=True)


def apply(
    make: "Callable[[list[str]], list[np.ndarray]]",
    jobs: Sequence[Job],
    output: Path,
    verb: str,
    skip: bool,
    quiet: bool,
) -> None:
    """Make one file after the other, whole ones only; Ctrl-C says how many there are."""
    from ganaug.images.grids import save_picture

    done: list[Path] = []
    left_out: dict[str, str] = {}
    is_interrupted = False
    with make_progress(quiet) as progress:
        task = progress.add_task(verb, total=len(jobs), note="")
        try:
            for job in jobs:
                progress.update(task, note=job.name)
                try:
                    save_picture(make([job.source])[0], job.target)
                    done.append(job.target)
                except InvalidInputError as error:
                    left_out[job.name] = _describe(job.name, error)
                    if not skip:
                        break
                progress.advance(task)
        except KeyboardInterrupt:
            is_interrupted = True
    listed = " ".join(left_out.values())
    if left_out and not skip:
        raise InvalidInputError(
            f"{listed} Take it away, or say --on-unreadable skip; {len(done)} of {len(jobs)} images are written."
        )
    if left_out:
        warnings.warn(f"{len(left_out)} of {len(jobs)} files are left out. {listed}", DataWarning, stacklevel=2)
    if is_interrupted or not quiet:
        _tell(done, len(jobs), output, "Interrupted: " if is_interrupted else "")
    if is_interrupted:
        raise typer.Exit(INTERRUPTED)


def _describe(name: str, error: InvalidInputError) -> str:
    """Say what is wrong with a file, without the advice for whoever calls ``transform`` in Python."""
    text = str(error)
    damaged = re.search(r"can't be read as images: .*? \((.*)\)\. Remove them", text)
    if damaged:
        return f"{name} can't be read ({damaged[1]})."
    other = re.search(r" is (.*?), but fit was given (.*?)\. Convert it", text)
    if other:
        return f"{name} is {other[1]}, and the model learned {other[2]}."
    return f"{name}: {text}"


def _tell(done: Sequence[Path], n_jobs: int, output: Path, before: str) -> None:
    size = in_bytes(sum(path.stat().st_size for path in done))
    images = "1 image" if n_jobs == 1 else f"{n_jobs:,} images"
    count = images if len(done) == n_jobs else f"{len(done):,} of {images}"
    make_console().print(f"{before}{count} written to {output} ({size}).", markup=False)
