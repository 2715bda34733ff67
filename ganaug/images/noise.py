"""NoiseGAN: GANs that draw images from noise, of one kind or of many."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ganaug.adversarial import (
    Batches,
    BatchStream,
    Callback,
    KeepBest,
    RecordSource,
    Run,
    Trainer,
    derive_seed,
    make_generator,
)
from ganaug.exceptions import InvalidInputError
from ganaug.features import DiscriminatorFeatures
from ganaug.images.asking import draw_chances, draw_noise, in_blocks
from ganaug.images.augmentation import choose_kinds
from ganaug.images.base import ENCODING, BaseImageGAN, device_of
from ganaug.images.clusters import Clusters, find_clusters
from ganaug.images.encoder import ImageEncoder
from ganaug.images.game import ImageGame
from ganaug.images.grids import make_grid
from ganaug.images.latents import mix, search_latents
from ganaug.images.likeness import Likeness
from ganaug.images.networks import PLAYERS, ImageDiscriminator, ImageGenerator, ImageShape
from ganaug.images.recipes import Recipe
from ganaug.images.records import check_labels

CHUNK = 1024
"""Images that are floats at a time."""
_SETTINGS = ("discriminator_steps", "generator_lr", "discriminator_lr", "learning_rate_schedule", "ema_decay")
_FROM_RECIPE = ("batch_size", "loss", "gradient_penalty_weight", "gradient_penalty_interval", *_SETTINGS)

_PREVIEW_IMAGES = 64
_FEWEST_COMPARED = 10
"""A distribution of fewer images is not worth comparing with."""
_IMAGES_PER_CLUSTER, _MOST_CLUSTERS = 100, 100
_RAMP_PASSES, _RAMP_RANGE = 20, (5_000, 100_000)
"""The strength of augmentation could go from 0 to 1 in so many passes, of so many images at least and at most."""


class NoiseGAN(DiscriminatorFeatures, BaseImageGAN):
    """Players and settings by recipe, clusters, samples and latents.

    A GAN names its ``_recipes`` and says how it is sampled; a parameter at None takes the recipe's value.
    """

    _recipes: ClassVar[dict[str, Recipe]]
    """By name, the default first."""
    _has_classes: ClassVar[bool] = False
    """Whether ``y`` is learned; otherwise it is ignored, as everywhere in scikit-learn."""
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseImageGAN._parameter_constraints,
        **{name: [*BaseImageGAN._parameter_constraints[name], None] for name in _FROM_RECIPE},
        "recipe": [StrOptions({"modern", "textbook"}), None],
        "gradient_penalty": [*BaseImageGAN._parameter_constraints["gradient_penalty"], StrOptions({"auto"})],
        **{
            name: [Interval(Integral, 1, None, closed="left"), None]
            for name in ("latent_dim", "generator_width", "discriminator_width")
        },
        "n_clusters": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "augment": [str, tuple, list, None],
        "keep_best": ["boolean", None],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseImageGAN._fitted_names, "augment_kinds_", "likeness_")

    def __init__(
        self,
        *,
        recipe: str | None = None,
        epochs: int | None = None,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        batch_size: int | None = None,
        latent_dim: int | None = None,
        generator_width: int | None = None,
        discriminator_width: int | None = None,
        n_clusters: int | str = "auto",
        augment: str | Sequence[str] | None = "auto",
        image_size: int | tuple[int, int] | None = None,
        resize: str = "error",
        color: str = "auto",
        layout: str = "auto",
        value_range: str | tuple[float, float] = "auto",
        on_unreadable: str = "raise",
        memory_limit: int = 2**30,
        loss: str | None = None,
        gradient_penalty: str | None = "auto",
        gradient_penalty_weight: float | None = None,
        gradient_penalty_interval: int | None = None,
        discriminator_steps: int | None = None,
        generator_lr: float | None = None,
        discriminator_lr: float | None = None,
        learning_rate_schedule: str | None = None,
        ema_decay: float | None = None,
        keep_best: bool | None = None,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.generator_width = generator_width
        self.discriminator_width = discriminator_width
        self.n_clusters = n_clusters
        self.augment = augment
        self.image_size = image_size
        self.resize = resize
        self.color = color
        self.layout = layout
        self.value_range = value_range
        self.on_unreadable = on_unreadable
        self.memory_limit = memory_limit
        self.loss = loss
        self.gradient_penalty = gradient_penalty
        self.gradient_penalty_weight = gradient_penalty_weight
        self.gradient_penalty_interval = gradient_penalty_interval
        self.discriminator_steps = discriminator_steps
        self.generator_lr = generator_lr
        self.discriminator_lr = discriminator_lr
        self.learning_rate_schedule = learning_rate_schedule
        self.ema_decay = ema_decay
        self.keep_best = keep_best
        self.callbacks = callbacks
        self.verbose = verbose
        self.device = device
        self.precision = precision
        self.random_state = random_state

    @abstractmethod
    def sample(self, n_samples: Any = 1, *, truncation: float = 1.0, random_state: Any = None) -> Any:
        """Draw synthetic images."""

    def generate(self, latents: Any) -> np.ndarray:
        """Draw the image of each latent.

        Parameters
        ----------
        latents : array-like of shape (n_images, n_latents)
            As ``sample_latents``, ``project`` and ``interpolate`` give them.

        Returns
        -------
        ndarray
            Images, as ``fit`` was given them.
        """
        check_is_fitted(self)
        return self._images(self._check_latents("latents", latents, 2))

    def interpolate(self, start: Any, end: Any, n_steps: int = 8) -> np.ndarray:
        """Return latents on the way from ``start`` to ``end``, both included.

        Parameters
        ----------
        start, end : array-like of shape (n_latents,)
        n_steps : int, default=8

        Returns
        -------
        ndarray of shape (n_steps, n_latents)
            The noise turns on a sphere, where noise of many numbers lies (White 2016, arXiv 1609.04468); what stands
            for the class moves in a straight line. ``generate`` draws them.
        """
        check_is_fitted(self)
        ends = [self._check_latents(name, point, 1).double() for name, point in (("start", start), ("end", end))]
        return mix(*ends, check_count("n_steps", n_steps, 2), self.game_.latent_dim).float().numpy()

    def sample_latents(
        self, n_samples: int | None = None, y: Any = None, *, truncation: float = 1.0, random_state: Any = None
    ) -> np.ndarray:
        """Draw latents; ``generate`` draws their images.

        Parameters
        ----------
        n_samples : int, optional
            By default as many as ``y`` has labels, or 1.
        y : label or array-like of shape (n_samples,), optional
            Wanted classes, for GANs that know any.
        truncation : float, default=1.0
            The noise is multiplied by it: below 1, images become more usual and less varied.
        random_state : int, RandomState instance or None, default=None
            As in ``sample``, which draws from the same latents.

        Returns
        -------
        ndarray of shape (n_samples, n_latents)
        """
        check_is_fitted(self)
        parts = self._checked_parts(n_samples, y, truncation, random_state)
        return in_blocks(self.generator_.latent, *parts, device=device_of(self.generator_)).numpy()

    def project(self, X: Any, y: Any = None, *, n_steps: int = 200) -> np.ndarray:
        """Find the latent whose image is most like each given one, by descent from the middle of the latents.

        Parameters
        ----------
        X : array-like or paths
            Images, as ``fit`` takes them.
        y : array-like of shape (n_images,), optional
            Their classes, for GANs that know any; left out, they are guessed.
        n_steps : int, default=200
            Steps of the search, each about as dear as the generator's part of a training step.

        Returns
        -------
        ndarray of shape (n_images, n_latents)
            How well ``generate`` of them fits is for the caller to see: no image need have a latent.
        """
        check_is_fitted(self)
        n_steps = check_count("n_steps", n_steps, 1)
        images = torch.cat(list(self._encode(X)))
        classes = self._classes(y, len(images))
        parts = [torch.zeros(len(images), self.game_.latent_dim)]
        if self._n_told:
            parts.append(self.clusters_.guess(self._cluster_logits(images), classes))
        starts = in_blocks(self.generator_.latent, *parts, device=device_of(self.generator_))
        return search_latents(self.generator_, images, starts, n_steps).numpy()

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Return how real the discriminator finds each image; higher = more real.

        Parameters
        ----------
        X : array-like or paths
            Images, as ``fit`` takes them.
        y : array-like of shape (n_images,), optional
            Their classes, for GANs that know any; without it, an image may be of any class.

        Returns
        -------
        ndarray of shape (n_images,), float64
            Logits: only their order means something. A discriminator that was trained against its generator alone is
            a poor judge of what is normal; ``ganaug.anomaly`` has a better one.
        """
        check_is_fitted(self)
        logits = torch.cat([self._cluster_logits(images).double() for images in self._encode(X)])
        return self.clusters_.judge(logits, self._classes(y, len(logits))).numpy()

    def _sample(self, n_samples: Any, y: Any, truncation: Any, random_state: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return images, and the index of each one's class (0 where there are none)."""
        check_is_fitted(self)
        parts = self._checked_parts(n_samples, y, truncation, random_state)
        latents = in_blocks(self.generator_.latent, *parts, device=device_of(self.generator_))
        clusters = parts[1].numpy() if len(parts) > 1 else np.zeros(len(latents), dtype=np.int64)
        return self._images(latents), self.clusters_.classes[clusters]

    def _images(self, latents: Tensor) -> np.ndarray:
        chunks = latents.split(CHUNK) if len(latents) else (latents,)
        return np.concatenate([self.encoder_.decode(self._draw(chunk)) for chunk in chunks])

    def _checked_parts(self, n_samples: Any, y: Any, truncation: Any, random_state: Any) -> list[Tensor]:
        if n_samples is not None:
            n_samples = check_count("n_samples", n_samples, 0)
        if not isinstance(truncation, Real) or not 0 <= truncation < np.inf:
            raise InvalidInputError(f"truncation={truncation!r}: a number of at least 0 is expected.")
        if y is not None:
            y = np.asarray(y, dtype=object if isinstance(y, str) else None)
            y = np.full(1 if n_samples is None else n_samples, y) if y.ndim == 0 else y
        classes = self._classes(y)
        n_wanted = 1 if classes is None else len(classes)
        n_samples = n_wanted if n_samples is None else n_samples
        if classes is not None and n_samples != n_wanted:
            raise InvalidInputError(
                f"n_samples={n_samples} differs from the {n_wanted} labels of y. Leave it out, or give one label."
            )
        return self._latent_parts(self.game_, n_samples, self._sampling_seed(random_state), classes, float(truncation))

    def _latent_parts(
        self, game: ImageGame, n_samples: int, seed: int, classes: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """Return what latents are made of: noise, and clusters if the players are told any."""
        noise = truncation * draw_noise(game, n_samples, seed)
        return [noise, self.clusters_.draw(classes, draw_chances(n_samples, seed))] if self._n_told else [noise]

    def _check_latents(self, name: str, latents: Any, n_dims: int) -> Tensor:
        try:
            checked = torch.as_tensor(np.asarray(latents, dtype=np.float32))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"{name} are no numbers: {error}. sample_latents gives latents.") from error
        width = self.generator_.latent_width
        if checked.dim() != n_dims or checked.shape[-1] != width or not torch.isfinite(checked).all():
            expected = f"({width},)" if n_dims == 1 else f"(n_images, {width})"
            raise InvalidInputError(
                f"{name} have the shape {tuple(checked.shape)}; finite numbers of shape {expected} are expected, as "
                "sample_latents gives them."
            )
        return checked

    def _draw(self, latents: Tensor, generator: ImageGenerator | None = None) -> Tensor:
        generator = generator or self.generator_
        return in_blocks(generator.draw, latents, device=device_of(generator))

    def _cluster_logits(self, images: Tensor) -> Tensor:
        judge = self._judge
        return in_blocks(lambda block: judge.judge_all(judge.features(block)), images, device=device_of(judge))

    @property
    def _n_told(self) -> int:
        """In how many kinds both players are told images apart; 0 if they are told nothing."""
        return len(self.clusters_) if len(self.clusters_) > 1 or self._has_classes else 0

    @property
    def _recipe(self) -> Recipe:
        return self._recipes[self.recipe or next(iter(self._recipes))]

    def _choice(self, name: str) -> Any:
        """Return a parameter, or the recipe's value where it was left open."""
        value = getattr(self, name)
        is_open = value is None or (isinstance(value, str) and value == "auto")
        return getattr(self._recipe, name) if is_open else value

    def _loop_settings(self) -> dict[str, Any]:
        recipe = self._recipe
        return {name: self._choice(name) for name in _SETTINGS} | {
            "generator_betas": recipe.betas,
            "discriminator_betas": recipe.betas,
            "warmup_steps": recipe.warmup_steps,
        }

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        return Batches(records, self._choice("batch_size"), make_generator(self.seed_, "batches"), device)

    def _encode(self, X: Any) -> Iterator[Tensor]:
        """Encode images, a chunk at a time: as floats they are four times as large as bytes."""
        if not hasattr(X, "shape") and not isinstance(X, list | tuple):  # a folder
            yield self.encoder_.encode(X)
            return
        for first in range(0, max(1, len(X)), CHUNK):
            yield self.encoder_.encode(X[first : first + CHUNK])

    def _features(self, X: Any) -> np.ndarray:
        judge = self._judge
        parts = [in_blocks(judge.features, images, device=device_of(judge)).double() for images in self._encode(X)]
        return torch.cat(parts).numpy()

    @property
    def _n_features_out(self) -> int:
        return self._judge.n_features

    @property
    def _judge(self) -> ImageDiscriminator:
        """The discriminator whose features are given."""
        judge = self.discriminator_
        assert isinstance(judge, ImageDiscriminator)
        return judge

    def _classes(self, y: Any, n_images: int | None = None) -> Tensor | None:
        """Return the index of each label of ``y``, checked; None without any."""
        if y is None:
            return None
        if not self._has_classes:
            raise InvalidInputError(f"y was given, but {type(self).__name__} learns no classes; ConditionalGAN does.")
        return self.encoder_.encode_labels(check_labels(y, n_images))

    def _learn_images(self, X: Any, y: Any, run: Run) -> Any:
        """Set ``encoder_`` and ``n_images_``; return the records, with classes as their labels if any are learned."""
        self.encoder_ = ImageEncoder(**{name: getattr(self, name) for name in ENCODING})
        labels = y if self._has_classes else None
        records = self.encoder_.learn(X, labels, lambda done, total: run.tell("on_encode", done, total))
        if self._has_classes and records.labels is None:
            raise InvalidInputError(
                f"{type(self).__name__} learns classes, but there are none. Call fit(X, y), or give a folder with one "
                "sub-folder per class."
            )
        self.n_images_ = len(records)
        return records

    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        records = self._learn_images(X, y, run)
        labels = records.labels if self._has_classes else None
        self.clusters_, clusters = find_clusters(records, labels, self._count_clusters(), self.seed_)
        records.labels = clusters if self._n_told else None
        augment = self._recipe.augment if isinstance(self.augment, str) and self.augment == "auto" else self.augment
        self.augment_kinds_ = choose_kinds(len(records), self.encoder_.format_.channels, augment)
        self._fit_records = records
        return records

    def _count_clusters(self) -> int:
        if isinstance(self.n_clusters, str):
            return min(_MOST_CLUSTERS, self.n_images_ // _IMAGES_PER_CLUSTER) if self._recipe.has_clusters else 1
        if self.n_clusters > 1 and not self._recipe.takes_kinds:
            raise InvalidInputError(
                f"n_clusters={self.n_clusters}: the networks of recipe={self.recipe!r} can't be told clusters. Leave "
                "n_clusters out, or take the modern recipe."
            )
        return int(self.n_clusters)

    def _make_game(self) -> ImageGame:
        image_format = self.encoder_.format_
        shape = ImageShape(image_format.channels, image_format.height, image_format.width)
        widths = self._choice("generator_width"), self._choice("discriminator_width")
        generator, discriminator = PLAYERS[self._recipe.players](
            shape, self._choice("latent_dim"), widths, self._n_told
        )
        game = ImageGame(
            generator,
            discriminator,
            latent_dim=self._choice("latent_dim"),
            kinds=tuple(self.augment_kinds_),
            ramp_images=min(max(_RAMP_PASSES * self.n_images_, _RAMP_RANGE[0]), _RAMP_RANGE[1]),
            has_uniform_noise=self._recipe.has_uniform_noise,
            loss=self._choice("loss"),
            penalty=self._recipe.gradient_penalty if self.gradient_penalty == "auto" else self.gradient_penalty,
            penalty_weight=self._choice("gradient_penalty_weight"),
            penalty_interval=self._choice("gradient_penalty_interval"),
            penalty_size=self._recipe.penalty_size,
        )
        return game.to(memory_format=torch.channels_last)

    def _own_callbacks(self) -> list[Callback]:
        self._fit_keepers = [KeepBest()] if self._choice("keep_best") else []
        return list(self._fit_keepers)

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        game, averaged = trainer.game, trainer.averager.module
        assert isinstance(game, ImageGame) and isinstance(averaged, ImageGenerator)

        def look(name: str, n_images: int) -> Callable[[], Tensor]:
            parts = self._latent_parts(game, n_images, derive_seed(self.seed_, name))  # the same at every look
            return lambda: self._draw(in_blocks(averaged.latent, *parts, device=trainer.device), averaged)

        preview = look("preview", _PREVIEW_IMAGES)
        run.preview = lambda: self.encoder_.decode(preview())
        run.picture = lambda: make_grid(preview().numpy(), value_range=(-1, 1), layout="NCHW")
        if self._choice("keep_best") and self.n_images_ >= _FEWEST_COMPARED:
            likeness = Likeness(self._fit_records, derive_seed(self.seed_, "likeness"))
            fakes = look("likeness", likeness.n_fakes)
            run.quality = lambda: likeness(fakes())

    def _finish(self) -> None:
        scores = [keeper.best_score_ for keeper in self._fit_keepers]
        self.likeness_ = scores[0] if scores else None

    def _fitted_state(self) -> dict[str, Any]:
        return super()._fitted_state() | {"clusters": asdict(self.clusters_)}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.clusters_ = Clusters(**state.pop("clusters"))
        super()._restore_fitted(state)


def check_count(name: str, count: Any, least: int) -> int:
    """Return a whole number of at least ``least``, or say that ``name`` is none."""
    if not isinstance(count, Integral) or isinstance(count, bool) or count < least:
        raise InvalidInputError(f"{name}={count!r}: a whole number of at least {least} is expected.")
    return int(count)
