"""Known values, agreement with other packages, and whether corruptions are seen."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ganaug.exceptions import InvalidInputError
from ganaug.images.distances import frechet_distance, kernel_distance, nearest_distances, neighborhoods
from ganaug.images.random_features import RandomFeatures

FIGURES = ("precision", "recall", "density", "coverage")


def draw(n_rows, n_features=8, seed=0, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, (n_rows, n_features))


def with_moments(mean, covariance, n_rows=200):
    """Return rows that have exactly this mean and covariance."""
    rows = draw(n_rows, len(mean), seed=3)
    rows = rows - rows.mean(0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T
    return rows @ np.linalg.cholesky(np.asarray(covariance)).T + mean


def test_the_frechet_distance_of_shifted_gaussians_is_the_squared_shift():
    rows = draw(300)
    assert frechet_distance(rows, rows + np.arange(8)) == pytest.approx((np.arange(8) ** 2).sum())


def test_the_frechet_distance_of_diagonal_gaussians_is_that_of_their_deviations():
    left = with_moments([0, 0, 0], np.diag([1.0, 4.0, 9.0]))
    right = with_moments([1, 0, 0], np.diag([4.0, 4.0, 1.0]))
    assert frechet_distance(left, right) == pytest.approx(1 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_covariances_that_do_not_commute():
    left, right = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    # In two dimensions the trace of the root of a product M is sqrt(trace(M) + 2 sqrt(det(M))).
    product = left @ right
    overlap = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(left) + np.trace(right) - 2 * overlap
    assert frechet_distance(with_moments([0, 0], left), with_moments([0, 0], right)) == pytest.approx(expected)


@pytest.mark.parametrize(("n_real", "n_fake"), [(200, 300), (5, 300), (5, 6), (300, 5)])
def test_the_frechet_distance_is_zero_for_copies_and_blind_to_turns(n_real, n_fake):
    real, fake = draw(n_real, 20), draw(n_fake, 20, seed=1, scale=2)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)
    distance = frechet_distance(real, fake)
    assert distance == pytest.approx(frechet_distance(fake, real), rel=1e-6) and distance > 1
    turn = np.linalg.qr(draw(20, 20, seed=2))[0]
    assert frechet_distance(real @ turn + 7, fake @ turn + 7) == pytest.approx(distance, rel=1e-6)


def test_the_kernel_distance_is_unbiased():
    values = [kernel_distance(draw(40, 4, seed=seed), draw(40, 4, seed=1000 + seed)) for seed in range(200)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error and min(values) < 0 < max(values)


def test_the_kernel_distance_equals_its_definition():
    real, fake = draw(30, 4), draw(20, 4, seed=1, shift=1)

    def kernel(left, right):
        return (left @ right.T / 4 + 1) ** 3

    own_real, own_fake = (
        (kernel(rows, rows).sum() - np.trace(kernel(rows, rows))) / len(rows) / (len(rows) - 1) for rows in (real, fake)
    )
    expected = own_real + own_fake - 2 * kernel(real, fake).mean()
    assert kernel_distance(real, fake) == pytest.approx(expected) and expected > 1
    subsets = kernel_distance(real, fake, subset_size=15, n_subsets=400)
    assert subsets == kernel_distance(real, fake, subset_size=15, n_subsets=400)
    assert subsets == pytest.approx(expected, rel=0.2)


def test_neighborhoods_of_copies_are_full_and_of_strangers_empty():
    real = draw(100)
    copies = neighborhoods(real, real)
    assert [copies[name] for name in FIGURES] == [1, 1, pytest.approx(1, abs=0.2), 1]
    assert set(neighborhoods(real, real + 100).values()) == {0}


def test_neighborhoods_see_a_lost_mode_and_a_bad_mode():
    left, right = draw(200), draw(200, seed=1, shift=20)
    both = np.concatenate([left, right])
    lost = neighborhoods(both, np.concatenate([draw(200, seed=2), draw(200, seed=3)]))
    assert lost["coverage"] < 0.51 and lost["recall"] < 0.51 and lost["precision"] > 0.9
    invented = neighborhoods(np.concatenate([left, draw(200, seed=2)]), both)
    assert invented["precision"] < 0.51 and invented["density"] < 0.6 and invented["recall"] > 0.9


def test_repeated_samples_have_no_ball():
    real = np.repeat(draw(10), 10, axis=0)  # the fifth neighbor of each is itself again
    assert neighborhoods(real, real + 1e-3)["precision"] == 0


def test_blocks_change_nothing(monkeypatch):
    real, fake = draw(300), draw(250, seed=1, shift=0.3)
    at_once = (neighborhoods(real, fake), kernel_distance(real, fake), nearest_distances(fake, real))
    monkeypatch.setattr("ganaug.images.distances.BLOCK", 7)
    assert neighborhoods(real, fake) == at_once[0]
    assert kernel_distance(real, fake) == pytest.approx(at_once[1])
    np.testing.assert_allclose(nearest_distances(fake, real), at_once[2])


def test_a_copy_is_at_distance_zero_even_far_from_the_origin():
    references = draw(500, 300, shift=1e4).astype(np.float32)
    queries = np.concatenate([references[::5], draw(100, 300, seed=1, shift=1e4)])
    distances = nearest_distances(queries, references)
    assert (distances[:100] == 0).all() and (distances[100:] > 15).all()


@pytest.mark.parametrize("n_neighbors", [1, 3, 5])
def test_neighborhoods_equal_those_of_prdc(n_neighbors):
    prdc = pytest.importorskip("prdc", reason="prdc is not installed; there is nothing to compare with")
    real, fake = draw(400, 16), draw(300, 16, seed=1, scale=1.05, shift=0.1)
    expected = prdc.compute_prdc(real, fake, n_neighbors)
    assert neighborhoods(real, fake, n_neighbors) == pytest.approx(expected, abs=1e-12)


class Flatten(torch.nn.Module):
    """Features that torchmetrics takes: an image's own numbers."""

    num_features = 12

    def forward(self, images):
        return images.flatten(1)


