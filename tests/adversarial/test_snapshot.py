import pytest
import torch
from toys import equal_weights, make_game, make_trainer, weights_of

from ganaug.adversarial import Budget, Callback, Checkpoint, EarlyStopping, KeepBest, resume
from ganaug.adversarial.snapshot import read_tree, write_tree
from ganaug.exceptions import CheckpointError


class StopAfter(Callback):
    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_end(self, run):
        if run.epoch == self.epochs:
            run.stop("enough")


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_five_and_five_epochs_equal_ten(tmp_path, schedule):
    settings = {"learning_rate_schedule": schedule, "discriminator_steps": 2}
    whole = make_trainer(make_game(norm=True), Budget(epochs=10), **settings)
    whole.train()
    path = tmp_path / "state.ckpt"
    first = make_trainer(
        make_game(norm=True), Budget(epochs=10), callbacks=[Checkpoint(path), StopAfter(5)], **settings
    )
    first.train()
    assert first.run.step == 35
    second = make_trainer(make_game(seed=99, norm=True), Budget(epochs=10), callbacks=[Checkpoint(path)], **settings)
    resume(second, path, {})
    assert second.run.step == 35
    second.train()
    assert equal_weights(weights_of(whole.game), weights_of(second.game))
    assert equal_weights(weights_of(whole.averager.module), weights_of(second.averager.module))
    strip = lambda rows: [{name: value for name, value in row.items() if name != "seconds"} for row in rows]  # noqa: E731
    assert strip(whole.run.history) == strip(second.run.history)


def test_a_shorter_budget_can_be_extended_under_a_constant_rate(tmp_path):
    whole = make_trainer(budget=Budget(epochs=4))
    whole.train()
    first = make_trainer(budget=Budget(epochs=2), callbacks=[Checkpoint(tmp_path / "c")])
    first.train()
    second = make_trainer(budget=Budget(epochs=4))
    resume(second, tmp_path / "c", {})
    second.train()
    assert equal_weights(weights_of(whole.game), weights_of(second.game))


def test_moments_come_back_in_the_memory_order_of_their_weights(tmp_path):
    """A fused optimizer walks through memory: moments in another order than the weights would go to others."""

    def make(callbacks=()):
        game = make_game()
        with torch.no_grad():
            game.generator[0].weight.data = game.generator[0].weight.data.t().contiguous().t()
        return make_trainer(game, Budget(epochs=4), callbacks=callbacks)

    whole = make()
    whole.train()
    make([Checkpoint(tmp_path / "c"), StopAfter(2)]).train()
    second = make()
    resume(second, tmp_path / "c", {})
    for weight, moments in second.optimizers["generator"].state.items():
        assert moments["exp_avg"].stride() == weight.stride()
    second.train()
    assert equal_weights(weights_of(whole.game), weights_of(second.game))


def test_keep_best_remembers_its_best_across_a_resume(tmp_path):
    def make(callbacks):
        trainer = make_trainer(budget=Budget(epochs=6), callbacks=[KeepBest(shares=(0.2, 0.8)), *callbacks])
        trainer.run.quality = lambda: -float(trainer.run.step)
        return trainer

    make([Checkpoint(tmp_path / "c"), StopAfter(3)]).train()
    second = make([])
    resume(second, tmp_path / "c", {})
    second.train()
    assert second.run.callbacks[0].best_step_ == 10  # before the resume


def test_early_stopping_remembers_its_best_across_a_resume(tmp_path):
    def make(callbacks):
        trainer = make_trainer(budget=Budget(epochs=6), callbacks=[EarlyStopping(every=7), *callbacks])
        trainer.run.quality = lambda: -abs(trainer.run.step - 14.0)
        return trainer

    first = make([Checkpoint(tmp_path / "c"), StopAfter(3)])
    first.train()
    second = make([])
    resume(second, tmp_path / "c", {})
    second.train()
    assert second.run.callbacks[0].best_step_ == 14


def test_a_foreign_checkpoint_is_refused(tmp_path):
    trainer = make_trainer(budget=Budget(epochs=1), callbacks=[Checkpoint(tmp_path / "c")])
    trainer.run.identity = {"seed": 1}
    trainer.train()
    with pytest.raises(CheckpointError, match="written with seed=1, this fit has 2"):
        resume(make_trainer(), tmp_path / "c", {"seed": 2})


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "c").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        resume(make_trainer(), tmp_path / "c", {})


def test_trees_round_trip_and_leave_no_temporary_files(tmp_path):
    tree = {"a": [1, 2.5, None, "x", True], 3: {"b": torch.arange(3)}, "empty": {}}
    write_tree(tmp_path / "t", tree)
    back = read_tree(tmp_path / "t")
    assert torch.equal(back[3].pop("b"), tree[3].pop("b")) and back == tree
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
