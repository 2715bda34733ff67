"""Whether bfloat16 pays for convolutions: measured, for it doubles the speed of one processor and halves another's."""

import time
from functools import cache

import torch
from torch import nn

from ganaug.adversarial import isolated_rng

_WORTH = 1.3
"""So much faster it must be: with less at stake, the more exact one; and a margin makes the answer a steady one."""
_REPEATS = 5
_CHANNELS, _SIDE, _BATCH = 32, 16, 32


@cache
def is_bfloat16_faster(device_type: str) -> bool:
    """Time a convolution's forward and backward pass in both precisions; once per process."""
    if device_type != "cpu":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randn(_BATCH, _CHANNELS, _SIDE, _SIDE, generator=rng).contiguous(memory_format=torch.channels_last)
    with isolated_rng(0):  # layers begin with weights from the global generator
        layer = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    seconds = {is_half: min(_time(layer, inputs, is_half) for _ in range(_REPEATS)) for is_half in (False, True)}
    return seconds[True] * _WORTH < seconds[False]


def _time(layer: nn.Module, inputs: torch.Tensor, is_half: bool) -> float:
    inputs = inputs.detach().requires_grad_(True)
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_half):
        total = layer(layer(inputs)).float().square().mean()
    # A measurement, not a training: the gradients are thrown away.
    torch.autograd.grad(total, [inputs, *layer.parameters()])
    return time.perf_counter() - start
