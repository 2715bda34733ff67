"""``ganaug evaluate``: how close a synthetic table is to the real one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganaug.cli.console import check_columns, make_console, make_rows, read_table
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from ganaug.evaluation import QualityReport

N_SHOWN = 10


def evaluate(
    real: Annotated[Path, typer.Argument(help="The real table: .csv, .csv.gz or .parquet.")],
    synthetic: Annotated[Path, typer.Argument(help="The synthetic table, same columns.")],
    holdout: Annotated[
        Path | None,
        typer.Option(help="Real rows not learned from; they set the floor (else halves do)."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column whose pairs are reported apart.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with drawings as well.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the halves.")] = 0,
) -> None:
    """Measure columns and pairs of columns of a synthetic table, beside real against real."""
    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"--html {str(html)!r}: the name must end in .html.")
    tables = read_table(real), read_table(synthetic)
    held_out = None if holdout is None else read_table(holdout)
    if target is not None:
        check_columns([target], list(tables[0].columns), "--target")
    from ganaug.evaluation import quality, write_report

    report = quality(*tables, holdout=held_out, target=target, random_state=random_state)
    if as_json:
        typer.echo(_as_json(report))
    else:
        _tell(report)
    if html is not None:
        write_report(html, *tables, report)
        # With --json, stdout holds JSON and nothing else.
        typer.echo(f"Page written to {html}", err=as_json)


def _as_json(report: "QualityReport") -> str:
    content = report.summary() | {
        "verdict": report.verdict(),
        "columns": report.columns.to_dict("records"),
        "pairs": report.pairs.to_dict("records"),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, default=str)


def _tell(report: "QualityReport") -> None:
    console = make_console()
    console.print(report.verdict(), markup=False)
    console.print()
    figures = [(name.replace("_", " "), "", value) for name, value in report.summary().items()]
    console.print(make_rows("Figures in %, 0 = identical", ("figure", "", "%"), figures))
    header = ("column", "kind", "error %", "floor %")
    console.print(make_rows("Columns, worst first", header, report.columns.head(N_SHOWN).values))
    if len(report.pairs):
        header = ("column", "with", "error %", "floor %")
        console.print(make_rows("Pairs, worst first", header, report.pairs.head(N_SHOWN).values))
