"""Differentiable augmentation: a small set of images lasts longer if the discriminator never sees one twice alike.

Both players' images pass through the same random changes on their way to the discriminator, and the generator's
gradient passes back through them (Zhao et al. 2020, arXiv 2006.10738). Each change hits an image only with
probability ``strength``: as long as most images arrive untouched, the generator can't win by imitating the changes
themselves, and the strength may follow how far the discriminator overfits (Karras et al. 2020, arXiv 2006.06676).
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ganaug.exceptions import InvalidInputError

AUTO_BELOW = 5_000
"""``augment="auto"`` augments smaller sets than this one: Zhao et al. gain most below it, and it costs time."""
_COLORS = 3
_SHIFT = 1 / 8
_HOLE = 1 / 2
_ZOOM = 1 / 4
"""In octaves: by 2 ** -1/4 to 2 ** 1/4, that is 0.84 to 1.19."""
_ANGLE = math.radians(10)


def augment(images: Tensor, kinds: Iterable[str], strength: Tensor | float, rng: torch.Generator) -> Tensor:
    """Change each image at random, each kind with probability ``strength``.

    What lies beyond the border is what is at the border: a digit on black moves over black, a photograph's sky goes
    on. The hole of a cutout is mid-gray instead, as no background is: it can't be taken for a part of the picture
    that is missing, which the generator would then learn to leave out.

    Parameters
    ----------
    images : Tensor of shape (n_images, n_channels, height, width)
        Floats in [-1, 1]. Their dtype and memory format are kept. Colors may leave the range: clipping them would
        cut off the gradient. Of four channels the last one is alpha, whose values "color" leaves alone.
    kinds : iterable of str
        "flip" (half of those hit are mirrored), "scale" (by up to a fifth), "rotation" (up to 10 degrees), "color"
        (brightness, saturation, contrast), "translation" (up to 1/8 of the size, whole pixels) and "cutout" (a hole
        of half the size, anywhere). They are applied in this order, whatever the order given.
    strength : 0-dim Tensor or float in [0, 1]
        A tensor is never read by the CPU. At 0 the images come back as they were, to the bit.
    rng : torch.Generator
        On the images' device; the only source of chance.

    Examples
    --------
    >>> import torch
    >>> images = torch.full((2, 1, 8, 8), -1.0)
    >>> holes = augment(images, ("cutout",), 1.0, torch.Generator().manual_seed(0))
    >>> sorted(set(holes.flatten().tolist()))
    [-1.0, 0.0]
    """
    wanted = _in_order(kinds, "kinds")
    if images.ndim != 4 or not images.is_floating_point():
        raise InvalidInputError(
            f"images: expected floats of shape (n_images, n_channels, height, width), got {images.dtype} of shape"
            f" {tuple(images.shape)}."
        )
    _check_channels(wanted, images.shape[1], "kinds")
    if not isinstance(strength, Tensor):
        if not 0 <= strength <= 1:
            raise InvalidInputError(f"strength={strength!r}: a probability, from 0 to 1, is expected.")
        if strength == 0:
            return images
    for kind in wanted:
        # As many draws for each kind and strength: what is drawn next doesn't depend on who was hit.
        coin, *draws = torch.rand(4, len(images), generator=rng, device=images.device)[..., None, None, None]
        images = _KINDS[kind](images, coin < strength, *draws)
    return images


def choose_kinds(n_images: int, n_channels: int, augment: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the kinds that an estimator's parameter ``augment`` stands for.

    Parameters
    ----------
    n_images, n_channels : int
        Of the images to learn.
    augment : "auto", iterable of str or None
        "auto" is translation and cutout, and color for images that have any, if there are fewer than 5000 images;
        None is nothing.

    Examples
    --------
    >>> choose_kinds(300, 3, "auto")
    ('color', 'translation', 'cutout')
    >>> choose_kinds(60_000, 1, "auto")
    ()
    """
    if augment is None:
        return ()
    if isinstance(augment, str):
        if augment != "auto":
            hint = f" Write ({augment!r},) for this one alone." if augment in _KINDS else ""
            raise InvalidInputError(f"augment={augment!r}: 'auto', None or a tuple of {_names()} is expected.{hint}")
        if n_images >= AUTO_BELOW:
            return ()
        return ("color", "translation", "cutout") if n_channels >= _COLORS else ("translation", "cutout")
    if not isinstance(augment, Iterable):
        raise InvalidInputError(f"augment={augment!r}: 'auto', None or a tuple of {_names()} is expected.")
    kinds = _in_order(augment, "augment")
    _check_channels(kinds, n_channels, "augment")
    return kinds


