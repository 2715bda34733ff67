"""What callbacks see of a training."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from ganaug.adversarial.callbacks import Callback
    from ganaug.adversarial.trainer import Trainer


@dataclass
class Run:
    """The state of one ``fit``: plain numbers for those who watch, and ``stop`` for those who have seen enough."""

    callbacks: "list[Callback]" = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    """The estimator's parameters."""
    identity: dict[str, Any] = field(default_factory=dict)
    """What a checkpoint must agree with to be resumed: data, seed, shape of the game."""
    step: int = 0
    """Rounds played: one generator update each."""
    epoch: int = 0
    """Epochs completed: as many rounds as the data have batches. (Each update takes a batch of its own.)"""
    progress: float = 0.0
    """Share of the budget used, 0 to 1."""
    terms: dict[str, Tensor] = field(default_factory=dict)
    """What this round gave for each ``player/term``, detached and still on the device."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Means of the terms since the last row, kept by the ``History`` callback."""
    preview: Callable[[], Any] | None = None
    """Samples on a fixed noise, in the user's form, from the averaged generator."""
    picture: Callable[[], Any] | None = None
    """The preview as one picture, a uint8 array (height, width[, channels]); None where records are no images."""
    quality: Callable[[], float] | None = None
    """Quality of the averaged generator on held-out records; higher is better."""
    trainer: "Trainer | None" = None
    stop_reason: str | None = None
    started: float = field(default_factory=time.monotonic)
    """Moved back on resume, so that ``seconds`` counts all of the training."""

    @property
    def seconds(self) -> float:
        """Wall time since ``fit`` began, encoding included."""
        return time.monotonic() - self.started

    def stop(self, reason: str) -> None:
        """Ask the trainer to end after this step; the first reason given is kept."""
        self.stop_reason = self.stop_reason or reason

    def tell(self, event: str, *details: Any) -> None:
        """Call the hook ``event`` of every callback."""
        for callback in self.callbacks:
            getattr(callback, event)(self, *details)
