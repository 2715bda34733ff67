"""Entry point ``translate`` of the MLflow project: learn to make images look like others, measure, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from pipelines.main import name_run, optional, run_job, show

if TYPE_CHECKING:
    from ganaug.tracking import TranslateRun


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_translate_run`."""
    parser = argparse.ArgumentParser(prog="translate", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="folder, .npz or .npy; none: scikit-learn's digits")
    parser.add_argument("--like", type=optional(str), help="what they are to look like: folder, .npz or .npy")
    parser.add_argument("--patch_size", type=optional(int), help="side of the parts to learn from")
    parser.add_argument("--cycle_weight", type=float, default=1.0, help="cost of coming back changed")
    parser.add_argument("--max_steps", type=optional(int), default=1_000)
    parser.add_argument("--max_seconds", type=optional(float))
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="translate-output")
    return parser.parse_args(arguments)


def tell(result: "TranslateRun") -> None:
    """Say what was learned, how much of the images survives, where the files are and how to see the run."""
    lines = [
        "",
        *result.loaded.splitlines(),
        f"Learned in {result.n_iter:,} steps and {result.seconds:.0f} s (stop reason: {result.stop_reason}).",
        f"Measured on {result.n_held_out:,} images that were held out:",
        *result.report.splitlines(),
        "",
        f"Before, after    {result.picture}   (rows: A, as B, back again, and the true B where it is known)",
        f"Figures          {result.quality}",
        f"Model            {result.model}   (ganaug images translate IN OUT --model {result.model})",
    ]
    show([*lines, *name_run(result)])


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run_job("track_translate_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
