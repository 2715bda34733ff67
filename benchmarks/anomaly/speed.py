"""Rows that GANDetector scores per CPU second, with a memory and without, and how long it takes to fit.

    python benchmarks/anomaly/speed.py

Beside scikit-learn's IsolationForest. All have their defaults and one thread; the rows are made up: numbers that a
few hidden causes make depend on each other. No data is needed.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
import pandas as pd
from measuring import OURS, make_detector, seed_everything, warm_up
from results import publish, show_command, to_markdown
from sklearn.ensemble import IsolationForest

METHODS = ("GANDetector", "GANDetector-no-memory", "IsolationForest")


def make_rows(n_rows, n_features, seed):
    """Return rows of ``n_features`` numbers with a few causes in common; the causes are the same for any seed."""
    loadings = np.random.default_rng(0).normal(size=(3, n_features))
    rng = np.random.default_rng([seed, n_rows])
    return np.tanh(rng.normal(size=(n_rows, 3)) @ loadings) + 0.1 * rng.normal(size=(n_rows, n_features))


def fit(method, X):
    """Return a fitted detector and the CPU seconds that it took."""
    seed_everything(0)
    detector = make_detector(method, X.shape[1], 0) if method in OURS else IsolationForest(random_state=0)
    began = time.process_time()
    detector.fit(X)
    return detector, time.process_time() - began


def count_rows(detector, X):
    """Return the rows scored per CPU second, the median of three times: others may use the machine."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        detector.score_samples(X)
        seconds.append(time.process_time() - began)
    return len(X) / statistics.median(seconds)


def main():
    """Print a table of scoring and one of fitting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows to score")
    parser.add_argument("--train-rows", type=int, default=5_000, help="rows to learn from, for the scoring")
    parser.add_argument("--features", default="6,20,60", help="numbers of columns to score")
    parser.add_argument("--fit-rows", default="1000,10000,100000", help="rows to learn from, for the fitting")
    parser.add_argument("--fit-features", type=int, default=20, help="number of columns, for the fitting")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the tables in")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for method in OURS:
        warm_up(method)
    scoring, fitting = {}, {}
    for n_features in map(int, arguments.features.split(",")):
        train, rows = (
            make_rows(n_rows, n_features, seed) for seed, n_rows in enumerate((arguments.train_rows, arguments.rows))
        )
        column = scoring.setdefault(f"{n_features} columns", {})
        for method in METHODS:
            column[method] = f"{count_rows(fit(method, train)[0], rows):,.0f}"
            print(method, n_features, "columns:", column[method], "rows per CPU s", flush=True)
    for n_rows in map(int, arguments.fit_rows.split(",")):
        train = make_rows(n_rows, arguments.fit_features, 2)
        column = fitting.setdefault(f"{n_rows:,} rows", {})
        for method in METHODS:
            column[method] = fit(method, train)[1]
            print(method, n_rows, "rows:", round(column[method], 2), "CPU s", flush=True)
    text = f"Rows scored per CPU second ({arguments.rows:,} rows, after learning from {arguments.train_rows:,}):\n\n"
    text += to_markdown(pd.DataFrame(scoring).rename_axis("detector"))
    text += f"\n\nCPU seconds to fit {arguments.fit_features} columns:\n\n"
    text += to_markdown(pd.DataFrame(fitting).rename_axis("detector"), decimals=2)
    publish(text, "speed", show_command("speed", parser, arguments, data=""), arguments.write)


if __name__ == "__main__":
    main()
