"""Drawing rows column by column, in memory that is used again: what sampling spends its time on."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding, silu

from ganaug.tabular.generator import ColumnPart
from ganaug.tabular.ties import Ties

_BELOW_ONE = 1.0 - 1e-6


class Walk:
    """Rows of which some columns are known and others are drawn, each from all those before it.

    Parameters
    ----------
    parts : sequence of ColumnPart
    ties : Ties
    n_rows : int
    """

    def __init__(self, parts: Sequence[ColumnPart], ties: Ties, n_rows: int) -> None:
        self.parts, self.ties = parts, ties
        width, inner = parts[0].block_in.shape
        like = parts[0].embedding
        self._context, self._start, self._hidden = (like.new_empty(n_rows, width) for _ in range(3))
        self._inner = like.new_empty(n_rows, inner)
        self.levels: dict[int, Tensor] = {}
        self.positions: dict[int, Tensor] = {}

    def begin(self) -> None:
        """Forget all rows."""
        self._context.zero_()
        self.levels, self.positions = {}, {}

    def know(self, column: int, levels: Tensor, positions: Tensor) -> None:
        """Take levels and positions (n,) of ``column`` as given."""
        part = self.parts[column]
        self._context += embedding(levels, part.embedding)
        if part.has_bins:
            self._context += (positions[:, None] - 0.5) * embedding(levels, part.position_embedding)
        self.levels[column], self.positions[column] = levels, positions

    def draw(self, column: int, rng: torch.Generator) -> None:
        """Draw ``column`` given what is known."""
        settled = self.ties.settle(column, self.levels)
        if settled is not None:
            self.know(column, settled, torch.full_like(self._context[:, 0], 0.5))
            return
        logits = self.logits(column)
        self.take(column, logits, rng)

    def logits(self, column: int) -> Tensor:
        """Return the logits (n, levels) of ``column``; call ``take`` before those of another."""
        part = self.parts[column]
        start = torch.add(self._context, part.bias, out=self._start)
        inner = torch.addmm(part.block_bias, silu(start), part.block_in, out=self._inner)
        hidden = torch.addmm(start, silu(inner, inplace=True), part.block_out, out=self._hidden)
        return part.logits(silu(hidden, inplace=True))

    def take(self, column: int, logits: Tensor, rng: torch.Generator) -> None:
        """Draw the levels by their ``logits``, which are overwritten, and positions inside them."""
        part = self.parts[column]
        self.ties.restrict(column, logits, self.levels)
        levels = draw_levels(logits, rng)
        self.know(column, levels, part.draw_positions(levels, self._hidden, rng))


def draw_levels(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Return one level per row, drawn with probabilities softmax(logits); ``logits`` are overwritten."""
    logits -= logits.amax(dim=1, keepdim=True)
    cumulative = logits.exp_().cumsum(dim=1)
    uniform = torch.rand(len(logits), 1, generator=rng, device=logits.device) * _BELOW_ONE
    return torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)[:, 0]
