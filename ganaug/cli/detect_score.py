"""``ganaug detect score``: score records of any number, and say why the odd ones are odd."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.chunks import TableWriter, as_learned, read_chunks
from ganaug.cli.console import in_bytes, make_console
from ganaug.cli.sample import check_output
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from rich.progress import Progress

    from ganaug.anomaly import GANDetector, Threshold

_N_SHOWN = 5


def score(
    model: Annotated[Path, typer.Argument(help="Folder that `ganaug detect fit` wrote.")],
    records: Annotated[Path, typer.Argument(help="Records to score: .csv, .csv.gz or .parquet, of any size.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .csv, .csv.gz or .parquet.")],
    max_alerts: Annotated[
        int | None, typer.Option(min=1, help="At most so many alerts in the file, the oddest records.")
    ] = None,
    false_alarm_rate: Annotated[
        float | None, typer.Option(help="Share of normal records that may alarm, such as 0.001.")
    ] = None,
    explain: Annotated[int, typer.Option(min=0, help="Reasons per alert; 0 for none.")] = 0,
    chunk_size: Annotated[int, typer.Option(min=1, help="Records held in memory at a time.")] = 50_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace the file if it exists.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Score records: adds anomaly_score, p_value, is_anomaly and, with --explain, reasons to each."""
    check_output(output, overwrite)
    if max_alerts is not None and false_alarm_rate is not None:
        raise InvalidInputError("--max-alerts and --false-alarm-rate are two rules; give one of them.")
    detector = _load(model)
    with _make_progress(quiet) as progress:
        scores = _score_all(detector, records, chunk_size, explain, progress)
        threshold = _choose(detector, scores, max_alerts, false_alarm_rate)
        reasons = _write_all(detector, records, chunk_size, scores, threshold, explain, output, progress)
    if not quiet:
        _tell(scores, threshold, reasons, output)


def _load(model: Path) -> "GANDetector":
    import ganaug
    from ganaug.anomaly import GANDetector

    detector = ganaug.load(model)
    if not isinstance(detector, GANDetector):
        raise InvalidInputError(
            f"{model} holds a {type(detector).__name__}, which is no detector. Make one with `ganaug detect fit`."
        )
    return detector


def _score_all(
    detector: "GANDetector", records: Path, chunk_size: int, explain: int, progress: "Progress"
) -> "np.ndarray":
    """Return the scores of all records; 8 bytes each are kept, the records are not."""
    import numpy as np

    task = progress.add_task("Scoring", total=None)
    parts = []
    for chunk in read_chunks(records, chunk_size):
        taken = [name for name in _new_columns(explain) if name in chunk.columns]
        if taken:
            raise InvalidInputError(f"{records} has a column {taken[0]!r} already; rename it, since one is added.")
        learned = as_learned(chunk, _columns(detector))
        if len(learned):
            parts.append(detector.score_samples(learned))
        progress.advance(task, len(chunk))
    if not parts:
        raise InvalidInputError(f"{records} holds no record.")
    return np.concatenate(parts)


def _columns(detector: "GANDetector") -> list[Any]:
    """Return the encoder's columns that records have."""
    return [column for column in detector.encoder_.columns_ if column.name in detector.format_.columns]


def _new_columns(explain: int) -> list[str]:
    return ["anomaly_score", "p_value", "is_anomaly", *(f"reason_{rank}" for rank in range(1, explain + 1))]


def _choose(
    detector: "GANDetector", scores: "np.ndarray", max_alerts: int | None, false_alarm_rate: float | None
) -> "Threshold":
    from ganaug.anomaly.threshold import choose_threshold

    if max_alerts is None and false_alarm_rate is None:
        return detector.threshold_
    return choose_threshold(
        detector.calibration_scores_,
        max_alerts=max_alerts,
        false_alarm_rate=false_alarm_rate,
        scores=None if max_alerts is None else scores,
    )


def _write_all(
    detector: "GANDetector",
    records: Path,
    chunk_size: int,
    scores: "np.ndarray",
    threshold: "Threshold",
    explain: int,
    output: Path,
    progress: "Progress",
) -> "pd.DataFrame":
    """Write the records with what was found; return the reasons of the oddest."""
    import numpy as np
    import pandas as pd

    task = progress.add_task("Writing", total=len(scores))
    chances = _p_values(detector, scores)
    oddest = np.argsort(scores, kind="stable")[: min(_N_SHOWN, int((scores < threshold.offset).sum()))]
    shown, first = [], 0
    with TableWriter(output) as writer:
        for chunk in read_chunks(records, chunk_size):
            rows = np.arange(first, first + len(chunk))
            alerts = scores[rows] < threshold.offset
            found = {"anomaly_score": -scores[rows], "p_value": chances[rows], "is_anomaly": alerts}
            wanted = alerts if explain else np.isin(rows, oddest)
            learned = as_learned(chunk[wanted], _columns(detector)).set_axis(rows[wanted])
            reasons = detector.explain(learned, top=max(explain, 1)) if wanted.any() else None
            if explain:
                found |= _spread(reasons, rows, explain)
            if reasons is not None:
                shown.append(reasons[reasons["record"].isin(oddest) & (reasons["rank"] == 1)])
            writer.write(chunk.assign(**found))
            first += len(chunk)
            progress.advance(task, len(chunk))
    return pd.concat(shown).set_index("record").loc[oddest] if shown else pd.DataFrame()


def _p_values(detector: "GANDetector", scores: "np.ndarray") -> "np.ndarray":
    from ganaug.anomaly.conformal import p_values

    return p_values(detector.calibration_scores_, scores)


def _spread(reasons: "pd.DataFrame | None", rows: "np.ndarray", explain: int) -> "dict[str, np.ndarray]":
    """Return the columns reason_1, ... of all rows: a text for what makes an alert odd, else nothing."""
    import numpy as np

    spread = {f"reason_{rank}": np.full(len(rows), "", dtype=object) for rank in range(1, explain + 1)}
    if reasons is not None:
        odd = reasons[reasons["contribution"] > 0]
        for record, rank, text in zip(odd["record"], odd["rank"], _texts(odd), strict=True):
            spread[f"reason_{rank}"][record - rows[0]] = text
    return spread


def _texts(reasons: "pd.DataFrame") -> list[str]:
    named = zip(reasons["column"], reasons["value"], reasons["typical"], strict=True)
    return [f"{column} = {_as_text(value)} (typical: {typical})" for column, value, typical in named]


def _as_text(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return "missing"
    # Whole numbers are floats in a chunk with empty cells, and look the same in every chunk.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _make_progress(quiet: bool) -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, disable=quiet)


def _tell(scores: "np.ndarray", threshold: "Threshold", reasons: "pd.DataFrame", output: Path) -> None:
    """Say how many records alarm, by which rule, which are the oddest and why, and where the file is."""
    console = make_console()
    n_alerts = int((scores < threshold.offset).sum())
    console.print(f"{len(scores):,} records scored, {n_alerts:,} alerts.", markup=False)
    console.print(str(threshold), markup=False)
    if len(reasons):
        console.print("\nThe oddest (row, anomaly score, first reason):", markup=False)
        for record, text in zip(reasons.index, _texts(reasons), strict=True):
            console.print(f"  {record + 1:>9,}  {-scores[record]:>8.2f}  {text}", markup=False)
    console.print(f"\nWritten to {output} ({in_bytes(output.stat().st_size)}).", markup=False)
