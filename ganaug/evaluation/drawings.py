"""The drawings of the report, as inline SVG; matplotlib by its objects, never through pyplot."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.dates
import matplotlib.style
import matplotlib.ticker
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganaug.evaluation.distances import encode_column

# Colors that stand for those of the page, which differ in light, in dark and on paper.
INK, REAL, SYNTHETIC, CURVE = "#010203", "#010204", "#010205", "#010206"
COLORS = {INK: "currentColor", REAL: "var(--real)", SYNTHETIC: "var(--synthetic)", CURVE: "var(--curve)"}
MAX_POINTS = 400
BINS = 40
# The axis is logarithmic where the half above the median spans so many times the half below, and
# the largest value is so many times the smallest.
SKEWED, FAR = 8, 50
SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and legible when scaled
    "svg.hashsalt": "ganaug",  # the same page for the same figures
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(["text.color", "axes.edgecolor", "axes.labelcolor"], INK),
    **dict.fromkeys(["xtick.color", "ytick.color"], INK),
}


def histogram(real: pd.Series, synthetic: pd.Series, kind: str, apart: Any = None) -> Markup:
    """Draw both distributions of numbers or dates over each other, in % of all rows.

    Values equal to ``apart`` are left out: one that most rows share would hide all others.
    """
    _, sides = encode_column(real.name, {"real": real.to_frame(), "synthetic": synthetic.to_frame()})
    unit = _unit(real, sides[0])
    sides = [side / SECONDS[unit] / 1e6 for side in sides] if unit else sides
    finite = [side[np.isfinite(side) & (side != apart)] for side in sides]
    edges, is_log = _bin_edges(finite[0])
    with _style():
        figure = Figure(figsize=(3.7, 1.9), layout="constrained")
        axes = figure.add_subplot()
        place = _place_edges(axes, edges, kind, is_log)
        for values, side, color, fill in zip(finite, sides, (REAL, SYNTHETIC), (True, False), strict=True):
            counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
            shares = 100 * counts / max(len(side), 1)
            axes.stairs(shares, place, color=color, fill=fill, alpha=0.8 if fill else 1, linewidth=1.6)
        axes.set_ylabel("% of rows")
        axes.set_xlabel(unit)
        return _svg(figure)


def _unit(real: pd.Series, microseconds: np.ndarray) -> str:
    """Return the largest unit that a typical duration has two of; an empty text for other columns."""
    if real.dtype.kind != "m":
        return ""
    typical = np.nanquantile(np.abs(microseconds), 0.9) / 1e6
    return next((unit for unit, seconds in SECONDS.items() if typical >= 2 * seconds), "seconds")


def _bin_edges(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the edges of the bins, and if they grow; a few extremes must not squeeze the rest into one of them."""
    low, middle, high = np.quantile(values, [0.005, 0.5, 0.995])
    if low == high:
        low, high = values.min(), values.max()
    is_whole = np.abs(values).max() < 1e9 and np.all(values == np.round(values))
    is_log = high > FAR * low > 0 and high - middle > SKEWED * (middle - low)
    if is_log:
        edges = np.geomspace(low, high + is_whole, BINS + 1)
        return (np.unique(np.round(edges)) - 0.5 if is_whole else edges), True
    if is_whole:
        # Whole numbers get bins that hold equally many of them, or the drawing looks like a comb.
        width = max(1, round((high - low) / BINS))
        return np.arange(np.floor(low) - 0.5, high + width, width), False
    return np.linspace(low, high, BINS + 1), False


def _place_edges(axes: Axes, edges: np.ndarray, kind: str, is_log: bool) -> np.ndarray:
    """Choose the horizontal axis, and return where the edges lie on it."""
    if kind == "datetime":
        # With these bounds there is an interval for every span; with others matplotlib may find none.
        locator = matplotlib.dates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
        return matplotlib.dates.date2num(edges.astype(np.int64).astype("datetime64[us]"))
    top = np.abs(edges).max()
    if is_log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    else:
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(6))
    if 1e4 <= top < 1e15:
        axes.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))  # 20k
    elif is_log:
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    return edges


def learning_curves(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """Draw each term of each player, and the held-out quality where it was measured."""
    curves = []
    for player in ("generator", "discriminator", "quality"):
        names = dict.fromkeys(key for row in history for key in row if str(key).startswith(f"{player}/"))
        if names:
            with _style():
                curves.append((player, [(name[len(player) + 1 :], _curve(history, name)) for name in names]))
    return curves


def _curve(history: Sequence[Mapping[str, Any]], name: str) -> Markup:
    # One drawing for each term: they differ in size by orders of magnitude.
    figure = Figure(figsize=(3.7, 1.6), layout="constrained")
    axes = figure.add_subplot()
    points = [(row.get("step", place), row[name]) for place, row in enumerate(history) if row.get(name) is not None]
    points = points[:: 1 + len(points) // MAX_POINTS]
    steps, values = np.array(points, dtype=float).T
    values = np.where(np.isfinite(values), values, np.nan)
    axes.plot(steps, values, color=CURVE, linewidth=1.6, marker="o" if len(points) < 3 else None, markersize=4)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    axes.set_xlabel("step")
    return _svg(figure)


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the page's style, whatever style the caller has chosen for drawings of their own."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def _svg(figure: Figure) -> Markup:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    # matplotlib has escaped every label; the XML declaration has no place inside a page, nor have
    # names of groups, which every drawing would repeat, nor a size, which is the page's to say.
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' xmlns(:\w+)?="[^"]*"| version="[^"]*"', "", text)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'^<svg width="[^"]*" height="[^"]*"', '<svg aria-hidden="true"', text)
    for stand_in, color in COLORS.items():
        text = text.replace(stand_in, color)
    return Markup(text)
