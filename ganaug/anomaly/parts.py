"""The parts of a score: what each of them says of records, before and after it is scaled."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.anomaly.game import LadderGame, describe, expected_level, judge
from ganaug.anomaly.memory import fill
from ganaug.anomaly.tail import Tails
from ganaug.anomaly.view import View

PARTS = ("memory", "record", "neighbor", "tail", "generated", "gan")
"""All parts, in the order in which they are shown."""
HEADS = ("memory", "record")
MOST_SURE = 4.0
"""Deviations that a head's opinion may be below the usual one."""
NEED_MEMORY: tuple[str, ...] = ("memory",)


class Judges:
    """What judges points: the discriminator's heads, the memory, the tails. Higher = more normal in every part.

    ``memory``, ``record``: minus the level of noise that the members of a head expect; ``neighbor``: minus the log
    distance to the neighbors among the references, or to the nearest center; ``tail``: minus the excess of the
    columns' tails; ``generated``: log odds of normal against generated.

    Parameters
    ----------
    game : LadderGame
    view : View
    tails : Tails
    """

    def __init__(self, game: LadderGame, view: View, tails: Tails) -> None:
        # On the CPU and in float64: float32 matrix products depend on the size of the batch.
        self.heads: nn.ModuleDict = copy.deepcopy(game.discriminator).cpu().double().eval()
        self.n_levels, self.has_generator = game.n_levels, game.has_generator
        self.view, self.tails = view, tails

    @torch.no_grad()
    def judge(
        self, points: np.ndarray, own: np.ndarray | None = None, members: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return the parts, (n,) each, of points (n, d + 1), before they are scaled.

        Parameters
        ----------
        points : ndarray of shape (n, d + 1)
        own : ndarray of shape (n,), optional
            Of (copies of) training records: what is left out of their neighborhood; see ``Memory`` and ``Centers``.
        members : ndarray of shape (n,), optional
            The member that is to judge each record alone, since it has never seen it. Without it, all of them judge.
        """
        blocks, size = [], self.view.neighborhood.block
        for first in range(0, len(points), size):
            rows = slice(first, first + size)
            left_out, member = (None if some is None else torch.from_numpy(some[rows]) for some in (own, members))
            blocks.append(self._judge_block(points[rows], left_out, member))
        return {name: np.concatenate([block[name] for block in blocks]) for name in PARTS if name in blocks[0]}

    @torch.no_grad()
    def features(self, points: np.ndarray) -> np.ndarray:
        """Return the last hidden layers of all members of all heads, side by side, of points (n, d + 1)."""
        blocks, size = [], self.view.neighborhood.block
        for first in range(0, len(points), size):
            some = points[first : first + size]
            views, _ = self._look(some, None)
            hidden = torch.cat([describe(head, views) for head in self.heads.values()], dim=1)
            blocks.append(hidden[: len(some)].numpy())
        return np.concatenate(blocks)

    def _look(self, points: np.ndarray, left_out: Tensor | None) -> tuple[Tensor, np.ndarray]:
        """Return the views of one block, filled up, and which of its records are known from the training."""
        block, size = torch.from_numpy(points), self.view.neighborhood.block
        known = np.full(len(points), left_out is not None)
        if left_out is None:
            left_out = self.view.neighborhood.recognize(block)
            known = known if left_out is None else (left_out >= 0).numpy()
        return self.view.of(fill(block, size), None if left_out is None else fill(left_out, size)), known

    def _judge_block(self, points: np.ndarray, left_out: Tensor | None, member: Tensor | None) -> dict[str, np.ndarray]:
        n_records = len(points)
        views, known = self._look(points, left_out)
        parts = {"neighbor": self.view.nearness(views[:n_records]).numpy(), "tail": -self.tails.excess(points, known)}
        for name, head in self.heads.items():
            logits = judge(head, views)[:, :n_records]
            parts[name] = -_choose(expected_level(logits, self.n_levels), member).numpy()
            if name == "record" and self.has_generator:
                parts["generated"] = _choose(logits[..., 0] - logits[..., -1], member).numpy()
        return parts


def _choose(opinions: Tensor, member: Tensor | None) -> Tensor:
    """Return the members' mean opinion (n,), or that of the member named for each record."""
    if member is None:
        return opinions.mean(dim=0)
    return opinions.gather(0, member[None])[0]
