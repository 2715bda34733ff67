"""From normal records to what a detector learns from: references or centers, and a ladder of noise."""

import torch
from torch import Tensor

from ganaug.anomaly.centers import Centers
from ganaug.anomaly.ladder import Ladder, Rungs, add_noise, noise_levels
from ganaug.anomaly.memory import Memory
from ganaug.anomaly.view import View

N_LEVELS = 9
_N_COPIES = (8_000, 40_000)
_COPIES_PER_RECORD = 12
_MOST_NUMBERS = 12_000_000
"""Numbers in all noisy copies together: fewer copies of wide records."""
_SPACING_SAMPLE = 2_000


def make_view(records: Tensor, memory_size: int | None, folds: Tensor, rng: torch.Generator) -> View:
    """Choose references among ``records``, or make centers where ``memory_size`` is None; learn what is usual."""
    neighborhood: Memory | Centers
    if memory_size is None:
        neighborhood = Centers.learn(records, folds, int(torch.randint(2**31 - 1, (1,), generator=rng)))
    else:
        neighborhood = Memory(records[torch.randperm(len(records), generator=rng)[:memory_size]])
    return View(neighborhood).fit(records, neighborhood.own(records, folds))


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
    distances, _ = memory.find_neighbors(records)
    local = distances[:, memory.place(5)] / memory.spacing
    levels = noise_levels(memory.spacing, n_coordinates, N_LEVELS)
    own = view.neighborhood.own(records, folds)
    normal = view.of(records, own).float()
    rungs = {}
    for head in view.n_inputs:
        # Where records lie close together, the "record" head learns about smaller steps away from them.
        copies, rung, sources = add_noise(records, levels, n_copies, rng, local if head == "record" else None)
        rungs[head] = Rungs(normal, view.of(copies, own[sources]).float(), rung, sources)
    return Ladder(rungs, folds)
