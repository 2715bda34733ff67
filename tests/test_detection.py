"""What detectors tell apart, and what they don't."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ganaug.detection import detector_auc, frequent_levels, logistic_auc
from ganaug.exceptions import InvalidInputError


def make_rows(n_rows: int = 600, seed: int = 0) -> np.ndarray:
    """Return two correlated numbers, one with holes, and a category that goes with them."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=n_rows)
    number = np.where(rng.random(n_rows) < 0.1, np.nan, base + 0.1 * rng.normal(size=n_rows))
    return np.column_stack([np.exp(base), number, (base > 0) + 2.0 * (rng.random(n_rows) < 0.5)])


def shuffle_apart(rows: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(9)
    return np.column_stack([rng.permutation(column) for column in rows.T])


@pytest.mark.parametrize("auc", [detector_auc, logistic_auc])
def test_both_ends(auc):
    real = make_rows()
    assert abs(auc(real, make_rows(500, seed=1), categorical=[2]) - 0.5) < 0.08
    moved = make_rows(seed=2) + [0, 5, 0]
    assert auc(real, moved, categorical=[2]) > 0.95
    without_holes = np.nan_to_num(make_rows(seed=2), nan=0.0)
    assert auc(real, without_holes, categorical=[False, False, True]) > 0.53
    unknown_level = np.where(np.arange(3) == 2, 7.0, make_rows(seed=2))
    assert auc(real, unknown_level, categorical=[2]) > 0.99


def test_few_rows_are_told_apart_too():
    real = make_rows(40)
    assert detector_auc(real, make_rows(40, seed=2) + [0, 5, 0], categorical=[2]) > 0.9


def test_only_trees_see_how_columns_go_together():
    real = make_rows()
    apart = shuffle_apart(make_rows(seed=1))
    assert detector_auc(real, apart, categorical=[2]) > 0.9
    assert logistic_auc(real, apart, categorical=[2]) < 0.6


def test_copies_score_below_a_half():
    """A twin in the other folds teaches the wrong answer, unless all twins share a fold."""
    real = make_rows()
    assert detector_auc(real, real, categorical=[2]) < 0.4
    assert detector_auc(real, real[:500], categorical=[2]) < 0.4


def test_many_levels_are_cut_and_order_of_codes_means_nothing():
    rng = np.random.default_rng(0)
    real, same = rng.zipf(1.3, (2, 900, 1)).clip(max=1e6).astype(float)
    assert abs(detector_auc(real, same, categorical=[0]) - 0.5) < 0.1
    assert detector_auc(real, np.floor(real * 2), categorical=[0]) > 0.7
    cut = frequent_levels(real[:, 0], 255)
    assert cut.max() == 254 and np.array_equal(np.unique(cut), np.arange(255))


def test_odd_tables():
    nothing, infinite = np.full((60, 2), np.nan), np.column_stack([np.full(60, np.inf), np.full(60, -np.inf)])
    for auc in (detector_auc, logistic_auc):
        assert auc(nothing, nothing) == 0.5 == auc(np.ones((30, 1)), np.ones((40, 1)))
        assert auc(nothing, nothing, categorical=[0, 1]) == 0.5
        assert auc(infinite, infinite) == 0.5
        assert auc(infinite, -infinite) == 1
        assert np.isnan(auc(nothing[:2], nothing))
    with pytest.raises(InvalidInputError, match=r"shapes \(60, 2\) and \(60, 1\)"):
        detector_auc(nothing, nothing[:, :1])
    with pytest.raises(InvalidInputError, match="rows x columns"):
        logistic_auc(nothing[:, 0], nothing[:, 0])


def test_the_same_bits_whatever_the_threads_and_no_global_state():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    rows = [make_rows(), make_rows(seed=1)]
    first, again, other = (detector_auc(*rows, categorical=[2], max_rows=300, random_state=seed) for seed in (3, 3, 4))
    assert first == again != other
    assert np.array_equal(before, np.random.get_state()[1])
    code = (
        "import numpy as np; from ganaug.detection import detector_auc, logistic_auc;"
        "one, two = np.random.default_rng(0).normal(size=(2, 2000, 4));"
        "print(detector_auc(one, two * 1.1).hex(), logistic_auc(one, two + 0.1).hex())"
    )
    one, two = np.random.default_rng(0).normal(size=(2, 2000, 4))
    expected = f"{detector_auc(one, two * 1.1).hex()} {logistic_auc(one, two + 0.1).hex()}\n"
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == expected
