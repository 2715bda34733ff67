"""Reading tables from files, and well-known public tables by name."""

from __future__ import annotations

import os
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ganaug.exceptions import DataWarning, InvalidInputError, MissingDependencyError
from ganaug.files import SUFFIXES, check_unique, parse_dates


@dataclass(frozen=True)
class _PublicTable:
    """Where a table lies below GANAUG_DATA/tabular, by subset, and how OpenML knows it."""

    files: dict[str, str]
    openml: tuple[str, int] | None = None
    rename: tuple[tuple[str, str], ...] = ()


DATASETS = {
    "adult": _PublicTable(
        {"train": "adult_train.csv", "test": "adult_test.csv"},
        ("adult", 2),
        (("class", "income"),),
    ),
    "ai4i": _PublicTable({"train": "ai4i2020.csv"}),
    "insurance": _PublicTable({"train": "insurance.csv"}),
    "magic": _PublicTable({"train": "magic.csv"}, ("MagicTelescope", 1)),
    "nslkdd": _PublicTable({"train": "nslkdd_train20.csv", "test": "nslkdd_test.csv"}),
    "shoppers": _PublicTable({"train": "shoppers.csv"}),
    "telco": _PublicTable({"train": "telco_churn.csv"}),
    "titanic": _PublicTable({"train": "titanic.csv"}, ("titanic", 1)),
}


def load_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""Read a table from a .csv, .csv.gz or .parquet file.

    Parquet keeps its dtypes. A CSV file is UTF-8 with a header row and is read as
    `pandas.read_csv` would, with two differences. Only empty cells are missing, so "NA", "None"
    and "?" stay levels. A text column whose values are all ISO dates or times ("2024-01-31",
    "2024-01-31 12:30:00") becomes datetime64. As in pandas, whole numbers with missing cells are
    float64.

    Parameters
    ----------
    path : str or path-like
        The file; its suffix decides how it is read.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InvalidInputError
        The file is missing, empty, damaged, no UTF-8, of another kind, has rows longer than its
        header, or names two columns alike.
    MissingDependencyError
        Parquet needs pyarrow.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "visits.csv")
    ...     _ = file.write_text("day,kind,cost\n2024-01-31,NA,1.5\n2024-02-01,,2\n")
    ...     table = load_table(file)
    >>> str(table["day"].dtype), table["kind"].isna().tolist()
    ('datetime64[ns]', [False, True])
    """
    path = Path(path).expanduser()
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise InvalidInputError(
            f"`path`={str(path)!r} ends in none of {', '.join(SUFFIXES)}; save the table as one of these."
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InvalidInputError(f"`path`={str(path)!r} {what}; give the path of a file.")
    if path.stat().st_size == 0:
        raise InvalidInputError(f"`path`={str(path)!r} is an empty file; write the table again.")
    try:
        table = _read_parquet(path) if name.endswith(".parquet") else _read_csv(path)
    except InvalidInputError:
        raise
    except (ValueError, OSError, EOFError, zlib.error, pd.errors.ParserWarning) as error:
        raise InvalidInputError(
            f"`path`={str(path)!r} can't be read ({type(error).__name__}: {error}); check that "
            "it is complete, and that a CSV file is UTF-8 with a header and commas."
        ) from error
    if table.empty:
        raise InvalidInputError(
            f"`path`={str(path)!r} holds {len(table)} rows and {table.shape[1]} columns; a table "
            "needs at least one of each."
        )
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise MissingDependencyError("Parquet needs pyarrow; run: pip install pyarrow") from error
    if any(name is not None for name in table.index.names):  # a stored pandas index is data too
        table = table.reset_index()
    check_unique(path, table.columns)
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    # pandas renames the second of two equal names in silence, so the header is looked at first.
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, na_values=[""], keep_default_na=False)
    check_unique(path, pd.Index(header.iloc[0].dropna()))
    with warnings.catch_warnings():
        # A row longer than the header would lose its end or move every column by one.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(path, keep_default_na=False, na_values=[""], index_col=False, low_memory=False)
    for column in table.columns:
        if pd.api.types.infer_dtype(table[column], skipna=True) == "string":
            table[column] = parse_dates(table[column])
    return table


def list_datasets() -> list[str]:
    """Return the names that `load_dataset` knows.

    Examples
    --------
    >>> "adult" in list_datasets()
    True
    """
    return sorted(DATASETS)


def load_dataset(name: str, *, subset: str = "train") -> pd.DataFrame:
    """Load a well-known public table.

    It is read from the folder `tabular` of the folder that the environment variable GANAUG_DATA
    names. Without it, "adult", "magic" and "titanic" are fetched from openml.org, where they come
    in one piece and may differ in details (a "?" of Adult is a missing value there).

    Parameters
    ----------
    name : str
        One of `list_datasets()`.
    subset : {"train", "test"}, default="train"
        "test" exists for "adult" and "nslkdd"; the other tables are whole in "train".

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InvalidInputError
        The name or subset is unknown, or the table is found nowhere.

    Examples
    --------
    >>> load_dataset("insurance").shape  # doctest: +SKIP
    (1338, 7)
    """
    if name not in DATASETS:
        raise InvalidInputError(f"`name`={name!r} is unknown; use one of {list_datasets()}.")
    table = DATASETS[name]
    if subset not in table.files:
        raise InvalidInputError(
            f"`subset`={subset!r} of {name!r} does not exist; use one of {sorted(table.files)}, or "
            "split the table with sklearn.model_selection.train_test_split."
        )
    folder = os.environ.get("GANAUG_DATA")
    if folder:
        file = Path(folder).expanduser() / "tabular" / table.files[subset]
        if file.is_file():
            return load_table(file)
    return _fetch(name, table, subset)


def _fetch(name: str, table: _PublicTable, subset: str) -> pd.DataFrame:
    file = f"tabular/{table.files[subset]}"
    way_out = f"set the environment variable GANAUG_DATA to a folder that holds {file}"
    if table.openml is None:
        raise InvalidInputError(f"{name!r} is not on this machine, nor on openml.org; {way_out}.")
    from sklearn.datasets import fetch_openml

    try:
        frame = fetch_openml(table.openml[0], version=table.openml[1], as_frame=True).frame
    except Exception as error:  # whatever a network, a proxy or a changed server may throw
        raise InvalidInputError(
            f"{name!r} is not on this machine, and openml.org can't be reached ({error}); "
            f"{way_out}, or connect to the internet."
        ) from error
    frame = frame.rename(columns=dict(table.rename)).rename(columns=lambda column: column.rstrip(":"))
    if len(table.files) == 1:
        return frame
    warnings.warn(
        f"openml.org holds {name!r} in one piece: {subset!r} is a fixed random part of it, and not "
        f"the published one. For that, {way_out}.",
        DataWarning,
        stacklevel=3,
    )
    train = frame.sample(frac=2 / 3, random_state=0)
    return (train if subset == "train" else frame.drop(train.index)).reset_index(drop=True)
