import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from tables import make_mixed

from ganaug.exceptions import DataWarning, InvalidInputError, TableTooWideError
from ganaug.tabular import TableEncoder, learning
from ganaug.tabular.columns import UNSEEN, CategoryColumn, IdentifierColumn, NumberColumn


def round_trip(table, **kwargs):
    encoder = TableEncoder(**kwargs).fit(table)
    return encoder, encoder.decode(encoder.encode(table))


def test_a_mixed_table_comes_back_as_it_was():
    table = make_mixed()
    _, back = round_trip(table)
    pd.testing.assert_frame_equal(back, table)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, 3] * 5, dtype="uint8"),
        pd.Series([2**60 + 1, 2**61 + 7, 2**62 + 3] * 5),
        pd.Series([2**63 + 5, 2**63 + 9] * 5, dtype="uint64"),
        pd.Series([0.1, 0.25, np.nan] * 5),
        pd.Series([0.1, 0.25, None] * 5, dtype="Float64"),
        pd.Series([True, False, None] * 5, dtype="boolean"),
        pd.Series([True, False, None] * 5, dtype=object),
        pd.Series([1, None, 3] * 5, dtype="int64[pyarrow]"),
        pd.Series(["a", None] * 5, dtype="string[pyarrow]"),
        pd.Series(pd.to_timedelta([1, 2, 90], unit="min").tolist() * 5),
        pd.Series(pd.period_range("2020-01", periods=15, freq="M")),
        pd.Series([datetime.date(2024, 1, day) for day in range(1, 16)], dtype=object),
        pd.Series([datetime.time(3, minute) for minute in range(15)], dtype=object),
        pd.Series([Decimal("1.25"), Decimal("3.50")] * 5, dtype=object),
        pd.Series([f"2024-03-{day:02d}" for day in range(1, 29)] * 2),
        pd.Series([f"2024-03-05 {hour:02d}:15:30" for hour in range(24)] * 2),
        pd.Series([np.nan] * 10),
        pd.Series([None] * 10, dtype=object),
        pd.Series([3.0] * 10),
        pd.Series([1, "one", 2.5, True] * 3, dtype=object),
        pd.Series([b"a", b"b"] * 5, dtype=object),
        pd.Series([None, pd.Timestamp("2024-01-01", tz="Europe/Rome")] * 5),
    ],
    ids=lambda values: f"{values.dtype}-{str(values.iloc[-1])[:12]}",
)
def test_dtypes_come_back(values):
    table = values.rename("column").to_frame()
    _, back = round_trip(table)
    pd.testing.assert_frame_equal(back, table)


def test_kinds_are_found_without_metadata():
    encoder, _ = round_trip(make_mixed())
    kinds = {column.name: column.kind for column in encoder.columns_}
    assert {name for name, kind in kinds.items() if kind == "number"} == {
        "level", "amount", "when", "at", "count", "small", "constant",
    }  # fmt: skip


def test_positions_fill_the_unit_interval_evenly():
    """Bins hold equal shares, and positions inside them are ranks: uniform, whatever the column's shape."""
    table = pd.DataFrame({"skewed": np.random.default_rng(0).lognormal(3.0, 2.0, 5000)})
    encoder = TableEncoder(max_bins=10).fit(table)
    codes = encoder.encode(table)
    assert np.bincount(codes.levels[:, 0]).tolist() == [500] * 10
    quartiles = np.quantile(codes.positions, [0.25, 0.5, 0.75])
    assert np.allclose(quartiles, [0.25, 0.5, 0.75], atol=0.02)


def test_frequent_numbers_are_levels_of_their_own():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(3000) < 0.6, 0.0, rng.normal(size=3000))
    encoder = TableEncoder(max_bins=10).fit(pd.DataFrame({"value": values}))
    (column,) = encoder.columns_
    assert column.atom_values.tolist() == [0.0]
    codes = encoder.encode(pd.DataFrame({"value": values}))
    assert (codes.levels[values == 0, 0] == column.atom_levels[0]).all()
    assert not (codes.levels[values != 0, 0] == column.atom_levels[0]).any()
    assert np.allclose(encoder.decode(codes)["value"], values, atol=1e-3)


