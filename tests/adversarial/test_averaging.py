import torch
from torch import nn

from ganaug.adversarial import Averager


def test_average_follows_with_warm_up_buffers_too():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    averager = Averager(module, decay=0.9)
    start = module[0].weight.detach().clone()
    with torch.no_grad():
        module[0].weight += 1.0
        module[1].running_mean += 5.0
        module[1].num_batches_tracked += 3
    averager.update(module, step=0)  # decay min(.9, 1/10)
    assert torch.allclose(averager.module[0].weight, start + 0.9)
    assert torch.allclose(averager.module[1].running_mean, torch.full((2,), 4.5))
    assert int(averager.module[1].num_batches_tracked) == 3
    averager.update(module, step=10**6)  # decay .9
    assert torch.allclose(averager.module[0].weight, start + 0.9 + 0.1 * 0.1)
    assert not any(weight.requires_grad for weight in averager.module.parameters())


def test_no_decay_is_the_newest():
    module = nn.Linear(2, 2)
    averager = Averager(module, decay=0.0)
    with torch.no_grad():
        module.weight += 1.0
    averager.update(module, step=50)
    assert torch.allclose(averager.module.weight, module.weight)
