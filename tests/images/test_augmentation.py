"""Differentiable augmentation and its adaptive strength."""

import copy
import math

import pytest
import torch
from torch import Tensor

from ganaug.exceptions import InvalidInputError
from ganaug.images.augmentation import AdaptiveStrength, augment, choose_kinds

KINDS = ("flip", "scale", "rotation", "color", "translation", "cutout")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(n_images: int = 8, n_channels: int = 3, height: int = 16, width: int = 12) -> Tensor:
    return torch.rand(n_images, n_channels, height, width, generator=seeded(7)) * 2 - 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.0, 0, torch.tensor(0.0)])
@pytest.mark.parametrize("n_channels", [3, 4, 6])
def test_strength_0_changes_nothing(kind, strength, n_channels):
    images = some_images(n_channels=n_channels)
    assert torch.equal(augment(images, (kind,), strength, seeded()), images)


@pytest.mark.parametrize("kind", KINDS)
def test_strength_is_the_probability_of_a_change(kind):
    images = some_images(4000, 3, 8, 8)
    changed = (augment(images, (kind,), torch.tensor(0.3), seeded()) != images).flatten(1).any(dim=1)
    # Half of those hit are flipped; a translation by 0 pixels both ways (of 3 x 3) shows in nothing.
    expected = 0.3 * {"flip": 0.5, "translation": 8 / 9}.get(kind, 1.0)
    assert abs(changed.float().mean().item() - expected) < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_hit_independently_and_the_rest_stays_as_it_was(kind):
    images = some_images(200)
    changed = (augment(images, (kind,), 0.5, seeded()) != images).flatten(1).any(dim=1)
    assert 0 < changed.sum() < len(images)
    half_hit = augment(images, KINDS, 0.5, seeded())
    assert not torch.equal(half_hit, augment(images, KINDS, 0.5, seeded(1)))


@pytest.mark.parametrize("kinds", [("translation",), ("color",), ("cutout",), ("scale",), ("rotation",), KINDS])
@pytest.mark.parametrize("n_channels", [3, 4])
def test_gradients_are_right_to_the_second_order(kinds, n_channels):
    images = some_images(3, n_channels, 5, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda pixels: augment(pixels, kinds, 0.7, seeded(3)), images)
    # Gradient penalties differentiate a gradient; a squared output, because most changes are linear.
    assert torch.autograd.gradgradcheck(lambda pixels: augment(pixels, kinds, 0.7, seeded(3)).square(), images)


def test_translation_moves_by_at_most_an_eighth_and_repeats_the_border():
    height, width = 32, 24
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    images = torch.stack([rows, columns]).float().expand(500, -1, -1, -1)
    moved = augment(images, ("translation",), 1.0, seeded())
    down, right = rows - moved[:, 0], columns - moved[:, 1]
    inside = (slice(None), slice(4, -4), slice(3, -3))
    for shift, reach in ((down[inside], 4), (right[inside], 3)):
        per_image = shift.flatten(1)
        assert torch.equal(per_image.amin(dim=1), per_image.amax(dim=1))  # all of an image moves alike
        assert sorted(set(per_image[:, 0].int().tolist())) == list(range(-reach, reach + 1))
    assert moved[:, 0].min() == 0 and moved[:, 0].max() == height - 1
    assert moved[:, 1].min() == 0 and moved[:, 1].max() == width - 1


