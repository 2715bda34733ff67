"""The check at fit: is a detector worth asking?"""

import numpy as np
import pytest

from ganaug.anomaly.worth import check_worth, corrupt
from ganaug.exceptions import TrainingWarning

SPANS = [slice(0, 1), slice(1, 3), slice(3, 4)]


def make_points(n_points=400):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n_points, 1))
    return np.column_stack([np.repeat(base, 4, axis=1), np.zeros(n_points)])


def test_a_corrupted_copy_differs_in_some_columns_and_keeps_them_whole():
    points = make_points()
    spoilt = corrupt(points, points, SPANS, np.random.default_rng(0))
    changed = spoilt != points
    assert changed.any(axis=1).mean() > 0.99 and not changed[:, -1].any()
    crossed = changed[::2]  # every other record gets another's columns
    assert (crossed[:, 1] == crossed[:, 2]).all() and crossed[:, [0, 1, 3]].sum(axis=1).max() == 1
    assert np.isin(spoilt[::2], points).all() and not np.isin(spoilt[1::2][:, :-1], points).all()


def test_scores_that_know_and_scores_that_do_not():
    points = make_points()
    asked = []

    def knows(some, rows):
        asked.append(rows)
        return -some[:, :4].std(axis=1)  # all coordinates of a normal point are the same

    assert check_worth(points, SPANS, 0, knows) > 0.99
    assert len(asked) == 2 and (asked[0] == asked[1]).all()
    rng = np.random.default_rng(1)
    for score in (lambda some, rows: rng.normal(size=len(some)), lambda some, rows: -knows(some, rows)):
        with pytest.warns(TrainingWarning, match="50% = chance"):
            assert check_worth(points, SPANS, 0, score) < 0.55
