"""The drawings of the report, as inline SVG; matplotlib by its objects, never through pyplot."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib
import matplotlib.dates
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganaug.evaluation.distances import CONTINUOUS, encode_column

REAL, SYNTHETIC = "#4c8fd0", "#e07b1a"  # told apart by color-blind readers, on black and on white
INK = "#010203"  # replaced by the text color of the page, which differs in light and dark
MAX_LEVELS = 12
MAX_POINTS = 1_000
BINS = 40
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and legible when scaled
    "svg.hashsalt": "ganaug",  # the same page for the same figures
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(["text.color", "axes.edgecolor", "axes.labelcolor"], INK),
    **dict.fromkeys(["xtick.color", "ytick.color"], INK),
}


def distribution(real: pd.Series, synthetic: pd.Series, kind: str) -> Markup | None:
    """Draw both distributions of a column over each other, in % of the rows; None for texts."""
    if kind == "text":
        return None
    with matplotlib.rc_context(STYLE):
        if kind in CONTINUOUS and real.nunique() > MAX_LEVELS:
            figure = Figure(figsize=(4.2, 2.2), layout="constrained")
            _histogram(figure.add_subplot(), real, synthetic, kind)
        else:
            shares = _level_shares(real, synthetic, by_value=kind in CONTINUOUS)
            height = 0.6 + 0.24 * max(len(shares), 2)
            figure = Figure(figsize=(4.2, height), layout="constrained")
            _bars(figure.add_subplot(), shares)
        return _svg(figure)


def _histogram(axes: Axes, real: pd.Series, synthetic: pd.Series, kind: str) -> None:
    _, sides = encode_column(real.name, {"real": real.to_frame(), "synthetic": synthetic.to_frame()})
    finite = [side[np.isfinite(side)] for side in sides]
    edges = _bin_edges(finite[0])
    place = edges
    if kind == "datetime":
        place = matplotlib.dates.date2num(edges.astype(np.int64).astype("datetime64[us]"))
        locator = matplotlib.dates.AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
    for values, side, color, fill in zip(finite, sides, (REAL, SYNTHETIC), (True, False), strict=True):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
        shares = 100 * counts / max(len(side), 1)
        axes.stairs(shares, place, color=color, fill=fill, alpha=0.55 if fill else 1, linewidth=1.6)
    axes.set_ylabel("% of rows")


def _bin_edges(values: np.ndarray) -> np.ndarray:
    """Return the edges of the bins; a few extremes must not squeeze the rest into one of them."""
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = values.min(), values.max()
    if np.abs(values).max() < 1e9 and np.all(values == np.round(values)):
        # Whole numbers get bins that hold equally many of them, or the drawing looks like a comb.
        width = max(1, round((high - low) / BINS))
        return np.arange(np.floor(low) - 0.5, high + width, width)
    return np.linspace(low, high, BINS + 1)


def _level_shares(real: pd.Series, synthetic: pd.Series, by_value: bool) -> pd.DataFrame:
    """Return the shares in % of the most frequent real levels, the rest and the missing."""
    shares = [100 * side.astype(object).value_counts(dropna=True) / len(side) for side in (real, synthetic)]
    frequent = shares[0][shares[0] > 0].head(MAX_LEVELS).index
    if by_value:
        frequent = frequent.sort_values()
    table = pd.DataFrame(
        {
            "real": shares[0].reindex(frequent).to_numpy(),
            "synthetic": shares[1].reindex(frequent, fill_value=0).to_numpy(),
        },
        index=[_shorten(str(level)) for level in frequent],
        dtype=float,
    )
    missing = [100 * side.isna().mean() for side in (real, synthetic)]
    others = [max(100 - share - absent, 0) for share, absent in zip(table.sum(), missing, strict=True)]
    extra = pd.DataFrame([others, missing], index=["(other)", "(missing)"], columns=table.columns)
    return pd.concat([table, extra[extra.max(axis=1) > 1e-9]])


def _shorten(text: str, limit: int = 24) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _bars(axes: Axes, shares: pd.DataFrame) -> None:
    place = np.arange(len(shares))
    axes.barh(place - 0.2, shares["real"], height=0.4, color=REAL)
    axes.barh(place + 0.2, shares["synthetic"], height=0.4, color=SYNTHETIC)
    axes.set_yticks(place, [str(level) for level in shares.index])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a level may hold dollar signs
    axes.invert_yaxis()
    axes.set_xlabel("% of rows")


def learning_curves(history: list[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Draw the terms of each player, and the held-out quality where it was measured."""
    curves = []
    for player in ("generator", "discriminator", "quality"):
        names = dict.fromkeys(key for row in history for key in row if str(key).startswith(f"{player}/"))
        if names:
            with matplotlib.rc_context(STYLE):
                curves.append((player, _curves(history, list(names), len(player) + 1)))
    return curves


def _curves(history: list[Mapping[str, Any]], names: list[str], prefix: int) -> Markup:
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        points = [(row.get("step", place), row[name]) for place, row in enumerate(history) if row.get(name) is not None]
        points = points[:: 1 + len(points) // MAX_POINTS]
        steps, values = np.array(points, dtype=float).T
        values = np.where(np.isfinite(values), values, np.nan)
        marker = "o" if len(points) < 3 else None
        axes.plot(steps, values, label=name[prefix:], linewidth=1.4, marker=marker, markersize=3)
    axes.set_xlabel("step")
    legend = axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return _svg(figure)


def _svg(figure: Figure) -> Markup:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    # matplotlib has escaped every label; the XML declaration has no place inside a page.
    return Markup(text[text.index("<svg") :].replace(INK, "currentColor"))
