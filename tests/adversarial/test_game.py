import pytest
import torch
from torch import nn
from toys import CENTER, make_game, make_records, make_trainer

from ganaug.adversarial import LOSSES, Batch, Budget, Game, NoiseGame, Turn, isolated_rng, make_generator


def make_turn(step=0, progress=0.0):
    return Turn(step, progress, make_generator(0, "turn", step))


def take(n_records=32):
    return make_records().take(torch.arange(n_records))


def test_terms_are_named_and_lazy_ones_come_on_their_turn():
    game = make_game(penalty_interval=4)
    assert set(game.discriminator_terms(take(), make_turn(0))) == {"adversarial", "gradient_penalty"}
    assert set(game.discriminator_terms(take(), make_turn(1))) == {"adversarial"}
    assert set(game.generator_terms(take(), make_turn(0))) == {"adversarial"}


def test_weights_may_follow_a_schedule():
    game = make_game(adversarial_weight=lambda progress: 0.0 if progress < 0.5 else 2.0)
    assert game.generator_terms(take(), make_turn(progress=0.1)) == {}
    late = game.generator_terms(take(), make_turn(progress=0.9))["adversarial"].detach()
    plain = make_game().generator_terms(take(), make_turn(progress=0.9))["adversarial"].detach()
    assert float(late) == pytest.approx(2.0 * float(plain))


def test_what_is_watched_says_who_wins():
    game = make_game()
    with torch.no_grad():  # a discriminator that only looks at the distance from the origin
        turn = make_turn()
        game.judge = lambda records, batch: records.sum(dim=1)
        game.make_fake = lambda batch, turn: torch.zeros(len(batch), 2)
        game.penalty = None
        game.discriminator_terms(take(), turn)
    assert float(turn.observed["accuracy"]) == 1.0
    assert float(turn.observed["fake_spread"]) == 0.0
    assert float(turn.observed["real_logit"]) == pytest.approx(2 * CENTER, abs=0.5)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_learns(loss):
    """After a second the fakes lie where the real records do, not where they began."""
    penalty = {"penalty": "r1"}
    if loss == "wasserstein":
        penalty = {"penalty": "wasserstein_gp", "penalty_weight": 10.0, "penalty_interval": 1}
    game = make_game(loss=loss, **penalty)
    trainer = make_trainer(game, Budget(max_steps=400), discriminator_steps=3, ema_decay=0.98)
    noise = torch.randn(500, 4, generator=make_generator(1))
    before = (trainer.game.generator(noise).mean(dim=0) - CENTER).abs().max()
    trainer.train()
    after = (trainer.averager.module(noise).mean(dim=0) - CENTER).abs().max()
    assert after < 0.5 < 1.5 < before


def test_conditions_reach_both_players():
    """A conditional game on two classes at -2 and +2: fakes go where they are told."""
    classes = torch.arange(600) % 2
    real = (4.0 * classes[:, None] - 2.0) + 0.2 * torch.randn(600, 1, generator=make_generator(0))

    class Join(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(n_inputs + 1, 32), nn.SiLU(), nn.Linear(32, n_outputs))

        def forward(self, values, conditions):
            return self.layers(torch.cat([values, conditions], dim=1))

    from ganaug.adversarial import TensorRecords

    with isolated_rng(0):
        game = NoiseGame(Join(2, 1), Join(1, 1), latent_dim=2, loss="relativistic", penalty="r1_r2")
    records = TensorRecords(real, classes[:, None].float())
    trainer = make_trainer(game, Budget(max_steps=400), records=records, ema_decay=0.98)
    trainer.train()
    noise = torch.randn(100, 2, generator=make_generator(2))
    low, high = (trainer.averager.module(noise, torch.full((100, 1), side)).mean() for side in (0.0, 1.0))
    assert low < -1.0 and high > 1.0


def test_two_generators_and_a_source_need_no_special_case():
    """CycleGAN's shape: two players of two networks each, a source domain, cycle terms."""

    class Cycle(Game):
        def __init__(self):
            super().__init__()
            self.generator = nn.ModuleDict({"forth": nn.Linear(1, 1), "back": nn.Linear(1, 1)})
            self.discriminator = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.Linear(1, 1)})
            self.loss = LOSSES["least_squares"]

        def discriminator_terms(self, batch, turn):
            with torch.no_grad():
                fake_b, fake_a = self.generator["forth"](batch.source), self.generator["back"](batch.real)
            judge = self.discriminator
            return {
                "domain_a": self.loss.discriminator(judge["a"](batch.source), judge["a"](fake_a)),
                "domain_b": self.loss.discriminator(judge["b"](batch.real), judge["b"](fake_b)),
            }

        def generator_terms(self, batch, turn):
            fake_b = self.generator["forth"](batch.source)
            logits = self.discriminator["b"](fake_b)
            cycle = (self.generator["back"](fake_b) - batch.source).abs().mean()
            return {"adversarial": self.loss.generator(logits, logits), "cycle": 10.0 * cycle}

    class TwoDomains:
        def __len__(self):
            return 64

        def take(self, indices):
            return Batch(real=indices[:, None] / 64.0 + 3.0, source=indices.flip(0)[:, None] / 64.0)

    with isolated_rng(0):
        game = Cycle()
    trainer = make_trainer(game, Budget(max_steps=150), records=TwoDomains(), generator_lr=0.02)
    trainer.train()
    history = trainer.run.history
    assert history[-1]["generator/cycle"] < 0.3 * history[0]["generator/cycle"]
    assert {"discriminator/domain_a", "discriminator/domain_b"} <= set(history[-1])


def test_a_player_without_weights_is_never_stepped():
    """A detector's shape: a discriminator against noise, no generator at all."""

    class Detector(Game):
        def __init__(self):
            super().__init__()
            self.generator = nn.Identity()
            self.discriminator = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 1))

        def discriminator_terms(self, batch, turn):
            noise = 4 * torch.rand(batch.real.shape, generator=turn.rng) - 4
            return {
                "noise": LOSSES["non_saturating"].discriminator(
                    self.discriminator(batch.real), self.discriminator(noise)
                )
            }

        def generator_terms(self, batch, turn):
            return {}

    with isolated_rng(0):
        game = Detector()
    trainer = make_trainer(game, Budget(max_steps=200))
    trainer.train()
    assert "generator" not in trainer.optimizers
    assert trainer.run.history[-1]["discriminator/noise"] < 0.35
