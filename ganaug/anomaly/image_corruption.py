"""Corrupted images: what an image detector's discriminator learns to see, and how much of it.

Each kind takes images (n, channels, height, width) in [-1, 1] and strengths (n, 1, 1, 1) in (0, 1], one per image, and
draws from ``rng`` alone.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, max_pool2d, pad

N_LEVELS = 5
_WEAKEST, _STRONGEST = 0.05, 1.0
_LOCAL_CONTRAST = 0.06
"""A spot where nothing changes by so much is no defect: where a black corner is pasted on black, nothing is to be
found."""
_LOCAL_KINDS = 5


def corrupt(images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images corrupted in every kind by turns, and the class (n,) of each: 1 to kinds x levels."""
    spoilt, classes = [], []
    for place, (kind, some) in enumerate(zip(KINDS.values(), images.tensor_split(len(KINDS)), strict=True)):
        levels = torch.randint(1, N_LEVELS + 1, (len(some),), generator=rng, device=some.device)
        if len(some):
            spoilt.append(kind(some, (levels / N_LEVELS).view(-1, 1, 1, 1), rng))
        classes.append(levels + place * N_LEVELS)
    return torch.cat(spoilt), torch.cat(classes)


def spoil_locally(images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images with one small defect each, and where it is, (n, 1, height, width): 1 in it, 0 elsewhere."""
    mask = _draw_spots(images, rng)
    content = []
    for place, some in enumerate(images.tensor_split(_LOCAL_KINDS)):
        if len(some):
            content.append(_draw_content(some, images, place, rng).clamp(-1, 1).expand_as(some))
    spoilt = torch.lerp(images, torch.cat(content), mask)
    change = (spoilt - images).abs().mean(dim=1, keepdim=True)
    is_seen = max_pool2d(change, 3, 1, 1) > _LOCAL_CONTRAST
    return spoilt, ((mask > 0.3) & is_seen).float()


def draw_smooth(n_images: int, n_channels: int, size: Sequence[int], n_cells: int, rng: torch.Generator) -> Tensor:
    """Return smooth random fields (n_images, n_channels, height, width) with about ``n_cells`` waves a side."""
    knots = torch.randn(n_images, n_channels, n_cells + 1, n_cells + 1, generator=rng, device=rng.device)
    return interpolate(knots, list(size), mode="bicubic", align_corners=True)


def add_noise(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Add white noise, in all of an image or in some of it."""
    reach = draw_smooth(len(images), 1, images.shape[2:], 3, rng)
    threshold = 0.7 * torch.randn(len(images), 1, 1, 1, generator=rng, device=rng.device) - 0.7
    return images + (reach > threshold) * _randn_like(images, rng) * _amplitude(strength)


def add_shade(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Add smooth noise: spots that are lighter or darker."""
    field = draw_smooth(len(images), images.shape[1], images.shape[2:], _draw_whole(2, 5, rng), rng)
    return images + 1.2 * _amplitude(strength) * field


def bend(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Move each pixel by a smooth field."""
    flow = draw_smooth(len(images), 2, images.shape[2:], _draw_whole(1, 4, rng), rng) * 0.6 * _amplitude(strength)
    return _warp(images, _still(images) + flow.permute(0, 2, 3, 1))


def tilt(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Scale, turn, shear and shift."""
    change = torch.randn(len(images), 2, 3, generator=rng, device=rng.device) * 0.6 * _amplitude(strength)[:, :, :, 0]
    change[:, :, 2] *= 0.7
    change += torch.eye(2, 3, device=images.device)
    return _warp(images, affine_grid(change, list(images.shape), align_corners=False))


def splice(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Put a piece of another image, shifted, in the place of one."""
    height, width = images.shape[2:]
    way = _draw_whole(-(height // 3), height // 3, rng), _draw_whole(-(width // 3), width // 3, rng)
    return torch.lerp(images, shift(_others(images, rng), *way), _draw_blobs(images, strength, rng))


def erase(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Fill pieces with one color, or with smooth colors."""
    chance = float(torch.rand(1, generator=rng, device=rng.device))
    if chance < 0.3:
        filling = images.mean(dim=(2, 3), keepdim=True)
    elif chance < 0.65:
        filling = images.amin(dim=(2, 3), keepdim=True)
    else:
        filling = draw_smooth(len(images), images.shape[1], images.shape[2:], 2, rng).clamp(-1, 1)
    return torch.lerp(images, filling.expand_as(images), _draw_blobs(images, strength, rng))


KINDS: dict[str, Callable[[Tensor, Tensor, torch.Generator], Tensor]] = {
    "noise": add_noise,
    "shade": add_shade,
    "bend": bend,
    "tilt": tilt,
    "splice": splice,
    "erase": erase,
}


def shift(images: Tensor, down: int, right: int) -> Tensor:
    """Move images; what leaves at one edge is mirrored in at the other."""
    height, width = images.shape[2:]
    wide = pad(images, (abs(right), abs(right), abs(down), abs(down)), mode="reflect")
    return wide[:, :, abs(down) - down :, abs(right) - right :][:, :, :height, :width]


def orientations(height: int, width: int) -> list[Callable[[Tensor], Tensor]]:
    """Return the ways in which an image may be turned or mirrored without changing its size, the first being none."""
    turns = range(4) if height == width else (0, 2)
    ways: list[Callable[[Tensor], Tensor]] = []
    for is_mirrored in (False, True):
        ways += [partial(_turn, n_quarters=turn, is_mirrored=is_mirrored) for turn in turns]
    return ways


def _turn(images: Tensor, n_quarters: int, is_mirrored: bool) -> Tensor:
    turned = torch.rot90(images, n_quarters, (2, 3))
    return turned.flip(3) if is_mirrored else turned


def _draw_content(some: Tensor, images: Tensor, kind: int, rng: torch.Generator) -> Tensor:
    """Return what is seen in the defects of ``some``."""
    chance = float(torch.rand(1, generator=rng, device=rng.device))
    if kind < 2:
        height, width = some.shape[2:]
        way = _draw_whole(-(height // 3), height // 3, rng), _draw_whole(-(width // 3), width // 3, rng)
        lent = shift(_others(images, rng)[: len(some)], *way)
        return lent if kind == 0 else lent.flip(3 if chance < 0.5 else 2)
    channels = (len(some), some.shape[1], 1, 1)
    if kind == 2:  # another tint
        return some + 0.7 * torch.randn(channels, generator=rng, device=rng.device)
    if kind == 3:
        return some + _randn_like(some, rng) * math.exp(-2.5 * chance)
    if chance < 0.3:
        return avg_pool2d(some, 5, 1, 2, count_include_pad=False)
    return 2 * torch.rand(channels, generator=rng, device=rng.device) - 1


def _draw_spots(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return masks (n, 1, height, width) in [0, 1] of ellipses, rectangles and scratches, hard-edged or soft."""
    n_images, (height, width) = len(images), images.shape[2:]

    def draw() -> Tensor:
        return torch.rand(n_images, 1, 1, generator=rng, device=rng.device)

    row, column, angle = draw() * height, draw() * width, draw() * math.pi
    size = 1.2 * (max(height, width) / 3.6) ** draw()
    aspect = torch.exp(0.7 * torch.randn(n_images, 1, 1, generator=rng, device=rng.device))
    down = torch.arange(height, device=images.device).view(1, -1, 1) + 0.5 - row
    right = torch.arange(width, device=images.device).view(1, 1, -1) + 0.5 - column
    along = (down * angle.cos() + right * angle.sin()) / (size * aspect).clamp_min(0.8)
    across = (right * angle.cos() - down * angle.sin()) / (size / aspect).clamp_min(0.8)
    distance = torch.where(draw() < 0.5, torch.hypot(along, across), torch.maximum(along.abs(), across.abs()))
    sharpness = torch.where(draw() < 0.5, 30.0, 5.0)
    return ((1 - distance) * sharpness).sigmoid()[:, None]


def _draw_blobs(images: Tensor, strength: Tensor, rng: torch.Generator) -> Tensor:
    """Return soft masks (n, 1, height, width) of irregular pieces that cover 4 to 48 % of an image."""
    field = draw_smooth(len(images), 1, images.shape[2:], _draw_whole(1, 4, rng), rng)
    share = (0.03 * 16**strength).clamp_max(0.5)
    ranked = field.flatten(1).sort(dim=1, descending=True).values
    place = (share.flatten() * ranked.shape[1]).long().clamp_max(ranked.shape[1] - 1)
    return ((field - ranked.gather(1, place[:, None]).view(-1, 1, 1, 1)) * 8).sigmoid()


def _amplitude(strength: Tensor) -> Tensor:
    return _WEAKEST * (_STRONGEST / _WEAKEST) ** strength


def _others(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return the same images in another order."""
    return images.roll(_draw_whole(1, max(1, len(images) - 1), rng), dims=0)


def _warp(images: Tensor, grid: Tensor) -> Tensor:
    return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _still(images: Tensor) -> Tensor:
    unmoved = torch.eye(2, 3, device=images.device).expand(len(images), 2, 3)
    return affine_grid(unmoved, list(images.shape), align_corners=False)


def _randn_like(images: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(images.shape, generator=rng, device=rng.device)


def _draw_whole(low: int, high: int, rng: torch.Generator) -> int:
    """Return a whole number from ``low`` to ``high``, both included."""
    return int(torch.randint(low, high + 1, (1,), generator=rng, device=rng.device))
