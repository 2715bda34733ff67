"""``ganaug compare``: whether oversampling helps with a table, and which kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import check_columns, make_console, make_rows, read_table, split_names
from ganaug.cli.fit import drop_columns, find_categorical
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.augment import Comparison

_N_LISTED = 20


def compare(
    data: Annotated[Path, typer.Argument(help="Table: .csv, .csv.gz or .parquet.")],
    target: Annotated[str, typer.Option(help="Column of classes.")],
    estimator: Annotated[
        str | None, typer.Option(help="Classifiers: a,b.", show_default="logistic,tree,boosting")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Methods: a,b.", show_default="none,random,smote,class_weight,gan")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="Class to find.", show_default="the rarer of two; each of more")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Columns to leave out, such as ids: a,b.")] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="Columns to treat as categories whatever they hold: a,b.")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="average_precision, roc_auc, balanced_accuracy or recall_at_precision.")
    ] = "average_precision",
    precision: Annotated[float, typer.Option(help="Share of alarms that must be right, for that recall.")] = 0.5,
    n_splits: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    n_repeats: Annotated[int, typer.Option(min=1, help="How often the folds are drawn.")] = 2,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Updates of each GAN.", show_default="400")] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one per core.")] = 1,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed: same seed, same figures.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for comparison.csv, scores.csv and comparison.png."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace files that are there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Compare oversampling by a GAN with SMOTE, repeated rows, class weights and doing nothing.

    In cross-validation, in which training rows alone are resampled. Says which to use, if any.
    """
    _check_output(output, overwrite)
    X, y = _read(data, target, drop or [], categorical or [])
    from ganaug.augment import compare as run
    from ganaug.augment.oversampler import make_gan

    given: dict[str, Any] = {} if method is None else {"methods": _names(method)}
    comparison = run(
        X,
        y,
        None if estimator is None else _names(estimator),
        gan=None if max_steps is None else make_gan(max_steps),
        **given,
        n_splits=n_splits,
        n_repeats=n_repeats,
        precision=precision,
        positive=None if positive is None else _find_class(positive, y),
        metric=metric,
        n_jobs=jobs,
        random_state=random_state,
        verbose=int(not quiet),
    )
    files = []
    if output is not None:
        from ganaug.augment.comparison_files import write_files

        files = write_files(comparison, output)
    if not quiet:
        _tell(comparison, files)


def _check_output(folder: Path | None, overwrite: bool) -> None:
    """Refuse a place that the files can't be written to, before the time is spent."""
    if folder is None:
        return
    from ganaug.augment.comparison_files import FILES

    folder.mkdir(parents=True, exist_ok=True)
    there = [name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise InvalidInputError(f"{folder / there[0]} exists; add --overwrite to replace it, or choose another folder.")


def _read(data: Path, target: str, drop: list[str], categorical: list[str]) -> "tuple[pd.DataFrame, pd.Series]":
    table = read_table(data)
    check_columns([target], list(table.columns), "--target")
    if target in split_names(drop, list(table.columns)):
        raise InvalidInputError(f"--drop {target!r} is the target, which is needed.")
    table = drop_columns(table, drop)
    names = find_categorical(table, categorical, None)
    X, y = table.drop(columns=target), table[target]
    if X.shape[1] == 0:
        raise InvalidInputError(f"--target {target!r} is the only column; there is nothing to learn from.")
    return X.astype({name: "category" for name in names if name != target}), y


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _find_class(text: str, y: "pd.Series") -> Any:
    """Return the class that is written so: 1 for 1.0 as well, which a gap makes of it, and true for True."""
    classes = y.dropna().unique().tolist()
    exact = [label for label in classes if str(label) == text]
    alike = [label for label in classes if _plain(label) == text.casefold()]
    if exact or alike:
        return (exact or alike)[0]
    listed = ", ".join(map(str, classes[:_N_LISTED]))
    raise InvalidInputError(f"--positive {text!r} is no class of {y.name!r}, which holds {listed}.")


def _plain(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label).casefold()


def _tell(comparison: "Comparison", files: list[Path]) -> None:
    """Show a table per classifier, the verdict, what was noted and where the files are."""
    console, table = make_console(), comparison.in_words()
    header = [str(name) for name in table if name != "estimator"]
    for name in comparison.estimators:
        rows = table.loc[table["estimator"] == name, header].to_numpy().tolist()
        console.print(make_rows(f"{name}: {comparison.describe_metric()}", header, rows))
        console.print()
    lines = [comparison.verdict(), *(f"Note: {note}" for note in comparison.notes)]
    lines += [f"Written to {file}" for file in files]
    for line in lines:
        console.print(line, markup=False)
