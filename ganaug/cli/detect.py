"""``ganaug detect fit``: learn what normal records look like, and save the detector."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from ganaug.cli.console import INTERRUPTED, CommandGroup, make_console, read_table
from ganaug.cli.detect_score import score
from ganaug.cli.fit import check_folder, drop_columns, find_categorical
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.anomaly import GANDetector

detect = typer.Typer(
    cls=CommandGroup,
    help="Find records that depart from the normal: learn from normal ones, score new ones.",
    no_args_is_help=True,
)
detect.command()(score)


@detect.command()
def fit(
    data: Annotated[Path, typer.Argument(help="Normal records: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the model.")],
    drop: Annotated[list[str] | None, typer.Option(help="Columns to leave out, such as labels: a,b.")] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="Columns to treat as categories whatever they hold: a,b.")
    ] = None,
    memory: Annotated[str, typer.Option(help="Records kept as references in the model, or 'none'.")] = "5000",
    max_steps: Annotated[int | None, typer.Option(min=1, help="Updates.", show_default="250")] = None,
    contamination: Annotated[
        float | None, typer.Option(help="Share of outliers among the records.", show_default="1 % false alarms")
    ] = None,
    random_state: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed: same seed, same model.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace a model that is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Learn what normal records look like, and save the detector.

    All records count as normal; a few that are not do little harm. A column that labels them must be left out: --drop.
    """
    check_folder(output, overwrite)
    if memory != "none" and not memory.isdigit():
        raise InvalidInputError(f"--memory {memory!r}: give a number of records, or none.")
    table = drop_columns(read_table(data), drop or [])
    options = {
        "max_steps": max_steps,
        "contamination": contamination,
        "categorical_features": find_categorical(table, categorical or [], None) or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    from ganaug.anomaly import GANDetector

    detector = GANDetector(
        **given,
        memory="none" if memory == "none" else int(memory),
        device=device,
        random_state=random_state,
        verbose=int(not quiet),
    )
    detector.fit(table)
    detector.save(output)
    if not quiet:
        _tell(detector, table, output)
    if detector.stop_reason_ == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _tell(detector: "GANDetector", table: "pd.DataFrame", output: Path) -> None:
    """Say what was learned, whether it can be trusted, what the model holds and what to type next."""
    kept = detector.view_.memory
    holds = (
        "The model holds no record, only centers of clusters."
        if kept is None
        else f"The model holds {len(kept.references):,} of the records as references (--memory none keeps none)."
    )
    seconds = detector.history_[-1]["seconds"] if detector.history_ else 0.0
    for line in (
        f"Learned {len(table):,} normal records x {table.shape[1]} columns in {seconds:.0f} s.",
        f"Normal records it has never seen rank above corrupted copies of them in {detector.worth_:.0%} of cases "
        "(50% = chance).",
        str(detector.threshold_),
        holds,
        "",
        f"Model  {output}",
        f"Next:  ganaug detect score {quote(str(output))} records.csv -o scored.csv --explain 3",
    ):
        make_console().print(line, markup=False)
