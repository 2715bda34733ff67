"""Plain values as JSON and back, types kept; numeric arrays beside it, under names."""

import base64
import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidInputError, ModelFileError

Arrays = dict[str, np.ndarray]


def encode(value: Any, arrays: Arrays) -> Any:
    """Turn nested plain values into JSON; numeric arrays go to ``arrays``, under names."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        name = f"array.{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.ndarray):
        return {"objects": [encode(item, arrays) for item in value.tolist()]}
    if isinstance(value, np.generic):
        return encode(value.item(), arrays)
    if isinstance(value, tuple):
        return {"tuple": [encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [encode(item, arrays) for item in value]
    if isinstance(value, dict):
        return {"dict": [[encode(key, arrays), encode(item, arrays)] for key, item in value.items()]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _encode_special(value, arrays)


def _encode_special(value: Any, arrays: Arrays) -> Any:
    """Encode what categories and column names may be besides text and numbers."""
    if isinstance(value, pd.Interval):
        return {"interval": [encode(value.left, arrays), encode(value.right, arrays), value.closed]}
    if isinstance(value, pd.Timestamp):
        return {"timestamp": [value.isoformat(), str(value.tz) if value.tz is not None else None]}
    if isinstance(value, pd.Timedelta):
        return {"timedelta": value.isoformat()}
    if isinstance(value, pd.Period):
        return {"period": [str(value), value.freqstr]}
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    raise InvalidInputError(
        f"{value!r} of type {type(value).__name__} can't be kept in a model file. Turn such values into text or "
        "numbers before fitting."
    )


def decode(value: Any, arrays: Arrays) -> Any:
    """Undo ``encode``."""
    if isinstance(value, list):
        return [decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    if kind == "objects":
        result = np.empty(len(content), dtype=object)
        result[:] = [decode(item, arrays) for item in content]
        return result
    if kind == "tuple":
        return tuple(decode(item, arrays) for item in content)
    if kind == "dict":
        return {decode(key, arrays): decode(item, arrays) for key, item in content}
    if kind == "interval":
        return pd.Interval(*(decode(item, arrays) for item in content))
    if kind == "timestamp":
        stamp = pd.Timestamp(content[0])
        return stamp.tz_convert(content[1]) if content[1] else stamp
    if kind == "period":
        return pd.Period(content[0], freq=content[1])
    if kind in _SIMPLE:
        return _SIMPLE[kind](content)
    raise ModelFileError(f"Unknown entry {kind!r} in the model file.")


_SIMPLE = {
    "timedelta": pd.Timedelta,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "decimal": Decimal,
    "bytes": base64.b64decode,
}
