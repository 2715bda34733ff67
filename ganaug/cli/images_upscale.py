"""``ganaug images upscale``: images made large, by a saved model or by one that learns from these images first."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import make_console
from ganaug.cli.fit import check_folder
from ganaug.cli.images_apply import (
    Job,
    apply,
    as_parameters,
    learn,
    list_folder,
    place,
    plan,
    read_and_write_files,
    refuse_learning,
)
from ganaug.cli.images_learning import Color, OnUnreadable, PatchSize
from ganaug.cli.loading import load_images_model
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from ganaug.images import SRGAN

_SECONDS = 60.0
Degradation = StrEnum("Degradation", ["area", "bicubic", "blur_noise"])


def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Image, or folder of images of any sizes.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder, or for one image a name ending in .png.")],
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Folder of a saved SRGAN.", show_default="learn one first")
    ] = None,
    learn_from: Annotated[
        Path | None, typer.Option(help="Folder of large images to learn from.", show_default="IN: its own details")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(min=2, max=4, help="Times as high and wide.", show_default="2, or the model's")
    ] = None,
    degradation: Annotated[
        Degradation | None, typer.Option(help="How images to learn from are made small.", show_default="area")
    ] = None,
    patch_size: PatchSize = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="Wall time of learning.", show_default="60, or as --max-steps takes")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Steps of learning.", show_default="no limit")] = None,
    interpolation: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="0 is closest to the pixels, 1 has most texture.", show_default="the model's"),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to keep the learned model in.")] = None,
    color: Annotated[Color | None, typer.Option(help="What files are read as.", show_default="auto")] = None,
    random_state: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed: same seed and steps, same model.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    on_unreadable: Annotated[OnUnreadable, typer.Option(help="What is done about files that can't be used.")] = (
        OnUnreadable["raise"]
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace files and a model that are there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Enlarge images; without a model, one learns from the images themselves how their details look."""
    skip = on_unreadable == OnUnreadable.skip
    jobs = plan(source, output, overwrite, skip)
    learning = {"learn_from": learn_from, "degradation": degradation, "patch_size": patch_size, "color": color}
    learning |= {"max_seconds": max_seconds, "max_steps": max_steps, "save": save, "random_state": random_state}
    if model is not None:
        refuse_learning(learning)
        gan = _load(model, scale, device)
    else:
        gan = _learn(jobs, learning, scale, device, skip, overwrite, quiet)
    if interpolation is not None:
        gan.set_params(network_interpolation=interpolation)
    read_and_write_files(gan.encoder_)
    apply(gan.transform, jobs, output, "Enlarging", skip, quiet)
    if save is not None and not quiet:
        command = f"ganaug images upscale IN OUT --model {quote(str(save))}"
        make_console().print(f"For others:  {command}", markup=False)


def _load(model: Path, scale: int | None, device: str) -> "SRGAN":
    from ganaug.images import SRGAN

    gan: SRGAN = load_images_model(model, SRGAN, "an SRGAN")
    if scale is not None and scale != gan.scale:
        raise InvalidInputError(
            f"--scale {scale}: {model} enlarges {gan.scale} times; leave --scale out, or leave out --model to learn "
            f"how to enlarge {scale} times."
        )
    place(gan, device)
    return gan


def _learn(
    jobs: list[Job], learning: dict[str, Any], scale: int | None, device: str, skip: bool, overwrite: bool, quiet: bool
) -> "SRGAN":
    save = learning["save"]
    if save is not None:
        check_folder(save, overwrite, "--save")
    from ganaug.images import SRGAN

    parameters = as_parameters(learning, ("degradation", "patch_size", "color"), _SECONDS)
    gan = SRGAN(
        scale or 2,
        **parameters,
        on_unreadable="skip" if skip else "raise",
        device=device,
        random_state=learning["random_state"],
    )
    folder = learning["learn_from"]
    if folder is None:
        data = {"IN": [job.source for job in jobs]}
    else:
        data = {"--learn-from": list_folder(folder, "--learn-from", skip)}
    learn(gan, data, quiet, save, overwrite)
    return gan
