import random

import numpy as np
import torch

from ganaug.adversarial import derive_seed, isolated_rng, make_generator


def test_streams_are_named_and_differ():
    seeds = {derive_seed(0, name) for name in ("weights", "batches", "play", 1, 2)} | {derive_seed(1, "weights")}
    assert len(seeds) == 6
    first, again = (torch.rand(3, generator=make_generator(7, "a")) for _ in range(2))
    assert torch.equal(first, again)


def test_isolated_rng_seeds_inside_and_restores_outside():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with isolated_rng(1):
        first = torch.rand(2)
    with isolated_rng(1):
        assert torch.equal(first, torch.rand(2))
    assert torch.equal(expected, torch.rand(2))


def test_training_leaves_the_global_generators_alone():
    from toys import make_game, make_trainer

    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    make_trainer(make_game()).train()
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all() and before[2] == random.getstate()
