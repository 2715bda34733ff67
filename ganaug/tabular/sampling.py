"""Drawing tables from a fitted generator: in blocks of fixed size, with conditions met by construction.

Every block has the same number of rows and a random stream of its own, named by the seed and the block's place. So
row 1,234 is the same whether it was drawn among 2,000 rows or 2,000,000, on one core or in chunks.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganaug.adversarial import derive_seed, make_generator
from ganaug.exceptions import ConditionError, DataWarning
from ganaug.tabular.columns import Choices
from ganaug.tabular.conditions import apply_exact, compile_conditions, is_open
from ganaug.tabular.drawing import Walk, draw_levels
from ganaug.tabular.encoder import Codes, TableEncoder
from ganaug.tabular.generator import ColumnPart, TableGenerator
from ganaug.tabular.likelihood import log_density
from ganaug.tabular.ties import Tie, Ties

BLOCK = 4096
"""Rows drawn at a time: their numbers fit into a CPU's inner cache."""
VARY_BLOCK = 8192
"""Rows varied at a time."""
POOL = 4
"""Candidates per row, at first, when several columns have more than one allowed value."""
MAX_POOL = 32
_EDGE = 1e-6
_NARROW = 1e-3


class Model(NamedTuple):
    """What rows are drawn with: the networks, the columns' values, and what holds between the columns."""

    generator: TableGenerator
    encoder: TableEncoder
    ties: Sequence[Tie]
    precision: str = "float32"


def sample_table(
    model: Model,
    n_samples: int,
    conditions: Mapping[Any, Any] | None,
    seed: int,
    *,
    first_row: int = 0,
    block: int = BLOCK,
) -> pd.DataFrame:
    """Return ``n_samples`` rows that all meet ``conditions``; identifiers are numbered from ``first_row``."""
    encoder = model.encoder
    compiled = compile_conditions(conditions, encoder)
    sampler = BlockSampler(model, compiled, block)
    rows = DrawnRows(encoder, n_samples, compiled)
    log_weights = []
    for first in range(0, max(1, n_samples), block):
        sampler.draw(make_generator(seed, "block", first, device=sampler.device))
        rows.put(first, sampler)
        log_weights.append(sampler.log_weights)
    # The probability of a single number of a continuous column says nothing.
    has_points = any(np.any(choices.highs - choices.lows < _NARROW) for choices in compiled.values())
    if compiled and n_samples and not has_points and block == BLOCK:
        _warn_if_unlikely(torch.cat(log_weights), conditions, encoder)
    return rows.decode(BlockNoise(seed, n_samples, block), first_row)


class DrawnRows:
    """Codes of all rows, in two bytes per level and four per position, column by column."""

    def __init__(self, encoder: TableEncoder, n_rows: int, compiled: dict[int, Choices]) -> None:
        self.encoder, self.compiled, self.n_rows = encoder, compiled, n_rows
        is_small = max(column.n_levels for column in encoder.modeled_) < 2**15
        self.levels = np.empty((len(encoder.modeled_), n_rows), dtype=np.int16 if is_small else np.int32)
        binned = [place for place, column in enumerate(encoder.modeled_) if column.is_binned.any()]
        self.positions = {place: np.empty(n_rows, dtype=np.float32) for place in binned}
        self.picked = {place: np.empty(n_rows, dtype=np.int32) for place in compiled}

    def put(self, first: int, sampler: "BlockSampler") -> None:
        """Keep a block, as many of its rows as are wanted."""
        stretch = slice(first, min(first + sampler.block, self.n_rows))
        size = stretch.stop - stretch.start
        for place, levels in sampler.levels.items():
            self.levels[place, stretch] = levels[:size].cpu().numpy()
        for place, positions in self.positions.items():
            positions[stretch] = sampler.positions[place][:size].cpu().numpy()
        for place, picked in self.picked.items():
            picked[stretch] = sampler.picked[place][:size].cpu().numpy()

    def decode(self, noise: "BlockNoise", first_row: int) -> pd.DataFrame:
        """Return the table."""

        def codes_of(place: int) -> tuple[np.ndarray, np.ndarray]:
            positions = self.positions.get(place)
            within = np.full(self.n_rows, 0.5) if positions is None else positions.astype(np.float64)
            return self.levels[place], within

        table = self.encoder.decode_columns(codes_of, self.n_rows, noise, first_row)
        for place, choices in self.compiled.items():
            apply_exact(table, place, choices, self.picked[place], self.encoder)
        return table


class BlockNoise:
    """Uniform numbers for decoding that depend on a row's block and on nothing else."""

    def __init__(self, seed: int, n_rows: int, block: int) -> None:
        self.n_rows, self.block = n_rows, block
        self._seeds = [derive_seed(seed, "decode", first) for first in range(0, n_rows, block)]
        self._rngs: list[np.random.Generator] = []

    def random(self, size: int) -> np.ndarray:
        """Return (size,) numbers in [0, 1); ``size`` is the number of rows."""
        if not self._rngs:  # few columns ask
            self._rngs = [np.random.default_rng(seed) for seed in self._seeds]
        drawn = [rng.random(self.block) for rng in self._rngs]
        return np.concatenate([*drawn, np.empty(0)])[:size]


