"""Whether oversampling helps, and which kind: `compare`."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.utils.parallel import Parallel, delayed

from ganaug.adversarial import derive_seed
from ganaug.augment import checking
from ganaug.augment.comparison import Comparison
from ganaug.augment.folds import Fold, Job, count_notes
from ganaug.augment.methods import BUILT_IN, Methods, check_strategy
from ganaug.augment.preparing import make_encoder, prepare_estimators
from ganaug.exceptions import GanaugWarning
from ganaug.randomness import draw_seed


def compare(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    gan: Any = None,
    methods: Sequence[str] | Mapping[str, Any] = BUILT_IN,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]] = "auto",
    n_splits: int = 5,
    n_repeats: int = 2,
    precision: float = 0.5,
    positive: Any = None,
    metric: str = "average_precision",
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 1,
) -> Comparison:
    """Measure what oversampling does for classifiers, and say which kind to use, if any.

    In repeated stratified cross-validation the training part of each fold, and nothing else, is resampled, once per
    method. Every classifier is then fitted on it and scored on the validation part, which no method touches. All
    methods and classifiers see the same folds, so that differences are paired.

    Where an MLflow run is active, the result is logged to it.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Any mix of numbers, categories, booleans, dates and missing values. Rows must not belong together: where a
        customer has several, some of them are validated by the others.
    y : array-like of shape (n_samples,)
        Two classes or more: numbers, texts or booleans, without gaps.
    estimator : classifier, str, list of str, dict or None, default=None
        The classifier, or several by name. It is cloned, and must have ``predict_proba`` or ``decision_function``.
        None takes "logistic" (regression), "tree" and "boosting" (histogram gradient boosting), all of them
        scikit-learn's with its defaults; names choose among them. Unless it is a Pipeline or holds one, it gets the
        rows encoded where ``X`` has texts, categories or dates, or missing values that it can't take: categories
        one-hot (at most 30 columns each, the rarest together), dates as numbers; numbers with the median for what is
        missing, standardized. The encoder learns from each training part before that is resampled.
    gan : estimator or None, default=None
        For the method "gan": a GAN such as `TabularGAN`, or a `GANOverSampler`. It is trained anew in each fold, even
        if it is fitted. None takes `GANOverSampler`'s own.
    methods : sequence of str, or dict, default=("none", "random", "smote", "class_weight", "gan")
        "none" leaves the data as it is, and is always there; "random" repeats rows; "smote" is SMOTE, SMOTENC or
        SMOTEN, as columns need it, on standardized numbers and with missing values filled in for the synthetic rows;
        "class_weight" weighs classes alike, by the classifier's ``class_weight`` or else ``sample_weight``; "gan" is
        a `GANOverSampler`. A dict of names and samplers adds others of imbalanced-learn; None stands for the built-in
        method of that name.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows the built-in samplers make, as in imbalanced-learn. "auto" fills up all classes to the largest.
    n_splits : int, default=5
        Folds; every class needs as many rows.
    n_repeats : int, default=2
        How often the folds are drawn.
    precision : float, default=0.5
        For the recall at a precision: the share of alarms that must be right.
    positive : label or None, default=None
        The class to rank against the rest. None takes the rarer of two; of more than two it takes each in turn, and
        the mean.
    metric : {"average_precision", "roc_auc", "balanced_accuracy", "recall_at_precision"}, default="average_precision"
        What the verdict is about; all are measured. Balanced accuracy is that of ``predict``, over all classes.
    n_jobs : int or None, default=None
        Processes; -1 for one per core. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds folds, samplers and classifiers; a ``random_state`` of theirs that is not None stays as it is. With an
        int, the folds are those of ``RepeatedStratifiedKFold(random_state=...)``.
    verbose : int, default=1
        1 shows a progress bar.

    Returns
    -------
    Comparison
        Print it for a table and the verdict; ``scores``, ``table()``, ``winner()``, ``plot()`` hold the details.

    Raises
    ------
    InvalidInputError
        A parameter is wrong, a class has fewer rows than ``n_splits``, or a classifier or sampler fails on the data;
        named in the message.

    See Also
    --------
    GANOverSampler : The sampler to put into a pipeline, if the verdict says so.

    Notes
    -----
    Intervals are those of one difference each; of many differences some lie beyond 0 by chance. They are paired by
    fold and corrected for training parts that share rows (Nadeau and Bengio 2003).

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52; Chawla et al. 2002 (SMOTE),
    arXiv 1106.1813; Elor and Averbuch-Elor 2022, "To SMOTE, or not to SMOTE?", arXiv 2201.08528.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ganaug.augment import compare
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> found = compare(X, y, LogisticRegression(), methods=["none", "random"], random_state=0, verbose=0)
    >>> found.table()["method"].tolist(), found.winner()
    (['none', 'random'], 'none')
    >>> print(found.verdict())  # doctest: +ELLIPSIS
    Leave the data as it is: average precision 0...; 0... with random oversampling is no gain (-0...).
    """
    checking.check_numbers(n_splits, n_repeats, precision, n_jobs, metric)
    X = checking.check_table(X)
    labels = checking.check_labels(y, len(X), n_splits)
    judged = checking.choose_judged(labels, positive)
    chosen = Methods.resolve(methods, gan, sampling_strategy)
    seed = draw_seed(random_state)
    splits_seed = random_state if isinstance(random_state, Integral) else derive_seed(seed, "folds") % 2**32
    folds = _split(labels, n_splits, n_repeats, splits_seed)
    check_strategy(sampling_strategy, labels[folds[0].train])
    candidates = prepare_estimators(estimator, X)
    encoder = make_encoder(X) if any(candidate.is_encoded for candidate in candidates.values()) else None
    job = Job(X, labels, candidates, encoder, chosen.samplers, judged, precision, seed)
    rows, notes = _run(job, folds, n_jobs, verbose)
    parameters = {
        "estimator": {name: str(candidate) for name, candidate in job.candidates.items()},
        "methods": {name: " ".join(repr(part).split()) for name, part in chosen.samplers.items()},
        "sampling_strategy": sampling_strategy,
        **{"n_splits": n_splits, "n_repeats": n_repeats, "precision": precision, "positive": positive},
        **{"metric": metric, "random_state": random_state, "n_rows": len(X), "n_columns": X.shape[1]},
    }
    comparison = Comparison(rows, metric, chosen.gans, [*chosen.notes, *count_notes(notes)], parameters)
    _log(comparison)
    return comparison


def _split(y: np.ndarray, n_splits: int, n_repeats: int, seed: int) -> list[Fold]:
    splitter = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=seed)
    parts = splitter.split(np.zeros(len(y)), y)
    return [Fold(*divmod(place, n_splits), train, test) for place, (train, test) in enumerate(parts)]


def _run(job: Job, folds: list[Fold], n_jobs: int | None, verbose: int) -> tuple[pd.DataFrame, list[Any]]:
    """Return the scores of all folds, methods and classifiers, and what was noted."""
    tasks = [(method, fold) for fold in folds for method in job.samplers]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(job.run)(*task) for task in tasks)
    rows: list[dict[str, Any]] = []
    notes: list[Any] = []
    for found, noted in _watch(results, len(tasks), verbose):
        rows += found
        notes += noted
    table = pd.DataFrame(rows)
    # By classifier, then method: as one reads it. Folds came in their order.
    table["estimator"] = pd.Categorical(table["estimator"], list(job.candidates))
    table["method"] = pd.Categorical(table["method"], list(job.samplers))
    table = table.sort_values(["estimator", "method"], kind="stable", ignore_index=True)
    return table.astype({"estimator": object, "method": object}), notes


def _watch(results: Iterable[Any], n_steps: int, verbose: int) -> Iterator[Any]:
    """Yield the results; with ``verbose``, show on stderr how many have come, and the time left."""
    if not verbose:
        yield from results
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=n_steps)
        for result in results:
            progress.advance(task)
            yield result


def _log(comparison: Comparison) -> None:
    """Log to the MLflow run that is active, if one is: it can only be where mlflow was imported."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or not hasattr(mlflow, "active_run") or mlflow.active_run() is None:
        return
    from ganaug.tracking.comparison import log_comparison

    try:
        log_comparison(comparison)
    except Exception as error:  # whatever it is, hours of work must not be lost to it
        warnings.warn(
            f"The comparison could not be logged to MLflow ({type(error).__name__}: {error}). Call "
            "ganaug.tracking.log_comparison with the result to try again.",
            GanaugWarning,
            stacklevel=3,
        )
