"""SRGAN: what it learns in each phase, what is kept of both, and what it refuses."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_images
from torch import nn

import ganaug
from ganaug.adversarial import EarlyStopping
from ganaug.evaluation import psnr, sharpness
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.images import SRGAN, SampleGrid
from ganaug.images.classifier import ImageClassifier
from ganaug.images.networks.upscaling import enlarge

DIGITS = load_digits().images / 16
LARGE, UNSEEN = DIGITS[:1400], DIGITS[1400:]
SMALL = {"width": 4, "discriminator_width": 4, "n_blocks": 1, "random_state": 0}


def shrink(images, scale=2):
    n, height, width = images.shape[:3]
    return images.reshape(n, height // scale, scale, width // scale, scale, -1).mean(axis=(2, 4)).squeeze(-1)


def bicubic(images, scale=2):
    return enlarge(torch.from_numpy(images[:, None]).float(), scale)[:, 0].clamp(0, 1).numpy()


@pytest.fixture(scope="module")
def enlarger():
    return SRGAN(max_steps=400, width=24, n_blocks=2, adversarial_weight=0.05, random_state=0).fit(LARGE)


def test_unseen_digits_are_enlarged_better_than_by_interpolation(enlarger):
    enlarged = enlarger.transform(shrink(UNSEEN))
    assert enlarged.shape == UNSEEN.shape and 0 <= enlarged.min() and enlarged.max() <= 1
    assert psnr(enlarged, UNSEEN).mean() > psnr(bicubic(shrink(UNSEEN)), UNSEEN).mean() + 2


def test_the_second_phase_adds_texture_and_the_first_is_kept(enlarger):
    first = clone(enlarger)
    vars(first).update(vars(enlarger) | {"network_interpolation": 0.0})
    between = clone(enlarger)
    vars(between).update(vars(enlarger) | {"network_interpolation": 0.5})
    small = shrink(UNSEEN)
    sharp = [np.median(sharpness(gan.transform(small), UNSEEN)) for gan in (first, between, enlarger)]
    assert sharp[0] < sharp[1] < sharp[2]
    history = enlarger.history_
    assert "generator/adversarial" not in history[1] and "discriminator/adversarial" not in history[1]
    assert history[-1]["generator/adversarial"] > 0 and history[-1]["generator/pixel"] < history[1]["generator/pixel"]


def test_a_saved_model_has_both_generators(enlarger, tmp_path):
    back = ganaug.load(enlarger.save(tmp_path / "model"))
    for share in (0.0, 0.4, 1.0):
        back.network_interpolation = enlarger.network_interpolation = share
        assert np.array_equal(back.transform(shrink(UNSEEN)[:5]), enlarger.transform(shrink(UNSEEN)[:5]))
    enlarger.network_interpolation = 1.0


def test_the_discriminator_finds_real_images_more_real_than_blurred_ones(enlarger):
    assert enlarger.score_samples(UNSEEN).mean() > enlarger.score_samples(bicubic(shrink(UNSEEN))).mean()


def test_the_discriminator_has_no_opinion_of_images_without_a_patch(enlarger):
    with pytest.raises(InvalidInputError, match=r"X\[0\] has 8 x 3 pixels, and the discriminator judges .* sides of 4"):
        enlarger.score_samples(UNSEEN[:2, :, :3])
    assert len(enlarger.score_samples(UNSEEN[:2, :4, :4])) == 2


def test_callbacks_that_would_do_nothing_are_told():
    with pytest.warns(TrainingWarning, match="callbacks holds EarlyStopping, but SRGAN measures no quality"):
        SRGAN(max_steps=1, callbacks=[EarlyStopping()], **SMALL).fit(LARGE[:20])


def test_pairs_are_learned_as_they_are_given():
    gan = SRGAN(max_steps=150, adversarial_weight=0, width=16, n_blocks=1, random_state=0)
    gan.fit(1 - shrink(LARGE), LARGE)  # no degradation that it could have made itself
    assert psnr(gan.transform(1 - shrink(UNSEEN)), UNSEEN).mean() > psnr(1 - bicubic(shrink(UNSEEN)), UNSEEN).mean() - 3
    assert psnr(gan.transform(shrink(UNSEEN)), UNSEEN).mean() < 12


def test_what_one_photograph_teaches_holds_for_another():
    temple, flower = (photo[100:220, 200:380] for photo in load_sample_images().images)
    gan = SRGAN(max_steps=60, patch_size=32, width=16, n_blocks=1, batch_size=8, random_state=0).fit([temple])
    assert gan.augment_ and gan.patch_size_ == 32
    other = flower.astype(float) / 255
    small = np.rint(other.reshape(60, 2, 90, 2, 3).mean(axis=(1, 3)) * 255).astype(np.uint8)
    learned = psnr(gan.transform([small])[0][None], flower[None])[0]
    plain = enlarge(torch.from_numpy(small).permute(2, 0, 1)[None] / 255, 2)[0].permute(1, 2, 0).clamp(0, 1).numpy()
    assert learned > psnr(plain[None], other[None])[0] - 0.5


def test_files_of_several_sizes_are_enlarged_each_by_itself(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in {"a.png": (20, 30), "b.png": (9, 12)}.items():
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / name)
    gan = SRGAN(scale=3, max_steps=1, **SMALL).fit(tmp_path)
    assert gan.patch_size_ == 9
    assert [image.shape for image in gan.transform(tmp_path)] == [(60, 90, 3), (27, 36, 3)]


def test_one_tiny_image_that_makes_all_parts_tiny_is_told():
    with pytest.warns(UserWarning, match="smallest image has 9 pixels a side, so parts of 8 x 8 are learned from"):
        SRGAN(max_steps=1, **SMALL).fit([np.zeros((40, 40)), np.zeros((50, 40)), np.zeros((9, 30))])


def test_an_image_that_is_refused_is_not_told_first(recwarn):
    with pytest.raises(InvalidInputError, match=r"X\[1\] has 1 x 30 pixels"):
        SRGAN(max_steps=1, **SMALL).fit([np.zeros((40, 40)), np.zeros((1, 30))])
    assert not recwarn.list


@pytest.mark.parametrize("degradation", ["bicubic", "blur_noise"])
def test_degradations_train(degradation):
    gan = SRGAN(max_steps=2, degradation=degradation, pretraining=0, **SMALL).fit(LARGE[:50])
    assert gan.history_[-1]["generator/adversarial"] > 0


def test_features_of_a_network_count_through_clones_and_it_is_not_saved(tmp_path):
    classifier = ImageClassifier(max_steps=20, random_state=0).fit(LARGE, load_digits().target[:1400])
    for network in (classifier, nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())):
        gan = clone(SRGAN(max_steps=2, feature_network=network, pixel_weight=0, **SMALL)).fit(LARGE[:50])
        assert gan.history_[-1]["generator/feature"] > 0 and "generator/pixel" not in gan.history_[-1]
    assert ganaug.load(gan.save(tmp_path / "model")).feature_network is None


def test_previews_show_enlarged_images(tmp_path):
    gan = SRGAN(max_steps=1, callbacks=[SampleGrid(every=1, folder=tmp_path)], **SMALL).fit(LARGE)
    assert gan.callbacks_[0].previews_[0][1].shape == (8, 8, 8)
    with Image.open(tmp_path / "step-000001.png") as picture:
        assert picture.size == (32, 32)  # eight of 8 x 8 pixels, in rows of three


@pytest.mark.parametrize(
    ("arguments", "params", "words"),
    [
        ((DIGITS[:5, :5, :5],), {}, r"X\[0\] has 5 x 5 pixels, and parts of 8 x 8 are to be learned from. Leave it"),
        (([DIGITS[0], DIGITS[1, :, :4]],), {}, r"X\[1\] has 8 x 4 pixels"),
        ((np.zeros((2, 20, 20)),), {"patch_size": 15}, "patch_size=15 is no multiple of scale=2. Say 16"),
        ((DIGITS, DIGITS), {}, r"X\[0\] has 8 x 8 pixels and y\[0\] 8 x 8, not scale=2 times as many"),
        ((shrink(DIGITS)[:9], DIGITS), {}, "9 small images and y 1797 large ones"),
        ((DIGITS, np.arange(1797)), {}, r"y has the shape \(1797,\)"),
        ((DIGITS,), {"feature_network": nn.Conv2d(3, 2, 3)}, "feature_network can't take images of 8 x 8 pixels and 1"),
        ((DIGITS,), {"pixel_weight": 0}, "nothing to learn in the first phase"),
        ((DIGITS,), {"scale": 5}, "scale"),
        ((DIGITS,), {"network_interpolation": 1.5}, "network_interpolation"),
        ((DIGITS.reshape(-1, 64),), {}, "rows of pixels"),
    ],
)
def test_what_can_not_be_learned_is_refused(arguments, params, words):
    with pytest.raises(ValueError, match=words) as caught:
        SRGAN(max_steps=1, **params).fit(*arguments)
    assert words in ("scale", "network_interpolation") or isinstance(caught.value, InvalidInputError)