@pytest.mark.parametrize(("height", "width"), [(28, 28), (15, 10)])
def test_cutout_makes_a_gray_hole_of_half_the_size(height, width):
    images = torch.full((2000, 1, height, width), -1.0)
    cut = augment(images, ("cutout",), 1.0, seeded())
    assert set(cut.unique().tolist()) == {-1.0, 0.0}
    hole = cut[:, 0] == 0
    heights, widths = hole.any(dim=2).sum(dim=1), hole.any(dim=1).sum(dim=1)
    assert torch.equal(hole.flatten(1).sum(dim=1), heights * widths)  # a rectangle, whole
    assert heights.max() == round(height / 2) and widths.max() == round(width / 2)
    # The middle is anywhere in the picture: so a hole at the border loses up to a half of itself.
    assert heights.min() in (height // 4, round(height / 2) - round(height / 2) // 2)
    assert hole.float().mean(dim=0).min() > 0  # no place is safe
    share = hole.float().mean().item()
    assert abs(share - (7 / 16) ** 2) < 0.03  # a quarter, less what lies outside: an eighth of each side


def test_color_changes_brightness_saturation_and_contrast_alone():
    images = some_images(300)
    recolored = augment(images, ("color",), 1.0, seeded())
    shift = recolored.mean(dim=(1, 2, 3)) - images.mean(dim=(1, 2, 3))
    assert shift.min() < -0.4 and shift.max() > 0.4 and shift.abs().max() <= 0.5 + 1e-5
    gray, new_gray = images.mean(dim=1, keepdim=True), recolored.mean(dim=1, keepdim=True)
    contrast = new_gray.std(dim=(1, 2, 3)) / gray.std(dim=(1, 2, 3))
    assert contrast.min() < 0.6 and contrast.max() > 1.4 and contrast.min() > 0.499 and contrast.max() < 1.501
    saturation = (recolored - new_gray).std(dim=(1, 2, 3)) / (images - gray).std(dim=(1, 2, 3)) / contrast
    assert saturation.min() < 0.1 and saturation.max() > 1.9 and saturation.max() < 2.001


def test_color_leaves_alpha_alone_and_the_rest_moves_it_along():
    images = some_images(50, 4)
    recolored = augment(images, ("color",), 1.0, seeded())
    assert torch.equal(recolored[:, 3], images[:, 3])
    assert not torch.equal(recolored[:, :3], images[:, :3])
    images[:, 3] = images[:, 0]
    moved = augment(images, ("scale", "rotation", "translation", "cutout"), 1.0, seeded())
    assert torch.equal(moved[:, 3], moved[:, 0])


def test_scale_zooms_around_the_middle():
    steps = torch.linspace(-1, 1, 33)
    images = steps.expand(300, 1, 33, 33).contiguous()
    zoomed = augment(images, ("scale",), 1.0, seeded())
    assert torch.allclose(zoomed[..., 16], torch.zeros(()), atol=1e-5)
    zoom = steps[18] / zoomed[:, 0, 5, 18]
    assert 2**-0.25 - 1e-3 <= zoom.min() < 0.87 and 1.16 < zoom.max() <= 2**0.25 + 1e-3


def test_rotation_turns_by_a_few_degrees_around_the_middle():
    steps = torch.linspace(-1, 1, 33)
    images = torch.stack([steps[:, None].expand(33, 33), steps.expand(33, 33)]).expand(300, -1, -1, -1)
    turned = augment(images, ("rotation",), 1.0, seeded())
    at_right = turned[:, :, 16, 24]
    assert torch.allclose(at_right.norm(dim=1), steps[24], atol=1e-4)
    degrees = torch.rad2deg(torch.atan2(at_right[:, 0], at_right[:, 1]))
    assert -10.01 < degrees.min() < -9 and 9 < degrees.max() < 10.01


def test_flip_mirrors_left_and_right():
    images = some_images(40)
    flipped = augment(images, ("flip",), 1.0, seeded())
    is_mirror = (flipped == images.flip(3)).flatten(1).all(dim=1)
    assert torch.equal(flipped[~is_mirror], images[~is_mirror])
    assert 8 < is_mirror.sum() < 32


def test_chance_comes_from_the_generator_alone():
    images = some_images()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = augment(images, KINDS, 0.6, seeded(5))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(augment(images, KINDS, 0.6, seeded(5)), first)
    assert torch.equal(augment(images, reversed(KINDS), torch.tensor(0.6), seeded(5)), first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_dtype_and_memory_format_are_kept(dtype, n_channels):
    kinds = tuple(kind for kind in KINDS if kind != "color" or n_channels > 1)
    images = some_images(n_channels=n_channels).to(dtype)
    last = images.to(memory_format=torch.channels_last)
    for kind in kinds:
        straight, twisted = augment(images, (kind,), 0.5, seeded()), augment(last, (kind,), 0.5, seeded())
        assert straight.dtype == twisted.dtype == dtype
        assert straight.is_contiguous() and twisted.is_contiguous(memory_format=torch.channels_last)
        assert torch.allclose(straight.float(), twisted.float(), atol=0.02 if dtype == torch.bfloat16 else 1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (0, 3, 8, 8), (2, 3, 1, 9)])
def test_odd_shapes_pass(shape):
    assert (
        augment(torch.zeros(shape), ("translation", "cutout", "scale", "rotation", "flip"), 1.0, seeded()).shape
        == shape
    )


def test_augment_says_what_is_wrong():
    images = some_images(n_channels=1)
    with pytest.raises(InvalidInputError, match="kinds: 'blur' is no kind .* 'translation', 'cutout'"):
        augment(images, ("blur",), 0.5, seeded())
    with pytest.raises(InvalidInputError, match="'color' needs images of at least 3 channels, these have 1"):
        augment(images, ("color",), 0.5, seeded())
    with pytest.raises(InvalidInputError, match="strength=1.5"):
        augment(images, (), 1.5, seeded())
    with pytest.raises(InvalidInputError, match=r"got torch.float32 of shape \(1, 16, 12\)"):
        augment(images[0], (), 0.5, seeded())
    with pytest.raises(InvalidInputError, match="got torch.uint8"):
        augment(images.byte(), (), 0.5, seeded())


@pytest.mark.parametrize(
    ("n_images", "n_channels", "given", "kinds"),
    [
        (100, 1, "auto", ("translation", "cutout")),
        (100, 3, "auto", ("color", "translation", "cutout")),
        (4999, 4, "auto", ("color", "translation", "cutout")),
        (5000, 3, "auto", ()),
        (100, 3, None, ()),
        (100, 3, (), ()),
        (100_000, 1, ["cutout", "flip"], ("flip", "cutout")),
    ],
)
def test_choose_kinds(n_images, n_channels, given, kinds):
    assert choose_kinds(n_images, n_channels, given) == kinds


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cutout", r"augment='cutout'.*Write \('cutout',\)"),
        ("always", "augment='always': 'auto', None or a tuple of 'flip', 'scale'"),
        (("translation", "blur"), "augment: 'blur' is no kind of augmentation; there are 'flip'"),
        (("color",), "augment: 'color' needs images of at least 3 channels, these have 1"),
        (3, "augment=3"),
    ],
)
def test_choose_kinds_says_what_is_wrong(given, message):
    with pytest.raises(InvalidInputError, match=message):
        choose_kinds(100, 1, given)


