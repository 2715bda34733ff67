"""Drawing tables from a fitted generator: in blocks of fixed size, with conditions met by construction.

Every block has the same number of rows and a random stream of its own, named by the seed and the block's place. So
row 1,234 is the same whether it was drawn among 2,000 rows or 2,000,000, on one core or in chunks.
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganaug.adversarial import derive_seed, make_generator
from ganaug.exceptions import ConditionError, DataWarning
from ganaug.tabular.columns import Choices
from ganaug.tabular.conditions import apply_exact, compile_conditions, compile_frame
from ganaug.tabular.drawing import Model, Walk
from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.pooling import Pool, has_point
from ganaug.tabular.ties import Ties

BLOCK = 4096
"""Rows drawn at a time: their numbers fit into a CPU's inner cache."""


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
    has_points = any(has_point(choices) for choices in compiled.values())
    if compiled and n_samples and not has_points and block == BLOCK:
        _warn_if_unlikely(torch.cat(log_weights), conditions, encoder)
    return rows.decode(BlockNoise(seed, n_samples, block), first_row)


def sample_frame(model: Model, conditions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each of ``conditions``; rows that want the same are drawn together."""
    parts, rows, n_drawn = [], [], 0
    for place, (wanted, wanting) in enumerate(compile_frame(conditions)):
        # Small blocks for small groups: a frame may have as many groups as rows.
        block = min(BLOCK, 2 ** math.ceil(math.log2(len(wanting) + 15)))
        group_seed = derive_seed(seed, "group", place)
        parts.append(sample_table(model, len(wanting), wanted, group_seed, first_row=n_drawn, block=block))
        rows.append(wanting)
        n_drawn += len(wanting)
    table = pd.concat(parts, ignore_index=True)
    return table.iloc[np.argsort(np.concatenate(rows))].reset_index(drop=True)


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
        self.block = block
        self.device = model.generator.bias.device
        ties = Ties(model.ties, self.device)
        self.rest = [column for column in range(model.generator.layout.n_columns) if column not in compiled]
        with torch.inference_mode():
            self.pool = Pool(model, ties, compiled, block) if compiled else None
            order = () if compiled else self.rest
            self.walk = Walk(model.raked_parts(), ties, block, model.precision, order)
        self.picked: dict[int, Tensor] = {}
        self.log_weights = torch.zeros(block)

    @torch.inference_mode()
    def draw(self, rng: torch.Generator) -> None:
        """Draw one block of rows."""
        self.walk.begin()
        if self.pool is not None:
            levels, positions, self.picked, self.log_weights = self.pool.draw(rng)
            for column, drawn in levels.items():
                self.walk.know(column, drawn, positions[column])
        for column in self.rest:
            self.walk.draw(column, rng)
        self.levels, self.positions = self.walk.levels, self.walk.positions


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
