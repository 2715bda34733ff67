"""Parts of images, pairs of domains, and what becomes of images before they are learned from."""

import numpy as np
import pytest
import torch

from ganaug.adversarial import Batch, make_generator
from ganaug.images.anysize import Pictures
from ganaug.images.degrading import degrade, vary
from ganaug.images.history import FakeHistory
from ganaug.images.patches import PairOfDomains, PatchBatches, Patches, UnpairedBatches

CPU = torch.device("cpu")


def make_pictures(*sizes):
    """Images in which each pixel tells where it is."""
    return Pictures([np.add.outer(np.arange(h) * 40.0, np.arange(w))[None] for h, w in sizes], 0.0, 2000.0, False)


def make_batches(records, size=4, seed=0):
    return PatchBatches(records, size, make_generator(seed), CPU)


def test_parts_come_as_often_as_they_fit_and_lie_anywhere():
    records = Patches(make_pictures((8, 8), (16, 24)), 8)
    assert records.owners.tolist() == [0, 1, 1, 1, 1, 1, 1]
    batches = make_batches(records, 7)
    corners = {float(corner) for _ in range(200) for corner in next(batches).real[:, 0, 0, 0]}
    assert len(corners) > 120  # of 9 x 17 places


def test_a_part_of_a_pair_shows_the_same_on_both_sides():
    large = make_pictures((24, 36))
    small = Pictures([degrade(torch.from_numpy(large.pixels[0][None]), 3, "area")[0].numpy()], 0.0, 2000.0, False)
    batch = next(make_batches(Patches(large, 9, small, 3), 6))
    assert batch.source.shape == (6, 1, 3, 3)
    assert torch.allclose(degrade(batch.real, 3, "area"), batch.source, atol=1e-6)


def test_a_stream_of_parts_goes_on_where_it_stood():
    records = Patches(make_pictures((20, 20), (16, 30)), 8)
    batches = make_batches(records)
    next(batches)
    state = batches.state_dict()
    following = [next(batches).real for _ in range(5)]
    other = make_batches(records, seed=9)
    other.load_state_dict(state)
    assert all(torch.equal(next(other).real, batch) for batch in following)


def test_each_domain_is_shuffled_by_itself():
    domains = PairOfDomains(Patches(make_pictures(*[(8, 8)] * 12), 8), Patches(make_pictures(*[(8, 8)] * 5), 8))
    batches = UnpairedBatches(domains, 4, 0, CPU)
    assert len(domains) == 12 and batches.steps_per_epoch == 3
    assert next(batches).source.shape == next(batches).real.shape == (4, 1, 8, 8)
    state = batches.state_dict()
    following = next(batches)
    batches.load_state_dict(state)
    again = next(batches)
    assert torch.equal(again.real, following.real) and torch.equal(again.source, following.source)
    assert len(domains.take(torch.arange(12))) == 12  # the smaller domain begins anew


@pytest.mark.parametrize("kind", ["area", "bicubic", "blur_noise"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_images_lie_over_the_middle_of_the_large_ones(kind, scale):
    ramp = torch.linspace(-0.8, 0.8, 12 * scale).expand(4, 1, 12 * scale, -1).contiguous()
    small = degrade(ramp, scale, kind, make_generator(0))
    expected = ramp.unflatten(3, (12, scale)).mean(dim=4)[:, :, :12]
    inner = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    assert small.shape == (4, 1, 12, 12)
    assert (small - expected)[inner].mean(dim=(2, 3)).abs().max() < 0.02


def test_images_are_varied_together_with_their_small_versions():
    rng = np.random.default_rng(0)
    real = torch.from_numpy(rng.uniform(-1, 1, (32, 4, 8, 8))).float()
    batch = Batch(real, source=degrade(real, 2, "area"))
    shapes = set()
    for seed in range(20):
        varied = vary(batch, make_generator(seed))
        assert torch.allclose(degrade(varied.real, 2, "area"), varied.source, atol=1e-6)
        assert torch.allclose(varied.real[:, 3].mean(dim=(1, 2)), real[:, 3].mean(dim=(1, 2)), atol=1e-6)  # not alpha
        shapes.add(float(varied.real[0, :3].abs().flatten()[0]))
    assert len(shapes) > 5
    same = vary(batch, make_generator(3)), vary(batch, make_generator(3))
    assert torch.equal(same[0].real, same[1].real)


def test_history_shows_earlier_fakes_in_place_of_some():
    history, rng = FakeHistory(8, (1,)), make_generator(0)
    for step in range(2):  # filled up first, and all of them are shown
        fakes = torch.arange(4.0)[:, None] + 10 * step
        assert torch.equal(history.exchange(fakes, rng), fakes)
    shown = torch.cat([history.exchange(torch.arange(4.0)[:, None] + 10 * step, rng) for step in range(2, 40)])
    steps = torch.arange(2, 40).repeat_interleave(4)
    is_earlier = shown[:, 0] // 10 < steps
    assert 0.35 < is_earlier.float().mean() < 0.65
    assert set(history.state_dict()) == {"fakes", "n_seen"}
    assert torch.equal(FakeHistory(0, (1,)).exchange(shown, rng), shown)
