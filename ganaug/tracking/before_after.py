"""What runs of models that make images of images share: what they found, a picture before and after, and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs
from ganaug.tracking.callback import make_client
from ganaug.tracking.image_files import ImageSet
from ganaug.tracking.images_run import MAX_TAG_LENGTH, write_file

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.images.encoder import ImageEncoder
    from ganaug.images.translator import ImageTranslator

MIN_IMAGES = 5
SHOWN = 8
"""Images beside each other in a picture."""
_SIDES = 64, 128
"""An image in a picture is enlarged to about so many pixels at least, or cut to so many at most."""


@dataclass(frozen=True)
class BeforeAfterRun:
    """What a tracked model that makes images of images has learned, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    loaded : str
        What was loaded, in words.
    figures : dict
        What was measured on images that were held out.
    report : str
        The same in words.
    n_learned, n_held_out : int
        Images that were learned, and those that were kept apart to measure by; of both domains if there are two.
    n_iter : int
        Generator updates made.
    stop_reason : str
    seconds : float
        Duration of the training.
    data_digest : str
        SHA-256 of the images.
    model, picture, quality : Path
        Model folder, images before and after (PNG), and the figures (CSV).
    """

    run_id: str
    experiment_id: str
    tracking_uri: str
    loaded: str
    figures: dict[str, float]
    report: str
    n_learned: int
    n_held_out: int
    n_iter: int
    stop_reason: str
    seconds: float
    data_digest: str
    model: Path
    picture: Path
    quality: Path


@dataclass(frozen=True)
class Measured:
    """What was found on images that were held out: as a table, as values for a log, in words and as rows of images."""

    table: "pd.DataFrame"
    figures: dict[str, float]
    report: str
    rows: list[list[np.ndarray]]
    n_held_out: int


def check_patch_size(patch_size: Any) -> None:
    """Refuse what is no side of parts to learn from."""
    from ganaug.images.layouts import SMALLEST

    inputs.check_count("patch_size", patch_size, SMALLEST)


def read_pictures(data: Any, name: str) -> Any:
    """Return a run's images, as an array or as paths."""
    from ganaug.images.reading import find_files
    from ganaug.images.sources import read_images

    X, _ = read_images(data, f"`{name}`=")
    X = find_files(X).paths if isinstance(X, Path) else X
    if len(X) < MIN_IMAGES:
        raise InvalidInputError(f"`{name}`={str(data)!r} has {len(X)} images; a run needs at least {MIN_IMAGES}.")
    return X


def hold_out(X: Any, random_state: int | None) -> tuple[Any, Any, np.ndarray]:
    """Return images to learn from, a fifth that is held out, and the places of that fifth."""
    order = np.random.default_rng(random_state).permutation(len(X))
    n_held_out = max(1, round(inputs.HOLDOUT_SHARE * len(X)))
    held_out = np.sort(order[:n_held_out])
    return ImageSet(X, None).at(np.sort(order[n_held_out:])).X, ImageSet(X, None).at(held_out).X, held_out


def as_memory_allows(X: Any, gan: "ImageTranslator", random_state: int | None) -> Any:
    """Return as many of the files to learn from as memory holds; an array is held already."""
    from ganaug.images.sources import choose_within

    return X if isinstance(X, np.ndarray) else choose_within(X, gan.memory_limit, random_state)


def as_units(images: Any, encoder: "ImageEncoder") -> list[np.ndarray]:
    """Return images of an encoder's form and of any sizes as floats (channels, height, width) in [-1, 1]."""
    from ganaug.images.anysize import load_pictures
    from ganaug.images.formats import to_unit
    from ganaug.images.policy import Policy

    pictures = load_pictures(images, encoder.format_, Policy.of(encoder))
    return [to_unit(pixels, pictures.low, pictures.high) for pixels in pictures.pixels]


def arrange(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Return images of ``as_units``, row by row, with equally many channels and of one size: the middle of each."""
    images = [image for row in rows for image in row]
    n_channels = max(len(image) for image in images)
    height, width = (min(_SIDES[1], *(image.shape[axis] for image in images)) for axis in (1, 2))
    times = max(1, _SIDES[0] // min(height, width))
    return (
        np.stack([_cut(_widen(image, n_channels), height, width) for image in images]).repeat(times, 2).repeat(times, 3)
    )


def _widen(image: np.ndarray, n_channels: int) -> np.ndarray:
    if len(image) == 1 < n_channels:
        image = np.repeat(image, 3, axis=0)
    opaque = np.ones((n_channels - len(image), *image.shape[1:]), image.dtype)
    return np.concatenate([image, opaque])


def _cut(image: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]


def keep(
    active: Any, gan: "ImageTranslator", measured: Measured, loaded: str, folder: Path, data_digest: str
) -> dict[str, Any]:
    """Write and log what was learned and found; return the fields of a ``BeforeAfterRun``."""
    import mlflow

    from ganaug.images import save_grid

    files = {name: folder / file for name, file in (("model", "model"), ("picture", "before-after.png"))}
    gan.save(files["model"])
    save_grid(
        arrange(measured.rows), files["picture"], n_columns=len(measured.rows[0]), value_range=(-1, 1), layout="NCHW"
    )
    files["quality"] = write_file(folder / "quality.csv", lambda path: measured.table.to_csv(path, index=False))
    client, run_id = make_client(), active.info.run_id
    for name, value in measured.figures.items():
        client.log_metric(run_id, f"held_out/{name}", value)
    client.set_tag(run_id, "ganaug.loaded", loaded[:MAX_TAG_LENGTH])
    client.set_tag(run_id, "ganaug.verdict", measured.report[:MAX_TAG_LENGTH])
    for name in ("picture", "quality"):
        client.log_artifact(run_id, str(files[name]))
    client.log_artifacts(run_id, str(files["model"]), "model")
    return {
        "run_id": run_id,
        "experiment_id": active.info.experiment_id,
        "tracking_uri": mlflow.get_tracking_uri(),
        "loaded": loaded,
        "figures": measured.figures,
        "report": measured.report,
        "n_learned": int(np.sum(gan.n_images_)),
        "n_held_out": measured.n_held_out,
        "n_iter": gan.n_iter_,
        "stop_reason": str(gan.stop_reason_),
        "seconds": gan.history_[-1]["seconds"] if gan.history_ else 0.0,
        "data_digest": data_digest,
        **files,
    }
