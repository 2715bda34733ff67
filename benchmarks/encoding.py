"""Seconds and memory between ``fit`` and the first training step, for tables with awkward columns.

python benchmarks/encoding.py
"""

import argparse
import resource
import warnings

import numpy as np
import pandas as pd

from ganaug.adversarial import Callback
from ganaug.tabular import TabularGAN


class BeforeTraining(Callback):
    """Print what has been spent when training begins."""

    def __init__(self, name):
        self.name = name

    def on_train_begin(self, run):
        """Print it."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{self.name:<45}{run.seconds:8.2f} s {peak:6d} MB peak so far")


def make_tables(n_rows):
    """Return tables by name."""
    rng = np.random.default_rng(0)
    plain = pd.DataFrame({"size": rng.normal(size=n_rows), "kind": rng.integers(0, 5, n_rows)})
    ids = rng.integers(0, n_rows // 2, n_rows).astype(str)
    return {
        "numbers": plain,
        f"{n_rows // 2:,} ids, each about twice": plain.assign(id=ids),
        "an id that differs in every row": plain.assign(id=[f"C{row:07d}" for row in rng.permutation(n_rows)]),
        "a date in text": plain.assign(
            day=(pd.Timestamp(0) + pd.to_timedelta(rng.integers(0, 9999, n_rows), "D")).astype(str)
        ),
    }


def main():
    """Fit each table for one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    warnings.simplefilter("ignore")
    for name, table in make_tables(parser.parse_args().rows).items():
        TabularGAN(max_steps=1, random_state=0, callbacks=[BeforeTraining(name)]).fit(table)


if __name__ == "__main__":
    main()
