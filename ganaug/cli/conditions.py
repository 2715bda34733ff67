r"""From ``--condition`` texts to the conditions that ``sample`` takes.

- ``income=>50K``: one value
- ``city=Paris,Rome``: one of several; repeating the option for the column adds more
- ``age=20..30``: a range of numbers or dates, both ends included; ``20..`` has no upper end
- ``city=Washington\, D.C.``: a comma that belongs to the value
- ``city=``: a missing value
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganaug.cli.console import kind_of
from ganaug.exceptions import ConditionError

if TYPE_CHECKING:
    from ganaug.tabular.columns import Column

_COMMA = re.compile(r"(?<!\\),")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_conditions(texts: Sequence[str], columns: "Sequence[Column]") -> dict[Any, list[Any]]:
    """Return ``{column: [value or (low, high), ...]}``, values typed as the model's columns are."""
    by_name = {str(column.name): column for column in columns}
    conditions: dict[Any, list[Any]] = {}
    for text in texts:
        column, wanted = _find_column(text, by_name)
        conditions.setdefault(column.name, []).extend(_parse_values(wanted, column))
    return conditions


def _find_column(text: str, by_name: "dict[str, Column]") -> "tuple[Column, str]":
    """Split at the first ``=`` whose left side is a column, for names may hold one too."""
    parts = text.split("=")
    if len(parts) < 2:
        raise ConditionError(
            f"--condition {text!r} has no '='. Write column=value, column=value,value or column=low..high."
        )
    for place in range(1, len(parts)):
        name = "=".join(parts[:place])
        for candidate in (name, name.strip()):
            if candidate in by_name:
                return by_name[candidate], "=".join(parts[place:])
    raise ConditionError(f"--condition {text!r}: there is no column {parts[0]!r}; the model has {', '.join(by_name)}.")


def _parse_values(text: str, column: "Column") -> list[Any]:
    if column.kind == "category" and text in _categories(column):
        return [_categories(column)[text]]  # a category that holds a comma, written as it is
    parts = [part.replace("\\,", ",") for part in _COMMA.split(text)]
    if column.kind == "number":
        return [_parse_number_or_range(part.strip(), column) for part in parts]
    return [_parse_category(part, column) for part in parts]


def _parse_category(text: str, column: "Column") -> Any:
    known = _categories(column)
    for candidate in (text, text.strip()):
        if candidate in known:
            return known[candidate]
    truth = _TRUTH.get(text.strip().lower())
    if truth is not None and known and set(known) <= {"True", "False"}:
        return truth
    return text.strip() or None  # the model says which values it knows


def _categories(column: "Column") -> dict[str, Any]:
    """Return the column's values by what they look like as text."""
    values = [*getattr(column, "categories", []), *getattr(column, "others", [])]
    return {str(value): value for value in values}


def _parse_number_or_range(text: str, column: "Column") -> Any:
    if ".." not in text:
        return _parse_number(text, column) if text else None
    low, high = (part.strip() for part in text.split("..", 1))
    if not low and not high:
        raise ConditionError(f"Column {column.name!r}: the range {text!r} has no end; give one.")
    return tuple(_parse_number(end, column) if end else None for end in (low, high))


def _parse_number(text: str, column: "Column") -> Any:
    """Return a number, or the text where the column holds dates or times: the model reads those."""
    if kind_of(column) not in ("number", "decimal"):
        return text
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    raise ConditionError(
        f"Column {column.name!r} holds numbers, so {text!r} can't be a condition on it. Write a "
        "number, or a range such as 20..30."
    )
