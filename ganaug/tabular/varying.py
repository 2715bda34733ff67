"""Variants of rows: some values kept, the others drawn anew given those."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from ganaug.adversarial import derive_seed, make_generator
from ganaug.tabular.codes import Codes
from ganaug.tabular.drawing import Model, draw_levels
from ganaug.tabular.generator import ColumnPart
from ganaug.tabular.ties import Ties

VARY_BLOCK = 8192
"""Rows varied at a time."""


@torch.inference_mode()
def vary_table(model: Model, table: pd.DataFrame, is_kept: np.ndarray, seed: int) -> pd.DataFrame:
    """Return the rows of ``table`` with values drawn anew where ``is_kept`` (n, modeled columns) is False.

    The values drawn are given those kept, and those drawn before them in the table's order. Values kept are not
    encoded and decoded but copied; identifiers are made up.
    """
    generator, encoder = model.generator, model.encoder
    parts, ties = model.raked_parts(), Ties(model.ties, generator.bias.device)
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
        ties.restrict(column, logits, {partner: known[rows, partner] for partner in ties.partners(column)})
        drawn = draw_levels(logits, rng)
        places = part.draw_positions(drawn, hidden, rng)
        levels[rows, column], positions[rows, column] = drawn, places
        known[rows, column] = drawn
        context[rows] += part.embed(drawn, places)
    return Codes(levels.cpu().numpy(), positions.cpu().double().numpy())
