"""One fold of a comparison with one method: resample the training part, fit every classifier, score the other part."""

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from ganaug.adversarial import derive_seed
from ganaug.augment.columns import take
from ganaug.augment.measures import measure
from ganaug.augment.methods import resample
from ganaug.augment.preparing import Candidate, seed_copy, weigh_classes
from ganaug.exceptions import GanaugWarning, InvalidInputError

Note = tuple[str, str, str]
"""Whom it is about, which of its notes it is, the sentence."""

_NOTED = (GanaugWarning, ConvergenceWarning)
"""Warnings that come once per fold; they are counted and told with the result."""


@dataclass(frozen=True)
class Fold:
    """Which rows train and which are scored."""

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray

    def __str__(self) -> str:
        return f"in fold {self.fold + 1} of repeat {self.repeat + 1}"


@dataclass(frozen=True)
class Job:
    """What all folds have in common; ``encoder`` is None where no classifier needs one."""

    X: Any
    y: np.ndarray
    candidates: dict[str, Candidate]
    encoder: Any
    samplers: dict[str, Any]
    judged: list[Any]
    precision: float
    seed: int

    def run(self, method: str, fold: Fold) -> tuple[list[dict[str, Any]], list[Note]]:
        """Return the scores of every classifier after ``method``, and notes."""
        notes: list[Note] = []
        parts, seconds = self._prepare(method, fold, notes)
        rows: list[dict[str, Any]] = []
        for name, candidate in self.candidates.items():
            weights = weigh_classes(candidate.estimator, parts.y) if method == "class_weight" else ({}, {})
            if weights is None:
                text = f"left out for {name}, which takes neither class_weight nor sample_weight"
                notes.append(("class_weight", name, text))
                continue
            what = f"estimator {name!r} failed on the data after method {method!r}, {fold}"
            with _named_errors(what, _WAY_OUT), _collected(name, notes):
                # The same seed for all methods: what differs between them is the rows.
                seed = derive_seed(self.seed, "estimator", name, fold.repeat, fold.fold)
                model = seed_copy(candidate.estimator, seed).set_params(**weights[0])
                train, test = parts.encoded if candidate.is_encoded else (parts.train, parts.test)
                began = time.process_time()
                model.fit(train, parts.y, **weights[1])
                cost = {"resample_seconds": seconds, "fit_seconds": time.process_time() - began}
                figures = measure(model, test, self.y[fold.test], self.judged, self.precision)
            where = {"estimator": name, "method": method, "repeat": fold.repeat, "fold": fold.fold}
            rows += [{**where, "metric": metric, "value": value, **cost} for metric, value in figures.items()]
        return rows, notes

    def _prepare(self, method: str, fold: Fold, notes: list[Note]) -> tuple["_Parts", float]:
        """Return the resampled training part and the validation part, and how long resampling took."""
        real, y_real, test = take(self.X, fold.train), self.y[fold.train], take(self.X, fold.test)
        began = time.process_time()
        with _named_errors(f"method {method!r} failed, {fold}"), _collected(method, notes):
            seed = derive_seed(self.seed, "sampler", method, fold.repeat, fold.fold)
            train, y_train, found = resample(self.samplers[method], real, y_real, seed)
        notes += [(method, key, text) for key, text in found]
        seconds = time.process_time() - began
        encoded = None
        if self.encoder is not None:
            with _named_errors(f"the encoder failed after method {method!r}, {fold}"):
                encoder = clone(self.encoder).fit(real)
                encoded = encoder.transform(train), encoder.transform(test)
        return _Parts(train, y_train, test, encoded), seconds


@dataclass(frozen=True)
class _Parts:
    """Rows that train, with labels, and rows to score; both once more as numbers, where a classifier needs that."""

    train: Any
    y: np.ndarray
    test: Any
    encoded: Any


_WAY_OUT = (
    "If it can't take text, dates or missing values, put an encoder in front of it: sklearn.pipeline.make_pipeline("
    "encoder, estimator)."
)


@contextmanager
def _named_errors(what: str, way_out: str = "") -> Iterator[None]:
    """Say of any error where it came from; it may be in another process, and is the user's to understand."""
    try:
        yield
    except Exception as error:
        hint = "" if isinstance(error, InvalidInputError) else way_out
        raise InvalidInputError(f"{what} ({type(error).__name__}): {error} {hint}".rstrip()) from error


@contextmanager
def _collected(subject: str, notes: list[Note]) -> Iterator[None]:
    """Make notes of the warnings that would come in every fold; the others pass."""
    with warnings.catch_warnings(record=True) as caught:
        for category in _NOTED:
            warnings.simplefilter("always", category)
        yield
    for warning in caught:
        if issubclass(warning.category, _NOTED):
            text = " ".join(str(warning.message).split())
            notes.append((subject, warning.category.__name__, text))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def count_notes(notes: Iterable[Note]) -> list[str]:
    """Return a line per kind of note, with the first one's words and how often it came.

    >>> count_notes([("smote", "few", "class 1 has 3 rows"), ("smote", "few", "class 1 has 4 rows")])
    ['smote: class 1 has 3 rows (the first of 2 such notes)']
    """
    first: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for subject, key, text in notes:
        first.setdefault((subject, key), text)
        counts[subject, key] += 1
    lines = []
    for (subject, key), text in first.items():
        count = counts[subject, key]
        lines.append(f"{subject}: {text}" + (f" (the first of {count} such notes)" if count > 1 else ""))
    return lines
