"""The error of each pair of columns as colored cells; columns stay in the table's order."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ganaug.evaluation.panels import shorten

MAX_COLUMNS = 40
NUMBERED = 18  # up to so many columns there is room for a number in each cell
LEAST_SCALE = 10.0  # errors in % at which the color is full, at least: noise must not glow
LABEL = 22  # letters
LETTER = 7.6  # width of a letter in px, at 12 px


def heat_map(pairs: pd.DataFrame, order: Sequence[Any]) -> dict[str, Any] | None:
    """Return labels and cells of the columns with the worst pairs, in px; None without any pair."""
    shown = _worst_columns(pairs, order)
    if not shown:
        return None
    size = 34 if len(shown) <= NUMBERED else 19
    names = [shorten(str(name), LABEL) for name in shown]
    left = 10 + max(_width(name) for name in names)
    top = 12 + 0.77 * (left - 10)  # labels lean by 50 degrees
    place = {name: at for at, name in enumerate(shown)}
    among = pairs[pairs["column_a"].isin(place) & pairs["column_b"].isin(place)]
    scale = max(LEAST_SCALE, float(among["error"].max()))
    cells = []
    for row in among.itertuples():
        both = {"error": row.error, "heat": row.error / scale, "title": f"{row.column_a} and {row.column_b}"}
        for one, two in ((row.column_a, row.column_b), (row.column_b, row.column_a)):
            cells.append({**both, "x": left + size * place[two], "y": top + size * place[one]})
    return {
        "size": size,
        "width": left + size * len(shown) + 0.64 * (left - 10) + 4,
        "height": top + size * len(shown) + 2,
        "rows": [{"label": name, "x": left - 6, "y": top + size * (at + 0.5)} for at, name in enumerate(names)],
        "columns": [{"label": name, "x": left + size * (at + 0.5), "y": top - 6} for at, name in enumerate(names)],
        "cells": cells,
        "numbered": len(shown) <= NUMBERED,
        "scale": scale,
        "worst": f"{among.iloc[0]['column_a']} and {among.iloc[0]['column_b']}",
        "n_shown": len(shown),
        "n_columns": len(set(pairs["column_a"]) | set(pairs["column_b"])),
    }


def _worst_columns(pairs: pd.DataFrame, order: Sequence[Any]) -> list[Any]:
    """Return the columns of the worst pairs, in the order of the table."""
    chosen: dict[Any, None] = {}
    for pair in zip(pairs["column_a"], pairs["column_b"], strict=True):
        if len(chosen | dict.fromkeys(pair)) > MAX_COLUMNS:
            continue
        chosen |= dict.fromkeys(pair)
    return [name for name in order if name in chosen]


def _width(text: str) -> float:
    """Guess how wide a text is drawn; Chinese, Japanese and Korean letters take twice the room."""
    return sum(2 * LETTER if unicodedata.east_asian_width(letter) in "WF" else LETTER for letter in text)
