"""scikit-learn's and imbalanced-learn's own checks of the sampler, with no expected failures."""

import pytest
from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_with_sampler_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from ganaug.augment import GANOverSampler
from ganaug.tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks", "ignore:copy_distance=")


def make_samplers():
    gan = TabularGAN(max_steps=12, epochs=None, batch_size=64)
    return [
        GANOverSampler(gan, random_state=0),
        GANOverSampler(gan, keep=0, select_by="discriminator", copy_distance=0.0, random_state=0),
    ]


@parametrize_with_checks(make_samplers(), xfail_strict=True)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@parametrize_with_sampler_checks(make_samplers())
def test_imbalanced_learns_checks(estimator, check):
    check(estimator)
