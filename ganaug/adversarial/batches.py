"""Shuffled batches without end, from anything that can be indexed; resumable."""

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from ganaug.adversarial.game import Batch


class RecordSource(Protocol):
    """What batches are drawn from: tensors in memory, or files read as they are needed."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Batch:
        """Return the records at ``indices`` as a batch."""
        ...


class BatchStream(Protocol):
    """What the trainer pulls from: endless batches, a notion of one pass, and a place to go on from.

    ``Batches`` is the plain one; two domains of different size, or batches drawn by condition, are others.
    """

    @property
    def steps_per_epoch(self) -> int: ...

    def __next__(self) -> Batch: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class TensorRecords:
    """Records that fit in memory."""

    def __init__(self, real: Tensor, conditions: Tensor | None = None) -> None:
        self.real, self.conditions = real, conditions

    def __len__(self) -> int:
        return len(self.real)

    def take(self, indices: Tensor) -> Batch:
        """Return the records at ``indices`` as a batch."""
        conditions = None if self.conditions is None else self.conditions[indices]
        return Batch(self.real[indices], conditions)


class Batches(Iterator[Batch]):
    """Endless shuffled batches.

    Every record comes once per pass. A batch may straddle two passes, so that each has the same length and no
    record is left out; with fewer records than ``batch_size`` every batch is the whole set.

    Parameters
    ----------
    records : RecordSource
    batch_size : int
    rng : torch.Generator
        On the CPU; its state is part of ``state_dict``.
    device : torch.device
        Where batches are put.
    weights : Tensor of shape (n_records,), optional
        Draws records with replacement in these proportions instead of once per pass each.
    """

    def __init__(
        self,
        records: RecordSource,
        batch_size: int,
        rng: torch.Generator,
        device: torch.device,
        weights: Tensor | None = None,
    ) -> None:
        self.records = records
        # Found by bisection, a record takes logarithmic time; torch.multinomial looks at all of them each time.
        self._bounds = None if weights is None else weights.double().cumsum(0) / weights.double().sum()
        self.batch_size = min(batch_size, len(records))
        self.rng = rng
        self.device = device
        self._waiting = torch.empty(0, dtype=torch.int64)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the records."""
        return max(1, len(self.records) // self.batch_size)

    def __next__(self) -> Batch:
        if len(self._waiting) < self.batch_size:
            self._waiting = torch.cat([self._waiting, self._draw_pass()])
        chosen, self._waiting = self._waiting.split([self.batch_size, len(self._waiting) - self.batch_size])
        return self._fetch(chosen).to(self.device)

    def _fetch(self, indices: Tensor) -> Batch:
        return self.records.take(indices)

    def _draw_pass(self) -> Tensor:
        """Return the places of as many records as there are."""
        if self._bounds is None:
            return torch.randperm(len(self.records), generator=self.rng)
        drawn = torch.rand(len(self.records), generator=self.rng, dtype=torch.float64)
        return torch.searchsorted(self._bounds, drawn).clamp_max(len(self.records) - 1)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands."""
        return {"rng": self.rng.get_state(), "waiting": self._waiting.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.rng.set_state(state["rng"])
        self._waiting = state["waiting"].clone()
