"""``ganaug fit``: learn a table and save the model."""

from collections import Counter
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import (
    INTERRUPTED,
    check_columns,
    in_bytes,
    kind_of,
    make_console,
    split_names,
)
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.tabular import TabularGAN


def fit(
    data: Annotated[
        Path, typer.Argument(help="Table to learn: .csv, .csv.gz, .parquet, or a folder of Parquet files.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the model.")],
    target: Annotated[
        str | None,
        typer.Option(help="Column of classes; whole numbers in it are learned as categories."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.", show_default="300")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Generator updates.", show_default="1500")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0.001, help="Wall time.", show_default="no limit")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows per update.", show_default="256")] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option(help="Columns to treat as categories whatever they hold: a,b."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Columns to leave out: a,b.")] = None,
    random_state: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed: same seed and steps, same model.")
    ] = None,
    max_rows_in_memory: Annotated[
        int | None, typer.Option(min=2, help="Of more rows, a uniform sample is learned.", show_default="1000000")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace a model that is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Learn a table with a GAN and save it; the first limit reached ends the training."""
    check_folder(output, overwrite)
    if not data.exists():  # said before the import of torch, which takes its time
        raise InvalidInputError(f"{str(data)!r} does not exist; give the path of a file or a folder of Parquet files.")
    from ganaug.adversarial import derive_seed
    from ganaug.randomness import draw_seed
    from ganaug.tabular import TabularGAN
    from ganaug.tabular.streams import gather

    limit = TabularGAN().max_rows_in_memory if max_rows_in_memory is None else max_rows_in_memory
    # Sampled as TabularGAN would, so that the same seed gives the same model.
    rows, _ = gather(data, None, limit, derive_seed(draw_seed(random_state), "rows"))
    table = drop_columns(rows, drop or [])
    options: dict[str, Any] = {
        "epochs": epochs,
        "max_steps": max_steps,
        "max_seconds": max_seconds,
        "batch_size": batch_size,
        "max_rows_in_memory": max_rows_in_memory,
        "categorical_features": find_categorical(table, categorical or [], target) or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    gan = TabularGAN(**given, device=device, random_state=random_state, verbose=int(not quiet))
    gan.fit(table)
    gan.save(output)
    if not quiet:
        _tell(gan, table, output)
    if gan.stop_reason_ == "interrupted":
        raise typer.Exit(INTERRUPTED)


def check_folder(path: Path, overwrite: bool, option: str = "--output") -> None:
    """Refuse a place that the model can't be written to, before hours are spent on it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    if not (path / "model.json").is_file():
        raise InvalidInputError(
            f"{option} {str(path)!r} exists and holds no ganaug model, so it is left alone; choose another name."
        )
    if not overwrite:
        raise InvalidInputError(
            f"{option} {str(path)!r} holds a model; add --overwrite to replace it, or choose another name."
        )


def drop_columns(table: "pd.DataFrame", texts: list[str]) -> "pd.DataFrame":
    """Return the table without the columns of ``--drop``."""
    names = split_names(texts, list(table.columns))
    check_columns(names, list(table.columns), "--drop")
    rest = table.drop(columns=names)
    if rest.shape[1] == 0:
        raise InvalidInputError("--drop: no column is left; drop fewer.")
    return rest


def find_categorical(table: "pd.DataFrame", texts: list[str], target: str | None) -> list[str]:
    """Return the columns of ``--categorical``, and the target where it holds classes."""
    names = split_names(texts, list(table.columns))
    check_columns(names, list(table.columns), "--categorical")
    if target is not None:
        check_columns([target], list(table.columns), "--target")
        from ganaug.tracking.inputs import holds_classes

        names += [target] if holds_classes(table[target]) else []
    return list(dict.fromkeys(names))


def _tell(gan: "TabularGAN", table: "pd.DataFrame", output: Path) -> None:
    """Say what was learned, how the game went, where the files are and what to type next."""
    console = make_console()
    kinds = Counter(kind_of(column) for column in gan.encoder_.columns_)
    described = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    seconds = gan.history_[-1]["seconds"] if gan.history_ else 0.0
    lines = [
        f"Learned {len(table):,} rows x {table.shape[1]} columns ({described}) in "
        f"{gan.n_iter_:,} steps and {seconds:.0f} s (stop reason: {gan.stop_reason_}).",
        str(gan.diagnose()),
        "",
        f"Model  {output}",
    ]
    lines += [f"       {file.name} ({in_bytes(file.stat().st_size)})" for file in sorted(output.iterdir())]
    lines += ["", f"Next:  ganaug sample {quote(str(output))} -n {len(table)} -o synthetic.csv"]
    for line in lines:
        console.print(line, markup=False)
