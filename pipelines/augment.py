"""Entry point ``augment`` of the MLflow project: compare oversampling methods, fill up the rare classes, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from pipelines.main import name_run, optional, run_job, show

if TYPE_CHECKING:
    from ganaug.tracking import AugmentRun


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_augment_run`."""
    parser = argparse.ArgumentParser(prog="augment", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="table; none: simulated payments")
    parser.add_argument("--target", type=optional(str), help="column of classes; none: of simulated payments")
    parser.add_argument("--drop", default="", help="columns to leave out: a,b")
    parser.add_argument("--max_steps", type=int, default=400)
    parser.add_argument("--n_splits", type=int, default=5)
    parser.add_argument("--n_repeats", type=int, default=1)
    parser.add_argument("--n_demo_rows", type=int, default=4_000)
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="augment-output")
    return parser.parse_args(arguments)


def tell(result: "AugmentRun") -> None:
    """Say what was found, where the files are and how to see the run."""
    lines = [
        "",
        result.verdict,
        "",
        f"Augmented table  {result.augmented}   ({result.n_rows:,} real rows, then {result.n_synthetic:,} synthetic "
        "ones: is_synthetic)",
        f"Comparison       {result.comparison}   (comparison.png, scores.csv)",
        f"Model            {result.model}   (ganaug sample {result.model} -n 1000 -o more.csv)",
    ]
    show([*lines, *name_run(result)])


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run_job("track_augment_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
