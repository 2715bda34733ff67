"""Gradient penalties: how steep the discriminator may be, and where.

Each is a free function ``(discriminator, real, fake, rng) -> scalar``, where ``discriminator`` maps inputs to
logits (conditions already bound). They are computed in float32 whatever the precision of the rest, since a
squared gradient underflows in bfloat16. ``lazily`` applies one every k-th step, scaled so that its mean
strength stays the same (Karras et al. 2020, arXiv 1912.04958).
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]


class Penalty(Protocol):
    """What every gradient penalty looks like."""

    def __call__(self, discriminator: Judge, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor: ...


def _squared_slope(discriminator: Judge, inputs: Tensor) -> Tensor:
    """Squared norm of d logits / d inputs, one value per record."""
    with torch.autocast(inputs.device.type, enabled=False):
        inputs = inputs.detach().float().requires_grad_(True)
        # The sum over records: no record's logit depends on another record, so one call gives every gradient.
        (slope,) = torch.autograd.grad(discriminator(inputs).sum(), inputs, create_graph=True)
    return slope.flatten(1).square().sum(dim=1)


def r1(discriminator: Judge, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """Half the squared slope at real records, Mescheder et al. 2018 (arXiv 1801.04406)."""
    return 0.5 * _squared_slope(discriminator, real).mean()


def r2(discriminator: Judge, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """Half the squared slope at fake records."""
    return 0.5 * _squared_slope(discriminator, fake).mean()


def r1_r2(discriminator: Judge, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """Both, as relativistic games need (R3GAN, Huang et al. 2024, arXiv 2501.05441)."""
    return r1(discriminator, real, fake, rng) + r2(discriminator, real, fake, rng)


def wasserstein_gp(discriminator: Judge, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    """(slope - 1)^2 between real and fake records, Gulrajani et al. 2017 (arXiv 1704.00028)."""
    shape = (len(real),) + (1,) * (real.dim() - 1)
    mix = torch.rand(shape, generator=rng, device=real.device, dtype=real.dtype)
    slope = (_squared_slope(discriminator, torch.lerp(real, fake, mix)) + 1e-12).sqrt()
    return (slope - 1).square().mean()


PENALTIES: dict[str, Penalty] = {"wasserstein_gp": wasserstein_gp, "r1": r1, "r2": r2, "r1_r2": r1_r2}


def lazily(interval: int, step: int) -> float:
    """Factor for a term computed only every ``interval``-th step: ``interval`` on its turn, otherwise 0."""
    return float(interval) if step % interval == 0 else 0.0
