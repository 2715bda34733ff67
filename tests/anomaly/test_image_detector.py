"""ImageGANDetector: what it finds, where, and how it is asked."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import ganaug
from ganaug.adversarial import Batch, TensorRecords, Turn, make_generator
from ganaug.anomaly import ImageGANDetector
from ganaug.anomaly.image_corruption import KINDS, corrupt, orientations, shift, spoil_locally
from ganaug.anomaly.image_game import FoldBatches, ImageLadderGame, expected_level, n_level_classes
from ganaug.anomaly.image_network import ImageJudge
from ganaug.anomaly.image_places import Places, Recognizer, cut_patches, detail, find_centers, shrink, shrunk_size
from ganaug.exceptions import InvalidInputError, TrainingWarning

quick = pytest.mark.filterwarnings("ignore:The detector ranks")


def make_cloth(n_images, seed=0, size=32, n_channels=3):
    """Woven cloth: waves in two directions with a random phase, and noise."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:size, :size]
    phase = rng.uniform(0, 2 * np.pi, (2, n_images, 1, 1))
    weave = np.sin(row * np.pi / 4 + phase[0]) + np.sin(column * np.pi / 4 + phase[1])
    cloth = 128 + 30 * weave[..., None] + rng.normal(0, 6, (n_images, size, size, n_channels))
    return cloth.clip(0, 255).astype(np.uint8)


def stain(images, seed=1, size=6):
    """The images with a square stain each, and where that is (top, left)."""
    rng = np.random.default_rng(seed)
    stained = images.copy()
    corners = rng.integers(2, images.shape[1] - size - 2, (len(images), 2))
    for image, (top, left) in zip(stained, corners, strict=True):
        image[top : top + size, left : left + size] = rng.integers(40, 200, images.shape[3])
    return stained, corners


@pytest.fixture(scope="module")
def weaver():
    return ImageGANDetector(max_steps=40, random_state=0).fit(make_cloth(160))


def test_small_defects_are_found_and_the_map_says_where(weaver):
    normal = make_cloth(60, seed=5)
    stained, corners = stain(normal)
    labels = np.repeat([0, 1], 60)
    assert roc_auc_score(labels, weaver.anomaly_score(np.concatenate([normal, stained]))) > 0.97
    assert (weaver.predict(stained) == -1).mean() > 0.8 and (weaver.predict(normal) == 1).mean() > 0.85
    maps = weaver.anomaly_map(stained)
    assert maps.shape == (60, 32, 32) and maps.dtype == np.float64
    peaks = np.column_stack(np.unravel_index(maps.reshape(60, -1).argmax(axis=1), (32, 32)))
    is_inside = ((peaks >= corners - 1) & (peaks <= corners + 6)).all(axis=1)
    assert is_inside.mean() > 0.9
    assert weaver.worth_ > 0.6


def test_one_digit_is_told_from_the_others():
    digits, labels = load_digits(return_X_y=True)
    digits = digits.reshape(-1, 8, 8)
    is_three = labels == 3
    known, asked = digits[is_three][:120], np.concatenate([digits[is_three][120:], digits[~is_three][:300]])
    detector = ImageGANDetector(max_steps=40, value_range=(0, 16), random_state=0).fit(known)
    is_other = np.arange(len(asked)) >= is_three.sum() - 120
    assert roc_auc_score(is_other, detector.anomaly_score(asked)) > 0.95
    parts = detector.score_parts(asked)
    assert list(parts) == list(detector.weights_)
    together = sum(weight * parts[name] for name, weight in detector.weights_.items())
    np.testing.assert_allclose(together, detector.score_samples(asked))
    assert roc_auc_score(is_other, -parts["level"]) > 0.8 and roc_auc_score(is_other, -parts["feature"]) > 0.8


def test_p_values_of_fresh_normal_images_are_even(weaver):
    chances = weaver.p_value(make_cloth(400, seed=9))
    assert 0.04 < (chances <= 0.1).mean() < 0.2
    assert weaver.select_alerts(np.concatenate([make_cloth(20, seed=3), np.zeros((5, 32, 32, 3), np.uint8)]))[20:].all()


