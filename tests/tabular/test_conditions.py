import numpy as np
import pandas as pd
import pytest
from tables import make_mixed

from ganaug.exceptions import ConditionError, DataWarning, InvalidInputError
from ganaug.tabular import TabularGAN
from ganaug.tabular.sampling import BLOCK, BlockSampler

# Budgets this small leave a weak discriminator; what its warning says has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


def make_shop(n_rows=3000, seed=0):
    """``kind`` 0.1 % "rare"; amounts of "big" lie above those of "small"; three sizes of the same family."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["small", "big", "rare"], n_rows, p=[0.699, 0.3, 0.001])
    kind[:3] = "rare"
    amount = np.round(np.where(kind == "big", rng.normal(100, 10, n_rows), rng.normal(50, 10, n_rows)), 1)
    paid = np.where(rng.random(n_rows) < np.where(kind == "big", 0.8, 0.1), "card", "cash")
    age = rng.integers(18, 90, n_rows)
    return pd.DataFrame({"age": age, "amount": amount, "paid": paid, "kind": kind})


@pytest.fixture(scope="module")
def gan():
    return TabularGAN(max_steps=600, random_state=0).fit(make_shop(8000))


@pytest.fixture(scope="module")
def mixed_gan():
    return TabularGAN(max_steps=150, random_state=0).fit(make_mixed(1000))


def test_values_lists_and_ranges_are_all_met(gan):
    synthetic = gan.sample(
        700, conditions={"kind": "big", "paid": ["card", "cash"], "age": (20, 30), "amount": (80.0, 95.5)}
    )
    assert len(synthetic) == 700 and (synthetic["kind"] == "big").all()
    assert synthetic["age"].between(20, 30).all() and synthetic["amount"].between(80.0, 95.5).all()
    assert synthetic["amount"].nunique() > 50 and synthetic["age"].nunique() == 11


def test_a_rare_class_costs_no_rejection(gan, monkeypatch):
    """As many blocks are drawn as rows are asked for, and one candidate per row."""
    sizes = []
    original = BlockSampler.draw
    monkeypatch.setattr(
        BlockSampler, "draw", lambda self, rng: [original(self, rng), sizes.append(len(self.log_weights))]
    )
    synthetic = gan.sample(5000, conditions={"kind": "rare"})
    assert (synthetic["kind"] == "rare").all() and len(synthetic) == 5000
    assert sizes == [BLOCK] * -(-5000 // BLOCK)


def test_a_condition_on_a_late_column_shapes_the_early_ones(gan):
    """kind is last and amount second: knowing kind must move amount."""
    big, small = (gan.sample(1500, conditions={"kind": kind})["amount"] for kind in ("big", "small"))
    assert big.mean() == pytest.approx(100, abs=6) and small.mean() == pytest.approx(50, abs=6)


def test_conditioned_rows_are_those_that_rejection_would_keep(gan):
    """Several columns with several values each: the joint of what is allowed is the unconditional one's."""
    conditions = {"kind": ["small", "big"], "amount": (65.0, 90.0), "paid": ["card", "cash"]}
    everything = gan.sample(60_000)
    kept = everything[everything["amount"].between(65, 90) & everything["kind"].isin(["small", "big"])]
    drawn = gan.sample(6000, conditions=conditions)
    for column in ("kind", "paid"):
        expected, got = (frame[column].value_counts(normalize=True) for frame in (kept, drawn))
        assert expected.sub(got, fill_value=0).abs().max() < 0.08
    assert drawn["amount"].mean() == pytest.approx(kept["amount"].mean(), abs=1.5)


def test_a_range_inside_a_bin_is_weighted_by_its_part(gan):
    """The range touches a sliver of one bin and all of the next: no pile at the sliver."""
    amounts = gan.sample(4000, conditions={"amount": (89.9, 110.0)})["amount"]
    real = make_shop()["amount"]
    real = real[real.between(89.9, 110.0)]
    share = lambda values: (values < 91.0).mean()  # noqa: E731
    assert share(amounts) == pytest.approx(share(real), abs=0.05)


def test_exact_values_of_continuous_columns(gan):
    assert (gan.sample(50, conditions={"amount": 87.3})["amount"] == 87.3).all()
    drawn = gan.sample(600, conditions={"amount": [50.0, 100.0]})["amount"]
    assert set(drawn) == {50.0, 100.0} and drawn.eq(50.0).mean() == pytest.approx(0.7, abs=0.15)


