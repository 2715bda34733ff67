"""Entry point ``detect`` of the MLflow project: learn normal records, measure on others, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.main import name_run, optional, run_job, show

if TYPE_CHECKING:
    from ganaug.tracking import DetectRun


def size_or_none(text: str) -> int | str:
    """Return a number of records, or "none"; an empty text means none as well."""
    return int(text) if text.strip() not in ("", "none") else "none"


size_or_none.__name__ = "int"  # argparse names it: "invalid int value: 'many'"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_detect_run`."""
    parser = argparse.ArgumentParser(prog="detect", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="records; none: simulated payments")
    parser.add_argument("--target", type=optional(str), help="column that labels anomalies with 1")
    parser.add_argument("--memory", type=size_or_none, default=5_000, help="reference records, or none")
    parser.add_argument("--max_steps", type=int, default=250)
    parser.add_argument("--false_alarm_rate", type=float, default=0.01)
    parser.add_argument("--n_demo_rows", type=int, default=10_000)
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="detect-output")
    return parser.parse_args(arguments)


def tell(result: "DetectRun") -> None:
    """Say what was found, where the files are and how to see the run."""
    lines = [
        "",
        f"Learned {result.n_learned:,} normal records in {result.seconds:.0f} s; measured on {result.n_tested:,} "
        f"others, {result.n_anomalies:,} of them anomalies.",
        *compare(result.figures),
        f"Of the normal records that were held out, {result.figures['false_alarm_rate']:.2%} alarm.",
        result.threshold,
        f"Worth {result.worth:.3f}: how often it ranks a normal record above a corrupted one (0.5 = by chance).",
        "",
        f"Oddest records   {result.alerts}",
        f"Drawings         {result.alerts.parent}   (scores.png, p_values.png, parts.png)",
        f"Model            {result.model}   (ganaug detect score {result.model} records.csv -o scored.csv)",
    ]
    show([*lines, *name_run(result)])


def compare(figures: dict[str, float]) -> Iterator[str]:
    """Yield a table of the detector's figures beside its rivals', where there are any."""
    methods = [name.removeprefix("auroc/") for name in figures if name.startswith("auroc/")]
    if methods:
        yield f"{'':<16} AUROC  average precision"
    for method in methods:
        yield f"{method:<16} {figures[f'auroc/{method}']:.3f}  {figures[f'average_precision/{method}']:.3f}"


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run_job("track_detect_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
