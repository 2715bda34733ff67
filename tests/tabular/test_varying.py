"""Variants of records, the probability of a target, and classes that are learned from more records."""

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.exceptions import InvalidInputError
from ganaug.tabular import TabularGAN
from ganaug.tabular.game import balance_shares, draw_order
from ganaug.tabular.layout import TableLayout

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


def make_table(n_rows=1500, n_rare=75, seed=0):
    """Rows whose ``twin`` follows ``city``, and whose rare class is large."""
    rng = np.random.default_rng(seed)
    is_rare = np.arange(n_rows) < n_rare
    city = rng.choice(["Rome", "Oslo", "Bern"], n_rows)
    table = pd.DataFrame(
        {
            "city": city,
            "twin": pd.Series(city).map({"Rome": "r", "Oslo": "o", "Bern": "b"}).to_numpy(),
            "size": rng.normal(size=n_rows) + 3.0 * is_rare,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n_rows), unit="D"),
            "age": np.where(rng.random(n_rows) < 0.1, np.nan, rng.integers(18, 90, n_rows)),
        }
    )
    return table, pd.Series(np.where(is_rare, "rare", "usual"), name="class")


@pytest.fixture(scope="module")
def learned():
    X, y = make_table()
    return TabularGAN(max_steps=300, epochs=None, target_balance=0.75, random_state=0).fit(X, y), X, y


def test_what_is_kept_is_copied_and_the_rest_fits_it(learned):
    gan, X, y = learned
    varied = gan.vary(X, y, keep=0.5)
    assert varied.dtypes.equals(X.dtypes) and list(varied.columns) == list(X.columns)
    same = (varied == X) | (varied.isna() & X.isna())
    assert 0.45 < same["size"].mean() < 0.55  # of a number drawn anew, hardly any is the same
    # Cities and twins fit each other, whichever of them was kept.
    assert (varied["city"].map({"Rome": "r", "Oslo": "o", "Bern": "b"}) == varied["twin"]).mean() > 0.95
    rare = (y == "rare").to_numpy()
    assert varied["size"][rare].mean() > 2.5 and abs(varied["size"][~rare].mean()) < 0.2


def test_everything_kept_is_the_table_and_nothing_kept_is_a_sample(learned):
    gan, X, y = learned
    pd.testing.assert_frame_equal(gan.vary(X, y, keep=1), X)
    drawn = gan.vary(X, y, keep=0)
    assert (drawn["size"] == X["size"]).mean() < 0.01 and drawn["size"].std() == pytest.approx(
        X["size"].std(), rel=0.15
    )
    without = gan.vary(X, keep=0)
    assert without["size"].mean() == pytest.approx(X["size"].mean(), abs=0.15)


def test_values_never_seen_are_kept_and_tell_nothing(learned):
    gan, X, _ = learned
    odd = X.head(50).assign(city="Paris")
    varied = gan.vary(odd, keep=0.5)
    assert set(varied["city"]) <= {"Paris", "Rome", "Oslo", "Bern"} and (varied["city"] == "Paris").any()


def test_arrays_come_back_as_arrays():
    X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    varied = TabularGAN(max_steps=5, random_state=0).fit(X).vary(X, keep=0.5)
    assert isinstance(varied, np.ndarray) and varied.dtype == np.float32 and 0.4 < (varied == X).mean() < 0.6


def test_seeds(learned):
    gan, X, y = learned
    pd.testing.assert_frame_equal(gan.vary(X, y), gan.vary(X, y), check_exact=True)
    assert not gan.vary(X, y).equals(gan.vary(X, y, random_state=1))


def test_the_probability_of_a_target(learned):
    gan, X, y = learned
    log_rare = gan.target_log_proba(X, np.full(len(X), "rare"))
    log_usual = gan.target_log_proba(X, np.full(len(X), "usual"))
    assert np.allclose(np.exp(log_rare) + np.exp(log_usual), 1.0)
    # Shares are the table's, although rare rows are drawn more often into batches.
    assert np.exp(log_rare).mean() == pytest.approx(0.05, abs=0.02)
    rare = (y == "rare").to_numpy()
    assert log_rare[rare].mean() > log_rare[~rare].mean() + 2
    assert np.array_equal(gan.target_log_proba(X.iloc[[7]], ["rare"]), log_rare[[7]])


def test_numbers_as_targets():
    X, y = make_table(200, 20)
    gan = TabularGAN(max_steps=5, random_state=0).fit(X, (y == "rare").astype(int))
    assert len(gan.vary(X)) == len(gan.vary(X, (y == "rare").astype(int))) == 200


def test_bad_input_is_named(learned):
    gan, X, y = learned
    with pytest.raises(InvalidInputError, match="y holds 'odd', which fit has not seen"):
        gan.vary(X.head(2), ["rare", "odd"])
    with pytest.raises(InvalidInputError, match="keep=1.5: give a probability"):
        gan.vary(X, y, keep=1.5)
    with pytest.raises(InvalidInputError, match="y holds 'odd', which fit has not seen"):
        gan.target_log_proba(X.head(2), ["rare", "odd"])
    unaware = TabularGAN(max_steps=2, random_state=0).fit(X)
    with pytest.raises(InvalidInputError, match="target_log_proba needs a target"):
        unaware.target_log_proba(X, y)
    with pytest.raises(InvalidInputError, match="target_balance=0.5 needs a target"):
        TabularGAN(max_steps=2, target_balance=0.5).fit(X)


# Balanced batches.


def test_a_balanced_model_samples_the_tables_shares_and_knows_rare_classes_better():
    X, y = make_table(n_rows=4000, n_rare=40)
    # What the rare class has of its own: size, and twins that do not follow the cities.
    X.loc[y == "rare", "twin"] = "r"
    fresh, classes = make_table(n_rows=4000, n_rare=40, seed=1)
    fresh.loc[classes == "rare", "twin"] = "r"
    rare = fresh[classes == "rare"]
    errors = {}
    for balance in (0.0, 0.75):
        gan = TabularGAN(max_steps=150, epochs=None, target_balance=balance, random_state=0).fit(X, y)
        _, drawn = gan.sample(4000, return_y=True)
        assert (drawn == "rare").mean() == pytest.approx(0.01, abs=0.006)
        of_class = gan.sample(1000, conditions={"class": "rare"})
        errors[balance] = abs(of_class["size"].mean() - rare["size"].mean()) + (of_class["twin"] != "r").mean()
    assert errors[0.75] < 0.7 * errors[0.0]


def test_shares_of_batches():
    shares = torch.tensor([0.81, 0.09, 0.10, 0.0])
    assert torch.allclose(balance_shares(shares, 0.0), shares)
    assert torch.allclose(balance_shares(shares, 1.0), torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0]))
    half = balance_shares(shares, 0.5)
    assert float(half[0] / half[1]) == pytest.approx(3.0) and float(half.sum()) == pytest.approx(1.0)


def test_half_of_the_other_orders_begin_with_the_target():
    rng = torch.Generator().manual_seed(0)
    layout = TableLayout((2, 9, 9, 30, 30, 3), (0,) * 6, np.zeros(83, dtype=bool), np.full(83, 0.1))
    orders = [draw_order(layout, rng, n_targets=1) for _ in range(400)]
    assert all(sorted(order.tolist()) == list(range(6)) for order in orders)
    assert 0.45 < np.mean([int(order[0]) == 5 for order in orders]) < 0.7
