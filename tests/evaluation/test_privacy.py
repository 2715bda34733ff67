"""What gives training rows away fails, and what does not passes."""

import os

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import load_dataset, make_transactions
from ganaug.evaluation import PrivacyReport, privacy
from ganaug.evaluation.distances import encode_column
from ganaug.evaluation.nearest import distances, encode_rows, nearest, paired_distances
from ganaug.exceptions import DataWarning, InvalidInputError

NAMES = ["exact_copies", "nearest_share", "closest_distance", "distance_ratio", "membership", "rare_values"]


def shuffle_apart(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    rng = np.random.RandomState(seed)
    return pd.DataFrame({name: table[name].to_numpy()[rng.permutation(len(table))] for name in table})


def make_parts(n_rows: int = 500) -> list[pd.DataFrame]:
    table = make_transactions(3 * n_rows, fraud_rate=0.1, random_state=0).sample(frac=1, random_state=0)
    return [table[start : start + n_rows] for start in range(0, 3 * n_rows, n_rows)]


TRAIN, HOLDOUT, FRESH = make_parts()


def rows_by_name(report: PrivacyReport) -> pd.DataFrame:
    return report.figures.set_index("name")


def test_copies_fail_every_figure_and_are_called_by_name():
    report = privacy(TRAIN, TRAIN.sample(frac=1, replace=True, random_state=1), HOLDOUT)
    figures = rows_by_name(report)
    assert figures.index.tolist() == NAMES and not figures["passed"].any() and not report.passed
    assert figures.loc[["exact_copies", "nearest_share"], "figure"].tolist() == [100, 100]
    assert figures.loc[["closest_distance", "distance_ratio"], "figure"].tolist() == [0, 0]
    # Of 500 rows drawn with replacement 63 % are there, which an attacker sees of each: 50 + 63 / 2.
    assert figures.loc["membership", "figure"] == pytest.approx(81.6, abs=4)
    assert figures.loc["rare_values", "figure"] > 90
    assert len(report.failures) == 6 and "100.0 % of the rows equal a training row" in report.verdict()


@pytest.mark.parametrize("synthetic", [FRESH, shuffle_apart(TRAIN)], ids=["fresh", "independent"])
def test_fresh_rows_and_independent_columns_pass(synthetic):
    report = privacy(TRAIN, synthetic, HOLDOUT)
    figures = rows_by_name(report)
    assert report.passed and report.failures == [] and figures["passed"].all()
    assert figures.loc["exact_copies", "figure"] == 0
    assert abs(figures.loc["nearest_share", "figure"] - 50) < 10 and abs(figures.loc["membership", "figure"] - 50) < 6
    assert (figures["low"] <= figures["figure"]).all() and (figures["figure"] <= figures["high"]).all()
    assert "no proof" in report.verdict()
    summary = report.summary()
    assert summary["passed"] == 1 and set(NAMES) | {f"{name}_reference" for name in NAMES} <= set(summary)


def test_rows_of_the_holdout_are_the_other_end():
    """Near holdout rows is below 50, which is no failure; far from training rows, neither."""
    figures = rows_by_name(privacy(TRAIN, HOLDOUT, HOLDOUT))
    assert figures.loc["nearest_share", "figure"] == 0 and figures.loc["membership", "figure"] < 45
    assert figures["passed"].all() and figures.loc["closest_distance", "figure"] > 1
    assert figures.loc["closest_distance", "figure"] == figures.loc["closest_distance", "reference"]


def test_nearly_copied_rows_and_a_few_copies_are_noticed():
    rng = np.random.default_rng(0)
    noisy = TRAIN.assign(amount=TRAIN["amount"] * rng.uniform(1.01, 1.02, len(TRAIN)))
    figures = rows_by_name(privacy(TRAIN, noisy, HOLDOUT))
    assert figures.loc["exact_copies", "figure"] < 20 and not figures.loc[NAMES[1:], "passed"].any()
    few = pd.concat([FRESH[:450], TRAIN[:50]])
    assert not rows_by_name(privacy(TRAIN, few, HOLDOUT)).loc["exact_copies", "passed"]


def test_a_rare_value_with_the_right_attributes_is_found():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    table["job"] = rng.choice(["cook", "nurse", "clerk"], 600)
    train, holdout, synthetic = (table[start : start + 200].reset_index(drop=True) for start in (0, 200, 400))
    train.loc[:9, "job"] = [f"rare {place}" for place in range(10)]
    blurred = train[:10].copy()
    blurred[["a", "b", "c"]] += 0.01  # values of nobody
    right = pd.concat([synthetic[:190], blurred])
    wrong = right.assign(job=[*synthetic["job"][:190], *blurred["job"][::-1]])
    found = [rows_by_name(privacy(train, rows, holdout)).loc["rare_values"] for rows in (right, wrong, synthetic)]
    assert [row["figure"] for row in found] == pytest.approx([5, 0, 0], abs=1)
    assert [row["passed"] for row in found] == [False, True, True] and found[0]["reference"] == 0


def test_small_samples_raise_no_alarm():
    rng = np.random.default_rng(0)
    for _ in range(20):
        parts = [pd.DataFrame({"a": rng.normal(size=30), "b": rng.choice(list("xyz"), 30)}) for _ in range(3)]
        assert privacy(*parts).passed


def test_the_nearest_share_does_not_depend_on_the_sizes():
    rng = np.random.default_rng(0)
    for digits in (9, 1, 0):  # rounded to one digit most rows have a twin or two, to none many
        tables = [pd.DataFrame(rng.normal(size=(size, 2)).round(digits)) for size in (200, 1_500, 1_000)]
        few, many, synthetic = tables
        for train, holdout in ((few, many), (many, few)):
            row = rows_by_name(privacy(train, synthetic, holdout)).loc["nearest_share"]
            assert row["passed"] and row["low"] < 50 < row["high"] and row["high"] - row["low"] < 20


def test_odd_tables():
    days = pd.date_range("2024-01-01", periods=30)
    odd = pd.DataFrame({"empty": [np.nan] * 30, "constant": 7, "day": days, "flag": [True, False] * 15})
    later = odd.assign(day=odd["day"] + pd.Timedelta(days=40))
    report = privacy(odd, later.sample(30, random_state=0), later.assign(day=later["day"] + pd.Timedelta(days=1)))
    assert report.passed and report.figures["figure"].notna().all()
    assert not privacy(odd, odd, later).passed
    one = [pd.DataFrame({"level": rows}) for rows in (["a", "b"] * 15, ["b", "a"] * 9, ["a", "b", "b"] * 5)]
    assert privacy(*one).passed and rows_by_name(privacy(*one)).loc["exact_copies", "reference"] == 100
    names = [pd.DataFrame({"name": [f"{part} {row}" for row in range(60)]}) for part in ("A", "B", "C")]
    report = privacy(*names)
    assert report.passed and report.figures["name"].tolist() == ["rare_values"] and "own value" in report.notes[0]
    tiny = privacy(TRAIN[:2], FRESH[:1], HOLDOUT[:1])
    assert tiny.passed and np.isnan(rows_by_name(tiny).loc["rare_values", "figure"])
    extreme = [pd.DataFrame({"huge": [1e300, -1e300, np.inf, -np.inf, 0.0] * 6}) for _ in range(3)]
    assert np.isfinite(privacy(*extreme).figures["figure"]).all()


def test_the_distance_is_that_of_one_hot_codes_and_ranges():
    real = pd.DataFrame({"number": [0.0, 10, np.nan], "level": ["a", "b", "b"], "flag": [True, True, False]})
    tables = {"real": real, "synthetic": real[::-1]}
    rows, others = encode_rows([encode_column(name, tables) for name in real])
    found = distances(rows, rows)
    # A missing number stands in the middle, and is flagged: half a range and 1 from either end.
    assert found.tolist() == [[0, 3, 0.5 + 1 + 2 + 2], [3, 0, 0.5 + 1 + 2], [5.5, 3.5, 0]]
    assert paired_distances(rows, others).tolist() == [5.5, 0, 5.5]
    closest = nearest(others, rows, 2)
    assert closest.distances.tolist() == [[0, 3.5], [0, 3], [0, 3]] and closest.place.tolist() == [2, 1, 0]
    assert nearest(rows.without([0, 1]), rows.without([0, 1])).ties.tolist() == [2, 2, 1]
    assert rows.without([0]).numbers.shape == (3, 0) and rows.without([1]).codes.shape == (3, 1)


def test_the_same_seed_gives_the_same_figures_and_leaves_numpy_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    one, two, other = (privacy(TRAIN, FRESH, HOLDOUT, random_state=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.figures, two.figures, check_exact=True)
    assert not one.figures.equals(other.figures)
    assert np.array_equal(before, np.random.get_state()[1])


def test_a_holdout_is_asked_for_and_looked_at():
    with pytest.raises(InvalidInputError, match="`holdout` is missing.*train_test_split"):
        privacy(TRAIN, FRESH)
    with pytest.raises(InvalidInputError, match="`holdout` must have the columns of `real`"):
        privacy(TRAIN, FRESH, HOLDOUT.drop(columns="amount"))
    with pytest.warns(DataWarning, match="100 % of the rows of `holdout` are rows of `real`"):
        privacy(TRAIN, FRESH, TRAIN[:100])


@pytest.mark.skipif("GANAUG_DATA" not in os.environ, reason="needs Adult in the folder GANAUG_DATA")
def test_adult():
    real, more = load_dataset("adult").head(8_000), load_dataset("adult", subset="test")
    holdout, fresh = more[:6_000], more[6_000:12_000]
    assert privacy(real, fresh.head(1_500), holdout).passed
    one_in_ten = pd.concat([fresh.head(1_350), real.tail(150)])
    assert "equal a training row" in privacy(real, one_in_ten, holdout).failures[0]


def test_copies_are_found_though_a_file_was_read_as_numbers_and_the_other_as_text():
    rng = np.random.default_rng(3)
    real = pd.DataFrame({f"code_{place}": rng.integers(1, 30, 1500).astype(str).astype(object) for place in range(4)})
    real["size"] = rng.normal(size=1500).round(3)
    real.iloc[:4, :4] = "X"
    copies = real[10:510].astype({f"code_{place}": int for place in range(4)})
    report = privacy(real[:1000], copies, real[1000:])
    assert not report.passed and report.figures.set_index("name").loc["exact_copies", "figure"] == 100
