"""Encoded records in little memory: what the training draws its batches from."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganaug.adversarial import Batch
from ganaug.tabular.codes import Codes, ModeledColumn, encode_column

_SMALL = torch.iinfo(torch.int16).max


class CodeRecords:
    """Records as levels of two bytes (four where a column has very many) and positions of four.

    Positions are kept of those columns alone that have bins; all others are 0.5. An eighth to three eighths of
    what codes take, and the same numbers come out.

    Parameters
    ----------
    levels : Tensor of shape (n, columns), int16 or int32
    positions : Tensor of shape (n, columns with bins), float32
    binned : Tensor
        Places of the columns that have bins.
    rows : Tensor or None
        Which of the rows are the records, in which order; None for all of them. A part shares the memory of the whole.
    """

    def __init__(self, levels: Tensor, positions: Tensor, binned: Tensor, rows: Tensor | None = None) -> None:
        self.levels, self.positions, self.binned = levels, positions, binned
        self.rows = torch.arange(len(levels)) if rows is None else rows

    @classmethod
    def encode(
        cls,
        columns: Sequence[ModeledColumn],
        table: pd.DataFrame,
        rng: np.random.Generator,
        on_unseen: Callable[[ModeledColumn, int], None] | None = None,
    ) -> "CodeRecords":
        """Encode ``table`` a column at a time.

        With ``on_unseen``, numbers out of range go to its nearest end, and the callable is told how many values of a
        column were never seen.
        """
        binned = [place for place, column in enumerate(columns) if column.is_binned.any()]
        is_small = max(column.n_levels for column in columns) <= _SMALL
        levels = torch.empty(len(table), len(columns), dtype=torch.int16 if is_small else torch.int32)
        positions = torch.empty(len(table), len(binned))
        names = list(table.columns)
        for place, column in enumerate(columns):
            values = table.iloc[:, names.index(column.name)]
            codes, within = encode_column(column, values, rng)
            if on_unseen is not None and (codes < 0).any():
                on_unseen(column, int((codes < 0).sum()))
                codes, within = encode_column(column, values, rng, clip=True)
            levels[:, place] = torch.from_numpy(codes)
            if place in binned:
                positions[:, binned.index(place)] = torch.from_numpy(within)
        return cls(levels, positions, torch.tensor(binned, dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, rows: np.ndarray) -> "CodeRecords":
        """Return some of the records, without a copy."""
        return CodeRecords(self.levels, self.positions, self.binned, self.rows[torch.from_numpy(rows)])

    def take(self, indices: Tensor) -> Batch:
        """Return the records at ``indices`` as a batch: (n, 2 x columns), levels and positions in float32."""
        rows = self.rows[indices]
        n_columns = self.levels.shape[1]
        real = torch.full((len(rows), 2 * n_columns), 0.5)
        real[:, :n_columns] = self.levels[rows].float()
        real[:, n_columns + self.binned] = self.positions[rows]
        return Batch(real)

    def column(self, place: int) -> Tensor:
        """Return the levels of one column, (n,) int64."""
        return self.levels[self.rows, place].long()

    def codes(self) -> Codes:
        """Return all records as codes."""
        levels, positions = self.take(torch.arange(len(self))).real.double().chunk(2, dim=1)
        return Codes(levels.long().numpy(), positions.contiguous().numpy())
