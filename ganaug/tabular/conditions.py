"""Conditions: from what the user writes to what each column may be."""

import numbers
from collections.abc import Mapping
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import ConditionError
from ganaug.tabular.columns import CategoryColumn, Choices, IdentifierColumn
from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.frames import check_names


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
    if not isinstance(conditions, Mapping | None):
        raise ConditionError(f"conditions must be a dict or a DataFrame, but is {conditions!r}.")
    compiled: dict[int, Choices] = {}
    places = {column.name: place for place, column in enumerate(encoder.modeled_)}
    for name, wanted in (conditions or {}).items():
        if name not in places:
            raise ConditionError(_unknown(name, encoder))
        choices = encoder.modeled_[places[name]].choose(_as_list(wanted, name))
        if _allowed_share(encoder, places[name], choices) < 1.0 - 1e-9:  # what allows everything is no condition
            compiled[places[name]] = choices
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
    check_names(frame)
    groups: dict[tuple[tuple[Any, Any], ...], list[int]] = {}
    for row, values in enumerate(frame.itertuples(index=False, name=None)):
        given = [not (pd.api.types.is_scalar(value) and pd.isna(value)) for value in values]
        wanted = tuple(compress(zip(frame.columns, values, strict=True), given))
        if not pd.api.types.is_hashable(wanted):
            raise ConditionError(f"Row {row} of the frame of conditions holds {values!r}; give one value per column.")
        groups.setdefault(wanted, []).append(row)
    return [(dict(wanted), np.array(rows)) for wanted, rows in groups.items()]


def apply_exact(table: pd.DataFrame, place: int, choices: Choices, picked: np.ndarray, encoder: TableEncoder) -> None:
    """Put exact values into the decoded column, and numbers into the range asked for, in place.

    Levels and positions are right already; this undoes what interpolation and rounding may have moved over
    the edge of a range, and tells apart the values behind an "other" level.
    """
    column = encoder.modeled_[place]
    position = next(spot for spot, other in enumerate(encoder.columns_) if other is column)
    if isinstance(column, CategoryColumn):
        values = np.empty(len(choices.values), dtype=object)
        values[:] = choices.values
        table.isetitem(position, column.as_series(values[picked]).set_axis(table.index))
        return
    assert choices.limits is not None
    low, high = np.array(choices.limits)[picked].T
    axis = np.clip(column.form.to_axis(table.iloc[:, position]), low, high)
    table.isetitem(position, column.form.from_axis(axis, column.name).set_axis(table.index))


def _as_list(wanted: Any, name: Any) -> list[Any]:
    """Return the values and (low, high) ranges that a condition allows, each once."""
    if isinstance(wanted, set | frozenset):
        wanted = sorted(wanted, key=repr)
    if isinstance(wanted, np.ndarray | pd.Series | pd.Index | pd.Categorical):
        wanted = list(wanted)
    if not isinstance(wanted, list):
        wanted = [wanted]
    if not wanted:
        raise ConditionError(
            f"Column {name!r}: the list of wanted values is empty. Leave the column out for any value."
        )
    for value in wanted:
        if isinstance(value, tuple) and len(value) != 2:
            raise ConditionError(
                f"Column {name!r}: a range has two ends, (low, high), but got {value!r}. Several values go in a list."
            )
        if not pd.api.types.is_hashable(value):
            raise ConditionError(
                f"Column {name!r}: {value!r} of type {type(value).__name__} is neither a value nor a (low, high) range."
            )
    plain = [value.item() if isinstance(value, np.number | np.bool_) else value for value in wanted]
    plain = [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in plain]
    return list(dict.fromkeys(plain))


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
