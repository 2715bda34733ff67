"""BaseImageGAN: what all GANs that draw images from noise share."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ganaug.adversarial import (
    Batches,
    BatchStream,
    Budget,
    Callback,
    KeepBest,
    RecordSource,
    Run,
    Trainer,
    TrainingSettings,
    derive_seed,
    make_generator,
)
from ganaug.base import BaseGAN
from ganaug.exceptions import InvalidInputError
from ganaug.images.asking import draw_chances, draw_noise, in_blocks
from ganaug.images.augmentation import choose_kinds
from ganaug.images.clusters import Clusters, find_clusters
from ganaug.images.encoder import ImageEncoder
from ganaug.images.game import ImageGame
from ganaug.images.grids import make_grid
from ganaug.images.latents import mix, search_latents
from ganaug.images.likeness import N_FAKE, Likeness
from ganaug.images.networks import PLAYERS, ImageGenerator, ImageShape
from ganaug.images.precision import is_bfloat16_faster
from ganaug.images.recipes import Recipe

DEFAULT_STEPS = 3000
_ENCODING = ("image_size", "resize", "color", "layout", "value_range", "on_unreadable", "memory_limit")
_SETTINGS = ("discriminator_steps", "generator_lr", "discriminator_lr", "learning_rate_schedule", "ema_decay")
"""Of the training loop."""
_FROM_RECIPE = ("batch_size", "loss", "gradient_penalty_weight", "gradient_penalty_interval", *_SETTINGS)
_CHUNK = 1024
"""Images decoded at a time."""
_PREVIEW_IMAGES = 64
_FEWEST_COMPARED = 10
"""A distribution of fewer images is not worth comparing with."""
_IMAGES_PER_CLUSTER, _MOST_CLUSTERS = 100, 100
_RAMP_PASSES, _RAMP_RANGE = 20, (5_000, 100_000)
"""The strength of augmentation could go from 0 to 1 in so many passes, of so many images at least and at most."""


class BaseImageGAN(BaseGAN):
    """Encoder, players by recipe, samples, latents and features.

    A GAN of images names its ``_recipes`` and says how it is sampled. A parameter at None takes the recipe's value.
    """

    _recipes: ClassVar[dict[str, Recipe]]
    """By name, the default first."""
    _has_classes: ClassVar[bool] = False
    """Whether ``y`` is learned; otherwise it is ignored, as everywhere in scikit-learn."""
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: kinds for name, kinds in BaseGAN._parameter_constraints.items() if name != "pac"},
        **{name: [*BaseGAN._parameter_constraints[name], None] for name in _FROM_RECIPE},
        **{name: ImageEncoder._parameter_constraints[name] for name in _ENCODING},
        "recipe": [StrOptions({"modern", "textbook"}), None],
        "gradient_penalty": [*BaseGAN._parameter_constraints["gradient_penalty"], StrOptions({"auto"})],
        **{
            name: [Interval(Integral, 1, None, closed="left"), None]
            for name in ("latent_dim", "generator_width", "discriminator_width")
        },
        "n_clusters": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "augment": [str, tuple, list, None],
        "keep_best": ["boolean", None],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (
        *BaseGAN._fitted_names,
        *("augment_kinds_", "precision_", "n_images_"),
    )

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
        latents = torch.as_tensor(np.asarray(latents), dtype=torch.float32)
        width = self.generator_.latent_width
        if latents.dim() != 2 or latents.shape[1] != width:
            raise InvalidInputError(f"latents have the shape {tuple(latents.shape)}; (n_images, {width}) is expected.")
        return self._images(latents)

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
        start, end = (torch.as_tensor(np.asarray(point), dtype=torch.float64) for point in (start, end))
        return mix(start, end, n_steps, self.game_.latent_dim).numpy().astype(np.float32)

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
        return in_blocks(self.generator_.latent, *parts, device=_device_of(self.generator_)).numpy()

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
        images = self.encoder_.encode(X)
        noise, clusters = torch.zeros(len(images), self.game_.latent_dim), None
        if len(self.clusters_) > 1:
            classes = None if y is None else self.encoder_.encode_labels(y)
            clusters = self.clusters_.guess(self._cluster_logits(images), classes)
        parts = [noise] if clusters is None else [noise, clusters]
        starts = in_blocks(self.generator_.latent, *parts, device=_device_of(self.generator_))
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
        classes = None if y is None or not self._has_classes else self.encoder_.encode_labels(y)
        logits = self._cluster_logits(self.encoder_.encode(X)).double()
        return self.clusters_.judge(logits, classes).numpy()

    def _sample(self, n_samples: Any, y: Any, truncation: float, random_state: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return images, and the index of each one's class (0 where there are none)."""
        check_is_fitted(self)
        parts = self._checked_parts(n_samples, y, truncation, random_state)
        latents = in_blocks(self.generator_.latent, *parts, device=_device_of(self.generator_))
        clusters = parts[1].numpy() if len(parts) > 1 else np.zeros(len(latents), dtype=np.int64)
        return self._images(latents), self.clusters_.classes[clusters]

    def _images(self, latents: Tensor) -> np.ndarray:
        # A few at a time: as floats they are four times as large as the bytes that most of them become.
        chunks = latents.split(_CHUNK) if len(latents) else (latents,)
        return np.concatenate([self.encoder_.decode(self._draw(chunk)) for chunk in chunks])

    def _checked_parts(self, n_samples: Any, y: Any, truncation: float, random_state: Any) -> list[Tensor]:
        if y is not None and not self._has_classes:
            raise InvalidInputError(f"y was given, but {type(self).__name__} learns no classes; ConditionalGAN does.")
        if y is not None:
            n_samples, y = self._broadcast(n_samples, y)
        n_samples = 1 if n_samples is None else n_samples
        if not isinstance(n_samples, Integral) or n_samples < 0:
            raise InvalidInputError(f"n_samples must be a whole number of at least 0, but is {n_samples!r}.")
        if not truncation >= 0:
            raise InvalidInputError(f"truncation={truncation!r}: a number of at least 0 is expected.")
        classes = None if y is None else self.encoder_.encode_labels(y)
        return self._latent_parts(self.game_, int(n_samples), self._sampling_seed(random_state), classes, truncation)

    def _broadcast(self, n_samples: Any, y: Any) -> tuple[int, np.ndarray]:
        """Return how many images, and the class of each."""
        labels = np.asarray(y, dtype=None if not isinstance(y, str) else object)
        if labels.ndim == 0:
            labels = np.full(1 if n_samples is None else n_samples, labels)
        if n_samples not in (None, len(labels)):
            raise InvalidInputError(
                f"n_samples={n_samples} differs from the {len(labels)} labels of y. Leave it out, or give one label."
            )
        return len(labels), labels

    def _latent_parts(
        self, game: ImageGame, n_samples: int, seed: int, classes: Tensor | None = None, truncation: float = 1.0
    ) -> list[Tensor]:
        """Return what latents are made of: noise, and clusters if the players are told any."""
        noise = truncation * draw_noise(game, n_samples, seed)
        return [noise, self.clusters_.draw(classes, draw_chances(n_samples, seed))] if self._n_told else [noise]

    def _draw(self, latents: Tensor, generator: ImageGenerator | None = None) -> Tensor:
        generator = generator or self.generator_
        return in_blocks(generator.draw, latents, device=_device_of(generator))

    def _cluster_logits(self, images: Tensor) -> Tensor:
        judge = self.discriminator_
        return in_blocks(lambda block: judge.judge_all(judge.features(block)), images, device=_device_of(judge))

    def _features(self, X: Any) -> np.ndarray:
        images, device = self.encoder_.encode(X), _device_of(self.discriminator_)
        return in_blocks(self.discriminator_.features, images, device=device).double().numpy()

    @property
    def _n_features_out(self) -> int:
        return self.discriminator_.n_features

    @property
    def _recipe(self) -> Recipe:
        return self._recipes[self.recipe or next(iter(self._recipes))]

    def _choice(self, name: str) -> Any:
        """Return a parameter, or the recipe's value where it was left open."""
        value = getattr(self, name)
        return getattr(self._recipe, name) if value in (None, "auto") else value

    @property
    def _n_told(self) -> int:
        """In how many kinds both players are told images apart; 0 if they are told nothing."""
        return len(self.clusters_) if len(self.clusters_) > 1 or self._has_classes else 0

    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        self.encoder_ = ImageEncoder(**{name: getattr(self, name) for name in _ENCODING})
        records = self.encoder_.learn(
            X, y if self._has_classes else None, lambda done, total: run.tell("on_encode", done, total)
        )
        if self._has_classes and records.labels is None:
            raise InvalidInputError(
                f"{type(self).__name__} learns classes, but there are none. Call fit(X, y), or give a folder with one "
                "sub-folder per class."
            )
        labels = records.labels if self._has_classes else None
        self.n_images_ = len(records)
        self.clusters_, clusters = find_clusters(records, labels, self._count_clusters(), self.seed_)
        records.labels = clusters if self._n_told else None
        augment = self._recipe.augment if self.augment == "auto" else self.augment
        self.augment_kinds_ = choose_kinds(len(records), self.encoder_.format_.channels, augment)
        self._held_out = records  # for the likeness; forgotten when fit is over
        return records

    def _count_clusters(self) -> int:
        if self.n_clusters != "auto":
            return int(self.n_clusters)
        return min(_MOST_CLUSTERS, self.n_images_ // _IMAGES_PER_CLUSTER) if self._recipe.has_clusters else 1

    def _make_game(self) -> ImageGame:
        image_format = self.encoder_.format_
        shape = ImageShape(image_format.channels, image_format.height, image_format.width)
        widths = self._choice("generator_width"), self._choice("discriminator_width")
        generator, discriminator = PLAYERS[self._recipe.players](
            shape, self._choice("latent_dim"), widths, self._n_told
        )
        penalty = self._recipe.gradient_penalty if self.gradient_penalty == "auto" else self.gradient_penalty
        game = ImageGame(
            generator,
            discriminator,
            latent_dim=self._choice("latent_dim"),
            kinds=tuple(self.augment_kinds_),
            ramp_images=min(max(_RAMP_PASSES * self.n_images_, _RAMP_RANGE[0]), _RAMP_RANGE[1]),
            has_uniform_noise=self._recipe.has_uniform_noise,
            loss=self._choice("loss"),
            penalty=penalty,
            penalty_weight=self._choice("gradient_penalty_weight"),
            penalty_interval=self._choice("gradient_penalty_interval"),
            penalty_size=self._recipe.penalty_size,
        )
        return game.to(memory_format=torch.channels_last)

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        return Batches(records, self._choice("batch_size"), make_generator(self.seed_, "batches"), device)

    def _budget(self) -> Budget:
        limits = {name: getattr(self, name) for name in ("epochs", "max_steps", "max_seconds")}
        is_open = all(limit is None for limit in limits.values())
        return Budget(max_steps=DEFAULT_STEPS) if is_open else Budget(**limits)

    def _settings(self, device: torch.device) -> TrainingSettings:
        is_open = self.precision == "auto"
        self.precision_ = ("bfloat16" if is_bfloat16_faster(device.type) else "float32") if is_open else self.precision
        return TrainingSettings(
            **{name: self._choice(name) for name in _SETTINGS},
            generator_betas=self._recipe.betas,
            discriminator_betas=self._recipe.betas,
            warmup_steps=self._recipe.warmup_steps,
            precision=self.precision_,
        )

    def _own_callbacks(self) -> list[Callback]:
        return [KeepBest()] if self._choice("keep_best") else []

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        game, averaged = trainer.game, trainer.averager.module
        assert isinstance(game, ImageGame) and isinstance(averaged, ImageGenerator)

        def look(name: str, n_images: int) -> Callable[[], Tensor]:
            parts = self._latent_parts(game, n_images, derive_seed(self.seed_, name))  # the same at every look
            return lambda: self._draw(in_blocks(averaged.latent, *parts, device=trainer.device), averaged)

        preview, fakes = look("preview", _PREVIEW_IMAGES), look("likeness", N_FAKE)
        run.preview = lambda: self.encoder_.decode(preview())
        run.picture = lambda: make_grid(preview().numpy(), value_range=(-1, 1), layout="NCHW")
        if self._choice("keep_best") and self.n_images_ >= _FEWEST_COMPARED:
            likeness = Likeness(self._held_out, derive_seed(self.seed_, "likeness"))
            run.quality = lambda: likeness(fakes())

    def _fitted_state(self) -> dict[str, Any]:
        return super()._fitted_state() | {"clusters": asdict(self.clusters_)}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.clusters_ = Clusters(**state.pop("clusters"))
        super()._restore_fitted(state)

    def _restore_encoder(self, state: dict[str, Any]) -> None:
        self.encoder_ = ImageEncoder.from_state(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _device_of(network: torch.nn.Module) -> torch.device:
    return next(network.parameters()).device
