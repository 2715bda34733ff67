"""``ganaug images translate``: images made to look like others, by a saved model or by one that learns first."""

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
    from ganaug.images import CycleGAN

_SECONDS = 120.0


def translate(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Image, or folder of images of any sizes.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder, or for one image a name ending in .png.")],
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Folder of a saved CycleGAN.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="Folder of what IN is to look like, to learn from; no pairs are needed.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="With --model: from what it was to look like, back.")] = False,
    patch_size: PatchSize = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(min=0.001, help="Wall time of learning.", show_default="120, or as --max-steps takes"),
    ] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Steps of learning.", show_default="no limit")] = None,
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
    """Translate images, each at its own size, into what those of another folder look like."""
    _check_ways(model, like, back)
    skip = on_unreadable == OnUnreadable.skip
    jobs = plan(source, output, overwrite, skip)
    learning = {"like": like, "patch_size": patch_size, "max_seconds": max_seconds, "max_steps": max_steps}
    learning |= {"save": save, "color": color, "random_state": random_state}
    if model is not None:
        refuse_learning(learning)
        gan = _load(model, device)
    else:
        gan = _learn(jobs, learning, device, skip, overwrite, quiet)
    read_and_write_files(gan.encoder_, gan.encoder_b_)
    apply(gan.inverse_transform if back else gan.transform, jobs, output, "Translating", skip, quiet)
    if save is not None and not quiet:
        command = f"ganaug images translate IN OUT --model {quote(str(save))}"
        make_console().print(f"For others:  {command}   (--back: the other way)", markup=False)


def _check_ways(model: Path | None, like: Path | None, back: bool) -> None:
    if model is None and like is None:
        raise InvalidInputError(
            "Say what IN is to look like: --like FOLDER learns it from the images there, --model FOLDER takes a saved "
            "CycleGAN."
        )
    if back and model is None:
        raise InvalidInputError(
            "--back is for a saved model, and none is named; to make IN look like the images of --like, leave it out."
        )


def _load(model: Path, device: str) -> "CycleGAN":
    from ganaug.images import CycleGAN

    gan: CycleGAN = load_images_model(model, CycleGAN, "a CycleGAN")
    place(gan, device)
    return gan


def _learn(
    jobs: list[Job], learning: dict[str, Any], device: str, skip: bool, overwrite: bool, quiet: bool
) -> "CycleGAN":
    save, like = learning["save"], learning["like"]
    if save is not None:
        check_folder(save, overwrite, "--save")
    from ganaug.images import CycleGAN

    parameters = as_parameters(learning, ("patch_size", "color"), _SECONDS)
    gan = CycleGAN(
        **parameters,
        on_unreadable="skip" if skip else "raise",
        device=device,
        random_state=learning["random_state"],
    )
    data = {"IN": [job.source for job in jobs], "--like": list_folder(like, "--like", skip)}
    learn(gan, data, quiet, save, overwrite)
    return gan
