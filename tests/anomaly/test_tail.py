"""How far out single columns lie."""

import numpy as np
import pytest

from ganaug.anomaly.tail import Tails

SPANS = [slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 6)]


def make_points(n_points=1000, seed=0):
    """Three numbers, a category of three levels, and the count of strange values."""
    rng = np.random.default_rng(seed)
    levels = np.eye(3)[rng.choice(3, n_points, p=[0.7, 0.295, 0.005])]
    return np.column_stack([rng.normal(size=(n_points, 3)), levels, np.zeros(n_points)])


def test_only_excess_counts_and_it_rises_outwards():
    tails = Tails().fit(make_points(), SPANS)
    fresh = make_points(500, seed=1)
    usual = tails.excess(fresh, np.zeros(500, bool))
    assert (usual >= 0).all() and (usual == 0).mean() > 0.4
    ray = np.tile(fresh[:1] * 0, (9, 1))
    ray[:, 3] = 1.0
    ray[:, :3] = np.linspace(0, 4, 9)[:, None]
    excess = tails.excess(ray, np.zeros(9, bool))
    assert excess[0] == 0 and (np.diff(excess) >= 0).all() and excess[-1] > 3


@pytest.mark.parametrize(("place", "value"), [(0, 50.0), (2, -50.0), (6, 5.0)])
def test_one_wild_value_is_enough(place, value):
    tails = Tails().fit(make_points(), SPANS)
    plain = np.zeros((1, 7))
    plain[0, 3] = 1.0
    wild = plain.copy()
    wild[0, place] = value
    assert tails.excess(wild, np.zeros(1, bool))[0] > tails.excess(plain, np.zeros(1, bool))[0] == 0


def test_a_rare_category_is_one_surprise_not_three():
    tails = Tails().fit(make_points(), SPANS)
    rare = np.zeros((1, 7))
    rare[0, 5] = 1.0
    of_worst, of_all = tails.surprises(rare, np.zeros(1, bool))[0]
    common = rare[:, [0, 1, 2, 4, 5, 3, 6]]
    assert of_all - tails.surprises(common, np.zeros(1, bool))[0, 1] == pytest.approx(
        (-np.log(0.005) + np.log(0.7)) / 5, abs=0.25
    )
    assert of_worst < -np.log(0.005)


def test_a_training_record_does_not_count_itself():
    points = make_points(50)
    tails = Tails().fit(points, SPANS)
    worst = points[[points[:, 0].argmax()]]
    known, fresh = (tails.surprises(worst, np.array([is_known]))[0, 0] for is_known in (True, False))
    assert known > fresh
    assert tails.surprises(points, np.ones(50, bool)).mean(axis=0) == pytest.approx(tails.means)


def test_constant_and_heavy_columns():
    points = np.column_stack([np.full(300, 7.0), np.random.default_rng(0).standard_t(1, size=300), np.zeros(300)])
    tails = Tails().fit(points, [slice(0, 1), slice(1, 2)])
    changed = points[:2].copy()
    changed[1, 0] = 7.1
    surprise = tails.surprises(changed, np.zeros(2, bool))[:, 1]
    assert np.isfinite(surprise).all() and surprise[1] > surprise[0]