@torch.inference_mode()
def vary_table(model: Model, table: pd.DataFrame, is_kept: np.ndarray, seed: int) -> pd.DataFrame:
    """Return the rows of ``table`` with values drawn anew where ``is_kept`` (n, modeled columns) is False.

    The values drawn are given those kept, and those drawn before them in the table's order. Values kept are not
    encoded and decoded but copied; identifiers are made up.
    """
    generator, encoder = model.generator, model.encoder
    parts, ties = generator.parts(), Ties(model.ties, generator.bias.device)
    blocks = []
    for first in range(0, max(1, len(table)), VARY_BLOCK):
        rows, kept = table.iloc[first : first + VARY_BLOCK], is_kept[first : first + VARY_BLOCK]
        codes = encoder.encode(rows)
        rng = make_generator(seed, "vary", first, device=generator.bias.device)
        drawn = _redraw(parts, ties, codes, kept, rng)
        blocks.append(encoder.decode(drawn, np.random.default_rng(derive_seed(seed, "decode", first)), first))
    varied = pd.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0].reset_index(drop=True)
    names = [column.name for column in encoder.columns_]
    for place, column in enumerate(encoder.modeled_):
        if not is_kept[:, place].any():  # a target that was not given has no value to copy
            continue
        position = names.index(column.name)
        original = table.iloc[:, position].set_axis(varied.index).astype(varied.dtypes.iloc[position])
        varied.isetitem(position, original.where(is_kept[:, place], varied.iloc[:, position]))
    return varied


def _redraw(parts: Sequence[ColumnPart], ties: Ties, codes: Codes, is_kept: np.ndarray, rng: torch.Generator) -> Codes:
    """Return codes whose entries that are not kept are drawn anew."""
    device = rng.device
    levels = torch.from_numpy(codes.levels).to(device)
    positions = torch.from_numpy(codes.positions).float().to(device)
    kept = torch.from_numpy(is_kept).to(device)
    # A value never seen in training tells nothing about the others.
    known = torch.where(kept, levels, -1)
    levels = levels.clamp_min(0)
    context = torch.zeros(len(levels), parts[0].embedding.shape[1], device=device)
    for column, part in enumerate(parts):
        context = context + part.embed(levels[:, column], positions[:, column]) * (known[:, column, None] >= 0)
    for column, part in enumerate(parts):
        rows = (~kept[:, column]).nonzero()[:, 0]
        hidden = part.hidden(context[rows])
        logits = part.logits(hidden)
        ties.restrict(column, logits, dict(enumerate(known[rows].unbind(1))))
        drawn = draw_levels(logits, rng)
        places = part.draw_positions(drawn, hidden, rng)
        levels[rows, column], positions[rows, column] = drawn, places
        known[rows, column] = drawn
        context[rows] += part.embed(drawn, places)
    return Codes(levels.cpu().numpy(), positions.cpu().double().numpy())


