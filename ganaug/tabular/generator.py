"""The table generator: autoregressive over columns, in any order.

Each column is drawn from a context: a bias plus the sum of the embeddings of the columns already known (NADE,
Larochelle & Murray 2011; order-agnostic, Uria et al. 2014, arXiv 1310.1757). Its noise is one Gumbel draw per level
and one logistic draw per position, so G(noise) is an implicit generator too, differentiable by straight-through
Gumbel-softmax (Jang et al. 2017, arXiv 1611.01144).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, logsigmoid, one_hot, silu

from ganaug.tabular.layout import TableLayout

_LOG_SCALE_RANGE = (-4.0, 1.5)
_EDGE = 1e-6
_BYTE = 256


class Draw(NamedTuple):
    """One column of fakes: one-hot levels (n, levels), level codes (n,) and positions (n,)."""

    hot: Tensor
    levels: Tensor
    positions: Tensor


class ColumnPart(NamedTuple):
    """The weights of one column, and what they say.

    All columns' parts are cut from the parameters at once: a slice per column would, going backward, fill a gradient
    of the whole table's size for each of them.
    """

    embedding: Tensor
    position_embedding: Tensor
    output: Tensor
    output_bias: Tensor
    bias: Tensor
    block_in: Tensor
    block_bias: Tensor
    block_out: Tensor
    position_head: Tensor
    position_bias: Tensor
    is_binned: Tensor

    @property
    def has_bins(self) -> bool:
        """Whether any level has positions."""
        return len(self.position_head) > 0

    def embed(self, levels: Tensor, positions: Tensor) -> Tensor:
        """Return what knowing the column adds to the contexts of later columns, (n, context_dim)."""
        return self.embedding[levels] + (positions[:, None] - 0.5) * self.position_embedding[levels]

    def hidden(self, context: Tensor) -> Tensor:
        """Return the features that the heads read, (n, context_dim), from the sum of embeddings."""
        start = context + self.bias
        inner = silu(torch.addmm(self.block_bias, silu(start), self.block_in))
        return silu(start + inner @ self.block_out)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of the levels, (n, levels)."""
        return torch.addmm(self.output_bias, hidden, self.output.T)

    def position_law(self, levels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and scale of the logit of the position, given the level, (n,) each."""
        if not self.has_bins:
            return torch.zeros_like(hidden[:, 0]), torch.ones_like(hidden[:, 0])
        place = (self.is_binned.cumsum(0) - 1).clamp_min(0)[levels]
        law = (self.position_head[place] * hidden[:, None]).sum(dim=2) + self.position_bias[place]
        mean, log_scale = law.unbind(dim=1)
        return mean, log_scale.clamp(*_LOG_SCALE_RANGE).exp()

    def draw_positions(self, levels: Tensor, hidden: Tensor, rng: torch.Generator) -> Tensor:
        """Return positions drawn for ``levels``, (n,); 0.5 where a level has none."""
        if not self.has_bins:
            return torch.full_like(hidden[:, 0], 0.5)
        uniform = torch.rand(len(levels), generator=rng, device=levels.device).clamp(_EDGE, 1 - _EDGE)
        mean, scale = self.position_law(levels, hidden)
        positions = torch.sigmoid(mean + scale * torch.logit(uniform))
        return torch.where(self.is_binned[levels], positions, 0.5)

    def negative_log_likelihood(self, levels: Tensor, positions: Tensor, hidden: Tensor) -> Tensor:
        """Return -log p of levels and positions, (n,), in nats."""
        nats = cross_entropy(self.logits(hidden), levels, reduction="none")
        if self.has_bins:
            law = self.position_law(levels, hidden)
            nats = nats - torch.where(self.is_binned[levels], log_density(positions, *law), 0.0)
        return nats


class TableGenerator(nn.Module):
    """Draw a table's columns one after another, each from all those before it.

    Parameters
    ----------
    layout : TableLayout
    context_dim : int
        Width of embeddings and contexts.
    block_dim : int
        Width of the residual block that each column has for itself.
    dropout : float
        On the blocks' outputs while training; half of it on the embeddings.
    """

    is_binned: Tensor
    offsets: Tensor

    def __init__(self, layout: TableLayout, context_dim: int, block_dim: int, dropout: float) -> None:
        super().__init__()
        self.layout, self.dropout = layout, dropout
        n_columns, n_levels = layout.n_columns, layout.n_levels
        self.embedding = nn.Parameter(_smooth_embeddings(layout, context_dim))
        self.position_embedding = nn.Parameter(torch.zeros(n_levels, context_dim))
        self.bias = nn.Parameter(torch.zeros(n_columns, 1, context_dim))
        self.block_in = nn.Parameter(torch.randn(n_columns, context_dim, block_dim) / math.sqrt(context_dim))
        self.block_bias = nn.Parameter(torch.zeros(n_columns, 1, block_dim))
        self.block_out = nn.Parameter(torch.randn(n_columns, block_dim, context_dim) / math.sqrt(block_dim))
        self.output = nn.Parameter(torch.zeros(n_levels, context_dim))
        # Before the first step the generator draws independent columns with the right marginals.
        self.output_bias = nn.Parameter(torch.from_numpy(layout.marginals).float().clamp_min(1e-6).log())
        # Mean and log scale of the position, for the levels that have one.
        n_binned = int(layout.is_binned.sum())
        self.position_head = nn.Parameter(torch.zeros(max(1, n_binned), 2, context_dim))
        self.position_bias = nn.Parameter(torch.zeros(max(1, n_binned), 2))
        self.register_buffer("is_binned", torch.from_numpy(layout.is_binned), persistent=False)
        self.register_buffer("offsets", torch.tensor(layout.offsets)[:, None], persistent=False)

    def parts(self) -> list[ColumnPart]:
        """Cut the parameters into one part per column."""
        sizes = list(self.layout.sizes)
        n_binned = [int(self.layout.is_binned[self.layout.span(j)].sum()) for j in range(self.layout.n_columns)]
        total = sum(n_binned)
        cut = (
            *(weight.split(sizes) for weight in (self.embedding, self.position_embedding)),
            *(weight.split(sizes) for weight in (self.output, self.output_bias)),
            *(weight.unbind() for weight in (self.bias, self.block_in, self.block_bias, self.block_out)),
            *(weight[:total].split(n_binned) for weight in (self.position_head, self.position_bias)),
            self.is_binned.split(sizes),
        )
        return [ColumnPart(*weights) for weights in zip(*cut, strict=True)]

    def negative_log_likelihood(
        self, levels: Tensor, positions: Tensor, order: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Return -log p of each record, (n,), in nats, drawing its columns in ``order``."""
        return self.nats_per_column(levels, positions, order, rng).sum(dim=1)

    def nats_per_column(
        self, levels: Tensor, positions: Tensor, order: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Return -log p(column | columns before it in ``order``), (n, columns).

        Positions count with their density, which is 1 for the generator before training. A level of -1 (never seen)
        tells the other columns nothing and counts 0. With ``rng``, dropout is applied.
        """
        levels, positions = levels.T.contiguous(), positions.T.contiguous()  # columns first
        seen = levels >= 0
        levels = levels.clamp_min(0)
        rows = levels + self.offsets
        known = self.embedding[rows] + (positions[..., None] - 0.5) * self.position_embedding[rows]
        known = _drop(known * seen[..., None], 0.5 * self.dropout, rng)[order]
        contexts = (known.cumsum(dim=0) - known)[torch.argsort(order)]
        hidden = self._hidden_of_all(contexts, rng).unbind()
        nats = [
            part.negative_log_likelihood(levels[column], positions[column], hidden[column])
            for column, part in enumerate(self.parts())
        ]
        return torch.stack(nats, dim=1) * seen.T

    def draw_fakes(self, n_records: int, rng: torch.Generator, temperature: float = 0.7) -> list[Draw]:
        """Return records drawn in the table's order; gradients reach every column through the ones after it."""
        context = self.bias.new_zeros(n_records, self.bias.shape[2])
        draws = []
        for part in self.parts():
            hidden = part.hidden(context)
            noisy = add_gumbel(part.logits(hidden).float(), rng)
            levels = noisy.argmax(dim=1)
            soft = torch.softmax(noisy / temperature, dim=1)
            hot = one_hot(levels, noisy.shape[1]) + soft - soft.detach()  # straight-through
            positions = part.draw_positions(levels, hidden, rng)
            context = context + hot @ part.embedding
            if part.has_bins:
                context = context + (positions[:, None] - 0.5) * part.position_embedding[levels]
            draws.append(Draw(hot, levels, positions))
        return draws

    def _hidden_of_all(self, contexts: Tensor, rng: torch.Generator | None) -> Tensor:
        """Apply each column's block to its own contexts, (columns, n, context_dim): ``ColumnPart.hidden`` at once."""
        start = contexts + self.bias
        inner = silu(torch.baddbmm(self.block_bias, silu(start), self.block_in))
        inner = torch.bmm(inner, self.block_out)
        return _drop(silu(start + _drop(inner, self.dropout, rng)), self.dropout, rng)


def add_gumbel(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Add Gumbel noise: the argmax of each row is then a draw with probabilities softmax(logits)."""
    uniform = torch.rand(logits.shape, generator=rng, device=logits.device)
    return logits - torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))


def log_density(positions: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Return the log density of logit-logistic positions in (0, 1); 0 everywhere for mean 0, scale 1."""
    positions = positions.clamp(_EDGE, 1 - _EDGE)
    logit = torch.logit(positions)
    centered = (logit - mean) / scale
    # Logistic density of the logit, times d logit / d position = 1 / (position (1 - position)).
    base = logsigmoid(centered) + logsigmoid(-centered) - scale.log()
    return base - logsigmoid(logit) - logsigmoid(-logit)


def _drop(values: Tensor, rate: float, rng: torch.Generator | None) -> Tensor:
    """Dropout that draws from ``rng``, never from the global generator; none without ``rng``."""
    if rng is None or not rate:
        return values
    # One byte per value, eight at a time: a float per value would cost as much as the matrix products.
    n_words = -(-values.numel() // 8)
    words = torch.empty(n_words, dtype=torch.int64, device=values.device).random_(-(2**63), None, generator=rng)
    keep = (words.view(torch.uint8)[: values.numel()] >= round(rate * _BYTE)).view(values.shape)
    return values * keep / (1.0 - rate)


def _smooth_embeddings(layout: TableLayout, width: int) -> Tensor:
    """Return random embeddings; along ordered levels they are smooth, so that neighbors start out alike."""
    parts = []
    for size, n_ordered in zip(layout.sizes, layout.n_ordered, strict=True):
        along = torch.linspace(0.0, 1.0, n_ordered)[:, None]
        waves, shift = 3.0 * torch.rand(1, width), 2.0 * math.pi * torch.rand(1, width)
        parts.append(0.4 * torch.sin(2.0 * math.pi * waves * along + shift))
        parts.append(0.3 * torch.randn(size - n_ordered, width))
    return torch.cat(parts)
