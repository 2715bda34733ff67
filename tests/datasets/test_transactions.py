"""The simulated payments are reproducible, and their frauds look like what they are called."""

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import make_transactions
from ganaug.exceptions import InvalidInputError

COLUMNS = [
    "time", "amount", "category", "merchant_id", "merchant_country", "channel", "card_present",
    "customer_age", "home_country", "device", "os", "device_age_days", "distance_km",
    "payments_last_hour", "fraud",
]  # fmt: skip


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    return make_transactions(20_000, fraud_rate=0.05, random_state=0, return_pattern=True)


def test_columns_dtypes_and_ranges(payments):
    assert list(payments) == [*COLUMNS, "fraud_pattern"]
    assert list(make_transactions(50, random_state=0)) == COLUMNS
    kinds = {str(dtype) for dtype in payments.dtypes}
    assert kinds == {"datetime64[ns]", "float64", "category", "bool", "Int64", "int64"}
    assert payments["time"].is_monotonic_increasing
    assert payments["time"].between("2024-01-01", "2024-04-01").all()
    assert payments["amount"].gt(0).all()
    assert np.allclose(100 * payments["amount"], np.round(100 * payments["amount"]))
    assert payments["customer_age"].dropna().between(18, 92).all()
    assert payments["merchant_id"].nunique() == 200
    assert payments["payments_last_hour"].min() == 1


@pytest.mark.parametrize(("n_samples", "fraud_rate"), [(1, 0), (1, 1), (37, 0.5), (1_000, 0.0123), (500, 1.0), (10, 0)])
def test_the_number_of_frauds_is_exact(n_samples, fraud_rate):
    table = make_transactions(n_samples, fraud_rate, random_state=1, return_pattern=True)
    assert len(table) == n_samples
    assert table["fraud"].sum() == round(n_samples * fraud_rate)
    assert (table["fraud_pattern"].ne("genuine") == table["fraud"].eq(1)).all()


def test_the_same_seed_gives_the_same_table_and_leaves_numpy_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    one, two = (make_transactions(3_000, random_state=7) for _ in range(2))
    assert not make_transactions(3_000).equals(one)
    assert np.array_equal(before, np.random.get_state()[1])
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert not make_transactions(3_000, random_state=8).equals(one)
    drawn = make_transactions(3_000, random_state=np.random.RandomState(7))
    pd.testing.assert_frame_equal(one, drawn, check_exact=True)


def test_the_device_is_known_online_only(payments):
    online = payments["channel"].eq("online")
    assert set(payments["channel"].cat.categories) == set(payments["channel"].unique())
    for column in ("device", "os", "device_age_days"):
        assert (payments[column].notna() == online).all()
    assert (payments["card_present"] == payments["channel"].eq("in_store")).all()
    assert 0.01 < payments["customer_age"].isna().mean() < 0.03
    assert 0.02 < payments["distance_km"].isna().mean() < 0.04
    handheld = payments["device"].isin(["phone", "tablet"])
    genuine = payments["fraud"].eq(0)
    assert payments.loc[handheld & genuine, "os"].isin(["Android", "iOS"]).all()


def test_genuine_payments_follow_the_day_and_the_week(payments):
    genuine = payments[payments["fraud"] == 0]
    hours = genuine["time"].dt.hour.value_counts(normalize=True)
    assert hours[[2, 3, 4]].sum() < 0.05 < hours[[16, 17, 18]].sum()
    weekdays = genuine["time"].dt.dayofweek.value_counts()
    assert weekdays.idxmax() in (4, 5)
    assert weekdays.idxmin() == 6
    medians = genuine.groupby("category", observed=True)["amount"].median()
    assert medians["digital"] < medians["grocery"] < medians["travel"]


def test_a_person_would_recognize_each_fraud(payments):
    by_pattern = dict(list(payments.groupby("fraud_pattern", observed=True)))
    genuine, testing = by_pattern["genuine"], by_pattern["card_testing"]
    assert testing["amount"].between(0.5, 3).all()
    assert testing["category"].eq("digital").all()
    assert testing["payments_last_hour"].median() >= 4
    assert genuine["payments_last_hour"].median() == 1
    stolen = by_pattern["stolen_card"]
    hour = stolen["time"].dt.hour
    assert (hour.ge(22) | hour.lt(7)).all()
    assert stolen["card_present"].all()
    assert stolen["amount"].median() > 5 * genuine["amount"].median()
    assert stolen["distance_km"].median() > 50 * genuine["distance_km"].median()
    takeover = by_pattern["account_takeover"].query("channel == 'online'")
    assert takeover["device_age_days"].le(3).all()
    assert takeover["merchant_country"].ne(takeover["home_country"].astype(str)).mean() > 0.5
    gifts = by_pattern["gift_card_abuse"]
    assert gifts["category"].eq("gift_card").all()
    assert (gifts["amount"] % 25 == 0).all()
    assert gifts["payments_last_hour"].mean() > 1.5
    assert (gifts["merchant_country"].notna()).all()


def test_some_genuine_payments_look_suspicious(payments):
    genuine = payments[payments["fraud"] == 0]
    assert genuine["distance_km"].gt(3_000).mean() > 0.01
    assert genuine["device_age_days"].le(3).sum() > 50


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "10", True, None])
def test_a_wrong_number_of_payments_is_refused(n_samples):
    with pytest.raises(InvalidInputError, match="`n_samples`="):
        make_transactions(n_samples)


@pytest.mark.parametrize("fraud_rate", [-0.1, 1.1, float("nan"), "1 %", None])
def test_a_wrong_fraud_rate_is_refused(fraud_rate):
    with pytest.raises(InvalidInputError, match="`fraud_rate`="):
        make_transactions(10, fraud_rate)
