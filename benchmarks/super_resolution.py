"""SRGAN on real images: figures and pictures of docs/super-resolution.md.

    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/super_resolution.py cifar
    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/super_resolution.py photos
    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/super_resolution.py digits

Each compares the model with bicubic interpolation and with the same network trained on pixels alone for as long.
``cifar`` enlarges 2,000 unseen photographs from 16 to 32 pixels, ``digits`` 2,000 unseen ones from 7 to 28; the
features are of a classifier that was trained on other images of the same kind. ``photos`` learns from three photographs
and enlarges parts of two others four times; it has no classes, and so no features. Its picture goes to docs/images.
"""

import argparse
import io
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganaug.evaluation import compare_upscaling
from ganaug.images import SRGAN, make_grid
from ganaug.images.classifier import ImageClassifier
from ganaug.images.degrading import degrade
from ganaug.images.networks.upscaling import enlarge

DATA = Path(os.environ.get("GANAUG_DATA", ".")) / "images"
PICTURES = Path(__file__).parents[1] / "docs" / "images"


def load_cifar(part):
    with np.load(DATA / f"cifar10_{part}_jpeg.npz") as file:
        jpeg, offsets, labels = file["jpeg"], file["offsets"], file["y"]
    files = (io.BytesIO(jpeg[start:end].tobytes()) for start, end in zip(offsets[:-1], offsets[1:], strict=True))
    return np.stack([np.asarray(Image.open(file)) for file in files]), labels


def load_mnist(part):
    with np.load(DATA / f"mnist_{part}.npz") as file:
        return file["X"], file["y"]


def compare(name, gan, training, tests, labels=None, classifier=None):
    start = time.process_time()
    gan.fit(training)
    print(f"{name}: {gan.n_iter_} steps in {time.process_time() - start:.0f} CPU s", flush=True)
    print(compare_upscaling(gan, tests, training=training, classifier=classifier, y=labels), flush=True)
    return gan


def cifar(n_steps, seed):
    (images, labels), (tests, test_labels) = load_cifar("train_8k"), load_cifar("test_2k")
    judge = ImageClassifier(epochs=6, random_state=0).fit(images, labels)
    print(f"The classifier reads {(judge.predict(tests) == test_labels).mean():.1%} of the true images.")
    compare("CIFAR-10, x2", SRGAN(2, max_steps=n_steps, random_state=seed), images, tests, test_labels, judge)


def digits(n_steps, seed):
    (images, _), (tests, test_labels) = load_mnist("train_10k"), load_mnist("test_10k")
    judge = ImageClassifier(random_state=0).fit(tests[5000:], test_labels[5000:])
    compare(
        "MNIST, x4", SRGAN(4, max_steps=n_steps, random_state=seed), images, tests[:2000], test_labels[:2000], judge
    )


def photos(n_steps, seed):
    """Learn from three photographs, look at two others."""
    with np.load(DATA / "photos_rgb.npz") as file:
        learned = [file[name] for name in ("china", "coffee", "astronaut")]
        parts = [file["chelsea"][40:232, 120:312], file["flower"][100:292, 240:432]]
    gan = compare("Photographs, x4", SRGAN(4, max_steps=n_steps, random_state=seed), learned, parts)
    truth = torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2) / 127.5 - 1
    small = degrade(truth, 4, "area")
    shown = [enlarge(small, 4)]
    for share in (0.0, 1.0):
        gan.network_interpolation = share
        made = gan.transform(small.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy())
        shown.append(torch.from_numpy(made).permute(0, 3, 1, 2) / 127.5 - 1)
    rows = torch.stack([*shown, truth], dim=1).flatten(0, 1).clamp(-1, 1)
    Image.fromarray(make_grid(rows.numpy(), 4, value_range=(-1, 1), layout="NCHW")).save(PICTURES / "upscaled.png")


STEPS = {"cifar": 1500, "digits": 2800, "photos": 1500}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=list(STEPS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    globals()[arguments.task](arguments.steps or STEPS[arguments.task], arguments.seed)
