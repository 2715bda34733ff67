"""The image GANs: they learn, keep their word, and say what is wrong."""

import time

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from ganaug.adversarial import Callback, Checkpoint
from ganaug.exceptions import CheckpointError, InvalidInputError, TrainingWarning
from ganaug.images import DCGAN, ConditionalGAN, SampleGrid, VanillaGAN
from ganaug.images.distances import frechet_distance

DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images, DIGITS.target
FAST = {"value_range": (0, 16), "random_state": 0}


def distance(images):
    """From the digits, in pixels; two halves of the digits are 0.07 apart."""
    return frechet_distance(images.reshape(len(images), -1) / 16, IMAGES.reshape(len(IMAGES), -1) / 16)


@pytest.fixture(scope="module")
def digits():
    return {
        "DCGAN": DCGAN(max_steps=150, **FAST).fit(IMAGES),
        "ConditionalGAN": ConditionalGAN(max_steps=300, **FAST).fit(IMAGES, LABELS),
    }


@pytest.mark.parametrize("cls", [DCGAN, VanillaGAN, ConditionalGAN])
@pytest.mark.parametrize("recipe", ["modern", "textbook"])
def test_every_gan_comes_closer_to_the_digits(cls, recipe):
    is_slow = recipe == "textbook" and cls is not DCGAN  # large perceptrons, and small steps
    width, n_steps = (200, 300) if is_slow else (None, 150)

    def train(max_steps):
        gan = cls(recipe=recipe, max_steps=max_steps, generator_width=width, keep_best=False, **FAST)
        return distance(gan.fit(IMAGES, LABELS).sample(500))

    assert train(n_steps) < 0.5 * train(1)


def test_digits_are_learned_in_five_seconds():
    start = time.process_time()
    gan = DCGAN(max_steps=150, **FAST).fit(IMAGES)
    seconds = time.process_time() - start
    untrained = DCGAN(max_steps=1, keep_best=False, **FAST).fit(IMAGES)
    assert distance(gan.sample(1000)) < 0.1 * distance(untrained.sample(1000))
    # Twice the promise: a busy machine takes longer, and a test that depends on it would be no test.
    assert seconds < 10


def test_the_modern_recipe_is_well_ahead_of_the_textbook(digits):
    textbook = DCGAN(recipe="textbook", max_steps=150, **FAST).fit(IMAGES)
    assert 2 * distance(digits["DCGAN"].sample(1000)) < distance(textbook.sample(1000))


def test_samples_are_of_the_class_that_was_asked_for(digits):
    reader = KNeighborsClassifier(1).fit(IMAGES.reshape(len(IMAGES), -1), LABELS)
    wanted = np.arange(500) % 10
    images = digits["ConditionalGAN"].sample(y=wanted)
    assert images.shape == (500, 8, 8) and images.min() >= 0 and images.max() <= 16
    assert (reader.predict(images.reshape(500, -1)) == wanted).mean() > 0.9


def test_labels_come_back_in_their_own_dtype(digits):
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    gan = ConditionalGAN(max_steps=5, **FAST).fit(IMAGES, names[LABELS])
    assert gan.classes_.tolist() == sorted(names)
    images, labels = gan.sample(4, y="seven", return_y=True)
    assert len(images) == 4 and labels.tolist() == ["seven"] * 4
    images, labels = gan.sample(2000, return_y=True)
    assert np.allclose([(labels == name).mean() for name in names], 0.1, atol=0.03)
    assert gan.sample(y=["two", "one"]).shape == (2, 8, 8) and gan.sample().shape == (1, 8, 8)
    with pytest.raises(InvalidInputError, match="'eleven', which fit has not seen"):
        gan.sample(y=["eleven"])
    with pytest.raises(InvalidInputError, match="n_samples=3 differs from the 2 labels of y"):
        gan.sample(3, y=["two", "one"])
    _, drawn = digits["ConditionalGAN"].sample(3, y=7, return_y=True)
    assert drawn.tolist() == [7, 7, 7] and drawn.dtype == LABELS.dtype


def test_classes_must_be_there():
    with pytest.raises(InvalidInputError, match="ConditionalGAN learns classes, but there are none. Call fit"):
        ConditionalGAN(**FAST).fit(IMAGES)
    with pytest.raises(InvalidInputError, match="DCGAN learns no classes; ConditionalGAN does"):
        DCGAN(max_steps=1, **FAST).fit(IMAGES).sample_latents(y=[1])


