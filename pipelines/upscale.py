"""Entry point ``upscale`` of the MLflow project: learn to enlarge images, measure it beside bicubic, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from pipelines.main import name_run, optional, run_job, show

if TYPE_CHECKING:
    from ganaug.tracking import UpscaleRun


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_upscale_run`."""
    parser = argparse.ArgumentParser(prog="upscale", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="folder, .npz or .npy; none: scikit-learn's photographs")
    parser.add_argument("--scale", type=int, default=2, help="2, 3 or 4")
    parser.add_argument("--degradation", default="area", help="area, bicubic or blur_noise")
    parser.add_argument("--patch_size", type=optional(int), help="side of the parts to learn from")
    parser.add_argument("--max_steps", type=optional(int), default=300)
    parser.add_argument("--max_seconds", type=optional(float))
    parser.add_argument("--interpolation", type=float, default=1.0, help="0: closest pixels, 1: most texture")
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="upscale-output")
    return parser.parse_args(arguments)


def tell(result: "UpscaleRun") -> None:
    """Say what was learned, how close it comes to the true images, where the files are and how to see the run."""
    lines = [
        "",
        *result.loaded.splitlines(),
        f"Learned in {result.n_iter:,} steps and {result.seconds:.0f} s (stop reason: {result.stop_reason}).",
        f"Measured on {result.n_held_out:,} images that were held out:",
        *result.report.splitlines(),
        "",
        f"Before, after    {result.picture}   (rows: bicubic, model, truth)",
        f"Figures          {result.quality}",
        f"Model            {result.model}   (ganaug images upscale IN OUT --model {result.model})",
    ]
    show([*lines, *name_run(result)])


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run_job("track_upscale_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
