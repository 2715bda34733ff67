"""Conditioned columns: drawn so that every row meets all conditions, in the right proportions."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganaug.tabular.columns import Choices
from ganaug.tabular.conditions import is_open
from ganaug.tabular.drawing import Model, Walk, draw_levels
from ganaug.tabular.likelihood import log_density
from ganaug.tabular.ties import Ties

POOL = 4
"""Candidates per row, at first, when several columns have more than one allowed value."""
MAX_POOL = 32
_EDGE = 1e-6
_NARROW = 1e-3


class ConditionedRows(NamedTuple):
    """Levels, positions and which alternative was taken, (block,) by column; weights (candidates,)."""

    levels: dict[int, Tensor]
    positions: dict[int, Tensor]
    picked: dict[int, Tensor]
    log_weights: Tensor


class _Batch(NamedTuple):
    """Candidates: all columns but the last as drawn, and what there is to draw the last from."""

    rows: ConditionedRows
    hidden: Tensor
    log_masses: Tensor


class Pool:
    """Draws the conditioned columns of a block of rows.

    One after another, allowed levels only, gives p(a | a in A) p(b | a, b in B). That is the wanted joint
    p(a, b | a in A, b in B) once each candidate is weighted by P(b in B | a): sampling-importance-resampling. The
    pool grows until it holds as many candidates, counted by their weights, as rows are wanted. The last column is
    drawn after rows were taken, since no weight depends on it.

    Parameters
    ----------
    model : Model
    ties : Ties
    compiled : dict of Choices
        By column, in the order in which columns are drawn.
    block : int
        Rows drawn at a time.
    """

    def __init__(self, model: Model, ties: Ties, compiled: dict[int, Choices], block: int) -> None:
        self.ties, self.compiled, self.block = ties, compiled, block
        # Weights differ between candidates only where something was drawn before the last condition.
        self.is_pooled = any(is_open(choices) for choices in list(compiled.values())[:-1])
        self.parts = model.generator.parts()
        self.size = block * (POOL if self.is_pooled else 1)
        self.walk = Walk(self.parts, ties, self.size, model.precision)
        self.device = model.generator.bias.device
        layout = model.generator.layout
        shares = torch.from_numpy(layout.marginals).float().to(self.device)
        self._log_shares = shares.log().split(list(layout.sizes))

    def draw(self, rng: torch.Generator) -> ConditionedRows:
        """Draw one block."""
        batches: list[_Batch] = []
        for _ in range(MAX_POOL // POOL if self.is_pooled else 1):
            batches.append(self._draw_batch(rng))
            log_weights = torch.cat([batch.rows.log_weights for batch in batches])
            shares = torch.softmax(log_weights, dim=0)
            if 1.0 / float((shares**2).sum()) >= 2 * self.block:
                break
        rows = _resample(shares, self.block, rng) if self.is_pooled else torch.arange(self.block, device=self.device)

        def take(parts: list[Tensor]) -> Tensor:
            together = torch.cat(parts)
            return together[rows] if len(together) > 1 else together

        *earlier, last = self.compiled
        levels, positions, picked = (
            {column: take([batch.rows[place][column] for batch in batches]) for column in earlier} for place in range(3)
        )
        hidden, log_masses = (take([batch[place] for batch in batches]) for place in (1, 2))
        picked[last] = _pick_alternatives(log_masses, self.block, rng)
        levels[last], positions[last] = self._place(last, picked[last], hidden, rng)
        return ConditionedRows(levels, positions, picked, log_weights)

    def _draw_batch(self, rng: torch.Generator) -> _Batch:
        self.walk.begin()
        picked: dict[int, Tensor] = {}
        log_weights = torch.zeros(self.size, device=self.device)
        for column in self.compiled:
            hidden, log_masses = self._weigh(column)
            log_weights = log_weights + torch.logsumexp(log_masses, dim=1)
            if len(picked) < len(self.compiled) - 1:
                picked[column] = _pick_alternatives(log_masses, self.size, rng)
                self.walk.know(column, *self._place(column, picked[column], hidden, rng))
        rows = ConditionedRows(self.walk.levels, self.walk.positions, picked, log_weights)
        return _Batch(rows, hidden.clone(), log_masses)

    def _weigh(self, column: int) -> tuple[Tensor, Tensor]:
        """Return hidden features, and the log probability of each alternative: its level's, times its stretch's.

        Of one row, as long as nothing is known of any: then the shares of levels are those of the table.
        """
        part, choices = self.parts[column], self.compiled[column]
        if not self.walk.levels:
            logits = self._log_shares[column][None]
            hidden = part.hidden(torch.zeros_like(part.bias))
        else:
            logits, hidden = self.walk.logits(column), self.walk.hidden
            self.ties.restrict(column, logits, self.walk.levels)
        levels = torch.as_tensor(choices.levels, device=self.device)
        log_shares = torch.as_tensor(choices.log_shares, dtype=torch.float32, device=self.device)
        log_masses = logits[:, levels] - torch.logsumexp(logits, dim=1, keepdim=True) + log_shares
        for place, (low, high) in enumerate(zip(choices.lows.tolist(), choices.highs.tolist(), strict=True)):
            if low > 0.0 or high < 1.0:
                log_masses[:, place] += _log_stretch(low, high, *part.law_at(int(choices.levels[place]), hidden))
        return hidden, log_masses

    def _place(self, column: int, picked: Tensor, hidden: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return level and position of the alternatives picked: positions by truncated inverse."""
        part, choices = self.parts[column], self.compiled[column]
        allowed = torch.as_tensor(choices.levels, device=self.device)
        levels = allowed[picked]
        if not part.has_bins:
            return levels, torch.full(levels.shape, 0.5, device=self.device)
        if len(hidden) > 1:
            mean, scale = part.position_law(levels, hidden)
        else:
            mean, scale = (law[picked] for law in part.position_law(allowed, hidden.expand(len(allowed), -1)))
        lows, highs = (
            torch.as_tensor(edges, dtype=torch.float32, device=self.device)[picked]
            for edges in (choices.lows, choices.highs)
        )
        start, stop = (_cumulative(edge, mean, scale) for edge in (lows, highs))
        uniform = torch.rand(len(levels), generator=rng, device=self.device)
        inverse = torch.logit((start + uniform * (stop - start)).clamp(_EDGE, 1 - _EDGE))
        positions = torch.clamp(torch.sigmoid(mean + scale * inverse), lows, highs)
        return levels, torch.where(part.is_binned[levels], positions, 0.5)


