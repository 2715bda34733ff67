"""``ganaug images fit``: learn images from a folder or a file of arrays, and save a model that draws new ones."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import INTERRUPTED, CommandGroup, make_console
from ganaug.cli.fit import check_folder
from ganaug.cli.images_learning import Color, OnUnreadable, Resize, in_words_of_options, report_loaded
from ganaug.cli.images_sample import sample
from ganaug.cli.images_translate import translate
from ganaug.cli.images_upscale import upscale
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from ganaug.images.noise import NoiseGAN

images = typer.Typer(
    cls=CommandGroup,
    help="Learn images with a GAN and draw new ones; enlarge images, or translate them.",
    no_args_is_help=True,
)

Model = StrEnum("Model", ["dcgan", "conditional", "vanilla"])
Recipe = StrEnum("Recipe", ["modern", "textbook"])
Layout = StrEnum("Layout", [(name, name) for name in ("auto", "NHWC", "NCHW", "NHW")])


@images.command()
def fit(
    data: Annotated[
        Path, typer.Argument(help="Folder of images, whose sub-folders are classes; or .npz (X and maybe y), .npy.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the model.")],
    model: Annotated[
        Model | None, typer.Option(help="Which GAN.", show_default="conditional where there are classes, else dcgan")
    ] = None,
    recipe: Annotated[Recipe | None, typer.Option(help="Networks and settings.", show_default="the model's")] = None,
    image_size: Annotated[str | None, typer.Option(help="Size to learn: 32, or height x width: 32x48.")] = None,
    resize: Annotated[Resize, typer.Option(help="What is done to images of another size.")] = Resize.error,
    color: Annotated[Color, typer.Option(help="What files are read as.")] = Color.auto,
    value_range: Annotated[
        str | None, typer.Option(help="Black and white of an array: 0..16.", show_default="by its dtype")
    ] = None,
    layout: Annotated[Layout, typer.Option(help="Order of an array's axes.")] = Layout.auto,
    on_unreadable: Annotated[OnUnreadable, typer.Option(help="What is done about damaged files.")] = OnUnreadable[
        "raise"
    ],
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.", show_default="no limit")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Generator updates.", show_default="3000")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0.001, help="Wall time.", show_default="no limit")] = None,
    grids: Annotated[Path | None, typer.Option(help="Folder for a picture of samples every so many steps.")] = None,
    grids_every: Annotated[int, typer.Option(min=1, help="Steps between two of them.")] = 250,
    random_state: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed: same seed and steps, same model.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace a model that is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Learn images with a GAN and save it; the first limit reached ends the training."""
    check_folder(output, overwrite)
    _check_grids(grids)
    parameters: dict[str, Any] = {
        **{"recipe": recipe, "resize": resize, "color": color, "layout": layout, "on_unreadable": on_unreadable},
        **{"epochs": epochs, "max_steps": max_steps, "max_seconds": max_seconds},
        **{"value_range": _parse_range(value_range), "device": device, "random_state": random_state},
    }
    parameters = {name: str(value) if isinstance(value, StrEnum) else value for name, value in parameters.items()}
    from ganaug.images.sources import find_labels, parse_size, read_images

    parameters["image_size"] = parse_size(image_size, "--image-size ")
    X, y = read_images(data, "DATA ")
    with in_words_of_options():
        gan = _choose(model, data, find_labels(X, y) is not None, parameters, quiet)
        gan.set_params(callbacks=_make_callbacks(gan, grids, grids_every, quiet), verbose=int(not quiet))
        gan.fit(X, y)
    gan.save(output)
    if not quiet:
        _tell(gan, output)
    if gan.stop_reason_ == "interrupted":
        raise typer.Exit(INTERRUPTED)


for command in (sample, upscale, translate):
    images.command()(command)


def _choose(model: str | None, data: Path, has_labels: bool, parameters: dict[str, Any], quiet: bool) -> "NoiseGAN":
    """Return the GAN, and say which one it is where that was left open."""
    from ganaug.images.sources import make_gan

    if model == Model.conditional and not has_labels:
        raise InvalidInputError(
            f"--model conditional: {str(data)!r} has no two classes; put the images of each class in a sub-folder of "
            "its own, or give the array y in a .npz file, or choose dcgan."
        )
    gan = make_gan(model, has_labels, **parameters)
    if model is None and not quiet:
        why = "there are classes; --model dcgan ignores them" if has_labels else "there are no classes"
        make_console().print(f"Model: {type(gan).__name__} ({why}).", markup=False)
    return gan


def _check_grids(folder: Path | None) -> None:
    if folder is not None and folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"--grids {str(folder)!r} is a file; name a folder.")


def _parse_range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = map(float, text.split(".."))
    except ValueError:
        raise InvalidInputError(
            f"--value-range {text!r}: give the values that stand for black and white, such as 0..16."
        ) from None
    return low, high


def _make_callbacks(gan: "NoiseGAN", grids: Path | None, every: int, quiet: bool) -> list[Any]:
    from ganaug.images import SampleGrid

    pictures = [] if grids is None else [SampleGrid(every, grids)]
    return [*pictures, *([] if quiet else [report_loaded(gan)])]


def _tell(gan: "NoiseGAN", output: Path) -> None:
    """Say what was learned, how the game went and what to type next."""
    seconds = gan.history_[-1]["seconds"] if gan.history_ else 0.0
    likeness = getattr(gan, "likeness_", None)
    lines = [
        f"Learned {gan.n_images_:,} images in {gan.n_iter_:,} steps and {seconds:.0f} s (stop reason: "
        f"{gan.stop_reason_}).",
        *([] if likeness is None else [f"Likeness: {likeness:.3g} (0 is best; comparable for the same images alone)."]),
        str(gan.diagnose()),
        "",
        f"Model  {output}",
        f"Next:  ganaug images sample {quote(str(output))} -n 64 -o grid.png",
    ]
    for line in lines:
        make_console().print(line, markup=False)
