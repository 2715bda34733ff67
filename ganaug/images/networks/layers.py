"""Layers that torch has not, or not with a random generator of their own."""

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm


class SeededDropout(nn.Module):
    """Dropout that draws from ``rng`` and, like any dropout, does nothing in evaluation.

    The game sets ``rng`` before it asks (``seed_dropouts``), so that nothing is drawn from torch's global generator.
    """

    rng: torch.Generator | None = None

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Tensor) -> Tensor:
        """Return ``inputs`` with a share ``rate`` of them 0, and the others raised by as much."""
        if not self.training or not self.rate:
            return inputs
        chance = torch.rand(inputs.shape, generator=self.rng, device=inputs.device)
        return inputs * (chance >= self.rate) / (1.0 - self.rate)


def seed_dropouts(network: nn.Module, rng: torch.Generator) -> None:
    """Let every ``SeededDropout`` of ``network`` draw from ``rng``."""
    for layer in network.modules():
        if isinstance(layer, SeededDropout):
            layer.rng = rng


class BatchNorm(nn.BatchNorm1d):
    """Batch norm that takes a batch of one, which has no deviation: it is normalized by the running statistics."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, width)."""
        if self.training and len(inputs) == 1:
            return batch_norm(inputs, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        normalized: Tensor = super().forward(inputs)
        return normalized


class Maxout(nn.Module):
    """The largest of several linear pieces (Goodfellow et al. 2013, arXiv 1302.4389)."""

    def __init__(self, n_inputs: int, n_outputs: int, n_pieces: int) -> None:
        super().__init__()
        self.n_outputs = n_outputs
        self.pieces = nn.Linear(n_inputs, n_outputs * n_pieces)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, n_outputs)."""
        largest: Tensor = self.pieces(inputs).unflatten(1, (self.n_outputs, -1)).amax(dim=2)
        return largest


class ScaledResidual(nn.Module):
    """Two convolutions beside a shortcut, begun small so that a deep network learns from the first step.

    Parameters
    ----------
    width : int
        Channels.
    has_norm : bool
        Batch norm before each activation.
    """

    def __init__(self, width: int, has_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.BatchNorm2d(width)] if has_norm else []
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1)]
        self.body = nn.Sequential(*layers)
        with torch.no_grad():
            last = self.body[-1]
            assert isinstance(last, nn.Conv2d)
            last.weight.mul_(0.3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, width, height, width)."""
        changed: Tensor = inputs + self.body(inputs)
        return changed
