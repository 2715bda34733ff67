"""A tracked GAN of images: learn them, draw new ones, measure those, and leave all of it in an MLflow run."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.tracking import inputs
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client
from ganaug.tracking.image_files import ImageSet, check_choice, digest, read_set, split
from ganaug.tracking.table_run import run_of_ones_own

if TYPE_CHECKING:
    from ganaug.evaluation import ImageQuality
    from ganaug.images.noise import NoiseGAN

MIN_SAMPLES = 10
"""Fewer have not enough neighbors to be compared by."""
MAX_TAG_LENGTH = 5_000
_MOST_MEASURED, _MOST_VALUES = 5_000, 2**27
_GRID_IMAGES = 100


@dataclass(frozen=True)
class ImagesRun:
    """What a tracked GAN of images has learned, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    model_name : str
        Class of the GAN.
    loaded : str
        What was loaded, in words.
    figures : dict
        Quality of the samples beside its floor: see ``ImageQuality.to_dict``.
    report : str
        The same as a table.
    likeness : float or None
        Of the weights that were kept: minus the Frechet distance of random features, 0 is best.
    n_learned, n_held_out : int
        Images that were learned, and those that were kept apart to measure by.
    n_iter : int
        Generator updates made.
    stop_reason : str
    seconds : float
        Duration of the training.
    data_digest : str
        SHA-256 of the images and their labels.
    model, samples, synthetic, quality : Path
        Model folder, a picture of samples (PNG), all samples with their labels (arrays ``X`` and ``y``, NPZ), and the
        figures (CSV).
    """

    run_id: str
    experiment_id: str
    tracking_uri: str
    model_name: str
    loaded: str
    figures: dict[str, float]
    report: str
    likeness: float | None
    n_learned: int
    n_held_out: int
    n_iter: int
    stop_reason: str
    seconds: float
    data_digest: str
    model: Path
    samples: Path
    synthetic: Path
    quality: Path


def track_images_run(
    data: str | os.PathLike[str] | None = None,
    *,
    model: str | None = None,
    recipe: str | None = None,
    max_steps: int | None = 600,
    max_seconds: float | None = None,
    image_size: int | str | tuple[int, int] | None = None,
    resize: str = "error",
    n_samples: int = 1_000,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "images-output",
    verbose: int = 0,
) -> ImagesRun:
    """Learn images, draw new ones, measure those, and track it all with MLflow.

    A fifth of the images (of each class) is held out of the training, to measure by. Logged are parameters, every term
    over time, pictures of samples by step, the quality beside its floor, the samples, the model's folder and a digest
    of the data. Under ``mlflow run`` that is the project's run; else one is started, as a child where another is
    active.

    Parameters
    ----------
    data : path-like or None, default=None
        A folder of images, whose sub-folders are classes, or a .npz file of arrays ``X`` and, optionally, ``y``, or a
        .npy file. None takes scikit-learn's digits.
    model : {"dcgan", "conditional", "vanilla"} or None, default=None
        None is conditional where there are classes, else dcgan.
    recipe : {"modern", "textbook"} or None, default=None
        None is the model's own.
    max_steps, max_seconds : number or None
        Budget of the training; the first one used up ends it. The default is enough for tiny images alone: 3,000 steps
        are the model's own, which it takes if both are None.
    image_size : int, "32x48", (height, width) or None, default=None
    resize : {"error", "crop", "pad", "stretch"}, default="error"
        What is done to images of another size.
    n_samples : int, default=1_000
        Images to draw.
    random_state : int or None, default=0
        Seed of the hold-out, the training and the samples.
    output_dir : path-like, default="images-output"
        Where the files are left as well: model/, samples.png, synthetic.npz, quality.csv.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    ImagesRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the images can't be read; named in the message.
    """
    from ganaug.images.sources import make_gan, parse_size

    for name, value in (("model", model), ("recipe", recipe), ("resize", resize)):
        check_choice(name, value)
    inputs.check_count("max_steps", max_steps, 1)
    inputs.check_seconds(max_seconds)
    inputs.check_count("n_samples", n_samples, MIN_SAMPLES, may_be_none=False)
    inputs.check_count("random_state", random_state, 0)
    size = parse_size(image_size, "`image_size`=")
    images = read_set(data, model)
    folder = inputs.make_folder(output_dir)
    gan = make_gan(
        model,
        images.y is not None,
        **{"recipe": recipe, "max_steps": max_steps, "max_seconds": max_seconds, "image_size": size, "resize": resize},
        **{"random_state": random_state, "verbose": verbose},
    )
    learned, held_out = split(images, random_state)
    job = {
        **{"data": "" if data is None else os.fspath(data), "model_class": type(gan).__name__, "n_samples": n_samples},
        **{"random_state": random_state, "n_images": len(images.X), "data_digest": digest(images)},
    }
    with run_of_ones_own() as active:
        log_new_params(make_client(), active.info.run_id, flatten(job))
        gan.set_params(callbacks=[MLflowCallback(run_id=active.info.run_id)])
        train = images.at(learned)
        gan.fit(train.X, train.y)
        drawn = _draw(gan, n_samples, random_state)
        quality = _measure(gan, train, drawn, images.at(held_out), random_state)
        files = _write_files(folder, gan, drawn, quality)
        _log(active.info.run_id, quality, gan, files)
        return _summarize(active, gan, quality, len(held_out), job["data_digest"], files)


def _draw(gan: "NoiseGAN", n_samples: int, random_state: int | None) -> ImageSet:
    from ganaug.images import ConditionalGAN

    if isinstance(gan, ConditionalGAN):
        return ImageSet(*gan.sample(n_samples, return_y=True, random_state=random_state))
    return ImageSet(gan.sample(n_samples, random_state=random_state), None)


def _measure(
    gan: "NoiseGAN", train: ImageSet, drawn: ImageSet, held_out: ImageSet, random_state: int | None
) -> "ImageQuality":
    """Compare at most 5,000 images of each kind, and fewer of large ones."""
    from ganaug.evaluation import image_quality

    most = min(_MOST_MEASURED, max(200, _MOST_VALUES // gan.encoder_.format_.n_values))
    real, synthetic, fresh = (_some(part, most, gan) for part in (train, drawn, held_out))
    if real.y is None or (np.unique(real.y, return_counts=True)[1] > 1).sum() < 2:
        # The judge learns from a half of each class; a run must not fail for want of one after its training.
        real, synthetic, fresh = (ImageSet(part.X, None) for part in (real, synthetic, fresh))
    else:
        synthetic, fresh = (_of_classes(part, np.unique(real.y)) for part in (synthetic, fresh))
    labels = {"y": real.y, "y_synthetic": synthetic.y, "y_holdout": fresh.y}
    return image_quality(real.X, synthetic.X, holdout=fresh.X, **labels, random_state=random_state)


def _of_classes(part: ImageSet, classes: np.ndarray) -> ImageSet:
    """Return the images of these classes: the rarest may be missing among some of many."""
    return part if part.y is None else part.at(np.flatnonzero(np.isin(part.y, classes)))


def _some(part: ImageSet, most: int, gan: "NoiseGAN") -> ImageSet:
    """Return at most so many images, as the GAN was shown them: float32 in [0, 1], channels last."""
    if len(part.X) > most:
        part = part.at(np.sort(np.random.default_rng(0).permutation(len(part.X))[:most]))
    unit = gan.encoder_.encode(part.X).numpy()
    return ImageSet(((unit + 1) / 2).transpose(0, 2, 3, 1), part.y)


def _write_files(folder: Path, gan: "NoiseGAN", drawn: ImageSet, quality: "ImageQuality") -> dict[str, Path]:
    from ganaug.images import save_grid

    files = {"model": folder / "model", "samples": folder / "samples.png"}
    gan.save(files["model"])
    save_grid(drawn.X[:_GRID_IMAGES], files["samples"], **gan.encoder_.format_.picture_form())
    arrays = {"X": drawn.X} if drawn.y is None else {"X": drawn.X, "y": drawn.y}
    files["synthetic"] = write_file(folder / "synthetic.npz", lambda path: np.savez_compressed(path, **arrays))
    files["quality"] = write_file(folder / "quality.csv", lambda path: quality.figures.to_csv(path, index=False))
    return files


def write_file(target: Path, write: Callable[[Any], object]) -> Path:
    """Write under another name, then rename: a file is old or new, never half of one."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _log(run_id: str, quality: "ImageQuality", gan: "NoiseGAN", files: dict[str, Path]) -> None:
    client, likeness = make_client(), getattr(gan, "likeness_", None)
    for name, value in quality.to_dict().items():
        client.log_metric(run_id, f"quality/{name}", value)
    if likeness is not None:
        client.log_metric(run_id, "likeness", likeness)
    client.set_tag(run_id, "ganaug.loaded", str(gan.encoder_.report_)[:MAX_TAG_LENGTH])
    for name in ("samples", "synthetic", "quality"):
        client.log_artifact(run_id, str(files[name]))
    client.log_artifacts(run_id, str(files["model"]), "model")


def _summarize(
    active: Any, gan: "NoiseGAN", quality: "ImageQuality", n_held_out: int, data_digest: str, files: dict[str, Path]
) -> ImagesRun:
    import mlflow

    return ImagesRun(
        run_id=active.info.run_id,
        experiment_id=active.info.experiment_id,
        tracking_uri=mlflow.get_tracking_uri(),
        model_name=type(gan).__name__,
        loaded=str(gan.encoder_.report_),
        figures=quality.to_dict(),
        report=str(quality),
        likeness=getattr(gan, "likeness_", None),
        n_learned=gan.n_images_,
        n_held_out=n_held_out,
        n_iter=gan.n_iter_,
        stop_reason=str(gan.stop_reason_),
        seconds=gan.history_[-1]["seconds"] if gan.history_ else 0.0,
        data_digest=data_digest,
        **files,
    )
