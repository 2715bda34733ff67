"""Drawing tables from a fitted generator: in blocks of fixed size, with conditions met by construction.

Every block has the same number of rows and a random stream of its own, named by the seed and the block's place. So
row 1,234 is the same whether it was drawn among 2,000 rows or 2,000,000, on one core or in chunks.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganaug.adversarial import derive_seed, make_generator
from ganaug.exceptions import ConditionError, DataWarning
from ganaug.tabular.columns import Choices
from ganaug.tabular.conditions import apply_exact, compile_conditions, is_open
from ganaug.tabular.encoder import Codes, TableEncoder
from ganaug.tabular.generator import ColumnPart, TableGenerator, add_gumbel
from ganaug.tabular.likelihood import log_density

BLOCK = 1024
"""Rows drawn at a time."""
VARY_BLOCK = 8192
"""Rows varied at a time."""
CANDIDATES = 32
"""Candidates per row when several columns have more than one allowed value."""
_EDGE = 1e-6
_NARROW = 1e-3


@dataclass(frozen=True)
class Drawn:
    """One block: codes per column, and which of a condition's alternatives each row took."""

    levels: dict[int, Tensor]
    positions: dict[int, Tensor]
    picked: dict[int, Tensor]
    log_weights: Tensor
    """log probability, under the generator, that the conditions are met; one per candidate."""


def sample_table(
    generator: TableGenerator,
    encoder: TableEncoder,
    n_samples: int,
    conditions: Mapping[Any, Any] | None,
    seed: int,
    *,
    first_row: int = 0,
    block: int = BLOCK,
) -> pd.DataFrame:
    """Return ``n_samples`` rows that all meet ``conditions``; identifiers are numbered from ``first_row``."""
    compiled = compile_conditions(conditions, encoder)
    sampler = BlockSampler(generator, compiled, block)
    blocks, log_weights = [], []
    for first in range(0, max(1, n_samples), block):
        drawn = sampler.draw(make_generator(seed, "block", first, device=sampler.device))
        n_rows = min(block, n_samples - first)
        rng = np.random.default_rng(derive_seed(seed, "decode", first))
        blocks.append(_decode(drawn, encoder, compiled, first_row + first, rng).iloc[:n_rows])
        log_weights.append(drawn.log_weights)
    # The probability of a single number of a continuous column says nothing.
    has_points = any(np.any(choices.highs - choices.lows < _NARROW) for choices in compiled.values())
    if compiled and n_samples and not has_points and block == BLOCK:
        _warn_if_unlikely(torch.cat(log_weights), conditions, encoder)
    return pd.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0].reset_index(drop=True)


@torch.no_grad()
def vary_table(
    generator: TableGenerator, encoder: TableEncoder, table: pd.DataFrame, is_kept: np.ndarray, seed: int
) -> pd.DataFrame:
    """Return the rows of ``table`` with values drawn anew where ``is_kept`` (n, modeled columns) is False.

    The values drawn are given those kept, and those drawn before them in the table's order. Values kept are not
    encoded and decoded but copied; identifiers are made up.
    """
    parts = generator.parts()
    blocks = []
    for first in range(0, max(1, len(table)), VARY_BLOCK):
        rows, kept = table.iloc[first : first + VARY_BLOCK], is_kept[first : first + VARY_BLOCK]
        codes = encoder.encode(rows)
        rng = make_generator(seed, "vary", first, device=generator.bias.device)
        drawn = _redraw(parts, codes, kept, rng)
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


def _redraw(parts: Sequence[ColumnPart], codes: Codes, is_kept: np.ndarray, rng: torch.Generator) -> Codes:
    """Return codes whose entries that are not kept are drawn anew."""
    device = rng.device
    levels = torch.from_numpy(codes.levels).to(device)
    positions = torch.from_numpy(codes.positions).float().to(device)
    kept = torch.from_numpy(is_kept).to(device)
    # A value never seen in training tells nothing about the others.
    known = (kept & (levels >= 0))[..., None]
    levels = levels.clamp_min(0)
    context = torch.zeros(len(levels), parts[0].embedding.shape[1], device=device)
    for column, part in enumerate(parts):
        context = context + part.embed(levels[:, column], positions[:, column]) * known[:, column]
    for column, part in enumerate(parts):
        rows = (~kept[:, column]).nonzero()[:, 0]
        hidden = part.hidden(context[rows])
        drawn = _gumbel_argmax(part.logits(hidden), rng)
        places = part.draw_positions(drawn, hidden, rng)
        levels[rows, column], positions[rows, column] = drawn, places
        context[rows] += part.embed(drawn, places)
    return Codes(levels.cpu().numpy(), positions.cpu().double().numpy())


