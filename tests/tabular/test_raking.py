"""Raking: columns drawn after training have the table's shares, and nothing else is moved."""

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.adversarial import make_generator
from ganaug.tabular import TabularGAN
from ganaug.tabular.raking import rake
from ganaug.tabular.ties import Ties

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
    rake(gan.generator_, Ties([], torch.device("cpu")), range(3), seed=0)
    for before, name in zip(off, ("kind", "other"), strict=True):
        assert error_of_shares(gan, name) < 0.012 < 0.04 < before
    quantiles = np.linspace(0.1, 0.9, 9)
    table, drawn = make_table(), gan.sample(20_000)
    assert np.allclose(drawn["size"].quantile(quantiles), table["size"].quantile(quantiles), atol=0.25)


def test_only_the_biases_of_levels_move():
    raked, plain = fit(), fit(raking=False)
    for name, weights in raked.generator_.state_dict().items():
        same = weights.equal(plain.generator_.state_dict()[name])
        assert same == (name != "output_bias")


def test_it_is_the_same_in_every_fit():
    first, second = fit(), fit()
    assert first.sample(500).equals(second.sample(500))
