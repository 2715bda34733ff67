"""The averaged generator: an exponential moving average of the weights, which samples better than the last ones."""

import copy

import torch
from torch import Tensor, nn


class Averager:
    """Keep an exponential moving average of a module's parameters and of its floating-point buffers.

    Buffers (the running statistics of batch norm) are averaged as the weights are, since the newest ones belong to
    the newest weights; counters are copied.

    The decay warms up as ``min(decay, (1 + t) / (10 + t))``: with a constant .998 the average would still
    hold 17 % of the initial random weights after 900 steps.

    Parameters
    ----------
    module : Module
        The module to follow. Never changed.
    decay : float in [0, 1)
        0 keeps the newest weights.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move the average towards ``module``; ``step`` counts from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages: list[Tensor] = list(self.module.parameters())
        newest: list[Tensor] = list(module.parameters())
        for average, new in zip(self.module.buffers(), module.buffers(), strict=True):
            if average.is_floating_point():
                averages.append(average)
                newest.append(new)
            else:
                average.copy_(new)
        if averages:
            torch._foreach_lerp_(averages, newest, 1 - decay)
