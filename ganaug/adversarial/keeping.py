"""Callbacks that keep weights: the best ones, or all of the state. They may ask a training to stop."""

import copy
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from ganaug.adversarial.callbacks import Callback
from ganaug.adversarial.run import Run
from ganaug.adversarial.snapshot import State, write_checkpoint


class EarlyStopping(Callback):
    """Score the averaged generator on held-out records; keep its best weights, stop when it gets no better.

    The averaged generator is what is scored and what is brought back; the discriminator, of which the score says
    nothing, stays as it is. The generator before training is the first candidate.

    Parameters
    ----------
    every : int or None
        Rounds between two looks; None looks once per epoch, but not more often than every 10 rounds nor less often
        than every 50.
    patience : int
        Looks without improvement after which training ends.
    min_delta : float
        Smallest gain that counts, in the units of ``run.quality()``.
    """

    def __init__(self, every: int | None = None, patience: int = 20, min_delta: float = 0.0) -> None:
        self.every, self.patience, self.min_delta = every, patience, min_delta

    def on_fit_begin(self, run: Run) -> None:
        self._best: float | None = None
        self._weights: dict[str, Tensor] = {}
        self._best_step, self._waited = 0, 0

    def on_train_begin(self, run: Run) -> None:
        assert run.trainer is not None
        self._every = self.every or min(50, max(10, run.trainer.batches.steps_per_epoch))
        if run.quality is not None and not run.step:  # what training must improve on
            self._look(run)

    def on_step_end(self, run: Run) -> None:
        if run.quality is not None and run.step % self._every == 0:
            self._look(run)
            if self._waited >= self.patience:
                run.stop("early_stopping")

    def _look(self, run: Run) -> None:
        assert run.trainer is not None and run.quality is not None
        quality = run.quality()
        run.terms["quality/held_out"] = torch.tensor(quality, dtype=torch.float64)
        best = -math.inf if self._best is None else self._best + self.min_delta
        if not quality > best:  # NaN is no improvement either
            self._waited += 1
            return
        self._best, self._best_step, self._waited = quality, run.step, 0
        self._weights = copy.deepcopy(run.trainer.averager.module.state_dict())

    def on_choose_weights(self, run: Run) -> None:
        if run.quality is None or run.trainer is None:
            return
        if run.step % self._every:
            self._look(run)
        run.trainer.averager.module.load_state_dict(self._weights)

    @property
    def best_step_(self) -> int:
        """The round whose weights were kept."""
        return self._best_step

    def state_dict(self) -> State:
        names = ("_best", "_weights", "_best_step", "_waited")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: State) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class KeepBest(Callback):
    """Score the averaged player a few times late in the budget, and keep its best weights; stop nothing.

    For games whose quality is dear to measure, and which no early stopping should cut short: an image GAN that looks
    worse for a while gets better again when its learning rates fall.

    Parameters
    ----------
    shares : tuple of float
        Shares of the budget after which to look. The end is looked at too.
    time_share : float
        Under a budget of seconds, looks are left out while those before have taken more than this share of the time.
    """

    def __init__(self, shares: tuple[float, ...] = (0.5, 0.7, 0.85, 0.95), time_share: float = 0.05) -> None:
        self.shares, self.time_share = shares, time_share

    def on_fit_begin(self, run: Run) -> None:
        self._best: float | None = None
        self._weights: State = {}
        self._best_step, self._last_step = 0, 0
        self._progress = self._seconds = 0.0

    def on_step_end(self, run: Run) -> None:
        is_due = any(self._progress < share <= run.progress for share in self.shares)
        self._progress = run.progress
        is_timed = run.trainer is not None and run.trainer.budget.max_seconds is not None
        if is_due and not (is_timed and self._seconds > self.time_share * run.seconds):
            self._look(run)

    def on_choose_weights(self, run: Run) -> None:
        if self._weights:  # else there is nothing to compare the last ones with
            self._look(run)
            assert run.trainer is not None
            run.trainer.averager.module.load_state_dict(self._weights)

    def _look(self, run: Run) -> None:
        if run.quality is None or run.trainer is None or run.step == self._last_step:
            return
        start, quality = time.monotonic(), run.quality()
        self._seconds += time.monotonic() - start
        self._last_step = run.step
        run.terms["quality/likeness"] = torch.tensor(quality, dtype=torch.float64)
        # NaN is never better, and anything is better than NaN.
        if self._best is None or math.isnan(self._best) or quality > self._best:
            self._best, self._best_step = quality, run.step
            self._weights = copy.deepcopy(run.trainer.averager.module.state_dict())

    @property
    def best_step_(self) -> int:
        """The round whose weights were kept."""
        return self._best_step

    @property
    def best_score_(self) -> float | None:
        """The quality of the weights that were kept; None if it was never measured."""
        return self._best

    def state_dict(self) -> State:
        names = ("_best", "_weights", "_best_step", "_last_step", "_progress", "_seconds")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: State) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class Checkpoint(Callback):
    """Write the whole state of the training to one file; ``fit(..., resume_from=path)`` goes on from it.

    Parameters
    ----------
    path : str or Path
        The file; always the newest state. It holds weights, optimizers, random streams and counters, and no
        training row; of a ``CycleGAN`` also earlier fakes, which at first are much like the images they are made of.
    every_epochs : int
        Epochs between two writes.
    every_steps : int or None
        Rounds between two writes, for epochs that take long. The end of a training, an interrupt included, is always
        written.
    """

    def __init__(self, path: str | Path, every_epochs: int = 1, every_steps: int | None = None) -> None:
        self.path, self.every_epochs, self.every_steps = path, every_epochs, every_steps

    def on_step_end(self, run: Run) -> None:
        if self.every_steps and run.step % self.every_steps == 0:
            self._write(run)

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch % self.every_epochs == 0:
            self._write(run)

    def on_train_end(self, run: Run) -> None:
        self._write(run)

    def _write(self, run: Run) -> None:
        assert run.trainer is not None
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(run.trainer, Path(self.path), run.identity)
