"""The estimators of the package, found by being there; small ones of each, and what to fit and to ask them."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

import ganaug
from ganaug.base import BaseGAN

SMALL = {
    "GANDetector": {"max_steps": 12, "batch_size": 64},
    "TabularGAN": {"max_steps": 12, "epochs": None, "batch_size": 64},
    "CTGAN": {"epochs": 1, "batch_size": 50, "generator_hidden": (16,), "discriminator_hidden": (16,)},
    "TVAE": {"epochs": 1, "batch_size": 50, "encoder_hidden": (16,), "decoder_hidden": (16,)},
}
"""Budgets that make a test of each; a class that is not named here is tested with its defaults."""


def find_estimators():
    """Every public estimator that the package defines."""
    found = {}
    for module in pkgutil.walk_packages(ganaug.__path__, "ganaug."):
        for name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            is_ours = cls.__module__.startswith("ganaug.") and not name.startswith("_") and not inspect.isabstract(cls)
            if is_ours and issubclass(cls, BaseEstimator) and "__init__" in vars(cls):
                found[name] = cls
    return found


def parameters_of(name):
    return [parameter for parameter in inspect.signature(ESTIMATORS[name].__init__).parameters if parameter != "self"]


def having(method):
    return {name: cls for name, cls in ESTIMATORS.items() if hasattr(cls, method)}


ESTIMATORS = find_estimators()
GANS = {name: cls for name, cls in ESTIMATORS.items() if issubclass(cls, BaseGAN)}
SAMPLERS, TRANSFORMERS = having("sample"), having("transform")
LEARNERS = {name: cls for name, cls in ESTIMATORS.items() if not hasattr(cls, "fit_resample")}
"""Those that learn from a table alone; resampling takes labels, and is tested where it is at home."""
SEEDED = {name: cls for name, cls in LEARNERS.items() if "random_state" in parameters_of(name)}


def make(name, **kwargs):
    if name in ("CTGAN", "TVAE"):
        pytest.importorskip("ctgan", reason="needs the extra ganaug[sdv]")
    usual = SMALL.get(name, {}) | ({"random_state": 0} if name in SEEDED else {})
    return ESTIMATORS[name](**{**usual, **kwargs})


def make_table(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Oslo", None], n_rows)
    return pd.DataFrame({"city": city, "size": rng.normal(size=n_rows), "count": rng.integers(0, 9, n_rows)})


def answer(estimator, n_rows=50):
    """What a fitted estimator says: samples, or where it draws none, scores or features of fresh records."""
    if hasattr(estimator, "sample"):
        return estimator.sample(n_rows)
    table = make_table(n_rows, seed=5)
    ask = estimator.score_samples if hasattr(estimator, "score_samples") else estimator.transform
    return pd.DataFrame(ask(table))