def test_levels_of_numbers_stand_in_their_order():
    values = np.r_[np.full(500, 5.0), np.random.default_rng(0).normal(5, 3, 1000)]
    (column,) = TableEncoder(max_bins=8).fit(pd.DataFrame({"value": values})).columns_
    middles = column.decode_axis(np.arange(column.n_levels), np.full(column.n_levels, 1e-6))
    assert (np.diff(middles) > 0).all()


def test_repeated_numbers_are_spread_in_training_and_central_in_scoring():
    table = pd.DataFrame({"value": np.repeat(np.arange(200.0), 10)})
    encoder = TableEncoder(max_bins=20).fit(table)
    spread = encoder.encode(table, np.random.default_rng(0))
    central = encoder.encode(table)
    assert len(np.unique(central.positions.round(6))) == 10 and len(np.unique(spread.positions)) > 1000
    pd.testing.assert_frame_equal(encoder.decode(spread), table)


def test_rare_categories_are_kept_and_the_rest_share_a_level():
    rng = np.random.default_rng(0)
    names = [f"shop {rank}" for rank in range(300)]
    weights = 1.0 / np.arange(1, 301)
    table = pd.DataFrame({"shop": rng.choice(names, 20_000, p=weights / weights.sum())})
    with pytest.warns(DataWarning, match=r"'shop' has 300 categories: the 251 rarest share one level"):
        encoder = TableEncoder(max_categories=50).fit(table)
    codes = encoder.encode(table)
    assert codes.levels.max() == 49
    back = encoder.decode(codes, np.random.default_rng(1))["shop"]
    assert (back[codes.levels[:, 0] < 49] == table["shop"][codes.levels[:, 0] < 49]).all()
    others = table["shop"][codes.levels[:, 0] == 49].value_counts(normalize=True)
    drawn = back[codes.levels[:, 0] == 49].value_counts(normalize=True)
    assert others.sub(drawn, fill_value=0).abs().sum() / 2 < 0.1  # by frequency, not evenly
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TableEncoder(max_categories=300).fit(table)


def test_what_was_never_seen_is_unseen():
    table = pd.DataFrame({"city": ["Rome", "Oslo"] * 100, "size": np.linspace(0, 1, 200)})
    encoder = TableEncoder().fit(table)
    new = pd.DataFrame({"city": ["Rome", "Paris", None], "size": [1.02, 99.0, np.nan]})
    assert encoder.encode(new).levels[:, 0].tolist() == [0, UNSEEN, UNSEEN]
    assert encoder.encode(new).levels[:, 1].tolist() == [4, UNSEEN, UNSEEN]


def test_identifiers_are_made_up_in_their_pattern():
    table = pd.DataFrame({"id": [f"AB-{number:05d}" for number in range(500)], "size": np.arange(500) % 7})
    with pytest.warns(DataWarning, match="'id' looks like an identifier"):
        encoder = TableEncoder().fit(table)
    assert [type(column) for column in encoder.columns_] == [IdentifierColumn, NumberColumn]
    made = encoder.decode(encoder.encode(table))["id"]
    assert made.str.fullmatch(r"AB-00[0-4]\d\d").all() and made.nunique() == 500
    assert "AB-00123" not in str(encoder.to_state())


