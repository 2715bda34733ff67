"""Reason codes: which columns make a record odd, by how much its score recovers when they are made ordinary."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.anomaly.space import RecordSpace
from ganaug.tabular.columns import CategoryColumn, NumberColumn

_N_DONORS = 5
"""Neighbors in the other columns whose value replaces a column's."""
_N_TYPICAL = 50
"""Neighbors in the other columns that say what is typical."""
_MAX_COLUMNS = 64
"""Columns tried per record; of wider tables, those that deviate most from the record's neighbors."""
_TYPICAL_RANGE = (0.05, 0.95)
COLUMNS = ("record", "rank", "column", "value", "typical", "contribution")


@dataclass(frozen=True)
class Replacement:
    """A record in which one column was made ordinary."""

    record: int
    column: int
    point: np.ndarray
    typical: np.ndarray
    """Places of the references that say what is typical here."""


def find_reasons(
    table: pd.DataFrame, space: RecordSpace, references: np.ndarray, score: Callable[[np.ndarray], np.ndarray], top: int
) -> pd.DataFrame:
    """Return the ``top`` reasons of each record of ``table``.

    A column's contribution is the score of the record with that column replaced, minus the score of the record as it
    is. The replacement is what the record's nearest references *in the other columns* have there: the median of
    numbers, the commonest category.

    Parameters
    ----------
    table : DataFrame
    space : RecordSpace
    references : ndarray of shape (n_references, d + 1)
    score : callable, points (n, d + 1) -> scores (n,)
    top : int

    Returns
    -------
    DataFrame
        Columns ``record`` (position), ``rank``, ``column``, ``value``, ``typical`` and ``contribution``.
    """
    points, strange = space.transform(table), space.find_strange(table)
    before = score(points)
    replaced = [
        replacement
        for record in range(len(points))
        for replacement in _replace_columns(record, points[record], strange[record], space, references)
    ]
    after = score(np.stack([replacement.point for replacement in replaced])) if replaced else np.empty(0)
    gains: dict[int, list[tuple[float, Replacement]]] = {}
    for replacement, recovered in zip(replaced, after, strict=True):
        gain = float(recovered - before[replacement.record])
        gains.setdefault(replacement.record, []).append((gain, replacement))
    rows: list[dict[str, Any]] = []
    for record, found in gains.items():
        best = sorted(found, key=lambda item: (-item[0], item[1].column))[:top]
        for rank, (gain, replacement) in enumerate(best, start=1):
            column = space.columns[replacement.column]
            value = table[column.name].iloc[record]
            typical = describe_typical(replacement.column, space, references[replacement.typical])
            rows.append(dict(zip(COLUMNS, (record, rank, column.name, value, typical, gain), strict=True)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _replace_columns(
    record: int, point: np.ndarray, strange: np.ndarray, space: RecordSpace, references: np.ndarray
) -> list[Replacement]:
    """Return the record with one column after another made ordinary."""
    spans = space.spans
    squared = np.square(references[:, :-1] - point[:-1])
    by_column = np.add.reduceat(squared, [span.start for span in spans], axis=1)
    total = by_column.sum(axis=1)
    candidates = np.arange(len(spans))
    if len(spans) > _MAX_COLUMNS:
        near = _nearest(total, _N_TYPICAL)
        candidates = np.sort(np.argsort(-by_column[near].mean(axis=0), kind="stable")[:_MAX_COLUMNS])
    replacements = []
    for place in candidates:
        typical = _nearest(total - by_column[:, place], _N_TYPICAL)
        changed = point.copy()
        changed[spans[place]] = _common(references[typical[:_N_DONORS], spans[place]], space.columns[place])
        if strange[place]:  # one value never seen fewer
            changed[-1] -= space.strange
        replacements.append(Replacement(record, int(place), changed, typical))
    return replacements


def _nearest(squared: np.ndarray, size: int) -> np.ndarray:
    """Return the places of the smallest entries, ascending."""
    size = min(size, len(squared))
    nearest = np.argpartition(squared, size - 1)[:size]
    return nearest[np.lexsort((nearest, squared[nearest]))]


def _common(values: np.ndarray, column: NumberColumn | CategoryColumn) -> np.ndarray:
    """Return the coordinates of what the donors (n, width) have in a column: the median, or the commonest level."""
    if isinstance(column, CategoryColumn):
        kinds = values.argmax(axis=1)
    else:
        kinds = values[:, -1].round(9) if column.has_missing else np.zeros(len(values))
    # Donors of the commonest level, or of the commonest of "there" and "missing".
    found, counts = np.unique(kinds, return_counts=True)
    common: np.ndarray = np.median(values[kinds == found[counts.argmax()]], axis=0)
    return common


def describe_typical(place: int, space: RecordSpace, neighbors: np.ndarray) -> str:
    """Return what a column usually is among ``neighbors`` (n, d + 1): a range, or the commonest categories."""
    column = space.columns[place]
    if isinstance(column, CategoryColumn):
        levels, counts = np.unique(neighbors[:, space.spans[place]].argmax(axis=1), return_counts=True)
        order = np.argsort(-counts, kind="stable")[:3]
        shares = counts[order] / len(neighbors)
        names = [_name_level(column, level) for level in levels[order]]
        return ", ".join(f"{name} ({share:.0%})" for name, share in zip(names, shares, strict=True))
    axis = space.to_axis(place, neighbors)
    present = axis[~np.isnan(axis)]
    if not len(present):
        return "missing"
    if space.periods(place):
        return _describe_hours(present, column)
    low, high = column.form.from_axis(np.quantile(present, _TYPICAL_RANGE), column.name)
    return str(low) if low == high else f"{low} to {high}"


def _describe_hours(axis: np.ndarray, column: NumberColumn) -> str:
    """Return the hours of the day that most times lie in: later dates are not odd, other hours are."""
    form = column.form
    moments = pd.Series(pd.to_datetime(axis.round().astype(np.int64) * form.step + form.offset, unit=form.unit))
    zone = getattr(pd.api.types.pandas_dtype(form.dtype), "tz", None)
    if zone is not None:
        moments = moments.dt.tz_localize("UTC").dt.tz_convert(zone)
    turn = 2.0 * np.pi * ((moments - moments.dt.normalize()).dt.total_seconds().to_numpy() / 86_400)
    middle = np.angle(np.exp(1j * turn).mean())
    around = np.quantile(np.angle(np.exp(1j * (turn - middle))), _TYPICAL_RANGE)
    low, high = np.mod((middle + around) / (2.0 * np.pi), 1.0) * 1_440
    return f"{int(low) // 60:02d}:{int(low) % 60:02d} to {int(high) // 60:02d}:{int(high) % 60:02d} o'clock"


def _name_level(column: CategoryColumn, level: int) -> str:
    if level < len(column.categories):
        return str(column.categories[level])
    is_missing = column.has_missing and level == column.n_levels - 1
    return "missing" if is_missing else "another"
