"""One self-contained HTML page that shows how close a synthetic table is to the real one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganaug.evaluation import panels
from ganaug.evaluation.distances import CONTINUOUS
from ganaug.evaluation.heat_map import heat_map
from ganaug.evaluation.quality import QualityReport
from ganaug.exceptions import InvalidInputError, MissingDependencyError

if TYPE_CHECKING:
    from ganaug.evaluation.privacy_report import PrivacyReport

MAX_DRAWN = 24  # distributions
MAX_WORST = 15  # pairs in the table beside the heat map
MAX_ROWS = 200  # rows of the long tables of figures


def write_report(
    path: str | os.PathLike[str],
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    report: QualityReport,
    *,
    privacy: PrivacyReport | None = None,
    history: Iterable[Mapping[str, Any]] | None = None,
    diagnosis: str | None = None,
    title: str = "Synthetic table beside the real one",
) -> Path:
    """Write a page with the verdict, the figures, the distributions and the learning curves.

    The page needs nothing beside it: the drawings are inline SVG, and there is no script. It is
    made for wide and narrow screens, light and dark, and for paper. It shows shares of the real
    values of a column (its levels, its range), so treat it like the data. Needs matplotlib and
    Jinja2, which are imported when this function is called.

    Parameters
    ----------
    path : str or path-like
        Where to write; folders are created, and a file already there is replaced in one step.
    real, synthetic : pandas.DataFrame
        The tables that `report` compared.
    report : QualityReport
        What `quality(real, synthetic)` returned. The 24 worst columns are drawn, and the heat map
        holds the 40 columns that are in the worst pairs.
    privacy : PrivacyReport, default=None
        What `privacy(real, synthetic, holdout)` returned; without it the page says how to get one.
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
    context = _context(real, synthetic, report, privacy, history, diagnosis)
    page = _render(context | {"title": title})
    _write_atomically(path, page)
    return path


def _context(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    report: QualityReport,
    privacy: PrivacyReport | None,
    history: Iterable[Mapping[str, Any]] | None,
    diagnosis: str | None,
) -> dict[str, Any]:
    try:
        from ganaug.evaluation import drawings
    except ImportError as error:
        raise MissingDependencyError(f"The report needs {error.name}; run: pip install matplotlib Jinja2") from error
    detection = panels.detection(report)
    return {
        "quality": report,
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "n_columns": len(report.columns),
        "n_pairs": len(report.pairs),
        "target": report.target,
        "figures": panels.figures(report),
        "detection": detection,
        "has_holdout_auc": any("auc_holdout" in row for row in detection),
        "usefulness": panels.usefulness(report),
        "privacy": privacy,
        "privacy_rows": [] if privacy is None else privacy.figures.to_dict("records"),
        "distributions": [
            row | _distribution(drawings, real[row["column"]], synthetic[row["column"]], row["kind"])
            for row in report.columns.head(MAX_DRAWN).to_dict("records")
        ],
        "map": heat_map(report.pairs, list(real.columns)),
        "worst_pairs": panels.pairs(report, MAX_WORST),
        "curves": drawings.learning_curves(list(history or [])),
        "diagnosis": diagnosis,
        "columns": report.columns.head(MAX_ROWS).to_dict("records"),
        "pairs": panels.pairs(report, MAX_ROWS),
    }


def _distribution(drawings: ModuleType, real: pd.Series, synthetic: pd.Series, kind: str) -> dict[str, Any]:
    levels = panels.levels(real, synthetic, kind)
    crowd = None if levels else panels.crowd(real, synthetic, kind)
    drawing = None
    if not levels and kind in CONTINUOUS:
        drawing = drawings.histogram(real, synthetic, kind, apart=crowd and crowd["value"])
    return {"levels": levels, "crowd": crowd, "missing": panels.missing(real, synthetic), "drawing": drawing}


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
