"""Synthetic images mixed in: nothing leaks, nothing real is touched, and the share is the one that helps, or 0."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from ganaug.augment import ImageAugmenter, ImageComparison, compare_images
from ganaug.augment.image_methods import Enrichment
from ganaug.augment.image_sets import ImageSet, count_synthetic
from ganaug.augment.image_shares import choose_share, score_shares
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.images import ConditionalGAN, save_images
from ganaug.images.classifier import ImageClassifier

DIGITS = load_digits()
IMAGES, LABELS = (DIGITS.images * 15.9375).astype(np.uint8), DIGITS.target
CHOSEN = [np.random.default_rng(0).permutation(np.flatnonzero(LABELS == label))[:30] for label in range(10)]
SOME, FEW = np.concatenate(CHOSEN), np.concatenate([places[:8] for places in CHOSEN])
SPARE = np.setdiff1d(np.arange(len(LABELS)), SOME)
X, Y = IMAGES[FEW], LABELS[FEW]


def flatten(images):
    return np.asarray(images).reshape(len(images), -1) / 255


def make_quick():
    """Return a classifier that takes no time."""
    return make_pipeline(FunctionTransformer(flatten), LogisticRegression(C=0.3, max_iter=200))


class SpyGAN(BaseEstimator):
    """Draws from images that it holds, whatever it is fitted to, and remembers every fit."""

    seen = []  # of all clones

    def __init__(self, kind="oracle", random_state=None):
        self.kind = kind
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_, self.X_, self.y_ = np.unique(y), X, y
        SpyGAN.seen.append((X, y, self.random_state))
        return self

    def sample(self, n_samples=None, y=None, random_state=None):
        rng = np.random.default_rng(random_state)
        if self.kind == "noise":
            return rng.integers(0, 256, (len(y), *self.X_.shape[1:])).astype(self.X_.dtype)
        if self.kind == "liar":  # real images with wrong labels
            return np.stack([rng.permutation(self.X_[self.y_ != label])[0] for label in y])
        spare = {label: IMAGES[SPARE][LABELS[SPARE] == label] for label in self.classes_}
        return np.stack([spare[label][rng.integers(len(spare[label]))] for label in y])


@pytest.fixture
def seen():
    SpyGAN.seen = []
    return SpyGAN.seen


def augmenter(kind="oracle", **kwargs):
    settings = {"classifier": make_quick(), "random_state": 0} | kwargs
    return ImageAugmenter(SpyGAN(kind), **settings)


def test_real_images_come_first_and_untouched(seen):
    before = X.copy()
    more = augmenter(shares=(0.5,))
    X_more, y_more = more.fit_resample(X, Y)
    assert np.array_equal(X_more[: len(X)], before) and np.array_equal(X, before)
    assert np.array_equal(y_more[: len(Y)], Y) and y_more.dtype == Y.dtype
    assert X_more.shape == (120, 8, 8) and np.bincount(y_more[80:]).tolist() == [4] * 10
    assert np.array_equal(more.is_synthetic_, np.arange(120) >= 80)
    assert more.share_ == 0.5 and more.scores_ is None and len(seen) == 1


def test_images_held_back_never_reach_the_gan_that_is_judged(seen):
    more = augmenter(shares=(0, 4), validation_fraction=0.8)
    more.fit_resample(IMAGES[SOME], LABELS[SOME])
    (part, y_part, _), (whole, y_whole, _) = seen
    assert len(part) == 60 and np.bincount(y_part).tolist() == [6] * 10
    assert np.array_equal(whole, IMAGES[SOME]) and np.array_equal(y_whole, LABELS[SOME]) and more.gan_.X_ is whole
    assert {image.tobytes() for image in part} < {image.tobytes() for image in whole}


def test_classifiers_of_the_choice_are_judged_on_what_the_gan_has_not_seen(seen):
    judged = []

    class SpyClassifier(BaseEstimator):
        def fit(self, X, y):
            self.learned_ = {image.tobytes() for image in X}
            return self

        def predict(self, X):
            judged.append((self.learned_, {image.tobytes() for image in X}))
            return np.zeros(len(X), dtype=int)

    with pytest.warns(TrainingWarning):
        augmenter(shares=(0, 1), classifier=SpyClassifier(), n_repeats=2).fit_resample(X, Y)
    gan = {image.tobytes() for image in seen[0][0]}
    assert len(judged) == 4 and len(seen) == 1
    for learned, held_back in judged:
        assert gan <= learned and not held_back & learned and len(held_back) == 20


def test_a_gan_that_knows_more_real_images_is_used(seen):
    more = augmenter(shares=(0, 0.1, 4), validation_fraction=0.8)
    X_more, _ = more.fit_resample(IMAGES[SOME], LABELS[SOME])
    assert more.share_ == 4 and len(X_more) == 1_500
    assert more.scores_.loc[4, "low"] > 0 and more.scores_.loc[0, "lead"] == 0
    assert list(more.scores_) == ["mean", "spread", "lead", "low", "high"]


@pytest.mark.parametrize("kind", ["noise", "liar"])
def test_nothing_is_added_where_nothing_helps(seen, kind):
    more = augmenter(kind)
    with pytest.warns(TrainingWarning, match=r"No share .* is better than 0 beyond noise: .* Nothing is added\."):
        X_more, y_more = more.fit_resample(X, Y)
    assert more.share_ == 0 and np.array_equal(X_more, X) and np.array_equal(y_more, Y)
    assert len(seen) == 1 and more.gan_ is not None and not more.is_synthetic_.any()


def test_copies_of_the_same_accuracy_are_no_gain():
    is_right = np.repeat(np.arange(40) % 4 > 0, 6).reshape(40, 2, 3).transpose(1, 2, 0)
    scores = score_shares((0.0, 0.5), is_right, np.arange(40) % 2)
    assert scores["lead"].tolist() == [0, 0] and choose_share(scores) == 0


def test_leads_are_of_balanced_accuracy_and_their_intervals_have_both_parts():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], [300, 20])
    is_right = rng.random((3, 4, 320)) < np.where(codes == 0, 0.9, 0.5)
    scores = score_shares((0.0, 0.1, 0.5), is_right, codes)
    per_class = is_right[..., :300].mean(axis=2) / 2 + is_right[..., 300:].mean(axis=2) / 2
    assert np.allclose(scores["mean"], per_class.mean(axis=1)) and np.allclose(
        scores["spread"], per_class.std(1, ddof=1)
    )
    assert (scores["low"] <= scores["lead"]).all() and (scores["lead"] <= scores["high"]).all()
    fewer = score_shares((0.0, 0.5), is_right[[0, 2]], codes)  # one lead to prove, not two
    widths = [(frame["high"] - frame["low"])[0.5] for frame in (scores, fewer)]
    assert widths[0] / widths[1] == pytest.approx(2.2414 / 1.9600, abs=1e-3)


def test_no_gain_is_called_one_in_few_of_many_trials():
    rng = np.random.default_rng(1)
    codes, chosen = np.arange(100) % 5, []
    for _ in range(400):
        hard = rng.random(100)  # images are right or wrong together
        is_right = rng.random((4, 3, 100)) < hard
        chosen.append(choose_share(score_shares((0.0, 0.1, 0.25, 0.5), is_right, codes)) > 0)
    assert np.mean(chosen) < 0.05


def test_the_smallest_share_given_is_what_others_must_beat(seen):
    with pytest.warns(TrainingWarning, match=r"better than 0\.25 beyond noise: .* share 0\.25 is taken"):
        more = augmenter("noise", shares=(0.5, 0.25))
        X_more, _ = more.fit_resample(X, Y)
    assert more.share_ == 0.25 and len(X_more) == 100


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images,
        lambda images: images[..., None],
        lambda images: images[:, None],
        lambda images: np.repeat(images[..., None], 3, axis=3),
        lambda images: (images / 255).astype(np.float32),
        lambda images: images / 127.5 - 1,
        lambda images: images.astype(np.uint16) * 257,
        lambda images: images > 127,
    ],
)
def test_layout_dtype_and_range_are_kept(change):
    given = change(X)
    gan = ConditionalGAN(max_steps=3)
    X_more, y_more = ImageAugmenter(gan, shares=(0.1,), random_state=0).fit_resample(given, Y.astype(str))
    assert X_more.dtype == given.dtype and X_more.shape == (90, *given.shape[1:])
    assert np.array_equal(X_more[:80], given) and y_more.dtype == Y.astype(str).dtype
    assert given.min() <= X_more[80:].min() and X_more[80:].max() <= given.max()


def test_the_gans_word_on_the_form_holds_for_the_classifier_too():
    rows = pd.DataFrame(DIGITS.data[FEW])  # from 0 to 16
    gan = ConditionalGAN(max_steps=3, value_range=(0, 16), image_size=8)
    more = ImageAugmenter(gan, shares=(0, 0.1), classifier=ImageClassifier(max_steps=4), n_repeats=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        more.fit_resample(rows, pd.Series(Y, name="digit"))
    more.set_params(shares=(0.1,))
    X_more, y_more = more.fit_resample(rows, pd.Series(Y, name="digit"))
    assert isinstance(X_more, pd.DataFrame) and X_more.shape == (90, 64) and X_more.dtypes.equals(rows.dtypes)
    assert y_more.name == "digit" and len(y_more) == 90 and X_more.iloc[:80].equals(rows)


def test_the_same_seed_gives_the_same_images_and_the_global_generators_are_left_alone():
    state = np.random.get_state()[1].copy()

    def run(seed):
        gan = ConditionalGAN(max_steps=3)
        more = ImageAugmenter(gan, shares=(0, 0.5), classifier=make_quick(), n_repeats=1, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            more.fit_resample(X, Y)
        return more.scores_, more.set_params(shares=(0.5,)).fit_resample(X, Y)[0]

    (scores, images), (scores_again, images_again), (_, others) = run(0), run(0), run(1)
    pd.testing.assert_frame_equal(scores, scores_again)
    assert np.array_equal(images, images_again) and not np.array_equal(images, others)
    assert np.array_equal(state, np.random.get_state()[1])


def test_a_fitted_gan_is_used_as_it_is_in_whatever_form_it_knows_the_images():
    gan = ConditionalGAN(max_steps=3, random_state=0).fit(IMAGES[:200] / 255, LABELS[:200])  # NHW, float
    for given in (gan, FrozenEstimator(gan)):
        more = ImageAugmenter(given, shares=(0.1,), random_state=0)
        X_more, _ = more.fit_resample(X[:, None], Y)
        assert more.gan_ is given and X_more.dtype == np.uint8 and X_more.shape == (90, 1, 8, 8)
        assert X_more[80:].max() > 1
    with pytest.raises(InvalidInputError, match="gan was fitted to images of 8 x 8 pixels, 1 channel"):
        ImageAugmenter(gan, shares=(0.1,)).fit_resample(np.repeat(X[..., None], 3, axis=3), Y)


def test_balance_fills_up_the_rarest_classes(seen):
    kept = np.flatnonzero((Y != 3) | (np.arange(len(Y)) % 4 == 0))
    _, y_more = augmenter(shares=(0.1,), balance=True).fit_resample(X[kept], Y[kept])
    assert np.bincount(Y[kept])[3] == 2 and np.bincount(y_more).tolist() == [9, 8, 8, 9, *[8] * 6]
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts, share = rng.integers(1, 30, rng.integers(1, 6)), rng.random()
        wanted, greedy = count_synthetic(counts, share, balance=True), counts.copy()
        for _ in range(wanted.sum()):
            greedy[greedy.argmin()] += 1
        assert np.array_equal(sorted(counts + wanted), sorted(greedy)) and (wanted >= 0).all()
        assert wanted.sum() == np.ceil(share * counts.sum() - 1e-9)


def test_it_works_in_a_pipeline_of_imbalanced_learn(seen):
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline
    from sklearn.model_selection import cross_val_score

    pipeline = make_sampling_pipeline(augmenter(shares=(1.0,)), make_quick())
    scores = cross_val_score(pipeline, X, Y, cv=2)
    assert len(scores) == 2 and [len(part) for part, _, _ in seen] == [40, 40]
    assert repr(clone(pipeline)) == repr(pipeline)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shares": ()}, r"shares=\(\): numbers of at least 0"),
        ({"shares": (0, -0.5)}, "shares=.*numbers of at least 0"),
        ({"shares": (0, "much")}, "shares=.*numbers of at least 0"),
        ({"gan": make_quick()}, "(?s)gan=.*can't fit.* Give a ganaug.images.ConditionalGAN"),
        ({"classifier": FunctionTransformer()}, "classifier=.*predict"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
    ],
)
def test_wrong_parameters_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        augmenter().set_params(**changes).fit_resample(X, Y)


def test_images_that_do_not_fit_are_refused(seen, tmp_path):
    with pytest.raises(InvalidInputError, match="augment_folder"):
        augmenter().fit_resample([str(tmp_path / "image.png")], [0])
    with pytest.raises(InvalidInputError, match="Class 9 of y has one image, .* such as shares="):
        augmenter().fit_resample(X[:73], Y[:73])
    with pytest.raises(InvalidInputError, match="single class, \\[0\\]"):
        augmenter().fit_resample(X[:8], Y[:8])
    with pytest.raises(InvalidInputError, match="image_size=16 .* can't be appended"):
        gan = ConditionalGAN(image_size=16, resize="stretch")
        ImageAugmenter(gan, shares=(1,)).fit_resample(X, Y)
    with pytest.raises(InvalidInputError, match="y=None"):
        augmenter().fit_resample(X, None)


# Folders


def read(path):
    return np.asarray(Image.open(path))


def make_folder(tmp_path):
    names = np.array(["a%b", "two"])[Y[:40] % 2]
    kept = [save_images(X[:40][names == name], tmp_path / "real" / name) for name in ("a%b", "two")]
    (tmp_path / "real" / "two" / "deep").mkdir()
    kept[1][0].rename(tmp_path / "real" / "two" / "deep" / "renamed.png")
    return tmp_path / "real"


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_copies_and_synthetic_images(tmp_path):
    folder = make_folder(tmp_path)
    before = files_of(folder)
    more = ImageAugmenter(ConditionalGAN(max_steps=3), shares=(0.25,), random_state=0)
    output = more.augment_folder(folder, tmp_path / "new" / "more")
    after = files_of(output)
    assert output == tmp_path / "new" / "more" and files_of(folder) == before
    assert before.items() <= after.items() and "two/deep/renamed.png" in after
    added = sorted(set(after) - set(before))
    assert added == [f"{name}/synthetic-{n:06d}.png" for name, count in (("a%b", 6), ("two", 4)) for n in range(count)]
    assert read(output / added[0]).shape == (8, 8) and more.is_synthetic_.sum() == len(added)
    assert sorted(path.name for path in output.parent.iterdir()) == ["more"]
    assert output.stat().st_mode == folder.stat().st_mode
    again = clone(more).augment_folder(str(folder), str(tmp_path / "again"))
    assert files_of(again) == after
    with pytest.raises(InvalidInputError, match="a GAN would learn from a GAN"):
        more.augment_folder(output, tmp_path / "twice")


def test_folders_are_resized_for_the_gan_and_copied_as_they_are(tmp_path):
    folder = make_folder(tmp_path)
    gan = ConditionalGAN(max_steps=3, image_size=(10, 12), resize="stretch", color="rgb")
    output = ImageAugmenter(gan, shares=(0.1,), random_state=0).augment_folder(folder, tmp_path / "more")
    assert read(output / "two" / "synthetic-000000.png").shape == (10, 12, 3)
    assert read(output / "two" / "deep" / "renamed.png").shape == (8, 8)


def test_places_that_are_taken_or_wrong_are_refused_and_errors_leave_nothing(tmp_path, monkeypatch):
    folder = make_folder(tmp_path)
    more = ImageAugmenter(ConditionalGAN(max_steps=1), shares=(0.1,), random_state=0)
    with pytest.raises(InvalidInputError, match="is there already"):
        more.augment_folder(folder, tmp_path)
    with pytest.raises(InvalidInputError, match="lies inside folder"):
        more.augment_folder(folder, folder / "more")
    with pytest.raises(InvalidInputError, match="outside of sub-folders"):
        more.augment_folder(folder / "two" / "deep", tmp_path / "more")

    def fail(*args, **kwargs):
        raise OSError("full")

    monkeypatch.setattr("ganaug.augment.image_folders.save_images", fail)
    with pytest.raises(OSError, match="full"):
        more.augment_folder(folder, tmp_path / "more")
    assert [path.name for path in tmp_path.iterdir()] == ["real"]


# The comparison


def compare_few(**kwargs):
    settings = {"gan": SpyGAN(), "classifier": make_quick(), "random_state": 0} | kwargs
    return compare_images(X, Y, **settings)


def test_everything_is_learned_on_training_folds_and_the_gan_once_in_each(seen):
    found = compare_few(methods=["gan", "shifts", "gan+shifts"], n_repeats=2)
    assert isinstance(found, ImageComparison) and found.methods == ["none", "gan", "shifts", "gan+shifts"]
    assert found.gans == ("gan", "gan+shifts") and len(found.scores) == 24 and len(seen) == 6
    for first in (0, 3):
        parts = [{image.tobytes() for image in images} for images, _, _ in seen[first : first + 3]]
        assert not set.intersection(*parts) and set.union(*parts) == {image.tobytes() for image in X}


def test_an_oracle_wins_and_the_verdict_says_so(seen):
    tree = make_pipeline(FunctionTransformer(flatten), DecisionTreeClassifier())  # learns most from many images
    settings = {"gan": SpyGAN(), "classifier": tree, "share": 5, "n_repeats": 2, "random_state": 0}
    found = compare_images(IMAGES[SOME], LABELS[SOME], methods=["gan"], **settings)
    assert found.winner() == "gan" and found.verdict().startswith("Use the GAN: balanced accuracy")
    table = found.table().set_index("method")
    assert table.loc["gan", "low"] > 0 and np.isnan(table.loc["none", "low"])
    assert str(found).startswith("Balanced accuracy, 6 folds") and found.verdict().count("\n") == 0


def test_plain_changes_that_win_are_said_to_win():
    rng = np.random.default_rng(0)
    means = {"none": 0.8, "shifts": 0.9, "rotations": 0.83, "mixup": 0.65, "gan": 0.82}
    rows = [
        {"estimator": "network", "method": method, "repeat": 0, "fold": fold, "metric": "balanced_accuracy"}
        | {"value": mean + 0.001 * rng.normal() + 0.05 * (method == "rotations") * (fold - 1)}
        | {"resample_seconds": 0.0, "fit_seconds": 0.0}
        for method, mean in means.items()
        for fold in range(3)
    ]
    found = ImageComparison(pd.DataFrame(rows), "balanced_accuracy")
    first, second = found.verdict().split("\n")
    assert first.startswith("Don't use a GAN here, use 'shifts': balanced accuracy 0.9")
    parts = second.split("; ")
    assert parts[0].startswith("Without a GAN, beside 'gan' (0.8")
    assert ": shifts 0." in parts[0] and ", better (+0.0" in parts[0]
    assert "ahead within the noise" in parts[1] and parts[2].startswith("mixup 0.6") and "worse" in parts[2]


def test_an_augmenter_may_choose_its_own_share_in_each_fold(seen):
    found = compare_few(methods={"mine": augmenter("noise", shares=(0, 1)), "mixup": None}, n_splits=2)
    assert found.gans == ("mine",) and found.notes == ["mine: chose a share of 0 (the first of 2 such notes)"]
    table = found.table().set_index("method")
    assert table.loc["mine", "mean"] == table.loc["none", "mean"]


def test_the_default_classifier_compares_and_repeats_itself():
    settings = {"methods": ["shifts", "rotations", "mixup"], "classifier": ImageClassifier(max_steps=20), "n_splits": 2}
    first, second = (compare_images(X[:, None], Y, random_state=3, **settings) for _ in range(2))
    assert first.scores["value"].tolist() == second.scores["value"].tolist() and first.scores["value"].min() > 0.3
    assert first.verdict().count("\n") == 0 and "GAN" not in first.verdict()


@pytest.mark.parametrize("method", ["shifts", "rotations", "mixup"])
def test_plain_methods_change_images_and_keep_their_form(method):
    images = ImageSet.learn(X[:, None], Y, SpyGAN())
    more = Enrichment(images, 2.5, SpyGAN(), 0).apply(method)
    assert more.pixels.shape == (80 + 200, 1, 8, 8) and more.pixels.dtype == np.uint8
    assert np.array_equal(more.pixels[:80], images.pixels)
    if method != "mixup":
        assert np.bincount(more.codes[80:]).tolist() == [20] * 10
    else:  # labels are drawn by weight: nearly always the nearer image's
        far = np.abs(more.pixels[80:].astype(int) - X[:, None, None]).sum(axis=(2, 3, 4))
        assert (Y[far.argmin(axis=0)] == more.codes[80:]).mean() > 0.85
    unit = [part.mean() for part in (more.pixels[:80], more.pixels[80:])]
    assert abs(unit[0] - unit[1]) < 15


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ["magic"]}, "methods: 'magic' is unknown. Choose among none, shifts, rotations, mixup, gan"),
        ({"methods": ["gan+none"]}, "'gan\\+none' is unknown"),
        ({"methods": {"gan": SpyGAN()}}, "which is no sampler"),
        ({"methods": 3}, "methods=3"),
        ({"share": 0}, "share=0: images added per image"),
        ({"n_splits": 1}, "n_splits=1"),
        ({"n_splits": 9}, "n_splits=9: class 0 of y has 8"),
    ],
)
def test_comparisons_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(InvalidInputError, match=words):
        compare_few(**changes)


@pytest.mark.filterwarnings("ignore:No share of synthetic images")
def test_the_examples_of_the_page_work(capsys):
    page = (Path(__file__).parents[2] / "docs" / "image-augmentation.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(code, "image-augmentation.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Without a GAN, beside 'gan" in printed and "Don't use a GAN here" in printed
    assert "synthetic-00000" in printed.splitlines()[-1] and np.array_equal(names["X_more"][:200], names["X"])
