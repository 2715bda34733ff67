"""``ganaug images sample``: new images from a saved model, as one picture or as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import in_bytes, make_console
from ganaug.cli.loading import load_images_model
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import numpy as np

    from ganaug.images.noise import NoiseGAN

_N_LISTED = 20
_OTHER_PICTURES = (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def sample(
    model: Annotated[Path, typer.Argument(help="Folder that `ganaug images fit` wrote.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A name ending in .png for one picture, or a folder for files.")
    ],
    n_samples: Annotated[int, typer.Option("--n-samples", "-n", min=1, help="Images.")] = 64,
    label: Annotated[
        list[str] | None, typer.Option(help="Class to draw, of a conditional model; repeat it to draw several in turn.")
    ] = None,
    truncation: Annotated[float, typer.Option(min=0.0, help="Below 1, images are more usual and less varied.")] = 1.0,
    columns: Annotated[
        int | None, typer.Option(min=1, help="Images beside each other in a picture.", show_default="a square")
    ] = None,
    random_state: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed; the same one gives the same images.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace files of the same names.")
    ] = False,
) -> None:
    """Draw images from a model; into a folder, classes go in sub-folders if the model knows any."""
    is_picture = output.suffix.lower() == ".png"
    _check_output(output, overwrite, is_picture, columns)
    from ganaug.images import save_grid, save_images
    from ganaug.images.noise import NoiseGAN

    gan = load_images_model(model, NoiseGAN, "a model that draws images")
    drawn, labels = _draw(gan, n_samples, label or [], truncation, random_state)

    known = gan.encoder_.format_
    form = known.picture_form()
    if is_picture:
        save_grid(drawn, output, n_columns=columns, **form)
        size = in_bytes(output.stat().st_size)
    else:
        files = save_images(drawn, output, labels, overwrite=overwrite, **form)
        size = in_bytes(sum(file.stat().st_size for file in files))
    if known.is_deep_color and not is_picture:
        size += ", 8 bits per color of the 16: a PNG file gets no more"
    images = "1 image" if n_samples == 1 else f"{n_samples:,} images"
    make_console().print(f"{images} written to {output} ({size}).", markup=False)


def _check_output(path: Path, overwrite: bool, is_picture: bool, columns: int | None) -> None:
    """Refuse a place that can't be written to before any image is drawn."""
    told = f"--output {str(path)!r}"
    if path.suffix.lower() in _OTHER_PICTURES and not path.is_dir():
        raise InvalidInputError(f"{told}: pictures are written as PNG; let the name end in .png, or name a folder.")
    if columns is not None and not is_picture:
        raise InvalidInputError(f"--columns {columns} is for one picture; let --output end in .png, or leave it out.")
    if is_picture:
        if path.is_dir():
            raise InvalidInputError(f"{told} is a folder; a name that ends in .png is a picture. Choose another name.")
        is_there = path.exists()
    else:
        if path.exists() and not path.is_dir():
            raise InvalidInputError(f"{told} is a file; name a folder, or a picture that ends in .png.")
        is_there = path.exists() and any(path.iterdir())
    if is_there and not overwrite:
        what = "exists" if is_picture else "is a folder that is not empty"
        raise InvalidInputError(f"{told} {what}; add --overwrite to replace what is there, or choose another name.")


def _draw(
    gan: "NoiseGAN", n_samples: int, texts: list[str], truncation: float, random_state: int | None
) -> "tuple[np.ndarray, np.ndarray | None]":
    """Return images, and their classes if the model knows any."""
    from ganaug.images import ConditionalGAN

    chance: dict[str, Any] = {"truncation": truncation, "random_state": random_state}
    if isinstance(gan, ConditionalGAN):
        import numpy as np

        from ganaug.images.records import to_list

        found = [find_label(text, to_list(gan.classes_)) for text in texts]
        wanted = np.array([found[place % len(found)] for place in range(n_samples)]) if found else None
        drawn, labels = gan.sample(n_samples, wanted, return_y=True, **chance)
        return drawn, labels
    if texts:
        raise InvalidInputError(
            f"--label {texts[0]!r}: a {type(gan).__name__} knows no classes; fit with --model conditional."
        )
    return gan.sample(n_samples, **chance), None


def find_label(text: str, classes: list[Any]) -> Any:
    """Return the class that is written so: 7 for 7.0 as well.

    >>> find_label("7", [6.0, 7.0])
    7.0
    """
    exact = [label for label in classes if str(label) == text]
    alike = [label for label in classes if isinstance(label, float) and f"{label:g}" == text]
    if exact or alike:
        return (exact or alike)[0]
    more = ", ..." if len(classes) > _N_LISTED else ""
    raise InvalidInputError(
        f"--label {text!r}: the model knows no such class; it knows {', '.join(map(str, classes[:_N_LISTED]))}{more}."
    )
