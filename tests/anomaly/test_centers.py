"""Centers of clusters, which give no record away."""

import numpy as np
import pytest
import torch

from ganaug.anomaly.centers import Centers, find_centers


@pytest.fixture
def records():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(400, 3)) + 20 * rng.integers(0, 2, (400, 1)))


@pytest.fixture
def centers(records):
    return Centers.learn(records, torch.arange(400) % 4, seed=0)


def test_no_center_is_a_record(records, centers):
    assert torch.cdist(centers.references, records).min() > 1e-9
    found, radii = find_centers(np.vstack([records.numpy(), [[500.0, 0.0, 0.0]]]), seed=0)
    assert np.abs(found).max() < 200  # a cluster of one would be that one
    assert len(found) == len(radii) and (radii > 0).all()


def test_features_rise_with_the_distance(centers):
    ray = torch.linspace(25, 200, 30, dtype=torch.float64)[:, None] * torch.ones(1, 3, dtype=torch.float64)
    features = centers.features(ray)
    assert features.shape == (30, centers.n_features) and (features.diff(dim=0) > 0).all()
    nearest = torch.cdist(ray, centers.references).sort(dim=1).values[:, : centers.n_nearest]
    assert torch.allclose(features[:, : centers.n_nearest], torch.log(nearest + centers.damping))


def test_a_record_is_judged_by_centers_that_others_made(records, centers):
    folds = centers.own(records, torch.arange(400) % 4)
    without = Centers(*map(torch.from_numpy, find_centers(records[folds != 1].numpy(), seed=0)))
    own = centers.features(records, folds)
    assert torch.equal(own[folds == 1], without.features(records[folds == 1]))
    assert own[:, 0].mean() > centers.features(records)[:, 0].mean()  # their own centers are nearer
    centers.forget()
    assert centers.recognize(records) is None and not centers._without


def test_rows_do_not_depend_on_each_other(records, centers):
    features = centers.features(records)
    assert torch.equal(centers.features(records[7:8]), features[7:8])
    assert torch.equal(centers.features(records.flip(0)).flip(0), features)


@pytest.mark.parametrize("n_records", [2, 3, 6, 20])
def test_few_records(n_records, records):
    centers = Centers.learn(records[:n_records], torch.arange(n_records) % 4, seed=0)
    assert torch.isfinite(centers.features(records)).all()
    assert torch.isfinite(centers.features(records[:n_records], torch.arange(n_records) % 4)).all()
