import numpy as np
import torch

from ganaug.adversarial import TensorRecords
from ganaug.images.clusters import Clusters, find_clusters


def make_records(n_images=120):
    """Images of three clearly different kinds, in turn."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(n_images, 1, 8, 8, generator=rng) * 0.1
    kinds = torch.arange(n_images) % 3
    for kind, part in enumerate((slice(0, 3), slice(3, 6), slice(6, 8))):
        images[kinds == kind, :, part] += 0.8
    return TensorRecords(images), kinds


def test_kinds_that_nobody_named_are_found():
    records, kinds = make_records()
    clusters, found = find_clusters(records, None, 3, seed=0)
    assert len(clusters) == 3 and clusters.classes.tolist() == [0, 0, 0]
    for cluster in range(3):
        assert len(kinds[found == cluster].unique()) == 1
    assert np.allclose(clusters.shares, np.bincount(found) / 120) and np.isclose(clusters.shares.sum(), 1)


def test_clusters_stay_within_classes_and_follow_their_sizes():
    records, kinds = make_records()
    labels = (kinds == 2).long()  # class 0 has two kinds, class 1 has one
    clusters, found = find_clusters(records, labels, 3, seed=0)
    assert clusters.classes.tolist() == [0, 0, 1]
    assert torch.equal(torch.from_numpy(clusters.classes)[found], labels)
    single, found = find_clusters(records, labels, 1, seed=0)  # each class has one at least
    assert single.classes.tolist() == [0, 1] and torch.equal(found, labels)


def test_the_same_seed_gives_the_same_clusters():
    records, _ = make_records()
    assert torch.equal(find_clusters(records, None, 10, 3)[1], find_clusters(records, None, 10, 3)[1])


def test_more_clusters_than_images_do_no_harm():
    records, _ = make_records(5)
    clusters, found = find_clusters(records, None, 50, seed=0)
    assert len(clusters) <= 5 and len(found) == 5


def test_clusters_are_drawn_by_their_shares_and_within_classes():
    clusters = Clusters(np.array([0.5, 0.3, 0.2]), np.array([0, 1, 0]))
    chances = torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = torch.bincount(clusters.draw(None, chances)) / 20_000
    assert np.allclose(drawn, clusters.shares, atol=0.02)
    classes = torch.arange(20_000) % 2
    drawn = clusters.draw(classes, chances)
    assert torch.equal(torch.from_numpy(clusters.classes)[drawn], classes)
    assert abs(float((drawn[classes == 0] == 0).double().mean()) - 5 / 7) < 0.02
    assert clusters.draw(None, torch.tensor([0.0, 1.0 - 1e-17])).tolist() == [0, 2]


def test_an_image_is_real_if_it_is_one_of_some_cluster():
    clusters = Clusters(np.array([0.5, 0.5]), np.array([0, 1]))
    logits = torch.tensor([[3.0, -3.0], [-3.0, 3.0], [-3.0, -3.0]], dtype=torch.float64)
    judged = clusters.judge(logits)
    assert judged[0] == judged[1] > judged[2]
    assert clusters.judge(logits, torch.tensor([0, 0, 0])).tolist() == logits[:, 0].tolist()
    assert clusters.guess(logits).tolist()[:2] == [0, 1]
    assert clusters.guess(logits, torch.tensor([1, 1, 1])).tolist() == [1, 1, 1]
