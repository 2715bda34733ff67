"""``ganaug info``: what is in a model or in a table file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import in_bytes, kind_of, make_console, make_rows, read_table
from ganaug.cli.images_learning import describe_loaded

if TYPE_CHECKING:
    from ganaug.anomaly import GANDetector


def info(
    path: Annotated[Path, typer.Argument(help="A model's folder, or a .csv or .parquet file.")],
) -> None:
    """Show what a model has learned, or what a table holds."""
    console = make_console()
    if path.is_dir() or path.name == "model.json":
        folder = path if path.is_dir() else path.parent
        import ganaug

        loaded = ganaug.load(folder)
        for line in _model_lines(loaded, folder):
            console.print(line, markup=False)
        if not hasattr(loaded.encoder_, "columns_"):
            return
        header = ("column", "kind", "dtype", "levels", "missing %")
        console.print(make_rows("", header, _model_columns(loaded)))
        return
    table = read_table(path)
    size = in_bytes(path.stat().st_size)
    console.print(f"{path}: {len(table):,} rows x {table.shape[1]} columns, {size}", markup=False)
    rows = [
        (name, str(values.dtype), f"{values.nunique():,}", 100 * float(values.isna().mean()))
        for name, values in table.items()
    ]
    console.print(make_rows("", ("column", "dtype", "distinct", "missing %"), rows))


def _model_lines(model: Any, folder: Path) -> list[str]:
    from ganaug.anomaly import GANDetector

    written = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {number}" for name, number in written["versions"].items())
    size = in_bytes(sum(file.stat().st_size for file in folder.iterdir()))
    about = _about_detector(model) if isinstance(model, GANDetector) else _about_gan(model)
    return [
        f"{folder}: {type(model).__name__}, {size}, format version {written['format_version']}",
        f"Trained for {model.n_iter_:,} steps (stop reason: {model.stop_reason_})",
        *_about_data(model),
        *about,
        f"Written with {versions}",
    ]


def _about_data(model: Any) -> list[str]:
    encoder = model.encoder_
    if not hasattr(encoder, "columns_"):
        return describe_loaded(model)
    n_levels = sum(column.n_levels for column in encoder.modeled_)
    return [f"Learned {len(encoder.columns_)} columns with {n_levels:,} levels"]


def _about_gan(gan: Any) -> list[str]:
    n_weights = sum(weight.numel() for weight in gan.generator_.parameters())
    n_others = sum(weight.numel() for weight in gan.discriminator_.parameters())
    lines = [f"Weights: generator {n_weights:,}, discriminator {n_others:,}"]
    if hasattr(gan, "patch_size_"):
        does = "Translates images of any size from A to B, and back"
        if hasattr(gan, "scale"):
            does = f"Enlarges images of any size {gan.scale} times"
        lines.append(f"{does}; learned from parts of {gan.patch_size_} x {gan.patch_size_} pixels")
    return lines


def _about_detector(detector: "GANDetector") -> list[str]:
    memory = detector.view_.memory
    kept = "no record" if memory is None else f"{len(memory.references):,} training records as references"
    parts = ", ".join(f"{name} x {weight:g}" for name, weight in detector.weights_.items())
    return [
        f"Normal records never seen rank above corrupted copies in {detector.worth_:.0%} of cases (50% = chance)",
        f"Score: {parts}",
        str(detector.threshold_),
        f"Holds {kept}",
    ]


def _model_columns(model: Any) -> Iterator[tuple[Any, ...]]:
    columns: list[Any] = model.encoder_.columns_
    for column in columns:
        if column.kind == "identifier":
            yield column.name, "identifier", column.dtype, "-", 100 * column.missing_rate
            continue
        dtype = column.form.dtype if column.kind == "number" else column.dtype
        missing = column.counts[-1] / column.counts.sum() if column.has_missing else 0.0
        yield column.name, kind_of(column), dtype, column.n_levels, 100 * float(missing)
