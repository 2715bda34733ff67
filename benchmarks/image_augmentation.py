"""Do synthetic images help a classifier of few labelled ones? Beside shifts, rotations and mixup, on MNIST.

    GANAUG_DATA=... python benchmarks/image_augmentation.py --labels 20,100

``GANAUG_DATA`` holds images/mnist_train_10k.npz and images/mnist_test_2k.npz (``X``: uint8 images, ``y``: digits). So
many images per class are drawn from the first, several times and none twice; the second, 2,000 images, judges. Each
method adds ``--share`` images per image; the GAN (`ConditionalGAN`, ``--steps``) is trained on the drawn images alone,
once per draw. The classifier is `ImageClassifier`, which makes as many steps whatever is added. "gan, share chosen" is
an `ImageAugmenter`, which holds back a fifth of the images to choose a share, and trains the GAN once more (only with
``--chosen``). Intervals are Student's, of differences paired by draw; the images that judge are the same for all.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ganaug.augment import ImageAugmenter
from ganaug.augment.folds import Fold
from ganaug.augment.image_comparing import ImageJob
from ganaug.images import ConditionalGAN
from ganaug.images.classifier import ImageClassifier

METHODS = ("none", "shifts", "rotations", "mixup", "gan", "gan+shifts")


def load(name):
    """Return the images and the digits of a file."""
    home = os.environ.get("GANAUG_DATA")
    if home is None:
        raise SystemExit("GANAUG_DATA is not set: it names the folder that holds images/mnist_train_10k.npz.")
    with np.load(Path(home, "images", name)) as file:
        return file["X"], file["y"].astype(int)


def draw_folds(y, n_train, n_labels, n_draws, seed):
    """Return folds that share no training image; all images from ``n_train`` on judge."""
    rng = np.random.default_rng(seed)
    places = [rng.permutation(np.flatnonzero(y[:n_train] == digit)) for digit in range(10)]
    judges = np.arange(n_train, len(y))
    return [
        Fold(0, draw, np.concatenate([part[draw * n_labels : (draw + 1) * n_labels] for part in places]), judges)
        for draw in range(n_draws)
    ]


def summarize(scores, n_labels):
    """Return a method's mean accuracy, its difference to none and to the GAN, and seconds, as texts."""
    values = scores.pivot(index="fold", columns="method", values="value")
    seconds = scores.groupby("method")[["resample_seconds", "fit_seconds"]].mean().sum(axis=1)
    rows = []
    for method in dict.fromkeys(scores["method"]):
        row = {"labels per class": n_labels, "method": method, "accuracy %": f"{100 * values[method].mean():.1f}"}
        for other in ("none", "gan"):
            gaps = 100 * (values[method] - values[other]) if other in values else pd.Series(dtype=float)
            margin = student.ppf(0.975, len(gaps) - 1) * gaps.sem() if len(gaps) > 1 else np.nan
            text = f"{gaps.mean():+.1f} ({gaps.mean() - margin:+.1f} to {gaps.mean() + margin:+.1f})"
            row[f"- {other}"] = "" if method == other or gaps.empty else text
        rows.append(row | {"CPU s": f"{seconds[method]:.1f}"})
    return pd.DataFrame(rows)


def main():
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", default="20,100", help="images per class")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="images added per image, by each part of a method")
    parser.add_argument("--steps", type=int, default=1_000, help="of the GAN")
    parser.add_argument("--classifier-steps", type=int, default=200)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--chosen", action="store_true", help="also an augmenter that chooses its share")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    (X, y), (X_test, y_test) = load("mnist_train_10k.npz"), load("mnist_test_2k.npz")
    gan, classifier = ConditionalGAN(max_steps=arguments.steps), ImageClassifier(max_steps=arguments.classifier_steps)
    methods = dict.fromkeys(arguments.methods.split(","))
    if arguments.chosen:
        methods["gan, share chosen"] = ImageAugmenter(gan, shares=(0, 0.25, 1, 3), classifier=classifier)
    digits = np.concatenate([y, y_test])
    settings = {"classifier": classifier, "gan": gan, "share": arguments.share, "seed": arguments.seed}
    job = ImageJob.make(np.concatenate([X, X_test]), digits, methods, **settings)
    tables, began = [], time.process_time()
    for n_labels in map(int, arguments.labels.split(",")):
        found = job.run(draw_folds(digits, len(X), n_labels, arguments.draws, arguments.seed))
        tables.append(summarize(found.scores, n_labels))
    table = pd.concat(tables)
    print("| " + " | ".join(table) + " |\n|" + " --- |" * len(table.columns))
    print("\n".join("| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)))
    print(f"\n{arguments.draws} draws, {time.process_time() - began:.0f} CPU seconds in all.", *job.notes, sep="\n")


if __name__ == "__main__":
    main()
