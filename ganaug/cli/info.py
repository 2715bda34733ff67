"""``ganaug info``: what is in a model or in a table file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import in_bytes, kind_of, make_console, make_rows, read_table

if TYPE_CHECKING:
    from ganaug.tabular import TabularGAN


def info(
    path: Annotated[Path, typer.Argument(help="A model's folder, or a .csv or .parquet file.")],
) -> None:
    """Show what a model has learned, or what a table holds."""
    console = make_console()
    if path.is_dir() or path.name == "model.json":
        folder = path if path.is_dir() else path.parent
        import ganaug

        gan = ganaug.load(folder)
        for line in _model_lines(gan, folder):
            console.print(line, markup=False)
        header = ("column", "kind", "dtype", "levels", "missing %")
        console.print(make_rows("", header, _model_columns(gan)))
        return
    table = read_table(path)
    size = in_bytes(path.stat().st_size)
    console.print(f"{path}: {len(table):,} rows x {table.shape[1]} columns, {size}", markup=False)
    rows = [
        (name, str(values.dtype), f"{values.nunique():,}", 100 * float(values.isna().mean()))
        for name, values in table.items()
    ]
    console.print(make_rows("", ("column", "dtype", "distinct", "missing %"), rows))


def _model_lines(gan: "TabularGAN", folder: Path) -> list[str]:
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {number}" for name, number in model["versions"].items())
    n_weights = sum(weight.numel() for weight in gan.generator_.parameters())
    n_others = sum(weight.numel() for weight in gan.discriminator_.parameters())
    size = in_bytes(sum(file.stat().st_size for file in folder.iterdir()))
    n_levels = sum(column.n_levels for column in gan.encoder_.modeled_)
    columns = gan.encoder_.columns_
    return [
        f"{folder}: {type(gan).__name__}, {size}, format version {model['format_version']}",
        f"Trained for {gan.n_iter_:,} steps (stop reason: {gan.stop_reason_})",
        f"Learned {len(columns)} columns with {n_levels:,} levels",
        f"Weights: generator {n_weights:,}, discriminator {n_others:,}",
        f"Written with {versions}",
    ]


def _model_columns(gan: "TabularGAN") -> Iterator[tuple[Any, ...]]:
    columns: list[Any] = gan.encoder_.columns_
    for column in columns:
        if column.kind == "identifier":
            yield column.name, "identifier", column.dtype, "-", 100 * column.missing_rate
            continue
        dtype = column.form.dtype if column.kind == "number" else column.dtype
        missing = column.counts[-1] / column.counts.sum() if column.has_missing else 0.0
        yield column.name, kind_of(column), dtype, column.n_levels, 100 * float(missing)
