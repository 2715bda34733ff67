"""The estimators of the package, found by being there; small ones of each, and what to fit and to ask them."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

import ganaug
from ganaug.base import BaseGAN
from ganaug.images.translator import ImageTranslator

SMALL = {
    "GANDetector": {"max_steps": 12, "batch_size": 64},
    "ImageGANDetector": {"max_steps": 6, "batch_size": 16, "n_members": 2, "discriminator_width": 4, "memory": 50},
    "TabularGAN": {"max_steps": 12, "epochs": None, "batch_size": 64},
    "CTGAN": {"epochs": 1, "batch_size": 50, "generator_hidden": (16,), "discriminator_hidden": (16,)},
    "TVAE": {"epochs": 1, "batch_size": 50, "encoder_hidden": (16,), "decoder_hidden": (16,)},
    **{
        name: {
            **{"max_steps": 12, "batch_size": 64, "generator_width": 8, "discriminator_width": 8},
            "keep_best": False,  # which takes longer than the training; the GANs' own tests have it
        }
        for name in ("VanillaGAN", "ConditionalGAN", "DCGAN")
    },
    **{
        name: {"max_steps": 12, "batch_size": 64, "width": 4, "discriminator_width": 4, "n_blocks": 1}
        for name in ("CycleGAN", "SRGAN")
    },
}
"""Budgets that make a test of each; a class that is not named here is tested with its defaults."""


def find_estimators():
    """Every public estimator that the package defines."""
    found = {}
    for module in pkgutil.walk_packages(ganaug.__path__, "ganaug."):
        for name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            is_ours = cls.__module__.startswith("ganaug.") and not name.startswith("_") and not inspect.isabstract(cls)
            if is_ours and issubclass(cls, BaseEstimator) and cls.__init__ is not object.__init__:
                found[name] = cls
    return found


def parameters_of(name):
    return [parameter for parameter in inspect.signature(ESTIMATORS[name].__init__).parameters if parameter != "self"]


def having(method):
    return {name: cls for name, cls in ESTIMATORS.items() if hasattr(cls, method)}


ESTIMATORS = find_estimators()
GANS = {name: cls for name, cls in ESTIMATORS.items() if issubclass(cls, BaseGAN)}
TRANSLATORS = {name for name, cls in GANS.items() if issubclass(cls, ImageTranslator)}
"""Those that make images of images."""
SAMPLERS = having("sample")
TRANSFORMERS = {name: cls for name, cls in having("transform").items() if name not in TRANSLATORS}
"""Those that make features of records."""
LEARNERS = {name: cls for name, cls in ESTIMATORS.items() if not hasattr(cls, "fit_resample")}
"""Those that learn from a table alone; resampling takes labels, and is tested where it is at home."""
SEEDED = {name: cls for name, cls in LEARNERS.items() if "random_state" in parameters_of(name)}


IMAGES = {name for name, cls in LEARNERS.items() if get_tags(cls()).input_tags.three_d_array}
"""Those that learn from images, not from tables."""


def make(name, **kwargs):
    if name in ("CTGAN", "TVAE"):
        pytest.importorskip("ctgan", reason="needs the extra ganaug[sdv]")
    usual = SMALL.get(name, {}) | ({"random_state": 0} if name in SEEDED else {})
    return ESTIMATORS[name](**{**usual, **kwargs})


def make_table(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Oslo", None], n_rows)
    return pd.DataFrame({"city": city, "size": rng.normal(size=n_rows), "count": rng.integers(0, 9, n_rows)})


def make_images(n_images=300, seed=0, shape=(8, 8, 1)):
    """Images with a bright half: the upper one or the left one."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n_images, *shape), dtype=np.uint8)
    is_upper = rng.random(n_images) < 0.5
    images[is_upper, : shape[0] // 2] += 180
    images[~is_upper, :, : shape[1] // 2] += 180
    return images


def make_data(name, n_rows=300, seed=0):
    """What ``name`` learns from: a table, or images."""
    return make_images(n_rows, seed) if name in IMAGES else make_table(n_rows, seed)


def make_target(data):
    """Two classes that can be seen in the data."""
    if isinstance(data, pd.DataFrame):
        return np.where(data["city"].isna(), "none", "some")
    return np.where(data[:, 0, -1].astype(float).mean(axis=-1) > 100, "upper", "left")


def make_second(estimator, data):
    """What ``fit`` takes beside the data: the other domain of a translation, or a target where it is needed."""
    if type(estimator).__name__ == "CycleGAN":
        return 255 - data[::-1]
    return make_target(data) if get_tags(estimator).target_tags.required else None


def take(data, rows):
    return data.iloc[rows] if isinstance(data, pd.DataFrame) else data[rows]


def fit(name, n_rows=300, seed=0, fit_params=None, **params):
    """A fitted ``name``; with a target only where it needs one."""
    estimator, data = make(name, **params), make_data(name, n_rows, seed)
    return estimator.fit(data, make_second(estimator, data), **fit_params or {})


def answer(estimator, n_rows=50):
    """What a fitted estimator says: samples, or where it draws none, images, scores, classes or features of others."""
    if hasattr(estimator, "sample"):
        return as_frame(estimator.sample(n_rows))
    name = type(estimator).__name__
    ways = ["transform"] if name in TRANSLATORS else ["score_samples", "predict_proba", "transform"]
    ask = next(getattr(estimator, way) for way in ways if hasattr(estimator, way))
    return as_frame(ask(make_data(name, n_rows, seed=5)))


def as_frame(answers):
    return answers if isinstance(answers, pd.DataFrame) else pd.DataFrame(np.reshape(answers, (len(answers), -1)))
