"""Image figures: signs, floors, names, copies and lost classes."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ganaug.evaluation import image_quality
from ganaug.exceptions import InvalidInputError
from ganaug.images import save_images
from ganaug.images.classifier import ImageClassifier

KINDS = np.array(["dot", "lying", "standing"])


def make_images(n_images=360, seed=0, kinds=(0, 1, 2)):
    """Return dots and bars at random places in noise, 12 x 12 bytes, and what each is."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 80, (n_images, 12, 12), dtype=np.uint8)
    chosen = rng.choice(kinds, n_images)
    for image, kind in zip(images, chosen, strict=True):
        row, column = rng.integers(1, 9, 2)
        part = (image[row : row + 3, column : column + 3], image[row : row + 2], image[:, column : column + 2])[kind]
        part[:] = rng.integers(160, 256)
    return images, KINDS[chosen]


@pytest.fixture(scope="module", autouse=True)
def _short_training():
    """Bars are learned sooner than digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.images.classifier.FEWEST_STEPS", 120)
        yield


def table(report):
    return report.figures.set_index("figure")


@pytest.fixture(scope="module")
def labeled():
    """Return the report on fresh images of the same kinds, some of which have wrong labels."""
    (real, y), (other, y_other), (holdout, y_holdout) = (make_images(seed=seed) for seed in range(3))
    y_other[:90] = np.roll(KINDS, 1)[np.searchsorted(KINDS, y_other[:90])]
    return image_quality(real, other, y=y, y_synthetic=y_other, holdout=holdout, y_holdout=y_holdout)


def test_fresh_images_are_about_as_good_as_real_ones(labeled):
    figures = table(labeled)
    assert labeled["classifier-FID"] < 2 * figures.loc["classifier-FID", "real"]
    for name in ("precision", "recall", "coverage"):
        assert labeled[name] > 0.8 and figures.loc[name, "better"] == "higher"
    assert labeled["modes (of 3)"] == 3 and labeled["mode divergence (KL)"] < 0.1
    for view in ("classifier features", "pixels"):
        assert 0.8 < labeled[f"memorization ({view})"] < 1.25
        assert labeled[f"copied ({view})"] < 0.06
    assert labeled.n_images == 180


def test_wrong_labels_show_in_the_agreement_and_not_in_the_likeness(labeled):
    assert labeled["label agreement"] == pytest.approx(0.75, abs=0.08)
    assert table(labeled).loc["label agreement", "real"] > 0.9
    accuracy = table(labeled).loc["classification accuracy"]
    assert accuracy["synthetic"] > 0.5 and accuracy["real"] > 0.9 and accuracy["better"] == "higher"


def test_the_report_says_how_it_was_measured(labeled):
    text = str(labeled)
    assert "FID" not in text.replace("classifier-FID", "")
    assert "trained on 180 of the 360 real images, which are not compared" in text
    assert "180 images of each kind, compared by classifier features" in text
    flat = labeled.to_dict()
    assert flat["classifier_fid"] == labeled["classifier-FID"] and flat["memorization_pixels_real"] == 1
    assert all(name.isidentifier() and isinstance(value, float) for name, value in flat.items())
    assert labeled.modes["class"].tolist() == KINDS.tolist()
    assert labeled.modes["synthetic"].sum() == pytest.approx(1)
    with pytest.raises(KeyError, match="'FID' was not measured"):
        labeled["FID"]


def test_a_lost_class_shows():
    (real, y), (few, _) = make_images(), make_images(seed=1, kinds=(0, 1))
    report = image_quality(real, few, y=y)
    figures = table(report)
    assert report["modes (of 3)"] == 2 and figures.loc["modes (of 3)", "real"] == 3
    assert report["mode divergence (KL)"] > 0.2 > figures.loc["mode divergence (KL)", "real"]
    assert report["classifier-FID"] > 4 * figures.loc["classifier-FID", "real"]
    assert report["precision"] > 0.8 > report["coverage"]
    assert report.modes.set_index("class").loc["standing", "synthetic"] < 0.05
    assert "give holdout=" in str(report)


def test_copies_show_though_all_else_is_perfect():
    (real, _), (holdout, _) = make_images(), make_images(seed=1)
    mixed = np.concatenate([real[:200], make_images(100, seed=2)[0]])
    report = image_quality(real, mixed, holdout=holdout)
    for view in ("random features", "pixels"):
        assert report[f"memorization ({view})"] == 0  # the median one is a copy
        assert report[f"copied ({view})"] == pytest.approx(2 / 3, abs=0.05)
    assert report["random-features distance"] < 2 * table(report).loc["random-features distance", "real"]


def test_noise_moves_every_distance_away_from_its_floor():
    (real, y), (other, _) = make_images(), make_images(seed=1)
    noisy = np.clip(other + np.random.default_rng(0).normal(0, 60, other.shape), 0, 255).astype(np.uint8)
    for features, excess in (("classifier", 5), ("random", 3)):
        report = image_quality(real, noisy, y=y if features == "classifier" else None, features=features)
        figures = report.figures
        assert (figures["synthetic"] > excess * figures["real"])[:2].all()
        assert report["precision"] < 0.8 * table(report).loc["precision", "real"]


def test_the_same_seed_gives_the_same_report(labeled):
    (real, y), (other, _) = make_images(120), make_images(120, seed=1)
    first, again = (image_quality(real, other, y=y) for _ in range(2))
    assert first.figures.equals(again.figures)
    assert not first.figures.equals(image_quality(real, other, y=y, random_state=1).figures)


def means(images):
    """Return local means: features of a user's own, in numpy."""
    assert images.dtype == np.uint8 and images.shape[1:] == (12, 12)
    return images.reshape(len(images), 4, 3, 4, 3).mean((2, 4)).reshape(len(images), -1)


