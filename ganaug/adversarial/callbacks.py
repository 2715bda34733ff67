"""Callbacks that only watch a training; those that stop it or keep its weights are in ``keeping.py``."""

import inspect
import time
import warnings
from numbers import Integral
from pathlib import Path
from typing import Any

from torch import Tensor

from ganaug.adversarial.run import Run
from ganaug.adversarial.snapshot import State
from ganaug.exceptions import InvalidInputError, TrainingWarning

_SPEED_SECONDS = 1.0


class Callback:
    """Base class: hooks that do nothing, and what scikit-learn's ``clone`` needs.

    A subclass's ``__init__`` stores its arguments under their own names; what it gathers during a training is
    set up in ``on_fit_begin``, and what must survive a resume is given by ``state_dict``. ``fit`` works on clones,
    which the estimator shows as ``callbacks_``.
    """

    def on_fit_begin(self, run: Run) -> None:
        """Act when ``fit`` begins; nothing is encoded yet."""

    def on_encode(self, run: Run, done: int, total: int) -> None:
        """Act when ``done`` of ``total`` parts of the data (columns, files) are encoded."""

    def on_train_begin(self, run: Run) -> None:
        """Act before the first round, or the first one after a resume."""

    def on_step_end(self, run: Run) -> None:
        """Act after a round."""

    def on_epoch_end(self, run: Run) -> None:
        """Act after a pass over the data."""

    def on_train_end(self, run: Run) -> None:
        """Act when no more rounds will be played; the weights are the last ones."""

    def on_choose_weights(self, run: Run) -> None:
        """Put other weights in the place of the last ones."""

    def on_roll_back(self, run: Run) -> None:
        """Act when the training has gone back to the state of ``run.step``."""

    def on_fit_end(self, run: Run) -> None:
        """Act once the estimator is fitted."""

    def on_close(self, run: Run) -> None:
        """Let go of what is held open: ``fit`` is over, well or not."""

    def state_dict(self) -> State:
        """Return what a resumed training needs: plain values and tensors."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Take back what ``state_dict`` gave; an empty one means a fresh start."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        return {name: getattr(self, name) for name in names if name not in ("args", "kwargs")}

    def set_params(self, **params: Any) -> "Callback":
        """Set constructor arguments by name."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}.")
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> "Callback":
        return type(self)(**self.get_params())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({arguments})"


class History(Callback):
    """Append a row to ``run.history`` every ``every`` rounds and at the end of each epoch.

    A row holds ``epoch``, ``step``, ``seconds`` and the mean of each ``player/term`` over the rounds since the row
    before, so that no term is lost however many rounds an epoch has.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every

    def on_fit_begin(self, run: Run) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def on_train_begin(self, run: Run) -> None:
        self._add(run)
        self._flush(run)

    def on_step_end(self, run: Run) -> None:
        self._add(run)
        if run.step % self.every == 0:
            self._flush(run)

    def on_epoch_end(self, run: Run) -> None:
        self._flush(run)

    def on_choose_weights(self, run: Run) -> None:
        self._add(run)
        self._flush(run)

    def on_roll_back(self, run: Run) -> None:
        self._sums, self._counts = {}, {}
        run.history[:] = [row for row in run.history if row["step"] <= run.step]

    def _add(self, run: Run) -> None:
        # Summed on the device: reading a value would make the CPU wait for the GPU every round.
        for name, value in run.terms.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def _flush(self, run: Run) -> None:
        if not self._sums:
            return
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        run.history.append({"epoch": run.epoch, "step": run.step, "seconds": round(run.seconds, 3), **means})
        self._sums, self._counts = {}, {}

    def state_dict(self) -> State:
        return {"sums": self._sums, "counts": self._counts}

    def load_state_dict(self, state: State) -> None:
        self._sums, self._counts = dict(state.get("sums", {})), dict(state.get("counts", {}))


class ProgressBar(Callback):
    """A bar for the encoding and one for the training, with records per second and both players' losses.

    A record counts when it is learned from: one batch per round, whatever else the players look at.
    """

    def on_fit_begin(self, run: Run) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress.start()
        self._encoding = self._progress.add_task("Encoding", total=None, note="")
        self._training = self._progress.add_task("Training", total=1.0, note="", visible=False)
        self._speed, self._measured = "", (0, 0.0)

    def on_encode(self, run: Run, done: int, total: int) -> None:
        self._progress.update(self._encoding, completed=done, total=total)

    def on_train_begin(self, run: Run) -> None:
        self._measured = (run.step, time.monotonic())

    def on_step_end(self, run: Run) -> None:
        self._measure(run)
        note = f"step {run.step}{self._speed}"
        if run.history:
            newest = run.history[-1]
            for player in ("discriminator", "generator"):
                terms = [value for name, value in newest.items() if name == f"{player}/adversarial"]
                note += "".join(f"  {player} {value:.3f}" for value in terms)
        self._progress.update(self._training, completed=run.progress, visible=True, note=note)

    def _measure(self, run: Run) -> None:
        """Bring the speed up to date, once a second: of that second, not of all the time before."""
        batch_size = getattr(run.trainer and run.trainer.batches, "batch_size", None)
        step, moment = self._measured
        seconds = time.monotonic() - moment
        if batch_size is not None and seconds >= _SPEED_SECONDS:
            self._speed = f"  {(run.step - step) * batch_size / seconds:,.0f} records/s"
            self._measured = (run.step, time.monotonic())

    def on_roll_back(self, run: Run) -> None:
        self._measured = (run.step, time.monotonic())

    def on_train_end(self, run: Run) -> None:
        self._progress.update(self._training, completed=1.0, visible=True)

    def on_close(self, run: Run) -> None:
        self._progress.stop()


class SamplePreview(Callback):
    """Sample on a fixed noise every so many rounds, to see the generator learn.

    Parameters
    ----------
    every : int
        Rounds between two samples.
    folder : str, Path or None
        Where to write them as well, one file per sample; ``write`` says how.

    Attributes
    ----------
    previews_ : list of (step, sample)
    """

    def __init__(self, every: int = 500, folder: str | Path | None = None) -> None:
        self.every, self.folder = every, folder

    def on_fit_begin(self, run: Run) -> None:
        if not isinstance(self.every, Integral) or self.every < 1:
            raise InvalidInputError(f"every={self.every!r}: a number of rounds, at least 1, is expected.")
        self.previews_: list[tuple[int, Any]] = []
        self._has_warned: bool = False
        if self.folder is not None:
            try:
                Path(self.folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InvalidInputError(
                    f"folder={str(self.folder)!r} can't be made ({error}). Name a folder that can be written to."
                ) from error

    def on_step_end(self, run: Run) -> None:
        if run.preview is not None and run.step % self.every == 0:
            sample = run.preview()
            self.previews_.append((run.step, sample))
            if self.folder is not None:
                self._try_to_write(sample, Path(self.folder) / f"step-{run.step:06d}")

    def _try_to_write(self, sample: Any, stem: Path) -> None:
        try:
            stem.parent.mkdir(parents=True, exist_ok=True)
            self.write(sample, stem)
        except OSError as error:
            # A full disk must not cost the training; and one warning says it.
            if not self._has_warned:
                warnings.warn(
                    f"{stem.name} can't be written to folder={str(self.folder)!r} ({error}). The training goes on; "
                    "previews that are not written are in `previews_`.",
                    TrainingWarning,
                    stacklevel=2,
                )
            self._has_warned = True

    def write(self, sample: Any, stem: Path) -> None:
        """Write ``sample`` to a file whose name begins with ``stem``."""
        raise NotImplementedError
