"""Entry point ``images`` of the MLflow project: learn images, draw new ones, measure those, track.

MLflow passes every parameter as text, and an empty one where there is none.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from pipelines.main import name_run, optional, run_job, show

if TYPE_CHECKING:
    from ganaug.tracking import ImagesRun


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn the command line into typed parameters of `track_images_run`."""
    parser = argparse.ArgumentParser(prog="images", description=__doc__)
    parser.add_argument("--data", type=optional(str), help="folder, .npz or .npy; none: scikit-learn's digits")
    parser.add_argument("--model", type=optional(str), help="dcgan, conditional or vanilla; none: by the classes")
    parser.add_argument("--recipe", type=optional(str), help="modern or textbook; none: the model's own")
    parser.add_argument("--max_steps", type=optional(int), default=600)
    parser.add_argument("--max_seconds", type=optional(float))
    parser.add_argument("--image_size", type=optional(str), help="32, or height x width: 32x48")
    parser.add_argument("--resize", default="error", help="error, crop, pad or stretch")
    parser.add_argument("--n_samples", type=int, default=1_000, help="images to draw")
    parser.add_argument("--random_state", type=optional(int), default=0)
    parser.add_argument("--output_dir", default="images-output")
    return parser.parse_args(arguments)


def tell(result: "ImagesRun") -> None:
    """Say what was learned, how good the samples are, where the files are and how to see the run."""
    likeness = "" if result.likeness is None else f" Likeness {result.likeness:.3g} (0 is best)."
    lines = [
        "",
        *result.loaded.splitlines(),
        f"{result.model_name} learned them in {result.n_iter:,} steps and {result.seconds:.0f} s "
        f"(stop reason: {result.stop_reason}).{likeness}",
        f"Its samples beside {result.n_held_out:,} images that were held out:",
        *result.report.splitlines(),
        "",
        f"Samples          {result.samples}   (all of them: {result.synthetic})",
        f"Figures          {result.quality}",
        f"Model            {result.model}   (ganaug images sample {result.model} -n 64 -o grid.png)",
    ]
    show([*lines, *name_run(result)])


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run_job("track_images_run", parse(sys.argv[1:] if arguments is None else arguments), tell)


if __name__ == "__main__":
    sys.exit(main())
