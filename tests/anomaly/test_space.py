"""From tables to points."""

import numpy as np
import pandas as pd
import pytest

from ganaug.anomaly.space import RecordSpace
from ganaug.tabular import TableEncoder


def make_space(table):
    return RecordSpace(TableEncoder().fit(table).modeled_).fit(table)


def make_payments(n_rows=400, seed=0):
    rng = np.random.default_rng(seed)
    hours = rng.integers(9, 18, n_rows) + 24 * rng.integers(0, 60, n_rows)
    return pd.DataFrame(
        {
            "time": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(hours * 3600 + rng.integers(0, 3600, n_rows), unit="s"),
            "amount": rng.gamma(2.0, 20.0, n_rows).round(2),
            "kind": rng.choice(["food", "fuel", "rare"], n_rows, p=[0.6, 0.38, 0.02]),
            "age": np.where(rng.random(n_rows) < 0.2, np.nan, rng.integers(18, 90, n_rows)),
        }
    )


def test_numbers_are_scaled_and_categories_lie_one_apart():
    table = make_payments()
    space = make_space(table)
    points = space.transform(table)
    amount, kind = (points[:, space.spans[place]] for place in (1, 2))
    assert amount.mean() == pytest.approx(0, abs=1e-9) and amount.std() == pytest.approx(1)
    different = np.flatnonzero(table["kind"] != table["kind"].iloc[0])
    gaps = np.linalg.norm(kind[different] - kind[0], axis=1)
    assert np.allclose(gaps, np.sqrt(2))  # the rare one too
    assert (points[:, -1] == 0).all()


def test_scales_are_those_of_the_training_and_wild_values_are_cut():
    table = pd.DataFrame({"size": np.r_[np.random.default_rng(0).normal(size=500), 1e6]})
    points = make_space(table).transform(table)
    assert np.median(np.abs(points[:-1, 0])) > 0.05  # one wild value does not make the others alike
    assert 10 < points[-1, 0] <= 25


def test_what_was_never_seen_is_counted():
    space = make_space(make_payments())
    fresh = make_payments(3, seed=1)
    fresh.loc[0, "kind"] = "alien"
    fresh.loc[1, ["kind", "amount"]] = ["alien", np.nan]
    fresh["age"] = np.nan  # was missing in training too
    assert space.transform(fresh)[:, -1].tolist() == [5.0, 10.0, 0.0]
    assert space.find_strange(fresh)[1].tolist() == [False, True, True, False]


def test_a_missing_number_has_a_flag_and_the_mean():
    table = make_payments()
    space = make_space(table)
    age = space.transform(table)[:, space.spans[3]]
    missing = table["age"].isna().to_numpy()
    assert age.shape[1] == 2 and np.ptp(age[missing, 0]) == 0 and abs(age[missing, 0][0]) < 0.05
    assert np.isnan(space.to_axis(3, space.transform(table))[missing]).all()
    assert np.allclose(space.to_axis(3, space.transform(table))[~missing], table["age"][~missing])


def test_hours_lie_on_a_circle_and_time_goes_on():
    table = make_payments()
    space = make_space(table)
    assert space.periods(0) == [86_400, 604_800] and space.periods(1) == []
    moments = pd.to_datetime(
        ["2024-02-29 23:59:30", "2024-03-01 00:00:30", "2024-04-05 12:00:00", "2024-04-12 12:00:00"]
    )
    points = space.transform(table.iloc[:4].assign(time=moments))[:, space.spans[0]]
    assert np.linalg.norm(points[0, 1:3] - points[1, 1:3]) < 0.02  # a minute over midnight
    # Five weeks after the training and six: the same hour and weekday, and both at its end.
    assert np.allclose(points[2], points[3])
    early = space.transform(table.iloc[:1].assign(time=pd.Timestamp("1999-01-01 12:00")))[0, 0]
    late = space.transform(table.iloc[:1].assign(time=pd.Timestamp("2199-01-01 12:00")))[0, 0]
    assert early < -10 and late > 10  # far in the future is odd again


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_every_clock_gives_the_same_circle(zone, unit):
    moments = pd.Series(pd.date_range("2024-01-01", periods=200, freq="37min")).dt.as_unit(unit)
    table = pd.DataFrame({"time": moments if zone is None else moments.dt.tz_localize(zone)})
    space = make_space(table)
    circle = space.transform(table)[:, space.spans[0]][:, 1:3] * space.cut_scale[1:3] + space.cut_center[1:3]
    circle = circle * space.scale[1:3] + space.center[1:3]
    hours = (moments - moments.dt.normalize()).dt.total_seconds() / 3600 - (9 if zone else 0)
    assert np.allclose(circle, np.column_stack([np.cos(hours * np.pi / 12), np.sin(hours * np.pi / 12)]), atol=1e-6)


def test_days_have_no_hours():
    table = pd.DataFrame({"born": pd.to_datetime("1980-01-01") + pd.to_timedelta(np.arange(100), unit="D")})
    space = make_space(table)
    assert space.periods(0) == [] and space.transform(table).shape == (100, 2)


def test_it_comes_back_from_its_state():
    table = make_payments()
    space = make_space(table)
    again = RecordSpace.from_state(space.columns, space.to_state())
    assert np.array_equal(again.transform(table), space.transform(table))


def test_rows_do_not_depend_on_each_other():
    table = make_payments(5_000)
    space = make_space(table)
    points = space.transform(table)
    assert np.array_equal(space.transform(table.iloc[4_321:4_322]), points[4_321:4_322])


def test_a_category_of_one_record_is_strange_if_that_record_is_left_out():
    table = make_payments()
    table.loc[7, "kind"] = "only one"
    space = make_space(table)
    assert space.transform(table)[:, -1].max() == 0
    left_out = space.transform(table, left_out=True)
    assert np.flatnonzero(left_out[:, -1]).tolist() == [7]
    assert np.array_equal(np.delete(left_out, 7, axis=0), np.delete(space.transform(table), 7, axis=0))