def test_a_wide_id_column_costs_little():
    """50,000 ids on 100,000 rows: the column is kept in a few levels (benchmarks/encoding.py has the seconds)."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": rng.integers(0, 50_000, 100_000).astype(str), "size": rng.normal(size=100_000)})
    with pytest.warns(DataWarning, match="'id' has"):
        encoder = TableEncoder().fit(table)
    codes = encoder.encode(table, rng)
    assert [column.n_levels for column in encoder.columns_] == [200, 32]
    assert set(encoder.decode(codes)["id"]) <= set(table["id"])


def test_a_table_too_wide_names_the_guilty(monkeypatch):
    monkeypatch.setattr(learning, "_FLOATS_PER_LEVEL", 10**9)
    table = pd.DataFrame({"narrow": [0, 1] * 50, "wide": [f"{row % 90}" for row in range(100)]})
    with pytest.raises(TableTooWideError, match=r"Widest: 'wide' \(90 levels\).*Lower max_categories"):
        TableEncoder().fit(table)


def test_schema_overrules_the_dtype():
    table = pd.DataFrame(
        {"zip": [10115, 20095] * 20, "id": [f"u{row}" for row in range(40)], "day": ["2024-01-02"] * 40}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what was declared needs no warning
        encoder = TableEncoder(schema={"zip": "category", "id": "identifier", "day": "datetime"}).fit(table)
    assert [type(column) for column in encoder.columns_] == [CategoryColumn, IdentifierColumn, NumberColumn]
    assert encoder.decode(encoder.encode(table))["day"].tolist() == ["2024-01-02"] * 40


@pytest.mark.parametrize(
    ("table", "kwargs", "message"),
    [
        ({"size": [1.0, np.inf] * 5}, {}, "'size' contains infinity"),
        ({"size": [1 + 2j] * 5}, {}, "Complex data not supported: column 'size'"),
        ({"size": [{"a": 1}] * 5}, {}, "'size' holds {'a': 1} of type dict"),
        ({"name": ["a", "b"] * 5}, {"schema": {"name": "datetime"}}, "'name' is a datetime, but"),
        ({"name": ["a", "b"] * 5}, {"schema": {"name": "number"}}, "'name' is a number, but its dtype is object"),
    ],
)
def test_bad_columns_are_named(table, kwargs, message):
    with pytest.raises(InvalidInputError, match=message):
        TableEncoder(**kwargs).fit(pd.DataFrame(table))


def test_column_names_must_differ():
    table = pd.DataFrame([[1, 2]] * 5, columns=["a", "a"])
    with pytest.raises(InvalidInputError, match=r"\['a'\] occur more than once"):
        TableEncoder().fit(table)


def test_state_round_trip():
    table = make_mixed()
    encoder = TableEncoder().fit(table)
    other = TableEncoder.from_state(encoder.to_state(), encoder.format_)
    assert repr(other.get_params()) == repr(encoder.get_params())
    codes = other.encode(table)
    assert np.array_equal(codes.levels, encoder.encode(table).levels)
    pd.testing.assert_frame_equal(other.decode(codes), table)


def test_state_without_every_parameter_is_read():
    """As files of the first release have it."""
    encoder = TableEncoder().fit(make_mixed())
    state = {name: encoder.to_state()[name] for name in ("max_categories", "max_bins", "columns")}
    codes = TableEncoder.from_state(state, encoder.format_).transform(make_mixed())
    assert np.array_equal(codes, encoder.transform(make_mixed()), equal_nan=True)


def test_codes_of_a_mixed_table_are_levels_and_positions_and_come_back():
    table = make_mixed()
    encoder = TableEncoder().fit(table)
    codes = encoder.transform(table)
    assert codes.dtype == np.float64 and codes.shape == table.shape and not np.isnan(codes).any()
    assert np.array_equal(np.floor(codes), encoder.encode(table).levels)
    first = np.floor(codes[0]).astype(int)
    binned = np.array([column.is_binned[level] for column, level in zip(encoder.columns_, first, strict=True)])
    assert binned.any() and (codes[0, ~binned] % 1 == 0.5).all()
    pd.testing.assert_frame_equal(encoder.inverse_transform(codes), table)
    named = pd.DataFrame(codes, index=table.index + 5)
    pd.testing.assert_frame_equal(encoder.inverse_transform(named), table.set_axis(named.index))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(60.0).reshape(20, 3),
        np.array([[1.5, np.nan], [2.5, 0.25]] * 10, dtype=np.float32),
        np.array([["a", "b"], ["b", "b"]] * 10),
        np.array([["a", 1, np.nan], ["b", 2, 2.5]] * 10, dtype=object),
        np.array([[True, False], [True, True]] * 10),
        [[1, 2], [3, 4], [5, 6]],
    ],
    ids=["float64", "float32", "text", "object", "bool", "list"],
)
def test_arrays_come_back(array):
    encoder = TableEncoder().fit(array)
    back = encoder.inverse_transform(encoder.transform(array))
    expected = np.asarray(array)
    assert isinstance(back, np.ndarray) and back.dtype == expected.dtype
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(expected))
    assert encoder.get_feature_names_out().tolist() == [f"x{place}" for place in range(expected.shape[1])]


def test_what_was_never_seen_has_no_code():
    table = pd.DataFrame({"city": ["Rome", "Oslo"] * 100, "size": np.linspace(0, 1, 200)})
    encoder = TableEncoder().fit(table)
    new = pd.DataFrame({"city": ["Oslo", "Paris", None], "size": [1.02, 99.0, np.nan]})
    codes = encoder.transform(new)
    assert codes[0, 0] == 1.5 and 4.0 < codes[0, 1] < 5.0 and np.isnan(codes[1:]).all()


def test_codes_keep_the_order():
    rng = np.random.default_rng(0)
    size = rng.lognormal(3.0, 2.0, 3000)
    grade = pd.Categorical(rng.choice(list("abc"), 3000), categories=list("cab"), ordered=True)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, 3000), unit="D")
    table = pd.DataFrame({"size": size, "grade": grade, "day": day, "few": rng.choice([-3, 0, 10], 3000)})
    codes = TableEncoder().fit(table).set_output(transform="pandas").transform(table)
    for name in table:
        ranks = pd.Series(table[name].cat.codes if name == "grade" else table[name]).rank(method="dense")
        by_value = codes[name].groupby(ranks).agg(["min", "max"])
        assert (by_value["min"] == by_value["max"]).all() and by_value["min"].is_monotonic_increasing, name
        assert by_value["min"].is_unique, name


def test_inverse_transform_takes_what_a_model_made_up():
    table = pd.DataFrame({"city": ["Rome", "Oslo", None] * 50, "few": [1, 2, 5] * 50, "size": np.linspace(0, 1, 150)})
    encoder = TableEncoder().fit(table)
    back = encoder.inverse_transform([[np.nan, 2.99, -7.0], [-0.1, 3.0, 1e9], [1.0, 0.0, 2.5]])
    assert back["city"].tolist() == [None, "Rome", "Oslo"] and back["few"].tolist() == [5, 5, 1]
    assert np.allclose(back["size"][:2], [0.0, 1.0], atol=1e-6) and 0.4 < back["size"][2] < 0.6
    with pytest.raises(InvalidInputError, match=r"column 'few' is NaN in row 1.*had none in fit. Fill it in or drop"):
        encoder.inverse_transform([[0.5, 0.5, 0.5], [0.5, np.nan, 0.5]])
    with pytest.raises(
        InvalidInputError, match=r"X has 2 columns, but there are codes for 3: \['city', 'few', 'size'\]"
    ):
        encoder.inverse_transform([[0.5, 0.5]])


def test_identifiers_have_no_codes():
    table = pd.DataFrame({"id": [f"AB-{number:05d}" for number in range(500)], "size": np.arange(500) % 7})
    with pytest.warns(DataWarning, match="'id' looks like an identifier"):
        encoder = TableEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == ["size"]
    back = encoder.inverse_transform(encoder.transform(table))
    assert back.columns.tolist() == ["id", "size"] and (back["size"] == table["size"]).all()


def test_columns_are_chosen_by_name_place_or_mask():
    table = pd.DataFrame({"zip": [10115, 20095, 80331] * 20, "size": np.linspace(0, 1, 60)})
    for wanted in (["zip"], [0], [True, False], np.array([True, False])):
        encoder = TableEncoder(categorical_features=wanted).fit(table)
        assert [column.kind for column in encoder.columns_] == ["category", "number"]
    with pytest.raises(InvalidInputError, match="There is no column 'zap'"):
        TableEncoder(categorical_features=["zap"]).fit(table)
    with pytest.raises(InvalidInputError, match=r"schema\['zip'\] is 'code'; it must be one of"):
        TableEncoder(schema={"zip": "code"}).fit(table)
    with pytest.raises(ValueError, match="'max_bins' parameter of TableEncoder must be"):
        TableEncoder(max_bins=1).fit(table)
    assert TableEncoder(max_bins=np.int64(3)).fit(table).columns_[1].n_levels == 3


def test_codes_before_a_booster():
    """Trees split codes as they split numbers; dates and texts need no further step."""
    table = make_mixed(600)
    label = (table["is_new"] & (table["city"] == "Rome")) | (table["when"] > "2024-09-01")
    pipeline = make_pipeline(TableEncoder(), HistGradientBoostingClassifier(max_iter=30, random_state=0))
    assert cross_validate(pipeline, table, label, cv=3, error_score="raise")["test_score"].mean() > 0.95