def test_thresholds_and_probabilities_work_as_on_tables(weaver, tmp_path):
    normal = make_cloth(40, seed=5)
    stained, _ = stain(normal)
    both, labels = np.concatenate([normal, stained]), np.repeat([0, 1], 40)
    detector = ganaug.load(weaver.save(tmp_path / "model"))
    assert (detector.set_threshold(max_alerts=10, X=both).predict(both) == -1).sum() == 10
    chances = detector.calibrate(both, labels).predict_proba(both)
    assert chances.shape == (80, 2) and roc_auc_score(labels, chances[:, 1]) > 0.95
    found = detector.set_threshold(contamination=0.25).predict(make_cloth(160))
    assert (found == -1).mean() == pytest.approx(0.25, abs=0.01)  # each image is recognized in the memory


def test_an_image_in_the_memory_is_not_its_own_neighbor():
    spoilt = make_cloth(80)
    spoilt[7, 8:24, 8:24] = 0
    detector = ImageGANDetector(max_steps=20, contamination=0.02, random_state=0).fit(spoilt)
    assert detector.predict(spoilt)[7] == -1


@quick
@pytest.mark.parametrize("memory", [1_000, "none"])
def test_what_is_kept_of_the_training_images(memory, tmp_path):
    images = make_cloth(60)
    detector = ImageGANDetector(max_steps=5, memory=memory, random_state=0).fit(images)
    path = detector.save(tmp_path / "model")
    content = (path / "weights.safetensors").read_bytes()
    pixels = detector.encoder_.encode(images)[10, 0, 5, :8]
    assert (pixels.numpy().tobytes() in content) == (memory != "none")
    back = ganaug.load(path)
    np.testing.assert_array_equal(back.anomaly_map(images[:9]), detector.anomaly_map(images)[:9])


@quick
@pytest.mark.parametrize("shape", [(8, 8, 1), (25, 25, 3), (48, 64, 3), (100, 100, 4), (256, 20, 1), (28, 9, 1)])
def test_images_of_any_shape_have_scores_and_maps(shape):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (12, *shape), dtype=np.uint8)
    detector = ImageGANDetector(max_steps=2, batch_size=8, precision="bfloat16", random_state=0).fit(images)
    assert detector.anomaly_map(images[:2]).shape == (2, *shape[:2])
    assert np.isfinite(detector.score_samples(images)).all()


@quick
@pytest.mark.parametrize("n_members", [1, 3])
def test_any_number_of_members_and_images(n_members):
    detector = ImageGANDetector(max_steps=2, n_members=n_members, batch_size=1, random_state=0).fit(make_cloth(8))
    assert detector.transform(make_cloth(3, seed=1)).shape == (3, 128 * n_members)


def test_what_can_not_be_learned_is_refused():
    with pytest.raises(InvalidInputError, match=r"X has 5 image\(s\); at least 8"):
        ImageGANDetector().fit(make_cloth(5))
    weights = {f"{part}_weight": 0 for part in ("level", "orientation", "feature", "place", "pixel", "defect")}
    with pytest.raises(InvalidInputError, match="level_weight=0, .* Raise one"):
        ImageGANDetector(**weights).fit(make_cloth(20))


def test_a_detector_of_noise_warns():
    noise = np.random.default_rng(0).integers(0, 255, (40, 16, 16), dtype=np.uint8)
    with pytest.warns(TrainingWarning, match="held-out normal images above corrupted copies"):
        ImageGANDetector(max_steps=1, defect_weight=0, pixel_weight=0, place_weight=0, random_state=0).fit(noise)


# The pieces.


def test_corruptions_grow_with_their_level_and_stay_in_shape():
    images = torch.from_numpy(make_cloth(30).transpose(0, 3, 1, 2) / 127.5 - 1).float()
    for name, kind in KINDS.items():
        slight, strong = (
            (kind(images, torch.full((30, 1, 1, 1), strength), make_generator(0, name)) - images).abs().mean()
            for strength in (0.2, 1.0)
        )
        assert 0 < slight < strong, name
    spoilt, classes = corrupt(images, make_generator(0))
    assert spoilt.shape == images.shape and 1 <= classes.min() and classes.max() < n_level_classes()


