"""partial_fit: a table learned part by part."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from tables import make_mixed

import ganaug
from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")
COLUMNS = ["city", "climate", "level", "amount", "is_new", "when"]


def make_gan(**kwargs):
    return TabularGAN(**{"batch_size": 64, "random_state": 0, **kwargs})


@pytest.fixture(scope="module")
def table():
    return make_mixed(3000)[COLUMNS]


@pytest.fixture(scope="module")
def parts(table):
    return [table[first : first + 1000] for first in range(0, 3000, 1000)]


@pytest.fixture(scope="module")
def gan(parts):
    gan = make_gan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.tabular.partial._warn_unseen", lambda *_: None)
        for part in 2 * parts:
            gan.partial_fit(part)
    return gan


def weights(gan):
    return [value.numpy().copy() for value in gan.game_.state_dict().values()]


def test_parts_teach_as_much_as_the_whole(gan, table, parts):
    assert gan.n_iter_ == 6 * (1000 // 64) and gan.stop_reason_ == "max_steps"
    at_once = make_gan(max_steps=gan.n_iter_, early_stopping=False).fit(table)
    new = make_mixed(1000, seed=5)[COLUMNS]
    assert gan.log_likelihood(new) > 0.8 * at_once.log_likelihood(new) > 0.8
    synthetic = gan.sample(1000)
    pairs = {"Rome": "warm", "Oslo": "cold", "Cairo": "dry"}
    assert (synthetic["city"].map(pairs) == synthetic["climate"]).mean() > 0.85
    assert synthetic.dtypes.equals(table.dtypes)
    rows = pd.DataFrame(gan.history_)
    assert rows["step"].is_monotonic_increasing and sorted(set(rows["epoch"])) == list(range(6))
    assert gan.score_worth_ is not None


def test_the_same_calls_give_the_same_bits(table):
    first, second = (make_gan().partial_fit(table[:300]).partial_fit(table[:200]) for _ in range(2))
    assert all(map(np.array_equal, weights(first), weights(second)))
    assert first.sample(50).equals(second.sample(50))
    other = make_gan().partial_fit(table[:200]).partial_fit(table[:300])
    assert not first.sample(50).equals(other.sample(50))


def test_each_call_goes_on_and_fit_begins_anew(gan, table):
    begun = make_gan(max_steps=5).partial_fit(table[:300])
    before = weights(begun)
    begun.partial_fit(table[:300])
    assert begun.n_iter_ == 10 and not all(map(np.array_equal, before, weights(begun)))
    refitted = begun.fit(table[:300])
    fresh = make_gan(max_steps=5).fit(table[:300])
    assert all(map(np.array_equal, weights(refitted), weights(fresh))) and refitted.n_iter_ == 5
    refitted.partial_fit(table[:300])
    fresh.partial_fit(table[:300])
    assert refitted.n_iter_ == 10 and all(map(np.array_equal, weights(refitted), weights(fresh)))


def test_training_goes_on_after_saving_and_pickling(gan, parts, tmp_path):
    loaded = ganaug.load(gan.save(tmp_path / "model"))
    pickled = pickle.loads(pickle.dumps(gan))
    before = gan.log_likelihood(parts[0])
    for back in (loaded, pickled):
        assert not [name for name in vars(back) if name.startswith("_fit_")]
        back.partial_fit(parts[0])
        assert back.n_iter_ == gan.n_iter_ + 15 and back.log_likelihood(parts[0]) > 0.8 * before
    assert all(map(np.array_equal, weights(loaded), weights(pickled)))
    assert gan.sample(20).equals(ganaug.load(tmp_path / "model").sample(20))


def test_unseen_values_are_told_and_the_rest_is_learned(table):
    first, second = table[:300], table[300:600].copy()
    first = first.assign(when=first["when"].ffill().bfill())
    gan = make_gan().partial_fit(first)
    second.iloc[:7, second.columns.get_loc("city")] = "Lima"
    second.iloc[:4, second.columns.get_loc("amount")] = 1e9
    with pytest.warns(DataWarning, match=r"7 in 'city', 4 in 'amount', \d+ in 'when'"):
        gan.partial_fit(second)
    synthetic = gan.sample(500)
    assert set(synthetic["city"]) <= {"Rome", "Oslo", "Cairo"}
    assert synthetic["amount"].max() <= first["amount"].max() and synthetic["when"].notna().all()


def test_targets_come_in_every_call_and_unseen_ones_are_left_out(table):
    X, y = table.drop(columns="city"), table["city"]
    gan = make_gan(target_balance=0.5).partial_fit(X[:300], y[:300])
    with pytest.raises(InvalidInputError, match="this one none"):
        gan.partial_fit(X[:300])
    strange = pd.Series(["Lima"] * 100, name="city")
    with pytest.warns(DataWarning, match="100 in 'city'"), pytest.raises(InvalidInputError, match="No row of X"):
        gan.partial_fit(X[300:400], strange)
    with pytest.warns(DataWarning, match="100 in 'city'"):
        gan.partial_fit(X[300:600], [*strange, *y[400:600]])
    assert gan.n_iter_ == 10 and set(gan.sample(50, return_y=True)[1]) <= set(y)


def make_rooms(n_rows, share, seed):
    rng = np.random.default_rng(seed)
    kind = np.where(rng.random(n_rows) < share, "single", "double")
    beds = np.where(kind == "single", 1, 2)
    return pd.DataFrame({"kind": kind, "beds": beds.astype(str), "price": rng.random(n_rows) + beds})


def test_shares_are_those_of_all_calls(tmp_path):
    """Raking after each call must not bend the shares back to those of the first."""
    gan = make_gan()
    for seed, share in enumerate((0.8, 0.2, 0.2)):
        gan.partial_fit(make_rooms(1000, share, seed))
    assert (gan.sample(2000)["kind"] == "single").mean() == pytest.approx(0.4, abs=0.05)
    whole = pd.concat([make_rooms(1000, share, seed) for seed, share in enumerate((0.8, 0.2, 0.2))])
    assert gan.encoder_.modeled_[0].counts.tolist() == whole["kind"].value_counts(sort=False).tolist()
    back = ganaug.load(gan.save(tmp_path / "model"))
    assert back.sample(50).equals(gan.sample(50)) and back.log_likelihood(whole) == gan.log_likelihood(whole)


def test_a_tie_holds_until_a_call_contradicts_it():
    gan = make_gan().partial_fit(make_rooms(1000, 0.5, 0)).partial_fit(make_rooms(1000, 0.5, 1))
    assert {(tie.giver, tie.taker) for tie in gan.ties_} == {(0, 1), (1, 0)}
    some = gan.sample(500)
    assert ((some["kind"] == "single") == (some["beds"] == "1")).all()
    other = make_rooms(1000, 0.5, 2)
    other.loc[:9, ["kind", "beds"]] = ["single", "2"]
    assert gan.partial_fit(other).ties_ == []


def test_a_call_that_fails_leaves_the_model_as_it_was(table):
    gan = make_gan().partial_fit(table[:300])
    kept = copy.deepcopy(gan)
    with pytest.raises(InvalidInputError, match="0 sample"):
        gan.partial_fit(table[:0])
    with pytest.raises(InvalidInputError, match="lacks the columns"):
        gan.partial_fit(table[["city"]])
    assert all(map(np.array_equal, weights(gan), weights(kept))) and gan.n_iter_ == kept.n_iter_
