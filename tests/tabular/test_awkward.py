"""Awkward but real columns: what a stranger's table holds."""

import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.exceptions import ConditionError, InvalidInputError
from ganaug.tabular import TableEncoder, TabularGAN
from ganaug.tabular.encoder import Codes

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")
RNG = np.random.default_rng(0)


def fit(table, **kwargs):
    return TabularGAN(**{"max_steps": 3, "random_state": 0, **kwargs}).fit(table)


def test_float_categories_keep_their_shares():
    flag = pd.Series(np.random.default_rng(0).choice([0.0, 1.0, np.nan], 2000, p=[0.6, 0.3, 0.1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        encoder = TableEncoder(categorical_features=["flag"]).fit(pd.DataFrame({"flag": flag}))
    (column,) = encoder.columns_
    expected = [(flag == column.categories[0]).sum(), (flag == column.categories[1]).sum(), flag.isna().sum()]
    assert column.counts.tolist() == expected and column.others == []


@pytest.mark.parametrize(
    "values",
    [
        RNG.random(300) * 1e25,
        RNG.random(300) * 1e-13,
        (RNG.random(300) * 1e-9).astype("float32"),
        1.7e12 + 0.5 * np.arange(300.0),
        RNG.integers(-(2**63), 2**63 - 1, 300),
        RNG.integers(0, 2**64 - 1, 300, dtype=np.uint64),
        np.r_[0, RNG.integers(2**60, 2**62, 299)],
    ],
)
def test_extreme_numbers_stay_in_their_range(values):
    synthetic = fit(pd.DataFrame({"value": values})).sample(400)["value"]
    assert synthetic.dtype == values.dtype
    assert synthetic.min() >= values.min() and synthetic.max() <= values.max()
    assert synthetic.nunique() > 50


def test_dates_beyond_nanoseconds():
    days = [datetime.date(9999, 12, 31) if row % 3 == 0 else datetime.date(2024, 1, 1 + row % 28) for row in range(300)]
    table = pd.DataFrame(
        {
            "until": days,
            "text": [str(day) for day in days],
            "since": [datetime.date(1066, 1, 1 + row % 28) for row in range(300)],
        }
    )
    gan = fit(table)
    synthetic = gan.sample(400)
    assert set(synthetic["until"]) <= set(days) and synthetic["until"].eq(datetime.date(9999, 12, 31)).mean() > 0.2
    assert set(synthetic["since"]) <= set(table["since"]) and set(synthetic["text"]) <= set(table["text"])
    far = gan.sample(20, conditions={"until": (datetime.date(2500, 1, 1), None)})["until"]
    assert set(far) == {datetime.date(9999, 12, 31)}


def test_object_times_come_back_as_objects():
    moments = pd.Series([datetime.datetime(2024, 1, 1, row % 24, 5) for row in range(60)], dtype=object)
    gaps = pd.Series([datetime.timedelta(minutes=row % 30) for row in range(60)], dtype=object)
    table = pd.DataFrame({"moment": moments, "gap": gaps})
    encoder = TableEncoder().fit(table)
    back = encoder.decode(encoder.encode(table))
    assert back["moment"].tolist() == table["moment"].tolist() and type(back["moment"][0]) is datetime.datetime
    assert back["gap"].tolist() == table["gap"].tolist()


@pytest.mark.parametrize(
    "conditions",
    [
        {"whole": 3.7},
        {"cents": 50.123},
        {"day": "2024-05-01 12:00"},
        {"day": ("2300-01-01", None)},
        {"day": (None, "1500-01-01")},
        {"day": ("01.05.2024", "02.05.2024")},
        {"day": (pd.NaT, None)},
        {"whole": ("a", 5)},
        {"whole": np.nan},
        {"whole": [(1, 2, 3)]},
        {"whole": 10**400},
        {"whole": [[1]]},
        {"name": {"a": 1}},
        {"name": [["x"]]},
        "name == x",
        [1, 2],
    ],
)
def test_conditions_off_the_grid_or_off_the_map_are_refused(conditions):
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 300), unit="D")
    table = {"whole": rng.integers(0, 1000, 300), "cents": (rng.random(300) * 100).round(2), "day": day}
    gan = fit(pd.DataFrame(table | {"name": rng.choice(["x", "y"], 300)}))
    with pytest.raises(ConditionError):
        gan.sample(5, conditions=conditions)


def test_conditions_at_the_very_ends():
    value = np.random.default_rng(0).normal(size=300)
    gan = fit(pd.DataFrame({"value": value}))
    assert (gan.sample(9, conditions={"value": (value.max(), 99)})["value"] == value.max()).all()
    assert (gan.sample(9, conditions={"value": (-99, value.min())})["value"] == value.min()).all()


def test_ranges_between_repeated_numbers_invent_nothing():
    table = pd.DataFrame({"value": 100 * np.r_[np.full(900, 100), np.arange(101, 300), np.full(100, 101)], "x": 1})
    gan = fit(table, max_bins=4)
    assert set(gan.sample(500, conditions={"value": (10_050, 10_150)})["value"]) == {10_100}
    assert set(gan.sample(500, conditions={"value": (9_950, 10_150)})["value"]) == {10_000, 10_100}
    with pytest.raises(ConditionError, match="nothing in"):
        gan.sample(5, conditions={"value": (10_010, 10_090)})


def test_heavy_tails_keep_their_quantiles():
    value = np.random.default_rng(0).pareto(1.5, 10_000)
    table = pd.DataFrame({"value": value})
    encoder = TableEncoder().fit(table)
    codes = encoder.encode(table)
    again = encoder.decode(Codes(codes.levels, np.random.default_rng(1).random(codes.positions.shape)))["value"]
    assert np.quantile(again, 0.999) == pytest.approx(np.quantile(value, 0.999), rel=0.3)
    assert again.mean() == pytest.approx(value.mean(), rel=0.05)


def test_a_condition_gives_the_value_as_it_was_learned():
    table = pd.DataFrame({"flag": np.array([True, False, None] * 100, dtype=object), "x": 1.0})
    gan = fit(table)
    assert gan.sample(2, conditions={"flag": 1})["flag"].tolist() == [True, True]
    assert gan.sample(2, conditions={"flag": pd.NA})["flag"].tolist() == [None, None]


@pytest.mark.parametrize(
    "columns",
    [
        [0, 1],
        pd.Index(["a b", 'it\'s "q" <é>'], name="field"),
        pd.MultiIndex.from_tuples([("x", 1), ("x", 2)], names=["up", "down"]),
        pd.Index([("x", 1), ("x", 2)], tupleize_cols=False),
    ],
)
@pytest.mark.filterwarnings("ignore:Feature names")
def test_column_names_of_any_kind(columns):
    table = pd.DataFrame(np.random.default_rng(0).integers(0, 5, (60, 2)), columns=columns)
    synthetic = fit(table).sample(5, conditions={table.columns[1]: 3})
    pd.testing.assert_index_equal(synthetic.columns, table.columns)
    assert (synthetic.iloc[:, 1] == 3).all()


def test_saving_what_categories_may_be(tmp_path):
    size = np.random.default_rng(0).normal(size=90)
    table = pd.DataFrame(
        {
            "cut": pd.cut(size, 4),
            "day": pd.Categorical(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(90) % 5, unit="D")),
            "raw": np.array([b"a", b"b", None] * 30, dtype=object),
            "price": [Decimal("1.50"), Decimal("2.25"), Decimal("3.00")] * 30,
        }
    )
    gan = fit(table)
    back = ganaug.load(gan.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(back.sample(20), gan.sample(20))
    assert back.sample(20).dtypes.tolist() == table.dtypes.tolist()


@pytest.mark.parametrize(
    ("values", "kwargs"),
    [
        (RNG.random(60), {"schema": {"value": "identifier"}}),
        ([{"a": 1}] * 60, {"schema": {"value": "category"}}),
    ],
)
def test_what_cannot_come_back_is_refused_before_training(values, kwargs):
    with pytest.raises(InvalidInputError, match="'value'"):
        fit(pd.DataFrame({"value": values, "x": 1}), **kwargs)


def test_scoring_text_in_a_number_column_is_named():
    gan = fit(pd.DataFrame({"size": np.random.default_rng(0).normal(size=60), "name": ["a", "b"] * 30}))
    with pytest.raises(InvalidInputError, match="'size' holds values that were no number values"):
        gan.score_samples(pd.DataFrame({"size": ["large"], "name": ["a"]}))


def test_identifiers_differ_across_a_frame_of_conditions():
    table = pd.DataFrame({"id": [f"{row:05d}x" for row in range(300)], "kind": ["a", "b", "c"] * 100})
    with pytest.warns(match="identifier"):
        gan = fit(table)
    synthetic = gan.sample(conditions=pd.DataFrame({"kind": ["a", "b", "c", "a"] * 5}))
    assert synthetic["id"].nunique() == 20 and synthetic["kind"].tolist() == ["a", "b", "c", "a"] * 5


def test_a_fit_that_fails_leaves_nothing_that_looks_fitted():
    from sklearn.exceptions import NotFittedError

    gan = fit(pd.DataFrame({"x": [1.0, 2.0] * 50}))
    with pytest.raises(InvalidInputError):
        gan.fit(pd.DataFrame({"x": [1.0, np.inf] * 50}))
    with pytest.raises(NotFittedError):
        gan.sample(3)


def test_a_target_of_unique_texts_is_no_identifier():
    table = pd.DataFrame({"size": np.random.default_rng(0).normal(size=250)})
    with pytest.warns(match="'target' has 250 categories"):
        gan = TabularGAN(max_steps=3, random_state=0).fit(table, [f"r{row:03d}" for row in range(250)])
    X, y = gan.sample(10, return_y=True)
    assert X.shape == (10, 1) and all(label.startswith("r") for label in y)
    assert gan.score_samples(table).shape == (250,)


def test_a_callback_that_raises_leaves_no_training_rows_behind():
    from ganaug.adversarial import Callback

    class Broken(Callback):
        def on_step_end(self, run):
            raise RuntimeError("broken")

    gan = TabularGAN(max_steps=3, callbacks=[Broken()], random_state=0)
    with pytest.raises(RuntimeError, match="broken"):
        gan.fit(pd.DataFrame({"size": np.random.default_rng(0).normal(size=200)}))
    assert not [name for name in vars(gan) if name.startswith("_") and not name.startswith("__")]


def test_columns_without_names_of_text_are_found_in_any_order():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({0: rng.normal(size=60), 1: rng.normal(50, size=60)})
    gan = fit(table)
    for ask in (gan.score_samples, gan.transform, gan.log_likelihood):
        np.testing.assert_array_equal(ask(table[[1, 0]]), ask(table))
    pd.testing.assert_frame_equal(gan.vary(table[[1, 0]], keep=1.0), gan.vary(table, keep=1.0))
