"""Quality against time: the detector's AUC over CPU seconds of the fit, per data set."""

import numpy as np
from methods import PACKAGES, parse_method

COLORS = dict(zip(PACKAGES, ("#0b6fb8", "#c0392b", "#e08e0b", "#7f8c8d", "#2e8b57"), strict=True))
MARKERS = dict(zip(PACKAGES, "os^Dv", strict=True))


def draw(runs, real, path):
    """Write the plot as PNG.

    Parameters
    ----------
    runs : DataFrame
        Of quality; one row per run.
    real : DataFrame
        What real rows reach, one row per data set.
    path : Path
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    runs = runs[[parse_method(name).variant is None for name in runs["method"]]]
    names = list(runs["data"].unique())
    figure = Figure(figsize=(3.6 * len(names) + 0.6, 3.6), layout="constrained")
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        draw_set(axis, runs[runs["data"] == name])
        floor = real.loc[real["data"] == name, "detector_test"] if len(real) else []
        for value in floor:
            axis.axhline(value, color="0.6", linewidth=1, linestyle="--", label="other real rows")
        axis.set(title=name, xscale="log", xlabel="CPU seconds of the fit", ylim=(0.47, 1.02))
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.grid(color="0.92", which="major")
        axis.set_axisbelow(True)
    axes[0].set_ylabel("detector AUC, rows kept back\n(0.5 = can't tell)")
    handles = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 * len(names), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    figure.savefig(unfinished, format="png", dpi=110, metadata={"Software": None})
    unfinished.replace(path)


def draw_set(axis, runs):
    """Draw the medians of one set's methods, a line through the budgets of each, and bars from least to greatest."""
    kinds = runs["method"].map(lambda name: parse_method(name).kind)
    for kind in [one for one in PACKAGES if one in set(kinds)]:
        groups = runs[kinds == kind].groupby("method")[["fit_cpu_s", "detector_test"]]
        middle = groups.median().sort_values("fit_cpu_s")
        below, above = middle - groups.min().loc[middle.index], groups.max().loc[middle.index] - middle
        seconds, auc = middle.columns
        axis.errorbar(
            middle[seconds].to_numpy(),
            middle[auc].to_numpy(),
            xerr=np.stack([below[seconds], above[seconds]]),
            yerr=np.stack([below[auc], above[auc]]),
            color=COLORS[kind],
            marker=MARKERS[kind],
            markersize=5,
            linewidth=1.5,
            elinewidth=1,
            label=kind,
        )
