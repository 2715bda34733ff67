import time

import pytest
import torch
from sklearn.base import clone
from toys import equal_weights, make_trainer, weights_of

from ganaug.adversarial import Budget, Callback, Checkpoint, EarlyStopping, KeepBest, ProgressBar, SamplePreview


def test_early_stopping_keeps_the_best_and_stops():
    trainer = make_trainer(budget=Budget(max_steps=500), callbacks=[EarlyStopping(every=10, patience=3)])
    at_best = {}

    def quality():
        if trainer.run.step == 50:
            at_best.update(weights_of(trainer.averager.module))
        return -abs(trainer.run.step - 50.0)

    trainer.run.quality = quality
    trainer.train()
    assert trainer.run.stop_reason == "early_stopping" and trainer.run.step == 80
    assert equal_weights(at_best, weights_of(trainer.averager.module))
    assert [row["quality/held_out"] for row in trainer.run.history if "quality/held_out" in row][:2] == [-50.0, -40.0]


def test_early_stopping_leaves_the_discriminator_as_it_is():
    """The quality is the averaged generator's; a random discriminator must never be brought back."""
    trainer = make_trainer(budget=Budget(max_steps=40), callbacks=[EarlyStopping(every=10)])
    seen = {}

    def quality():
        seen[trainer.run.step] = weights_of(trainer.game.discriminator)
        return -float(trainer.run.step)

    trainer.run.quality = quality
    trainer.train()
    assert trainer.run.callbacks[0].best_step_ == 0
    assert equal_weights(seen[40], weights_of(trainer.game.discriminator))
    assert not equal_weights(seen[0], weights_of(trainer.game.discriminator))


def test_every_look_is_in_the_history_at_its_step():
    trainer = make_trainer(budget=Budget(max_steps=25), callbacks=[EarlyStopping(every=10)])
    trainer.run.quality = lambda: float(trainer.run.step)
    trainer.train()
    looks = {row["step"]: row["quality/held_out"] for row in trainer.run.history if "quality/held_out" in row}
    assert looks[0] == 0.0 and looks[25] == 25.0 and len(looks) == 4


def test_the_newest_terms_are_there_for_every_callback():
    class Watch(Callback):
        def on_step_end(self, run):
            assert {"generator/adversarial", "discriminator/adversarial"} <= set(run.terms)

    make_trainer(budget=Budget(max_steps=3), callbacks=[Watch()]).train()


def test_a_nan_quality_never_becomes_the_best():
    trainer = make_trainer(budget=Budget(max_steps=40), callbacks=[EarlyStopping(every=10)])
    trainer.run.quality = lambda: 1.0 if trainer.run.step == 20 else float("nan")
    trainer.train()
    assert trainer.run.callbacks[0].best_step_ == 20


def test_keep_best_looks_late_and_rarely_and_stops_nothing():
    trainer = make_trainer(budget=Budget(max_steps=40), callbacks=[KeepBest(shares=(0.5, 0.75))])
    seen = {}

    def quality():
        seen[trainer.run.step] = weights_of(trainer.averager.module)
        return -abs(trainer.run.step - 31.0)

    trainer.run.quality = quality
    trainer.train()
    assert trainer.run.stop_reason == "max_steps" and trainer.run.step == 40
    assert sorted(seen) == [21, 31, 40] and trainer.run.callbacks[0].best_step_ == 31
    assert equal_weights(seen[31], weights_of(trainer.averager.module))
    looks = {row["step"]: row["quality/likeness"] for row in trainer.run.history if "quality/likeness" in row}
    assert looks[40] == -9.0 and set(looks.values()) == {-10.0, 0.0, -9.0}


def test_keep_best_keeps_the_last_where_nothing_can_be_measured():
    trainer = make_trainer(budget=Budget(max_steps=10), callbacks=[KeepBest()])
    trainer.train()
    plain = make_trainer(budget=Budget(max_steps=10))
    plain.train()
    assert equal_weights(weights_of(trainer.averager.module), weights_of(plain.averager.module))
    assert trainer.run.callbacks[0].best_score_ is None


def test_keep_best_takes_little_of_a_budget_of_seconds():
    trainer = make_trainer(budget=Budget(max_seconds=1.0), callbacks=[KeepBest()])
    looks = []

    def quality():
        looks.append(trainer.run.step)
        time.sleep(0.2)
        return float(trainer.run.step)

    trainer.run.quality = quality
    trainer.train()
    assert len(looks) == 2 and looks[1] == trainer.run.step  # the first one took too much for others; and the end


def test_keep_best_under_another_budget_after_a_resume():
    keeper = KeepBest(shares=(0.5,))
    trainer = make_trainer(budget=Budget(max_steps=40), callbacks=[keeper])
    trainer.run.quality = lambda: float(trainer.run.step)
    keeper.load_state_dict({"_progress": 1.0})  # of a training that had used its smaller budget up
    trainer.train()
    assert [row["step"] for row in trainer.run.history if "quality/likeness" in row] == [21, 40]


def test_previews_are_kept_and_written(tmp_path):
    class Lines(SamplePreview):
        def write(self, sample, stem):
            stem.with_suffix(".txt").write_text(str(sample))

    trainer = make_trainer(budget=Budget(max_steps=20), callbacks=[Lines(every=10, folder=tmp_path)])
    trainer.run.preview = lambda: trainer.run.step
    trainer.train()
    assert trainer.run.callbacks[0].previews_ == [(10, 10), (20, 20)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000010.txt", "step-000020.txt"]


def test_progress_covers_encoding_and_training(capsys):
    trainer = make_trainer(callbacks=[ProgressBar()])
    trainer.run.tell("on_encode", 1, 2)
    trainer.train()
    trainer.run.tell("on_close")
    shown = capsys.readouterr().out
    assert "Encoding" in shown and "Training" in shown and "step 30" in shown


def test_the_speed_is_shown_in_records_per_second(capsys, monkeypatch):
    # Rounds pass in no time here, so the clock goes by itself: a quarter of a second at each look.
    moments = iter(range(10**6))
    monkeypatch.setattr("ganaug.adversarial.callbacks.time.monotonic", lambda: next(moments) / 4)
    trainer = make_trainer(callbacks=[ProgressBar()])
    trainer.train()
    trainer.run.tell("on_close")
    assert "records/s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "callback", [Callback(), EarlyStopping(every=3), Checkpoint("x", every_epochs=2), SamplePreview(every=5)]
)
def test_callbacks_clone(callback):
    copy = clone(callback)
    assert type(copy) is type(callback) and copy is not callback and copy.get_params() == callback.get_params()


def test_set_params_refuses_unknown_names():
    assert EarlyStopping().set_params(patience=2).patience == 2
    with pytest.raises(ValueError, match="no parameter 'patients'"):
        EarlyStopping().set_params(patients=2)


def test_the_history_reads_no_value_between_rows():
    """Reading a tensor's value makes the CPU wait for a GPU, so it happens once per row."""
    trainer = make_trainer(budget=Budget(max_steps=6))
    trainer.train()
    assert all(isinstance(value, torch.Tensor) for value in trainer.run.terms.values())
