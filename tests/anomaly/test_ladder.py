"""Noise of rising levels, and batches in which a member never meets its own fold."""

import pytest
import torch

from ganaug.adversarial import make_generator
from ganaug.anomaly.ladder import Ladder, LadderBatches, Rungs, add_noise, noise_levels


def test_levels_rise_from_half_the_spacing_to_ten():
    levels = noise_levels(spacing=0.8, n_coordinates=4, n_levels=9)
    assert levels[0] == pytest.approx(0.2) and levels[-1] == pytest.approx(10.0)
    ratios = levels[1:] / levels[:-1]
    assert torch.allclose(ratios, ratios[0].expand(8))
    assert noise_levels(1e-9, 4, 9)[0] == pytest.approx(0.02)  # repeated records


def test_noise_has_the_size_of_its_level_and_leaves_some_coordinates_alone():
    records = torch.zeros(10, 7, dtype=torch.float64)
    levels = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    copies, rungs, sources = add_noise(records, levels, 6_000, make_generator(0))
    assert set(rungs.tolist()) == {1, 2, 3} and sources.max() < 10
    assert (copies[:, -1] == 0).all()  # no network learns about the count of strange values
    for rung, size in enumerate(levels.tolist(), start=1):
        noise = copies[rungs == rung, :-1]
        touched = noise != 0
        assert touched.any(dim=1).all() and 0.5 < touched.double().mean() < 0.85
        assert float(noise[touched].std()) == pytest.approx(size, rel=0.05)


def test_local_noise_follows_the_spacing_of_the_source():
    records = torch.zeros(2, 3, dtype=torch.float64)
    local = torch.tensor([0.5, 2.0], dtype=torch.float64)
    copies, _, sources = add_noise(records, torch.ones(1, dtype=torch.float64), 20_000, make_generator(0), local)
    sizes = [copies[sources == row, :-1].square().mean().sqrt() for row in (0, 1)]
    assert float(sizes[1] / sizes[0]) == pytest.approx(4.0, rel=0.05)


def make_ladder(n_records=40, n_copies=200):
    """Views hold the row that they come from, so that a test can see it."""
    normal = torch.arange(n_records, dtype=torch.float32)[:, None]
    sources = torch.arange(n_copies) % n_records
    rungs = Rungs(normal, normal[sources], 1 + torch.arange(n_copies) % 3, sources)
    return Ladder({"memory": rungs, "record": rungs}, torch.arange(n_records) % 4)


def test_a_member_meets_neither_the_records_of_its_fold_nor_their_copies():
    batches = LadderBatches(make_ladder(), 4, 50, make_generator(0), torch.device("cpu"))
    assert batches.steps_per_epoch == 8
    met = [set() for _ in range(8)]
    for _ in range(60):
        batch = next(batches)
        assert batch.real.shape == (8, 50, 1) and batch.conditions.shape == (8, 50)
        assert (batch.conditions[:, :5] == 0).all() and (batch.conditions[:, 5:] > 0).all()
        for member in range(8):
            met[member] |= set(batch.real[member, :, 0].int().tolist())
    for member, rows in enumerate(met):
        assert rows == {row for row in range(40) if row % 4 != member % 4}


def test_one_member_meets_everything():
    ladder = Ladder(make_ladder().rungs, torch.zeros(40, dtype=torch.int64))
    batches = LadderBatches(ladder, 1, 256, make_generator(0), torch.device("cpu"))
    rows = {row for _ in range(40) for row in next(batches).real.flatten().int().tolist()}
    assert rows == set(range(40))


def test_batches_go_on_from_a_state():
    first, second = (LadderBatches(make_ladder(), 4, 20, make_generator(0), torch.device("cpu")) for _ in range(2))
    next(first)
    second.load_state_dict(first.state_dict())
    assert torch.equal(next(first).real, next(second).real)
