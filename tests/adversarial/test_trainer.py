import ast
from pathlib import Path

import pytest
import torch
from toys import equal_weights, make_game, make_records, make_trainer, weights_of

import ganaug
from ganaug.adversarial import Budget, Callback, NoiseGame
from ganaug.exceptions import TrainingDivergedError, TrainingWarning


class StopAt(Callback):
    def __init__(self, step=5, error=None):
        self.step, self.error = step, error

    def on_step_end(self, run):
        if run.step == self.step:
            if self.error:
                raise self.error
            run.stop("enough")


class PoisonedGame(NoiseGame):
    """Its generator's term is NaN at the given turns, as often as told."""

    poison_at, times = 60, 1

    def generator_terms(self, batch, turn):
        terms = super().generator_terms(batch, turn)
        if turn.step >= self.poison_at and self.times:
            self.times -= 1
            terms["adversarial"] = terms["adversarial"] * float("nan")
        return terms


def make_poisoned(poison_at, times):
    game = make_game()
    game.__class__ = PoisonedGame
    game.poison_at, game.times = poison_at, times
    return game


def calls_of(tree, *names):
    """Every ``something.name(...)`` in a syntax tree."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]


def test_backward_and_step_are_in_one_function_of_the_package():
    found = {}
    for path in Path(ganaug.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and calls_of(node, "backward"):
                found[path.name] = (node.name, len(calls_of(node, "backward")), len(calls_of(node, "step")))
    assert found == {"trainer.py": ("update", 1, 1)}


def test_a_turn_moves_only_its_own_player():
    trainer = make_trainer()
    generator, discriminator = weights_of(trainer.game.generator), weights_of(trainer.game.discriminator)
    trainer.update("discriminator", 0)
    assert equal_weights(generator, weights_of(trainer.game.generator))
    assert not equal_weights(discriminator, weights_of(trainer.game.discriminator))
    discriminator = weights_of(trainer.game.discriminator)
    trainer.update("generator", 0)
    assert not equal_weights(generator, weights_of(trainer.game.generator))
    assert equal_weights(discriminator, weights_of(trainer.game.discriminator))
    assert all(weight.grad is not None for weight in trainer.game.generator.parameters())


@pytest.mark.parametrize(
    ("budget", "reason", "steps"),
    [
        (Budget(epochs=2, max_steps=100), "epochs", 14),
        (Budget(epochs=50, max_steps=9), "max_steps", 9),
        (Budget(epochs=10**6, max_seconds=0.4), "max_seconds", None),
    ],
)
def test_whichever_budget_ends_first(budget, reason, steps):
    trainer = make_trainer(budget=budget)
    trainer.train()
    assert trainer.run.stop_reason == reason
    assert steps is None or trainer.run.step == steps
    assert budget.max_seconds is None or trainer.run.seconds >= budget.max_seconds


def test_discriminator_steps_use_fresh_batches():
    trainer = make_trainer(discriminator_steps=3, budget=Budget(max_steps=2))
    taken = []
    original = trainer.batches.records.take
    trainer.batches.records.take = lambda indices: taken.append(indices) or original(indices)
    trainer.train()
    assert len(taken) == 8
    assert all(not torch.equal(first, second) for first, second in zip(taken, taken[1:], strict=False))


def test_learning_rate_warms_up_and_decays_over_the_budget():
    rates = []

    class Watch(Callback):
        def on_step_end(self, run):
            rates.append(run.trainer.optimizers["generator"].param_groups[0]["lr"])

    trainer = make_trainer(
        budget=Budget(max_steps=100), callbacks=[Watch()], learning_rate_schedule="cosine", warmup_steps=10
    )
    trainer.train()
    assert rates[0] == pytest.approx(1e-4)
    assert rates[20] == pytest.approx(1e-3)
    assert rates[-1] < 0.05 * 1e-3
    assert all(later <= earlier + 1e-12 for earlier, later in zip(rates[20:], rates[21:], strict=False))


def test_history_names_every_term_and_averages_over_all_rounds():
    trainer = make_trainer(budget=Budget(max_steps=14))
    trainer.train()
    rows = trainer.run.history
    assert [row["step"] for row in rows] == [7, 14] and [row["epoch"] for row in rows] == [1, 2]
    assert {
        "generator/adversarial",
        "discriminator/adversarial",
        "discriminator/gradient_penalty",
        "discriminator/accuracy",
    } <= set(rows[0])


def test_a_nan_rolls_back_lowers_the_rate_and_goes_on():
    trainer = make_trainer(make_poisoned(120, 1), Budget(max_steps=150))
    with pytest.warns(
        TrainingWarning, match=r"'generator/adversarial' became NaN.*at step 120: rolled back to step 50"
    ):
        trainer.train()
    assert trainer.run.step == 150 and trainer.run.stop_reason == "max_steps"
    assert trainer.n_rollbacks == 1 and trainer.rate_scale == 1.0  # halved, and back once the place was passed
    steps = [row["step"] for row in trainer.run.history]
    assert steps == sorted(set(steps))
    assert all(torch.isfinite(value).all() for value in trainer.game.state_dict().values())


def test_giving_up_leaves_the_last_good_state():
    trainer = make_trainer(make_poisoned(120, 10**6), Budget(max_steps=300))
    with pytest.warns(TrainingWarning) as caught:
        trainer.train()
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 6
    assert "training ends at step 50, the last good state. Lower generator_lr" in messages[-1]
    assert trainer.run.stop_reason == "diverged"
    assert all(torch.isfinite(value).all() for value in trainer.game.state_dict().values())


def test_not_one_good_step_is_an_error():
    trainer = make_trainer(make_poisoned(0, 10**6))
    with pytest.warns(TrainingWarning), pytest.raises(TrainingDivergedError, match="in each of 6 attempts"):
        trainer.train()


def test_a_gradient_that_overflows_counts_too():
    game = make_game(penalty=None)
    trainer = make_trainer(game, Budget(max_steps=5))
    original = game.generator_terms
    game.generator_terms = lambda batch, turn: {
        name: value + (game.generator[0].weight.sum() * 0).sqrt() for name, value in original(batch, turn).items()
    }  # finite, but d sqrt(x) at 0 is infinite
    with pytest.warns(TrainingWarning, match="The gradient of the generator"), pytest.raises(TrainingDivergedError):
        trainer.train()


def test_ctrl_c_leaves_a_usable_model():
    trainer = make_trainer(callbacks=[StopAt(error=KeyboardInterrupt())])
    with pytest.warns(TrainingWarning, match="interrupted at step 5"):
        trainer.train()
    assert trainer.run.stop_reason == "interrupted"


def test_ctrl_c_in_the_middle_of_an_update_restores_whole_weights():
    trainer = make_trainer(callbacks=[StopAt(10**6)])
    before = weights_of(trainer.game)
    trainer.optimizers["generator"].step = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.warns(TrainingWarning):
        trainer.train()
    assert equal_weights(before, weights_of(trainer.game))


def test_same_seed_same_weights_and_another_seed_others():
    results = []
    for seed in (0, 0, 1):
        trainer = make_trainer(seed=seed)
        trainer.train()
        results.append(weights_of(trainer.averager.module))
    assert equal_weights(results[0], results[1]) and not equal_weights(results[0], results[2])


def test_callbacks_that_only_watch_change_nothing():
    plain = make_trainer()
    watched = make_trainer(callbacks=[Callback()])
    plain.train()
    watched.train()
    assert equal_weights(weights_of(plain.game), weights_of(watched.game))


def test_bfloat16_trains_with_float32_weights():
    trainer = make_trainer(precision="bfloat16", budget=Budget(max_steps=20))
    trainer.train()
    assert {value.dtype for value in trainer.game.state_dict().values()} == {torch.float32}
    assert trainer.run.stop_reason == "max_steps"


@pytest.mark.parametrize("n_records", [1, 2, 37, 128, 129])
def test_any_batch_size_trains_on_any_number_of_records(n_records):
    trainer = make_trainer(records=make_records(n_records), budget=Budget(max_steps=3))
    trainer.train()
    assert trainer.run.step == 3


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device; the path is the CPU's with another device"
)
def test_cuda_learns_too():
    game = make_game().cuda()
    trainer = make_trainer(game, Budget(max_steps=50), precision="bfloat16")
    trainer.batches.device = torch.device("cuda")
    trainer.train()
    assert trainer.run.step == 50


def test_a_roll_back_onto_the_end_of_an_epoch_does_not_end_it_again():
    class Count(Callback):
        def on_fit_begin(self, run):
            self.epochs = []

        def on_epoch_end(self, run):
            self.epochs.append(run.epoch)

    records = make_records(50 * 128)  # 50 rounds an epoch: the states that a roll-back returns to
    trainer = make_trainer(make_poisoned(120, 1), Budget(max_steps=150), [Count()], records=records)
    with pytest.warns(TrainingWarning, match="rolled back to step 50"):
        trainer.train()
    assert trainer.run.callbacks[0].epochs == [1, 2, 2, 3]  # the second is played twice, the first ends once
