"""The parts of a score: what each of them says of records, before and after it is scaled."""

import copy

import numpy as np
import torch
from torch import Tensor

from ganaug.anomaly.game import LadderGame, expected_level, judge
from ganaug.anomaly.memory import BLOCK
from ganaug.anomaly.tail import Tails
from ganaug.anomaly.view import View

PARTS = ("memory", "record", "neighbor", "tail", "generated", "gan")
"""All parts, in the order in which they are shown."""
NEED_MEMORY: tuple[str, ...] = ("memory", "neighbor")


class Judges:
    """What judges points: the discriminator's heads, the memory, the tails. Higher = more normal in every part.

    ``memory``, ``record``: minus the level of noise that the members of a head expect; ``neighbor``: minus the log
    distance to the fifth neighbor; ``tail``: minus the excess of the columns' tails; ``generated``: log odds of normal
    against generated.

    Parameters
    ----------
    game : LadderGame
    view : View
    tails : Tails
    """

    def __init__(self, game: LadderGame, view: View, tails: Tails) -> None:
        # On the CPU and in float64: float32 matrix products depend on the size of the batch.
        self.heads = copy.deepcopy(game.discriminator).cpu().double().eval()
        self.n_levels, self.has_generator = game.n_levels, game.has_generator
        self.view, self.tails = view, tails

    @torch.no_grad()
    def judge(
        self, points: np.ndarray, members: np.ndarray | None = None, left_out: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return the parts, (n,) each, of points (n, d + 1), before they are scaled.

        ``members`` (n,): the member that is to judge each record alone, since it has never seen it; without it, all of
        them judge. ``left_out`` (n,): the reference that is not to be found in the memory, -1 for none; without it,
        one that equals the record.
        """
        blocks = []
        for first in range(0, len(points), BLOCK):
            rows = slice(first, first + BLOCK)
            member = None if members is None else torch.from_numpy(members[rows])
            gone = None if left_out is None else torch.from_numpy(left_out[rows])
            blocks.append(self._judge_block(torch.from_numpy(points[rows]), member, gone))
        parts = {name: torch.cat([block[name] for block in blocks]).numpy() for name in blocks[0]}
        parts["tail"] = -self.tails.excess(points)
        return {name: parts[name] for name in PARTS if name in parts}

    def _judge_block(self, block: Tensor, member: Tensor | None, left_out: Tensor | None) -> dict[str, Tensor]:
        n_records = len(block)
        views = self.view.of(_fill(block), None if left_out is None else _fill(left_out))
        parts = {}
        for name, head in self.heads.items():
            logits = judge(head, views)[:, :n_records]
            parts[name] = -_choose(expected_level(logits, self.n_levels), member)
            if name == "record" and self.has_generator:
                parts["generated"] = _choose(logits[..., 0] - logits[..., -1], member)
        if self.view.memory is not None:
            parts["neighbor"] = -self.view.neighbor_distance(views[:n_records])
        return parts


def _choose(opinions: Tensor, member: Tensor | None) -> Tensor:
    """Return the members' mean opinion (n,), or that of the member named for each record."""
    if member is None:
        return opinions.mean(dim=0)
    return opinions.gather(0, member[None])[0]


def _fill(block: Tensor) -> Tensor:
    """Return the block filled up to one size with copies of its first row: see ``BLOCK``."""
    missing = BLOCK - len(block)
    return torch.cat([block, block[:1].expand(missing, *block.shape[1:])]) if missing else block