class AdaptiveStrength(nn.Module):
    """How strongly to augment: more while the discriminator overfits, less while it does not.

    A discriminator that knows its images by heart is sure of nearly all of them. So the share of images that it
    judges right, as a mean sign from -1 to 1, is compared with a target every few updates, and the strength moves a
    little up or down. All of it stays on the device, in buffers that checkpoints and roll-backs include.

    Parameters
    ----------
    relativistic : bool
        Whether the loss compares pairs. A single logit then has no zero to be above of: what counts is the sign of
        ``real_logits - fake_logits``, and no longer that of ``real_logits``.
    target : float in (-1, 1) or None
        The mean sign to settle at. None is 0.6 for single logits (Karras et al.: four real images out of five judged
        real), and 0.77 for pairs. The latter is the same gap between real and fake: for normal logits of equal
        spread around +m and -m, P(real > 0) = 0.8 at m = 0.84, and P(real > fake) is 0.883 there.
    initial : float in [0, max_strength]
        Strength to begin with.
    ramp_images : int
        Real images shown while the strength would go from 0 to 1. A run on a CPU may need fewer than a run that
        shows millions: a tenth of all that will be shown is a fair choice.
    interval : int
        Updates between two changes.
    max_strength : float in [0, 1]
        Changes that hit nearly every image can no longer be told from the images, and leak into the fakes.

    Attributes
    ----------
    strength : 0-dim Tensor
        For ``augment``.
    statistic : 0-dim Tensor
        The mean sign that the last change went by.

    Examples
    --------
    >>> import torch
    >>> adaptive = AdaptiveStrength(ramp_images=640, interval=1)
    >>> adaptive.update(torch.ones(64))
    >>> round(adaptive.strength.item(), 6)
    0.1
    """

    strength: Tensor
    statistic: Tensor
    sign_sum: Tensor
    images_seen: Tensor
    updates_seen: Tensor

    def __init__(
        self,
        *,
        relativistic: bool = False,
        target: float | None = None,
        initial: float = 0.0,
        ramp_images: int = 100_000,
        interval: int = 4,
        max_strength: float = 0.8,
    ) -> None:
        super().__init__()
        self.relativistic = relativistic
        self.target = (0.77 if relativistic else 0.6) if target is None else target
        self.ramp_images, self.interval, self.max_strength = ramp_images, interval, max_strength
        for name, value, valid, expected in (
            ("target", self.target, -1 < self.target < 1, "a mean sign between -1 and 1"),
            ("ramp_images", ramp_images, ramp_images > 0, "a positive number of images"),
            ("interval", interval, interval >= 1, "at least one update"),
            ("max_strength", max_strength, 0 <= max_strength <= 1, "a probability, from 0 to 1,"),
            ("initial", initial, 0 <= initial <= max_strength, f"a strength from 0 to max_strength={max_strength}"),
        ):
            if not valid:
                raise InvalidInputError(f"{name}={value!r}: {expected} is expected.")
        self.register_buffer("strength", torch.tensor(float(initial)))
        for name in ("statistic", "sign_sum", "images_seen"):
            self.register_buffer(name, torch.tensor(0.0))
        self.register_buffer("updates_seen", torch.tensor(0))

    def update(self, real_logits: Tensor, fake_logits: Tensor | None = None, *, n_images: int | None = None) -> None:
        """Take note of one discriminator update.

        Parameters
        ----------
        real_logits, fake_logits : Tensor
            Of the augmented images. The fake ones matter to a relativistic loss alone, paired as the loss pairs them.
        n_images : int or None
            Real images behind the logits; None for one each.
        """
        if self.relativistic and fake_logits is None:
            raise InvalidInputError("fake_logits=None: a relativistic loss compares pairs; pass the fake logits too.")
        with torch.no_grad():
            gap = real_logits - fake_logits if self.relativistic and fake_logits is not None else real_logits
            # A logit that is no number says nothing; it must not make the strength one that is none.
            mean_sign = gap.float().nan_to_num(nan=0.0).sign().mean()
            count = len(real_logits) if n_images is None else n_images
            self.sign_sum += mean_sign * count
            self.images_seen += count
            self.updates_seen += 1
            self._adapt()

    def _adapt(self) -> None:
        """Move the strength if it is time to; an ``if`` would make the CPU wait for the device every update."""
        due = self.updates_seen % self.interval == 0
        self.statistic.copy_(torch.where(due, self.sign_sum / self.images_seen.clamp_min(1), self.statistic))
        change = (self.statistic - self.target).sign() * self.images_seen / self.ramp_images
        self.strength += torch.where(due, change, 0.0)
        self.strength.clamp_(0.0, self.max_strength)
        self.sign_sum *= ~due
        self.images_seen *= ~due


def _flip(images: Tensor, hit: Tensor, draw: Tensor, *_: Tensor) -> Tensor:
    # Half of those hit: were all of them mirrored, a strength of 1 would show the generator mirrored images alone.
    return torch.where(hit & (draw < 0.5), images.flip(3), images)


def _scale(images: Tensor, hit: Tensor, draw: Tensor, *_: Tensor) -> Tensor:
    return _turn(images, torch.exp2(hit * (1 - 2 * draw) * _ZOOM), torch.zeros_like(draw))


def _rotate(images: Tensor, hit: Tensor, draw: Tensor, *_: Tensor) -> Tensor:
    return _turn(images, torch.ones_like(draw), hit * (2 * draw - 1) * _ANGLE)


