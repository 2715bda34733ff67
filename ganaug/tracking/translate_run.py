"""A tracked CycleGAN: learn to translate images, measure how they come back, and leave all of it in an MLflow run."""

import os
from dataclasses import dataclass
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
    from ganaug.images import CycleGAN

_MOST_MEASURED = 200


class TranslateRun(BeforeAfterRun):
    """What a tracked CycleGAN has learned, and where it left its files; see ``BeforeAfterRun``.

    The rows of ``picture`` are images of A, their translations, and those translated back; last, where they are known,
    the true partners.
    """


@dataclass(frozen=True)
class _Domains:
    """Images of A and B, and the true partner of each image of A where it is known."""

    a: Any
    b: Any
    partners: np.ndarray | None = None


def track_translate_run(
    data: str | os.PathLike[str] | None = None,
    *,
    like: str | os.PathLike[str] | None = None,
    patch_size: int | None = None,
    cycle_weight: float = 1.0,
    max_steps: int | None = 1_000,
    max_seconds: float | None = None,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "translate-output",
    verbose: int = 0,
) -> TranslateRun:
    """Learn to make images look like others, measure how much of them survives, and track it all with MLflow.

    A fifth of the images of both domains is held out of the training. Logged are parameters, every term over time, how
    changed those images come back from the other domain, how close translations are to the true ones where those are
    known, a picture before and after, the model's folder and a digest of the data. Under ``mlflow run`` that is the
    project's run; else one is started, as a child where another is active.

    Parameters
    ----------
    data, like : path-like or None, default=None
        Images, and others that they are to look like, which are no pairs: folders, .npz files with the array ``X``, or
        .npy files. Both None take scikit-learn's digits: one half white on black, the other half black on white, so
        that the true translation is known, though the model is never shown it.
    patch_size : int or None, default=None
        Side of the parts to learn from. None is the images', up to 64.
    cycle_weight : float, default=1.0
        How much it costs to come back changed.
    max_steps, max_seconds : number or None
        Budget of the training; the first one used up ends it. The default is enough for tiny images alone: 3,000 steps
        are the model's own, which it takes if both are None.
    random_state : int or None, default=0
        Seed of the hold-out and the training.
    output_dir : path-like, default="translate-output"
        Where the files are left as well: model/, before-after.png, quality.csv.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    TranslateRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the images can't be read; named in the message.
    """
    if not isinstance(cycle_weight, int | float) or not 0 <= cycle_weight < np.inf:
        raise InvalidInputError(f"`cycle_weight`={cycle_weight!r} must be a number of at least 0.")
    check_patch_size(patch_size)
    inputs.check_count("max_steps", max_steps, 1)
    inputs.check_seconds(max_seconds)
    inputs.check_count("random_state", random_state, 0)
    from ganaug.images import CycleGAN

    domains = _read(data, like)
    folder = inputs.make_folder(output_dir)
    gan = CycleGAN(
        patch_size=patch_size,
        cycle_weight=cycle_weight,
        max_steps=max_steps,
        max_seconds=max_seconds,
        random_state=random_state,
        verbose=verbose,
    )
    (learned_a, held_out_a, places), (learned_b, held_out_b, _) = (
        hold_out(images, random_state) for images in (domains.a, domains.b)
    )
    truth = None if domains.partners is None else domains.partners[places]
    digests = [digest(ImageSet(images, None)) for images in (domains.a, domains.b)]
    job = {
        **{"data": "" if data is None else os.fspath(data), "like": "" if like is None else os.fspath(like)},
        **{"n_images": len(domains.a) + len(domains.b), "random_state": random_state},
        **{"data_digest": " ".join(digests)},
    }
    with run_of_ones_own() as active:
        log_new_params(make_client(), active.info.run_id, flatten(job))
        gan.set_params(callbacks=[MLflowCallback(run_id=active.info.run_id)])
        try:
            gan.fit(*(as_memory_allows(learned, gan, random_state) for learned in (learned_a, learned_b)))
        except InvalidInputError as error:
            text = str(error).replace("domain_a:", "`data`:").replace("domain_b:", "`like`:")
            raise InvalidInputError(text) from error
        measured = _measure(gan, held_out_a, held_out_b, truth)
        loaded = f"A: {gan.encoder_.report_}\nB: {gan.encoder_b_.report_}"
        return TranslateRun(**keep(active, gan, measured, loaded, folder, job["data_digest"]))


def _read(data: Any, like: Any) -> _Domains:
    if data is None and like is None:
        from sklearn.datasets import load_digits

        digits = load_digits().images / 16
        half = len(digits) // 2
        return _Domains(digits[:half], 1 - digits[half:], partners=1 - digits[:half])
    for name, value, other in (("data", data, "like"), ("like", like, "data")):
        if value is None:
            raise InvalidInputError(
                f"`{name}` is missing: `data` is made to look like `like`, so give both, or leave out `{other}` too "
                "for scikit-learn's digits."
            )
    return _Domains(read_pictures(data, "data"), read_pictures(like, "like"))


def _measure(gan: "CycleGAN", held_out_a: Any, held_out_b: Any, truth: np.ndarray | None) -> Measured:
    """Measure how images come back, and where the true ones are known how close translations are to them."""
    import pandas as pd

    a, b = held_out_a[:_MOST_MEASURED], held_out_b[:_MOST_MEASURED]
    translated = gan.transform(a)
    back = gan.inverse_transform(translated)
    there = gan.transform(gan.inverse_transform(b))
    figures = {
        "cycle_error_a": _change(as_units(back, gan.encoder_), as_units(a, gan.encoder_)),
        "cycle_error_b": _change(as_units(there, gan.encoder_b_), as_units(b, gan.encoder_b_)),
    }
    lines = [
        "Coming back from the other domain, a pixel has changed by {cycle_error_a:.3f} of its range (images of A) and "
        "{cycle_error_b:.3f} (of B)."
    ]
    rows = [as_units(images[:SHOWN], encoder) for images, encoder in ((a, gan.encoder_), (translated, gan.encoder_b_))]
    rows.append(as_units(back[:SHOWN], gan.encoder_))
    if truth is not None:
        from ganaug.evaluation import psnr, ssim

        truth = truth[:_MOST_MEASURED]
        for name, images in (("translated", translated), ("untranslated", a)):
            figures |= {
                f"{name}_psnr": float(psnr(images, truth).mean()),
                f"{name}_ssim": float(ssim(images, truth).mean()),
            }
        lines.append(
            "Of the true translation, which it was never shown, translations are {translated_psnr:.1f} dB away (SSIM "
            "{translated_ssim:.2f}), and images as they are {untranslated_psnr:.1f} dB ({untranslated_ssim:.2f}); more "
            "is closer."
        )
        rows.append(as_units(truth[:SHOWN], gan.encoder_b_))
    table = pd.DataFrame({"figure": list(figures), "value": list(figures.values())})
    return Measured(table, figures, "\n".join(lines).format(**figures), rows, len(a) + len(b))


def _change(images: list[np.ndarray], before: list[np.ndarray]) -> float:
    """Return the mean change of a pixel, as a share of the range."""
    return float(np.mean([np.abs(image - was).mean() / 2 for image, was in zip(images, before, strict=True)]))
