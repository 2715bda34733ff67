"""What a tracked run starts from: checked parameters, a table, a hold-out."""

import os
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MIN_ROWS = 20
HOLDOUT_SHARE = 0.2
MAX_CLASSES = 50


def check_count(name: str, value: Any, minimum: int, may_be_none: bool = True) -> None:
    """Refuse what is no whole number of at least ``minimum``."""
    if value is None and may_be_none:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        raise InvalidInputError(
            f"`{name}`={value!r} must be a whole number of at least {minimum}{', or None' if may_be_none else ''}."
        )


def check_seconds(value: Any) -> None:
    """Refuse what is no positive number."""
    if value is not None and (not isinstance(value, Real) or not 0 < float(value) < float("inf")):
        raise InvalidInputError(f"`max_seconds`={value!r} must be a positive number, or None.")


def check_share(name: str, value: Any) -> None:
    """Refuse what is no number between 0 and 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < 1:
        raise InvalidInputError(f"`{name}`={value!r} must be a number between 0 and 1.")


def check_target(target: str | None, table: "pd.DataFrame") -> None:
    """Refuse a column that the table does not have."""
    if target is not None and target not in table.columns:
        raise InvalidInputError(f"`target`={target!r} is no column of the table; it has {list(table.columns)}.")


def make_folder(output_dir: str | os.PathLike[str]) -> Path:
    """Make the folder for the files, before hours are spent on what goes there."""
    folder = Path(output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"`output_dir`={str(output_dir)!r} can't be made a folder ({error.strerror}); choose another place."
        ) from error
    model = folder / "model"
    if model.exists() and not (model / "model.json").is_file():
        raise InvalidInputError(
            f"`output_dir`={str(output_dir)!r} holds a {model} that is no ganaug model, so it is "
            "not overwritten; choose another place."
        )
    return folder


def read_or_simulate(
    data: str | os.PathLike[str] | None, n_demo_rows: int, random_state: int | None, fraud_rate: float = 0.01
) -> "pd.DataFrame":
    """Load the file, or simulate card payments where none is given."""
    from ganaug.datasets import load_table, make_transactions

    if data is None:
        return make_transactions(n_demo_rows, fraud_rate, random_state)
    # A project runs in its own folder, which need not be the user's: the message says where.
    path = Path(data).expanduser().absolute()
    if not path.is_file():
        raise InvalidInputError(f"`data`={os.fspath(data)!r}: there is no file {path}.")
    table = load_table(path)
    if len(table) < MIN_ROWS:
        raise InvalidInputError(f"`data`={os.fspath(data)!r} has {len(table)} rows; a run needs at least {MIN_ROWS}.")
    return table


def split(table: "pd.DataFrame", random_state: int | None) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Part the rows at random into those to learn from and a hold-out, each in its order."""
    import numpy as np

    order = np.random.default_rng(random_state).permutation(len(table))
    n_holdout = max(1, round(HOLDOUT_SHARE * len(table)))
    parts = (np.sort(order[n_holdout:]), np.sort(order[:n_holdout]))
    train, holdout = (table.iloc[part].reset_index(drop=True) for part in parts)
    return train, holdout


def part_target(table: "pd.DataFrame", target: str | None) -> "tuple[pd.DataFrame, np.ndarray | None]":
    """Return the records without their label, and which of them are anomalies."""
    check_target(target, table)
    if target is None:
        return table, None
    if table.shape[1] == 1:
        raise InvalidInputError(f"`target`={target!r} is the table's only column; there is nothing to learn from.")
    return table.drop(columns=target), _as_labels(table[target])


def _as_labels(column: "pd.Series") -> "np.ndarray":
    """Return which records are anomalies."""
    texts = column.astype(str).str.strip().str.casefold()  # "True" where a file kept labels as text
    values = texts.map({"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}).astype(float)
    if values.isna().any():
        strange = str(column[values.isna()].iloc[0])
        raise InvalidInputError(
            f"`target`={column.name!r} holds {strange!r}; it must be 1 (or true) for anomalies and 0 (or false) for "
            "normal records."
        )
    return values.to_numpy(dtype=bool)


def holds_classes(values: "pd.Series") -> bool:
    """Whether a target is a number that stands for a class: whole, and with few distinct values.

    Missing cells turn whole numbers from a CSV file into floats, hence the look at the values.
    """
    if values.dtype.kind not in "iuf":
        return False  # texts and booleans are categories anyway
    present = values.dropna().unique()
    return len(present) <= MAX_CLASSES and bool((present % 1 == 0).all())
