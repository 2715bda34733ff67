"""SRGAN: small images made large, true to their pixels first and then with texture."""

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ganaug.adversarial import (
    AdversarialGame,
    Batch,
    BatchStream,
    Callback,
    RecordSource,
    Run,
    Terms,
    Trainer,
    Turn,
    Weight,
    make_generator,
)
from ganaug.devices import resolve_device
from ganaug.exceptions import InvalidInputError
from ganaug.images.anysize import apply_in_tiles, called, load_pictures
from ganaug.images.classifier import ImageClassifier
from ganaug.images.degrading import DEGRADATIONS, degrade, vary
from ganaug.images.grids import make_grid
from ganaug.images.networks.translating import PatchDiscriminator, per_image
from ganaug.images.networks.upscaling import Upscaler, enlarge
from ganaug.images.patches import PatchBatches, Patches
from ganaug.images.policy import Policy
from ganaug.images.translator import ImageTranslator, as_judge

_PREVIEW_IMAGES = 8
_HALVINGS = 2
"""Of the discriminator: it judges details, whatever the size of the patches."""


class SuperResolutionGame(AdversarialGame):
    """Small image -> large one: true to the pixels first, then deceptive as well.

    Parameters
    ----------
    generator : Upscaler
    discriminator : PatchDiscriminator
    faithful : Upscaler
        Keeps the generator as it was before the discriminator had a say; ``is_kept`` says whether it does so yet.
    degradation : str
        How batches without a ``source`` come by small images.
    is_varied : bool
        Whether images are mirrored and recolored at random.
    pixel_weight, feature_weight : float or callable of the progress
        Of ``pixel``: the mean distance from the true pixels; ``feature``: the mean squared distance of ``features``.
    features : callable or None
        Images in [-1, 1] -> what is seen in them.
    **settings
        Of ``AdversarialGame``. ``adversarial_weight`` is 0 in the first phase.
    """

    generator: Upscaler
    is_kept: Tensor

    def __init__(
        self,
        generator: Upscaler,
        discriminator: PatchDiscriminator,
        faithful: Upscaler,
        *,
        degradation: str = "area",
        is_varied: bool = False,
        pixel_weight: Weight = 1.0,
        feature_weight: Weight = 0.0,
        features: Callable[[Tensor], Tensor] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(generator, discriminator, **settings)
        self.faithful = faithful.requires_grad_(False)
        self.register_buffer("is_kept", torch.zeros((), dtype=torch.bool))
        self.degradation, self.is_varied = degradation, is_varied
        self.pixel_weight, self.feature_weight = pixel_weight, feature_weight
        self._features = () if features is None else (features,)  # not a module of the game: nobody trains it

    def small(self, batch: Batch, turn: Turn) -> Tensor:
        """Return the small versions of the batch's images."""
        if batch.source is not None:
            return batch.source
        return degrade(batch.real, self.generator.scale, self.degradation, turn.rng)

    def make_fake(self, batch: Batch, turn: Turn) -> Tensor:
        """Return what the generator makes of the small images."""
        fake: Tensor = self.generator(self.small(batch, turn))
        return fake

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial`` and, on its turns, ``gradient_penalty``; nothing in the first phase."""
        if not turn.weight(self.adversarial_weight):
            return {}
        return super().discriminator_terms(vary(batch, turn.rng) if self.is_varied else batch, turn)

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``pixel``, ``feature`` and ``adversarial``, unless their weights are 0."""
        batch = vary(batch, turn.rng) if self.is_varied else batch
        fake, real = self.make_fake(batch, turn), batch.real
        adversarial, pixel, feature = (
            turn.weight(weight) for weight in (self.adversarial_weight, self.pixel_weight, self.feature_weight)
        )
        terms = {"pixel": pixel * (fake - real).abs().mean()} if pixel else {}
        if feature and self._features:
            look = self._features[0]
            with torch.no_grad():
                wanted = look(real)
            terms["feature"] = feature * (look(fake) - wanted).square().mean()
        if adversarial:
            terms["adversarial"] = adversarial * self.deception(self.discriminator, real, fake)
        return terms

    def penalize(self, judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, turn: Turn) -> Terms:
        """``gradient_penalty`` of the mean logit of each image."""
        return super().penalize(lambda images: per_image(judge(images)), real, fake, turn)

    @torch.no_grad()
    def keep(self, faithful: nn.Module) -> None:
        """Remember a generator as the faithful one."""
        self.faithful.load_state_dict(faithful.state_dict())
        self.is_kept.fill_(True)


class _KeepFaithful(Callback):
    """Remember the averaged generator when the second phase begins, or else when the training ends."""

    def __init__(self, begins: float) -> None:
        self.begins = begins

    def on_step_end(self, run: Run) -> None:
        """Look whether it has begun; one step of the second phase hardly moves an average."""
        if run.progress >= self.begins:
            self._keep(run)
        else:  # perhaps once more: a training may go on with a larger budget
            self._game(run).is_kept.fill_(False)

    def on_choose_weights(self, run: Run) -> None:
        """See to it that there is a faithful generator; later than a checkpoint of a training that will go on."""
        self._keep(run)

    def _keep(self, run: Run) -> None:
        if not self._game(run).is_kept:
            assert run.trainer is not None
            self._game(run).keep(run.trainer.averager.module)

    def _game(self, run: Run) -> SuperResolutionGame:
        assert run.trainer is not None and isinstance(run.trainer.game, SuperResolutionGame)
        return run.trainer.game


class SRGAN(ImageTranslator):
    """Enlarge images, with a network that is true to the pixels first and then learns texture (Ledig et al. 2017).

    The first part of the budget trains the generator on pixels alone, which blurs what can't be known. In the rest, a
    discriminator of patches also has a say, which asks for what real images look like. Both generators are kept, and
    ``network_interpolation`` mixes them, at any time after the training.

    Parameters
    ----------
    scale : {2, 3, 4}, default=2
        How many times as high and wide images become.
    epochs, max_steps : int or None, default=None
        Passes over the images (over as many patches as fit into them), and generator updates. The first of ``epochs``,
        ``max_steps`` and ``max_seconds`` to be used up ends the training; if none is set, 3,000 steps do.
    max_seconds : float or None, default=None
        Wall time in seconds, loading included. Results under a time budget depend on the machine's speed.
    pretraining : float, default=0.7
        Share of the budget for the first phase, 0 to 1.
    network_interpolation : float, default=1.0
        What ``transform`` uses: 0 is the generator of the first phase (closest to the true pixels), 1 that of the
        second (most texture); between them their weights are mixed (Wang et al. 2018). May be changed after ``fit``.
    patch_size : int or None, default=None
        Side of the square parts of large images that are learned from, a multiple of ``scale``. None takes the whole
        images if they are small, and 64 pixels or the shortest side otherwise.
    degradation : {"area", "bicubic", "blur_noise"}, default="area"
        How large images become small ones to learn from: means of blocks, the filter of image libraries, or blur and
        noise of random strength, for pictures whose past nobody knows. What the model is to enlarge should have been
        made small likewise.
    augment : bool or "auto", default="auto"
        Mirror the patches, put their color channels in another order and turn them into negatives, at random, so that
        what is learned from few photographs holds for others. "auto" does so where patches are parts of larger images.
    batch_size : int, default=16
        Patches per step.
    width : int, default=48
        Channels of the generator's hidden grids.
    n_blocks : int, default=4
        Residual blocks of the generator.
    discriminator_width : int, default=32
        Channels after the discriminator's first convolution.
    pixel_weight : float, default=1.0
        How much a wrong pixel costs: the mean distance in [-1, 1].
    feature_network : ImageClassifier, Module or None, default=None
        What sees in an image what matters: a fitted ``ganaug.images.classifier.ImageClassifier``, whose last hidden
        layer is compared, or a module from images (n, channels, height, width) in [0, 1] to features, such as the
        first layers of a VGG whose weights you have. Not saved with the model.
    feature_weight : float, default=1.0
        How much it costs that it sees something else: the mean squared distance.
    adversarial_weight : float, default=0.01
        How much being told from real images costs in the second phase. 0 is a network for pixels alone.
    color, layout, value_range, on_unreadable
        As in ``CycleGAN``.
    memory_limit : int, default=2**30
        Bytes of pixels, all of which are kept in memory.
    loss : str, default="relativistic"
        "minimax", "non_saturating" (the paper's), "least_squares", "hinge", "wasserstein" or "relativistic".
    gradient_penalty : str or None, default="r1_r2"
        "r1", "r2", "r1_r2", "wasserstein_gp" or None (the paper's).
    gradient_penalty_weight : float, default=0.1
    gradient_penalty_interval : int, default=8
        Discriminator updates per penalty.
    discriminator_steps : int, default=1
        Discriminator updates per generator update.
    generator_lr, discriminator_lr : float, default=2e-3 and 1e-3
        Adam's step sizes.
    learning_rate_schedule : {"cosine", "linear", "constant"}, default="cosine"
        How they fall over the budget.
    ema_decay : float, default=0.998
        Decay of the averaged generator, which is the one that is kept; 0 is none.
    callbacks : list of Callback or None, default=None
        ``SampleGrid`` shows enlargements, ``MLflowCallback`` bicubic ones, the generator's and the true images.
    verbose : int, default=0
        1 shows a progress bar.
    device : str, default="auto"
        "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        As in ``DCGAN``.
    random_state : int, RandomState instance or None, default=None
        With an int, ``fit`` under a budget of steps is repeatable bit for bit on the same machine's CPU with as many
        threads.

    Attributes
    ----------
    encoder_ : ImageEncoder
        The large images' form; ``encoder_.report_`` says what was loaded.
    generator_, discriminator_ : Module
        The averaged generator of the second phase, and the discriminator.
    precision_ : str
        What "auto" came to.
    history_ : list of dict
        A row per epoch (and at most 50 steps): ``epoch``, ``step``, ``seconds`` and the mean of each ``player/term``.
    n_iter_ : int
        Generator updates made.
    n_images_ : int
    patch_size_ : int
    augment_ : bool
    stop_reason_ : str
        "epochs", "max_steps", "max_seconds", "interrupted", "diverged", or what a callback said.

    References
    ----------
    Ledig et al. 2017, arXiv 1609.04802; Wang et al. 2018 (ESRGAN: relativistic loss, interpolation), arXiv 1809.00219.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.images import SRGAN
    >>> digits = load_digits().images / 16
    >>> small = digits.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    >>> gan = SRGAN(scale=2, max_steps=10, random_state=0).fit(digits)
    >>> gan.transform(small[:5]).shape
    (5, 8, 8)
    """

    _networks: ClassVar[tuple[str, ...]] = ("feature_network",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ImageTranslator._parameter_constraints,
        **{name: [Interval(Integral, 1, None, closed="left")] for name in ("width", "discriminator_width")},
        **{name: [Interval(Real, 0, 1, closed="both")] for name in ("pretraining", "network_interpolation")},
        **{
            name: [Interval(Real, 0, None, closed="left")]
            for name in ("pixel_weight", "feature_weight", "adversarial_weight")
        },
        "scale": [Options(Integral, {2, 3, 4})],
        "n_blocks": [Interval(Integral, 0, None, closed="left")],
        "degradation": [StrOptions(set(DEGRADATIONS))],
        "augment": ["boolean", StrOptions({"auto"})],
        "feature_network": [ImageClassifier, nn.Module, None],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*ImageTranslator._fitted_names, "augment_")

    def __init__(
        self,
        scale: int = 2,
        *,
        epochs: int | None = None,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        pretraining: float = 0.7,
        network_interpolation: float = 1.0,
        patch_size: int | None = None,
        degradation: str = "area",
        augment: bool | str = "auto",
        batch_size: int = 16,
        width: int = 48,
        n_blocks: int = 4,
        discriminator_width: int = 32,
        pixel_weight: float = 1.0,
        feature_network: ImageClassifier | nn.Module | None = None,
        feature_weight: float = 1.0,
        adversarial_weight: float = 0.01,
        color: str = "auto",
        layout: str = "auto",
        value_range: str | tuple[float, float] = "auto",
        on_unreadable: str = "raise",
        memory_limit: int = 2**30,
        loss: str = "relativistic",
        gradient_penalty: str | None = "r1_r2",
        gradient_penalty_weight: float = 0.1,
        gradient_penalty_interval: int = 8,
        discriminator_steps: int = 1,
        generator_lr: float = 2e-3,
        discriminator_lr: float = 1e-3,
        learning_rate_schedule: str = "cosine",
        ema_decay: float = 0.998,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.scale = scale
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.pretraining = pretraining
        self.network_interpolation = network_interpolation
        self.patch_size = patch_size
        self.degradation = degradation
        self.augment = augment
        self.batch_size = batch_size
        self.width = width
        self.n_blocks = n_blocks
        self.discriminator_width = discriminator_width
        self.pixel_weight = pixel_weight
        self.feature_network = feature_network
        self.feature_weight = feature_weight
        self.adversarial_weight = adversarial_weight
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
        self.callbacks = callbacks
        self.verbose = verbose
        self.device = device
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn to enlarge images.

        Parameters
        ----------
        X : array-like, list of arrays, list of paths, or path of a folder
            Large images, of any sizes; they are made small by ``degradation``. If ``y`` is given, ``X`` are small
            images instead.
        y : same kinds, optional
            The large version of each image of ``X``, ``scale`` times as high and wide.
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback: training goes on from there as if it had never stopped.

        Returns
        -------
        self
        """
        return super().fit(X, y, resume_from=resume_from)

    def transform(self, X: Any) -> Any:
        """Enlarge images.

        Parameters
        ----------
        X : array-like, list of arrays, list of paths, or path of a folder
            Small images, of any size.

        Returns
        -------
        ndarray or list of ndarray
            Images ``scale`` times as high and wide, in the layout, dtype and range of the large images that ``fit``
            was given: an array for an array; a list for a list or files, whose sizes may differ.
        """
        check_is_fitted(self)
        return self._make(self._mixed_generator(), X, self.encoder_, self.encoder_)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return how much each image looks to the discriminator like a real large one; higher = more.

        Parameters
        ----------
        X : array-like, list of arrays, list of paths, or path of a folder
            Large images.

        Returns
        -------
        ndarray of shape (n_images,), float64
            The mean of the patches' logits; only their order means something.
        """
        check_is_fitted(self)
        return self._score(self.discriminator_, X, self.encoder_)

    def _mixed_generator(self) -> nn.Module:
        """Return the generator between that of the first phase and that of the second."""
        self._validate_params()
        assert isinstance(self.game_, SuperResolutionGame)
        first, second = self.game_.faithful, self.generator_
        if self.network_interpolation in (0, 1):
            return second if self.network_interpolation else first
        mixed = copy.deepcopy(second)
        for weight, faithful in zip(mixed.parameters(), first.parameters(), strict=True):
            weight.data.copy_(torch.lerp(faithful, weight, float(self.network_interpolation)))
        return mixed

    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        self._check_weights()
        with called("X" if y is None else "y"):
            encoder, large = self._learn(X if y is None else y, run)
        small = None if y is None else load_pictures(X, encoder.format_, Policy.of(encoder))
        if small is not None:
            _check_pairs(small.sizes, large.sizes, self.scale)
        with called("X" if y is None else "y"):
            side = self.patch_size_ = self._settle_patch(large, multiple=self.scale)
        self.augment_ = max(max(size) for size in large.sizes) > side if self.augment == "auto" else self.augment
        encoder.format_ = replace(encoder.format_, height=side, width=side)
        self.encoder_, self.n_images_ = encoder, len(large)
        self._fit_records = Patches(large, side, small, self.scale)
        return self._fit_records

    def _check_weights(self) -> None:
        has_content = self.pixel_weight or (self.feature_weight and self.feature_network is not None)
        if not has_content and (self.pretraining or not self.adversarial_weight):
            raise InvalidInputError(
                f"pixel_weight={self.pixel_weight} and there is no feature_network with a weight, so there is nothing "
                f"to learn in the first phase. Raise one of them, or say pretraining=0 (now {self.pretraining}) with "
                f"an adversarial_weight (now {self.adversarial_weight})."
            )

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        return PatchBatches(records, self.batch_size, make_generator(self.seed_, "batches"), device)

    def _make_game(self) -> SuperResolutionGame:
        channels = self.encoder_.format_.channels
        generator, faithful = (Upscaler(channels, self.width, self.n_blocks, self.scale) for _ in range(2))
        game = SuperResolutionGame(
            generator,
            PatchDiscriminator(channels, self.discriminator_width, _HALVINGS),
            faithful,
            degradation=self.degradation,
            is_varied=bool(self.augment_),
            pixel_weight=self.pixel_weight,
            feature_weight=self.feature_weight,
            features=as_judge(
                "feature_network",
                self.feature_network if self._is_learning else None,
                True,
                resolve_device(self.device, fallback=True),
                [(channels, *self.encoder_.format_.size)],
            ),
            adversarial_weight=self._adversarial_weight,
            loss=self.loss,
            penalty=self.gradient_penalty,
            penalty_weight=self.gradient_penalty_weight,
            penalty_interval=self.gradient_penalty_interval,
        )
        return game.to(memory_format=torch.channels_last)

    def _adversarial_weight(self, progress: float) -> float:
        return self.adversarial_weight if progress >= self.pretraining else 0.0

    def _own_callbacks(self) -> list[Callback]:
        return [_KeepFaithful(self.pretraining)]

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        game, averaged = trainer.game, trainer.averager.module
        assert isinstance(game, SuperResolutionGame)
        indices = torch.arange(0, len(self._fit_records), max(1, len(self._fit_records) // _PREVIEW_IMAGES))
        batch = self._fit_records.take(indices[:_PREVIEW_IMAGES])
        small = game.small(batch, Turn(0, 0.0, make_generator(self.seed_, "preview")))

        def enlarged() -> Tensor:
            return apply_in_tiles(averaged, small, trainer.device)

        def picture() -> np.ndarray:
            rows = torch.cat([enlarge(small, self.scale), enlarged(), batch.real]).clamp(-1.0, 1.0)
            return make_grid(rows.numpy(), len(small), value_range=(-1, 1), layout="NCHW")

        run.preview = lambda: self.encoder_.decode(enlarged())
        run.picture = picture


def _check_pairs(small: list[tuple[int, int]], large: list[tuple[int, int]], scale: int) -> None:
    if len(small) != len(large):
        raise InvalidInputError(f"X holds {len(small)} small images and y {len(large)} large ones; give pairs.")
    for place, (few, many) in enumerate(zip(small, large, strict=True)):
        if tuple(scale * side for side in few) != tuple(many):
            raise InvalidInputError(
                f"X[{place}] has {few[0]} x {few[1]} pixels and y[{place}] {many[0]} x {many[1]}, not scale={scale} "
                "times as many each way. Give small images first, then the large ones."
            )
