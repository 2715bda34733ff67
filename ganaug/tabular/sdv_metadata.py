"""From SDV's metadata to the schema of `ganaug.tabular`; needs neither sdv nor ctgan."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganaug.exceptions import InvalidInputError

_KINDS = {
    "numerical": "number",
    "categorical": "category",
    "boolean": "category",
    "datetime": "datetime",
    "id": "identifier",
}
_TABLE_KEYS = ("primary_key", "alternate_keys", "sequence_key")


def from_sdv_metadata(metadata: Any, table: str | None = None) -> dict[str, str]:
    """Translate SDV metadata into a ``schema`` for `ganaug.tabular.TabularGAN`.

    ========================  ==============  =====================================================
    sdtype                    kind            remark
    ========================  ==============  =====================================================
    numerical                 ``number``
    categorical, boolean      ``category``
    datetime                  ``datetime``
    id                        ``identifier``  so are primary, alternate and sequence keys
    email, name, unknown ...  ``identifier``  every other sdtype: SDV holds it to be personal data
                                              and anonymizes it; with ``"pii": false`` it learns
                                              the values, and so the kind is ``category``
    ========================  ==============  =====================================================

    ``unknown`` is SDV's word for a column that it could not make out. Its values may be personal,
    so they are not learned unless the metadata says ``"pii": false``.

    Parameters
    ----------
    metadata : Metadata, SingleTableMetadata, dict, str or path
        SDV's object (anything with ``to_dict``), its dictionary, or the path of its JSON file.
    table : str, optional
        The table to take; needed where the metadata describes several.

    Returns
    -------
    dict of str to str
        ``{column: kind}`` in the order of the metadata, with the kinds ``"number"``,
        ``"category"``, ``"datetime"`` and ``"identifier"``.

    Raises
    ------
    InvalidInputError
        If the metadata can't be read, or ``table`` is missing or unknown.

    Examples
    --------
    >>> columns = {"age": {"sdtype": "numerical"}, "mail": {"sdtype": "email"}}
    >>> from_sdv_metadata({"columns": columns})
    {'age': 'number', 'mail': 'identifier'}
    """
    description = _pick_table(_as_dict(metadata), table)
    columns = description.get("columns")
    if not isinstance(columns, Mapping):
        raise InvalidInputError(
            "metadata: no 'columns' found in it; pass SDV's Metadata, its to_dict(), or the JSON "
            "that save_to_json wrote (metadata of the time before SDV 1.0 must be upgraded by SDV "
            "first)."
        )
    keys = _key_columns(description)
    return {name: "identifier" if name in keys else _kind_of(name, details) for name, details in columns.items()}


def _as_dict(metadata: Any) -> Mapping[str, Any]:
    """Return the metadata's dictionary, whatever it was given as."""
    if isinstance(metadata, str | os.PathLike):
        metadata = _read_json(Path(metadata))
    elif hasattr(metadata, "to_dict"):
        metadata = metadata.to_dict()
    if not isinstance(metadata, Mapping):
        raise InvalidInputError(
            f"metadata: got {type(metadata).__name__}; pass SDV's Metadata, a dict, or the path of a JSON file."
        )
    return metadata


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(
            f"metadata: {str(path)!r} can't be read ({error.strerror}); give the path of a JSON "
            "file written by SDV's save_to_json."
        ) from error
    except ValueError as error:
        raise InvalidInputError(
            f"metadata: {str(path)!r} is not JSON ({error}); give a file written by SDV's save_to_json."
        ) from error


def _pick_table(metadata: Mapping[str, Any], table: str | None) -> Mapping[str, Any]:
    """Return the description of one table."""
    tables = metadata.get("tables")
    if not isinstance(tables, Mapping):
        if table is not None and "columns" in metadata:
            raise InvalidInputError(
                f"table={table!r}: this metadata describes a single table without a name; leave table out."
            )
        return metadata
    names = ", ".join(map(repr, tables)) or "none"
    if table is None and len(tables) == 1:
        return next(iter(tables.values()))
    if table is None:
        raise InvalidInputError(f"table=None: the metadata has {len(tables)} tables; name one of {names}.")
    if table not in tables:
        raise InvalidInputError(f"table={table!r} is not in the metadata; it has {names}.")
    picked: Mapping[str, Any] = tables[table]
    return picked


def _key_columns(description: Mapping[str, Any]) -> set[str]:
    """Return the columns that identify a row or a sequence of rows; keys may be composite."""
    keys: set[str] = set()
    waiting = [description.get(key) for key in _TABLE_KEYS]
    while waiting:
        key = waiting.pop()
        if isinstance(key, str):
            keys.add(key)
        elif isinstance(key, list | tuple):
            waiting.extend(key)
    return keys


def _kind_of(name: str, details: Any) -> str:
    sdtype = details.get("sdtype") if isinstance(details, Mapping) else None
    if not isinstance(sdtype, str):
        raise InvalidInputError(f"metadata: column {name!r} has no 'sdtype'; add one, such as 'numerical'.")
    if sdtype in _KINDS:
        return _KINDS[sdtype]
    return "category" if details.get("pii") is False else "identifier"
