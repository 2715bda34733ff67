"""How close restored images are to the true ones: known values, other packages' values, and what is refused."""

import numpy as np
import pytest

from ganaug.evaluation import psnr, sharpness, ssim
from ganaug.evaluation.restoration import feature_distance
from ganaug.exceptions import InvalidInputError
from ganaug.images.classifier import ImageClassifier

RNG = np.random.default_rng(0)
PHOTOS = np.cumsum(RNG.normal(size=(3, 20, 24, 3)), axis=1)
PHOTOS = ((PHOTOS - PHOTOS.min()) / np.ptp(PHOTOS) * 255).astype(np.uint8)
NOISY = (PHOTOS + RNG.normal(0, [[[[2]]], [[[8]]], [[[30]]]], PHOTOS.shape)).clip(0, 255).astype(np.uint8)


def smoothed(images):
    return (images + np.roll(images, 1, axis=1) + np.roll(images, 1, axis=2)) / 3


def test_a_constant_offset_has_a_known_psnr():
    truth = np.full((2, 8, 8), 100, dtype=np.uint8)
    assert psnr(truth + np.uint8(1), truth) == pytest.approx(20 * np.log10(255))
    assert psnr(truth, truth).tolist() == [np.inf, np.inf]
    deep = np.full((1, 8, 8), 100, dtype=np.uint16)
    assert psnr(deep + np.uint16(10), deep) == pytest.approx(20 * np.log10(6553.5), abs=1e-3)
    assert psnr(truth / 10 + 1.6, truth / 10, value_range=(0, 16)) == pytest.approx(20)


def test_more_noise_is_farther_from_the_truth():
    for figure in (psnr, ssim):
        values = figure(NOISY, PHOTOS)
        assert values.shape == (3,) and (np.diff(values) < 0).all()
    assert ssim(PHOTOS, PHOTOS) == pytest.approx(1, abs=1e-12)
    truth = PHOTOS[..., 0] / 255
    assert (sharpness(smoothed(truth), truth) < 0.9).all() and (sharpness(NOISY, PHOTOS)[1:] > 1).all()
    assert sharpness(truth, truth) == pytest.approx(1)


def test_equal_to_scikit_image():
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    for images, truth, width in ((NOISY, PHOTOS, 255), (NOISY / 255, PHOTOS / 255, 1.0)):
        pairs = list(zip(images, truth, strict=True))
        wanted = [metrics.structural_similarity(*pair, data_range=width, **settings) for pair in pairs]
        assert ssim(images, truth) == pytest.approx(wanted, abs=1e-6)
        wanted = [metrics.peak_signal_noise_ratio(second, first, data_range=width) for first, second in pairs]
        assert psnr(images, truth) == pytest.approx(wanted, abs=1e-4)


def test_a_small_image_gets_a_smaller_window():
    image, truth = NOISY[2, :7, :7, 0] / 255, PHOTOS[2, :7, :7, 0] / 255
    places = np.arange(7) - 3
    weights = np.exp(-(places[:, None] ** 2 + places**2) / (2 * 1.5**2))
    weights /= weights.sum()
    mean, mean_truth = (weights * image).sum(), (weights * truth).sum()
    variance, variance_truth = (weights * (image - mean) ** 2).sum(), (weights * (truth - mean_truth) ** 2).sum()
    covariance = (weights * (image - mean) * (truth - mean_truth)).sum()
    wanted = (2 * mean * mean_truth + 0.01**2) / (mean**2 + mean_truth**2 + 0.01**2)
    wanted *= (2 * covariance + 0.03**2) / (variance + variance_truth + 0.03**2)
    assert ssim(image[None], truth[None]) == pytest.approx([wanted], abs=1e-6)
    assert ssim(NOISY[:, :8, :8], PHOTOS[:, :8, :8]).shape == (3,)


def test_forms_and_sizes_make_no_difference():
    wanted = psnr(NOISY, PHOTOS)
    assert psnr(NOISY.transpose(0, 3, 1, 2), PHOTOS.transpose(0, 3, 1, 2)) == pytest.approx(wanted)
    assert psnr(NOISY, PHOTOS / 255) == pytest.approx(wanted, abs=1e-4)
    assert psnr(NOISY / 127.5 - 1, PHOTOS / 127.5 - 1) == pytest.approx(wanted, abs=1e-4)
    cut = [(image[:height], true[:height]) for image, true, height in zip(NOISY, PHOTOS, (20, 12, 9), strict=True)]
    for figure in (psnr, ssim, sharpness):
        alone = [figure(image[None], true[None])[0] for image, true in cut]
        assert figure(*map(list, zip(*cut, strict=True))) == pytest.approx(alone)


def test_many_images_are_measured_in_blocks():
    truth = np.tile(PHOTOS, (50, 1, 1, 1))
    assert ssim(np.tile(NOISY, (50, 1, 1, 1)), truth) == pytest.approx(np.tile(ssim(NOISY, PHOTOS), 50))


def test_images_of_one_color():
    flat = np.zeros((2, 8, 8))
    steps = flat.copy()
    steps[1, :, 4:] = 1
    assert sharpness(steps, flat).tolist() == [1, np.inf]
    assert sharpness(flat, steps).tolist() == [1, 0]


def test_features_are_nearer_where_less_is_changed():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 100, (60, 8, 8), dtype=np.uint8)
    images[::2, :, :4] += 100
    classifier = ImageClassifier(max_steps=20, random_state=0).fit(images, np.arange(60) % 2)
    assert feature_distance(images, images, classifier).tolist() == [0] * 60
    near, far = (feature_distance(images // part, images, classifier).mean() for part in (2, 8))
    assert 0 < near < far
    with pytest.raises(
        InvalidInputError, match="was fitted to images of 8 x 8 pixels.*these have 20 x 24 pixels and 3"
    ):
        feature_distance(NOISY, PHOTOS, classifier)


@pytest.mark.parametrize(
    ("images", "truth", "message"),
    [
        (NOISY[:2], PHOTOS, r"There are 2 `images` and 3 of `truth`; give pairs"),
        (NOISY[:, :16], PHOTOS, r"images\[0\] has 16 x 24 pixels and truth\[0\] 20 x 24"),
        (NOISY[..., 0], PHOTOS, r"`images` has the shape \(3, 20, 24\), but `truth` holds images of 3 channels"),
        (NOISY, PHOTOS[0, :, :, 0], r"`truth` has the shape \(20, 24\): rows of pixels, or one image"),
        (NOISY * 2.0, PHOTOS / 255, r"`images` has values from .* beyond the range \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_named(images, truth, message):
    with pytest.raises(InvalidInputError, match=message):
        psnr(images, truth)
