"""How well a classifier tells the rows of two tables apart; 0.5 = it can't."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ganaug.exceptions import InvalidInputError

MAX_LEVELS = 255  # what the trees can split by; rarer levels are one level
MAX_ONE_HOT = 100  # levels that get an input of their own in a linear model
LARGEST = 1e300  # infinite values are counted as this: the middle of two such is still a number
ITERATIONS = 100


def detector_auc(
    real: np.ndarray,
    other: np.ndarray,
    *,
    categorical: Sequence[int] | np.ndarray | None = None,
    folds: int = 3,
    max_rows: int = 10_000,
    random_state: int = 0,
) -> float:
    """Return the AUC with which boosted trees tell rows of `real` from rows of `other`.

    As many rows of either are drawn, and each fold is judged by trees that learned from the other
    folds; the mean over the folds is returned. 0.5 means that the trees can't tell, 1 that they
    always can. Clearly less than 0.5 means that rows of `other` repeat rows of `real`: a row's twin
    in the other folds teaches the wrong answer. So give rows that were never learned from as
    `real` where there are any.

    Parameters
    ----------
    real, other : ndarray of shape (n, n_columns)
        Numbers, NaN = missing; categories as whole numbers. The lengths may differ.
    categorical : sequence of int or of bool, default=None
        Which columns hold codes of categories, by place or as a mask; None for no column. Beyond
        255 levels of a column the rarest are counted as one.
    folds : int, default=3
    max_rows : int, default=10_000
        Rows drawn of either table, at most.
    random_state : int, default=0
        Draws the rows and the folds.

    Returns
    -------
    float
        NaN where one of the tables has fewer rows than there are folds.

    Raises
    ------
    InvalidInputError
        The tables are not two-dimensional, or have no or different columns.

    Notes
    -----
    The trees are scikit-learn's `HistGradientBoostingClassifier` (100 of them, none held out),
    on one thread, so that the result is the same however many there are.

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, other = rng.normal(size=(2, 300, 2))
    >>> round(detector_auc(real, other), 1), round(detector_auc(real, other + 4), 1)
    (0.5, 1.0)
    """
    X, is_category = _stack(real, other, categorical, folds, max_rows, random_state)
    for place in np.flatnonzero(is_category):
        X[:, place] = frequent_levels(X[:, place], MAX_LEVELS)
    make = _trees_for(is_category, len(X), random_state)
    return _cross_fitted_auc(make, X, folds, random_state)


def logistic_auc(
    real: np.ndarray,
    other: np.ndarray,
    *,
    categorical: Sequence[int] | np.ndarray | None = None,
    folds: int = 3,
    max_rows: int = 10_000,
    random_state: int = 0,
) -> float:
    """Return the AUC with which a logistic regression tells rows of `real` from rows of `other`.

    It sees numbers scaled to variance 1 (missing ones as the median, and flagged) and categories
    one by one (beyond 100 levels of a column the rarest as one), hence means and shares, but not
    how columns go together. Parameters, result and errors are those of `detector_auc`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, other = rng.normal(size=(2, 300, 2))
    >>> real[:, 1] = real[:, 0]  # the columns of `other` have the same means, and are independent
    >>> round(logistic_auc(real, other), 1), round(detector_auc(real, other), 1)
    (0.5, 0.9)
    """
    X, is_category = _stack(real, other, categorical, folds, max_rows, random_state)
    X = _one_hot(X, is_category)
    return _cross_fitted_auc(lambda: LogisticRegression(max_iter=300), X, folds, random_state)


def frequent_levels(codes: np.ndarray, limit: int) -> np.ndarray:
    """Renumber codes from 0, the most frequent first; beyond ``limit`` levels the rarest become the last one.

    >>> frequent_levels(np.array([7.0, 7, 3, np.nan, 9, 3, 7]), 2)
    array([ 0.,  0.,  1., nan,  1.,  1.,  0.])
    """
    present = ~np.isnan(codes)
    _, inverse, counts = np.unique(codes[present], return_inverse=True, return_counts=True)
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    found = np.full(len(codes), np.nan)
    found[present] = np.minimum(rank[inverse], limit - 1)
    return found


def fill_empty_columns(X: Any) -> Any:
    """Fill columns that hold no value at all, which the trees could not cut; sparse inputs have none."""
    return np.where(np.isnan(X).all(axis=0), 0.0, X) if isinstance(X, np.ndarray) else X


def _stack(
    real: np.ndarray, other: np.ndarray, categorical: Any, folds: int, max_rows: int, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return as many rows of both tables, those of `real` first, and which columns are categories."""
    tables = [np.asarray(table, dtype=np.float64) for table in (real, other)]
    shapes = [table.shape for table in tables]
    if any(len(shape) != 2 or not shape[1] for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise InvalidInputError(
            f"real and other have the shapes {shapes[0]} and {shapes[1]}; give rows x columns, the same columns."
        )
    is_category = np.zeros(shapes[0][1], dtype=bool)
    if categorical is not None and len(categorical):
        is_category[np.asarray(categorical)] = True
    rng = np.random.RandomState(random_state)
    size = min(len(tables[0]), len(tables[1]), max_rows)
    X = np.concatenate([table[rng.permutation(len(table))[:size]] for table in tables])
    holds_something = ~np.isnan(X).all(axis=0)
    return np.clip(X[:, holds_something], -LARGEST, LARGEST), is_category[holds_something]


def _trees_for(is_category: np.ndarray, n_rows: int, random_state: int) -> Callable[[], Any]:
    return lambda: HistGradientBoostingClassifier(
        max_iter=ITERATIONS,
        categorical_features=is_category,
        early_stopping=False,
        # Of few rows, leaves of twenty could not be split off: no table would be told from any other.
        min_samples_leaf=min(20, max(2, n_rows // 30)),
        random_state=random_state,
    )


def _one_hot(X: np.ndarray, is_category: np.ndarray) -> Any:
    """Return the inputs of the linear model, sparse where there are categories."""
    from scipy import sparse

    numbers, parts = X[:, ~is_category], []
    if numbers.shape[1]:
        missing = np.isnan(numbers)
        some = missing.any(axis=0)
        # Scaled before the variance is taken: squares of the largest would be infinite.
        numbers = numbers / np.maximum(np.nanmax(np.abs(np.where(missing, 0, numbers)), axis=0), np.finfo(float).tiny)
        middle = np.nanmedian(np.where(missing.all(axis=0), 0, numbers), axis=0)
        numbers = StandardScaler().fit_transform(np.where(missing, middle, numbers))
        parts.append(sparse.csr_matrix(np.column_stack([numbers, missing[:, some]])))
    if is_category.any():
        encoder = OneHotEncoder(max_categories=MAX_ONE_HOT, handle_unknown="infrequent_if_exist")
        parts.append(encoder.fit_transform(X[:, is_category]))
    return sparse.hstack(parts, format="csr") if parts else numbers


def _cross_fitted_auc(make: Callable[[], Any], X: Any, folds: int, random_state: int) -> float:
    y = np.arange(X.shape[0]) >= X.shape[0] // 2
    if X.shape[0] // 2 < folds:
        return float("nan")
    if not X.shape[1]:
        return 0.5  # nothing but missing values on both sides
    scores = []
    # A seed of their own: drawn like the rows, the folds would hold twins together and hide copies.
    seed = int(np.random.RandomState(random_state).randint(2**31 - 1, size=2)[1])
    # One thread: sums don't depend on how many there are, and none waits for a busy core.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where rows are told apart for sure, there is no optimum
        for learned, judged in StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y):
            model = make().fit(fill_empty_columns(X[learned]), y[learned])
            scores.append(roc_auc_score(y[judged], model.predict_proba(X[judged])[:, 1]))
    return float(np.mean(scores))
