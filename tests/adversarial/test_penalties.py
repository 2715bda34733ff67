import pytest
import torch

from ganaug.adversarial import PENALTIES, make_generator
from ganaug.adversarial.penalties import lazily

WEIGHT = torch.tensor([3.0, 4.0])  # slope of norm 5 everywhere


def linear(records):
    return records @ WEIGHT


@pytest.mark.parametrize(("name", "expected"), [("r1", 12.5), ("r2", 12.5), ("r1_r2", 25.0), ("wasserstein_gp", 16.0)])
def test_values_on_a_plane(name, expected):
    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    value = PENALTIES[name](linear, real, fake, make_generator(0))
    assert float(value.detach()) == pytest.approx(expected, rel=1e-5)


def test_r1_looks_at_real_and_r2_at_fake():
    steep = lambda records: 0.5 * records.square().sum(dim=1)  # noqa: E731  slope = the record itself
    real, fake = torch.full((3, 2), 2.0), torch.zeros(3, 2)
    assert float(PENALTIES["r1"](steep, real, fake, make_generator(0)).detach()) == pytest.approx(4.0)
    assert float(PENALTIES["r2"](steep, real, fake, make_generator(0)).detach()) == 0.0


def test_gradients_reach_the_discriminator():
    weight = WEIGHT.clone().requires_grad_(True)
    PENALTIES["r1"](
        lambda records: records @ weight, torch.randn(5, 2), torch.randn(5, 2), make_generator(0)
    ).backward()
    assert torch.allclose(weight.grad, WEIGHT)  # d (|w|^2 / 2) / d w = w


def test_penalties_stay_in_float32_under_autocast():
    layer = torch.nn.Linear(2, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = PENALTIES["r1"](
            lambda records: layer(records).squeeze(1), torch.randn(4, 2), torch.randn(4, 2), make_generator(0)
        )
    assert value.dtype == torch.float32
    assert float(value.detach()) == pytest.approx(float(0.5 * layer.weight.detach().square().sum()), rel=1e-6)


def test_lazy_penalties_keep_their_mean_strength():
    assert [lazily(4, step) for step in range(8)] == [4.0, 0.0, 0.0, 0.0] * 2
    assert sum(lazily(3, step) for step in range(9)) / 9 == 1.0