def test_rows_of_pixels_come_back_as_rows():
    gan = DCGAN(max_steps=3, image_size=8, **FAST).fit(DIGITS.data)
    assert gan.sample(5).shape == (5, 64) and gan.sample(5).dtype == DIGITS.data.dtype


def test_a_folder_of_classes(tmp_path):
    for place, (image, label) in enumerate(zip(IMAGES[:60], LABELS[:60] % 2, strict=True)):
        (tmp_path / f"kind-{label}").mkdir(exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(tmp_path / f"kind-{label}" / f"{place}.png")
    gan = ConditionalGAN(max_steps=3, random_state=0).fit(tmp_path)
    assert gan.classes_.tolist() == ["kind-0", "kind-1"]
    images = gan.sample(y=["kind-1"] * 3)
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8
    streamed = ConditionalGAN(max_steps=3, random_state=0, memory_limit=0).fit(tmp_path)
    assert (streamed.sample(5) == gan.sample(5)).all()
    (tmp_path / "kind-0" / "notes.txt").write_text("not a picture")
    with pytest.raises(InvalidInputError, match=r"notes\.txt[\s\S]*on_unreadable"):
        ConditionalGAN(max_steps=3).fit(tmp_path)


def test_features_read_digits(digits):
    features = digits["DCGAN"].transform(IMAGES)
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    reader = LogisticRegression(max_iter=2000).fit(features[:1200], LABELS[:1200])
    assert reader.score(features[1200:], LABELS[1200:]) > 0.85


def test_noise_looks_less_real_than_digits(digits):
    noise = np.random.default_rng(0).uniform(0, 16, (200, 8, 8))
    scores, of_noise = digits["DCGAN"].score_samples(IMAGES[:200]), digits["DCGAN"].score_samples(noise)
    assert np.median(scores) > np.median(of_noise)
    of_class = digits["ConditionalGAN"].score_samples(IMAGES[:200], LABELS[:200])
    assert of_class.shape == (200,) and (of_class != digits["ConditionalGAN"].score_samples(IMAGES[:200])).any()


def test_latents_draw_the_same_images_as_samples(digits):
    gan = digits["ConditionalGAN"]
    latents = gan.sample_latents(y=[1, 2, 3])
    assert latents.shape == (3, gan.generator_.latent_width)
    assert (gan.generate(latents) == gan.sample(y=[1, 2, 3])).all()
    assert len(gan.generate(latents[:0])) == 0
    with pytest.raises(InvalidInputError, match=r"latents have the shape \(3,\)"):
        gan.generate([1, 2, 3])


def test_the_way_between_latents_has_its_ends_and_moves_steadily(digits):
    gan = digits["DCGAN"]
    start, end = gan.sample_latents(2)
    way = gan.interpolate(start, end, 9)
    assert np.allclose(way[0], start, atol=1e-6) and np.allclose(way[-1], end, atol=1e-6)
    lengths = np.linalg.norm(way[:, : gan.game_.latent_dim], axis=1)
    assert lengths.min() > 0.95 * min(lengths[0], lengths[-1])  # on the sphere; the straight way falls to 0.7
    steps = np.linalg.norm(np.diff(gan.generate(way).reshape(9, -1), axis=0), axis=1)
    assert steps.max() < 0.7 * np.linalg.norm(gan.generate(way[[0, -1]])[0] - gan.generate(way[[0, -1]])[1])


def test_truncation_narrows(digits):
    gan = DCGAN(max_steps=150, n_clusters=1, keep_best=False, **FAST).fit(IMAGES)  # no variety but that of the noise
    spread = [gan.sample(400, truncation=share).std(axis=0).mean() for share in (0.0, 0.5, 1.0)]
    assert spread[0] < 1e-6 and spread[1] < spread[2]
    with pytest.raises(InvalidInputError, match="truncation=-1"):
        digits["DCGAN"].sample(1, truncation=-1)


def test_projection_finds_images_that_the_generator_draws(digits):
    gan = digits["DCGAN"]
    targets = gan.sample(3, random_state=5)
    latents = gan.project(targets)
    found = gan.generate(latents)
    usual = np.square(gan.sample(200, random_state=6)[:, None] - targets).mean(axis=(2, 3)).min(axis=0)
    assert (np.square(found - targets).mean(axis=(1, 2)) < 0.5 * usual).all()  # nearer than the nearest of 200
    assert (gan.project(targets[1:2]) == latents[1:2]).all()  # each is searched for as if it were alone
    assert (gan.project(targets) == latents).all()
    classes = digits["ConditionalGAN"].project(IMAGES[:2], LABELS[:2], n_steps=3)
    assert classes.shape == (2, digits["ConditionalGAN"].generator_.latent_width)


def test_small_sets_are_augmented_large_ones_and_textbooks_are_not():
    assert DCGAN(max_steps=1, **FAST).fit(IMAGES).augment_kinds_ == ("translation", "cutout")
    assert DCGAN(max_steps=1, augment=None, **FAST).fit(IMAGES).augment_kinds_ == ()
    assert DCGAN(max_steps=1, recipe="textbook", **FAST).fit(IMAGES).augment_kinds_ == ()
    many = np.zeros((5000, 8, 8), dtype=np.uint8)
    assert DCGAN(max_steps=1, keep_best=False, n_clusters=1, random_state=0).fit(many).augment_kinds_ == ()
    with pytest.raises(InvalidInputError, match="augment: 'color' needs images of at least 3 channels"):
        DCGAN(max_steps=1, augment=("color",), **FAST).fit(IMAGES)


def test_strength_rises_on_a_set_that_is_learned_by_heart_and_not_on_a_large_one():
    few, many = (DCGAN(max_steps=80, keep_best=False, **FAST).fit(IMAGES[:count]) for count in (40, 1797))
    few, many = ([row["discriminator/augmentation"] for row in gan.history_] for gan in (few, many))
    assert few[0] < 0.01 < few[-1] and few[-1] > 2 * many[-1]


def test_grids_are_written_while_it_trains(tmp_path):
    grid = SampleGrid(every=2, folder=tmp_path)
    gan = DCGAN(max_steps=4, callbacks=[grid], **FAST).fit(IMAGES)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-000002.png", "step-000004.png"]
    first, last = (sample for _, sample in gan.callbacks_[0].previews_)
    assert first.shape == (64, 8, 8) and (first != last).any()


def test_the_best_average_is_kept():
    class Spoil(Callback):
        def on_step_end(self, run):
            if run.step > 60:  # what follows the looks at 50 % of the budget is worse and worse
                with torch.no_grad():
                    for weight in run.trainer.averager.module.parameters():
                        weight.mul_(0.7)

    kept = DCGAN(max_steps=100, callbacks=[Spoil()], **FAST).fit(IMAGES)
    last = DCGAN(max_steps=100, callbacks=[Spoil()], keep_best=False, **FAST).fit(IMAGES)
    assert distance(kept.sample(300)) < 0.5 * distance(last.sample(300))
    assert "quality/likeness" in {name for row in kept.history_ for name in row}


def test_budgets():
    gan = DCGAN(max_seconds=1.0, keep_best=False, **FAST).fit(IMAGES)
    assert gan.stop_reason_ == "max_seconds" and gan.n_iter_ >= 1
    assert DCGAN(epochs=1, keep_best=False, **FAST).fit(IMAGES).n_iter_ == len(IMAGES) // 32


@pytest.mark.parametrize("recipe", ["modern", "textbook"])
@pytest.mark.parametrize("cls", [DCGAN, VanillaGAN, ConditionalGAN])
def test_one_image_is_enough(cls, recipe):
    gan = cls(recipe=recipe, max_steps=2, generator_width=8, n_clusters=1, **FAST).fit(IMAGES[:1], [3])
    assert gan.sample(2).shape == (2, 8, 8) and gan.likeness_ is None


def test_images_that_are_all_alike():
    gan = DCGAN(max_steps=2, n_clusters=5, random_state=0).fit(np.zeros((30, 8, 8), dtype=np.uint8))
    assert len(gan.clusters_) == 1 and gan.sample(2).shape == (2, 8, 8)


def test_nonsense_is_refused(digits):
    gan, classes = digits["DCGAN"], digits["ConditionalGAN"]
    latents = gan.sample_latents(2)
    for call, message in (
        (lambda: gan.sample(-1), "n_samples=-1: a whole number of at least 0"),
        (lambda: classes.sample(2.5, y=1), "n_samples=2.5: a whole number"),
        (lambda: gan.sample(1, truncation=np.inf), "truncation=inf: a number of at least 0"),
        (lambda: gan.sample(1, truncation="a"), "truncation='a'"),
        (lambda: gan.project(IMAGES[:2], n_steps=-1), "n_steps=-1: a whole number of at least 1"),
        (lambda: gan.interpolate(latents, latents), r"start have the shape \(2,"),
        (lambda: gan.interpolate(*latents, n_steps=1), "n_steps=1: a whole number of at least 2"),
        (lambda: gan.generate(np.full((1, latents.shape[1]), np.nan)), "finite numbers"),
        (lambda: gan.generate([["a"] * latents.shape[1]]), "latents are no numbers"),
        (lambda: gan.score_samples(IMAGES[:2], [1, 2]), "y was given, but DCGAN learns no classes"),
        (lambda: gan.project(IMAGES[:2], [1, 2]), "y was given, but DCGAN learns no classes"),
        (lambda: classes.project(IMAGES[:3], [0]), "y has 1 labels for 3 images"),
        (lambda: classes.score_samples(IMAGES[:3], [0, 1]), "y has 2 labels for 3 images"),
        (lambda: DCGAN(recipe="textbook", n_clusters=5, **FAST).fit(IMAGES), "n_clusters=5: the networks of recipe"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            call()


def test_ranges_and_sizes_are_asked_for():
    with pytest.raises(InvalidInputError, match=r"value_range=\(0, 16\)"):
        DCGAN().fit(IMAGES)
    with pytest.raises(InvalidInputError, match="8 to 256"):
        DCGAN().fit(np.zeros((4, 5, 5), dtype=np.uint8))


@pytest.mark.parametrize("is_faster", [True, False])
def test_precision_follows_what_is_faster(is_faster, monkeypatch):
    monkeypatch.setattr("ganaug.images.base.is_bfloat16_faster", lambda device: is_faster)
    gan = DCGAN(max_steps=1, keep_best=False, **FAST).fit(IMAGES)
    assert gan.precision_ == ("bfloat16" if is_faster else "float32")


def test_a_resume_in_another_precision_is_refused(tmp_path, monkeypatch):
    settings = {"max_steps": 4, "keep_best": False, **FAST}
    monkeypatch.setattr("ganaug.images.base.is_bfloat16_faster", lambda device: False)
    DCGAN(callbacks=[Checkpoint(tmp_path / "state")], **settings).fit(IMAGES)
    monkeypatch.setattr("ganaug.images.base.is_bfloat16_faster", lambda device: True)
    with pytest.raises(CheckpointError, match="precision='float32', this fit has 'bfloat16'"):
        DCGAN(**settings).fit(IMAGES, resume_from=tmp_path / "state")
    DCGAN(precision="float32", **settings).fit(IMAGES, resume_from=tmp_path / "state")


def test_bfloat16_learns_too():
    half = DCGAN(max_steps=150, precision="bfloat16", **FAST).fit(IMAGES)
    assert half.precision_ == "bfloat16" and distance(half.sample(1000)) < 2
    assert {weight.dtype for weight in half.generator_.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_28_x_28_resumes_bit_for_bit(precision, tmp_path):
    class StopAt(Callback):
        def on_step_end(self, run):
            if run.step == 12:
                run.stop("enough")

    images = np.kron(IMAGES[:400], np.ones((1, 4, 4)))[:, 2:30, 2:30]
    settings = {"max_steps": 24, "precision": precision, **FAST}
    whole = DCGAN(**settings).fit(images)
    DCGAN(**settings, callbacks=[Checkpoint(tmp_path / "state"), StopAt()]).fit(images)
    resumed = DCGAN(**settings).fit(images, resume_from=tmp_path / "state")
    for name, value in whole.game_.state_dict().items():
        assert torch.equal(value, resumed.game_.state_dict()[name]), name
    assert (whole.sample(20) == resumed.sample(20)).all() and whole.likeness_ == resumed.likeness_


def test_ctrl_c_ends_a_search(digits, monkeypatch):
    def interrupt(self, batch, turn):
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.images.latents.SearchGame.generator_terms", interrupt)
    with pytest.warns(TrainingWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        digits["DCGAN"].project(IMAGES[:1])
