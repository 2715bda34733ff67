"""What a game is: two players, and the named loss terms of each.

A game holds networks. It owns no optimizer, no file and no log; the trainer does (``trainer.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganaug.adversarial.losses import LOSSES
from ganaug.adversarial.penalties import PENALTIES, lazily

Terms = dict[str, Tensor]
Player = Literal["discriminator", "generator"]
_SPREAD_EVERY = 10
"""Updates between two looks at the spread of the fakes, which costs as much as a layer."""
Weight = float | Callable[[float], float]
"""A term's weight: a number, or a function of the progress through the budget (0 to 1)."""


@dataclass(frozen=True)
class Batch:
    """One batch of records, as tensors.

    ``real`` is what the generator should learn to imitate; ``conditions`` is what both players are told
    about it; ``source`` is what a translating generator starts from (CycleGAN's other domain, SRGAN's
    low resolution).
    """

    real: Tensor
    conditions: Tensor | None = None
    source: Tensor | None = None

    def __len__(self) -> int:
        return len(self.real)

    def head(self, n_records: int | None) -> "Batch":
        """Return the first ``n_records``; None returns all."""
        parts = {name: value[:n_records] for name, value in vars(self).items() if value is not None}
        return replace(self, **parts)

    def to(self, device: torch.device) -> "Batch":
        """Return the same batch on ``device``."""
        moved = {name: value.to(device, non_blocking=True) for name, value in vars(self).items() if value is not None}
        return replace(self, **moved)


@dataclass
class Turn:
    """What a game may know about time and chance when it is asked for its terms."""

    step: int
    """Updates that this player (not the run) has made so far; what lazy penalties count."""
    progress: float
    """Share of the budget used up, 0 to 1; what schedules follow."""
    rng: torch.Generator
    """The only source of randomness, on the batch's device."""
    observed: Terms = field(default_factory=dict)

    def observe(self, name: str, value: Tensor) -> None:
        """Report a figure that is watched in the history and minimized by nobody."""
        self.observed[name] = value.detach()

    def weight(self, weight: Weight) -> float:
        """Return what ``weight`` comes to now."""
        return weight(self.progress) if callable(weight) else weight


class Game(nn.Module):
    """Two players. Subclasses say what each one minimizes, as already weighted, named terms.

    What a game remembers besides weights (a buffer of past fakes, an adaptive strength) is kept in registered
    buffers, so that roll-backs and checkpoints include it. Its modules draw nothing from torch's global generator:
    noise and dropout come from ``turn.rng``. A player without parameters (a detector with no generator) is never
    asked, and a player without terms skips its update.
    """

    generator: nn.Module
    discriminator: nn.Module
    averaged: Player = "generator"
    """The player whose average over the updates is kept: the one that the user will ask."""

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """Return what the discriminator minimizes on ``batch``."""
        raise NotImplementedError

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """Return what the generator minimizes on ``batch``."""
        raise NotImplementedError