@pytest.mark.filterwarnings("ignore:The conditions")
def test_every_kind_of_column_can_be_conditioned_on(mixed_gan):
    first, last = pd.Timestamp("2024-02-01"), pd.Timestamp("2024-03-01")
    wanted = {
        "when": (first, last), "at": ("2024-01-10", None), "is_new": True, "grade": ["a", "b"], "count": (100, 200),
        "note": None, "level": [(0, 1), (4, 4)], "small": (None, 0.0),
    }  # fmt: skip
    synthetic = mixed_gan.sample(300, conditions=wanted)
    assert synthetic["when"].between(first, last).all()
    assert (synthetic["at"] >= pd.Timestamp("2024-01-10", tz="UTC")).all()
    assert synthetic["is_new"].all() and synthetic["grade"].isin(["a", "b"]).all()
    assert synthetic["count"].between(100, 200).all() and synthetic["note"].isna().all()
    assert synthetic["level"].isin([0, 1, 4]).all() and (synthetic["small"] <= 0).all()
    assert synthetic.dtypes.tolist() == make_mixed(10).dtypes.tolist()


def test_values_behind_the_other_level():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"shop": rng.choice([f"s{rank}" for rank in range(60)], 2000), "size": rng.normal(size=2000)})
    with pytest.warns(DataWarning):
        gan = TabularGAN(max_steps=40, max_categories=10, scrambled_weight=0, random_state=0).fit(table)
    kept, behind = gan.encoder_.columns_[0].categories[0], gan.encoder_.columns_[0].others[0]
    assert (gan.sample(100, conditions={"shop": behind})["shop"] == behind).all()
    both = gan.sample(2000, conditions={"shop": [kept, behind]})["shop"]
    # "other" is 51 shops together: the one that was asked for must not count for all of them
    assert both.eq(behind).mean() == pytest.approx(0.5, abs=0.15)


def test_a_frame_gives_one_row_per_row(gan):
    wanted = pd.DataFrame({"kind": ["big", "small", None, "big"], "age": [30.0, np.nan, 40.0, 30.0]})
    synthetic = gan.sample(conditions=wanted)
    assert synthetic["kind"].tolist()[:2] == ["big", "small"] and synthetic["age"].tolist()[::3] == [30, 30]
    assert synthetic["age"][2] == 40
    with pytest.raises(InvalidInputError, match="n_samples=3 differs from the 4 rows"):
        gan.sample(3, conditions=wanted)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"sort": "big"}, r"no column 'sort' to condition on.*'kind'"),
        ({"kind": "huge"}, r"'kind' has no value 'huge' in the training data. It has: "),
        ({"kind": ("a", "b")}, "'kind' holds categories, so the range"),
        ({"age": (200, 300)}, r"'age' has nothing in .*lie between 18 and 89"),
        ({"age": (30, 20)}, "its low end is above its high end"),
        ({"age": (1, 2, 3)}, "a range has two ends"),
        ({"age": []}, "the list of wanted values is empty"),
        ({"age": "old"}, "'age' holds number values, so 'old' can't be a condition"),
        ({"amount": (50.02, 50.04)}, "'amount' has nothing in"),
        ({"amount": None}, "'amount' has no missing values"),
    ],
)
def test_conditions_that_cant_be_met(gan, conditions, message):
    with pytest.raises(ConditionError, match=message):
        gan.sample(5, conditions=conditions)


def test_what_was_never_seen_together_is_sampled_with_a_warning():
    table = pd.DataFrame({"city": ["Rome", "Oslo"] * 500, "climate": ["warm", "cold"] * 500})
    gan = TabularGAN(max_steps=400, early_stopping=False, random_state=0).fit(table)
    with pytest.warns(DataWarning, match="little was learned about such rows"):
        synthetic = gan.sample(20, conditions={"city": "Rome", "climate": "cold"})
    assert (synthetic["climate"] == "cold").all()


@pytest.mark.parametrize("n_samples", [-1, 2.5, "ten"])
def test_how_many_must_be_a_number(gan, n_samples):
    with pytest.raises(InvalidInputError, match="n_samples must be a whole number"):
        gan.sample(n_samples)


def test_none_at_all(gan):
    assert gan.sample(0).shape == (0, 4)
    assert gan.sample(0).dtypes.tolist() == make_shop(10).dtypes.tolist()


def test_whichever_missing_value_is_asked_for_counts_once():
    table = pd.DataFrame({"city": ["Rome", None, None] * 40, "size": np.arange(120) % 7})
    gan = TabularGAN(max_steps=5, random_state=0).fit(table)
    for wanted in (None, np.nan, [None, np.nan, pd.NaT, pd.NA]):
        assert gan.sample(50, conditions={"city": wanted})["city"].isna().all()


def test_what_lies_in_two_ranges_counts_once():
    table = pd.DataFrame({"age": np.random.default_rng(0).integers(18, 90, 2000), "kind": ["a", "b"] * 1000})
    gan = TabularGAN(max_steps=30, random_state=0).fit(table)
    ages = gan.sample(2000, conditions={"age": [(18, 64), (30, 80), 40]})["age"]
    assert ages.max() <= 80 and ages.nunique() > 50
    asked = gan.sample(500, conditions={"age": [(20, 39), (30, 39), 25]})
    pd.testing.assert_frame_equal(asked, gan.sample(500, conditions={"age": (20, 39)}))
