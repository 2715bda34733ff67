import warnings
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganaug.anomaly.conformal import p_values
from ganaug.anomaly.threshold import (
    Threshold,
    by_contamination,
    by_costs,
    by_false_alarm_rate,
    by_max_alerts,
    choose_threshold,
)
from ganaug.exceptions import DataWarning, InvalidInputError

TIED = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40)


@pytest.mark.parametrize("n_rows", [2, 3, 10, 300, 301, 999])
@pytest.mark.parametrize("share", [0.001, 0.1, 1 / 3, 0.5])
def test_contamination_cuts_off_that_share(n_rows, share):
    scores = np.random.default_rng(0).normal(size=n_rows)
    threshold = by_contamination(scores, share)
    assert (scores < threshold.offset).sum() == max(1, round(n_rows * share))
    assert threshold.rule == "contamination" and threshold.value == share


@given(scores=TIED, share=st.floats(0.01, 0.5))
@settings(max_examples=100, deadline=None)
def test_contamination_is_exact_but_for_ties(scores, share):
    in_order = np.sort(scores)
    wanted = max(1, round(len(scores) * share))
    count = (in_order < by_contamination(scores, share).offset).sum()
    assert count <= wanted
    assert count == wanted or in_order[count] == in_order[wanted]


@pytest.mark.parametrize(("n_known", "rate"), [(99, 0.01), (150, 0.02), (199, 0.07), (40, 0.29)])
def test_a_fresh_normal_alarms_no_more_than_asked(n_known, rate):
    rng = np.random.default_rng(n_known)
    n_rounds = 20_000
    drawn = rng.standard_t(3, (n_rounds, n_known + 1))
    alarms = sum(row[0] < by_false_alarm_rate(row[1:], rate).offset for row in drawn)
    expected = by_false_alarm_rate(drawn[0, 1:], rate).expected_false_alarm_rate
    assert rate - 1 / (n_known + 1) < expected <= rate
    assert abs(alarms / n_rounds - expected) < 4 * np.sqrt(expected / n_rounds)


