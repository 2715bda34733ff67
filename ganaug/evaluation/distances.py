"""Distances between columns, and between pairs of columns, of two tables; all from 0 to 1."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ganaug.exceptions import DataWarning, InvalidInputError

BINS = 10  # quantile bins of a number when it meets a category
MAX_LEVELS = 100  # levels of a category in a pair; rarer ones are counted together
MAX_PAIRS = 5_000  # 100 columns have 4,950 pairs
MAX_PAIR_ROWS = 100_000
MAX_PAIR_CELLS = 10_000_000  # rows x columns held while pairs are measured
CONTINUOUS = ("number", "datetime")
# How many levels a column has in a pair, and their codes on both ends of both sides.
Levels = tuple[int, list[tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class EncodedColumn:
    """One column as floats (NaN = missing) or level codes (-1 = missing).

    `sides` holds what is compared, as (left, right) arrays: first real and synthetic, for the
    error; then real and real, once or more, for the floor; last real and shuffled, for the ceiling.
    """

    name: Any
    kind: str
    sides: list[tuple[np.ndarray, np.ndarray]]


def encode_column(name: Any, tables: dict[str, pd.DataFrame]) -> tuple[str, list[np.ndarray]]:
    """Turn one column of all tables into floats (NaN = missing) or into shared codes (-1)."""
    dtype = tables["real"][name].dtype
    if pd.api.types.is_bool_dtype(dtype) or not (pd.api.types.is_any_real_numeric_dtype(dtype) or dtype.kind in "mM"):
        objects = _in_one_form([table[name].to_numpy(dtype=object) for table in tables.values()])
        try:
            codes, _ = pd.factorize(np.concatenate(objects))
        except TypeError as error:
            raise InvalidInputError(
                f"Column {name!r} holds values that can't be compared ({error}); drop the column "
                "or turn it into text with astype(str)."
            ) from error
        parts = np.split(codes, np.cumsum([len(part) for part in objects])[:-1])
        present = parts[0][parts[0] >= 0]
        n_levels = len(np.unique(present))
        is_text = n_levels > 50 and 2 * n_levels > len(present)
        boolean = "boolean" if pd.api.types.is_bool_dtype(dtype) else "category"
        return "text" if is_text else boolean, parts
    kind = "datetime" if dtype.kind == "M" else "number"
    return kind, [_floats(table[name], kind, dtype, role) for role, table in tables.items()]


def _in_one_form(tables: list[np.ndarray]) -> list[np.ndarray]:
    """Return text, where one table holds as text what another holds as numbers, times or truth values.

    Files are read one by one: a single "X" among numbers makes text of a column in one file and not in the other.
    """
    forms = [pd.api.types.infer_dtype(values, skipna=True) for values in tables if not pd.isna(values).all()]
    if len(set(forms)) < 2 or not any(form.startswith(("string", "mixed")) for form in forms):
        return tables
    return [np.fromiter(map(_as_text, values), dtype=object, count=len(values)) for values in tables]


def _as_text(value: Any) -> Any:
    if isinstance(value, str) or not pd.api.types.is_scalar(value):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).removesuffix(" 00:00:00")


def _floats(series: pd.Series, kind: str, real_dtype: Any, role: str) -> np.ndarray:
    try:
        if kind == "datetime":
            moments = pd.to_datetime(series).to_numpy(dtype="datetime64[us]")
        elif real_dtype.kind == "m":
            moments = pd.to_timedelta(series).to_numpy(dtype="timedelta64[us]")
        else:
            return pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Column {series.name!r} is a {kind} in `real`, but `{role}` holds {series.dtype} "
            f"values that are none ({error}); convert it to {real_dtype}."
        ) from error
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))


def error_floor_ceiling(distances: list[float]) -> tuple[float, float, float]:
    """Return the first distance, the mean of those between, and the last."""
    return float(distances[0]), float(np.mean(distances[1:-1])), float(distances[-1])


def shape_distance(kind: str, left: np.ndarray, right: np.ndarray) -> float:
    """Return the distance between two samples of one column, as `quality` defines it."""
    if kind in CONTINUOUS:
        absent_left, absent_right = np.isnan(left), np.isnan(right)
        missing = abs(absent_left.mean() - absent_right.mean())
        return float(max(missing, _kolmogorov_smirnov(left[~absent_left], right[~absent_right])))
    if kind == "text":
        return float(abs((left < 0).mean() - (right < 0).mean()))
    return _total_variation(left + 1, right + 1, int(max(left.max(), right.max())) + 2)


def _kolmogorov_smirnov(left: np.ndarray, right: np.ndarray) -> float:
    if not len(left) or not len(right):
        return 0.0  # nothing to compare: the missing rates say it all
    left, right = np.sort(left), np.sort(right)
    values = np.concatenate([left, right])
    below_left = np.searchsorted(left, values, side="right") / len(left)
    below_right = np.searchsorted(right, values, side="right") / len(right)
    return float(np.abs(below_left - below_right).max())


def _total_variation(left: np.ndarray, right: np.ndarray, n_levels: int) -> float:
    share_left = np.bincount(left, minlength=n_levels) / len(left)
    share_right = np.bincount(right, minlength=n_levels) / len(right)
    return float(np.abs(share_left - share_right).sum() / 2)


def trend_errors(
    columns: list[EncodedColumn], target: Any, rng: np.random.RandomState
) -> list[tuple[Any, Any, float, float, float]]:
    """Return (column, column, error, floor, ceiling) of each pair of columns that are no texts."""
    columns = [column for column in columns if column.kind != "text"]
    if len(columns) < 2:
        return []
    columns = _fewer_rows(columns, rng)
    continuous = [place for place, column in enumerate(columns) if column.kind in CONTINUOUS]
    rank = {place: position for position, place in enumerate(continuous)}
    correlations = [
        [_correlations([columns[place].sides[side][end] for place in continuous]) for end in (0, 1)]
        for side in range(len(columns[0].sides))
    ]
    levels = [_levels(column) for column in columns]
    rows = []
    for one, two in _chosen_pairs(columns, target, rng):
        if one in rank and two in rank:
            cell = rank[one], rank[two]
            distances = [abs(left[cell] - right[cell]) / 2 for left, right in correlations]
        else:
            distances = _contingency_distances(levels[one], levels[two])
        rows.append((columns[one].name, columns[two].name, *error_floor_ceiling(distances)))
    return rows


def _contingency_distances(one: Levels, two: Levels) -> list[float]:
    """Return the total variation distance of two columns' contingency tables, for all sides."""
    (size_one, sides_one), (size_two, sides_two) = one, two
    return [
        _total_variation(left_one * size_two + left_two, right_one * size_two + right_two, size_one * size_two)
        for (left_one, right_one), (left_two, right_two) in zip(sides_one, sides_two, strict=True)
    ]


