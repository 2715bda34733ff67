"""What quality and privacy say of tables whose truth is known: fresh rows, copies, independent columns, noise.

Needs Adult: the environment variable GANAUG_DATA names a folder with tabular/adult_train.csv, or openml.org is reached.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --alarms 60

The first prints a row per table: fresh real rows, training rows drawn with replacement, one row in ten copied, training
rows with their numbers moved by 1 % of the spread, and independent columns; beside the CPU seconds of both panels. The
second, on simulated payments, counts false alarms: how often fresh rows fail, in 60 draws of each of six kinds.
"""

import argparse
import time
from collections import Counter

import numpy as np
import pandas as pd


def make_tables(train, fresh, rng):
    """Return the tables by name."""
    numbers = train.select_dtypes("number")
    moved = numbers + rng.normal(size=numbers.shape) * 0.01 * numbers.std().to_numpy()
    tenth = len(fresh) // 10
    return {
        "fresh real rows": fresh,
        "training rows drawn with replacement": train.iloc[rng.integers(len(train), size=len(train))],
        "fresh rows, one in ten a copy": pd.concat([fresh[tenth:], train[:tenth]]),
        "training rows, numbers moved by 1 %": train.assign(**moved.round().astype(int)),
        "independent columns": pd.DataFrame({name: rng.permutation(train[name]) for name in train}),
    }


def measure(train, synthetic, holdout):
    """Return the figures of one table."""
    from ganaug.evaluation import privacy, quality

    began = time.process_time()
    report = quality(train, synthetic, holdout=holdout, target="income")
    measured = time.process_time()
    panel = privacy(train, synthetic, holdout)
    done = time.process_time()
    hidden = panel.figures.set_index("name")["figure"]
    trees = report.detection.iloc[0]
    return {
        "shape %": round(report.shape_error, 1),
        "trend %": round(report.trend_error, 1),
        "detector": round(trees["auc"], 2),
        "of holdout": round(trees["auc_holdout"], 2),
        "usefulness": round(report.usefulness.loc[0, "synthetic"], 2),
        "quality": "passed" if report.passed else "failed",
        **hidden.round(1).to_dict(),
        "distance_ratio": round(hidden["distance_ratio"], 2),
        "closest_distance": round(hidden["closest_distance"], 2),
        "privacy": "passed" if panel.passed else "failed",
        "CPU s": f"{measured - began:.1f} + {done - measured:.1f}",
    }


def count_alarms(n_draws):
    """Print how often fresh rows fail; columns and pairs of `quality` are judged with and without a holdout."""
    from ganaug.datasets import make_transactions
    from ganaug.evaluation import privacy, quality

    payments = make_transactions(20_000, fraud_rate=0.1, random_state=0)
    for table in (payments, payments[["category", "channel", "card_present", "fraud"]]):
        for sizes in ((100, 100, 100), (400, 200, 100), (300, 300, 2_000)):
            alarms = Counter()
            for seed in range(n_draws):
                rows = table.sample(sum(sizes), random_state=seed)
                train, fresh, holdout = (
                    rows[end - size : end] for size, end in zip(sizes, np.cumsum(sizes), strict=True)
                )
                panel = privacy(train, fresh, holdout, random_state=seed)
                alarms.update(panel.figures.loc[~panel.figures["passed"], "name"])
                reports = [quality(train, fresh, holdout=other, models=False) for other in (holdout, None)]
                alarms["quality"] += sum(not report.passed for report in reports)
            print(f"{table.shape[1]} columns, {sizes} rows: {dict(alarms)} in {n_draws} draws", flush=True)


def main():
    """Print a row per table, or count false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alarms", type=int, metavar="DRAWS", help="count false alarms instead")
    arguments = parser.parse_args()
    if arguments.alarms:
        return count_alarms(arguments.alarms)
    from ganaug.datasets import load_dataset
    from ganaug.evaluation import privacy, quality

    rng = np.random.default_rng(arguments.seed)
    train, test = load_dataset("adult"), load_dataset("adult", subset="test")
    order = rng.permutation(len(test))
    fresh, holdout = test.iloc[order[: len(test) // 2]], test.iloc[order[len(test) // 2 :]]
    rows = {name: measure(train, table, holdout) for name, table in make_tables(train, fresh, rng).items()}
    print(pd.DataFrame(rows).to_string())
    report = quality(train, fresh, holdout=holdout, target="income")
    print(report.detection.round(2).to_string(index=False))
    print(report.usefulness.round(2).to_string(index=False))
    print(privacy(train, fresh, holdout).figures[["name", "reference", "limit"]].round(2).to_string(index=False))
    return None


if __name__ == "__main__":
    main()
