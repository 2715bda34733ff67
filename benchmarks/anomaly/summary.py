"""The tables of compare.py: figures per set, means and seconds per method, and which differences are more than luck."""

import numpy as np
import pandas as pd
from results import to_markdown
from scipy.stats import wilcoxon

OURS = "GANDetector"
TIE = 0.001
"""AUROCs and average precisions that differ by less than this are equal."""
FIGURES = {"auroc": "AUROC", "ap": "Average precision"}


def summarize(table, sets, methods, seeds, contamination):
    """Return the tables as Markdown.

    Parameters
    ----------
    table : DataFrame
        One row per fit, as compare.py writes it.
    sets, methods, seeds : list
        What to show, in this order.
    contamination : float
        Of the rows to show.
    """
    chosen = pd.DataFrame(columns=table.columns)
    if len(table):
        chosen = table["set"].isin(sets) & table["method"].isin(methods) & table["seed"].isin(seeds)
        chosen = table[chosen & (table["contamination"] == contamination)]
    if chosen.empty:
        raise SystemExit("There are no results of these sets, methods and seeds.")
    done = chosen[chosen["status"] == "ok"].astype({"auroc": float, "ap": float, "fit_s": float, "score_s": float})
    methods = [method for method in methods if method in set(done["method"])]
    parts = [describe(chosen, done, len(sets) * len(seeds), seeds, contamination)]
    grids = {}
    for figure, title in FIGURES.items():
        grids[figure] = done.pivot_table(index="set", columns="method", values=figure)
        grids[figure] = grids[figure].reindex(index=sets, columns=methods).dropna(how="all")
        parts.append(f"{title}, %:\n\n" + show_sets(grids[figure]))
    parts.append("CPU seconds are of one set, on average:\n\n" + to_markdown(cost(done, methods), decimals=2))
    if OURS in methods and len(methods) > 1:
        parts.append(explain_test(grids) + to_markdown(compare(grids), decimals=3))
    return "\n\n".join(parts)


def describe(chosen, done, n_splits, seeds, contamination):
    """Return what the tables are about, and what is missing in them."""
    shown = f"{done['set'].nunique()} sets, {len(seeds)} seed{'s' * (len(seeds) > 1)} of splits and detectors; "
    shown += ", ".join(sorted(set(chosen["version"]))) + "."
    if contamination:
        sizes = chosen.drop_duplicates(["set", "seed"])
        share = 100 * (sizes["n_mixed"] / sizes["n_train"]).groupby(sizes["set"]).mean()
        shown += f" Anomalies are {share.min():.1f} to {share.max():.1f} % of the training rows (at least half of a "
        shown += "set's anomalies stay in the test)."
    for method, rows in chosen.groupby("method", sort=False):
        counts = rows["status"].value_counts()
        missing = n_splits - counts.get("ok", 0)
        if missing:
            reasons = [f"{counts[status]} {status}" for status in ("late", "failed") if status in counts]
            shown += f" {method} lacks {missing} of {n_splits} fits ({', '.join(reasons) or 'not run'})."
    return shown


def show_sets(grid):
    """Return the figures of sets by methods in %, with means over the sets that all methods have."""
    complete = grid.dropna()
    means = complete.mean().to_frame(f"mean of {len(complete)}").T
    shown = 100 * pd.concat([grid, means])
    shown.index.name = "set"
    return to_markdown(shown, best="row")


def cost(done, methods):
    """Return CPU seconds per method, and how much a set's figures change with the seed."""
    by_method = done.groupby("method")
    table = pd.DataFrame({"fit, CPU s": by_method["fit_s"].mean(), "score, CPU s": by_method["score_s"].mean()})
    table["slowest fit, CPU s"] = by_method["fit_s"].max()
    speed = by_method["n_test"].sum() / by_method["score_s"].sum().clip(lower=1e-3)
    table["rows scored per CPU s"] = [f"{rows:,.0f}" for rows in speed]
    if done["seed"].nunique() > 1:
        between_seeds = 100 * done.groupby(["method", "set"])["auroc"].std()
        table["AUROC: SD between seeds, %"] = between_seeds.groupby("method").mean()
    table.index.name = "method"
    return table.reindex(methods)


def explain_test(grids):
    """Return what the last table says."""
    return (
        f"{OURS} minus each rival, over the sets (means over seeds). w/t/l: wins, ties and losses, a tie being a gap "
        f"below {100 * TIE:g} %. p: Wilcoxon's signed-rank test over sets, two-sided; p, Holm: corrected for "
        f"{grids['auroc'].shape[1] - 1} rivals at once.\n\n"
    )


def compare(grids):
    """Return differences and p values of each rival."""
    columns = {}
    for figure, grid in grids.items():
        short = {"auroc": "AUROC", "ap": "AP"}[figure]
        gaps = {rival: (grid[OURS] - grid[rival]).dropna() for rival in grid.columns if rival != OURS}
        raw = [signed_rank(gap.to_numpy()) for gap in gaps.values()]
        columns[f"{short}: gap, %"] = [f"{100 * gap.mean():+.1f}" for gap in gaps.values()]
        columns[f"{short}: w/t/l"] = [
            f"{(gap >= TIE).sum()}/{(gap.abs() < TIE).sum()}/{(gap <= -TIE).sum()}" for gap in gaps.values()
        ]
        columns[f"{short}: p"], columns[f"{short}: p, Holm"] = raw, holm(raw)
    table = pd.DataFrame(columns, index=pd.Index(list(gaps), name="rival"))
    return table


def signed_rank(gap):
    """Return the p value, 1 where nothing differs and nan for a single set."""
    if len(gap) < 2:
        return float("nan")
    return float(wilcoxon(gap).pvalue) if np.any(gap) else 1.0


def holm(values):
    """Return p values corrected for all of them together, by Holm's method."""
    values = np.asarray(values)
    order = np.argsort(values)
    factors = np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return corrected
