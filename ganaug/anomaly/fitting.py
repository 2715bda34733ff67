"""From normal records to what a detector learns from: references, landmarks, a ladder of noise."""

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from ganaug.anomaly.ladder import Ladder, Rungs, add_noise, noise_levels
from ganaug.anomaly.memory import Memory
from ganaug.anomaly.view import View

N_LEVELS = 9
_N_LANDMARKS = 64
_N_COPIES = (8_000, 40_000)
_COPIES_PER_RECORD = 12
_MOST_NUMBERS = 60_000_000
"""Numbers in all noisy copies together: fewer copies of wide records."""
_SPACING_SAMPLE = 2_000
_SMALLEST_CLUSTER = 3
"""A landmark that stands for fewer records would be one of them."""


def make_view(records: Tensor, memory_size: int | None, rng: torch.Generator, landmarks: Tensor | None = None) -> View:
    """Choose references and landmarks (where none are given) among ``records``, and learn what is usual.

    ``memory_size`` None keeps no record: the landmarks are then centers of clusters.
    """
    if memory_size is None:
        return View(_find_centers(records, rng), None).fit(records)
    n_landmarks = max(1, min(_N_LANDMARKS, len(records) // 4))
    landmarks = records[torch.randperm(len(records), generator=rng)[:n_landmarks], :-1]
    references = torch.randperm(len(records), generator=rng)[:memory_size]
    return View(landmarks, Memory(records[references])).fit(records)


def _find_centers(records: Tensor, rng: torch.Generator) -> Tensor:
    """Return means of clusters of records, none of which has so few members that it gives one of them away."""
    points = records[:, :-1].numpy()
    n_clusters = max(1, min(_N_LANDMARKS, len(points) // 10))
    seed = int(torch.randint(2**31 - 1, (1,), generator=rng))
    clusters = KMeans(n_clusters, n_init=1, max_iter=30, random_state=seed).fit(points)
    sizes = torch.bincount(torch.from_numpy(clusters.labels_).long(), minlength=n_clusters)
    centers = torch.from_numpy(clusters.cluster_centers_).double()
    kept = sizes >= _SMALLEST_CLUSTER
    return centers[kept] if kept.any() else records[:, :-1].mean(dim=0, keepdim=True)


def make_ladder(records: Tensor, view: View, folds: Tensor, rng: torch.Generator) -> Ladder:
    """Return what each head is shown: ``records``, and noisy copies of them."""
    n_coordinates = records.shape[1] - 1
    low, high = _N_COPIES
    wanted = max(low, _COPIES_PER_RECORD * len(records))
    n_copies = max(1, int(min(high, wanted, _MOST_NUMBERS / max(n_coordinates, 64))) // 2)
    # Without a memory to keep, a passing one still says how far neighbors are.
    memory = view.memory
    if memory is None:
        memory = Memory(records[torch.randperm(len(records), generator=rng)[:_SPACING_SAMPLE]])
    equal = memory.find_equal(records)
    spacing, _ = memory.find_neighbors(records, equal)
    local = spacing[:, memory.place(5)] / memory.spacing
    levels = noise_levels(memory.spacing, n_coordinates, N_LEVELS)
    normal = view.of(records, equal).float()
    rungs = {}
    for head in view.n_inputs:
        # Where records lie close together, the "record" head learns about smaller steps away from them.
        copies, rung, sources = add_noise(records, levels, n_copies, rng, local if head == "record" else None)
        rungs[head] = Rungs(normal, view.of(copies, equal[sources]).float(), rung, sources)
    return Ladder(rungs, folds)
