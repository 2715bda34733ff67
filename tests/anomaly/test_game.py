"""The detector's game: sorting records into levels of noise, with and without a generator."""

import pytest
import torch

from ganaug.adversarial import (
    Batch,
    Budget,
    History,
    Run,
    Trainer,
    TrainingSettings,
    Turn,
    isolated_rng,
    make_generator,
)
from ganaug.anomaly.game import LadderGame, expected_level, judge
from ganaug.anomaly.network import GroupedPerceptron, Perceptron


class Rings:
    """Views in the plane: level 0 within 1 of the origin, level k on a ring of radius 3 k."""

    steps_per_epoch = 10

    def __init__(self, n_blocks, n_levels=2):
        self.n_blocks, self.n_levels, self.rng = n_blocks, n_levels, make_generator(0)

    def __next__(self):
        levels = torch.randint(self.n_levels + 1, (self.n_blocks, 64), generator=self.rng)
        angle = 6.3 * torch.rand(self.n_blocks, 64, generator=self.rng)
        radius = 3.0 * levels + 0.5 * torch.rand(self.n_blocks, 64, generator=self.rng)
        views = radius[..., None] * torch.stack([angle.cos(), angle.sin()], dim=-1)
        return Batch(views, levels)


def train(game, n_blocks, steps=150):
    run = Run([History()])
    run.tell("on_fit_begin")
    settings = TrainingSettings(discriminator_lr=0.01, generator_lr=0.01, ema_decay=0.9)
    Trainer(game, Rings(n_blocks), run, Budget(max_steps=steps), settings, 0).train()
    return run


def test_members_learn_the_levels_each_for_itself():
    with isolated_rng(0):
        game = LadderGame({"record": GroupedPerceptron(3, 2, (32,), 3)}, n_levels=2)
    before = game.discriminator["record"].weights[0].clone()
    run = train(game, n_blocks=3)
    assert run.history[-1]["discriminator/record_level"] < 0.3 * run.history[0]["discriminator/record_level"]
    assert not any(name.startswith("generator") for name in run.history[-1])
    assert not torch.equal(game.discriminator["record"].weights[0], before)
    views = torch.tensor([[0.1, 0.0], [0.0, 3.2], [-6.2, 0.0]])
    levels = expected_level(judge(game.discriminator["record"], views), 2)
    assert levels.shape == (3, 3) and torch.allclose(levels.mean(dim=0), torch.tensor([0.0, 1.0, 2.0]), atol=0.3)
    assert not torch.equal(levels[0], levels[1])


def test_a_head_sees_the_end_of_a_view():
    with isolated_rng(0):
        head = GroupedPerceptron(2, 3, (4,), 2)
    views = torch.randn(5, 7, generator=make_generator(0))
    changed = torch.cat([views[:, :4] + 1, views[:, 4:]], dim=1)
    assert torch.equal(judge(head, views), judge(head, changed))


def test_what_is_generated_is_no_level():
    logits = torch.zeros(1, 1, 4)
    logits[..., -1] = 50.0
    assert expected_level(logits, 2).item() == pytest.approx(1.0)


def test_a_generator_learns_to_look_normal():
    with isolated_rng(0):
        heads = {"record": GroupedPerceptron(2, 2, (32,), 4)}
        game = LadderGame(heads, 2, Perceptron(4, (16,), 2), latent_dim=4, show=lambda coordinates: coordinates + 6.0)
    noise = torch.randn(200, 4, generator=make_generator(1))
    far = (game.generator(noise) + 6.0).norm(dim=1).mean()
    run = train(game, n_blocks=2, steps=300)
    near = (game.generator(noise) + 6.0).norm(dim=1).mean()
    assert {"generator/adversarial", "discriminator/record_generated"} <= set(run.history[-1])
    assert near < 0.3 * far


def test_without_a_weight_nothing_is_generated():
    game = LadderGame({"record": GroupedPerceptron(1, 2, (4,), 3)}, n_levels=2)
    turn = Turn(step=0, progress=0.0, rng=make_generator(0))
    batch = next(Rings(1))
    assert set(game.discriminator_terms(batch, turn)) == {"record_level"} and game.generator_terms(batch, turn) == {}
