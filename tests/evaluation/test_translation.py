"""A fitted CycleGAN as a source of training images: sign, noise and what is refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from ganaug.evaluation import compare_translation
from ganaug.exceptions import InvalidInputError
from ganaug.images import CycleGAN

DIGITS = load_digits(n_class=4)
A, Y_A = DIGITS.images[:360] / 16, DIGITS.target[:360]
B, Y_B = 1 - DIGITS.images[360:] / 16, DIGITS.target[360:]  # black on white
TINY = {"width": 4, "n_blocks": 1, "discriminator_width": 4, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def _short_training():
    """Four digits are learned sooner than ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.images.classifier.FEWEST_STEPS", 60)
        yield


class Perfect(CycleGAN):
    """Knows how the domains differ."""

    def transform(self, X):
        return 1 - X

    def inverse_transform(self, X):
        return 1 - X


class Idle(CycleGAN):
    """Does nothing."""

    def transform(self, X):
        return X

    def inverse_transform(self, X):
        return X


def rows(found):
    return found.table.set_index("method")


@pytest.fixture(scope="module")
def perfect():
    return compare_translation(Perfect(max_steps=1, **TINY).fit(A, B), A, B, Y_A, Y_B, n_repeats=2)


def test_a_good_translation_helps(perfect):
    table, (gain, noise) = rows(perfect), perfect.gain()
    assert table.index.tolist() == ["source only", "translated", "trained on B"]
    assert table.loc["translated", "mean"] > 0.9 and table.loc["trained on B", "mean"] > 0.9
    assert gain > 0.3 > noise > 0
    assert (table["min"] <= table["mean"]).all() and (table["mean"] <= table["max"]).all()
    assert table["images"].tolist() == [360, 360, len(B) // 2 + len(B) % 2]
    assert perfect.figures["labels kept"] > 0.9 > perfect.figures["labels kept untranslated"] + 0.3
    assert perfect.figures["cycle error of A"] == pytest.approx(0, abs=1e-6)


def test_it_is_said_in_words(perfect):
    text = str(perfect)
    assert "Translation helps: accuracy " in perfect.verdict() and perfect.verdict() in text
    assert "are read as their label" in text and "2 training(s) of each kind, 4 classes" in text
    flat = perfect.to_dict()
    assert flat["translated_mean"] == rows(perfect).loc["translated", "mean"] and "cycle_error_of_b" in flat
    assert all(name.isidentifier() and isinstance(value, float) for name, value in flat.items())


def test_nothing_done_is_no_gain_and_labels_lost_are_harm():
    idle = Idle(max_steps=1, **TINY).fit(A, 1 - B)
    found = compare_translation(idle, A, 1 - B, Y_A, Y_B, n_repeats=1)
    assert found.gain()[0] == 0 and "makes no difference beyond chance" in found.verdict()
    idle.transform = lambda X: X[::-1]  # good pictures, of something else
    harmed = compare_translation(idle, A, 1 - B, Y_A, Y_B, n_repeats=1)
    assert harmed.gain()[0] < -0.3 and "Translation harms" in harmed.verdict()
    assert harmed.figures["labels kept"] < 0.6 < found.figures["labels kept"]


def test_a_trained_model_and_domains_of_other_channels():
    names = np.array(["zero", "one", "two", "three"])
    colored = (np.stack([B, B, B / 2], axis=1) * 255).astype(np.uint8)  # channels first
    model = CycleGAN(max_steps=2, **TINY).fit(A, colored)
    found = compare_translation(model, A, colored, names[Y_A], names[Y_B], n_repeats=1)
    assert rows(found).index.tolist() == ["translated", "trained on B"]
    assert np.isnan(found.gain()[0]) and "labels kept untranslated" not in found.figures
    assert 0 < found.figures["cycle error of A"] < 1
    assert "The domains differ in channels" in str(found)
    assert found.verdict().startswith("It is ")


def test_images_may_be_larger_than_the_parts_learned_from():
    model = CycleGAN(max_steps=1, patch_size=8, **TINY).fit(A.repeat(2, axis=2), B.repeat(2, axis=2))
    found = compare_translation(model, A.repeat(2, axis=2), list(B.repeat(2, axis=2)), Y_A, Y_B, n_repeats=1)
    assert rows(found).loc["trained on B", "mean"] > 0.9


def test_the_same_seed_gives_the_same_figures(monkeypatch):
    monkeypatch.setattr("ganaug.images.classifier.FEWEST_STEPS", 5)
    model = CycleGAN(max_steps=2, **TINY).fit(A, B)
    one, same = (compare_translation(model, A, B, Y_A, Y_B, n_repeats=1).to_dict() for _ in range(2))
    assert one == same


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_repeats": 0}, "n_repeats=0: give a whole number"),
        ({"y_b": Y_B[:9]}, "`y_b` has 9 labels for"),
        ({"y_a": Y_A.clip(max=2)}, "y_b has the class.es. 3, which y_a has not"),
        ({"y_a": Y_A * 0, "y_b": Y_B * 0}, "y_a and y_b have the class 0 alone"),
        ({"domain_a": A[:, :6]}, "domain_a holds images of 6 x 8 pixels, and domain_b of 8 x 8: a classifier takes"),
        ({"domain_b": [B[0], B[1, :6]]}, "`domain_b` holds images of several sizes, such as 6 x 8 and 8 x 8"),
        ({"domain_a": np.zeros((9, 8, 8, 3))}, "`domain_a` has the shape .* but the model was fitted to .*1 channel"),
        ({"domain_b": B * 16}, "`domain_b` has values from"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    model = CycleGAN(max_steps=1, **TINY).fit(A[:20], B[:20])
    given = {"domain_a": A, "domain_b": B, "y_a": Y_A, "y_b": Y_B} | arguments
    with pytest.raises(InvalidInputError, match=message):
        compare_translation(model, **given)


def test_other_models_are_refused():
    with pytest.raises(InvalidInputError, match=r"a fitted ganaug\.images\.CycleGAN is expected"):
        compare_translation(None, A, B, Y_A, Y_B)
    with pytest.raises(NotFittedError):
        compare_translation(CycleGAN(), A, B, Y_A, Y_B)
