"""Drawing the rows of one class: candidates from the GAN, the best of them taken, near-copies drawn anew."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.adversarial import derive_seed
from ganaug.augment.copies import CopyFinder
from ganaug.exceptions import DataWarning, InvalidInputError

BLOCK = 32_768
"""Rows wanted at a time: what bounds the memory that candidates take."""
_MAX_ROUNDS = 10


@dataclass(frozen=True)
class Drawing:
    """How rows are drawn: see ``GANOverSampler``, whose parameters these are."""

    gan: Any
    keep: float
    n_candidates: int
    select_by: str | None
    copies: CopyFinder | None


def draw_class(drawing: Drawing, X: Any, y: np.ndarray, label: Any, n_wanted: int, seed: int) -> Any:
    """Return ``n_wanted`` synthetic rows of the class ``label``, in the form of ``X``."""
    rows = _take(X, np.flatnonzero(y == label))
    parts: list[Any] = []
    for first in range(0, n_wanted, BLOCK):
        n_block = min(BLOCK, n_wanted - first)
        parts += _draw_block(drawing, rows, label, n_block, derive_seed(seed, "block", first))
    return _concat(parts)


def _draw_block(drawing: Drawing, rows: Any, label: Any, n_wanted: int, seed: int) -> list[Any]:
    """Draw until enough rows are no near-copies; after the last round copies pass, and a warning says so."""
    parts, n_missing = [], n_wanted
    for attempt in range(_MAX_ROUNDS):
        drawn = _draw_best(drawing, rows, label, n_missing, derive_seed(seed, "round", attempt))
        is_copy = np.zeros(n_missing, dtype=bool) if drawing.copies is None else drawing.copies.find(drawn)
        if attempt == _MAX_ROUNDS - 1 and is_copy.any():
            warnings.warn(
                f"copy_distance={drawing.copies.distance}: {int(is_copy.sum())} of {n_wanted} synthetic rows of class "
                f"{label!r} are still nearer than that to a real row after {_MAX_ROUNDS} rounds, and were let pass. "
                "Lower copy_distance, or lower keep.",
                DataWarning,
                stacklevel=5,
            )
            is_copy[:] = False
        parts.append(_take(drawn, np.flatnonzero(~is_copy)))
        n_missing = int(is_copy.sum())
        if not n_missing:
            break
    return parts


def _draw_best(drawing: Drawing, rows: Any, label: Any, n_wanted: int, seed: int) -> Any:
    """Draw ``n_candidates`` times as many rows as wanted, and return the best."""
    n_candidates = drawing.n_candidates if drawing.select_by else 1
    candidates = _draw(drawing, rows, label, n_candidates * n_wanted, seed)
    if n_candidates == 1:
        return candidates
    judge = drawing.gan.target_log_proba if drawing.select_by == "class" else drawing.gan.score_samples
    order = np.argsort(-judge(candidates, np.full(len(candidates), label)), kind="stable")
    return _take(candidates, np.sort(order[:n_wanted]))


def _draw(drawing: Drawing, rows: Any, label: Any, n_rows: int, seed: int) -> Any:
    """Return rows of the class: variants of real ones, each of which is used equally often, or whole new ones."""
    target = drawing.gan.format_.target
    if target is None:
        raise InvalidInputError(
            f"gan={drawing.gan!r} was fitted without classes, so it can't draw rows of one. Call its fit(X, y)."
        )
    drawing.gan.sample(0, conditions={target: label})  # refuses a class that the GAN has not seen
    random_state = derive_seed(seed, "draw") % 2**32
    if not drawing.keep:
        return drawing.gan.sample(n_rows, conditions={target: label}, random_state=random_state)
    rng = np.random.default_rng(derive_seed(seed, "rows"))
    n_rounds = -(-n_rows // len(rows))
    chosen = np.concatenate([rng.permutation(len(rows)) for _ in range(n_rounds)])[:n_rows]
    return drawing.gan.vary(_take(rows, chosen), np.full(n_rows, label), keep=drawing.keep, random_state=random_state)


def _take(rows: Any, places: np.ndarray) -> Any:
    return rows.iloc[places].reset_index(drop=True) if isinstance(rows, pd.DataFrame) else rows[places]


def _concat(parts: list[Any]) -> Any:
    is_frame = isinstance(parts[0], pd.DataFrame)
    return pd.concat(parts, ignore_index=True) if is_frame else np.concatenate(parts)
