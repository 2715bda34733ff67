"""The likelihood of all columns in one differentiable step, forward and backward written out.

Automatic differentiation would make two dozen tensors over all columns, none of which stays in a CPU's inner caches;
fetching them takes longer than the matrix products do. Here a column is finished while its numbers are near.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid, silu

LOG_SCALE_RANGE = (-4.0, 1.5)
_EDGE = 1e-6
_silu_backward = torch.ops.aten.silu_backward


class Span(NamedTuple):
    """Where a column's heads stand: its levels, then the means, then the log scales of its binned levels.

    ``places`` says of each level which of the binned ones it is; -1 where it has no positions.
    """

    first: int
    size: int
    n_binned: int
    places: Tensor

    @property
    def rows(self) -> slice:
        """All of them."""
        return slice(self.first, self.first + self.size + 2 * self.n_binned)


@dataclass(frozen=True)
class Question:
    """Which records' likelihood is asked for, in which orders of the columns.

    Attributes
    ----------
    levels, positions : Tensor (columns, n)
        Levels are int64 and none is negative.
    orders : list of list of int
        The columns in the order in which they become known; one order for each of so many consecutive parts of the
        records, which are as even as ``torch.tensor_split`` makes them.
    spans : list of Span
        Of each column.
    masks : two of Tensor (columns, n, context_dim) or None
        Dropout of the block's output and of the hidden features.
    """

    levels: Tensor
    positions: Tensor
    orders: list[list[int]]
    spans: list[Span]
    masks: tuple[Tensor | None, Tensor | None]


class ColumnNats(torch.autograd.Function):
    """-log p of every column's value given the columns before it, in nats.

    Per column: ``s = (sum of known over earlier columns) + bias``; ``u = silu(s) @ block_in + block_bias``;
    ``e = s + drop(silu(u) @ block_out)``; ``hidden = drop(silu(e))``; its heads say the logits of the levels and, of
    binned levels, mean and log scale of the position.

    Inputs of ``apply``: known (columns, n, context_dim); bias (columns, 1, context_dim); block_in (columns,
    context_dim, block_dim); block_bias (columns, 1, block_dim); block_out (columns, block_dim, context_dim); heads
    (rows of all columns, context_dim) and head_bias (rows of all columns,); a ``Question``. Output: (columns, n).
    """

    @staticmethod
    def forward(
        ctx: Any,
        known: Tensor,
        bias: Tensor,
        block_in: Tensor,
        block_bias: Tensor,
        block_out: Tensor,
        heads: Tensor,
        head_bias: Tensor,
        question: Question,
    ) -> Tensor:
        """Sum up what is known before each column, then go through the columns."""
        starts = _sum_before(known, question.orders)
        ends, hidden = torch.empty_like(known), torch.empty_like(known)
        inners = known.new_empty(*known.shape[:2], block_bias.shape[2])
        nats, slopes = torch.empty_like(question.positions), []
        for column, start in enumerate(starts):
            start += bias[column]
            inner = torch.addmm(block_bias[column], silu(start), block_in[column], out=inners[column])
            end = torch.mm(silu(inner), block_out[column], out=ends[column])
            _mask(end, question.masks[0], column).add_(start)
            features = torch.mul(end, torch.sigmoid(end), out=hidden[column])
            _mask(features, question.masks[1], column)
            rows = question.spans[column].rows
            said = torch.addmm(head_bias[rows], features, heads[rows].T)
            slopes.append(_judge(said, question, column, nats[column]))
        ctx.save_for_backward(starts, inners, ends, hidden, block_in, block_out, heads, *slopes)
        ctx.question = question
        return nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Go through the columns; then, backwards, what a column adds reaches all those after it."""
        starts, inners, ends, hidden, block_in, block_out, heads, *slopes = ctx.saved_tensors
        question: Question = ctx.question
        flows, of_in, of_out, of_heads = (torch.empty_like(part) for part in (starts, block_in, block_out, heads))
        of_bias, of_block_bias = starts.new_empty(len(starts), 1, starts.shape[2]), inners[:, :1].clone()
        of_head_bias = heads.new_empty(len(heads))
        for column, slope in enumerate(slopes):
            start, inner = starts[column], inners[column]
            rows = question.spans[column].rows
            slope = slope * gradient[column, :, None]
            torch.mm(slope.T, hidden[column], out=of_heads[rows])
            torch.sum(slope, 0, out=of_head_bias[rows])
            flow = _silu_backward(_mask(slope @ heads[rows], question.masks[1], column), ends[column])
            to_block = flow if question.masks[0] is None else flow * question.masks[0][column]
            torch.mm(silu(inner).T, to_block, out=of_out[column])
            to_inner = _silu_backward(to_block @ block_out[column].T, inner)
            torch.mm(silu(start).T, to_inner, out=of_in[column])
            torch.sum(to_inner, 0, keepdim=True, out=of_block_bias[column])
            torch.add(flow, _silu_backward(to_inner @ block_in[column].T, start), out=flows[column])
            torch.sum(flows[column], 0, keepdim=True, out=of_bias[column])
        of_known = _sum_before(flows, [order[::-1] for order in question.orders])
        return of_known, of_bias, of_in, of_block_bias, of_out, of_heads, of_head_bias, None


