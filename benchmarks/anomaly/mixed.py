"""GANDetector on tables of numbers and categories, beside PyOD's detectors on the same tables one-hot encoded.

    GANAUG_DATA=... python benchmarks/anomaly/mixed.py --seeds 0,1,2

- nslkdd: network connections (41 columns, 3 of them categories). The normal rows of the training file train, all rows
  of the test file test. The seed is the detectors' alone.
- ai4i: a milling machine (6 columns, 1 of them a category), without the two ids and the five kinds of failure. A
  random half of the normal rows trains, the others and all failures test.

GANDetector gets the tables as they are. The others get a 0/1 column per category that the training rows have, and every
column standardised by the training rows. Needs ``pip install 'ganaug[benchmarks]'``.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from measuring import OURS, check_methods, measure, version_of
from protocol import standardise
from results import Results, publish, show_command, to_markdown

from ganaug.datasets import load_dataset

KEYS = ("set", "method", "seed")
NO_RECORD = ["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"]
"""Columns of ai4i: ids, and kinds of the failure that is to be found."""


def split(name, seed):
    """Return rows that train, rows that test (both DataFrames), and which of the latter are anomalies."""
    if name == "nslkdd":
        train, test = load_dataset("nslkdd"), load_dataset("nslkdd", subset="test")
        is_anomaly = (test["label"] != "normal").to_numpy(dtype=int)
        train = train[train["label"] == "normal"]
        train, test = (table.drop(columns=["label", "difficulty"]) for table in (train, test))
        return train.reset_index(drop=True), test, is_anomaly
    table = load_dataset("ai4i").drop(columns=NO_RECORD)
    failed = table.pop("Machine failure").to_numpy(dtype=int)
    normals = np.random.RandomState(seed).permutation(np.flatnonzero(failed == 0))
    half = len(normals) // 2
    tested = np.concatenate([normals[half:], np.flatnonzero(failed)])
    return table.iloc[normals[:half]].reset_index(drop=True), table.iloc[tested].reset_index(drop=True), failed[tested]


def one_hot(train, test):
    """Return both as standardised arrays; a category that only ``test`` has is none of the columns."""
    train = pd.get_dummies(train, dtype=float)
    test = pd.get_dummies(test, dtype=float).reindex(columns=train.columns, fill_value=0.0)
    return standardise(train.to_numpy(dtype=float), test.to_numpy(dtype=float))


def main():
    """Print one row per table and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="nslkdd,ai4i")
    parser.add_argument("--methods", default="GANDetector,IForest,KNN,LUNAR")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--limit", type=float, default=600.0, help="CPU seconds for a fit and its scores")
    parser.add_argument("--out", help="CSV file to append to, and to go on from")
    parser.add_argument("--again", default="", help="methods whose rows are dropped from the file first")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the table in")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sets, methods = arguments.sets.split(","), check_methods(arguments.methods)
    if unknown := set(sets) - {"nslkdd", "ai4i"}:
        parser.error(f"--sets: unknown {', '.join(unknown)}")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    results = Results(arguments.out, KEYS)
    results.forget("method", [method for method in arguments.again.split(",") if method])
    for seed in seeds:
        for name in sets:
            todo = [method for method in methods if not len(results.find(set=name, method=method, seed=seed))]
            if not todo:
                continue
            train, test, is_anomaly = split(name, seed)
            encoded = one_hot(train, test)
            for method in todo:
                tables = (train, test) if method in OURS else encoded
                figures = dict.fromkeys(("auroc", "ap", "fit_s", "score_s"))
                row = {"set": name, "method": method, "seed": seed, "version": version_of(method)} | figures
                results.add([row | measure(method, *tables, is_anomaly, seed, arguments.limit)])
                print(results.table.iloc[-1].to_dict(), flush=True)
    publish(
        summarize(results.table, sets, methods, seeds),
        "mixed",
        show_command("mixed", parser, arguments),
        arguments.write,
    )


def summarize(table, sets, methods, seeds):
    """Return the means over seeds as Markdown."""
    rows = []
    chosen = table[(table["status"] == "ok") & table["seed"].isin(seeds)]
    for name in sets:
        for method in methods:
            own = chosen[(chosen["set"] == name) & (chosen["method"] == method)]
            own = own[["auroc", "ap", "fit_s", "score_s"]].astype(float)
            row = {
                "set": name,
                "method": method,
                "AUROC, %": 100 * own["auroc"].mean(),
                "AP, %": 100 * own["ap"].mean(),
            }
            if len(seeds) > 1:
                row["AUROC: SD between seeds, %"] = 100 * own["auroc"].std()
            rows.append(row | {"fit, CPU s": own["fit_s"].mean(), "score, CPU s": own["score_s"].mean()})
    versions = ", ".join(sorted(set(chosen["version"])))
    about = (
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}; {versions}. A dash: not measured, or a fit that did not end well."
    )
    return about + "\n\n" + to_markdown(pd.DataFrame(rows).set_index("set"))


if __name__ == "__main__":
    main()
