"""One self-contained HTML page that shows how close a synthetic table is to the real one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ganaug.evaluation.quality import QualityReport
from ganaug.exceptions import InvalidInputError, MissingDependencyError

MAX_COLUMNS = 24  # distributions drawn
MAX_ROWS = 200  # rows of the long tables of figures


def write_report(
    path: str | os.PathLike[str],
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    report: QualityReport,
    *,
    history: Iterable[Mapping[str, Any]] | None = None,
    diagnosis: str | None = None,
    title: str = "Synthetic table beside the real one",
) -> Path:
    """Write a page with the verdict, the figures, the distributions and the learning curves.

    The page needs nothing beside it: the drawings are inline SVG, and there is no script. It
    shows shares of the real values of a column (its levels, its range), so treat it like the data.
    Needs matplotlib and Jinja2, which are imported when this function is called.

    Parameters
    ----------
    path : str or path-like
        Where to write; folders are created, and a file already there is replaced in one step.
    real, synthetic : pandas.DataFrame
        The tables that `report` compared.
    report : QualityReport
        What `quality(real, synthetic)` returned. The 24 worst columns are drawn.
    history : list of dict, default=None
        Rows with "step" and "generator/<term>", "discriminator/<term>", "quality/<figure>", such
        as a fitted GAN's `history_`; drawn as learning curves.
    diagnosis : str, default=None
        A text to show as it is, line breaks included.
    title : str
        The heading of the page.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    InvalidInputError
        `report` is of other tables, or `path` is a folder.
    MissingDependencyError
        matplotlib or Jinja2 is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from ganaug.evaluation import quality
    >>> real = pd.DataFrame({"age": [20, 30, 40, 50]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(f"{folder}/report.html", real, real, quality(real, real))
    ...     page.name, "no difference at all" in page.read_text(encoding="utf-8")
    ('report.html', True)
    """
    path = Path(path)
    if path.is_dir():
        raise InvalidInputError(f"`path`={str(path)!r} is a folder; name a file in it.")
    for role, table in {"real": real, "synthetic": synthetic}.items():
        unknown = [name for name in report.columns["column"] if name not in table.columns]
        if unknown:
            raise InvalidInputError(
                f"`report` is of other tables: `{role}` has no column {unknown[0]!r}; "
                "pass the tables that were given to quality()."
            )
    page = _render(_context(real, synthetic, report, history, diagnosis, title))
    _write_atomically(path, page)
    return path


def _context(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    report: QualityReport,
    history: Iterable[Mapping[str, Any]] | None,
    diagnosis: str | None,
    title: str,
) -> dict[str, Any]:
    try:
        from ganaug.evaluation import drawings
    except ImportError as error:
        raise MissingDependencyError(f"The report needs {error.name}; run: pip install matplotlib Jinja2") from error
    worst = report.columns.head(MAX_COLUMNS)
    return {
        "title": title,
        "verdict": report.verdict(),
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "figures": _figures(report),
        "columns": report.columns.head(MAX_ROWS).to_dict("records"),
        "pairs": report.pairs.head(MAX_ROWS).to_dict("records"),
        "n_columns": len(report.columns),
        "n_pairs": len(report.pairs),
        "distributions": [
            {**row, "drawing": drawings.distribution(real[name], synthetic[name], row["kind"])}
            for name, row in zip(worst["column"], worst.to_dict("records"), strict=True)
        ],
        "missing": {
            name: (100 * real[name].isna().mean(), 100 * synthetic[name].isna().mean()) for name in worst["column"]
        },
        "curves": drawings.learning_curves(list(history or [])),
        "diagnosis": diagnosis,
        "real_color": drawings.REAL,
        "synthetic_color": drawings.SYNTHETIC,
    }


def _figures(report: QualityReport) -> list[tuple[str, float, float]]:
    figures = [("Columns, mean", report.shape_error, report.shape_floor)]
    if len(report.pairs):
        figures.append(("Pairs of columns, mean", report.trend_error, report.trend_floor))
    summary = report.summary()
    if "target_trend_error" in summary:
        label = f"Pairs with {report.target}, mean"
        figures.append((label, summary["target_trend_error"], summary["target_trend_floor"]))
    worst = report.columns.iloc[0]
    figures.append((f"Worst column: {worst['column']}", worst["error"], worst["floor"]))
    if len(report.pairs):
        pair = report.pairs.iloc[0]
        label = f"Worst pair: {pair['column_a']}, {pair['column_b']}"
        figures.append((label, pair["error"], pair["floor"]))
    return figures


def _render(context: dict[str, Any]) -> str:
    try:
        import jinja2
    except ImportError as error:
        raise MissingDependencyError("The report needs Jinja2; run: pip install Jinja2") from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(context)


def _write_atomically(path: Path, text: str) -> None:
    """Write beside the target and rename, so that nobody ever opens half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Column names may hold what UTF-8 can't; the page is written all the same.
        temporary.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
