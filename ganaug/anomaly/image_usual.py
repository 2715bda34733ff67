"""How the parts of a score lie on normal images, and how they are read against it."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganaug.anomaly.image_parts import Views
from ganaug.anomaly.image_places import detail

_GROW_WITH_DETAIL = ("feature", "place", "pixel")
_UNUSUAL = 1.0
"""Deviations from which on an opinion counts: being normal in one part makes up for little in another."""
_TINY = 1e-9


class Usual:
    """Center and scale of parts and maps on normal images, and how the distances among them grow with detail.

    Parameters
    ----------
    state : dict
        What ``learn`` found, in plain numbers.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def learn(cls, parts: Views, maps: Views, images: Tensor) -> "Usual":
        """Learn from normal images, as judged by members that have never seen them."""
        details = detail(images).numpy()
        middle = float(details.mean())
        state: dict[str, Any] = {"detail": middle, "parts": {}, "maps": {}}
        for name, part in parts.items():
            slope = _slope(details - middle, part) if name in _GROW_WITH_DETAIL else 0.0
            rest = part - slope * (details - middle)
            state["parts"][name] = [float(rest.mean()), float(rest.std()) + _TINY, slope]
        for name, view in maps.items():
            state["maps"][name] = [float(view.mean()), float(view.std()) + _TINY]
        return cls(state)

    def read(self, parts: Views, images: Tensor) -> Views:
        """Return parts by how far they exceed the usual; near 0 for most normal images, higher = odder."""
        details = detail(images).numpy() - self.state["detail"]
        read = {}
        for name, part in parts.items():
            center, scale, slope = self.state["parts"][name]
            read[name] = _excess((part - slope * details - center) / scale)
        return read

    def draw(self, maps: Views, weights: dict[str, float], size: tuple[int, int]) -> np.ndarray:
        """Return one map (n, height, width) of how odd each pixel is: the weighted sum of all maps."""
        total = np.zeros((len(next(iter(maps.values()))), *size))
        for name, view in maps.items():
            center, scale = self.state["maps"][name]
            excess = torch.from_numpy(_excess((view - center) / scale))[:, None]
            total += weights[name] * interpolate(excess, size, mode="bilinear", align_corners=False)[:, 0].numpy()
        return total


def _excess(deviations: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, deviations - _UNUSUAL)


def _slope(details: np.ndarray, part: np.ndarray) -> float:
    return float((details * (part - part.mean())).sum() / (np.square(details).sum() + _TINY))
