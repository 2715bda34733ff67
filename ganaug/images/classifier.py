"""A small convolutional classifier: what judges synthetic images by the labels that the user has."""

import math
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from ganaug.adversarial import (
    Batch,
    Batches,
    Budget,
    Game,
    Run,
    Terms,
    Trainer,
    TrainingSettings,
    Turn,
    derive_seed,
    isolated_rng,
    make_generator,
)
from ganaug.devices import resolve_device
from ganaug.exceptions import InvalidInputError
from ganaug.images.asking import in_blocks
from ganaug.images.encoder import ImageEncoder
from ganaug.randomness import draw_seed

CHUNK = 1_024  # images that are float32 at once
N_FEATURES = 64
FEWEST_EPOCHS, FEWEST_STEPS = 3, 400  # enough for 10,000 digits, and for some hundred
_SETTINGS = TrainingSettings(discriminator_betas=(0.9, 0.999), warmup_steps=20, ema_decay=0.98)


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """Learn classes of small images in seconds; what it sees in an image are features to compare images by.

    No competitor of a large network: it is trained in seconds on a CPU, so that a score can be made of anyone's own
    labels (`ganaug.evaluation.image_quality`). What it says of an image does not depend on the images beside it.

    Parameters
    ----------
    epochs : int, default=None
        Passes over the images; None takes 3, or as many as make 400 steps.
    max_steps : int, default=None
        Stop after so many steps at the latest.
    batch_size : int, default=64
        Images per step.
    learning_rate : float, default=0.003
        Largest step size; it falls to a thirtieth along a cosine.
    device : str, default="auto"
        "auto", "cpu", "cuda", ...
    random_state : int, RandomState or None, default=None
        Seed of the first weights and the order of the images. An integer gives the same classifier again, bit for
        bit, on the same machine with as many threads.

    Attributes
    ----------
    classes_ : ndarray
        The labels seen in `fit`, sorted.
    encoder_ : ImageEncoder
        What turns images into tensors.
    network_ : torch.nn.Module
        Its `body` gives features, its `head` a logit per class.
    n_steps_ : int
        Steps trained.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 100, (200, 8, 8), dtype=np.uint8)
    >>> y = np.array(["left", "right"] * 100)
    >>> images[::2, :, :4] += 100
    >>> images[1::2, :, 4:] += 100
    >>> classifier = ImageClassifier(max_steps=30, random_state=0).fit(images, y)
    >>> classifier.predict(images[:3])
    array(['left', 'right', 'left'], dtype='<U5')
    >>> classifier.features(images).shape
    (200, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "device": [str],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        epochs: int | None = None,
        max_steps: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.003,
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.epochs = epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Self:
        """Learn the classes of images.

        Parameters
        ----------
        X : array of shape (n, height, width[, channels]) or (n, channels, height, width)
            uint8 or float images, 8 to 256 pixels on a side.
        y : array-like of shape (n,)
            Their labels, of any type.

        Returns
        -------
        ImageClassifier
            Itself, fitted.
        """
        seed = draw_seed(self.random_state)
        self.encoder_ = ImageEncoder()
        records = self.encoder_.learn(X, y)
        self.classes_ = np.asarray(self.encoder_.classes_)
        if len(self.classes_) < 2:
            raise InvalidInputError(f"`y` has the class {self.classes_.tolist()} alone; give images of two or more.")
        described = self.encoder_.format_
        with isolated_rng(derive_seed(seed, "classifier", "weights")):
            network = ClassifierNetwork(described.channels, (described.height, described.width), len(self.classes_))
        self.n_steps_ = self._count_steps(len(records))
        self.network_ = self._train(network, records, seed)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each image."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, in the order of `classes_`."""
        return self._ask(lambda images: self.network_(images).softmax(1), X)

    def features(self, X: Any) -> np.ndarray:
        """Return what the last hidden layer says of each image, as float32 (n, 64); their mean square is 1."""
        return self._ask(lambda images: self.network_.body(images), X)

    def _ask(self, answer: Callable[[Tensor], Tensor], X: Any) -> np.ndarray:
        check_is_fitted(self)
        device = next(self.network_.parameters()).device
        self.network_.eval()
        # A copy of all images in float32 can be large; what they are asked in makes no difference.
        chunks = [X[first : first + CHUNK] for first in range(0, len(X), CHUNK)] if hasattr(X, "shape") else [X]
        answers = [in_blocks(answer, self.encoder_.encode(chunk).to(device)).numpy() for chunk in chunks]
        return np.concatenate(answers)

    def _count_steps(self, n_images: int) -> int:
        per_epoch = math.ceil(n_images / self.batch_size)
        epochs = self.epochs or max(FEWEST_EPOCHS, math.ceil(FEWEST_STEPS / per_epoch))
        return min(epochs * per_epoch, self.max_steps or epochs * per_epoch)

    def _train(self, network: "ClassifierNetwork", records: Any, seed: int) -> nn.Module:
        """Descend along the cross-entropy; return the averaged network."""
        device = resolve_device(self.device)
        rng = make_generator(seed, "classifier", "batches")
        batches = Batches(records, self.batch_size, rng, device)
        settings = replace(_SETTINGS, discriminator_lr=self.learning_rate)
        budget = Budget(max_steps=self.n_steps_)
        run = Run()
        trainer = Trainer(Lesson(network).to(device), batches, run, budget, settings, seed)
        trainer.train()
        if run.stop_reason == "interrupted":  # half a judge is none
            raise KeyboardInterrupt
        learned = trainer.averager.module
        assert isinstance(learned, ClassifierNetwork)
        learned.scale_features(records.take(torch.arange(min(len(records), CHUNK))).real.to(device))
        return learned

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags


class ClassifierNetwork(nn.Module):
    """Convolutions that halve the image until 4 to 10 pixels are left, then two linear layers."""

    def __init__(self, channels: int, size: tuple[int, int], n_classes: int) -> None:
        super().__init__()
        n_halvings = max(1, round(math.log2(min(size) / 7)))
        layers: list[nn.Module] = []
        for width in [min(64, 16 * 2**stage) for stage in range(n_halvings + 1)]:
            layers += [nn.MaxPool2d(2)] if layers else []
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        # A grid, not one mean: where a stroke is tells a 6 from a 9.
        layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * channels, N_FEATURES), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(N_FEATURES, n_classes)

    @torch.no_grad()
    def scale_features(self, images: Tensor) -> None:
        """Make the features' mean square 1 and leave the logits as they are, so that distances have a known scale."""
        scale = float(in_blocks(self.body, images).square().mean().sqrt().clamp_min(1e-6))
        last = self.body[-2]
        assert isinstance(last, nn.Linear)
        for weights, factor in ((last.weight, 1 / scale), (last.bias, 1 / scale), (self.head.weight, scale)):
            weights.mul_(factor)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, n_classes) for float images, NCHW in [-1, 1]."""
        logits: Tensor = self.head(self.body(images))
        return logits


class Lesson(Game):
    """A game with one player and no opponent: tell the classes of real images."""

    averaged = "discriminator"

    def __init__(self, network: ClassifierNetwork) -> None:
        super().__init__()
        self.discriminator = network
        self.generator = nn.Identity()

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``cross_entropy``."""
        assert batch.conditions is not None
        return {"cross_entropy": functional.cross_entropy(self.discriminator(batch.real), batch.conditions)}