def test_strength_rises_while_overfitting_and_falls_afterwards():
    adaptive = AdaptiveStrength(ramp_images=1000, interval=1)
    history = []
    for _ in range(12):
        adaptive.update(torch.ones(100))
        history.append(adaptive.strength.item())
    assert history[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert history[-1] == pytest.approx(0.8)  # saturates
    assert adaptive.statistic == 1
    for _ in range(20):
        adaptive.update(torch.tensor([1.0, -1.0]).repeat(50))
    assert adaptive.statistic == 0 and adaptive.strength == 0


@pytest.mark.parametrize(("share_right", "rises"), [(0.78, False), (0.82, True)])
def test_target_of_single_logits(share_right, rises):
    adaptive = AdaptiveStrength(ramp_images=1000, interval=1, initial=0.4)
    adaptive.update(torch.where(torch.arange(100) < 100 * share_right, 2.0, -5.0))
    assert (adaptive.strength > 0.4) == rises


@pytest.mark.parametrize(("share_right", "rises"), [(0.87, False), (0.90, True)])
def test_target_of_pairs(share_right, rises):
    adaptive = AdaptiveStrength(relativistic=True, ramp_images=1000, interval=1, initial=0.4)
    fake = torch.linspace(-100, 100, 100)  # where zero lies means nothing
    adaptive.update(fake + torch.where(torch.arange(100) < 100 * share_right, 0.1, -9.0), fake)
    assert (adaptive.strength > 0.4) == rises


def test_both_targets_are_the_same_gap():
    normal = torch.distributions.Normal(0.0, 1.0)
    middle = normal.icdf(torch.tensor((1 + AdaptiveStrength().target) / 2))
    pairs = 2 * normal.cdf(middle * math.sqrt(2)) - 1
    assert AdaptiveStrength(relativistic=True).target == pytest.approx(pairs.item(), abs=0.01)


def test_strength_changes_every_interval_by_what_was_seen_meanwhile():
    adaptive = AdaptiveStrength(ramp_images=1000, interval=3)
    history = []
    for _ in range(6):
        adaptive.update(torch.ones(4, 1), n_images=20)  # packed: five images behind each logit
        history.append(round(adaptive.strength.item(), 4))
    assert history == [0, 0, 0.06, 0.06, 0.06, 0.12]


def test_strength_goes_on_from_a_checkpoint():
    adaptive = AdaptiveStrength(ramp_images=1000, interval=4)
    for _ in range(6):
        adaptive.update(torch.ones(10))
    resumed = AdaptiveStrength(ramp_images=1000, interval=4)
    resumed.load_state_dict(copy.deepcopy(adaptive.state_dict()))
    for _ in range(7):
        adaptive.update(torch.ones(10))
        resumed.update(torch.ones(10))
    assert adaptive.strength > 0.1
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in adaptive.state_dict().items())
    assert not list(adaptive.parameters())


def test_update_takes_any_logits_and_no_gradient():
    adaptive = AdaptiveStrength(ramp_images=100, interval=1)
    adaptive.update(torch.ones(10, dtype=torch.bfloat16, requires_grad=True))
    assert adaptive.strength.dtype == torch.float32 and not adaptive.strength.requires_grad
    adaptive.update(torch.full((10,), math.nan))
    assert adaptive.strength == 0 and adaptive.statistic == 0


def test_adaptive_strength_says_what_is_wrong():
    for settings, message in (
        ({"target": 1.0}, "target=1.0"),
        ({"ramp_images": 0}, "ramp_images=0"),
        ({"interval": 0}, "interval=0"),
        ({"max_strength": 1.5}, "max_strength=1.5"),
        ({"initial": 0.9}, "initial=0.9: a strength from 0 to max_strength=0.8"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            AdaptiveStrength(**settings)
    with pytest.raises(InvalidInputError, match="pass the fake logits"):
        AdaptiveStrength(relativistic=True).update(torch.ones(3))
