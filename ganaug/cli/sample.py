"""``ganaug sample``: rows from a saved model into a file."""

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.chunks import SUFFIXES
from ganaug.cli.console import in_bytes, make_console
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.tabular import TabularGAN


def sample(
    model: Annotated[Path, typer.Argument(help="Folder that `ganaug fit` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .csv, .csv.gz or .parquet.")],
    n_samples: Annotated[int, typer.Option("--n-samples", "-n", min=1, help="Rows.")] = 1000,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            "--condition",
            "-c",
            help="What every row must meet: 'income=>50K', 'age=20..30' (both ends included; "
            "'20..' has no upper end), 'city=Paris,Rome', 'city=' (missing). Repeat it for more "
            r"columns, or for more values of a column. A comma inside a value is written '\,'.",
        ),
    ] = None,
    random_state: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed; the same one gives the same rows.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace the file if it exists.")
    ] = False,
) -> None:
    """Sample rows from a model, all of which meet the conditions."""
    check_output(output, overwrite)
    import ganaug
    from ganaug.cli.conditions import parse_conditions

    gan = ganaug.load(model)
    if not hasattr(gan, "sample"):
        raise InvalidInputError(f"{model} holds a {type(gan).__name__}, which draws no samples. Make one with `fit`.")
    if not hasattr(gan.encoder_, "columns_"):
        raise InvalidInputError(f"{model} holds a {type(gan).__name__}; `ganaug images sample` draws images.")
    conditions = parse_conditions(condition or [], gan.encoder_.columns_)
    table = _sample_frame(gan, n_samples, conditions or None, random_state)
    write_table(table, output)
    size = in_bytes(output.stat().st_size)
    make_console().print(
        f"{len(table):,} rows x {table.shape[1]} columns written to {output} ({size}).",
        markup=False,
    )


def _sample_frame(
    gan: "TabularGAN",
    n_samples: int,
    conditions: dict[Any, list[Any]] | None,
    random_state: int | None,
) -> "pd.DataFrame":
    """Sample all columns as one frame, whatever the model was fitted on: arrays and targets too."""
    import pandas as pd

    has_target = gan.format_.target is not None
    drawn = gan.sample(n_samples, conditions=conditions, return_y=has_target, random_state=random_state)
    parts = [pd.DataFrame(part) for part in (drawn if has_target else (drawn,))]
    table = pd.concat(parts, axis=1)
    table.columns = [str(column.name) for column in gan.encoder_.columns_]
    return table


def check_output(path: Path, overwrite: bool) -> None:
    """Refuse a file that can't be written, before any work is done for it."""
    if not path.name.lower().endswith(SUFFIXES):
        raise InvalidInputError(f"--output {str(path)!r}: the name must end in {', '.join(SUFFIXES)}.")
    if path.is_dir():
        raise InvalidInputError(f"--output {str(path)!r} is a folder; name a file in it.")
    if path.exists() and not overwrite:
        raise InvalidInputError(
            f"--output {str(path)!r} exists; add --overwrite to replace it, or choose another name."
        )


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write CSV or Parquet under a temporary name, then rename: no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(temporary, index=False)
        elif path.suffix.lower() == ".gz":
            # Without name and time in the archive, the same seed gives the same bytes.
            with open(temporary, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as archive:
                table.to_csv(archive, index=False, mode="wb")
        else:
            table.to_csv(temporary, index=False)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
