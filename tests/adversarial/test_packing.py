import torch
from torch import nn

from ganaug.adversarial import PackedDiscriminator


def test_packs_hold_neighboring_records_and_wrap_around():
    packed = PackedDiscriminator(nn.Identity(), pac=3)
    records = torch.arange(10).view(5, 2)
    assert packed(records).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 0, 1]]


def test_images_are_joined_along_channels_and_conditions_too():
    packed = PackedDiscriminator(nn.Identity(), pac=2)
    assert packed(torch.zeros(4, 3, 8, 8)).shape == (2, 6, 8, 8)
    seen = []
    PackedDiscriminator(lambda records, labels: seen.append(labels) or records, 2)(torch.zeros(4, 3), torch.arange(4))
    assert seen[0].tolist() == [[0, 1], [2, 3]]
