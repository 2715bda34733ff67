"""Ties: found where a column follows from another, not where rows agree by chance, and kept by every way of drawing."""

import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")
YEARS = {"school": 10, "college": 13, "bachelor": 16, "master": 18}


def make_people(n_rows=1500, seed=0):
    rng = np.random.default_rng(seed)
    degree = rng.choice(list(YEARS), n_rows, p=[0.4, 0.3, 0.2, 0.1])
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, n_rows),
            "degree": degree,
            "years": pd.Series(degree).map(YEARS),
            "has_degree": ~np.isin(degree, ["school"]),
            "income": rng.gamma(2.0, 1000.0 * pd.Series(degree).map(YEARS) / 10, n_rows).round(),
        }
    )


@pytest.fixture(scope="module")
def gan():
    return TabularGAN(max_steps=30, random_state=0).fit(make_people())


def names_of(gan):
    columns = [column.name for column in gan.encoder_.modeled_]
    return {(columns[tie.giver], columns[tie.taker]) for tie in gan.ties_}


def keeps_all(table):
    return (table["years"] == table["degree"].map(YEARS)).all() and (
        table["has_degree"] == (table["degree"] != "school")
    ).all()


def test_what_follows_from_what_is_found(gan):
    assert names_of(gan) == {
        ("degree", "years"),
        ("years", "degree"),
        ("degree", "has_degree"),
        ("years", "has_degree"),
    }


def test_no_drawn_row_contradicts_a_tie(gan):
    """After thirty steps the generator itself would get many of them wrong."""
    assert keeps_all(gan.sample(3000))
    untied = TabularGAN(max_steps=30, random_state=0).fit(make_people())
    untied.ties_ = []
    assert not keeps_all(untied.sample(3000))


def test_conditions_and_variants_keep_them_too(gan):
    synthetic = gan.sample(500, conditions={"years": [13, 18], "age": (30, 50)})
    assert keeps_all(synthetic) and set(synthetic["degree"]) == {"college", "master"}
    graduates = gan.sample(500, conditions={"has_degree": True})
    assert keeps_all(graduates) and "school" not in set(graduates["degree"])
    table = make_people(400, seed=1)
    for keep in (0.2, 0.8):
        assert keeps_all(gan.vary(table, keep=keep))


def test_conditions_that_contradict_a_tie_are_met_with_a_warning(gan):
    with pytest.warns(ganaug.exceptions.DataWarning, match="less than one in ten"):
        synthetic = gan.sample(20, conditions={"degree": "school", "years": 18})
    assert (synthetic["degree"] == "school").all() and (synthetic["years"] == 18).all()


def test_one_exception_is_enough_for_no_tie():
    table = make_people()
    table.loc[table.index[table["degree"] == "school"][0], "years"] = 16
    assert ("degree", "years") not in names_of(TabularGAN(max_steps=1, random_state=0).fit(table))


def test_agreement_by_chance_is_no_tie():
    """Forty rows of a rare flag, all in one of many cities: independent columns would agree as well."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"city": rng.integers(0, 300, 2000).astype(str), "flag": np.arange(2000) < 20})
    table.loc[:19, "city"] = "x"
    gan = TabularGAN(max_steps=1, random_state=0, max_categories=400).fit(table)
    assert gan.ties_ == []


def test_values_that_occur_once_or_twice_are_no_evidence():
    """Whatever stands beside a value that no other row has, follows from it."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"name": np.arange(300) // 2, "kind": rng.choice(list("abcde"), 300)})
    table["name"] = "n" + table["name"].astype(str)
    table["kind"] = table["kind"].where(table.index % 2 == 0, table["kind"].shift())
    gan = TabularGAN(max_steps=1, random_state=0).fit(table.sample(frac=1.0, random_state=0))
    assert names_of(gan) == {("name", "kind")}  # a hundred and fifty pairs agree
    gan = TabularGAN(max_steps=1, random_state=0).fit(table.iloc[:200])
    assert gan.ties_ == []
    gan = TabularGAN(max_steps=1, random_state=0, max_categories=300).fit(table.assign(name=np.arange(300).astype(str)))
    assert gan.ties_ == []


def test_where_no_value_agrees_with_all_that_is_known_the_likeliest_are_drawn(gan):
    """has_degree and years contradict each other; the degree must follow one of them, not be any of the four."""
    with pytest.warns(ganaug.exceptions.DataWarning, match="less than one in ten"):
        synthetic = gan.sample(500, conditions={"years": 18, "has_degree": False})
    assert set(synthetic["degree"]) <= {"school", "master"}


def test_rare_values_that_share_a_level_are_free():
    """Of 30 cities 10 keep a level; the others share one, and the country follows from the city in both."""
    rng = np.random.default_rng(0)
    city = np.minimum(rng.geometric(0.15, 3000), 30)
    table = pd.DataFrame({"city": city.astype(str), "country": np.where(city % 3, "a", "b")})
    with pytest.warns(ganaug.exceptions.DataWarning, match="share one level"):
        gan = TabularGAN(max_steps=30, random_state=0, max_categories=10).fit(table)
    assert names_of(gan) == {("city", "country")}
    synthetic = gan.sample(2000)
    frequent = synthetic["city"].astype(int) < 9
    assert ((synthetic["country"] == "a") == (synthetic["city"].astype(int) % 3 > 0))[frequent].all()


def test_a_saved_model_keeps_them(gan, tmp_path):
    gan.save(tmp_path / "model")
    loaded = ganaug.load(tmp_path / "model")
    assert names_of(loaded) == names_of(gan)
    assert loaded.sample(1200).equals(gan.sample(1200))