class AdversarialGame(Game):
    """Real against fake, with any loss and penalty; subclasses say how fakes are made.

    A game that looks at records in its own way overrides ``show_real`` and ``judge``; one with more terms adds
    entries to the dicts.

    Parameters
    ----------
    generator : Module
    discriminator : Module, ``(records[, conditions]) -> logits``
    loss : str
        A key of ``losses.LOSSES``.
    penalty : str or None
        A key of ``penalties.PENALTIES``.
    penalty_weight, adversarial_weight : float or callable of the progress
    penalty_interval : int
        The penalty is computed every so many discriminator updates, and scaled by as much.
    penalty_size : int or None
        It is computed on so many records of the batch; None takes all. Where the rest of a step is fast (bfloat16),
        the penalty is the dearest part of it.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        loss: str = "non_saturating",
        penalty: str | None = None,
        penalty_weight: Weight = 1.0,
        penalty_interval: int = 1,
        penalty_size: int | None = None,
        adversarial_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.loss = LOSSES[loss]
        self.penalty = PENALTIES[penalty] if penalty else None
        self.penalty_weight = penalty_weight
        self.penalty_interval = penalty_interval
        self.penalty_size = penalty_size
        self.adversarial_weight = adversarial_weight

    def make_fake(self, batch: Batch, turn: Turn) -> Tensor:
        """Return as many fake records as ``batch`` has real ones."""
        raise NotImplementedError

    def show_real(self, batch: Batch, turn: Turn) -> Tensor:
        """Return the real records in the form that the discriminator looks at."""
        return batch.real

    def judge(self, records: Tensor, batch: Batch) -> Tensor:
        """Return the discriminator's logits; higher = more real."""
        extra = () if batch.conditions is None else (batch.conditions,)
        logits: Tensor = self.discriminator(records, *extra)
        return logits

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial`` and, on its turns, ``gradient_penalty``."""
        real = self.show_real(batch, turn)
        with torch.no_grad():  # the generator's gradients would be thrown away: don't compute them
            fake = self.make_fake(batch, turn)
        real_logits, fake_logits = self.judge(real, batch), self.judge(fake, batch)
        self.watch(turn, real, fake, real_logits, fake_logits)
        part = batch.head(self.penalty_size)
        terms = {"adversarial": self.loss.discriminator(real_logits, fake_logits)}
        return terms | self.penalize(lambda records: self.judge(records, part), real, fake, turn)

    def penalize(self, judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, turn: Turn) -> Terms:
        """``gradient_penalty`` of a discriminator on its turns, on the first ``penalty_size`` records; or nothing."""
        weight, boost = turn.weight(self.penalty_weight), lazily(self.penalty_interval, turn.step)
        if self.penalty is None or not weight or not boost:
            return {}
        some = slice(self.penalty_size)
        slope = self.penalty(judge, real[some], fake[some], turn.rng)
        turn.observe("gradient_penalty", weight * slope)  # the history shows its mean strength
        return {"gradient_penalty": boost * weight * slope}

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial``, unless its weight is 0."""
        weight = turn.weight(self.adversarial_weight)
        if not weight:
            return {}
        fake = self.make_fake(batch, turn)
        real = self.show_real(batch, turn) if self.loss.needs_real else fake
        return {"adversarial": weight * self.deception(lambda records: self.judge(records, batch), real, fake)}

    def deception(self, judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """Return the unweighted adversarial loss of a generator; ``real`` is looked at if the loss needs it."""
        fake_logits = real_logits = judge(fake)
        if self.loss.needs_real:
            with torch.no_grad():
                real_logits = judge(real)
        return self.loss.generator(real_logits, fake_logits)

    def watch(self, turn: Turn, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor) -> None:
        """Report what ``diagnose`` needs to say who is winning."""
        turn.observe("real_logit", real_logits.float().mean())
        turn.observe("fake_logit", fake_logits.float().mean())
        # In pairs: .5 = can't tell them apart, 1 = always right. Ties count half.
        gap = (real_logits - fake_logits).float()
        turn.observe("accuracy", ((gap > 0).float() + 0.5 * (gap == 0).float()).mean())
        if len(real) > 1 and turn.step % _SPREAD_EVERY == 0:
            spread = fake.float().std(dim=0).mean() / real.float().std(dim=0).mean().clamp_min(1e-12)
            turn.observe("fake_spread", spread)


class NoiseGame(AdversarialGame):
    """Noise [+ conditions] -> fake: the game of the original paper.

    Parameters
    ----------
    generator : Module, ``(noise[, conditions]) -> fake``
    discriminator : Module, ``(records[, conditions]) -> logits``
    latent_dim : int
        Size of the noise vector.
    **settings
        Of ``AdversarialGame``.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, *, latent_dim: int, **settings: Any) -> None:
        super().__init__(generator, discriminator, **settings)
        self.latent_dim = latent_dim

    def make_fake(self, batch: Batch, turn: Turn) -> Tensor:
        """Return what the generator makes of Gaussian noise and the batch's conditions."""
        noise = self.draw_noise(len(batch), turn.rng)
        extra = () if batch.conditions is None else (batch.conditions,)
        fake: Tensor = self.generator(noise, *extra)
        return fake

    def draw_noise(self, n_records: int, rng: torch.Generator) -> Tensor:
        """Return noise (n_records, latent_dim) on the generator's device."""
        return torch.randn(n_records, self.latent_dim, generator=rng, device=rng.device)
