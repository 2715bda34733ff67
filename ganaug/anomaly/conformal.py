"""Conformal p-values: how odd a record is among normal ones, with a guarantee that asks nothing of the model.

Where a new normal record and the calibration records are exchangeable, its p-value is at most ``alpha`` with
probability at most ``alpha``, however good or bad the scores are.
"""

from typing import Any

import numpy as np

from ganaug.exceptions import InvalidInputError


def p_values(calibration_scores: Any, scores: Any) -> np.ndarray:
    """Return ``(1 + #{calibration <= score}) / (n + 1)``: the share of normal records that are at least as odd.

    Parameters
    ----------
    calibration_scores : array-like of shape (n,)
        Scores of normal records that the model did not learn by heart; higher = more normal.
    scores : array-like of shape (n_records,)
        Scores of the records to be judged.

    Returns
    -------
    ndarray of shape (n_records,)
        In (0, 1]; small = odd. None is below ``1 / (n + 1)``.

    Examples
    --------
    >>> p_values([1.0, 2.0, 3.0], [0.5, 2.0, 9.0]).tolist()
    [0.25, 0.75, 1.0]
    """
    known = np.sort(check_scores(calibration_scores, "calibration_scores"))
    judged = check_scores(scores, "scores")
    return (1.0 + np.searchsorted(known, judged, side="right")) / (len(known) + 1.0)


def benjamini_hochberg(p_values: Any, false_discovery_rate: float = 0.1) -> np.ndarray:
    """Return which records to report, so that few of those reported are false alarms on average.

    Conformal p-values that share calibration scores depend on each other, in a way that this procedure allows for [1]_.

    Parameters
    ----------
    p_values : array-like of shape (n_records,)
        Of all records that were judged, not of the odd ones alone.
    false_discovery_rate : float
        In (0, 1): expected share of normal records among those reported, at most.

    Returns
    -------
    ndarray of bool, shape (n_records,)
        Equal p-values are reported together or not at all.

    Notes
    -----
    With n calibration scores no p-value is below 1 / (n + 1), so that at least
    ``n_records / ((n + 1) * false_discovery_rate)`` records are reported, or none: few odd ones among very many
    records need many calibration scores.

    References
    ----------
    .. [1] Bates, Candès, Lei, Romano, Sesia (2023). Testing for outliers with conformal p-values. Annals of
       Statistics 51(1), arXiv:2104.08279.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.8, 0.04, 0.5], 0.1).tolist()
    [True, False, True, False]
    """
    rate = check_number(false_discovery_rate, "false_discovery_rate", 0.0, 1.0)
    chances = check_scores(p_values, "p_values", minimum=0)
    if chances.size == 0:
        return np.zeros(0, dtype=bool)
    if chances.min() <= 0.0 or chances.max() > 1.0:
        raise InvalidInputError(
            f"p_values must lie in (0, 1], but run from {chances.min():g} to {chances.max():g}. Give what p_value "
            "returns, not scores."
        )
    in_order = np.sort(chances)
    # A product, as n * p <= k * rate: the same comparison by division would miss ties that are exact on paper.
    (met,) = np.nonzero(in_order * len(chances) <= rate * np.arange(1, len(chances) + 1) * (1.0 + 1e-12))
    return chances <= in_order[met[-1]] if met.size else np.zeros(len(chances), dtype=bool)


def check_scores(scores: Any, name: str, minimum: int = 1) -> np.ndarray:
    """Return ``scores`` as float64, after insisting on one finite number per record and ``minimum`` records."""
    try:
        numbers = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must hold one number per record ({error}).") from error
    if numbers.ndim != 1:
        raise InvalidInputError(
            f"{name} must hold one number per record, but has shape {numbers.shape}. Give what score_samples returns."
        )
    if len(numbers) < minimum:
        raise InvalidInputError(f"{name} holds {len(numbers)} record(s); at least {minimum} are needed.")
    n_bad = int((~np.isfinite(numbers)).sum())
    if n_bad:
        raise InvalidInputError(
            f"{name} holds {n_bad} NaN or infinite value(s) out of {len(numbers)}. Drop them first."
        )
    return numbers


def check_number(number: Any, name: str, low: float, high: float, brackets: str = "()") -> float:
    """Return ``number`` as a float, after insisting that it lies between the ends; "[" and "]" include them."""
    is_number = isinstance(number, int | float | np.integer | np.floating) and not isinstance(number, bool)
    included = [end for end, bracket in zip((low, high), brackets, strict=True) if bracket in "[]"]
    if not is_number or not (low < number < high or number in included):
        raise InvalidInputError(f"{name}={number!r}: give a number in {brackets[0]}{low:g}, {high:g}{brackets[1]}.")
    return float(number)
