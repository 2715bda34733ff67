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
from torch.nn.functional import cross_entropy, embedding, one_hot, silu

from ganaug.tabular.dropout import StripDropout
from ganaug.tabular.layout import TableLayout
from ganaug.tabular.likelihood import LOG_SCALE_RANGE, ColumnNats, Question, Span, log_density

_EDGE = 1e-6


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
        return mean, log_scale.clamp(*LOG_SCALE_RANGE).exp()

    def law_at(self, level: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and scale of the logit of the position in one binned level, (n,) each."""
        place = int(self.is_binned[:level].sum())
        mean, log_scale = torch.addmm(self.position_bias[place], hidden, self.position_head[place].T).unbind(dim=1)
        return mean, log_scale.clamp(*LOG_SCALE_RANGE).exp()

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
    binned_columns: Tensor
    head_rows: Tensor
    bin_places: Tensor

    def __init__(self, layout: TableLayout, context_dim: int, block_dim: int, dropout: float) -> None:
        super().__init__()
        self.layout = layout
        self.drop_known, self.drop_hidden = StripDropout(0.5 * dropout), StripDropout(dropout)
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
        binned_columns, head_rows, bin_places, self.head_spans = _arrange_heads(layout)
        self.register_buffer("binned_columns", binned_columns, persistent=False)
        self.register_buffer("head_rows", head_rows, persistent=False)
        self.register_buffer("bin_places", bin_places, persistent=False)

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

        Several orders, (orders, columns), are those of so many consecutive parts of the records.
        Positions count with their density, which is 1 for the generator before training. A level of -1 (never seen)
        tells the other columns nothing and counts 0. With ``rng``, dropout is applied.
        """
        levels, positions = levels.T.contiguous(), positions.T.contiguous()  # columns first
        known = self.drop_known(self._embed_all(levels, positions), rng)
        masks = (self.drop_hidden.mask(known, rng), self.drop_hidden.mask(known, rng))
        orders = order.view(-1, order.shape[-1]).tolist()
        question = Question(levels.clamp_min(0), positions, orders, self._spans(), masks)
        blocks = (self.bias, self.block_in, self.block_bias, self.block_out)
        heads = torch.cat([self.output, self.position_head.flatten(0, 1)])[self.head_rows]
        head_bias = torch.cat([self.output_bias, self.position_bias.flatten()])[self.head_rows]
        # Autocasting would reach some of the products alone, and leave tensors of two kinds.
        with torch.autocast(known.device.type, enabled=False):
            nats: Tensor = ColumnNats.apply(known, *blocks, heads, head_bias, question)
        return (nats * (levels >= 0)).T

    def _spans(self) -> list[Span]:
        places = self.bin_places.split(list(self.layout.sizes))
        return [
            Span(first, len(part), n_binned, part)
            for (first, n_binned), part in zip(self.head_spans, places, strict=True)
        ]

    def _embed_all(self, levels: Tensor, positions: Tensor) -> Tensor:
        """Return what each column adds to the contexts of later ones, (columns, n, context_dim); 0 where unseen."""
        nothing = self.embedding.new_zeros(1, self.embedding.shape[1])
        rows = torch.where(levels >= 0, levels + self.offsets, len(self.embedding))
        known = embedding(rows, torch.cat([self.embedding, nothing]))
        binned = self.binned_columns
        if len(binned):
            slopes = embedding(rows[binned], torch.cat([self.position_embedding, nothing]))
            known = known.index_add(0, binned, (positions[binned, :, None] - 0.5) * slopes)
        return known

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


def add_gumbel(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Add Gumbel noise: the argmax of each row is then a draw with probabilities softmax(logits)."""
    uniform = torch.rand(logits.shape, generator=rng, device=logits.device)
    return logits - torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))


def _arrange_heads(layout: TableLayout) -> tuple[Tensor, Tensor, Tensor, list[tuple[int, int]]]:
    """Return the columns with bins, the heads' rows column by column, levels' places among bins, (first, bins)s.

    The rows are those of levels, and after all of these means and log scales in turn; a column's stand together as
    ``ColumnNats`` wants them: levels, means, log scales.
    """
    columns, rows, places, spans = [], [], [], []
    n_rows, n_bins = 0, 0
    for column in range(layout.n_columns):
        span = layout.span(column)
        binned = torch.from_numpy(layout.is_binned[span])
        size = int(binned.sum())
        means = layout.n_levels + 2 * torch.arange(n_bins, n_bins + size)
        rows.append(torch.cat([torch.arange(span.start, span.stop), means, means + 1]))
        places.append(torch.where(binned, binned.cumsum(0) - 1, -1))
        spans.append((n_rows, size))
        columns += [column] if size else []
        n_rows, n_bins = n_rows + len(rows[-1]), n_bins + size
    return torch.tensor(columns, dtype=torch.int64), torch.cat(rows), torch.cat(places), spans


def _smooth_embeddings(layout: TableLayout, width: int) -> Tensor:
    """Return random embeddings; along ordered levels they are smooth, so that neighbors start out alike."""
    parts = []
    for size, n_ordered in zip(layout.sizes, layout.n_ordered, strict=True):
        along = torch.linspace(0.0, 1.0, n_ordered)[:, None]
        waves, shift = 3.0 * torch.rand(1, width), 2.0 * math.pi * torch.rand(1, width)
        parts.append(0.4 * torch.sin(2.0 * math.pi * waves * along + shift))
        parts.append(0.3 * torch.randn(size - n_ordered, width))
    return torch.cat(parts)
