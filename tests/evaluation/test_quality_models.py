"""What models find in a synthetic table, and what passes."""

import os

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import load_dataset, make_transactions
from ganaug.evaluation import QualityReport, quality


def shuffle_apart(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    rng = np.random.RandomState(seed)
    return pd.DataFrame({name: table[name].to_numpy()[rng.permutation(len(table))] for name in table})


def make_parts(n_rows: int = 350) -> list[pd.DataFrame]:
    table = make_transactions(3 * n_rows, fraud_rate=0.15, random_state=0).sample(frac=1, random_state=0)
    return [table[start : start + n_rows] for start in range(0, 3 * n_rows, n_rows)]


TRAIN, HOLDOUT, FRESH = make_parts()


@pytest.fixture(scope="module")
def reports() -> dict[str, QualityReport]:
    tables = {
        "fresh": FRESH,
        "copy": TRAIN.sample(frac=1, replace=True, random_state=0),
        "independent": shuffle_apart(TRAIN),
    }
    return {name: quality(TRAIN, table, holdout=HOLDOUT, target="fraud") for name, table in tables.items()}


def test_fresh_rows_and_copies_pass(reports):
    for name in ("fresh", "copy"):
        assert reports[name].passed and reports[name].failures == []
        assert "about as close as real rows" in reports[name].verdict()
    fresh, copies = (reports[name].detection.set_index("detector") for name in ("fresh", "copy"))
    assert fresh[["auc", "auc_holdout", "floor"]].sub(0.5).abs().max(axis=None) < 0.1
    assert copies.loc["boosted trees", "auc"] < 0.4 < 0.5 < copies.loc["boosted trees", "auc_holdout"]


def test_independent_columns_fail(reports):
    report = reports["independent"]
    assert not report.passed
    assert report.shape_error == 0 and report.shape_ceiling == report.shape_floor
    assert report.trend_ceiling == pytest.approx(report.trend_error, rel=0.25) and report.trend_floor < 18
    trees, linear = report.detection.to_dict("records")
    assert trees["auc"] > trees["limit"] > 0.7 and trees["auc"] == pytest.approx(trees["ceiling"], abs=0.05)
    assert trees["auc_holdout"] == pytest.approx(trees["ceiling"], abs=0.05)
    assert abs(linear["ceiling"] - 0.5) < 0.1  # a linear model doesn't see how columns go together
    words = " ".join(report.failures)
    assert "boosted trees tell the rows apart (AUC 0.9" in words and "predict 'fraud' worse" in words
    assert report.failures[0] in report.verdict() and "clearly not the same" in report.verdict()


def test_usefulness_has_both_ends(reports):
    fresh, independent = (reports[name].usefulness for name in ("fresh", "independent"))
    assert fresh["metric"].tolist() == ["AUC"]
    assert fresh.loc[0, ["synthetic", "real"]].min() > fresh.loc[0, "limit"] > 0.8
    assert abs(independent.loc[0, "synthetic"] - 0.5) < 0.2 and abs(independent.loc[0, "independent"] - 0.5) < 0.2
    assert fresh.loc[0, "real"] == independent.loc[0, "real"]


def test_summary_has_the_figures_under_flat_names(reports):
    summary = reports["fresh"].summary()
    names = {"detector_auc", "detector_auc_holdout", "detector_floor", "detector_ceiling", "logistic_auc", "passed"}
    names |= {"usefulness_synthetic", "usefulness_real", "usefulness_independent", "trend_ceiling", "shape_ceiling"}
    assert names <= set(summary) and all(type(value) is float for value in summary.values())
    assert reports["independent"].summary()["passed"] == 0 < summary["passed"]


def test_numbers_and_dates_as_targets():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(600, 2))
    table = pd.DataFrame({"x": base[:, 0], "y": 3 * base[:, 0] + 0.3 * base[:, 1]})
    table["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(50 * base[:, 0]), unit="D")
    real, synthetic = table[:400], table[400:].reset_index(drop=True)
    found = quality(real, synthetic, target="y").usefulness.set_index("metric")
    assert found.index.tolist() == ["R2", "RMSE"]
    assert (
        found.loc["R2", "real"] > 0.95 and found.loc["R2", "synthetic"] > 0.93 and found.loc["R2", "independent"] < 0.1
    )
    assert 0.3 < found.loc["RMSE", "real"] < 0.7 and 2 < found.loc["RMSE", "independent"] < 5
    by_day = quality(real, shuffle_apart(synthetic), target="when")
    assert 1 < by_day.usefulness.loc[1, "real"] < 10 and 30 < by_day.usefulness.loc[1, "synthetic"] < 80  # in days
    assert any("predict 'when' worse" in failure for failure in by_day.failures)


def test_more_classes_than_two_and_a_synthetic_target_of_one():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "noise": rng.normal(size=400)})
    table["grade"] = pd.cut(table["x"], [-9, -1, 0, 1, 9], labels=list("abcd")).astype(str)
    real, synthetic = table[:250], table[250:].reset_index(drop=True)
    assert quality(real, synthetic, target="grade").usefulness.loc[0, "synthetic"] > 0.95
    without_two = synthetic[synthetic["grade"].isin(["a", "b"])]  # 0.5 for what was not learned
    assert 0.6 < quality(real, without_two, target="grade").usefulness.loc[0, "synthetic"] < 0.85
    one = quality(real, synthetic.assign(grade="a"), target="grade")
    assert np.isnan(one.usefulness.loc[0, "synthetic"]) and one.usefulness.loc[0, "real"] > 0.95
    assert "the same in all" in one.notes[0] and "the same in all synthetic rows" in " ".join(one.failures)
    constant = quality(real.assign(grade="a"), synthetic, target="grade")
    assert constant.usefulness[["synthetic", "real"]].isna().all(axis=None) and "real rows" in constant.notes[0]


