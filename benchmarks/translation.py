"""CycleGAN on real images: figures and pictures of docs/translation.md.

    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/translation.py digits --seeds 0 1 2
    OMP_NUM_THREADS=1 python benchmarks/translation.py photos

``digits`` translates MNIST into USPS, both of 16 x 16 pixels and without pairs, and asks how well a classifier that was
trained on the translated digits reads real USPS; ``photos`` gives a temple the colors of a flower, and back
(scikit-learn's two photographs). Pictures go to docs/images.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.nn import functional

from ganaug.evaluation import compare_translation
from ganaug.images import CycleGAN, save_grid

PICTURES = Path(__file__).parents[1] / "docs" / "images"


def load_digits():
    """MNIST and USPS in the frame of USPS: the middle 24 x 24 pixels of MNIST, made 16 x 16."""
    home = Path(os.environ["GANAUG_DATA"]) / "images"
    with np.load(home / "mnist_train_10k.npz") as file:
        middle, labels = torch.from_numpy(file["X"][:, None, 2:26, 2:26]).float(), file["y"]
    mnist = functional.interpolate(middle, 16, mode="bilinear", antialias=True).round().byte()[:, 0].numpy()
    with np.load(home / "usps_16x16.npz") as file:
        return (mnist, labels), (file["X_train"], file["y_train"]), (file["X_test"], file["y_test"])


def judge(name, gan, mnist, usps, tests):
    start = time.process_time()
    gan.fit(mnist[0], usps[0])
    found = compare_translation(gan, mnist[0], tests[0], mnist[1], tests[1])
    print(f"{name}: {gan.n_iter_} steps in {time.process_time() - start:.0f} CPU s\n{found}", flush=True)


def digits(n_steps, seeds):
    mnist, usps, tests = load_digits()
    for seed in seeds:
        gan = CycleGAN(max_steps=n_steps, random_state=seed)
        judge(f"MNIST to USPS, seed {seed}", gan, mnist, usps, tests)
        if seed == seeds[0]:
            there = gan.transform(mnist[0][:20])
            rows = [mnist[0][:20], there, gan.inverse_transform(there), tests[0][:20]]
            large = np.concatenate(rows).repeat(3, axis=1).repeat(3, axis=2)  # to be seen
            save_grid(large, PICTURES / "mnist-usps.png", n_columns=20, padding=6)


def photos(n_steps, seeds):
    """Give a temple the colors of a flower, and a flower those of the temple."""
    temple, flower = (
        np.asarray(Image.fromarray(photo).resize((320, 213), Image.Resampling.BICUBIC))
        for photo in load_sample_images().images
    )
    start = time.process_time()
    gan = CycleGAN(max_steps=n_steps, random_state=seeds[0]).fit([temple], [flower])
    print(f"photographs: {gan.n_iter_} steps in {time.process_time() - start:.0f} CPU s")
    pairs = [(temple, gan.transform([temple])[0]), (flower, gan.inverse_transform([flower])[0])]
    Image.fromarray(np.hstack([np.vstack(pair) for pair in pairs])).save(PICTURES / "temple-flower.png")


STEPS = {"digits": 6000, "photos": 300}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=list(STEPS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    globals()[arguments.task](arguments.steps or STEPS[arguments.task], arguments.seeds)
