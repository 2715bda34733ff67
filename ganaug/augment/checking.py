"""What a comparison refuses, before any time is spent on it."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import type_of_target

from ganaug.augment.measures import METRICS
from ganaug.exceptions import InvalidInputError


def check_numbers(n_splits: Any, n_repeats: Any, precision: Any, n_jobs: Any, metric: Any) -> None:
    """Refuse parameters of the wrong kind or size."""
    for name, value, least in (("n_splits", n_splits, 2), ("n_repeats", n_repeats, 1)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise InvalidInputError(f"{name}={value!r}: give a whole number of at least {least}.")
    if not isinstance(precision, Real) or isinstance(precision, bool) or not 0 < precision <= 1:
        raise InvalidInputError(f"precision={precision!r}: give a number above 0, and at most 1.")
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise InvalidInputError(f"n_jobs={n_jobs!r}: give a number of processes, -1 for one per core, or None for one.")
    check_metric(metric)


def check_metric(metric: Any) -> str:
    """Return the metric, or refuse one that isn't measured."""
    if metric not in METRICS:
        raise InvalidInputError(f"metric={metric!r} is unknown. Choose among {', '.join(METRICS)}.")
    return str(metric)


def check_table(X: Any) -> Any:
    """Return ``X`` as a DataFrame or a two-dimensional array; refuse what is neither."""
    if hasattr(X, "tocsr"):
        raise InvalidInputError("X is sparse, which neither GANs nor SMOTE of categories take. Give X.toarray().")
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] == 0:
        raise InvalidInputError(f"X has shape {X.shape}. Give a table: a row per record, at least one column.")
    if isinstance(X, pd.DataFrame) and not X.columns.is_unique:
        raise InvalidInputError(f"X has two columns named {X.columns[X.columns.duplicated()][0]!r}. Rename one.")
    return X


def check_labels(y: Any, n_rows: int, n_splits: int) -> np.ndarray:
    """Return the labels as an array of one type; refuse what can't be parted into ``n_splits`` stratified folds."""
    labels = np.asarray(y, dtype=object)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (n_rows,):
        raise InvalidInputError(f"y has shape {labels.shape}, X {n_rows} rows. Give one label per row.")
    n_missing = int(pd.isna(labels).sum())
    if n_missing:
        raise InvalidInputError(f"y has {n_missing} missing values. Drop these rows, or make them a class.")
    labels = pd.Series(labels).infer_objects().to_numpy()
    if labels.dtype.kind in "mM":
        raise InvalidInputError("y holds dates or durations. Make them text: y.astype(str).")
    if labels.dtype == object and not all(isinstance(label, str) for label in labels):
        raise InvalidInputError("y mixes types. Make all labels text, such as y.astype(str).")
    if labels.dtype != object and type_of_target(labels) not in ("binary", "multiclass"):
        raise InvalidInputError(f"y holds values such as {labels[0]}, which name no classes. Cut it into classes.")
    _check_counts(labels, n_splits)
    return labels


def _check_counts(labels: np.ndarray, n_splits: int) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InvalidInputError(f"y has a single class, {classes.tolist()}. There is nothing to tell apart.")
    rarest, fewest = classes.tolist()[int(counts.argmin())], int(counts.min())
    if fewest < n_splits:
        way_out = f"Use n_splits={fewest}, merge" if fewest >= 2 else "Merge"
        raise InvalidInputError(
            f"n_splits={n_splits}: class {rarest!r} of y has {fewest} row{'s' if fewest > 1 else ''}, which can't be "
            f"in every fold. {way_out} that class with another, or drop it."
        )


def choose_judged(labels: np.ndarray, positive: Any) -> list[Any]:
    """Return the classes that are ranked against the rest: ``positive``, the rarer of two, or all of more."""
    classes, counts = np.unique(labels, return_counts=True)
    names = classes.tolist()
    if positive is not None:
        found = [name for name in names if name == positive]
        if not found:
            listed = ", ".join(map(repr, names[:20]))
            raise InvalidInputError(f"positive={positive!r} is no class of y. Choose among {listed}.")
        return found
    # Of two that are as frequent, the last: 1 and True rather than 0 and False.
    return [names[1] if counts[1] <= counts[0] else names[0]] if len(names) == 2 else names


def check_methods(methods: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return samplers by method, None for the built-in methods; "none" comes first."""
    if isinstance(methods, str):
        methods = (methods,)
    is_dict = isinstance(methods, Mapping)
    if not is_dict and not isinstance(methods, list | tuple):
        raise InvalidInputError(f"methods={methods!r}: give names among {', '.join(known)}, or a dict.")
    given = dict(methods) if is_dict else dict.fromkeys(methods)
    for name, sampler in given.items():
        if sampler is None and name not in known:
            raise InvalidInputError(
                f"methods: {name!r} is unknown. Choose among {', '.join(known)}, or give a sampler."
            )
        if sampler is not None and (not hasattr(sampler, "fit_resample") or name == "none"):
            raise InvalidInputError(
                f"methods: {name!r} is {sampler!r}, which is no sampler for that name. Give one with fit_resample, or "
                "None for a built-in method."
            )
    # The others are measured against it.
    return {"none": None} | given
