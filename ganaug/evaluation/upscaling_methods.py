"""The ways to enlarge an image that a fitted SRGAN is compared with."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from typing import Any

from ganaug.evaluation.restoration import called
from ganaug.exceptions import InvalidInputError

BICUBIC, PIXELS, FIRST, MODEL = "bicubic", "pixels only", "first phase", "model"


def enlarge_by_all(
    model: Any, X: Any, truth: Any, training: Any, training_truth: Any, budget: str, seed: int
) -> tuple[dict[str, Any], Any, list[str]]:
    """Return what each method makes of the images, the true ones, and notes; see `compare_upscaling`."""
    with _called("X" if truth is None else "truth"):
        large, notes = _as_learned(model, X if truth is None else truth)
    small = _degraded(model, large, seed) if truth is None else X
    with _called("X"):
        results = {BICUBIC: _bicubic(model, small)}
    if truth is not None:
        _check_pairs(results[BICUBIC], large, model.scale)
    if training is not None:
        rival = _train_on_pixels(model, training, training_truth, budget)
        notes.append(_describe_rival(model, rival, budget))
        results[PIXELS] = rival.transform(small)
    results |= {FIRST: _first_phase(model).transform(small), MODEL: model.transform(small)}
    if model.network_interpolation != 1:
        notes.append(f"The model mixes its two phases: network_interpolation={model.network_interpolation:g}.")
    return results, large, notes


def _called(name: str) -> AbstractContextManager[None]:
    return called(name, "the model was fitted to images")


def _load(model: Any, images: Any) -> Any:
    from ganaug.images.anysize import load_pictures
    from ganaug.images.policy import Policy

    return load_pictures(images, model.encoder_.format_, Policy.of(model.encoder_))


def _restore(model: Any, runs: list[Any], is_array: bool) -> Any:
    from ganaug.images.anysize import restore

    return restore(runs, model.encoder_.format_, is_array)


def _as_learned(model: Any, images: Any) -> tuple[Any, list[str]]:
    """Return images in the form that the model returns, cut to multiples of its scale, and what was cut."""
    pictures, scale = _load(model, images), model.scale
    sizes = {image.shape[1:] for image in pictures.pixels}
    shortest = min(min(size) for size in sizes)
    if shortest < scale:
        raise InvalidInputError(f"X has images with a side of {shortest} pixels, below scale={scale}. Leave them out.")
    runs = [part[:, :, : part.shape[2] // scale * scale, : part.shape[3] // scale * scale] for part in pictures.runs()]
    is_cut = any(side % scale for size in sizes for side in size)
    notes = [f"Images were cut at the bottom and the right, to multiples of scale={scale}."] * is_cut
    return _restore(model, runs, pictures.is_array), notes


def _check_pairs(enlarged: Any, large: Any, scale: int) -> None:
    if len(enlarged) != len(large):
        raise InvalidInputError(f"X holds {len(enlarged)} small images and truth {len(large)} large ones; give pairs.")
    for place, (image, true) in enumerate(zip(enlarged, large, strict=True)):
        if image.shape != true.shape:
            raise InvalidInputError(
                f"truth[{place}] has the shape {true.shape}, and X[{place}] has {image.shape} when it is enlarged by "
                f"scale={scale}. Give small images as X, and the large version of each as truth."
            )


def _degraded(model: Any, large: Any, seed: int) -> Any:
    from ganaug.adversarial import make_generator
    from ganaug.images.degrading import degrade

    rng, pictures = make_generator(seed), _load(model, large)
    runs = [degrade(part, model.scale, model.degradation, rng) for part in pictures.runs()]
    return _restore(model, runs, pictures.is_array)


def _bicubic(model: Any, small: Any) -> Any:
    from ganaug.images.networks.upscaling import enlarge

    pictures = _load(model, small)
    return _restore(model, [enlarge(part, model.scale) for part in pictures.runs()], pictures.is_array)


def _first_phase(model: Any) -> Any:
    """Return a copy of the model that uses the generator of its first phase."""
    return copy.copy(model).set_params(network_interpolation=0.0)


def _train_on_pixels(model: Any, training: Any, training_truth: Any, budget: str) -> Any:
    from sklearn.base import clone

    last = model.history_[-1]
    limits = {"max_seconds": max(last["seconds"], 1e-3)} if budget == "seconds" else {"max_steps": model.n_iter_}
    rival = clone(model).set_params(
        **{"epochs": None, "max_steps": None, "max_seconds": None} | limits,
        adversarial_weight=0.0,
        callbacks=None,
        verbose=0,
    )
    return rival.fit(training, training_truth)


def _describe_rival(model: Any, rival: Any, budget: str) -> str:
    (steps, seconds), (own_steps, own_seconds) = (
        (part.n_iter_, part.history_[-1]["seconds"]) for part in (rival, model)
    )
    text = (
        f"{PIXELS!r} is the model without its adversary, given as many {budget}: {steps:,} steps in {seconds:.1f} s; "
        f"the model made {own_steps:,} in {own_seconds:.1f} s."
    )
    if "generator/feature" in model.history_[0]:
        has_network = model.feature_network is not None
        text += (
            " Like the model it compares features as well as pixels."
            if has_network
            else " The model compared features, too, and its network of features was not saved: set feature_network."
        )
    return text
