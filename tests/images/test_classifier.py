"""The small classifier learns, is the same bit for bit, and judges every image by itself."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from ganaug.exceptions import InvalidInputError
from ganaug.images.classifier import ImageClassifier


def make_images(n_images=120, size=12, channels=1, seed=0):
    """Return bars that stand or lie, at random places in noise."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n_images, size, size, channels), dtype=np.uint8)
    standing = rng.random(n_images) < 0.5
    for image, stands in zip(images, standing, strict=True):
        place = rng.integers(1, size - 2)
        (image[:, place : place + 2] if stands else image[place : place + 2])[:] = 220
    return images, standing


def fit(images, labels, **params):
    return ImageClassifier(**{"max_steps": 40, "random_state": 0, **params}).fit(images, labels)


def test_it_learns_and_can_be_scored():
    images, standing = make_images(300)
    new, answers = make_images(200, seed=1)
    classifier = fit(images, standing, max_steps=80)
    assert classifier.score(new, answers) > 0.95
    assert classifier.n_steps_ == 80 and classifier.predict(new).dtype == bool
    probabilities = classifier.predict_proba(new)
    assert probabilities.shape == (200, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_features_are_of_one_size_and_separate_the_classes():
    images, standing = make_images(300)
    features = fit(images, standing, max_steps=80).features(images)
    assert features.shape == (300, 64) and features.dtype == np.float32
    assert (features.astype(float) ** 2).mean() == pytest.approx(1, rel=1e-3)
    gap = features[standing].mean(0) - features[~standing].mean(0)
    assert (gap**2).sum() > features.var(0).sum()


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_ones_alone():
    images, standing = make_images()
    before = torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()
    first, again = (fit(images, standing, max_steps=15).features(images) for _ in range(2))
    other = fit(images, standing, max_steps=15, random_state=1).features(images)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(before, torch.get_rng_state()) and (np.random.get_state()[1] == numpy_before).all()


def test_an_image_is_judged_by_itself():
    images, standing = make_images()
    classifier = fit(images, standing, max_steps=15)
    together = classifier.features(images)
    assert np.array_equal(together[70:71], classifier.features(images[70:71]))
    assert np.array_equal(together[::-1], classifier.features(images[::-1]))


@pytest.mark.parametrize(
    ("size", "channels", "labels"),
    [(8, 1, [3, -1]), (21, 3, ["lying", "standing"]), (40, 4, [0.0, 1.0]), (130, 1, np.array(["a", "b"], object))],
)
def test_any_size_channels_and_labels(size, channels, labels):
    images, standing = make_images(40, size, channels)
    y = np.asarray(labels)[standing.astype(int)]
    classifier = fit(images, y, max_steps=3, batch_size=16)
    assert set(classifier.predict(images)) <= set(labels) and classifier.classes_.tolist() == sorted(labels)
    if channels > 1:  # the same pixels in another layout and range
        floats = (images.transpose(0, 3, 1, 2) / 255).astype(np.float32)
        same = fit(floats, y, max_steps=3, batch_size=16).features(floats)
        np.testing.assert_allclose(same, classifier.features(images), rtol=1e-3, atol=1e-3)


def test_few_images_and_the_last_small_batch_are_no_obstacle():
    images, standing = make_images(33)
    assert fit(images, standing, max_steps=None, epochs=2, batch_size=32).n_steps_ == 4


def test_it_clones_and_its_budget_is_whole_passes():
    classifier = ImageClassifier(max_steps=7, learning_rate=0.01, random_state=3)
    assert clone(classifier).get_params() == classifier.get_params()
    assert ImageClassifier()._count_steps(10_000) == 3 * 157
    assert ImageClassifier()._count_steps(64) == 400
    assert ImageClassifier(epochs=2)._count_steps(65) == 4


def test_errors_name_what_is_wrong():
    images, standing = make_images(20)
    with pytest.raises(InvalidInputError, match="alone; give images of two or more"):
        fit(images, np.ones(20))
    with pytest.raises(ValueError, match="epochs"):
        fit(images, standing, epochs=0)
    with pytest.raises(InvalidInputError, match="19 labels for 20 images"):
        fit(images, standing[1:])


def test_digits_are_read():
    folder = os.environ.get("GANAUG_DATA")
    if not folder:
        pytest.skip("GANAUG_DATA names no folder with images/mnist_train_10k.npz")
    train, test = (np.load(Path(folder) / "images" / f"mnist_{part}.npz") for part in ("train_10k", "test_2k"))
    classifier = ImageClassifier(max_steps=100, random_state=0).fit(train["X"], train["y"])
    assert classifier.score(test["X"], test["y"]) > 0.95  # three passes give 0.98
