"""Conditions: from what the user writes to what each column may be."""

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import ConditionError
from ganaug.tabular.columns import CategoryColumn, Choices, IdentifierColumn
from ganaug.tabular.encoder import TableEncoder


def compile_conditions(conditions: Mapping[Any, Any] | None, encoder: TableEncoder) -> dict[int, Choices]:
    """Return what is allowed, per modeled column, in the order in which the columns should be drawn.

    Parameters
    ----------
    conditions : dict
        ``{column: value}``, ``{column: [value, ...]}``, ``{column: (low, high)}`` for numbers and times (both ends
        included; None for an open end), or a list of such ranges. None or NaN as a value asks for a missing one.

    Raises
    ------
    ConditionError
        If a column does not exist or is an identifier, or no value seen in training meets its condition.
    """
    compiled: dict[int, Choices] = {}
    places = {column.name: place for place, column in enumerate(encoder.modeled_)}
    for name, wanted in (conditions or {}).items():
        if name not in places:
            raise ConditionError(_unknown(name, encoder))
        compiled[places[name]] = encoder.modeled_[places[name]].choose(_as_list(wanted, name))
    # Columns that leave no choice first, then the most selective ones. How likely a column is to meet its condition
    # is the same in every row as long as nothing before it was drawn; only the others need weights.
    keys = {place: (is_open(choices), _allowed_share(encoder, place, choices)) for place, choices in compiled.items()}
    return {place: compiled[place] for place in sorted(compiled, key=lambda place: keys[place])}


def is_open(choices: Choices) -> bool:
    """Whether a condition leaves anything to draw."""
    return len(choices.levels) > 1 or choices.values[0] is None


def compile_frame(frame: pd.DataFrame) -> list[tuple[dict[Any, Any], np.ndarray]]:
    """Split a frame of wanted values into (conditions, rows that want them); NaN in a frame means "any"."""
    if frame.empty:
        raise ConditionError("The frame of conditions has no rows. Give one row per record wanted.")
    groups: dict[tuple[tuple[Any, Any], ...], list[int]] = {}
    for row, values in enumerate(frame.itertuples(index=False, name=None)):
        wanted = tuple((name, value) for name, value in zip(frame.columns, values, strict=True) if not pd.isna(value))
        groups.setdefault(wanted, []).append(row)
    return [(dict(wanted), np.array(rows)) for wanted, rows in groups.items()]


def apply_exact(table: pd.DataFrame, place: int, choices: Choices, picked: np.ndarray, encoder: TableEncoder) -> None:
    """Put exact values into the decoded column, and numbers into the range asked for, in place.

    Levels and positions are right already; this undoes what interpolation and rounding may have moved over
    the edge of a range, and tells apart the values behind an "other" level.
    """
    column = encoder.modeled_[place]
    if isinstance(column, CategoryColumn):
        values = np.empty(len(choices.values), dtype=object)
        values[:] = choices.values
        table[column.name] = column.as_series(values[picked]).set_axis(table.index)
        return
    assert choices.limits is not None
    low, high = np.array(choices.limits)[picked].T
    axis = np.clip(column.form.to_axis(table[column.name]), low, high)
    table[column.name] = column.form.from_axis(axis, column.name).set_axis(table.index)


def _as_list(wanted: Any, name: Any) -> list[Any]:
    if isinstance(wanted, tuple):
        if len(wanted) != 2:
            raise ConditionError(
                f"Column {name!r}: a range has two ends, (low, high), but got {wanted!r}. Several values go in a list."
            )
        low, high = wanted
        if low is not None and high is not None and low > high:
            raise ConditionError(
                f"Column {name!r}: the range {wanted!r} is empty, since its low end is above its high end."
            )
    if isinstance(wanted, set | frozenset):
        wanted = sorted(wanted, key=repr)
    if isinstance(wanted, np.ndarray | pd.Series | pd.Index):
        wanted = wanted.tolist()
    if not isinstance(wanted, list):
        wanted = [wanted]
    if not wanted:
        raise ConditionError(
            f"Column {name!r}: the list of wanted values is empty. Leave the column out for any value."
        )
    return list(dict.fromkeys(value.item() if isinstance(value, np.generic) else value for value in wanted))


def _unknown(name: Any, encoder: TableEncoder) -> str:
    names = [column.name for column in encoder.columns_]
    if name in names:
        return (
            f"Column {name!r} is an identifier: its values are made up, so they can't be conditioned on. "
            "Leave it out of the conditions."
        )
    hint = f" Did you mean {names[name]!r}?" if isinstance(name, numbers.Integral) and 0 <= name < len(names) else ""
    return f"There is no column {name!r} to condition on.{hint} The table has {names}."


def _allowed_share(encoder: TableEncoder, place: int, choices: Choices) -> float:
    column = encoder.modeled_[place]
    assert not isinstance(column, IdentifierColumn)
    stretch = np.maximum(choices.highs - choices.lows, 1e-6) * np.exp(choices.log_shares)
    return float((column.counts[choices.levels] * stretch).sum() / column.counts.sum())