def _fewer_rows(columns: list[EncodedColumn], rng: np.random.RandomState) -> list[EncodedColumn]:
    """Keep what pairs need within bounds: the same random rows of every column."""
    limit = min(MAX_PAIR_ROWS, max(2_000, MAX_PAIR_CELLS // len(columns)))
    lengths = [[len(end) for end in side] for side in columns[0].sides]
    if max(map(max, lengths)) <= limit:
        return columns
    # Tables of one length keep the same rows, so that a table never differs from its own copy.
    distinct = sorted({length for side in lengths for length in side})
    rows = {length: rng.permutation(length)[:limit] for length in distinct}
    return [
        EncodedColumn(
            column.name,
            column.kind,
            [(left[rows[len(left)]], right[rows[len(right)]]) for left, right in column.sides],
        )
        for column in columns
    ]


def _chosen_pairs(columns: list[EncodedColumn], target: Any, rng: np.random.RandomState) -> list[tuple[int, int]]:
    ones, twos = np.triu_indices(len(columns), k=1)
    if len(ones) > MAX_PAIRS:
        place = next((at for at, column in enumerate(columns) if column.name == target), -1)
        wanted = (ones == place) | (twos == place)
        # Pairs with the target come first; the others follow in a random order.
        order = np.lexsort([rng.permutation(len(ones)), ~wanted])
        chosen = np.sort(order[: max(MAX_PAIRS, wanted.sum())])
        warnings.warn(
            f"The table has {len(ones):,} pairs of columns; the trend error is measured on "
            f"{len(chosen):,} of them, drawn at random. Select fewer columns to measure all.",
            DataWarning,
            stacklevel=4,
        )
        ones, twos = ones[chosen], twos[chosen]
    return list(zip(ones.tolist(), twos.tolist(), strict=True))


def _levels(column: EncodedColumn) -> Levels:
    """Return how many levels the column has in a pair, and their codes on every side."""
    real = column.sides[0][0]
    if column.kind in CONTINUOUS:
        edges = _edges(real[np.isfinite(real)])
        missing = len(edges) + 1

        def cut(values: np.ndarray) -> np.ndarray:
            bins = np.searchsorted(edges, values, side="right")
            return np.where(np.isnan(values), missing, bins)
    else:
        top = 1 + max(int(end.max()) for side in column.sides for end in side)
        # Frequent in both tables together: levels picked for one alone would look rarer in the
        # other by the luck of the draw.
        shares = [np.bincount(end + 1, minlength=top + 1)[1:] / len(end) for end in column.sides[0]]
        counts = sum(shares)
        frequent = np.argsort(-counts, kind="stable")[: min(MAX_LEVELS, np.sum(counts > 0))]
        rare, missing = len(frequent), len(frequent) + 1
        code_of = np.full(top + 1, rare)
        code_of[frequent] = np.arange(len(frequent))
        code_of[-1] = missing  # a missing value is code -1, hence the last entry

        def cut(values: np.ndarray) -> np.ndarray:
            return code_of[values]

    return missing + 1, [(cut(left), cut(right)) for left, right in column.sides]


def _edges(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.empty(0)
    deciles = np.quantile(values, np.arange(BINS) / BINS, method="lower")
    edges, counts = np.unique(deciles, return_counts=True)
    # A value that fills whole bins gets one of its own, or a column of mostly zeros has one bin.
    return np.union1d(edges, np.nextafter(edges[counts > 1], np.inf))


def _correlations(values: list[np.ndarray]) -> np.ndarray:
    """Return Pearson's correlations over the rows where both values are present, else 0."""
    if not values:
        return np.zeros((0, 0))
    table = np.column_stack(values)
    present = np.isfinite(table)
    table = np.where(present, table, 0.0)
    counts = np.maximum(present.sum(axis=0), 1)
    # Centered and scaled first, so that squares neither overflow nor cancel.
    table = np.where(present, table - table.sum(axis=0) / counts, 0.0)
    table /= np.maximum(np.abs(table).max(axis=0), np.finfo(float).tiny)
    both = present.astype(float)
    # One thread: the figures don't depend on how many there are, and none waits for a busy core.
    with threadpool_limits(limits=1, user_api="blas"):
        rows = np.maximum(both.T @ both, 1)
        sums = table.T @ both
        products = table.T @ table - sums * sums.T / rows
        squares = (table**2).T @ both - sums**2 / rows
    scale = np.sqrt(np.maximum(squares, 0) * np.maximum(squares.T, 0))
    defined = scale > 1e-12 * rows
    return np.clip(np.where(defined, products / np.where(defined, scale, 1), 0), -1, 1)
