"""A fitted SRGAN beside bicubic, pixels alone and its own first phase."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import ganaug
from ganaug.evaluation import compare_upscaling, psnr
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.images import SRGAN
from ganaug.images.classifier import ImageClassifier

DIGITS = load_digits()
TRAINING, TEST = DIGITS.images[:1200] / 16, DIGITS.images[1200:1500] / 16
Y_TEST = DIGITS.target[1200:1500]
SMALL = TEST.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
TINY = {"width": 8, "n_blocks": 1, "discriminator_width": 8, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return SRGAN(max_steps=60, **TINY).fit(TRAINING)


@pytest.fixture(scope="module")
def classifier():
    return ImageClassifier(max_steps=100, random_state=0).fit(TRAINING, DIGITS.target[:1200])


@pytest.fixture(scope="module")
def found(model, classifier):
    return compare_upscaling(model, TEST, training=TRAINING, budget="steps", classifier=classifier, y=Y_TEST)


def rows(found):
    return found.table.set_index("method")


def test_the_trained_are_ahead_of_bicubic(found):
    table = rows(found)
    assert table.index.tolist() == ["bicubic", "pixels only", "first phase", "model"]
    for figure, better in found.better.items():
        gains = found.differences.query("figure == @figure and rival == 'bicubic'").iloc[0]
        assert gains["gain"] > 0 and gains["low"] < gains["gain"] < gains["high"]
        if better == "higher":
            assert table.loc["model", figure] > table.loc["bicubic", figure]
    assert found.winner("PSNR") != "bicubic" and found.winner("classifier-FID") != "bicubic"
    assert list(found.better) == ["PSNR", "SSIM", "sharpness", "feature distance", "classifier-FID", "read rightly"]


def test_figures_are_those_of_the_images(found, model):
    assert rows(found).loc["model", "PSNR"] == pytest.approx(psnr(model.transform(SMALL), TEST).mean(), abs=1e-4)
    assert model.network_interpolation == 1  # the model is left as it was
    first = SRGAN(max_steps=60, network_interpolation=0, **TINY).fit(TRAINING).transform(SMALL)
    assert rows(found).loc["first phase", "PSNR"] == pytest.approx(psnr(first, TEST).mean(), abs=1e-4)


def test_it_is_said_in_words(found):
    text = str(found)
    assert "Best: " in found.verdict() and "The adversarial phase " in found.verdict() and found.verdict() in text
    assert "'pixels only'" in found.verdict()
    assert "300 test images" in text and "given as many steps: 60 steps" in text and "The classifier reads" in text
    flat = found.to_dict()
    assert flat["pixels_only_psnr"] == rows(found).loc["pixels only", "PSNR"]
    assert all(name.isidentifier() and isinstance(value, float) for name, value in flat.items())
    with pytest.raises(InvalidInputError, match=r"figure='FID' was not measured. Choose among \['PSNR'"):
        found.winner("FID")


def test_a_strong_adversary_is_sharper_and_less_true(model):
    strong = SRGAN(max_steps=60, pretraining=0, adversarial_weight=30.0, **TINY).fit(TRAINING)
    found = compare_upscaling(strong, TEST, training=TRAINING, budget="steps")
    beside = found.differences.query("rival == 'pixels only'").set_index("figure")
    assert beside.loc["PSNR", "high"] < 0
    assert beside.loc["sharpness", "low"] > 0
    assert "beat 'pixels only' in sharpness (+0." in found.verdict() and "lost in PSNR (-" in found.verdict()
    assert found.winner("PSNR") == "pixels only" and found.winner("sharpness") == "model"


def test_pairs_of_any_size_and_a_loaded_model(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = ganaug.load(tmp_path / "model")
    large = [image[:6] if place % 2 else image for place, image in enumerate(TEST[:20])]
    small = [image[:3] if place % 2 else image for place, image in enumerate(SMALL[:20])]
    pairs = compare_upscaling(loaded, small, large)
    assert rows(pairs).index.tolist() == ["bicubic", "first phase", "model"]
    assert rows(pairs).to_numpy() == pytest.approx(rows(compare_upscaling(model, large)).to_numpy(), abs=1e-3)
    assert "what pixels alone reach in as much time was not measured" in pairs.verdict()


def test_a_copy_trains_as_long_as_the_model_did(model):
    found = compare_upscaling(model, TEST[:10], training=SMALL, training_truth=TEST)
    seconds = model.history_[-1]["seconds"]
    assert f"the model made 60 in {seconds:.1f} s" in str(found) and "given as many seconds" in str(found)


def test_odd_sides_and_blank_images_are_noted(model):
    images = np.concatenate([TEST[:9, :7], np.zeros((1, 7, 8))])
    text = str(compare_upscaling(model, images))
    assert "multiples of scale=2" in text
    bytes_model = SRGAN(max_steps=1, **TINY).fit((TRAINING * 255).astype(np.uint8))
    blank = (np.concatenate([TEST[:9], np.zeros((1, 8, 8))]) * 255).astype(np.uint8)
    found = compare_upscaling(bytes_model, blank)
    assert "1 image(s) of one color, or restored exactly, are left out of PSNR" in str(found)
    assert np.isfinite(rows(found)["PSNR"]).all()
    alone = compare_upscaling(bytes_model, blank[-1:])  # says nothing of decibels, and has no interval
    assert list(alone.better) == ["SSIM"] and alone.differences["low"].isna().all()
    assert "did not beat 'first phase' in anything" in alone.verdict()


def test_noise_is_drawn_from_the_seed():
    model = SRGAN(max_steps=1, degradation="blur_noise", **TINY).fit(TRAINING[:50])
    one, same, other = (compare_upscaling(model, TEST[:30], random_state=seed).to_dict() for seed in (0, 0, 1))
    assert one == same != other


def test_a_network_of_features_goes_with_the_copy(classifier):
    model = SRGAN(max_steps=2, feature_network=classifier, **TINY).fit(TRAINING[:50])
    found = compare_upscaling(model, TEST[:10], training=TRAINING[:50], budget="steps")
    assert "Like the model it compares features as well as pixels" in str(found)
    model.feature_network = None  # as in a loaded model
    found = compare_upscaling(model, TEST[:10], training=TRAINING[:50], budget="steps")
    assert "its network of features was not saved" in str(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": "hours"}, "budget='hours': 'seconds' or 'steps'"),
        ({"training_truth": TEST}, "training_truth was given without training"),
        ({"y": Y_TEST}, "y was given without classifier"),
        ({"classifier": "vgg"}, "classifier='vgg': a fitted ImageClassifier is expected"),
        (
            {"truth": TEST},
            r"truth\[0\] has the shape \(8, 8\), and X\[0\] has \(16, 16\) when it is enlarged by scale=2",
        ),
        ({"truth": TEST[:4]}, "X holds 300 small images and truth 4 large ones; give pairs"),
        ({"X": np.zeros((2, 8, 8, 3))}, "`X` has the shape .* but the model was fitted to images of 1 channel"),
    ],
)
def test_what_does_not_fit_is_named(model, arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        compare_upscaling(model, **{"X": TEST} | arguments)


def test_other_models_are_refused(classifier):
    of_texture = SRGAN(max_steps=1, pixel_weight=0, pretraining=0, **TINY).fit(TRAINING[:20])
    with pytest.raises(InvalidInputError, match="pixel_weight=0: without its adversary the model would learn nothing"):
        compare_upscaling(of_texture, TEST, training=TRAINING)
    with pytest.warns(TrainingWarning, match="untrained"):
        untrained = SRGAN(max_seconds=1e-9, **TINY).fit(TRAINING[:20])
    with pytest.raises(InvalidInputError, match="was trained for no step"):
        compare_upscaling(untrained, TEST, training=TRAINING)
    with pytest.raises(InvalidInputError, match=r"a fitted ganaug\.images\.SRGAN is expected"):
        compare_upscaling(classifier, TEST)
    with pytest.raises(NotFittedError):
        compare_upscaling(SRGAN(), TEST)