def _recolor(images: Tensor, hit: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    has_alpha = images.shape[1] == _COLORS + 1
    colors = images[:, :_COLORS] if has_alpha else images
    # Written as x + amount * (x - mean), not mean + factor * (x - mean): an image that isn't hit stays as it is.
    amounts = [(hit * amount).to(images.dtype) for amount in (brightness - 0.5, 2 * saturation - 1, contrast - 0.5)]
    colors = colors + amounts[0]
    colors = colors + amounts[1] * (colors - colors.mean(dim=1, keepdim=True))
    colors = colors + amounts[2] * (colors - colors.mean(dim=(1, 2, 3), keepdim=True))
    return torch.cat([colors, images[:, _COLORS:]], dim=1) if has_alpha else colors


def _translate(images: Tensor, hit: Tensor, down: Tensor, right: Tensor, *_: Tensor) -> Tensor:
    rows, columns = _grid(images)
    moved = []
    for places, draw in ((rows, down), (columns, right)):
        reach = max(1, int(places.numel() * _SHIFT))
        shift = ((2 * reach + 1) * draw).long() - reach
        moved.append(places - hit[:, 0] * shift[:, 0])
    return _look_up(images, *moved)


def _cut_out(images: Tensor, hit: Tensor, down: Tensor, right: Tensor, *_: Tensor) -> Tensor:
    hole = hit
    for places, draw in zip(_grid(images), (down, right), strict=True):
        size = round(places.numel() * _HOLE)
        # The middle of the hole is anywhere in the picture, so that part of the hole may be outside.
        first = ((places.numel() + 1 - size % 2) * draw).long() - size // 2
        hole = hole & (places >= first) & (places < first + size)
    return torch.where(hole, 0.0, images)  # masked_fill would lose the memory format


_KINDS: dict[str, Callable[..., Tensor]] = {
    "flip": _flip,
    "scale": _scale,
    "rotation": _rotate,
    "color": _recolor,
    "translation": _translate,
    "cutout": _cut_out,
}


def _grid(images: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers as a column, column numbers as a row."""
    height, width = images.shape[2:]
    rows, columns = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    return rows[:, None], columns[None, :]


def _turn(images: Tensor, zoom: Tensor, angle: Tensor) -> Tensor:
    """Zoom and rotate around the middle; between pixels, mix the four around (linearly).

    torch's ``grid_sample`` would do it too, but has no second derivative, which gradient penalties need.
    """
    rows, columns = (places - (places.numel() - 1) / 2 for places in _grid(images))
    cosine, sine = torch.cos(angle[:, 0]) / zoom[:, 0], torch.sin(angle[:, 0]) / zoom[:, 0]
    height, width = images.shape[2:]
    from_rows = (cosine * rows + sine * columns + (height - 1) / 2).clamp(0, height - 1)
    from_columns = (cosine * columns - sine * rows + (width - 1) / 2).clamp(0, width - 1)
    top, left = from_rows.floor(), from_columns.floor()
    below, beyond = (
        (place - first).unsqueeze(1).to(images.dtype) for place, first in ((from_rows, top), (from_columns, left))
    )
    top, left = top.long(), left.long()
    upper = (1 - beyond) * _look_up(images, top, left) + beyond * _look_up(images, top, left + 1)
    lower = (1 - beyond) * _look_up(images, top + 1, left) + beyond * _look_up(images, top + 1, left + 1)
    return (1 - below) * upper + below * lower


def _look_up(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels at ``rows`` and ``columns``, for each image its own; beyond the border, those at it."""
    n_images, n_channels, height, width = images.shape
    places = (rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)).flatten(1)
    # The strides decide, not is_contiguous: images of one channel are contiguous both ways, convolutions look at these.
    if images.stride(1) == 1 and images.is_contiguous(memory_format=torch.channels_last):
        pixels = images.permute(0, 2, 3, 1).reshape(n_images, height * width, n_channels)
        taken = pixels.gather(1, places[:, :, None].expand(-1, -1, n_channels))
        return taken.view(n_images, height, width, n_channels).permute(0, 3, 1, 2)
    taken = images.flatten(2).gather(2, places[:, None, :].expand(-1, n_channels, -1))
    return taken.view(images.shape)


def _in_order(kinds: Iterable[str], parameter: str) -> tuple[str, ...]:
    """Return ``kinds`` in the order of application, or say which one is none."""
    given = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in given:
        if kind not in _KINDS:
            raise InvalidInputError(f"{parameter}: {kind!r} is no kind of augmentation; there are {_names()}.")
    return tuple(kind for kind in _KINDS if kind in given)


def _check_channels(kinds: tuple[str, ...], n_channels: int, parameter: str) -> None:
    if "color" in kinds and n_channels < _COLORS:
        raise InvalidInputError(
            f"{parameter}: 'color' needs images of at least {_COLORS} channels, these have {n_channels}; leave it out."
        )


def _names() -> str:
    return ", ".join(map(repr, _KINDS))
