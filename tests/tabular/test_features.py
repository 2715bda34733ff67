import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import make_mixed

from ganaug.tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


def make_two_kinds(n_rows, seed):
    """Records of which a minority differs in one thing: "second" falls with "first", instead of rising with it."""
    rng = np.random.default_rng(seed)
    is_other = rng.random(n_rows) < 0.3
    first, noise = rng.normal(size=n_rows), rng.normal(size=(n_rows, 5))
    second = np.where(is_other, -first, first) + 0.3 * noise[:, 0]
    table = pd.DataFrame({"first": first, "second": second})
    return table.join(pd.DataFrame(noise[:, 1:]).add_prefix("noise ")), is_other


def rank(see):
    """AUC of a linear model on what ``see`` makes of records."""
    (table, label), (new_table, new_label) = make_two_kinds(1000, 0), make_two_kinds(2000, 1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)).fit(see(table), label)
    return roc_auc_score(new_label, model.decision_function(see(new_table)))


def test_features_know_how_columns_hang_together():
    """No column alone tells the kinds apart, and the GAN is told of no kinds; what it learns of the columns does."""
    table, _ = make_two_kinds(1000, 0)
    trained = TabularGAN(max_steps=150, random_state=0).fit(table)
    untrained = TabularGAN(max_steps=1, random_state=0).fit(table)
    assert rank(lambda records: records) < 0.55
    assert rank(untrained.transform) < 0.65  # random features of many columns would not do
    assert rank(trained.transform) > 0.85


def test_features_of_packs_depend_on_no_other_record():
    table = make_mixed(300)
    gan = TabularGAN(max_steps=5, pac=3, discriminator_hidden=(24, 16), random_state=0).fit(table)
    features = gan.transform(table)
    assert features.shape == (300, 24) and np.isfinite(features).all()
    assert gan.get_feature_names_out()[:2].tolist() == ["tabulargan0", "tabulargan1"]
    assert np.array_equal(gan.transform(table.iloc[[7]]), features[[7]])
    assert gan.transform(table.iloc[:0]).shape == (0, 24)


def test_scores_are_a_linear_function_of_the_features():
    table = make_mixed(300)
    gan = TabularGAN(max_steps=5, random_state=0).fit(table)
    weight, bias = (
        part[1].double().numpy() for part in (gan.discriminator_.heads.weight, gan.discriminator_.heads.bias)
    )
    np.testing.assert_allclose(gan.transform(table) @ weight + bias, gan.score_samples(table), atol=1e-9)


def test_the_encoder_of_a_gan_transforms_too():
    table = make_mixed(300)
    gan = TabularGAN(max_steps=2, random_state=0).fit(table, np.arange(300) % 2)
    codes = gan.encoder_.transform(table)  # the target has levels, but is no feature
    assert codes.shape == table.shape and gan.encoder_.get_feature_names_out().tolist() == table.columns.tolist()
    pd.testing.assert_frame_equal(gan.encoder_.inverse_transform(codes), table)
