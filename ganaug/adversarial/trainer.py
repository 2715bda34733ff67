"""The one training loop of the package.

One round is: the discriminator is updated ``discriminator_steps`` times, each on a fresh batch; the generator once;
its average follows; callbacks are told. ``Trainer.update`` is the only place where a loss is back-propagated and an
optimizer steps.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from ganaug.adversarial.averaging import Averager
from ganaug.adversarial.batches import BatchStream
from ganaug.adversarial.budget import SCHEDULES, Budget
from ganaug.adversarial.game import Game, Player, Terms, Turn
from ganaug.adversarial.run import Run
from ganaug.adversarial.seeding import make_generator
from ganaug.adversarial.snapshot import restore, snapshot
from ganaug.exceptions import TrainingDivergedError, TrainingWarning


@dataclass(frozen=True)
class TrainingSettings:
    """The loop's settings, named as the estimators' parameters are."""

    generator_lr: float = 1e-3
    discriminator_lr: float = 1e-3
    generator_betas: tuple[float, float] = (0.0, 0.99)
    discriminator_betas: tuple[float, float] = (0.0, 0.99)
    discriminator_steps: int = 1
    learning_rate_schedule: str = "cosine"
    warmup_steps: int = 50
    ema_decay: float = 0.998
    precision: str = "float32"
    max_rollbacks: int = 5
    """Roll-backs at the same place before giving up; four times as many in all."""
    snapshot_every: int = 50
    """Rounds between two states that a roll-back may return to."""


class Trainer:
    """Play a game until the budget is used up or somebody asks to stop.

    Parameters
    ----------
    game : Game
        On its device.
    batches : BatchStream
    run : Run
        Shared with the callbacks.
    budget : Budget
    settings : TrainingSettings
    seed : int
        Every update draws from a stream of its own, named by player and count, so that there is no random state
        to save: a resumed training draws what the uninterrupted one would have drawn.
    """

    def __init__(
        self,
        game: Game,
        batches: BatchStream,
        run: Run,
        budget: Budget,
        settings: TrainingSettings,
        seed: int,
    ) -> None:
        self.game, self.batches, self.run = game, batches, run
        self.budget, self.settings, self.seed = budget, settings, seed
        self.device = next(iter(game.parameters())).device
        self.averager = Averager(getattr(game, game.averaged), settings.ema_decay)
        self.optimizers: dict[Player, torch.optim.Optimizer] = {}
        self._add_optimizer("discriminator", settings.discriminator_lr, settings.discriminator_betas)
        self._add_optimizer("generator", settings.generator_lr, settings.generator_betas)
        self.rate_scale = 1.0
        """Halved by every roll-back, doubled again by every good state."""
        self.n_rollbacks = 0
        self._failures = self._failed_at = 0
        self._updating = False
        """Whether weights are being moved: an interrupt now would leave some of them behind."""
        run.trainer = self

    def train(self) -> None:
        """Play rounds until ``run.stop_reason`` is set; Ctrl-C ends the training, not the program."""
        run = self.run
        try:
            self._good_state = self._candidate_state = snapshot(self)
            run.tell("on_train_begin")
            self._check_budget()
            self.game.train()
            while run.stop_reason is None:
                self._guarded_round()
                self._check_budget()
        except KeyboardInterrupt:
            if self._updating:  # half of the weights may have moved
                restore(self, self._good_state)
            run.stop("interrupted")
            warnings.warn(
                f"Training was interrupted at step {run.step}; the model is fitted as far as it got.",
                TrainingWarning,
                stacklevel=2,
            )
        self.game.eval()
        run.terms = {}
        run.tell("on_train_end")
        run.tell("on_choose_weights")
        if not run.step:
            warnings.warn(
                f"No round was played (stop reason: {run.stop_reason}), so the model is untrained. Raise the budget.",
                TrainingWarning,
                stacklevel=2,
            )

    def play_round(self) -> None:
        """Update the discriminator ``discriminator_steps`` times and the generator once."""
        for repeat in range(self.settings.discriminator_steps):
            self.update("discriminator", self.run.step * self.settings.discriminator_steps + repeat)
        self.update("generator", self.run.step)
        self._updating = True
        self.averager.update(getattr(self.game, self.game.averaged), self.run.step)
        self._updating = False

    def update(self, player: Player, count: int) -> None:
        """Ask the game for ``player``'s terms on a fresh batch and take its ``count``-th step down their sum."""
        optimizer = self.optimizers.get(player)
        if optimizer is None:  # a detector with no generator: no batch is drawn for nobody
            return
        batch = next(self.batches)
        turn = self._turn(player, count)
        with self._autocast():
            terms = getattr(self.game, f"{player}_terms")(batch, turn)
        self._record(player, terms, turn.observed)
        if not terms:
            return
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        total.backward(inputs=weights)  # the other player's weights get no gradient
        steepness = clip_grad_norm_(weights, max_norm=math.inf)  # measures; clips nothing
        if not torch.isfinite(total.detach() + steepness):
            raise _NotFiniteError(player, terms)
        self._set_rate(player, optimizer)
        self._updating = True
        optimizer.step()
        self._updating = False

    def _guarded_round(self) -> None:
        """Play a round; on a non-finite term go back to the last good state with half the learning rate."""
        run = self.run
        run.terms = {}
        try:
            self.play_round()
        except _NotFiniteError as error:
            self._roll_back(error)
            return
        run.step += 1
        run.tell("on_step_end")
        if run.step % self.settings.snapshot_every == 0:
            # A state is good once it has survived until the next one was taken.
            self._good_state, self._candidate_state = self._candidate_state, snapshot(self)
            if run.step > self._failed_at:
                self._failures, self.rate_scale = 0, min(1.0, 2.0 * self.rate_scale)
        if run.step % self.batches.steps_per_epoch == 0:
            run.epoch = run.step // self.batches.steps_per_epoch
            run.tell("on_epoch_end")

    def _roll_back(self, error: "_NotFiniteError") -> None:
        reached = self._failed_at = self.run.step
        self._updating = True
        restore(self, self._good_state)
        self._updating = False
        self._candidate_state = self._good_state
        self._failures += 1
        self.n_rollbacks += 1
        self.run.tell("on_roll_back")
        if max(self._failures, self.n_rollbacks / 4) <= self.settings.max_rollbacks:
            self.rate_scale *= 0.5
            warnings.warn(
                f"{error} at step {reached}: rolled back to step {self.run.step} and halved the "
                f"learning rates (now x{self.rate_scale:g}).",
                TrainingWarning,
                stacklevel=4,
            )
            return
        advice = "Lower generator_lr and discriminator_lr, or look for extreme values in the data."
        if self.run.step == 0:
            raise TrainingDivergedError(f"{error} in each of {self._failures} attempts. {advice}")
        self.run.stop("diverged")
        warnings.warn(
            f"{error}, roll-back number {self.n_rollbacks}: training ends at step {self.run.step}, the last "
            f"good state. {advice}",
            TrainingWarning,
            stacklevel=4,
        )

    def _check_budget(self) -> None:
        """Bring ``run.progress`` up to date, and stop where the budget is used up."""
        run = self.run
        shares = self.budget.shares(run.step, run.seconds, self.batches.steps_per_epoch)
        ending = max(shares, key=lambda name: shares[name])
        run.progress = min(1.0, shares[ending])
        if shares[ending] >= 1.0:
            run.stop(ending)

    def _turn(self, player: Player, count: int) -> Turn:
        # After a roll-back the same rounds are played with other noise.
        rng = make_generator(self.seed, player, count, self.n_rollbacks, device=self.device)
        return Turn(step=count, progress=self.run.progress, rng=rng)

    def _record(self, player: Player, terms: Terms, observed: Terms) -> None:
        for name, value in (*terms.items(), *observed.items()):
            self.run.terms[f"{player}/{name}"] = value.detach()

    def _add_optimizer(self, player: Player, rate: float, betas: tuple[float, float]) -> None:
        weights = [weight for weight in getattr(self.game, player).parameters() if weight.requires_grad]
        if weights:
            fused = weights[0].device.type in ("cpu", "cuda")
            self.optimizers[player] = torch.optim.Adam(weights, rate, betas, fused=fused)

    def _set_rate(self, player: Player, optimizer: torch.optim.Optimizer) -> None:
        settings = self.settings
        rate = settings.generator_lr if player == "generator" else settings.discriminator_lr
        warmup = min(1.0, (self.run.step + 1) / max(1, settings.warmup_steps))
        decay = SCHEDULES[settings.learning_rate_schedule](self.run.progress)
        for group in optimizer.param_groups:
            group["lr"] = rate * warmup * decay * self.rate_scale

    def _autocast(self) -> torch.autocast:
        half = self.settings.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half)

    def modules(self) -> dict[str, nn.Module]:
        """Return everything with weights, for snapshots and checkpoints."""
        return {"game": self.game, "averaged": self.averager.module}

    def clock(self) -> dict[str, Any]:
        """Return where the training stands, in plain numbers."""
        return {
            "step": self.run.step,
            "epoch": self.run.epoch,
            "rate_scale": self.rate_scale,
            "n_rollbacks": self.n_rollbacks,
        }


class _NotFiniteError(ArithmeticError):
    """A term, or the gradient of their sum, is NaN or infinite."""

    def __init__(self, player: Player, terms: Terms) -> None:
        guilty = [name for name, value in terms.items() if not torch.isfinite(value).all()]
        what = " and ".join(f"'{player}/{name}'" for name in guilty) or f"The gradient of the {player}"
        super().__init__(f"{what} became NaN or infinite")
