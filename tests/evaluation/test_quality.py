"""Signs and values of the quality figures of columns and pairs."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganaug import evaluation
from ganaug.exceptions import DataWarning, InvalidInputError

quality = partial(evaluation.quality, models=False)


def make_table(n_rows: int = 2_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.RandomState(seed)
    base = rng.standard_normal(n_rows)
    table = pd.DataFrame(
        {
            "income": np.exp(base),
            "age": np.round(40 + 10 * base + rng.standard_normal(n_rows)),
            "group": np.where(base + 0.3 * rng.standard_normal(n_rows) > 0, "high", "low"),
            "member": base > 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.randint(0, 1_000, n_rows), unit="D"),
        }
    )
    table.loc[rng.random_sample(n_rows) < 0.1, "age"] = np.nan
    return table


def shuffle_apart(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    rng = np.random.RandomState(seed)
    return pd.DataFrame({name: table[name].to_numpy()[rng.permutation(len(table))] for name in table})


def test_a_table_has_no_error_against_itself():
    real = make_table()
    report = quality(real, real[real.columns[::-1]])
    assert report.shape_error == 0
    assert report.trend_error < 1e-9
    assert report.shape_floor > 0.5
    assert "copied" in report.verdict()


def test_independent_columns_have_the_right_shapes_and_wrong_trends():
    real = make_table()
    report = quality(real, shuffle_apart(real))
    assert report.shape_error < 1e-9
    assert report.trend_error > 3 * report.trend_floor
    assert "clearly not the same" in report.verdict()
    assert "since" in set(report.pairs.loc[6:, ["column_a", "column_b"]].to_numpy().ravel())
    assert "since" not in set(report.pairs.loc[:5, ["column_a", "column_b"]].to_numpy().ravel())


def test_a_shifted_column_is_the_worst_and_the_others_are_untouched():
    real = make_table()
    report = quality(real, real.assign(age=real["age"] + 10))
    assert report.columns.loc[0, "column"] == "age"
    assert report.columns.loc[0, "error"] > 25
    assert (report.columns.loc[1:, "error"] == 0).all()
    # Moving a number as a whole leaves its correlations alone.
    pairs = report.pairs.set_index(["column_a", "column_b"])["error"]
    assert pairs["income", "age"] < 1e-9


def test_the_floor_is_close_to_the_error_of_other_real_rows():
    reports = [quality(make_table(seed=seed), make_table(seed=seed + 50)) for seed in range(8)]
    shape, trend = (
        np.mean([getattr(report, f"{name}_error") for report in reports])
        / np.mean([getattr(report, f"{name}_floor") for report in reports])
        for name in ("shape", "trend")
    )
    # Halves are half as long, so their distance is about sqrt(2) times larger.
    assert 0.55 < shape < 1
    assert 0.55 < trend < 1


def test_a_holdout_is_the_floor():
    real, more = make_table(seed=1), make_table(seed=2)
    report = quality(real, more, holdout=more)
    assert report.shape_floor == report.shape_error
    assert report.trend_floor == report.trend_error
    assert "about as close as real rows" in report.verdict()


def test_shape_errors_match_a_calculation_by_hand():
    real = pd.DataFrame({"number": [1.0, 2, 3, 4], "level": ["a", "a", "b", None]})
    synthetic = pd.DataFrame({"number": [1.0, 2, 2, np.nan], "level": ["a", "b", "c", "c"]})
    errors = quality(real, synthetic).columns.set_index("column")["error"]
    # Below 2: 1/2 against all three of three; the missing rates differ by a quarter only.
    assert errors["number"] == pytest.approx(50)
    # a: 1/2, 1/4; b: 1/4, 1/4; c: 0, 1/2; missing: 1/4, 0.
    assert errors["level"] == pytest.approx(100 * (0.25 + 0 + 0.5 + 0.25) / 2)


def test_the_missing_rate_counts_where_it_is_the_larger_difference():
    real = pd.DataFrame({"number": [1.0, 2, 1, 2]})
    report = quality(real, pd.DataFrame({"number": [1.0, 2, np.nan, np.nan]}))
    assert report.shape_error == pytest.approx(50)
    assert quality(real, pd.DataFrame({"number": [np.nan] * 3})).shape_error == pytest.approx(100)


def test_trend_errors_match_a_calculation_by_hand():
    real = pd.DataFrame({"left": [1.0, 2, 3], "right": [1.0, 2, 3]})
    opposite = real.assign(right=[3.0, 2, 1])
    assert quality(real, opposite).trend_error == pytest.approx(100)
    real = pd.DataFrame({"left": list("aabb"), "right": [True, True, False, False]})
    mixed = real.assign(right=[True, False, True, False])
    assert quality(real, mixed).trend_error == pytest.approx(50)
    assert quality(real, mixed).shape_error == 0


def test_a_constant_column_has_no_correlation_to_lose():
    real = pd.DataFrame({"left": [1.0, 2, 3, 4], "right": [1.0, 2, 3, 4]})
    assert quality(real, real.assign(right=7.0)).trend_error == pytest.approx(50)
    constant = real.assign(right=7.0)
    assert quality(constant, constant).trend_error == 0


def test_a_column_of_mostly_zeros_is_not_one_bin():
    real = pd.DataFrame({"gain": [0.0] * 95 + [9.0] * 5, "rich": ["no"] * 95 + ["yes"] * 5})
    apart = real.assign(rich=["yes"] * 5 + ["no"] * 95)
    assert quality(real, apart).trend_error == pytest.approx(10)
    assert quality(-real[["gain"]].assign(rich=1), -real[["gain"]].assign(rich=1)).trend_error == 0


def test_a_name_like_column_only_compares_its_missing_rate():
    real = pd.DataFrame({"name": [f"person {n}" for n in range(200)], "age": range(200)})
    report = quality(real, real.assign(name=[f"other {n}" for n in range(200)]))
    assert report.columns.set_index("column").loc["name", ["kind", "error"]].tolist() == ["text", 0]
    assert report.pairs.empty
    assert np.isnan(report.trend_error)
    assert "trend_error" not in report.summary()
    assert "pairs" not in report.verdict()


def test_dtypes_may_differ_as_long_as_the_values_compare():
    real = pd.DataFrame({"count": pd.array([1, 2, None, 4], dtype="Int64"), "level": pd.Categorical(list("abab"))})
    synthetic = pd.DataFrame({"count": [1.0, 2.0, np.nan, 4.0], "level": list("abab")})
    report = quality(real, synthetic)
    assert report.shape_error == 0
    assert report.trend_error == 0
    zoned = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=9, tz="Europe/Paris")})
    assert quality(zoned, zoned).shape_error == 0


def test_extreme_numbers_are_measured():
    real = pd.DataFrame({"huge": [1e300, -1e300, 1e299, np.inf], "tiny": [1e-300, 2e-300, 0, 1]})
    report = quality(real, real)
    assert report.shape_error == 0
    assert report.trend_error == 0
    assert np.isfinite(report.trend_floor)


def test_summary_is_flat_and_knows_the_target():
    real = make_table()
    summary = quality(real, shuffle_apart(real), target="group").summary()
    assert all(isinstance(value, float) for value in summary.values())
    assert summary["target_trend_error"] > summary["trend_error"]
    assert summary["worst_pair_error"] >= summary["target_trend_error"]
    assert summary["target_trend_floor"] < summary["target_trend_error"]


def test_the_same_seed_gives_the_same_figures_and_leaves_numpy_alone():
    real, synthetic = make_table(seed=1), make_table(seed=2)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    one, two = (quality(real, synthetic, random_state=3) for _ in range(2))
    quality(real, synthetic, random_state=None)
    assert np.array_equal(before, np.random.get_state()[1])
    assert one.summary() == two.summary()
    pd.testing.assert_frame_equal(one.pairs, two.pairs, check_exact=True)
    assert quality(real, synthetic, random_state=4).shape_error == one.shape_error


def test_a_wide_table_is_bounded_and_says_so():
    rng = np.random.RandomState(0)
    real = pd.DataFrame(rng.randint(0, 5, (300, 150)).astype(str)).add_prefix("column ")
    with pytest.warns(DataWarning, match="11,175 pairs"):
        report = quality(real, shuffle_apart(real), target="column 7")
    assert len(report.pairs) == 5_000
    assert (report.pairs[["column_a", "column_b"]] == "column 7").any(axis=1).sum() == 149


def test_a_long_table_never_differs_from_its_copy():
    rng = np.random.RandomState(0)
    real = pd.DataFrame({"left": rng.standard_normal(110_000), "right": rng.randint(0, 300, 110_000).astype(str)})
    report = quality(real, real.copy())
    assert report.trend_error == 0
    assert report.trend_floor > 0


@pytest.mark.parametrize(
    ("synthetic", "words"),
    [
        (pd.DataFrame({"age": [1, 2]}), r"`synthetic` must have.*missing \['sex'\]"),
        (pd.DataFrame({"age": [1], "sex": ["m"], "x2": [1]}), r"unknown \['x2'\]"),
        (pd.DataFrame({"age": ["old", "new"], "sex": ["m", "f"]}), "'age' is a number in `real`"),
        (pd.DataFrame({"age": [], "sex": []}), r"`synthetic` has shape \(0, 2\)"),
        (pd.DataFrame([[1, 2, 3]], columns=["age", "sex", "sex"]), "two columns named 'sex'"),
        (pd.DataFrame({"age": [1, 2], "sex": [["m"], ["f"]]}), "'sex' holds values"),
        ([[1, 2]], "`synthetic` must be a pandas DataFrame, got list"),
    ],
)
def test_tables_that_do_not_match_are_refused(synthetic, words):
    real = pd.DataFrame({"age": [1, 2, 3], "sex": ["m", "f", "f"]})
    with pytest.raises(InvalidInputError, match=words):
        quality(real, synthetic)


def test_an_unknown_target_and_a_single_row_are_refused():
    real = make_table(50)
    with pytest.raises(InvalidInputError, match="`target`='nope'"):
        quality(real, real, target="nope")
    with pytest.raises(InvalidInputError, match="two rows"):
        quality(real.head(1), real)


def test_adults_test_part_is_as_close_as_real_rows():
    folder = os.environ.get("GANAUG_DATA")
    if not folder or not Path(folder, "tabular", "adult_train.csv").is_file():
        pytest.skip("GANAUG_DATA names no folder with tabular/adult_train.csv")
    real, more = (pd.read_csv(Path(folder, "tabular", f"adult_{part}.csv")) for part in ("train", "test"))
    report = quality(real, more)
    assert 0.4 < report.shape_error < 0.9
    assert 1.2 < report.trend_error < 2.0
    assert "about as close as real rows" in report.verdict()