def _sum_before(values: Tensor, orders: list[list[int]]) -> Tensor:
    """Return, per column, the sum of ``values`` (columns, n, ...) over the columns before it in its records' order."""
    sums = torch.empty_like(values)
    parts = zip(values.tensor_split(len(orders), dim=1), sums.tensor_split(len(orders), dim=1), orders, strict=True)
    for some, place, order in parts:
        total = torch.zeros_like(some[0])
        for column in order:
            place[column] = total
            total += some[column]
    return sums


def log_density(positions: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Return the log density of logit-logistic positions in (0, 1); 0 everywhere for mean 0, scale 1."""
    logit = torch.logit(positions.clamp(_EDGE, 1 - _EDGE))
    centered = (logit - mean) / scale
    # Logistic density of the logit, times d logit / d position = 1 / (position (1 - position)).
    base = logsigmoid(centered) + logsigmoid(-centered) - scale.log()
    return base - logsigmoid(logit) - logsigmoid(-logit)


def _judge(said: Tensor, question: Question, column: int, nats: Tensor) -> Tensor:
    """Write the nats of one column into ``nats`` and return their slopes by what its heads said, (n, rows)."""
    span, levels = question.spans[column], question.levels[column][:, None]
    log_shares = torch.log_softmax(said[:, : span.size], dim=1)
    torch.neg(log_shares.gather(1, levels)[:, 0], out=nats)
    slopes = torch.zeros_like(said) if span.n_binned else torch.empty_like(said)
    torch.exp(log_shares, out=slopes[:, : span.size])
    if span.n_binned:
        _judge_positions(said, question, column, nats, slopes)
    slopes.scatter_add_(1, levels, slopes.new_full((), -1.0).expand(levels.shape))
    return slopes


def _judge_positions(said: Tensor, question: Question, column: int, nats: Tensor, slopes: Tensor) -> None:
    """Count the positions of binned levels in, in place."""
    span = question.spans[column]
    places = span.places[question.levels[column]]
    rows = (places >= 0).nonzero()[:, 0]
    means = span.size + places[rows]
    mean, log_scale = said[rows, means], said[rows, means + span.n_binned]
    inside = (log_scale >= LOG_SCALE_RANGE[0]) & (log_scale <= LOG_SCALE_RANGE[1])
    scale = log_scale.clamp(*LOG_SCALE_RANGE).exp()
    positions = question.positions[column, rows]
    nats[rows] -= log_density(positions, mean, scale)
    centered = (torch.logit(positions.clamp(_EDGE, 1 - _EDGE)) - mean) / scale
    tilt = 1.0 - 2.0 * torch.sigmoid(centered)
    slopes[rows, means] = tilt / scale
    slopes[rows, means + span.n_binned] = torch.where(inside, tilt * centered + 1.0, 0.0)


def _mask(values: Tensor, masks: Tensor | None, column: int) -> Tensor:
    return values if masks is None else values.mul_(masks[column])