@pytest.mark.filterwarnings("ignore:Metric `Kernel")  # it keeps all features; that is what is wanted
def test_distances_equal_those_of_torchmetrics():
    reason = "torchmetrics is not installed; there is nothing to compare with"
    fid = pytest.importorskip("torchmetrics.image.fid", reason=reason)
    kid = pytest.importorskip("torchmetrics.image.kid", reason=reason)
    real, fake = draw(300, 12), draw(300, 12, seed=1, scale=1.3, shift=0.2)
    frechet = fid.FrechetInceptionDistance(feature=Flatten())
    kernel = kid.KernelInceptionDistance(feature=Flatten(), subset_size=300, subsets=1)
    for metric in (frechet, kernel):
        for rows, is_real in ((real, True), (fake, False)):
            metric.update(torch.from_numpy(rows).float().reshape(-1, 3, 2, 2), real=is_real)
    assert frechet_distance(real, fake) == pytest.approx(frechet.compute().item(), rel=1e-3)
    assert kernel_distance(real, fake) == pytest.approx(kernel.compute()[0].item(), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_distance(draw(10), draw(10, 7)), "`real` has 8 features and `fake` 7"),
        (lambda: frechet_distance(draw(10), draw(1)), "`fake` has 1 rows, and 2 are needed"),
        (lambda: frechet_distance(np.full((3, 2), np.nan), draw(3, 2)), "NaN or infinity in 3 of 3 rows"),
        (lambda: neighborhoods(draw(5), draw(10)), "`real` has 5 rows, and 6 are needed"),
        (lambda: neighborhoods(draw(5), draw(5), n_neighbors=0), "n_neighbors=0"),
        (lambda: kernel_distance(draw(9), draw(5), subset_size=6), "subset_size=6: give 2 to 5"),
        (lambda: nearest_distances(draw(9)[0], draw(5)), "`queries` has shape"),
        (lambda: RandomFeatures(3, 32, 32, n_features=50), "n_features=50"),
        (lambda: RandomFeatures(1, 28, 28)(torch.zeros(2, 28, 28, 1)), "NCHW"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(InvalidInputError, match=message.replace("(", r"\(")):
        call()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 20), (4, 64, 64), (3, 256, 256)])
def test_random_features_of_any_image_depend_on_no_other(shape):
    before = torch.get_rng_state()
    features = RandomFeatures(*shape)
    images = torch.rand(7, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    together = features(images)
    assert together.shape == (7, 128) and together.dtype == torch.float32
    assert torch.equal(together[3:4], features(images[3:4]))
    assert torch.equal(together, RandomFeatures(*shape)(images))
    assert not torch.equal(together, RandomFeatures(*shape, seed=1)(images))
    assert torch.equal(before, torch.get_rng_state())
    assert features(images[:0]).shape == (0, 128)


def test_random_features_order_corruptions_of_digits():
    folder = os.environ.get("GANAUG_DATA")
    if not folder:
        pytest.skip("GANAUG_DATA names no folder with images/mnist_train_10k.npz")
    data = np.load(Path(folder) / "images" / "mnist_train_10k.npz")
    rng = np.random.default_rng(0)
    order = rng.permutation(10_000)
    pixels = torch.from_numpy(data["X"].reshape(-1, 1, 28, 28)[order]).float() / 127.5 - 1
    real, other, labels = pixels[:2000], pixels[2000:4000], data["y"][order]
    features = RandomFeatures(1, 28, 28)

    def noisy(strength):
        return (other + strength * torch.from_numpy(rng.normal(size=other.shape)).float()).clamp(-1, 1)

    def distance(images):
        return frechet_distance(features(real), features(images))

    floor = np.mean([distance(pixels[first : first + 2000]) for first in (2000, 4000, 6000)])
    weak, strong = distance(noisy(0.1)), distance(noisy(0.3))
    assert 20 * floor < 5 * weak < strong
    assert distance(torch.nn.functional.avg_pool2d(other, 3, 1, 1)) > 50 * floor
    assert distance(other[rng.integers(0, 50, 2000)]) > 8 * floor
    # The hardest for features that know no digits; the floor itself varies by a tenth.
    assert distance(pixels[2000:][labels[2000:] != 9][:2000]) > 1.25 * floor
