"""Bins of numbers, and the quantile function inside them."""

import numpy as np

EDGE = 1e-9
"""Distance of the outermost positions from 0 and 1, so that a position never belongs to two bins."""
_KNOTS_PER_BIN = 33
_TAIL_RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Ranks from either end of the column that get knots of their own."""


def cut(numbers: np.ndarray, n_bins: int) -> list[np.ndarray]:
    """Cut ascending numbers into at most ``n_bins`` stretches of like size, never inside a run of equals."""
    if not n_bins:
        return []
    edges = np.unique(numbers[(np.arange(1, n_bins) * len(numbers)) // n_bins])
    cuts = np.unique(np.searchsorted(numbers, edges, side="left"))
    return [stretch for stretch in np.split(numbers, cuts) if len(stretch)]


def quantile_function(bins: list[np.ndarray], levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places (code + position) and the numbers there, over all bins."""
    places, knots = [], []
    for place, (stretch, level) in enumerate(zip(bins, levels, strict=True)):
        values, counts = np.unique(stretch, return_counts=True)
        if len(values) <= _KNOTS_PER_BIN:
            ends = np.cumsum(counts) / len(stretch)
            share = np.column_stack([np.concatenate([[0.0], ends[:-1]]), ends]).ravel()
            numbers = np.repeat(values, 2)
        else:
            # Never more than a third of the numbers: quantiles are kept in model files, columns are not.
            share = np.linspace(0.0, 1.0, min(_KNOTS_PER_BIN, len(stretch) // 3))
            if place in (0, len(bins) - 1):  # a heavy tail is anything but straight
                outermost = np.array(_TAIL_RANKS) / (len(stretch) - 1)
                share = np.unique(np.concatenate([share, outermost, 1.0 - outermost]))
            numbers = np.quantile(stretch, share)
            # Between knots the smallest and the largest number have half of what is theirs; here is the other half
            # (Hazen's plotting positions). Without it they would never come, and ranges always be too short.
            low, high = (0.5 / len(stretch) * (place == end) for end in (0, len(bins) - 1))
            share = np.concatenate([[0.0], low + share * (1.0 - low - high), [1.0]])
            numbers = np.concatenate([numbers[:1], numbers, numbers[-1:]])
        places.append(level + np.clip(share, 1e-9, 1 - 1e-9))
        knots.append(numbers)
    return (np.concatenate(places), np.concatenate(knots)) if bins else (np.zeros(0), np.zeros(0))
