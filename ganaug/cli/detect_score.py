"""``ganaug detect score``: score records of any number, and say why the odd ones are odd."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganaug.cli.chunks import TableReader, TableWriter
from ganaug.cli.console import in_bytes, make_console, make_progress
from ganaug.cli.learned import as_learned, as_text
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
    explain_all: Annotated[bool, typer.Option("--explain-all", help="Reasons for every record (slow).")] = False,
    chunk_size: Annotated[int, typer.Option(min=1, help="Records held in memory at a time.")] = 50_000,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace the file if it exists.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no words.")] = False,
) -> None:
    """Score records: adds anomaly_score, p_value, is_anomaly and, with --explain, reasons to each.

    Columns that the model does not know pass through. All columns of a CSV file come out as they are written in it;
    into Parquet they go as text.
    """
    check_output(output, overwrite)
    if max_alerts is not None and false_alarm_rate is not None:
        raise InvalidInputError("--max-alerts and --false-alarm-rate are two rules; give one of them.")
    if explain_all and not explain:
        raise InvalidInputError("--explain-all needs --explain with a number of reasons.")
    detector, table = _load(model), TableReader(records)
    _check_names(table, explain)
    with make_progress(quiet) as progress:
        scores = _score_all(detector, table, chunk_size, progress)
        threshold = _choose(detector, scores, max_alerts, false_alarm_rate)
        found = _Found(detector, scores, threshold, explain, explain_all)
        reasons = _write_all(found, table, chunk_size, output, progress)
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


def _check_names(table: TableReader, explain: int) -> None:
    taken = [name for name in _new_columns(explain) if name in table.names]
    if taken:
        raise InvalidInputError(f"{table.path} has a column {taken[0]!r} already; rename it, since one is added.")


def _score_all(detector: "GANDetector", table: TableReader, chunk_size: int, progress: "Progress") -> "np.ndarray":
    """Return the scores of all records; 8 bytes each are kept, the records are not."""
    import numpy as np

    task = progress.add_task("Scoring", total=1.0, note="")
    parts, n_scored = [], 0
    for chunk in table.chunks(chunk_size):
        learned = as_learned(chunk, detector)
        if len(learned):
            parts.append(detector.score_samples(learned))
        n_scored += len(chunk)
        progress.update(task, completed=table.share, note=f"{n_scored:,} records")
    if not parts:
        raise InvalidInputError(f"{table.path} holds no record.")
    return np.concatenate(parts)


def _new_columns(explain: int) -> list[str]:
    return ["anomaly_score", "p_value", "is_anomaly", *(f"reason_{rank}" for rank in range(1, explain + 1))]


def _choose(
    detector: "GANDetector", scores: "np.ndarray", max_alerts: int | None, false_alarm_rate: float | None
) -> "Threshold":
    from ganaug.anomaly.threshold import choose_threshold

    # On a quiet day there are fewer records than alerts allowed, which limits nothing.
    max_alerts = None if max_alerts is not None and max_alerts >= len(scores) else max_alerts
    if max_alerts is None and false_alarm_rate is None:
        return detector.threshold_
    return choose_threshold(
        detector.calibration_scores_,
        max_alerts=max_alerts,
        false_alarm_rate=false_alarm_rate,
        scores=None if max_alerts is None else scores,
    )


@dataclass(frozen=True)
class _Found:
    """What the first reading of a file found, and what is to be said of it in the second."""

    detector: "GANDetector"
    scores: "np.ndarray"
    threshold: "Threshold"
    explain: int
    explain_all: bool

    def columns(
        self, chunk: "pd.DataFrame", oddest: "np.ndarray"
    ) -> tuple[dict[str, "np.ndarray"], "pd.DataFrame | None"]:
        """Return the new columns of a chunk, and the reasons of the records that have some."""
        import numpy as np

        from ganaug.anomaly.conformal import p_values

        rows = chunk.index.to_numpy()
        scores = self.scores[rows]
        alerts = scores < self.threshold.offset
        chances = p_values(self.detector.calibration_scores_, scores)
        new = {"anomaly_score": -scores, "p_value": chances, "is_anomaly": alerts}
        told = np.ones(len(rows), bool) if self.explain_all else alerts & (self.explain > 0)
        reasons = self._reasons(chunk[told | np.isin(rows, oddest)])
        texts = {rank: np.full(len(rows), "", dtype=object) for rank in range(1, self.explain + 1)}
        if reasons is not None:
            # What makes a record no less odd when it is made ordinary is no reason.
            for place, rank, gain, text in reasons[["record", "rank", "contribution", "text"]].itertuples(index=False):
                if told[place - rows[0]] and rank in texts and gain > 0:
                    texts[rank][place - rows[0]] = text
        return new | {f"reason_{rank}": text for rank, text in texts.items()}, reasons

    def _reasons(self, odd: "pd.DataFrame") -> "pd.DataFrame | None":
        if not len(odd):
            return None
        reasons = self.detector.explain(as_learned(odd, self.detector), top=max(self.explain, 1))
        if self.detector.format_.array_dtype is not None:  # places, since an array has no index
            reasons["record"] = odd.index.to_numpy()[reasons["record"]]
        # Values as they stand in the file.
        reasons["text"] = [
            f"{column} = {as_text(odd.at[record, str(column)])} (typical: {typical})"
            for record, column, typical in reasons[["record", "column", "typical"]].itertuples(index=False)
        ]
        return reasons


def _write_all(
    found: _Found, table: TableReader, chunk_size: int, output: Path, progress: "Progress"
) -> "dict[int, str]":
    """Write the records with what was found; return the first reasons of the oddest, oddest first."""
    import numpy as np

    n_records = len(found.scores)
    task = progress.add_task("Writing", total=n_records, note="")
    oddest = np.argsort(found.scores, kind="stable")[:_N_SHOWN]
    first_reasons: dict[int, str] = {}
    n_written = 0
    header = [*table.header, *_new_columns(found.explain)]
    with TableWriter(output, header, table.metadata) as writer:
        for chunk in table.chunks(chunk_size):
            n_written += len(chunk)
            if n_written > n_records:
                break
            new, reasons = found.columns(chunk, oddest)
            if reasons is not None:
                best = reasons[reasons["rank"] == 1]
                first_reasons |= dict(zip(best["record"], best["text"], strict=True))
            writer.write(chunk.assign(**new))
            progress.advance(task, len(chunk))
        if n_written != n_records:
            raise InvalidInputError(f"{table.path} changed while it was read; score it again.")
    return {int(record): first_reasons[record] for record in oddest}


def _tell(scores: "np.ndarray", threshold: "Threshold", reasons: dict[int, str], output: Path) -> None:
    """Say how many records alarm, by which rule, which are the oddest and why, and where the file is."""
    console = make_console()
    n_alerts = int((scores < threshold.offset).sum())
    console.print(f"{len(scores):,} records scored, {n_alerts:,} alerts.", markup=False)
    console.print(str(threshold), markup=False)
    console.print("\nThe oddest (record, anomaly score, first reason):", markup=False)
    for record, text in reasons.items():
        console.print(f"  {record + 1:>9,}  {-scores[record]:>8.2f}  {text}", markup=False)
    console.print(f"\nWritten to {output} ({in_bytes(output.stat().st_size)}).", markup=False)