def test_a_defect_changes_the_image_there_and_nowhere_else():
    images = torch.from_numpy(make_cloth(50).transpose(0, 3, 1, 2) / 127.5 - 1).float()
    spoilt, mask = spoil_locally(images, make_generator(0))
    change = (spoilt - images).abs().mean(dim=1, keepdim=True)
    assert mask.shape == (50, 1, 32, 32) and (mask.flatten(1).sum(1) > 0).float().mean() > 0.9
    assert change[mask == 1].mean() > 10 * change[mask == 0].mean()


def test_orientations_are_all_different_and_keep_the_size():
    image = torch.arange(12.0).view(1, 1, 3, 4)
    for size, n_ways in (((3, 4), 4), ((3, 3), 8)):
        turned = [way(image[..., : size[1]]) for way in orientations(*size)]
        assert len({tuple(some.flatten().tolist()) for some in turned}) == n_ways
        assert all(some.shape[2:] == size for some in turned)
    assert shift(image, 1, -1)[0, 0, 1:, :3].equal(image[0, 0, :2, 1:])


def test_members_never_meet_their_own_fold():
    records = TensorRecords(torch.arange(40.0).view(40, 1, 1, 1).expand(40, 1, 8, 8))
    folds = torch.arange(40) % 4
    batches = FoldBatches(records, folds, 4, 16, make_generator(0), torch.device("cpu"))
    for _ in range(5):
        for member, images in enumerate(next(batches).real):
            assert (images[:, 0, 0, 0].long() % 4 != member).all()


def test_the_game_names_its_terms_and_has_no_generator():
    member = ImageJudge(1, 16, 16, 4, n_level_classes(), 8)
    game = ImageLadderGame([member, member], (16, 16))
    batch = Batch(torch.rand(2, 12, 1, 16, 16))
    turn = Turn(step=0, progress=0.0, rng=make_generator(0))
    terms = game.discriminator_terms(batch, turn)
    assert set(terms) == {"level", "orientation", "defect"} and all(term.isfinite() for term in terms.values())
    assert game.generator_terms(batch, turn) == {}


def test_the_expected_level_is_that_of_the_likely_class():
    logits = torch.full((2, n_level_classes()), -50.0)
    logits[0, 0] = logits[1, 5] = 0.0  # normal, and the first kind at its fifth level
    torch.testing.assert_close(expected_level(logits), torch.tensor([0.0, 5.0]))


def test_places_leave_out_what_an_image_is_itself():
    points = torch.tensor([[[0.0], [3.0], [10.0]]])  # one place, three references
    places = Places(points)
    asked = torch.tensor([[[0.0], [10.0]]])
    assert places.nearest(asked).tolist() == [[0.0], [0.0]]
    assert places.nearest(asked, torch.tensor([0, -1])).tolist() == [[3.0], [0.0]]


def test_centers_are_means_of_several():
    vectors = torch.cat([torch.zeros(1, 30, 2), torch.ones(1, 30, 2), torch.full((1, 1, 2), 50.0)], dim=1)
    centers = find_centers(vectors, make_generator(0))
    assert not (centers == 50.0).all(dim=2).any()


def test_images_are_recognized_bit_for_bit():
    images = torch.rand(5, 1, 8, 8)
    recognizer = Recognizer(images)
    assert recognizer.find(images[[3, 1]]).tolist() == [3, 1] and recognizer.find(images[:1] + 1e-6).tolist() == [-1]


def test_large_images_are_scaled_down_and_patches_cover_all():
    assert shrunk_size(28, 28) == (28, 28) and shrunk_size(256, 128) == (64, 32) and shrunk_size(256, 20) == (64, 8)
    assert shrink(torch.zeros(1, 3, 100, 50)).shape == (1, 3, 64, 32)
    patches, (rows, columns) = cut_patches(torch.rand(2, 1, 28, 28))
    assert patches.shape == (rows * columns, 2, 49) and rows == 7
    assert detail(torch.zeros(1, 1, 8, 8)) < detail(torch.rand(1, 1, 8, 8))
