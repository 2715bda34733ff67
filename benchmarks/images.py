"""The image GANs on real images: figures and pictures of docs/images.md.

    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/images.py mnist --seconds 60
    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/images.py cifar
    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/images.py faces --seconds 120
    GANAUG_DATA=... OMP_NUM_THREADS=1 python benchmarks/images.py small

``mnist`` compares recipes at equal seconds, in the features of a classifier that was trained on other images; ``cifar``
and ``faces`` draw grids; ``small`` trains on 100 digits with and without differentiable augmentation and plots how far
the samples are from unseen digits. Pictures go to docs/images. All times are CPU seconds, of about --seconds per fit.
"""

import argparse
import io
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.base import clone

from ganaug.adversarial import Callback
from ganaug.images import DCGAN, ConditionalGAN, VanillaGAN, save_grid
from ganaug.images.asking import in_blocks
from ganaug.images.classifier import ImageClassifier
from ganaug.images.distances import frechet_distance, neighborhoods

DATA = Path(os.environ.get("GANAUG_DATA", ".")) / "images"
PICTURES = Path(__file__).parents[1] / "docs" / "images"
N_LOOKED_AT = 2000


def load_mnist(name="mnist_train_10k.npz"):
    with np.load(DATA / name) as file:
        return file["X"][..., None], file["y"]


def load_cifar():
    with np.load(DATA / "cifar10_train_8k_jpeg.npz") as file:
        jpeg, offsets, labels = file["jpeg"], file["offsets"], file["y"]
    files = (io.BytesIO(jpeg[start:end].tobytes()) for start, end in zip(offsets[:-1], offsets[1:], strict=True))
    return np.stack([np.asarray(Image.open(file)) for file in files]), labels


def timed_fit(gan, *data):
    start = time.process_time()
    gan.fit(*data)
    return gan, time.process_time() - start


def fit_for(seconds, gan, *data):
    """Fit for about so many CPU seconds; ``max_seconds`` is wall time, of which a busy machine gives less."""
    costs = [timed_fit(clone(gan).set_params(max_steps=steps, keep_best=False), *data)[1] for steps in (10, 50)]
    n_steps = max(1, round(seconds / ((costs[1] - costs[0]) / 40)))
    return timed_fit(gan.set_params(max_steps=n_steps), *data)


def mnist(seconds, seed):
    """Recipes at equal seconds; the classifier that gives the features has seen none of the images compared."""
    images, labels = load_mnist()
    tests, test_labels = load_mnist("mnist_test_10k.npz")
    judge = ImageClassifier(random_state=0).fit(tests[:5000], test_labels[:5000])
    real = judge.features(tests[5000:])

    def show(name, samples, cpu_seconds, steps):
        fake = judge.features(samples)
        near = neighborhoods(real[:2000], fake[:2000])
        print(
            f"| {name} | {cpu_seconds:.0f} | {steps} | {frechet_distance(real, fake):.3f} | {near['coverage']:.2f} | "
            f"{near['recall']:.2f} |",
            flush=True,
        )

    print("| | CPU s | steps | classifier-FID | coverage | recall |\n|---|---|---|---|---|---|")
    show("real training images", images[:5000], 0, 0)
    for cls, recipe in (
        (DCGAN, "modern"),
        (DCGAN, "textbook"),
        (ConditionalGAN, "modern"),
        (ConditionalGAN, "textbook"),
        (VanillaGAN, "modern"),
        (VanillaGAN, "textbook"),
    ):
        gan, cpu_seconds = fit_for(seconds, cls(recipe=recipe, random_state=seed), images, labels)
        show(f"{cls.__name__}, {recipe}", gan.sample(5000), cpu_seconds, gan.n_iter_)
        save_grid(gan.sample(64), PICTURES / f"mnist-{cls.__name__}-{recipe}.png".lower(), n_columns=16)


def cifar(seconds, seed):
    """Learn ten classes of small color photographs, and draw a column of each; 6,000 steps, whatever ``seconds``."""
    images, labels = load_cifar()
    # Many photographs, each like no other: smaller steps than digits need, no clusters within the classes, and
    # augmentation although there are more than 5,000 of them.
    rates = {"generator_lr": 1e-3, "discriminator_lr": 1e-3}
    gan = ConditionalGAN(
        max_steps=6000, n_clusters=10, augment=("translation", "color"), generator_width=48, random_state=seed, **rates
    )
    gan, cpu_seconds = timed_fit(gan, images, labels)
    save_grid(gan.sample(y=np.arange(80) % 10), PICTURES / "cifar10.png", n_columns=10)
    print(f"CIFAR-10: {cpu_seconds:.0f} CPU s, {gan.n_iter_} steps")


def faces(seconds, seed):
    """Draw faces after a hundred."""
    with np.load(DATA / "lfw_subset_25x25.npz") as file:
        images = file["X"][file["y"] == 1]
    gan, cpu_seconds = fit_for(seconds, DCGAN(random_state=seed), images)
    save_grid(gan.sample(40), PICTURES / "faces.png", n_columns=10)
    print(f"100 faces: {cpu_seconds:.0f} CPU s, {gan.n_iter_} steps")


class Distances(Callback):
    """How far samples of the averaged generator are from unseen images, every so many steps."""

    def __init__(self, gan=None, judge=None, real=None, every=200):
        self.gan, self.judge, self.real, self.every = gan, judge, real, every

    def on_fit_begin(self, run):
        self.found_ = []

    def on_step_end(self, run):
        if run.step % self.every == 0:
            latents = torch.randn(N_LOOKED_AT, run.trainer.game.latent_dim, generator=torch.Generator().manual_seed(0))
            samples = self.gan.encoder_.decode(in_blocks(run.trainer.averager.module.draw, latents))
            self.found_.append((run.step, frechet_distance(self.real, self.judge.features(samples))))


def small(seconds, seed):
    """Learn a hundred digits with and without augmentation."""
    from matplotlib.figure import Figure

    images, labels = load_mnist()
    tests, test_labels = load_mnist("mnist_test_10k.npz")
    few = np.concatenate([np.flatnonzero(labels == label)[:10] for label in range(10)])
    judge = ImageClassifier(random_state=0).fit(tests[:5000], test_labels[:5000])
    axes = (figure := Figure(figsize=(6, 3.5), layout="constrained")).subplots()
    for name, augment in (("without augmentation", None), ("with translation and cutout", "auto")):
        gan = DCGAN(max_steps=2400, augment=augment, keep_best=False, random_state=seed)
        watch = Distances(gan, judge, judge.features(tests[5000:]))
        gan, cpu_seconds = timed_fit(gan.set_params(callbacks=[watch]), images[few])
        found = gan.callbacks_[0].found_
        print(f"{name}: {cpu_seconds:.0f} CPU s; (steps, classifier-FID) {[(n, round(d, 2)) for n, d in found]}")
        save_grid(gan.sample(30), PICTURES / f"small-{'without' if augment is None else 'with'}.png", n_columns=10)
        axes.plot(*zip(*found, strict=True), marker="o", label=name)
    axes.set(xlabel="steps", ylabel="classifier-FID to unseen digits", ylim=(0, None))
    axes.legend()
    figure.savefig(PICTURES / "small-data.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["mnist", "cifar", "faces", "small"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    globals()[arguments.task](arguments.seconds, arguments.seed)
