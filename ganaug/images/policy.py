"""What an encoder was told about images, checked."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

from ganaug.exceptions import InvalidInputError
from ganaug.images.decoding import Size
from ganaug.images.formats import Range, check_limits
from ganaug.images.layouts import LARGEST, SMALLEST


@dataclass(frozen=True)
class Policy:
    """An encoder's parameters, checked."""

    size: Size | None
    resize: str
    color: str
    layout: str
    value_range: str | Range
    skip: bool
    memory_limit: float

    @classmethod
    def of(cls, encoder: Any) -> "Policy":
        """Return the parameters of an encoder."""
        size = None if encoder.image_size is None else check_image_size(encoder.image_size)
        if size is None and encoder.resize != "error":
            raise InvalidInputError(f"resize={encoder.resize!r} needs a size to scale images to. Say image_size=.")
        limits = encoder.value_range if isinstance(encoder.value_range, str) else check_limits(encoder.value_range)
        skip = encoder.on_unreadable == "skip"
        return cls(size, encoder.resize, encoder.color, encoder.layout, limits, skip, encoder.memory_limit)

    @property
    def smallest(self) -> int:
        """How long the sides of images to be scaled must be at least.

        Shorter ones speak for misread axes (a color image taken for grey ones three pixels wide), unless the user has
        named the axes.
        """
        return SMALLEST if self.layout == "auto" else 1


def check_image_size(given: Any) -> Size:
    """Return (height, width), of which one side alone may be given."""
    sides = tuple(given) if isinstance(given, tuple | list) else (given, given)
    is_known = len(sides) == 2 and all(
        isinstance(side, Real) and side in range(SMALLEST, LARGEST + 1) for side in sides
    )
    if not is_known:
        raise InvalidInputError(
            f"image_size={given!r} must be one side or (height, width), from {SMALLEST} to {LARGEST} pixels."
        )
    return int(sides[0]), int(sides[1])
