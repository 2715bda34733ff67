"""``ganaug evaluate``: how close a synthetic table is to the real one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganaug.cli.console import check_columns, make_console, make_rows, read_table
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from rich.console import Console

    from ganaug.evaluation import PrivacyReport, QualityReport

N_SHOWN = 10


def evaluate(
    real: Annotated[Path, typer.Argument(help="The real table: .csv, .csv.gz or .parquet.")],
    synthetic: Annotated[Path, typer.Argument(help="The synthetic table, same columns.")],
    holdout: Annotated[
        Path | None,
        typer.Option(help="Real rows not learned from: they set the floor (else halves do), and privacy is measured."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column that is predicted by models of synthetic and of real rows.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with drawings as well.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of all draws.")] = 0,
) -> None:
    """Measure a synthetic table beside real rows: columns, pairs, whole rows, usefulness and privacy."""
    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"--html {str(html)!r}: the name must end in .html.")
    tables = read_table(real), read_table(synthetic)
    held_out = None if holdout is None else read_table(holdout)
    if target is not None:
        check_columns([target], list(tables[0].columns), "--target")
    from ganaug.evaluation import privacy, quality, write_report

    report = quality(*tables, holdout=held_out, target=target, random_state=random_state)
    panel = None if held_out is None else privacy(*tables, held_out, random_state=random_state)
    if as_json:
        typer.echo(_as_json(report, panel))
    else:
        _tell(report, panel)
    if html is not None:
        write_report(html, *tables, report, privacy=panel)
        # With --json, stdout holds JSON and nothing else.
        typer.echo(f"Page written to {html}", err=as_json)


def _as_json(report: "QualityReport", panel: "PrivacyReport | None") -> str:
    content = report.summary() | {
        "passed": report.passed,
        "failures": report.failures,
        "notes": report.notes,
        "verdict": report.verdict(),
        "columns": report.columns.to_dict("records"),
        "pairs": report.pairs.to_dict("records"),
    }
    for name in ("detection", "usefulness"):
        frame = getattr(report, name)
        content[name] = None if frame is None else frame.to_dict("records")
    content["privacy"] = None
    if panel is not None:
        content["privacy"] = {
            "passed": panel.passed,
            "failures": panel.failures,
            "notes": panel.notes,
            "verdict": panel.verdict(),
            "figures": panel.figures.to_dict("records"),
        }
    return json.dumps(_without_nan(content), indent=1, ensure_ascii=False, default=str)


def _without_nan(value: Any) -> Any:
    """Put null for what could not be measured: JSON knows no NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and value != value else value


def _tell(report: "QualityReport", panel: "PrivacyReport | None") -> None:
    console = make_console()
    console.print(report.verdict(), markup=False)
    for note in report.notes:
        console.print(f"Note: {note}", markup=False)
    console.print()
    figures = [
        (name.replace("_", " "), "", value)
        for name, value in report.summary().items()
        if name.startswith(("shape", "trend", "worst", "target"))
    ]
    console.print(make_rows("Figures in %, 0 = identical", ("figure", "", "%"), figures))
    header = ("column", "kind", "error %", "floor %")
    console.print(make_rows("Columns, worst first", header, report.columns.head(N_SHOWN).values))
    if len(report.pairs):
        header = ("column", "with", "error %", "floor %", "independent %")
        console.print(make_rows("Pairs, worst first", header, report.pairs.head(N_SHOWN).values))
    _tell_models(console, report)
    if panel is not None:
        _tell_privacy(console, panel)


def _tell_models(console: "Console", report: "QualityReport") -> None:
    """Print what the models found: rows told apart, and what synthetic rows teach."""
    if report.detection is not None:
        names = {"auc": "real", "auc_holdout": "holdout", "floor": "floor", "ceiling": "independent", "limit": "limit"}
        shown = [name for name in names if name in report.detection]
        rows = [(row["detector"], "", *(row[name] for name in shown)) for row in report.detection.to_dict("records")]
        header = ("told from", "", *(names[name] for name in shown))
        console.print(make_rows("AUC of telling synthetic rows from real ones, 0.5 = not at all", header, rows))
    if report.usefulness is not None:
        sources = ("synthetic", "real", "independent", "limit")
        rows = [(row["metric"], "", *(row[name] for name in sources)) for row in report.usefulness.to_dict("records")]
        title = f"Predicting {report.target} on real rows, learned from rows that are"
        console.print(make_rows(title, ("metric", "", *sources), rows))


def _tell_privacy(console: "Console", panel: "PrivacyReport") -> None:
    console.print()
    console.print(panel.verdict(), markup=False)
    for note in panel.notes:
        console.print(f"Note: {note}", markup=False)
    console.print()
    rows = [
        (row["label"], "yes" if row["passed"] else "NO", row["figure"], row["reference"], row["limit"], row["safer"])
        for row in panel.figures.to_dict("records")
    ]
    header = ("figure", "passed", "synthetic", "reference", "limit", "safer")
    console.print(make_rows("Privacy, beside real rows not learned from", header, rows))