def test_tables_of_few_rows_and_columns_and_nothing_in_them():
    rng = np.random.default_rng(0)
    real, fresh = (pd.DataFrame({"a": rng.normal(size=30), "b": rng.choice(list("xy"), 30)}) for _ in range(2))
    assert quality(real, fresh, target="b").passed
    alone = quality(real[["a"]], fresh[["a"]], target="a")
    assert alone.passed and alone.usefulness is None and "there is no other column" in alone.notes[0]
    odd = pd.DataFrame({"empty": [np.nan] * 30, "constant": 7, "day": pd.date_range("2024-01-01", periods=30)})
    odd["name"] = [f"person {row}" for row in range(30)]
    report = quality(odd, odd.sample(30, random_state=0), holdout=odd, target="empty")
    assert report.passed and "fewer than 10 real rows" in report.notes[0]
    filled = quality(odd, odd.assign(empty=1.0))
    assert "the column 'empty' is off by 100.0 %" in filled.failures[0]
    tiny = quality(real[:2], fresh[:1])
    assert tiny.passed and np.isnan(tiny.detection.loc[0, "auc"]) and "detector_auc" not in tiny.summary()


def test_without_models_there_are_columns_and_pairs_only():
    report = quality(TRAIN, FRESH, target="fraud", models=False)
    assert report.detection is None and report.usefulness is None
    assert not [name for name in report.summary() if name.startswith(("detector", "usefulness"))]
    assert "Boosted" not in report.verdict()


def test_the_same_seed_gives_the_same_bits():
    train, fresh = (table.drop(columns="merchant_id").head(120) for table in (TRAIN, FRESH))
    one, two, other = (quality(train, fresh, target="fraud", random_state=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.detection, two.detection, check_exact=True)
    pd.testing.assert_frame_equal(one.usefulness, two.usefulness, check_exact=True)
    assert one.summary() == two.summary() != other.summary()


def test_shapes_and_trends_are_sdmetrics_where_the_definitions_agree():
    """Its numbers against categories are cut at equal widths, ours at deciles: those pairs differ."""
    metrics = pytest.importorskip("sdmetrics.single_column", reason="sdmetrics is not installed")
    pair_metrics = pytest.importorskip("sdmetrics.column_pairs")
    real, synthetic = (part[["amount", "payments_last_hour", "category", "channel"]] for part in (TRAIN, FRESH))
    real, synthetic = (
        part.astype({"category": object, "channel": object}).reset_index(drop=True) for part in (real, synthetic)
    )
    report = quality(real, synthetic, models=False)
    errors = report.columns.set_index("column")["error"]
    for name in real:
        metric = metrics.KSComplement if name in ("amount", "payments_last_hour") else metrics.TVComplement
        assert errors[name] == pytest.approx(100 * (1 - metric.compute(real[name], synthetic[name])))
    pairs = report.pairs.set_index(["column_a", "column_b"])["error"]
    for metric, names in (
        (pair_metrics.CorrelationSimilarity, ["amount", "payments_last_hour"]),
        (pair_metrics.ContingencySimilarity, ["category", "channel"]),
    ):
        assert pairs[tuple(names)] == pytest.approx(100 * (1 - metric.compute(real[names], synthetic[names])))


@pytest.mark.skipif("GANAUG_DATA" not in os.environ, reason="needs Adult in the folder GANAUG_DATA")
def test_adult():
    real, more = load_dataset("adult").head(4_000), load_dataset("adult", subset="test")
    held_out = more[4_000:8_000]
    tables = more[:4_000], shuffle_apart(real)
    fresh, apart = (quality(real, table, holdout=held_out, target="income") for table in tables)
    assert fresh.passed and not apart.passed
    assert abs(fresh.detection.loc[0, "auc"] - 0.5) < 0.03 and apart.detection.loc[0, "auc"] > 0.95
    assert fresh.usefulness.loc[0, "synthetic"] > 0.9 and apart.usefulness.loc[0, "synthetic"] < 0.65
