"""Drawing rows column by column, in memory that is used again: what sampling spends its time on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding, silu

from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.generator import ColumnPart, TableGenerator
from ganaug.tabular.ties import Tie, Ties

_UNIFORM_RANGE = (1e-8, 1.0 - 1e-6)
"""Of the numbers that pick levels: 0, which is drawn once in 2^24, would pick a level that is next to impossible."""
_LARGEST_LOGIT = 80.0
_MAX_BEGINNINGS = 2048
"""So many different beginnings of a row are worked out once for all blocks."""


class Model(NamedTuple):
    """What rows are drawn with: the networks, the columns' values, and what holds between the columns.

    ``shifts`` (levels of all columns,) is what raking adds to the logits of columns drawn in the table's order; None
    for nothing.
    """

    generator: TableGenerator
    encoder: TableEncoder
    ties: Sequence[Tie]
    shifts: np.ndarray | None = None
    precision: str = "float32"

    def raked_parts(self) -> list[ColumnPart]:
        """Return the generator's parts for drawing in the table's order."""
        parts = self.generator.parts()
        if self.shifts is None:
            return parts
        shifts = torch.from_numpy(self.shifts).to(self.generator.bias.device).split(list(self.generator.layout.sizes))
        return [part._replace(output_bias=part.output_bias + shift) for part, shift in zip(parts, shifts, strict=True)]


class Walk:
    """Rows of which some columns are known and others are drawn, each from all those before it.

    Parameters
    ----------
    parts : sequence of ColumnPart
    ties : Ties
    n_rows : int
    precision : {"float32", "bfloat16"}
        Of the matrix products.
    order : sequence of int
        The columns that rows begin with when nothing is known of them beforehand. As long as few different beginnings
        are possible, what follows them is worked out once.
    """

    def __init__(
        self,
        parts: Sequence[ColumnPart],
        ties: Ties,
        n_rows: int,
        precision: str = "float32",
        order: Sequence[int] = (),
    ) -> None:
        self.parts, self.ties = parts, ties
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._blocks: dict[int, _Block] = {}
        like = parts[0].embedding
        self._context, self.hidden = (like.new_empty(n_rows, like.shape[1]) for _ in range(2))
        self._beginnings = self._work_out(order)
        self.levels: dict[int, Tensor] = {}
        self.positions: dict[int, Tensor] = {}

    def begin(self) -> None:
        """Forget all rows."""
        self._context.zero_()
        self._beginning = torch.zeros(len(self._context), dtype=torch.int64, device=self._context.device)
        self.levels, self.positions = {}, {}

    def _work_out(self, order: Sequence[int]) -> dict[int, tuple[Tensor, Tensor]]:
        """Return hidden features and cumulative probabilities of the first columns, by beginning of the row."""
        known: dict[int, Tensor] = {}
        contexts = self._context.new_zeros(1, self._context.shape[1])
        beginnings = {}
        for column in order:
            part, block = self.parts[column], self._block(column)
            hidden = block.hidden(contexts, torch.empty_like(contexts))
            logits = block.logits(hidden)
            self.ties.restrict(column, logits, known)
            beginnings[column] = hidden, _accumulate(logits)
            size = logits.shape[1]
            if part.has_bins or len(contexts) * size > _MAX_BEGINNINGS:
                break
            levels = torch.arange(size, device=contexts.device).repeat(len(contexts))
            known = {place: values.repeat_interleave(size) for place, values in known.items()} | {column: levels}
            contexts = contexts.repeat_interleave(size, dim=0) + part.embedding[levels]
        return beginnings

    def know(self, column: int, levels: Tensor, positions: Tensor) -> None:
        """Take levels and positions (n,) of ``column`` as given."""
        self.levels[column], self.positions[column] = levels, positions
        if len(self.levels) == len(self.parts):
            return  # nothing comes after it
        part = self.parts[column]
        self._context += embedding(levels, part.embedding)
        if part.has_bins:
            self._context += (positions[:, None] - 0.5) * embedding(levels, part.position_embedding)

    def draw(self, column: int, rng: torch.Generator) -> None:
        """Draw ``column`` given what is known."""
        if column in self._beginnings and list(self.levels) == list(self._beginnings)[: len(self.levels)]:
            self._draw_first(column, rng)
            return
        settled = self.ties.settle(column, self.levels)
        if settled is not None:
            self.know(column, settled, torch.full_like(self._context[:, 0], 0.5))
            return
        logits = self.logits(column)
        self.take(column, logits, rng)

    def _draw_first(self, column: int, rng: torch.Generator) -> None:
        """Draw a column of which all that can come before it is worked out."""
        hidden, cumulative = self._beginnings[column]
        levels = _pick(cumulative[self._beginning] if len(cumulative) > 1 else cumulative, rng, len(self._beginning))
        part = self.parts[column]
        positions = part.draw_positions(levels, hidden[self._beginning] if part.has_bins else self.hidden, rng)
        self._beginning = self._beginning * cumulative.shape[1] + levels
        self.know(column, levels, positions)

    def logits(self, column: int) -> Tensor:
        """Return the logits (n, levels) of ``column``; call ``take`` before those of another."""
        block = self._block(column)
        self.hidden = block.hidden(self._context, self.hidden)
        return block.logits(self.hidden)

    def _block(self, column: int) -> "_Block":
        if column not in self._blocks:
            self._blocks[column] = _Block(self.parts[column], self._dtype)
        return self._blocks[column]

    def take(self, column: int, logits: Tensor, rng: torch.Generator) -> None:
        """Draw the levels by their ``logits``, which are overwritten, and positions inside them."""
        part = self.parts[column]
        self.ties.restrict(column, logits, self.levels)
        levels = draw_levels(logits, rng)
        self.know(column, levels, part.draw_positions(levels, self.hidden, rng))


class _Block:
    """The way from a context to a column's logits, in either precision and with few new tensors."""

    def __init__(self, part: ColumnPart, dtype: torch.dtype) -> None:
        self.part, self.dtype = part, dtype
        self.block_in, self.block_out, self.output = (
            weight.to(dtype) for weight in (part.block_in, part.block_out, part.output.T.contiguous())
        )
        self.block_bias = part.block_bias.to(dtype)

    def hidden(self, context: Tensor, out: Tensor) -> Tensor:
        """Write hidden features (n, context_dim) into ``out``."""
        start = torch.add(context, self.part.bias, out=out)
        inner = torch.addmm(self.block_bias, silu(start).to(self.dtype), self.block_in)
        added = torch.mm(silu(inner, inplace=True), self.block_out)
        return silu(start.add_(added), inplace=True)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return logits (n, levels) in float32."""
        if self.dtype == torch.float32:
            return torch.addmm(self.part.output_bias, hidden, self.output)
        # Shares of rare levels are kept by their biases, which bfloat16 would round.
        return torch.mm(hidden.to(self.dtype), self.output) + self.part.output_bias


def draw_levels(logits: Tensor, rng: torch.Generator, n_rows: int | None = None) -> Tensor:
    """Return one level per row, drawn with probabilities softmax(logits); ``logits`` are overwritten.

    With ``n_rows``, so many by the only row that there may be.
    """
    return _pick(_accumulate(logits), rng, n_rows or len(logits))


def _accumulate(logits: Tensor) -> Tensor:
    """Return cumulative probabilities, up to a factor per row; ``logits`` are overwritten."""
    # Clamping is quicker than taking off each row's largest, and leaves e-69 for what is next to impossible.
    return logits.clamp_(-_LARGEST_LOGIT, _LARGEST_LOGIT).exp_().cumsum(dim=1)


def _pick(cumulative: Tensor, rng: torch.Generator, n_rows: int) -> Tensor:
    """Return one level per row of ``cumulative``, or ``n_rows`` by the only one there is."""
    uniform = torch.rand(n_rows, 1, generator=rng, device=cumulative.device).clamp_(*_UNIFORM_RANGE)
    uniform = uniform * cumulative[:, -1:]
    if len(cumulative) == 1:
        return torch.searchsorted(cumulative[0], uniform[:, 0], right=True)
    return torch.searchsorted(cumulative, uniform, right=True)[:, 0]