class Module(torch.nn.Module):
    """Features of a user's own, in torch."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Dropout(0.5), torch.nn.Flatten())

    def forward(self, images):
        assert images.shape[1:] == (1, 12, 12) and -1 <= images.min() and images.max() <= 1
        return self.layers(images)


def test_features_of_any_callable_and_their_names():
    (real, _), (other, _) = make_images(), make_images(seed=1)
    by_array = image_quality(real, other, features=means)
    assert by_array.figures["figure"].tolist()[:2] == ["frechet distance (means)", "kernel distance (means)"]
    module = Module()
    module.layers[0].eval()
    by_module = image_quality(real, other, features=module, features_name="inception")
    assert by_module.figures["figure"].tolist()[:2] == ["FID", "KID"]
    assert module.training and module.layers[1].training and not module.layers[0].training
    # The same means of the same images, in bytes and in [-1, 1].
    assert by_array["frechet distance (means)"] == pytest.approx(127.5**2 * by_module["FID"], rel=1e-3)
    assert by_array["recall"] == by_module["recall"]


def test_a_classifier_of_ones_own():
    (real, y), (other, y_other) = make_images(), make_images(seed=1)
    classifier = ImageClassifier(max_steps=100, random_state=0).fit(*make_images(seed=5))
    report = image_quality(real, other, features=classifier)
    assert report.figures["figure"][0] == "classifier-FID" and report["modes (of 3)"] == 3
    assert report.n_images == 180 and "trained on none of these images" in str(report)
    labeled = image_quality(real, other, features=classifier, y=y, y_synthetic=y_other)
    assert labeled["label agreement"] > 0.85 and "classification accuracy" in table(labeled).index


def test_other_forms_of_the_same_images_compare_the_same():
    (real, _), (other, _) = make_images(100), make_images(100, seed=1)
    expected = image_quality(real, other, features="random").figures
    assert expected.equals(image_quality(real, other[..., None], features="random").figures)
    assert expected.equals(image_quality(real[:, None], other[..., None], features="random").figures)
    assert expected.equals(image_quality(torch.from_numpy(real), other, features="random").figures)


def test_what_images_are_like_can_be_told():
    (real, y), (other, y_other) = make_images(120), make_images(120, seed=1)
    sets = {"y": y, "y_synthetic": y_other, "holdout": make_images(60, seed=2)[0]}
    expected = image_quality(real, other, **sets).figures
    for low, high in ((0, 16), (-3, 5)):
        real_in_range, other_in_range, holdout = (
            low + images / 255 * (high - low) for images in (real, other, sets["holdout"])
        )
        told = image_quality(
            *(images.reshape(len(images), -1) for images in (real_in_range, other_in_range)),
            **sets | {"holdout": holdout.reshape(60, -1)},
            value_range=(low, high),
            image_size=12,
        ).figures
        assert told["figure"].tolist() == expected["figure"].tolist()
        np.testing.assert_allclose(told["real"], expected["real"], rtol=0.2, atol=0.05)
    with pytest.raises(InvalidInputError, match=r"`real` has values from 0 to 15.*value_range=\(0, 16\)"):
        image_quality(real / 255 * 16, other)
    with pytest.raises(InvalidInputError, match="`real` is two-dimensional.*image_size="):
        image_quality(real.reshape(120, -1), other)


def test_images_are_scaled_and_recolored(tmp_path):
    (real, _), (other, _) = make_images(40), make_images(40, seed=1)
    paths = [save_images(images.repeat(2, 1), tmp_path / str(place)) for place, images in enumerate((real, other))]
    report = image_quality(paths[0], tmp_path / "1", image_size=10, resize="stretch", color="rgb", features=means_of_10)
    assert report.n_images == 20
    arrays = image_quality(real, other.repeat(2, 1), image_size=10, resize="stretch")
    assert arrays.n_images == 20
    (tmp_path / "1" / "torn.png").write_bytes(b"torn")
    with pytest.raises(InvalidInputError, match=r"`synthetic` does not go with.*Remove them\.$"):
        image_quality(real.repeat(2, 1), tmp_path / "1")


def means_of_10(images):
    """Return means of colors."""
    assert images.dtype == np.uint8 and images.shape[1:] == (10, 10, 3)
    return images.mean((1, 3))


def test_a_classifier_sees_images_in_its_own_form():
    (real, y), (other, y_other) = make_images(), make_images(seed=1)
    classifier = ImageClassifier(max_steps=100, random_state=0).fit(*make_images(seed=5))
    labels = {"y": y, "y_synthetic": y_other, "features": classifier}
    expected = image_quality(real, other, **labels)
    told = image_quality(real / 255 * 16, other / 255 * 16, value_range=(0, 16), **labels)
    assert told["label agreement"] == expected["label agreement"] and expected["label agreement"] > 0.85
    with pytest.raises(InvalidInputError, match="was fitted to images of 12 x 12 pixels.*`real` holds images of 8 x 8"):
        image_quality(real[:, :8, :8], other[:, :8, :8], features=classifier)


def test_a_class_of_one_image_is_noted():
    (real, y), (other, _) = make_images(120), make_images(120, seed=1)
    y = np.where(np.arange(120) == 7, "rare", y)
    assert "Of some classes there is one image" in str(image_quality(real, other, y=y))
    assert "there is one image" not in str(image_quality(real, other, y=make_images(120)[1]))


def test_one_class_alone_has_no_accuracy():
    (real, y), (other, y_other) = make_images(120), make_images(120, seed=1, kinds=(1,))
    report = image_quality(real, other, y=y, y_synthetic=y_other)
    assert "classification accuracy" not in table(report).index and "have one class alone" in str(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": "classifier"}, "needs labels to train a classifier on"),
        ({"features": "inception"}, "features='inception': give"),
        ({"features": lambda images: images}, r"gave an array of shape \(20, 12, 12\) for 20 images"),
        ({"y_synthetic": ["dot"] * 40}, "`y_synthetic` was given without `y`"),
        ({"y": ["dot", "lying"] * 20, "y_synthetic": ["dot"] * 39}, "39 labels for 40 images"),
        ({"y": ["dot", "lying"] * 20, "y_synthetic": ["cat"] * 40}, "'cat', which fit has not seen"),
        ({"n_neighbors": 20}, "n_neighbors=20, but only 20 images"),
        ({"n_neighbors": "a"}, "n_neighbors='a'"),
        ({"n_neighbors": 0}, "n_neighbors=0"),
        ({"max_images": 2.5}, "max_images=2.5"),
        ({"holdout": []}, "`holdout` does not go with `real`. `holdout` has the shape .*no image in it"),
        ({"y": ["dot", "y"] * 20, "y_synthetic": 3}, "`y_synthetic` can't be labels"),
        ({"y": ["dot", "y"] * 20, "y_synthetic": ["z"] * 40}, r"`y_synthetic`\[0\] is 'z'.* It knows 'dot', 'y'"),
        ({"y": 3}, "`y` can't be labels"),
        ({"y": ["dot"] * 39 + ["lying"]}, "`y` has one image of the class lying, and halving needs two"),
        ({"y": ["dot"] * 40}, "has the class .* alone"),
        ({"value_range": (0, 100)}, "`real` has values from 0 to 255"),
        ({"image_size": (8, 8)}, "`real` holds images of 12 x 12 pixels"),
        ({"holdout": np.zeros((9, 8, 8), np.uint8)}, "`holdout` does not go with `real`"),
    ],
)
def test_errors_name_the_parameter_and_the_way_out(arguments, message):
    (real, _), (other, _) = make_images(40), make_images(40, seed=1)
    with pytest.raises(InvalidInputError, match=message):
        image_quality(real, other, **arguments)


def test_importing_the_room_does_not_import_torch():
    code = (
        "import sys, ganaug.evaluation; print([name for name in ('torch', 'matplotlib', 'PIL') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "[]", run.stderr