def has_point(choices: Choices) -> bool:
    """Whether a single number of a continuous column is wanted, whose probability says nothing."""
    return bool((choices.highs - choices.lows < _NARROW).any())


def _pick_alternatives(log_masses: Tensor, n_rows: int, rng: torch.Generator) -> Tensor:
    return draw_levels(log_masses - log_masses.amax(dim=1, keepdim=True), rng, n_rows)


def _resample(shares: Tensor, size: int, rng: torch.Generator) -> Tensor:
    """Return ``size`` places of candidates, each as often as its share says, in random order (systematic draws)."""
    steps = (torch.arange(size, device=shares.device) + torch.rand((), generator=rng, device=shares.device)) / size
    rows = torch.searchsorted(shares.double().cumsum(0), steps.double() * (1.0 - _EDGE)).clamp_max(len(shares) - 1)
    return rows[torch.randperm(size, generator=rng, device=shares.device)]


def _cumulative(edge: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Return P(position <= edge)."""
    return torch.sigmoid((torch.logit(edge.clamp(_EDGE, 1 - _EDGE)) - mean) / scale)


def _log_stretch(low: float, high: float, mean: Tensor, scale: Tensor) -> Tensor:
    """Return log P(low < position < high)."""
    if high - low < _NARROW:  # the difference of two nearly equal float32 numbers would be noise
        middle = torch.full_like(mean, 0.5 * (low + high))
        return log_density(middle, mean, scale) + math.log(high - low)
    edges = torch.tensor([low, high], device=mean.device)
    mass = _cumulative(edges[1], mean, scale) - _cumulative(edges[0], mean, scale)
    return mass.clamp_min(1e-12).log()