@given(scores=TIED, rate=st.sampled_from([0.29, 0.5, 0.58, 1 / 3, 0.7, 0.9]))
@settings(max_examples=200, deadline=None)
def test_an_alarm_is_a_p_value_of_at_most_the_rate(scores, rate):
    judged = np.arange(-6.0, 6.5, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        threshold = by_false_alarm_rate(scores, rate)
    if not threshold.is_extrapolated:
        np.testing.assert_array_equal(judged < threshold.offset, p_values(scores, judged) <= rate)


@pytest.mark.parametrize("n_known", [2, 5, 20, 98])
def test_too_few_normals_continue_the_tail_and_say_so(n_known):
    rng = np.random.default_rng(n_known)
    with pytest.warns(DataWarning, match=rf"0\.01 can't be read off {n_known} normal records; that takes 99"):
        threshold = by_false_alarm_rate(rng.normal(size=n_known), 0.01)
    assert threshold.is_extrapolated and threshold.expected_false_alarm_rate == 0.01
    assert "continued tail" in str(threshold)


@pytest.mark.filterwarnings("ignore:A false_alarm_rate")
@pytest.mark.parametrize("n_known", [2, 15, 60])
def test_a_continued_exponential_tail_keeps_the_rate_on_average(n_known):
    drawn = -np.random.default_rng(3).exponential(size=(8000, n_known))
    rates = [np.exp(by_false_alarm_rate(row, 0.01).offset) for row in drawn]  # P(score < offset), exactly
    assert np.mean(rates) == pytest.approx(0.01, abs=4 * np.std(rates) / np.sqrt(len(rates)))


@pytest.mark.filterwarnings("ignore:A false_alarm_rate")
def test_a_continued_tail_moves_on_with_the_rate_and_stands_equal_scores():
    scores = np.random.default_rng(0).normal(size=50)
    offsets = [by_false_alarm_rate(scores, rate).offset for rate in (1e-5, 1e-3, 0.01)]
    assert offsets == sorted(offsets) and offsets[-1] < scores.min()
    assert by_false_alarm_rate(np.ones(50), 0.01).offset == 1.0


@given(scores=TIED, max_alerts=st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_never_more_alerts_than_allowed_and_no_needless_quiet(scores, max_alerts):
    in_order = np.sort(scores)
    if max_alerts >= len(scores):
        with pytest.raises(InvalidInputError, match="sets no limit"):
            by_max_alerts(scores, max_alerts)
        return
    count = (in_order < by_max_alerts(scores, max_alerts).offset).sum()
    assert count <= max_alerts
    assert count == max_alerts or in_order[count] == in_order[max_alerts]


@given(records=st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30))
@settings(max_examples=200, deadline=None)
def test_costs_are_the_least_that_any_offset_has(records):
    scores, odd = np.array([score for score, _ in records], dtype=float), np.array([label for _, label in records])
    if odd.all() or not odd.any():
        return

    def cost(offset):
        return 2.0 * (~odd & (scores < offset)).sum() + 3.0 * (odd & (scores >= offset)).sum()

    offset = by_costs(scores, odd, (2, 3)).offset
    costs = {candidate: cost(candidate) for candidate in np.arange(-4.5, 5.5)}
    least = min(costs.values())
    assert cost(offset) == least
    first = min(candidate for candidate, total in costs.items() if total == least)
    assert (scores < offset).sum() == (scores < first).sum()  # among equals, fewest alarms


def test_costs_cut_midway_and_heed_the_ratio():
    scores, odd = [-3.0, -2.0, -1.0, 0.0, 1.0], [1, 1, 0, 0, 0]
    assert by_costs(scores, odd, (1, 1)).offset == -1.5
    mixed = [1, 0, 1, 0, 0]
    assert by_costs(scores, mixed, (10, 1)).offset == -2.5
    assert by_costs(scores, mixed, (1, 10)).offset == -0.5


@pytest.mark.parametrize("labels", [[1, 1, 0, 0], [True, True, False, False], [-1, -1, 1, 1], [1.0, 1.0, 0.0, 0.0]])
def test_all_ways_to_label_mean_the_same(labels):
    assert by_costs([1.0, 2.0, 3.0, 4.0], np.array(labels), (1, 1)).offset == 2.5


@pytest.mark.parametrize(
    "labels",
    [[1, 1, 1, 1], [0, 0, 0, 0], [-1, 0, 1, 1], [0, 1, 2, 1], list("0101"), [0, 1, None, 1], [[0], [1]], [1, 0]],
)
def test_labels_that_could_mean_anything_are_refused(labels):
    with pytest.raises(InvalidInputError, match="^y "):
        by_costs([1.0, 2.0, 3.0, 4.0], labels, (1, 1))


@pytest.mark.parametrize("costs", [1.0, (1,), (1, 2, 3), (0, 1), (1, -1), (1, np.inf), ("1", "2"), (np.nan, 1)])
def test_bad_costs_are_named(costs):
    with pytest.raises(InvalidInputError, match=r"costs=.*cost of a false alarm"):
        by_costs([1.0, 2.0], [1, 0], costs)


def test_the_expected_rate_comes_from_the_calibration_scores():
    known = np.arange(99.0)
    assert by_max_alerts([1.0, 8.0, 12.0], 2, known).expected_false_alarm_rate == pytest.approx(11 / 100)
    assert by_max_alerts([1.0, 8.0, 12.0], 2).expected_false_alarm_rate is None


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        (
            {"contamination": "auto"},
            "Scores below 1 are outliers, chosen for alarms on at most 1% of normal records (the",
        ),
        ({"contamination": 0.1}, "Scores below 19.5 are outliers, chosen for alarms on 10% of the training"),
        ({"false_alarm_rate": 0.05}, "Scores below 9 are outliers, chosen for alarms on at most 5% of"),
        ({"max_alerts": 2, "scores": np.arange(5.0)}, "Scores below 1.5 are outliers, chosen for at most 2 alarms"),
        (
            {"costs": (1, 5), "scores": np.arange(4.0), "y": [1, 0, 0, 0]},
            "Scores below 0.5 are outliers, chosen for least cost at 1 per false alarm and 5 per miss",
        ),
    ],
)
def test_one_rule_is_followed_and_told(rule, start):
    threshold = choose_threshold(np.arange(200.0), **rule)
    assert str(threshold).startswith(start) and str(threshold).endswith(".")
    assert threshold.rule == ("auto" if rule == {"contamination": "auto"} else next(iter(rule)))
    assert Threshold(**asdict(threshold)) == threshold


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "exactly one of .* got none"),
        ({"contamination": 0.1, "false_alarm_rate": 0.1}, "got contamination=0.1 and false_alarm_rate=0.1"),
        ({"max_alerts": 3}, "max_alerts=3 needs X, the records of a typical day"),
        ({"costs": (1, 2)}, "needs X, labelled records"),
        ({"costs": (1, 2), "scores": [1.0, 2.0]}, "needs y"),
        ({"contamination": 0.1, "scores": [1.0]}, "makes no use of X"),
        ({"max_alerts": 1, "scores": [1.0, 2.0], "y": [0, 1]}, "makes no use of y"),
        ({"contamination": 0.6}, r"contamination=0.6: give a number in \(0, 0.5\]"),
        ({"contamination": "some"}, "contamination='some'"),
        ({"false_alarm_rate": 0.0}, r"false_alarm_rate=0.0: give a number in \(0, 1\)"),
        ({"max_alerts": 1.5, "scores": [1.0, 2.0]}, "max_alerts=1.5: give a whole number"),
        ({"max_alerts": 0, "scores": [1.0, np.nan]}, "X holds 1 NaN"),
    ],
)
def test_what_does_not_fit_is_named(rule, words):
    with pytest.raises(InvalidInputError, match=words):
        choose_threshold(np.arange(200.0), **rule)


def test_one_calibration_score_is_too_few():
    with pytest.raises(InvalidInputError, match="at least 2"):
        choose_threshold([1.0], contamination="auto")
