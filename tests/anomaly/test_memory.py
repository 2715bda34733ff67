"""What neighbors say of a record."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from ganaug.anomaly.memory import Memory


@pytest.fixture
def references():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(300, 4)))


def test_neighbors_are_those_of_scikit_learn(references):
    memory = Memory(references)
    records = torch.from_numpy(np.random.default_rng(1).normal(size=(70, 4)))
    distances, places = memory.find_neighbors(records)
    wanted, where = NearestNeighbors(n_neighbors=50).fit(references).kneighbors(records)
    assert np.allclose(distances, wanted) and (places.numpy() == where).all()


def test_a_reference_is_judged_as_if_it_had_not_been_in_the_memory(references):
    whole, without = Memory(references), Memory(references[1:])
    assert whole.recognize(references[:3]).tolist() == [0, 1, 2]
    left, gone = whole.find_neighbors(references[:1]), without.find_neighbors(references[:1])
    assert torch.allclose(left[0], gone[0]) and left[0].min() > 0
    assert (left[1] - 1 == gone[1]).all()


def test_of_repeated_records_one_is_left_out(references):
    memory = Memory(torch.cat([references, references[:1], -0.0 * references[:1]]))
    distances, places = memory.find_neighbors(references[:1])
    assert distances[0, 0] < 1e-6 and places[0, 0] == 300
    assert memory.recognize(torch.zeros(1, 4).double()).tolist() == [301]  # 0.0 equals -0.0


def test_a_named_reference_is_left_out_for_a_record_that_equals_none(references):
    memory = Memory(references)
    noisy = references[:1] + 1e-3
    assert memory.find_neighbors(noisy)[1][0, 0] == 0
    assert memory.find_neighbors(noisy, torch.tensor([0]))[1][0, 0] != 0


def test_features_rise_with_the_distance_and_depend_on_no_other_record(references):
    memory = Memory(references)
    ray = torch.linspace(0, 20, 40, dtype=torch.float64)[:, None] * torch.ones(1, 4, dtype=torch.float64)
    features = memory.features(ray)
    assert features.shape == (40, memory.n_features)
    far = features[10:]
    assert (far.diff(dim=0)[:, :5] > 0).all()  # log distances
    many = torch.cat([references.flip(0), ray])
    assert torch.equal(memory.features(many)[-40:], features)
    assert torch.equal(torch.cat([memory.features(row[None]) for row in ray]), features)


@pytest.mark.parametrize("n_references", [2, 3, 5, 7])
def test_a_handful_of_references_is_enough(n_references, references):
    features = Memory(references[:n_references]).features(references)
    assert torch.isfinite(features).all()


def test_constant_records_give_finite_features():
    assert torch.isfinite(Memory(torch.zeros(30, 3, dtype=torch.float64)).features(torch.ones(2, 3).double())).all()
