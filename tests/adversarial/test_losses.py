import math

import pytest
import torch

from ganaug.adversarial import LOSSES

REAL, FAKE = torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 0.5])
LN2 = math.log(2.0)


def softplus(value):
    return math.log1p(math.exp(value))


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        (
            "minimax",
            (softplus(-2) + softplus(-1)) / 2 + (softplus(-1) + softplus(0.5)) / 2,
            -(softplus(-1) + softplus(0.5)) / 2,
        ),
        (
            "non_saturating",
            (softplus(-2) + softplus(-1)) / 2 + (softplus(-1) + softplus(0.5)) / 2,
            (softplus(1) + softplus(-0.5)) / 2,
        ),
        ("least_squares", 0.5 * (0.5 + 0.625), 0.5 * (4 + 0.25) / 2),
        ("hinge", 0.0 + (0.0 + 1.5) / 2, 0.25),
        ("wasserstein", -0.25 - 1.5, 0.25),
        ("relativistic", (softplus(-3) + softplus(-0.5)) / 2, (softplus(3) + softplus(0.5)) / 2),
    ],
)
def test_values_by_hand(name, discriminator, generator):
    loss = LOSSES[name]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(discriminator, rel=1e-5)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(generator, rel=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_signs(name):
    """The discriminator gains by telling apart, the generator by looking real."""
    loss = LOSSES[name]
    apart = loss.discriminator(torch.full((4,), 0.9), torch.full((4,), -0.9))
    mixed = loss.discriminator(torch.full((4,), -0.9), torch.full((4,), 0.9))
    assert apart < mixed
    fake = torch.zeros(4, requires_grad=True)
    loss.generator(torch.zeros(4), fake).backward()
    assert (fake.grad < 0).all()  # a step down the loss raises the fakes' logits


def test_minimax_saturates_where_non_saturating_does_not():
    slopes = {}
    for name in ("minimax", "non_saturating"):
        fake = torch.tensor([-8.0], requires_grad=True)
        LOSSES[name].generator(torch.zeros(1), fake).backward()
        slopes[name] = float(fake.grad.abs())
    assert slopes["minimax"] < 1e-3 < 0.9 < slopes["non_saturating"]
