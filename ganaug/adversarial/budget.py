"""How long to train, and how the learning rate follows."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[float], float]


@dataclass(frozen=True)
class Budget:
    """Epochs, steps and seconds; whichever ends first. ``None`` is no limit."""

    epochs: int | None = None
    max_steps: int | None = None
    max_seconds: float | None = None

    def shares(self, step: int, seconds: float, steps_per_epoch: int) -> dict[str, float]:
        """Return the share used of each limit, by its name."""
        used: dict[str, tuple[float, float | None]] = {
            "epochs": (step / steps_per_epoch, self.epochs),
            "max_steps": (step, self.max_steps),
            "max_seconds": (seconds, self.max_seconds),
        }
        return {name: amount / limit for name, (amount, limit) in used.items() if limit is not None}


def constant(progress: float) -> float:
    """Never decay."""
    return 1.0


def linear(progress: float) -> float:
    """Constant for the first half of the budget, then straight down to 0 (CycleGAN's)."""
    return min(1.0, 2.0 * (1.0 - progress))


def cosine(progress: float) -> float:
    """Constant for the first 40 % of the budget, then a half cosine down to 3 %."""
    phase = max(0.0, progress - 0.4) / 0.6
    return 0.03 + 0.97 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, phase)))


SCHEDULES: dict[str, Schedule] = {"constant": constant, "linear": linear, "cosine": cosine}