class BlockSampler:
    """Draws blocks of codes; the columns with conditions first, then the rest in the table's order."""

    def __init__(self, generator: TableGenerator, compiled: dict[int, Choices], block: int) -> None:
        self.generator, self.compiled, self.block = generator, compiled, block
        self.device = generator.bias.device
        with torch.no_grad():
            self.parts = generator.parts()
        n_columns = generator.layout.n_columns
        self.rest = [column for column in range(n_columns) if column not in compiled]
        # Weights differ between candidates only where something was drawn before the last condition.
        is_late = any(is_open(choices) for choices in list(compiled.values())[:-1])
        self.n_candidates = CANDIDATES if is_late else 1

    @torch.no_grad()
    def draw(self, rng: torch.Generator) -> Drawn:
        """Return one block of rows."""
        drawn = self._draw_conditioned(rng)
        context = self._context(drawn.levels, drawn.positions, self.block)
        for column in self.rest:
            part = self.parts[column]
            hidden = part.hidden(context)
            levels = _gumbel_argmax(part.logits(hidden), rng)
            positions = part.draw_positions(levels, hidden, rng)
            drawn.levels[column], drawn.positions[column] = levels, positions
            context = context + part.embed(levels, positions)
        return drawn

    def _draw_conditioned(self, rng: torch.Generator) -> Drawn:
        """Draw the conditioned columns: several candidates per row, one kept by its weight.

        One after another, allowed levels only, gives p(a | a in A) p(b | a, b in B). That is the wanted joint
        p(a, b | a in A, b in B) once each candidate is weighted by P(b in B | a): sampling-importance-resampling.
        """
        size = self.block * self.n_candidates
        levels: dict[int, Tensor] = {}
        positions: dict[int, Tensor] = {}
        picked: dict[int, Tensor] = {}
        log_weights = torch.zeros(size, device=self.device)
        for column, choices in self.compiled.items():
            hidden = self.parts[column].hidden(self._context(levels, positions, size))
            log_masses = self._log_masses(column, choices, hidden)
            log_weights = log_weights + torch.logsumexp(log_masses, dim=1)
            picked[column] = _gumbel_argmax(log_masses, rng)
            levels[column], positions[column] = self._place(column, choices, picked[column], hidden, rng)
        rows = self._resample(log_weights, rng)
        kept = [{place: values[rows] for place, values in part.items()} for part in (levels, positions, picked)]
        return Drawn(*kept, log_weights)

    def _context(self, levels: dict[int, Tensor], positions: dict[int, Tensor], size: int) -> Tensor:
        context = self.generator.bias.new_zeros(size, self.generator.bias.shape[2])
        for column in levels:
            context = context + self.parts[column].embed(levels[column], positions[column])
        return context

    def _log_masses(self, column: int, choices: Choices, hidden: Tensor) -> Tensor:
        """Return the log probability of each alternative, (n, alternatives): its level's, times its stretch's."""
        log_levels = torch.log_softmax(self.parts[column].logits(hidden), dim=1)
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

    def _resample(self, log_weights: Tensor, rng: torch.Generator) -> Tensor:
        """Return one candidate per row, by weight."""
        if self.n_candidates == 1:
            return torch.arange(self.block, device=self.device)
        kept = _gumbel_argmax(log_weights.view(self.block, self.n_candidates), rng)
        return torch.arange(self.block, device=self.device) * self.n_candidates + kept


def _gumbel_argmax(logits: Tensor, rng: torch.Generator) -> Tensor:
    """Return one index per row, drawn with probabilities softmax(logits)."""
    return add_gumbel(logits, rng).argmax(dim=1)


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


def _decode(
    drawn: Drawn, encoder: TableEncoder, compiled: dict[int, Choices], first_row: int, rng: np.random.Generator
) -> pd.DataFrame:
    columns = range(len(drawn.levels))
    codes = Codes(
        torch.stack([drawn.levels[column] for column in columns], dim=1).cpu().numpy(),
        torch.stack([drawn.positions[column] for column in columns], dim=1).cpu().double().numpy(),
    )
    table = encoder.decode(codes, rng, first_row)
    for place, choices in compiled.items():
        apply_exact(table, place, choices, drawn.picked[place].cpu().numpy(), encoder)
    return table


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
