"""Drawings of a detector's scores."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ganaug.anomaly import GANDetector

_NORMAL, _ODD = "#4477aa", "#cc6677"


def draw_all(detector: "GANDetector", found: dict[str, np.ndarray], is_odd: np.ndarray) -> "dict[str, Figure]":
    """Draw the test records' scores, p-values and parts; return the drawings by file name.

    Parameters
    ----------
    detector : GANDetector
    found : dict of ndarray
        What each part says of the test records, and their ``score`` and ``p_value``.
    is_odd : ndarray of bool
        Which of them are known to be anomalies.
    """
    return {
        "scores.png": _draw_scores(found["score"], is_odd, detector.offset_),
        "p_values.png": _draw_p_values(found["p_value"][~is_odd]),
        "parts.png": _draw_parts({name: found[name] for name in detector.weights_}, is_odd),
    }


def _make_figure(width: float, n_columns: int = 1) -> "Figure":
    from matplotlib.figure import Figure  # late, and without pyplot: no window, no global state

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    figure.subplots(1, n_columns)
    return figure


def _draw_scores(scores: np.ndarray, is_odd: np.ndarray, offset: float) -> "Figure":
    figure = _make_figure(7.0)
    (axes,) = figure.axes
    edges = np.histogram_bin_edges(scores, 60)  # has a width even where all are equal
    for chosen, color, label in ((~is_odd, _NORMAL, "normal"), (is_odd, _ODD, "anomalies")):
        if chosen.any():
            axes.hist(scores[chosen], edges, density=True, alpha=0.6, color=color, label=label)
    axes.axvline(offset, color="black", linestyle="--", linewidth=1, label="threshold")
    axes.set(xlabel="score (higher = more normal)", ylabel="density")
    axes.legend()
    return figure


def _draw_p_values(p_values: np.ndarray) -> "Figure":
    figure = _make_figure(4.0)
    (axes,) = figure.axes
    in_order = np.sort(p_values)
    axes.loglog(in_order, np.arange(1, len(in_order) + 1) / len(in_order), color=_NORMAL, label="normal, not learned")
    axes.loglog([in_order[0], 1.0], [in_order[0], 1.0], color="black", linestyle="--", linewidth=1, label="as stated")
    axes.set(xlabel="p-value", ylabel="share of records at or below")
    axes.legend()
    return figure


def _draw_parts(parts: dict[str, np.ndarray], is_odd: np.ndarray) -> "Figure":
    figure = _make_figure(2.6 * len(parts), len(parts))
    for axes, (name, values) in zip(figure.axes, parts.items(), strict=True):
        edges = np.histogram_bin_edges(values, 40)
        for chosen, color in ((~is_odd, _NORMAL), (is_odd, _ODD)):
            if chosen.any():
                axes.hist(values[chosen], edges, density=True, alpha=0.6, color=color)
        axes.set(title=name, yticks=[])
    return figure
