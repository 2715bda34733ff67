"""A tracked SRGAN: learn to enlarge images, measure it beside bicubic, and leave all of it in an MLflow run."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs
from ganaug.tracking.before_after import (
    SHOWN,
    BeforeAfterRun,
    Measured,
    as_memory_allows,
    as_units,
    check_patch_size,
    hold_out,
    keep,
    read_pictures,
)
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client
from ganaug.tracking.image_files import ImageSet, digest
from ganaug.tracking.table_run import run_of_ones_own

if TYPE_CHECKING:
    from ganaug.images import SRGAN

_TILE = 128
_MOST_MEASURED = 50


class UpscaleRun(BeforeAfterRun):
    """What a tracked SRGAN has learned, and where it left its files; see ``BeforeAfterRun``.

    The rows of ``picture`` are bicubic enlargements, the model's, and the true images.
    """


def track_upscale_run(
    data: str | os.PathLike[str] | None = None,
    *,
    scale: int = 2,
    degradation: str = "area",
    patch_size: int | None = None,
    max_steps: int | None = 300,
    max_seconds: float | None = None,
    interpolation: float = 1.0,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "upscale-output",
    verbose: int = 0,
) -> UpscaleRun:
    """Learn to enlarge images, measure it beside bicubic enlargement, and track it all with MLflow.

    A fifth of the images is held out of the training and made small: what the model makes of those is compared with
    what they were. Logged are parameters, every term over time, PSNR, SSIM and sharpness of the model, of its first
    phase and of bicubic enlargement, a picture before and after, the model's folder and a digest of the data. Under
    ``mlflow run`` that is the project's run; else one is started, as a child where another is active.

    Parameters
    ----------
    data : path-like or None, default=None
        A folder of large images of any sizes, a .npz file with the array ``X``, or a .npy file. None takes 30 parts of
        128 x 128 pixels of scikit-learn's two photographs: no pixel that is measured has been learned, but its
        photograph has.
    scale : {2, 3, 4}, default=2
        How many times as high and wide images become.
    degradation : {"area", "bicubic", "blur_noise"}, default="area"
        How large images become small ones.
    patch_size : int or None, default=None
        Side of the parts to learn from. None is the images', up to 64.
    max_steps, max_seconds : number or None
        Budget of the training; the first one used up ends it. The default shows what there is to see; 3,000 steps are
        the model's own, which it takes if both are None.
    interpolation : float, default=1.0
        Between the generator that is closest to the true pixels (0) and the one with most texture (1).
    random_state : int or None, default=0
        Seed of the hold-out and the training.
    output_dir : path-like, default="upscale-output"
        Where the files are left as well: model/, before-after.png, quality.csv.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    UpscaleRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the images can't be read; named in the message.
    """
    _check(scale, degradation, patch_size, interpolation)
    inputs.check_count("max_steps", max_steps, 1)
    inputs.check_seconds(max_seconds)
    inputs.check_count("random_state", random_state, 0)
    X = _cut_photographs() if data is None else read_pictures(data, "data")
    folder = inputs.make_folder(output_dir)
    from ganaug.images import SRGAN

    gan = SRGAN(
        scale,
        degradation=degradation,
        patch_size=patch_size,
        max_steps=max_steps,
        max_seconds=max_seconds,
        network_interpolation=interpolation,
        random_state=random_state,
        verbose=verbose,
    )
    learned, held_out, _ = hold_out(X, random_state)
    job = {
        **{"data": "" if data is None else os.fspath(data), "random_state": random_state},
        **{"n_images": len(X), "data_digest": digest(ImageSet(X, None))},
    }
    with run_of_ones_own() as active:
        log_new_params(make_client(), active.info.run_id, flatten(job))
        gan.set_params(callbacks=[MLflowCallback(run_id=active.info.run_id)])
        gan.fit(as_memory_allows(learned, gan, random_state))
        measured = _measure(gan, held_out, random_state)
        loaded = str(gan.encoder_.report_)
        return UpscaleRun(**keep(active, gan, measured, loaded, folder, job["data_digest"]))


def _check(scale: Any, degradation: Any, patch_size: Any, interpolation: Any) -> None:
    if scale not in (2, 3, 4):
        raise InvalidInputError(f"`scale`={scale!r} must be 2, 3 or 4.")
    from ganaug.images.degrading import DEGRADATIONS

    if degradation not in DEGRADATIONS:
        raise InvalidInputError(f"`degradation`={degradation!r} must be one of {', '.join(DEGRADATIONS)}.")
    check_patch_size(patch_size)
    if patch_size is not None and patch_size % scale:
        raise InvalidInputError(f"`patch_size`={patch_size} must be a multiple of `scale`={scale}.")
    if not isinstance(interpolation, int | float) or not 0 <= interpolation <= 1:
        raise InvalidInputError(f"`interpolation`={interpolation!r} must be a number from 0 to 1.")


def _cut_photographs() -> np.ndarray:
    """Return the parts of scikit-learn's photographs, side by side."""
    from sklearn.datasets import load_sample_images

    parts = [
        photograph[top : top + _TILE, left : left + _TILE]
        for photograph in load_sample_images().images
        for top in range(0, photograph.shape[0] - _TILE + 1, _TILE)
        for left in range(0, photograph.shape[1] - _TILE + 1, _TILE)
    ]
    return np.stack(parts)


def _measure(gan: "SRGAN", held_out: Any, random_state: int | None) -> Measured:
    from ganaug.evaluation import compare_upscaling
    from ganaug.evaluation.upscaling_methods import BICUBIC, MODEL, enlarge_by_all

    some = held_out[:_MOST_MEASURED]
    found = compare_upscaling(gan, some, random_state=random_state)
    results, large, _ = enlarge_by_all(gan, some[:SHOWN], None, None, None, "steps", random_state or 0)
    rows = [as_units(images, gan.encoder_) for images in (results[BICUBIC], results[MODEL], large)]
    return Measured(found.table, found.to_dict(), str(found), rows, len(some))
