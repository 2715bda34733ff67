"""Rare values of training rows that turn up in other rows, together with the right other attributes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ganaug.evaluation.nearest import Rows, distances, paired_distances

MAX_HOLDERS = 3  # a value that no more training rows hold is rare
PAIRED_COLUMNS = 8  # categories whose pairs of values are looked at as well
PROBES = 100  # holdout rows that say how near a row is by chance
NEAR = 0.05


def gives_away(
    encoded: list[tuple[str, list[np.ndarray]]], rows: list[Rows], places: list[np.ndarray]
) -> list[np.ndarray]:
    """Return, for each set of queries, which of them hold a rare training value and describe its holder.

    The sets are training rows, holdout rows that must not hold the value, and then the queries;
    ``places`` says which rows of their tables. A row describes a holder when it is nearer to him
    in the other columns than 95 % of the holdout rows are.
    """
    train, others, *queries = rows
    hits = [np.zeros(len(query), dtype=bool) for query in queries]
    probes = np.arange(min(PROBES, len(others)))
    if not len(probes):
        return [hit[:0] for hit in hits]  # a single holdout row says nothing
    for columns, values in _items(encoded, places):
        rare = _rare(values[0], values[1])
        if not len(rare):
            continue
        kept = [part.without(columns) for part in rows]
        for hit, query, held in zip(hits, kept[2:], values[2:], strict=True):
            suspects = np.flatnonzero(np.isin(held, rare) & ~hit)
            for holder, suspect in _meetings(values[0], held, suspects):
                near = np.quantile(distances(kept[0].at(holder), kept[1].at(probes)), NEAR, axis=1)
                hit[suspect] |= paired_distances(kept[0].at(holder), query.at(suspect)) < near - 1e-9
    return hits


def _items(
    encoded: list[tuple[str, list[np.ndarray]]], places: list[np.ndarray]
) -> Iterator[tuple[list[int], list[np.ndarray]]]:
    """Give columns, and pairs of columns, each with a code per row of each set; -1 = missing."""
    cuts = np.cumsum([len(place) for place in places])[:-1]
    levels: dict[int, np.ndarray] = {}
    for column, (kind, arrays) in enumerate(encoded):
        # Of the tables "real", "holdout" and "synthetic" the sets are rows; see `privacy`.
        values = np.concatenate([array[place] for array, place in zip(arrays, places, strict=True)])
        missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
        codes = np.unique(values, return_inverse=True)[1]
        codes = np.where(missing, -1, codes)
        if kind in ("category", "boolean"):
            levels[column] = codes
        yield [column], np.split(codes, cuts)
    # The columns of most levels have most rare pairs.
    chosen = sorted(levels, key=lambda column: -int(levels[column].max()))[:PAIRED_COLUMNS]
    for one, two in combinations(sorted(chosen), 2):
        both = levels[one] * (levels[two].max() + 1) + levels[two]
        yield [one, two], np.split(np.where((levels[one] < 0) | (levels[two] < 0), -1, both), cuts)


def _rare(train: np.ndarray, others: np.ndarray) -> np.ndarray:
    values, counts = np.unique(train[train >= 0], return_counts=True)
    return np.setdiff1d(values[counts <= MAX_HOLDERS], others)


def _meetings(train: np.ndarray, held: np.ndarray, suspects: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the first, second and third holder of what each suspect holds."""
    order = np.argsort(train, kind="stable")
    start = np.searchsorted(train[order], held[suspects], side="left")
    stop = np.searchsorted(train[order], held[suspects], side="right")
    for turn in range(MAX_HOLDERS):
        has_one = start + turn < stop
        if has_one.any():
            yield order[(start + turn)[has_one]], suspects[has_one]
