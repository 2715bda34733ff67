"""GANDetector as a transformer: the last hidden layers of its heads."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ganaug
from ganaug.anomaly import GANDetector
from ganaug.tabular import TabularGAN

pytestmark = [pytest.mark.filterwarnings(f"ignore:{start} ranks") for start in ("score_samples", "The detector")]
SMALL = {"max_steps": 5, "hidden": (24, 8), "random_state": 0}


def make_line(n_records, seed=0):
    rng = np.random.default_rng(seed)
    place = rng.normal(size=n_records)
    return np.column_stack([place, 2 * place + 0.1 * rng.normal(size=n_records)])


@pytest.mark.parametrize(
    ("settings", "width"), [({}, 2 * 4 * 8), ({"memory": "none"}, 4 * 8), ({"n_members": 1}, 2 * 8)]
)
def test_every_member_of_every_head_adds_its_features(settings, width):
    detector = GANDetector(**SMALL, **settings).fit(make_line(300))
    features = detector.transform(make_line(300))  # of training records as of any others
    assert features.shape == (300, width) and len(detector.get_feature_names_out()) == width
    assert np.array_equal(detector.transform(make_line(300)[[7]]), features[[7]])
    if "memory" not in settings:
        assert not np.array_equal(features[:, : width // 2], features[:, width // 2 :])


def make_labelled(seed):
    """Records on the line, and as many beside it, on either side: no linear model of the columns tells them apart."""
    side = np.random.default_rng(seed).choice([-1.0, 1.0], size=(300, 1))
    return np.vstack([make_line(300, seed), make_line(300, seed + 1) + side * [0.5, -0.25]]), np.repeat([0, 1], 300)


def test_features_learned_of_normal_records_serve_a_linear_model():
    detector = GANDetector(max_steps=100, random_state=0).fit(make_line(500))
    (known, label), (new, new_label) = make_labelled(1), make_labelled(3)
    for see, low, high in ((np.asarray, 0.4, 0.6), (detector.transform, 0.95, 1.0)):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(see(known), label)
        assert low <= roc_auc_score(new_label, model.decision_function(see(new))) <= high


def test_a_detector_of_a_gan_shares_its_encoder_even_from_a_file(tmp_path):
    normals = make_line(300)
    gan = TabularGAN(max_steps=5, random_state=0).fit(normals, np.arange(300) % 2)
    detector = GANDetector.from_gan(gan, normals, **SMALL)
    back = ganaug.load(detector.save(tmp_path / "detector"))
    assert back.encoder_ is back.gan_.encoder_ and back.encoder_.transform(normals).shape == (300, 2)
    assert np.array_equal(back.transform(normals), detector.transform(normals))
