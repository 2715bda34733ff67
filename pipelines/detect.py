"""Entry point ``detect`` of the MLflow project: learn normal records, measure on others, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from ganaug.exceptions import GanaugError
from pipelines.main import optional

if TYPE_CHECKING:
    from ganaug.tracking import DetectRun


def size_or_none(text: str) -> int | str:
    """Return a number of records, or "none"."""
    return text if text == "none" else int(text)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_detect_run`."""
    parser = argparse.ArgumentParser(prog="detect", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="records; none: simulated")
    parser.add_argument("--target", type=optional(str), help="column that labels anomalies with 1")
    parser.add_argument("--memory", type=size_or_none, default=5_000, help="reference records, or none")
    parser.add_argument("--max_steps", type=optional(int), default=250)
    parser.add_argument("--false_alarm_rate", type=float, default=0.01)
    parser.add_argument("--n_demo_rows", type=int, default=10_000)
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="detect-output")
    return parser.parse_args(arguments)


def tell(result: "DetectRun") -> None:
    """Say what was found, where the files are and how to see the run."""
    console = Console(highlight=False, soft_wrap=True)
    store = result.tracking_uri
    lines = [
        "",
        f"Learned {result.n_learned:,} normal records in {result.seconds:.0f} s; measured on {result.n_tested:,} "
        f"others, {result.n_anomalies:,} of them anomalies.",
        *(f"{name:<36} {value:.3f}" for name, value in result.figures.items()),
        result.threshold,
        "",
        f"Oddest records   {result.alerts}",
        f"Model            {result.model}   (ganaug detect score {result.model} records.csv -o scored.csv)",
        f"MLflow run       {result.run_id}",
        f"Tracking page    {store}"
        if store.startswith("http")
        else f"Tracking page    mlflow ui --backend-store-uri {store}",
    ]
    for line in lines:
        console.print(line, markup=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the job; a wrong parameter is one line on stderr and exit code 2."""
    parameters = parse(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by torch when it is imported; see pipelines/main.py
    from ganaug.tracking import track_detect_run

    try:
        result = track_detect_run(**vars(parameters), verbose=1)
    except GanaugError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    tell(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