class BlockSampler:
    """Draws blocks of codes; the columns with conditions first, then the rest in the table's order.

    Attributes
    ----------
    levels, positions : dict of Tensor (block,)
        Codes per column, of the block drawn last.
    picked : dict of Tensor (block,)
        Which of a condition's alternatives each row took.
    log_weights : Tensor (candidates,)
        log probability, under the generator, that the conditions are met; one per candidate.
    """

    def __init__(self, model: Model, compiled: dict[int, Choices], block: int) -> None:
        self.compiled, self.block = compiled, block
        self.device = model.generator.bias.device
        self.ties = Ties(model.ties, self.device)
        with torch.inference_mode():
            self.parts = model.generator.parts()
        n_columns = model.generator.layout.n_columns
        self.rest = [column for column in range(n_columns) if column not in compiled]
        with torch.inference_mode():
            self.walk = Walk(self.parts, self.ties, block, model.precision, () if compiled else self.rest)
        # Weights differ between candidates only where something was drawn before the last condition.
        self.is_pooled = any(is_open(choices) for choices in list(compiled.values())[:-1])

    @torch.inference_mode()
    def draw(self, rng: torch.Generator) -> None:
        """Draw one block of rows."""
        self.walk.begin()
        levels, positions, self.picked, self.log_weights = self._draw_conditioned(rng)
        for column in self.compiled:
            self.walk.know(column, levels[column], positions[column])
        for column in self.rest:
            self.walk.draw(column, rng)
        self.levels, self.positions = self.walk.levels, self.walk.positions

    def _draw_conditioned(
        self, rng: torch.Generator
    ) -> tuple[dict[int, Tensor], dict[int, Tensor], dict[int, Tensor], Tensor]:
        """Draw the conditioned columns: a pool of candidates, of which rows are taken by their weights.

        One after another, allowed levels only, gives p(a | a in A) p(b | a, b in B). That is the wanted joint
        p(a, b | a in A, b in B) once each candidate is weighted by P(b in B | a): sampling-importance-resampling. The
        pool grows until it holds as many candidates, counted by their weights, as rows are wanted.
        """
        pools = []
        for _ in range(MAX_POOL // POOL if self.is_pooled else 1):
            pools.append(self._draw_candidates(self.block * (POOL if self.is_pooled else 1), rng))
            log_weights = torch.cat([pool[3] for pool in pools])
            shares = torch.softmax(log_weights, dim=0)
            if 1.0 / float((shares**2).sum()) >= 2 * self.block:
                break
        rows = _resample(shares, self.block, rng) if self.is_pooled else torch.arange(self.block, device=self.device)
        kept = [
            {place: torch.cat([pool[part][place] for pool in pools])[rows] for place in self.compiled}
            for part in range(3)
        ]
        return kept[0], kept[1], kept[2], log_weights

    def _draw_candidates(
        self, size: int, rng: torch.Generator
    ) -> tuple[dict[int, Tensor], dict[int, Tensor], dict[int, Tensor], Tensor]:
        levels: dict[int, Tensor] = {}
        positions: dict[int, Tensor] = {}
        picked: dict[int, Tensor] = {}
        log_weights = torch.zeros(size, device=self.device)
        context = self.walk.parts[0].embedding.new_zeros(1, self.parts[0].embedding.shape[1])
        for column, choices in self.compiled.items():
            part = self.parts[column]
            hidden = part.hidden(context)  # of one row, as long as all candidates know the same: nothing
            log_masses = self._log_masses(column, choices, hidden, levels)
            log_weights = log_weights + torch.logsumexp(log_masses, dim=1)
            relative = log_masses - log_masses.amax(dim=1, keepdim=True)
            picked[column] = draw_levels(relative.expand(size, -1).clone(), rng)
            levels[column], positions[column] = self._place(
                column, choices, picked[column], hidden.expand(size, -1), rng
            )
            context = context + part.embed(levels[column], positions[column])
        return levels, positions, picked, log_weights

    def _log_masses(self, column: int, choices: Choices, hidden: Tensor, known: dict[int, Tensor]) -> Tensor:
        """Return the log probability of each alternative, (n, alternatives): its level's, times its stretch's."""
        logits = self.parts[column].logits(hidden)
        self.ties.restrict(column, logits, known)
        log_levels = torch.log_softmax(logits, dim=1)
        alternatives = []
        for place, level in enumerate(choices.levels):
            log_mass = log_levels[:, int(level)] + float(choices.log_shares[place])
            low, high = float(choices.lows[place]), float(choices.highs[place])
            if low > 0.0 or high < 1.0:
                codes = torch.full((len(hidden),), int(level), device=self.device)
                law = self.parts[column].position_law(codes, hidden)
                log_mass = log_mass + _log_stretch(low, high, *law)
            alternatives.append(log_mass)
        return torch.stack(alternatives, dim=1)

    def _place(
        self, column: int, choices: Choices, picked: Tensor, hidden: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return level and position of the alternatives picked: positions by truncated inverse."""
        levels = torch.as_tensor(choices.levels, device=self.device)[picked]
        lows = torch.as_tensor(choices.lows, dtype=torch.float32, device=self.device)[picked]
        highs = torch.as_tensor(choices.highs, dtype=torch.float32, device=self.device)[picked]
        uniform = torch.rand(len(levels), generator=rng, device=self.device)
        binned = self.parts[column].is_binned[levels]
        mean, scale = self.parts[column].position_law(levels, hidden)
        start, stop = (_cumulative(edge, mean, scale) for edge in (lows, highs))
        inverse = torch.logit((start + uniform * (stop - start)).clamp(_EDGE, 1 - _EDGE))
        positions = torch.sigmoid(mean + scale * inverse)
        return levels, torch.where(binned, torch.clamp(positions, lows, highs), 0.5)


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


def _warn_if_unlikely(log_weights: Tensor, conditions: Any, encoder: TableEncoder) -> None:
    """Say so when the model has hardly ever seen what it is asked for."""
    n_rows = int(encoder.modeled_[0].counts.sum())
    probability = math.exp(float(torch.logsumexp(log_weights.cpu().double(), 0)) - math.log(len(log_weights)))
    if not math.isfinite(probability):
        raise ConditionError(f"The model can't meet {conditions!r}: their probability is not a number.")
    if probability < 0.1 / n_rows:
        warnings.warn(
            f"The conditions {conditions!r} are met by about {probability:.1e} of the table, less than one in ten of "
            f"the {n_rows} training rows: the rows returned meet them, but little was learned about such rows.",
            DataWarning,
            stacklevel=4,
        )
