"""Raking: columns drawn after training have the table's shares, and no weight is moved."""

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.adversarial import make_generator
from ganaug.tabular import TabularGAN
from ganaug.tabular.raking import rake

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


def make_table(n_rows=2000):
    rng = np.random.default_rng(0)
    kind = rng.choice(list("abcd"), n_rows, p=[0.6, 0.3, 0.08, 0.02])
    shift = pd.Series(kind).map({"a": 0.0, "b": 2.0, "c": 5.0, "d": 9.0})
    return pd.DataFrame({"kind": kind, "size": rng.normal(shift).round(3), "other": rng.choice(list("xyz"), n_rows)})


def fit(**settings):
    return TabularGAN(max_steps=60, random_state=0, **settings).fit(make_table())


def error_of_shares(gan, name):
    drawn = gan.sample(20_000)[name].value_counts(normalize=True)
    return float(make_table()[name].value_counts(normalize=True).sub(drawn, fill_value=0).abs().sum() / 2)


def test_columns_that_were_off_get_the_tables_shares():
    gan = fit(raking=False)
    gan.generator_.output_bias += 0.7 * torch.randn(
        gan.generator_.output_bias.shape, generator=make_generator(0, "off")
    )
    off = [error_of_shares(gan, name) for name in ("kind", "other")]
    gan.shifts_ = rake(gan._model(), seed=0)
    for before, name in zip(off, ("kind", "other"), strict=True):
        assert error_of_shares(gan, name) < 0.012 < 0.04 < before
    quantiles = np.linspace(0.1, 0.9, 9)
    table, drawn = make_table(), gan.sample(20_000)
    assert np.allclose(drawn["size"].quantile(quantiles), table["size"].quantile(quantiles), atol=0.25)


def test_the_generator_itself_is_left_alone():
    raked, plain = fit(), fit(raking=False)
    for name, weights in raked.generator_.state_dict().items():
        assert weights.equal(plain.generator_.state_dict()[name])
    assert plain.shifts_ is None and not raked.sample(500).equals(plain.sample(500))


def test_conditions_go_by_the_tables_shares_whatever_raking_did():
    """A condition's column is drawn before those that raking had it follow."""
    table = make_table()
    table["twin"] = table["kind"].map({"a": 1, "b": 2, "c": 3, "d": 4})
    gan = TabularGAN(max_steps=60, random_state=0).fit(table)
    drawn = gan.sample(20_000, conditions={"twin": [3, 4]})["twin"].eq(4).mean()
    assert drawn == pytest.approx((table["twin"] == 4).sum() / (table["twin"] >= 3).sum(), abs=0.015)


def test_it_is_the_same_in_every_fit():
    first, second = fit(), fit()
    assert first.sample(500).equals(second.sample(500))
