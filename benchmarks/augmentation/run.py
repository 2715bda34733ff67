"""Does oversampling with a GAN help? Beside nothing, copies, SMOTE and class weights, on six tables.

    GANAUG_DATA=... python benchmarks/augmentation/run.py --out augmentation.csv --write docs/augmentation.md

- adult-1, adult-5: Adult's training file, all rows of the poor and so many of the rich that they are 1 % and 5 %.
- shoppers: visits of a shop that end in a purchase (15 %).
- ai4i: a milling machine's failures (3.4 %), without the ids and the kinds of failure.
- telco: customers who leave (27 %), without the id.
- nslkdd: network connections, "warezclient" (1.3 %) against "normal".

`ganaug.augment.compare` runs scikit-learn's logistic regression, decision tree and histogram gradient boosting, all
with their defaults, in repeated stratified cross-validation; only the training part of each fold is resampled, to
balance. SMOTE is SMOTENC here, as all tables have categories. About a quarter of an hour of one core.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
sys.path.append(str(Path(__file__).parents[1] / "anomaly"))

import numpy as np
import pandas as pd
from results import publish, to_markdown

from ganaug.augment import Comparison, compare
from ganaug.datasets import load_dataset

SETS = ["adult-1", "adult-5", "shoppers", "ai4i", "telco", "nslkdd"]
METHODS = {"none": "none", "random": "copies", "smote": "SMOTENC", "class_weight": "weights", "gan": "GAN"}
"""What the tables call each method."""


def load(name):
    """Return a table's features and whether each row is of the rare class."""
    if name.startswith("adult-"):
        table = load_dataset("adult")
        is_rare = table.pop("income").astype(str).str.contains(">50K").to_numpy()
        poor, rich = np.flatnonzero(~is_rare), np.flatnonzero(is_rare)
        share = int(name.removeprefix("adult-")) / 100
        n_rich = round(len(poor) * share / (1 - share))
        kept = np.sort(np.r_[poor, np.random.RandomState(0).choice(rich, n_rich, replace=False)])
        return table.iloc[kept].reset_index(drop=True), is_rare[kept]
    table = load_dataset(name)
    if name == "shoppers":
        return table, table.pop("Revenue").to_numpy(dtype=bool)
    if name == "ai4i":
        table = table.drop(columns=["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"])
        return table, table.pop("Machine failure").to_numpy(dtype=bool)
    if name == "telco":
        table["TotalCharges"] = pd.to_numeric(table["TotalCharges"], errors="coerce")
        return table.drop(columns=["customerID", "Churn"]), (table["Churn"] == "Yes").to_numpy()
    table = table[table["label"].isin(["normal", "warezclient"])].drop(columns="difficulty").reset_index(drop=True)
    return table.drop(columns="label"), (table["label"] == "warezclient").to_numpy()


def measure(arguments):
    """Return all scores, set by set; those of ``--out`` are gone on from."""
    path = Path(arguments.out) if arguments.out else None
    parts = [pd.read_csv(path)] if path and path.exists() else []
    done = set(parts[0]["set"]) if parts else set()
    for name in arguments.sets.split(","):
        if name in done:
            continue
        X, y = load(name)
        print(f"{name}: {len(X):,} rows, {int(y.sum()):,} of them rare", file=sys.stderr)
        found = compare(X, y, n_splits=arguments.n_splits, n_repeats=arguments.n_repeats, random_state=arguments.seed)
        for note in found.notes:
            print(f"  note: {note}", file=sys.stderr)
        parts.append(found.scores.assign(set=name))
        if path:
            pd.concat(parts, ignore_index=True).to_csv(path, index=False)
    return pd.concat(parts, ignore_index=True)


def tell(scores):
    """Return the tables as Markdown: means over sets, then every set and classifier."""
    ranked = scores[scores["metric"] == "average_precision"]
    means = 100 * ranked.pivot_table(index=["set", "estimator"], columns="method", values="value", sort=False)
    means = means[list(METHODS)].rename(columns=METHODS)
    summary = means.groupby(level="estimator", sort=False).mean()
    summary.loc["mean"] = means.mean()
    summary.index.name = f"average precision in %, mean over {means.index.get_level_values(0).nunique()} sets"
    cells = {f"{name}, {estimator}": row for (name, estimator), row in means.iterrows()}
    table = pd.DataFrame(cells).T
    for reference, label in (("smote", "SMOTENC"), ("none", "none")):
        column = []
        for name, estimator in means.index:
            column.append(difference(ranked[ranked["set"] == name], estimator, reference, label))
        table[f"GAN - {label}"] = column
    table.index.name = "set, classifier"
    seconds = scores[scores["method"] == "gan"].groupby("set", sort=False)["resample_seconds"].mean().round(1)
    fit = ", ".join(f"{name} {value:g}" for name, value in seconds.items())
    return (
        f"{to_markdown(summary, best='row')}\n\n{to_markdown(table)}\n\nCPU seconds to train the GAN and draw: {fit}."
    )


def difference(scores, estimator, reference, label):
    """Return the GAN's mean difference to another method with its interval, and who wins."""
    rows = Comparison(scores).against(reference)
    row = rows[(rows["estimator"] == estimator) & (rows["method"] == "gan")].iloc[0]
    mean, low, high = 100 * row[["difference", "low", "high"]].to_numpy(dtype=float)
    winner = "**GAN**" if low > 0 else f"**{label}**" if high < 0 else "open"
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f}): {winner}"


def main():
    """Print the tables, and put them into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--n-splits", type=int, default=5)
    parser.add_argument("--n-repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="CSV file for the scores, and to go on from")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the tables in")
    arguments = parser.parse_args()
    if unknown := set(arguments.sets.split(",")) - set(SETS):
        parser.error(f"--sets: unknown {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    scores = measure(arguments)
    options = [
        f"--{name.replace('_', '-')} {value}"
        for name, value in vars(arguments).items()
        if name not in ("out", "write") and value != parser.get_default(name)
    ]
    command = " ".join(["GANAUG_DATA=... python benchmarks/augmentation/run.py", *options])
    publish(tell(scores), "augmentation", command, arguments.write)


if __name__ == "__main__":
    main()
