"""What may be done about too few images: the samplers behind the names of `compare_images`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganaug.adversarial import derive_seed, make_generator
from ganaug.augment.image_sets import ImageSet, count_synthetic, draw, train
from ganaug.exceptions import InvalidInputError
from ganaug.images.augmentation import augment

MIXUP_ALPHA = 0.2
"""Of the Beta distribution that weights are drawn from; Zhang et al. take 0.1 to 0.4 for photographs."""


@dataclass
class Enrichment:
    """The training part of a fold, and what the methods add to it; the GAN is trained once for all of them.

    Attributes
    ----------
    images : ImageSet
    share : float
        Images added per image.
    gan : estimator
    seed : int
    """

    images: ImageSet
    share: float
    gan: Any
    seed: int
    _trained: Any = None

    def apply(self, method: str) -> ImageSet:
        """Return the images and those that a method adds; the parts of "gan+shifts" add one after the other."""
        images = self.images
        for part in method.split("+"):
            if part != "none":
                images = images.add(ADDING[part](self, images, derive_seed(self.seed, part)))
        return images

    def draw_from_gan(self, images: ImageSet, seed: int) -> ImageSet:
        """Return images of the GAN."""
        if self._trained is None:
            self._trained = train(self.gan, self.images, derive_seed(self.seed, "training"))
        return draw(self._trained, images, count_synthetic(images.counts, self.share), seed)

    def change(self, kinds: tuple[str, ...], images: ImageSet, seed: int) -> ImageSet:
        """Return changed copies."""
        return self._copy(images, seed, lambda unit, rng: augment(unit, kinds, 1.0, rng))

    def mix(self, images: ImageSet, seed: int) -> ImageSet:
        """Return weighted means of two images, labelled as one of them with its weight as the probability.

        The expected loss is the one of soft labels, and any classifier can learn from it.
        """
        first = _choose(images, self.share, np.random.default_rng(derive_seed(seed, "first")))
        rng = np.random.default_rng(derive_seed(seed, "second"))
        second = rng.integers(0, len(images), len(first))
        weights = rng.beta(MIXUP_ALPHA, MIXUP_ALPHA, len(first))
        codes = np.where(rng.random(len(first)) < weights, images.codes[first], images.codes[second])
        encoder = images.encoder
        weight = torch.from_numpy(weights).float()[:, None, None, None]
        mixed = weight * encoder.encode(images.pixels[first]) + (1 - weight) * encoder.encode(images.pixels[second])
        return ImageSet(encoder.decode(mixed), codes, encoder)

    def _copy(self, images: ImageSet, seed: int, change: Callable[[Tensor, torch.Generator], Tensor]) -> ImageSet:
        places = _choose(images, self.share, np.random.default_rng(derive_seed(seed, "places")))
        unit = images.encoder.encode(images.pixels[places])
        changed = change(unit, make_generator(seed, "change")).clamp(-1, 1)
        return ImageSet(images.encoder.decode(changed), images.codes[places], images.encoder)


def _choose(images: ImageSet, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return places of images to copy, of each class its share; none is copied twice before all are copied once."""
    chosen = []
    for code, count in enumerate(count_synthetic(images.counts, share)):
        places = np.flatnonzero(images.codes == code)
        n_passes = -(-count // max(1, len(places)))
        chosen += [np.concatenate([rng.permutation(places) for _ in range(n_passes)])[:count]] if count else []
    return np.concatenate(chosen) if chosen else np.arange(0)


ADDING: dict[str, Callable[[Enrichment, ImageSet, int], ImageSet]] = {
    "shifts": lambda enrichment, images, seed: enrichment.change(("translation",), images, seed),
    "rotations": lambda enrichment, images, seed: enrichment.change(("rotation",), images, seed),
    "mixup": Enrichment.mix,
    "gan": Enrichment.draw_from_gan,
}
BUILT_IN = ("none", *ADDING)


def check_methods(methods: Any) -> dict[str, Any]:
    """Return samplers by method, None for the built-in ones; "none", which the others are measured by, comes first."""
    methods = (methods,) if isinstance(methods, str) else methods
    if not isinstance(methods, dict | list | tuple):
        raise InvalidInputError(f"methods={methods!r}: give names among {', '.join(BUILT_IN)}, or a dict.")
    given = dict(methods) if isinstance(methods, dict) else dict.fromkeys(methods)
    for name, sampler in given.items():
        if sampler is None and not (name == "none" or (isinstance(name, str) and set(name.split("+")) <= set(ADDING))):
            raise InvalidInputError(
                f"methods: {name!r} is unknown. Choose among {', '.join(BUILT_IN)}, join some as in 'gan+shifts', or "
                "give a sampler in a dict."
            )
        if sampler is not None and (name == "none" or not hasattr(sampler, "fit_resample")):
            raise InvalidInputError(
                f"methods: {name!r} is {sampler!r}, which is no sampler for that name. Give one with fit_resample, "
                "such as an ImageAugmenter, or None for a built-in method."
            )
    return {"none": None} | given
