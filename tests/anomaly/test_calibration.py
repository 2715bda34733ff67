import numpy as np
import pytest

from ganaug.anomaly.calibration import ProbabilityMap, unlearn
from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.plain import decode, encode


def draw(n_records, share=0.2, seed=0):
    rng = np.random.default_rng(seed)
    odd = rng.random(n_records) < share
    return np.where(odd, rng.normal(-2.5, 1.5, n_records), rng.normal(0, 1, n_records)), odd


@pytest.mark.parametrize("n_records", [12, 60, 3000])
def test_higher_scores_never_have_higher_probabilities(n_records):
    curve = ProbabilityMap().fit(*draw(n_records))
    odds = curve.probability(np.linspace(-50, 50, 2001))
    assert (np.diff(odds) <= 0).all() and odds[0] > 0.5 > odds[-1]
    assert (odds >= 0).all() and (odds <= 1).all()


def test_probabilities_are_met_by_other_records():
    curve = ProbabilityMap().fit(*draw(2000))
    scores, odd = draw(20_000, seed=1)
    said = curve.probability(scores)
    edges = np.quantile(said, np.linspace(0, 1, 9))
    bins = np.clip(np.searchsorted(edges, said) - 1, 0, 7)
    for place in range(8):
        assert said[bins == place].mean() == pytest.approx(odd[bins == place].mean(), abs=0.06)
    assert said.mean() == pytest.approx(odd.mean(), abs=0.02)


def test_separated_classes_of_two_stay_short_of_certainty():
    curve = ProbabilityMap().fit([-9.0, -8.0, 0.0, 1.0], [1, 1, 0, 0])
    odds = curve.probability([-9.0, 1.0])
    assert 0.6 < odds[0] < 0.95 and 0.05 < odds[1] < 0.4


def test_one_extreme_normal_does_not_flatten_the_curve():
    scores, odd = draw(500)
    curve = ProbabilityMap().fit(np.append(scores, -1000.0), np.append(odd, False))
    odds = curve.probability([-5.0, 0.5])
    assert odds[0] > 0.7 and odds[1] < 0.1


def test_the_scale_of_scores_does_not_matter():
    scores, odd = draw(300)
    small, large = ProbabilityMap().fit(scores, odd), ProbabilityMap().fit(1e6 * scores + 5, odd)
    np.testing.assert_allclose(small.probability(scores), large.probability(1e6 * scores + 5), atol=1e-3)


def test_all_ways_to_label_mean_the_same():
    scores, odd = draw(200)
    said = ProbabilityMap().fit(scores, odd).probability(scores)
    for labels in (odd.astype(int), np.where(odd, -1, 1), odd.tolist()):
        np.testing.assert_array_equal(ProbabilityMap().fit(scores, labels).probability(scores), said)


def test_labels_the_wrong_way_round_are_noticed():
    scores, odd = draw(300)
    with pytest.warns(DataWarning, match="Check that y says 1 for anomalies"):
        curve = ProbabilityMap().fit(scores, ~odd)
    assert np.ptp(curve.probability([-5.0, 5.0])) < 1e-4


@pytest.mark.filterwarnings("ignore:The anomalies among")
def test_equal_scores_give_the_share_of_anomalies():
    assert ProbabilityMap().fit(np.zeros(100), np.arange(100) < 30).probability([0.0])[0] == pytest.approx(
        0.3, abs=0.02
    )


def test_it_survives_a_model_file():
    curve = ProbabilityMap().fit(*draw(100))
    arrays = {}
    state = decode(encode(curve.to_state(), arrays), arrays)
    scores = np.linspace(-5, 5, 50)
    np.testing.assert_array_equal(ProbabilityMap.from_state(state).probability(scores), curve.probability(scores))


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [True, True, True], [0, 1], [2, 1, 0]])
def test_labels_of_one_class_are_refused(labels):
    with pytest.raises(InvalidInputError, match="^y "):
        ProbabilityMap().fit([1.0, 2.0, 3.0], labels)


def test_bad_scores_are_named():
    with pytest.raises(InvalidInputError, match="scores holds 1 NaN"):
        ProbabilityMap().fit([1.0, np.nan], [0, 1])


def test_what_was_learned_is_unlearned_without_the_scatter():
    rng = np.random.default_rng(0)
    true = rng.normal(size=4_000) * 2
    learned = 0.8 * true + 0.5  # records that were learned from look more normal, odd ones above all
    apart = true + 0.7 * rng.normal(size=4_000)
    found = unlearn(learned, apart)
    assert np.allclose(found, true, atol=0.15) and (np.argsort(found) == np.argsort(true)).all()
    assert np.std(apart) > 1.05 * np.std(true) > 1.02 * np.std(found)
    assert unlearn(np.ones(3), np.arange(3.0)).tolist() == [0.0, 1.0, 2.0]  # nothing to go by
