"""CycleGAN: translations with a known answer, its terms, and what it refuses."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from torch import nn

import ganaug
from ganaug.adversarial import Batch, Turn
from ganaug.evaluation import psnr
from ganaug.exceptions import InvalidInputError
from ganaug.images import CycleGAN, SampleGrid
from ganaug.images.classifier import ImageClassifier
from ganaug.images.cyclegan import CycleGame
from ganaug.images.history import FakeHistory
from ganaug.images.networks.translating import PatchDiscriminator, Translator

DIGITS = load_digits()
ORDER = np.random.default_rng(0).permutation(len(DIGITS.images))
A, B = (DIGITS.images[part] / 16 for part in np.array_split(ORDER, 2))
LABELS_A = DIGITS.target[np.array_split(ORDER, 2)[0]]
FAST = {"generator_lr": 2e-3, "discriminator_lr": 2e-3, "random_state": 0}
SMALL = {"width": 4, "discriminator_width": 4, "n_blocks": 1, "random_state": 0}


def negative(digits):
    return 1 - digits


def colored(digits):
    """Red strokes on blue."""
    return np.stack([digits, np.full_like(digits, 0.3), 1 - digits], axis=-1)


@pytest.fixture(scope="module")
def colorist():
    return CycleGAN(max_steps=300, **FAST).fit(A, colored(B))


def test_digits_become_their_colored_versions_although_no_pair_was_seen(colorist):
    assert colorist.shortcut_ == "identity" and colorist.n_images_ == (899, 898)
    untouched = np.repeat(A[..., None], 3, axis=3)
    assert psnr(untouched, colored(A)).mean() < 7
    assert psnr(colorist.transform(A), colored(A)).mean() > 23
    assert psnr(colorist.inverse_transform(colored(B)), B).mean() > 23


def test_digits_become_their_negatives_drawn_anew():
    gan = CycleGAN(max_steps=300, shortcut=None, **FAST).fit(A, negative(B))
    assert psnr(A, negative(A)).mean() < 3
    assert psnr(gan.transform(A), negative(A)).mean() > 22
    assert gan.history_[-1]["generator/cycle"] < gan.history_[0]["generator/cycle"] / 3


def test_where_one_domain_is_the_others_negative_it_is_begun_with():
    gan = CycleGAN(max_steps=1, **SMALL).fit(A, negative(B))
    assert gan.shortcut_ == "negative" and psnr(gan.transform(A), negative(A)).mean() > 25


def test_discriminators_tell_the_domains_apart(colorist):
    assert colorist.score_samples(colored(B[:200])).mean() > colorist.score_samples(colored(B[:200])[..., ::-1]).mean()


def test_a_saved_model_goes_both_ways_without_the_fakes_it_remembered(colorist, tmp_path):
    back = ganaug.load(colorist.save(tmp_path / "model"))
    assert np.array_equal(back.transform(A[:9]), colorist.transform(A[:9]))
    assert np.array_equal(back.inverse_transform(colored(B[:9])), colorist.inverse_transform(colored(B[:9])))
    assert all(len(history.fakes) == 0 for history in back.game_.histories.values())


def test_large_images_are_translated_as_their_parts_are(colorist):
    wide = np.tile(A[:12].reshape(3, 4, 8, 8).swapaxes(1, 2).reshape(24, 32), (1, 6))
    assert colorist.transform(wide[None]).shape == (1, 24, 192, 3)
    assert psnr(colorist.transform(wide[None]), colored(wide[None]))[0] > 20


def make_game(shortcut=1, **settings):
    torch.manual_seed(0)
    generators = nn.ModuleDict({way: Translator(1, 1, 4, 1, 0, shortcut) for way in ("a_to_b", "b_to_a")})
    discriminators = nn.ModuleDict({domain: PatchDiscriminator(1, 4, 2) for domain in "ab"})
    histories = nn.ModuleDict({domain: FakeHistory(4, (1, 8, 8)) for domain in "ab"})
    return CycleGame(generators, discriminators, histories, **{"loss": "least_squares", **settings})


def make_batch():
    return Batch(torch.rand(6, 1, 8, 8), source=torch.rand(6, 1, 8, 8))


def turn(step=0):
    return Turn(step, 0.0, torch.Generator().manual_seed(0))


def test_terms_follow_their_weights():
    game = make_game(penalty="r1_r2", penalty_interval=2, identity_weight=lambda progress: 1.0 + progress)
    assert set(game.generator_terms(make_batch(), turn())) == {"adversarial", "cycle", "identity"}
    assert set(game.discriminator_terms(make_batch(), turn())) == {"adversarial", "gradient_penalty"}
    assert set(game.discriminator_terms(make_batch(), turn(1))) == {"adversarial"}
    assert set(make_game(cycle_weight=0).generator_terms(make_batch(), turn())) == {"adversarial"}


def test_generators_begin_as_no_change_so_that_cycle_and_identity_cost_nothing():
    batch, weights = make_batch(), {"cycle_weight": 1.0, "identity_weight": 1.0}
    terms = make_game(**weights).generator_terms(batch, turn())
    assert terms["cycle"] < 0.1 and terms["identity"] < 0.1
    noisy = make_game(cycle_noise=0.2, **weights).generator_terms(batch, turn())
    assert noisy["cycle"] > terms["cycle"] + 0.1 and noisy["identity"] == terms["identity"]


def test_an_opinion_that_does_not_survive_translation_costs():
    def opinion(images):  # black or white?
        return torch.stack([-images.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3))], dim=1) * 20

    batch = Batch(torch.full((4, 1, 8, 8), 0.9), source=torch.full((4, 1, 8, 8), -0.9))
    kept, lost = (
        make_game(shortcut, semantic_weight=1.0, opinion=opinion).generator_terms(batch, turn())["semantic"]
        for shortcut in (1, -1)
    )
    assert kept < 0.1 and lost > 10
    lost.backward()


def test_a_classifier_of_a_keeps_its_opinion_through_clones_and_is_not_saved(tmp_path):
    classifier = ImageClassifier(max_steps=20, random_state=0).fit(A, LABELS_A)
    gan = clone(CycleGAN(max_steps=2, semantic_network=classifier, **SMALL)).fit(A, B)
    assert gan.history_[-1]["generator/semantic"] > 0
    assert ganaug.load(gan.save(tmp_path / "model")).semantic_network is None
    with pytest.raises(NotFittedError):
        CycleGAN(semantic_network=ImageClassifier(), max_steps=1).fit(A, B)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert CycleGAN(max_steps=1, semantic_network=module, **SMALL).fit(A, B).n_iter_ == 1


def test_previews_show_translations(tmp_path):
    grid = SampleGrid(every=1, folder=tmp_path)
    gan = CycleGAN(max_steps=1, callbacks=[grid], **SMALL).fit(A, colored(B))
    assert gan.callbacks_[0].previews_[0][1].shape == (8, 8, 8, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["step-000001.png"]


@pytest.mark.parametrize(
    ("arguments", "params", "words"),
    [
        ((A,), {}, r"Call fit\(domain_a, domain_b\)"),
        ((A, DIGITS.data), {}, r"domain_b: X has the shape \(1797, 64\): rows of pixels"),
        ((A, "nowhere"), {}, "domain_b: X='nowhere' does not exist"),
        ((A, np.zeros((3, 20, 20))), {"patch_size": 12}, r"X\[0\] has 8 x 8 pixels, and parts of 12 x 12 are"),
        (
            (A, colored(B)),
            {"identity_weight": 1},
            "identity_weight needs images of equally many channels, and domain_a",
        ),
        ((A, B), {"cycle_weight": -1}, "cycle_weight"),
        ((A, B), {"shortcut": "none"}, "shortcut"),
    ],
)
def test_what_can_not_be_learned_is_refused(arguments, params, words):
    with pytest.raises(ValueError, match=words) as caught:
        CycleGAN(max_steps=1, **params).fit(*arguments)
    assert words == "cycle_weight" or "shortcut" in words or isinstance(caught.value, InvalidInputError)
