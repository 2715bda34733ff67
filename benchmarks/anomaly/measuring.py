"""GANDetector and PyOD's detectors by name, and what one of them is worth on one split: figures and CPU seconds."""

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import io
import os
import random
import signal
import time

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from ganaug.anomaly import GANDetector

OURS = {"GANDetector": {}, "GANDetector-no-memory": {"memory": "none"}}
RIVALS = {
    "IForest": "iforest",
    "ECOD": "ecod",
    "KNN": "knn",
    "LOF": "lof",
    "LUNAR": "lunar",
    "DeepSVDD": "deep_svdd",
    "SO_GAAL": "so_gaal",
    "MO_GAAL": "mo_gaal",
    "ALAD": "alad",
}


def check_methods(words):
    """Return the names in ``words``, separated by commas, or end with a message that says what is missing."""
    names = words.split(",")
    unknown = [name for name in names if name not in {*OURS, *RIVALS}]
    if unknown:
        raise SystemExit(f"Unknown: {', '.join(unknown)}. There are: {', '.join([*OURS, *RIVALS])}.")
    if not set(names) <= set(OURS) and importlib.util.find_spec("pyod") is None:
        raise SystemExit("The other detectors are PyOD's: pip install 'ganaug[benchmarks]'")
    return names


def version_of(name):
    """Return which version of which package a detector comes from."""
    package = "ganaug" if name in OURS else "pyod"
    return f"{package} {importlib.metadata.version(package)}"


def make_detector(name, n_features, seed):
    """Return an unfitted detector: its defaults, and the seed where it takes one."""
    if name in OURS:
        return GANDetector(random_state=seed, **OURS[name])
    kind = getattr(importlib.import_module(f"pyod.models.{RIVALS[name]}"), name)
    offered = {"random_state": seed, "n_features": n_features}
    accepted = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in offered.items() if name in accepted})


def score(detector, X):
    """Return anomaly scores, higher = more anomalous: PyOD's decision function has that sign, scikit-learn's not."""
    scores = detector.anomaly_score(X) if isinstance(detector, GANDetector) else detector.decision_function(X)
    return np.asarray(scores, dtype=float).ravel()


def seed_everything(seed):
    """Seed what PyOD's networks draw from; GANDetector has its own streams."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)


@contextlib.contextmanager
def at_most(seconds):
    """Raise TimeoutError in the body after this many CPU seconds.

    An alarm every second looks at the CPU clock: a timer that runs on that clock would make it tick coarsely.
    """
    began = time.process_time()

    def look(*_):
        if time.process_time() - began > seconds:
            raise TimeoutError(f"more than {seconds:g} CPU s")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@functools.cache
def warm_up(name):
    """Fit once on next to nothing: what a package loads and compiles at first use is no part of a fit."""
    X = np.random.RandomState(0).normal(size=(100, 4))
    with contextlib.suppress(Exception), silence():
        score(make_detector(name, 4, 0).fit(X), X)


@contextlib.contextmanager
def silence():
    """Print nothing in the body."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def rate(is_anomaly, scores):
    """Return AUROC and average precision, anomalies being positive."""
    return {"auroc": roc_auc_score(is_anomaly, scores), "ap": average_precision_score(is_anomaly, scores)}


def measure(name, train, test, is_anomaly, seed, limit):
    """Fit and score one detector.

    Parameters
    ----------
    name : str
        A key of ``OURS`` or ``RIVALS``.
    train, test : ndarray or DataFrame
    is_anomaly : ndarray
        0 or 1 for each row of ``test``.
    seed : int
    limit : float
        CPU seconds for both.

    Returns
    -------
    dict
        ``status`` is "ok", or else "late" or "failed" and there are no figures.
    """
    warm_up(name)
    seed_everything(seed)
    detector = make_detector(name, train.shape[1], seed)
    try:
        with at_most(limit), silence():
            began = time.process_time()
            detector.fit(train)
            fitted = time.process_time()
            scores = score(detector, test)
            scored = time.process_time()
    except TimeoutError as error:
        return {"status": "late", "note": str(error)}
    except Exception as error:  # a rival's crash is a result, and no reason to stop
        return {"status": "failed", "note": f"{type(error).__name__}: {error}"[:200]}
    known, note = np.isfinite(scores), ""
    if not known.all():
        scores = np.where(known, scores, scores[known].max() if known.any() else 0.0)
        note = f"{(~known).sum()} scores that are no numbers, taken for the largest"
    seconds = {"fit_s": fitted - began, "score_s": scored - fitted}
    return {"status": "ok", "note": note} | rate(is_anomaly, scores) | seconds
