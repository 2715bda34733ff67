"""What running ctgan takes: the package, a device, and random numbers that nobody else sees."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from joblib import parallel_config

from ganaug.adversarial.seeding import derive_seed, isolated_rng
from ganaug.exceptions import MissingDependencyError


def import_ctgan(name: str) -> Any:
    """Return the ctgan module, or say how to get it for the class called ``name``."""
    try:
        import ctgan
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} needs the ctgan package: pip install 'ganaug[sdv]'. Mind its license: the "
            "Business Source License 1.1 (BUSL-1.1) is no open-source license. "
            "ganaug.tabular.TabularGAN does without."
        ) from error
    return ctgan


@contextmanager
def isolated_globals(seed: int, device: str) -> Iterator[None]:
    """Seed every global generator that ctgan draws from, and restore them all afterwards."""
    gpus = list(range(torch.cuda.device_count())) if device == "cuda" else []
    with isolated_rng(seed), torch.random.fork_rng(gpus, enabled=bool(gpus)):
        numpy_state, python_state = np.random.get_state(), random.getstate()
        try:
            np.random.seed(derive_seed(seed, "numpy") % 2**32)
            random.seed(seed)
            if gpus:
                torch.cuda.manual_seed_all(seed)
            # Worker processes would draw from generators of their own.
            with parallel_config(backend="sequential"):
                yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
