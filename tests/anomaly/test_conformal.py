import numpy as np
import pytest

from ganaug.anomaly.conformal import benjamini_hochberg, p_values
from ganaug.exceptions import InvalidInputError


def test_p_values_by_hand_with_ties():
    known = [3.0, 1.0, 2.0, 2.0]
    np.testing.assert_array_equal(p_values(known, [0.0, 1.0, 2.0, 2.5, 9.0]) * 5, [1, 2, 4, 4, 5])


def test_p_values_count_what_the_definition_counts():
    rng = np.random.default_rng(0)
    known, judged = rng.integers(0, 20, 50).astype(float), rng.integers(-3, 23, 80).astype(float)
    counted = [(1 + (known <= score).sum()) / 51 for score in judged]
    np.testing.assert_array_equal(p_values(known, judged), counted)


def test_lower_scores_never_have_higher_p_values():
    rng = np.random.default_rng(1)
    judged = np.sort(rng.normal(size=200))
    assert (np.diff(p_values(rng.normal(size=30), judged)) >= 0).all()


@pytest.mark.parametrize("n_known", [1, 7, 99])
def test_a_fresh_normal_is_at_most_alpha_with_probability_alpha(n_known):
    rng = np.random.default_rng(n_known)
    drawn = rng.standard_t(3, (4000, n_known + 1))
    fresh = np.array([p_values(row[1:], row[:1])[0] for row in drawn])
    for alpha in (0.05, 0.3, 0.5):
        spread = np.sqrt(alpha * (1 - alpha) / len(fresh))
        assert (fresh <= alpha).mean() <= alpha + 4 * spread


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_the_false_discovery_rate_is_kept_on_average(rate):
    rng = np.random.default_rng(5)
    shares, found = [], []
    for _ in range(400):
        normal, odd = rng.normal(size=180), rng.normal(-4, 1, size=20)
        picked = benjamini_hochberg(p_values(rng.normal(size=500), np.concatenate([normal, odd])), rate)
        shares.append(picked[:180].sum() / max(picked.sum(), 1))
        found.append(picked[180:].mean())
    standard_error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= rate * 0.9 + 4 * standard_error  # 0.9 of the records are normal
    assert np.mean(found) > 0.6


def test_benjamini_hochberg_steps_up():
    # 0.03 alone misses its bound of 0.025, and is carried by the 0.05 behind it.
    np.testing.assert_array_equal(benjamini_hochberg([0.03, 0.05, 0.9, 1.0], 0.1), [True, True, False, False])
    assert not benjamini_hochberg([0.2, 0.9], 0.1).any()
    assert benjamini_hochberg(np.array([]), 0.1).shape == (0,)


def test_exact_bounds_and_ties_are_reported():
    assert benjamini_hochberg(np.full(3, 0.1), 0.1).all()
    assert benjamini_hochberg([0.1 / 3, 1.0, 1.0], 0.1)[0]


@pytest.mark.parametrize(
    ("known", "judged", "words"),
    [
        ([], [1.0], "calibration_scores holds 0 record"),
        ([1.0, np.nan], [1.0], "1 NaN or infinite value"),
        ([1.0], [[1.0]], r"scores .* shape \(1, 1\)"),
        ([1.0], ["odd"], "one number per record"),
    ],
)
def test_bad_scores_are_named(known, judged, words):
    with pytest.raises(InvalidInputError, match=words):
        p_values(known, judged)


@pytest.mark.parametrize("rate", [0, 1, -0.1, "0.1", True, None])
def test_bad_rates_are_named(rate):
    with pytest.raises(InvalidInputError, match="false_discovery_rate="):
        benjamini_hochberg([0.5], rate)


def test_scores_are_not_taken_for_p_values():
    with pytest.raises(InvalidInputError, match="not scores"):
        benjamini_hochberg([-3.0, 0.5])
