"""Distances between rows of tables, and nearest neighbors, in blocks of bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ganaug.evaluation.distances import CONTINUOUS

BLOCK_CELLS = 4_000_000  # distances held at once
TOLERANCE = 1e-6  # distances that differ by less are the same


@dataclass(frozen=True)
class Rows:
    """Rows to measure distances between, of several tables in one space.

    The distance is L1 over the numbers, in ranges of the real column (a missing one is at distance
    1 from any other), and 2 for each category that differs: that of one-hot codes. Texts that
    nearly all differ don't count.
    """

    numbers: np.ndarray
    codes: np.ndarray
    number_of: np.ndarray  # which column of the table a column of `numbers` belongs to
    code_of: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, places: np.ndarray | slice) -> Rows:
        """Return some of the rows."""
        return Rows(self.numbers[places], self.codes[places], self.number_of, self.code_of)

    def without(self, columns: list[int]) -> Rows:
        """Return the same rows without some columns of the table."""
        keep_numbers, keep_codes = ~np.isin(self.number_of, columns), ~np.isin(self.code_of, columns)
        return Rows(
            self.numbers[:, keep_numbers],
            self.codes[:, keep_codes],
            self.number_of[keep_numbers],
            self.code_of[keep_codes],
        )

    def keys(self) -> np.ndarray:
        """Return a hash of each row; rows with equal values have the same."""
        import pandas as pd

        cells = np.column_stack([np.round(self.numbers / TOLERANCE).astype(np.int64), self.codes])
        return pd.util.hash_pandas_object(pd.DataFrame(cells), index=False).to_numpy()


def encode_rows(encoded: list[tuple[str, list[np.ndarray]]]) -> list[Rows]:
    """Return the rows of each table, the real one first; ``encoded`` holds what `encode_column` returned."""
    n_tables = len(encoded[0][1])
    numbers: list[list[np.ndarray]] = [[] for _ in range(n_tables)]
    codes: list[list[np.ndarray]] = [[] for _ in range(n_tables)]
    number_of, code_of = [], []
    for place, (kind, arrays) in enumerate(encoded):
        if kind in ("category", "boolean"):
            code_of.append(place)
            for parts, values in zip(codes, arrays, strict=True):
                parts.append(values)
        elif kind in CONTINUOUS:
            scaled = _scaled(arrays)
            number_of += [place] * scaled[0].shape[1]
            for parts, values in zip(numbers, scaled, strict=True):
                parts.append(values)
    lengths = [len(values) for values in encoded[0][1]]
    return [
        Rows(
            np.column_stack(number) if number else np.zeros((length, 0)),
            np.column_stack(code).astype(np.int32) if code else np.zeros((length, 0), dtype=np.int32),
            np.array(number_of, dtype=int),
            np.array(code_of, dtype=int),
        )
        for number, code, length in zip(numbers, codes, lengths, strict=True)
    ]


def _scaled(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Return of each table the values in ranges of the real column and, where some are, which are missing."""
    finite = arrays[0][np.isfinite(arrays[0])]
    low, middle, high = np.quantile(finite, [0, 0.5, 1]) if len(finite) else (0.0, 0.0, 1.0)
    half = high / 2 - low / 2 or 0.5  # a range may be too large for a number
    missing = [np.isnan(values) for values in arrays]
    some = any(part.any() for part in missing)
    found = []
    for values, is_missing in zip(arrays, missing, strict=True):
        scaled = np.clip((np.where(is_missing, middle, values) / 2 - low / 2) / half, -10, 10)
        found.append(np.column_stack([scaled, is_missing] if some else [scaled]))
    return found


def distances(left: Rows, right: Rows) -> np.ndarray:
    """Return the distance of each row to each row."""
    found = (
        cdist(left.numbers, right.numbers, "cityblock") if left.numbers.shape[1] else np.zeros((len(left), len(right)))
    )
    differing = np.zeros(found.shape, dtype=np.uint8 if left.codes.shape[1] < 256 else np.uint16)
    for one, two in zip(np.ascontiguousarray(left.codes.T), np.ascontiguousarray(right.codes.T), strict=True):
        differing += one[:, None] != two
    found += 2.0 * differing
    return found


def paired_distances(left: Rows, right: Rows) -> np.ndarray:
    """Return the distance of each row to its partner."""
    return np.abs(left.numbers - right.numbers).sum(axis=1) + 2.0 * (left.codes != right.codes).sum(axis=1)


@dataclass(frozen=True)
class Neighbors:
    """The nearest rows of each query.

    `distances` are ascending; `place` is that of the nearest row, the first of the `ties` rows
    that are as near.
    """

    distances: np.ndarray
    place: np.ndarray
    ties: np.ndarray


def nearest(queries: Rows, reference: Rows, n_neighbors: int = 1) -> Neighbors:
    """Return the nearest rows of each query."""
    n_neighbors = min(n_neighbors, len(reference))
    size = max(1, BLOCK_CELLS // len(reference))
    found = []
    for start in range(0, len(queries), size):
        block = distances(queries.at(slice(start, start + size)), reference)
        place = block.argmin(axis=1)
        closest = block[np.arange(len(block)), place][:, None]
        ties = np.count_nonzero(block <= closest + TOLERANCE, axis=1)
        if n_neighbors > 1:
            closest = np.sort(np.partition(block, n_neighbors - 1, axis=1)[:, :n_neighbors], axis=1)
        found.append((closest, place, ties))
    return Neighbors(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
