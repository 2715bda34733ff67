import math

import numpy as np
import pytest

from ganaug.anomaly.drift import drift
from ganaug.exceptions import InvalidInputError


def draw(n_records, seed=0):
    return np.random.default_rng(seed).gumbel(size=n_records)


@pytest.mark.parametrize("n_new", [3, 30, 1000])
def test_the_same_distribution_seldom_moves(n_new):
    rng = np.random.default_rng(n_new)
    n_rounds = 400
    moved = sum(
        drift(rng.normal(size=500), rng.normal(size=n_new), significance=0.05).has_moved for _ in range(n_rounds)
    )
    assert moved / n_rounds <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / n_rounds)


@pytest.mark.parametrize(("gap", "word"), [(-1.0, "towards odd"), (1.0, "towards normal")])
def test_the_shift_has_the_sign_of_scores(gap, word):
    reference = np.random.default_rng(0).normal(size=3000)
    report = drift(reference, np.random.default_rng(1).normal(size=2000) + gap)
    assert report.has_moved and report.shift == pytest.approx(gap, abs=0.1)
    assert word in str(report) and "partial_fit" in str(report) and "2,000" in str(report)
    assert (report.low_share > 0.05) == (gap < 0)


def test_a_change_of_spread_alone_is_seen():
    reference = np.linspace(-1.0, 1.0, 2001)
    report = drift(reference, 3 * reference)
    assert report.has_moved and "in their spread" in str(report)


def test_significant_is_not_enough():
    reference, new = draw(100_000), draw(100_000, seed=1) + 0.03
    report = drift(reference, new)
    assert report.p_value < 0.01 and report.statistic < 0.05
    assert not report.has_moved and "nothing to do" in str(report)
    assert drift(reference, new, min_distance=0).has_moved


def test_far_but_few_is_not_enough():
    report = drift(draw(200), draw(3, seed=1) - 1.0)
    assert report.statistic > 0.05 and not report.has_moved


def test_units_do_not_matter():
    reference, new = draw(500), draw(400, seed=1) - 0.5
    one, other = drift(reference, new), drift(1000 * reference + 7, 1000 * new + 7)
    assert one.shift == pytest.approx(other.shift) and one.statistic == other.statistic


def test_a_reference_without_spread():
    report = drift(np.zeros(100), np.full(100, -1.0))
    assert report.has_moved and report.shift == -math.inf and "towards odd" in str(report)
    assert drift(np.zeros(100), np.zeros(100)).shift == 0.0


@pytest.mark.parametrize(
    ("reference", "new", "words"),
    [
        ([], [1.0, 2.0], "reference holds 0"),
        ([1.0, 2.0], [1.0], "new holds 1 record.*at least 2"),
        ([1.0, np.nan], [1.0, 2.0], "reference holds 1 NaN"),
        ([1.0, 2.0], [1.0, -np.inf], "new holds 1 NaN or infinite"),
        ([1.0, 2.0], [[1.0], [2.0]], r"new .* shape \(2, 1\)"),
    ],
)
def test_bad_scores_are_named(reference, new, words):
    with pytest.raises(InvalidInputError, match=words):
        drift(reference, new)


@pytest.mark.parametrize("parameter", [{"significance": 0}, {"significance": 1.0}, {"min_distance": -0.1}])
def test_bad_parameters_are_named(parameter):
    with pytest.raises(InvalidInputError, match=f"{next(iter(parameter))}="):
        drift([1.0, 2.0], [1.0, 2.0], **parameter)
