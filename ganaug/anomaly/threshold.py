"""Thresholds: from what the user can say of alarms to an offset on scores.

Everywhere higher scores are more normal, and a record is an outlier where its score is *below* the offset.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from ganaug.anomaly.calibration import check_labels
from ganaug.anomaly.conformal import check_number, check_scores
from ganaug.exceptions import DataWarning, InvalidInputError

AUTO_RATE = 0.01
"""False-alarm rate of "auto"."""
_TAIL_SHARE = 0.1
"""Share of the scores that counts as their tail when it has to be continued. A larger one is lower than asked for on
light tails and higher on heavy ones; this one kept simulated rates of 1 % between 0.7 % and 1.35 %."""


@dataclass(frozen=True)
class Threshold:
    """An offset, and how it was chosen.

    Attributes
    ----------
    offset : float
        A record is an outlier where its score is below it.
    rule : {"auto", "contamination", "false_alarm_rate", "max_alerts", "costs"}
        What it was chosen by.
    value : float, int or tuple of float
        What was asked for: a share, a number of alerts, or the costs (false alarm, miss).
    expected_false_alarm_rate : float or None
        Chance that a fresh normal record alarms, at most, according to the calibration scores; None without any.
    is_extrapolated : bool
        Whether the offset lies below every calibration score, on a continued tail.
    """

    offset: float
    rule: str
    value: float | int | tuple[float, float]
    expected_false_alarm_rate: float | None = None
    is_extrapolated: bool = False

    def __str__(self) -> str:
        reasons = {
            "auto": "alarms on at most {0:.4g}% of normal records (the default)",
            "false_alarm_rate": "alarms on at most {0:.4g}% of normal records",
            "contamination": "alarms on {0:.4g}% of the training records",
            "max_alerts": "at most {0} alarms among the records given",
            "costs": "least cost at {0:.3g} per false alarm and {1:.3g} per miss",
        }
        is_share = self.rule in ("auto", "false_alarm_rate", "contamination")
        asked = self.value if isinstance(self.value, tuple) else (100 * self.value if is_share else self.value,)
        text = f"Scores below {self.offset:.6g} are outliers, chosen for {reasons[self.rule].format(*asked)}"
        if self.expected_false_alarm_rate is not None:
            source = "a continued tail of the calibration scores" if self.is_extrapolated else "the calibration scores"
            text += f"; by {source}, {self.expected_false_alarm_rate:.2%} of normal records alarm"
        return text + "."


def choose_threshold(
    calibration_scores: Any,
    *,
    contamination: Any = None,
    false_alarm_rate: Any = None,
    max_alerts: Any = None,
    costs: Any = None,
    scores: Any = None,
    y: Any = None,
) -> Threshold:
    """Return the threshold of the one rule that is given.

    Parameters
    ----------
    calibration_scores : array-like of shape (n,)
        Scores of normal records, each judged as if the model had not learned from it.
    contamination : float in (0, 0.5] or "auto", default=None
        See ``by_contamination``; "auto" is a false-alarm rate of 0.01.
    false_alarm_rate : float in (0, 1), default=None
        See ``by_false_alarm_rate``.
    max_alerts : int, default=None
        See ``by_max_alerts``; needs ``scores`` (of the user's X).
    costs : tuple of two floats, default=None
        See ``by_costs``; needs ``scores`` (of the user's X) and ``y``.
    scores : array-like of shape (n_records,), default=None
        Of the records X that go with ``max_alerts`` or ``costs``.
    y : array-like of shape (n_records,), default=None
        Labels that go with ``costs``.

    Returns
    -------
    Threshold

    Raises
    ------
    InvalidInputError
        If not exactly one rule is given, or with more or less than it needs.
    """
    rules = {
        "contamination": contamination,
        "false_alarm_rate": false_alarm_rate,
        "max_alerts": max_alerts,
        "costs": costs,
    }
    rule = _only_rule(rules, has_records=scores is not None, has_labels=y is not None)
    if rule == "contamination":
        if isinstance(contamination, str) and contamination == "auto":
            # A default that nobody asked for is no reason to warn.
            return replace(_by_rate(_in_order(calibration_scores), AUTO_RATE), rule="auto")
        return by_contamination(calibration_scores, contamination)
    if rule == "false_alarm_rate":
        return by_false_alarm_rate(calibration_scores, false_alarm_rate)
    if rule == "max_alerts":
        return by_max_alerts(scores, max_alerts, calibration_scores)
    return by_costs(scores, y, costs, calibration_scores)


def by_contamination(calibration_scores: Any, contamination: float) -> Threshold:
    """Cut off a share of the training scores: the nearest whole number of them, and at least one.

    Where scores are tied across the cut, fewer are cut off.
    """
    share = check_number(contamination, "contamination", 0.0, 0.5, "(]")
    in_order = _in_order(calibration_scores)
    offset = _cut(in_order, max(1, round(len(in_order) * share)))
    return Threshold(offset, "contamination", share, _expected_rate(in_order, offset))


def by_false_alarm_rate(calibration_scores: Any, rate: float) -> Threshold:
    """Cut where the conformal p-value reaches ``rate``: a fresh normal record alarms with at most that probability.

    That takes ``1 / rate - 1`` calibration scores. With fewer, the tail of the scores is continued as an exponential,
    whose scale is taken to be as uncertain as it is, and a warning says so: the rate is then an estimate.
    """
    rate = check_number(rate, "false_alarm_rate", 0.0, 1.0)
    in_order = _in_order(calibration_scores)
    threshold = _by_rate(in_order, rate)
    if threshold.is_extrapolated:
        warnings.warn(
            f"A false_alarm_rate of {rate:g} can't be read off {len(in_order)} normal records; that takes "
            f"{math.ceil(1.0 / rate - 1e-9) - 1:,}. The tail of their scores was continued instead, so the rate is an "
            f"estimate. Fit on more records, or ask for a rate of at least {1.0 / (len(in_order) + 1):.2g}.",
            DataWarning,
            stacklevel=2,
        )
    return threshold


def _by_rate(in_order: np.ndarray, rate: float) -> Threshold:
    p_values = np.arange(1, len(in_order) + 1) / (len(in_order) + 1)
    # Compared as p-values are, so that an alarm and p_value(X) <= rate agree to the last bit.
    rank = int(np.searchsorted(p_values, rate, side="right"))
    if rank:
        return Threshold(float(in_order[rank - 1]), "false_alarm_rate", rate, float(p_values[rank - 1]))
    return Threshold(_continue_tail(in_order, rate), "false_alarm_rate", rate, rate, is_extrapolated=True)


def _in_order(calibration_scores: Any) -> np.ndarray:
    return np.sort(check_scores(calibration_scores, "calibration_scores", minimum=2))


def by_max_alerts(scores: Any, max_alerts: int, calibration_scores: Any = None) -> Threshold:
    """Cut so that at most ``max_alerts`` of ``scores``, those of a typical day, alarm; with ties fewer, never more."""
    if not isinstance(max_alerts, Integral) or isinstance(max_alerts, bool) or max_alerts < 0:
        raise InvalidInputError(f"max_alerts={max_alerts!r}: give a whole number of at least 0.")
    in_order = np.sort(check_scores(scores, "X"))
    if max_alerts >= len(in_order):
        raise InvalidInputError(
            f"max_alerts={max_alerts} allows an alert for each of the {len(in_order)} records of X, so it sets no "
            "limit. Give the records of a whole typical day, or a smaller number."
        )
    offset = _cut(in_order, int(max_alerts))
    return Threshold(offset, "max_alerts", int(max_alerts), _expected_rate(calibration_scores, offset))


def by_costs(scores: Any, y: Any, costs: Sequence[float], calibration_scores: Any = None) -> Threshold:
    """Cut where ``costs`` = (false alarm, miss) sum up to least on labelled records; among equals, fewest alarms.

    The records' share of anomalies is taken for that met in use. ``y`` says 1 or True = anomaly, 0 or False = normal;
    or, in scikit-learn's way, -1 = anomaly, 1 = normal.
    """
    false_alarm, miss = _check_costs(costs)
    known = check_scores(scores, "X")
    odd = check_labels(y, len(known))
    order = np.argsort(known, kind="stable")
    in_order, odd = known[order], odd[order]
    alarms_false = np.concatenate([[0], np.cumsum(~odd)])
    missed = odd.sum() - np.concatenate([[0], np.cumsum(odd)])
    totals = false_alarm * alarms_false + miss * missed
    totals[1:-1][in_order[1:] == in_order[:-1]] = np.inf  # no offset separates equal scores
    offset = _cut(in_order, int(np.argmin(totals)))
    return Threshold(offset, "costs", (false_alarm, miss), _expected_rate(calibration_scores, offset))


def _only_rule(rules: dict[str, Any], has_records: bool, has_labels: bool) -> str:
    """Return the name of the one rule that is given, after checking that what it needs is there, and no more."""
    given = [name for name, value in rules.items() if value is not None]
    if len(given) != 1:
        got = " and ".join(f"{name}={rules[name]!r}" for name in given) or "none"
        raise InvalidInputError(f"Give exactly one of {', '.join(rules)}; got {got}.")
    (rule,) = given
    needs_records, needs_labels = rule in ("max_alerts", "costs"), rule == "costs"
    asked = f"{rule}={rules[rule]!r}"
    if needs_records and not has_records:
        what = "labelled records" if needs_labels else "the records of a typical day"
        raise InvalidInputError(f"{asked} needs X, {what}.")
    if needs_labels and not has_labels:
        raise InvalidInputError(f"{asked} needs y, the labels of X: 1 = anomaly, 0 = normal.")
    if (has_records and not needs_records) or (has_labels and not needs_labels):
        extra = "y" if has_records and needs_records else "X" if has_records else "y"
        raise InvalidInputError(f"{asked} makes no use of {extra}. Leave it out, or choose another rule.")
    return rule


def _check_costs(costs: Any) -> tuple[float, float]:
    try:
        false_alarm, miss = (check_number(cost, "costs", 0.0, math.inf) for cost in costs)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"costs={costs!r}: give two numbers above 0, the cost of a false alarm and that of a missed anomaly."
        ) from error
    return false_alarm, miss


def _cut(in_order: np.ndarray, count: int) -> float:
    """Return an offset with ``count`` of the sorted scores below it, or fewer where they are tied across the cut."""
    if count == 0:
        return float(in_order[0])
    if count == len(in_order):
        return float(np.nextafter(in_order[-1], np.inf))
    lower, upper = float(in_order[count - 1]), float(in_order[count])
    middle = lower + (upper - lower) / 2.0
    return middle if lower < middle <= upper else upper


def _expected_rate(calibration_scores: Any, offset: float) -> float | None:
    """Return the conformal chance that a fresh normal record scores below ``offset``."""
    if calibration_scores is None:
        return None
    known = check_scores(calibration_scores, "calibration_scores")
    return float((1 + (known < offset).sum()) / (len(known) + 1))


def _continue_tail(in_order: np.ndarray, rate: float) -> float:
    """Return the offset below which ``rate`` of the records lie, if scores fall off exponentially at their low end."""
    n_tail = math.ceil(len(in_order) * _TAIL_SHARE)
    start = float(in_order[n_tail])
    # If n excesses below the start sum to S, a fresh one exceeds e with chance (1 + e / S) ** -n: the scale's own
    # uncertainty is in it, and the rate holds on average however few there are.
    total = float((start - in_order[:n_tail]).sum())
    share = (n_tail + 1) / (len(in_order) + 1)
    return start - total * ((share / rate) ** (1.0 / n_tail) - 1.0)
