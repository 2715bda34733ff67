"""The adversarial losses: what each player minimizes, as free functions on logits.

Every loss is a pair ``(discriminator_loss, generator_loss)``, and both take ``(real_logits, fake_logits)``:
the discriminator's opinion before any sigmoid, higher = more real. A new loss is two small functions and
one line in ``LOSSES``.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

LogitLoss = Callable[[Tensor, Tensor], Tensor]


class AdversarialLoss(NamedTuple):
    """The two sides of one game."""

    discriminator: LogitLoss
    generator: LogitLoss
    needs_real: bool = False
    """Whether the generator's side looks at the real logits too."""


def cross_entropy_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), Goodfellow et al. 2014 (arXiv 1406.2661)."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def minimax_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """log(1 - D(fake)): the paper's own game; saturates where the discriminator is sure."""
    return -softplus(fake_logits).mean()


def non_saturating_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(fake): the same fixed point with gradients that don't vanish; the paper's advice."""
    return softplus(-fake_logits).mean()


def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(D(real) - 1)^2 / 2 + D(fake)^2 / 2, Mao et al. 2017 (arXiv 1611.04076)."""
    return 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())


def least_squares_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(D(fake) - 1)^2 / 2."""
    return 0.5 * (fake_logits - 1).square().mean()


def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)), Lim & Ye 2017 (arXiv 1705.02894)."""
    return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()


def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """D(fake) - D(real), Arjovsky et al. 2017 (arXiv 1701.07875); wants a gradient penalty."""
    return fake_logits.mean() - real_logits.mean()


def wasserstein_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-D(fake)."""
    return -fake_logits.mean()


def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(real) - D(fake)), in pairs, Jolicoeur-Martineau 2018 (arXiv 1807.00734)."""
    return softplus(fake_logits - real_logits).mean()


def relativistic_generator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(fake) - D(real)): fakes should look *more* real than the real ones they are paired with."""
    return softplus(real_logits - fake_logits).mean()


LOSSES: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(cross_entropy_discriminator, minimax_generator),
    "non_saturating": AdversarialLoss(cross_entropy_discriminator, non_saturating_generator),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator),
    "hinge": AdversarialLoss(hinge_discriminator, wasserstein_generator),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, wasserstein_generator),
    "relativistic": AdversarialLoss(relativistic_discriminator, relativistic_generator, needs_real=True),
}
