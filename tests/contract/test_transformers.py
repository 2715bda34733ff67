"""One contract over every transformer of the package: the encoder, and the features of every GAN."""

import copy
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from discovery import GANS, IMAGES, TRANSFORMERS, TRANSLATORS, make, make_data, make_target, take
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ganaug

pytestmark = [pytest.mark.filterwarnings(f"ignore:{start} ranks") for start in ("score_samples", "The detector")]
FEATURES = sorted(set(GANS) - TRANSLATORS)
same = partial(np.array_equal, equal_nan=True)


@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_an_answer_depends_neither_on_the_batch_nor_on_the_order(fitted, name):
    data = make_data(name, 1000, seed=3)
    answers = fitted[name].transform(data)
    order = np.random.default_rng(0).permutation(1000)
    assert answers.dtype == np.float64 and answers.shape == (1000, len(fitted[name].get_feature_names_out()))
    assert same(fitted[name].transform(take(data, order)), answers[order])
    assert same(np.vstack([fitted[name].transform(take(data, [row])) for row in range(20)]), answers[:20])
    assert same(fitted[name].transform(take(data, slice(300, 777))), answers[300:777])


@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_pickles_answer_the_same(fitted, name):
    back = pickle.loads(pickle.dumps(fitted[name]))
    data = make_data(name, 50, seed=4)
    assert same(back.transform(data), fitted[name].transform(data))
    assert (back.get_feature_names_out() == fitted[name].get_feature_names_out()).all()


@pytest.mark.parametrize("name", FEATURES)
def test_saved_models_answer_the_same(fitted, name, tmp_path):
    back = ganaug.load(fitted[name].save(tmp_path / "model"))
    data = make_data(name, 50, seed=4)
    assert same(back.transform(data), fitted[name].transform(data))
    assert same(back.encoder_.transform(data), fitted[name].encoder_.transform(data))
    assert repr(back.encoder_.get_params()) == repr(fitted[name].encoder_.get_params())


@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_pandas_output_has_names_and_the_index(fitted, name):
    data = make_data(name, 20, seed=4)
    if name not in IMAGES:
        data = data.set_axis([f"row {row}" for row in range(20)])
    named = copy.deepcopy(fitted[name]).set_output(transform="pandas").transform(data)
    assert isinstance(named, pd.DataFrame) and (name in IMAGES or named.index.equals(data.index))
    assert named.columns.tolist() == fitted[name].get_feature_names_out().tolist()
    assert named.columns.is_unique and same(named.to_numpy(), fitted[name].transform(data))
    with pytest.raises(NotFittedError):
        make(name).get_feature_names_out()


@pytest.mark.parametrize("name", FEATURES)
def test_features_feed_a_linear_model(name):
    data = make_data(name, 240)
    pipeline = make_pipeline(make(name), StandardScaler(), LogisticRegression(max_iter=1000))
    scores = cross_validate(pipeline, data, make_target(data), cv=2, error_score="raise")["test_score"]
    assert scores.min() > 0.9


@pytest.mark.parametrize("name", sorted(set(TRANSFORMERS) - set(GANS)))
def test_codes_feed_a_model_that_takes_missing_values(name):
    data = make_data(name, 240)
    pipeline = make_pipeline(make(name), HistGradientBoostingClassifier(max_iter=10))
    assert cross_validate(pipeline, data, make_target(data), cv=2, error_score="raise")["test_score"].min() > 0.9


@pytest.mark.parametrize("name", FEATURES)
def test_a_target_is_hidden_from_the_features(name):
    data = make_data(name, 200)
    label = np.arange(200) % 2
    gan = make(name).fit(data, label)
    features = gan.transform(data)
    assert same(clone(gan).fit_transform(data, label), features)
    with pytest.raises(TypeError):
        gan.transform(data, label)
