"""The drawing of a comparison; matplotlib by its objects, never through pyplot: no window, no global state."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganaug.augment.judging import describe_method
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ganaug.augment.comparison import Comparison

_USED, _OTHER = "#e07b1a", "#4477aa"  # told apart by color-blind readers
_PANEL_WIDTH, _ROW_HEIGHT = 4.2, 0.42


def draw(comparison: "Comparison", metric: str) -> "Figure":
    """Draw a panel per classifier: the difference of each method to leaving the data as it is."""
    from matplotlib.figure import Figure

    names, table = comparison.estimators, comparison.table(metric)
    methods = comparison.methods
    size = (1.6 + _PANEL_WIDTH * len(names), 1.4 + _ROW_HEIGHT * len(methods))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        _draw_panel(axes, table[table["estimator"] == name], methods)
        axes.set_title(name).set_parse_math(False)  # a name may hold dollar signs
        axes.set_xlabel(f"difference in {comparison.describe_metric(metric)}")
    panels[0].set_yticks(range(len(methods)), [describe_method(method) for method in methods])
    for label in panels[0].get_yticklabels():
        label.set_parse_math(False)
    panels[0].invert_yaxis()
    return figure


def _draw_panel(axes: "Axes", rows: "pd.DataFrame", methods: list[str]) -> None:
    axes.axvline(0.0, color="gray", linestyle="--", linewidth=1)
    for row in rows.itertuples():
        place, color = methods.index(row.method), _USED if row.wins else _OTHER
        low, high = (row.difference, row.difference) if np.isnan(row.low) else (row.low, row.high)
        axes.plot([low, high], [place, place], color=color, linewidth=2, solid_capstyle="butt")
        axes.plot([row.difference], [place], marker="o", color=color)
        axes.annotate(
            f"{row.mean:.3f}", (row.difference, place), (0, 5), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_ylim(-0.7, len(methods) - 0.4)
    axes.margins(x=0.12)


def save(figure: "Figure", path: "str | os.PathLike[str]") -> None:
    """Write the drawing under another name, then rename: a file is old or new, never half of one."""
    path = Path(path)
    kind = path.suffix[1:].lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise InvalidInputError(f"path={str(path)!r}: the name must end in one of {', '.join(sorted(known))}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # Without name and date of the program, the same comparison gives the same bytes.
    metadata = {"png": {"Software": None}, "svg": {"Date": None}}.get(kind)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(temporary, format=kind, dpi=110, metadata=metadata)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
