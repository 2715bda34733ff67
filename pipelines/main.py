"""Entry point ``main`` of the MLflow project: learn a table, sample, measure, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console

from ganaug.exceptions import GanaugError

if TYPE_CHECKING:
    from ganaug.tracking import DetectRun, ImagesRun, TableRun, TranslateRun, UpscaleRun

Value = TypeVar("Value")


def optional(convert: Callable[[str], Value]) -> Callable[[str], Value | None]:
    """Return a converter for which an empty text means None."""

    def converter(text: str) -> Value | None:
        return convert(text.strip()) if text.strip() else None

    converter.__name__ = convert.__name__  # argparse names it: "invalid int value: 'many'"
    return converter


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_table_run`."""
    parser = argparse.ArgumentParser(prog="main", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="table to learn; none: simulated")
    parser.add_argument("--target", type=optional(str), help="column of classes")
    parser.add_argument("--n_samples", type=optional(int), help="synthetic rows")
    parser.add_argument("--epochs", type=optional(int))
    parser.add_argument("--max_steps", type=optional(int))
    parser.add_argument("--max_seconds", type=optional(float))
    parser.add_argument("--n_demo_rows", type=int, default=10_000)
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="demo-output")
    return parser.parse_args(arguments)


def tell(result: "TableRun") -> None:
    """Say what was found, where the files are and how to see the run."""
    # The others are AUCs, which the verdict names.
    errors = {name: value for name, value in result.figures.items() if name.startswith(("shape", "trend", "target"))}
    figures = "  ".join(f"{name} {value:.2f} %" for name, value in errors.items())
    lines = [
        "",
        f"Learned {result.n_rows:,} rows x {result.n_columns} columns in {result.n_iter:,} steps "
        f"and {result.seconds:.0f} s (stop reason: {result.stop_reason}).",
        result.diagnosis,
        result.verdict,
        result.privacy,
        figures,
        "",
        f"Synthetic table  {result.synthetic}",
        f"Report           {result.report}   (open it in a browser)",
        f"Model            {result.model}   (ganaug sample {result.model} -n 1000 -o more.csv)",
    ]
    show([*lines, *name_run(result)])


def name_run(result: "TableRun | DetectRun | ImagesRun | TranslateRun | UpscaleRun") -> list[str]:
    """Return the lines that say which run of MLflow it is, and how to see it."""
    store = result.tracking_uri
    page = store if store.startswith("http") else f"mlflow ui --backend-store-uri {store}"
    return [f"MLflow run       {result.run_id}", f"Tracking page    {page}"]


def show(lines: Iterable[str]) -> None:
    """Print the lines as they are, whatever brackets they hold and however wide the terminal is."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False)


def run_job(job: str, parameters: argparse.Namespace, tell: Callable[[Any], None]) -> int:
    """Run a job of `ganaug.tracking` and tell its result; a wrong parameter is one line on stderr and exit code 2."""
    # Read by torch when it is imported. Threads that wait actively for each other make training ten
    # times slower on a machine whose cores are busy with something else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ganaug import tracking

    try:
        result = getattr(tracking, job)(**vars(parameters), verbose=1)
    except GanaugError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    tell(result)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the main job; return the exit code."""
    return run_job("track_table_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
