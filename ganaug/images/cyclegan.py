"""CycleGAN: images of one domain made into images of another, learned without pairs."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn
from torch.nn import functional

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
)
from ganaug.devices import resolve_device
from ganaug.exceptions import InvalidInputError
from ganaug.images.anysize import apply_in_tiles
from ganaug.images.classifier import ImageClassifier
from ganaug.images.encoder import ImageEncoder
from ganaug.images.grids import make_grid
from ganaug.images.history import FakeHistory
from ganaug.images.networks.translating import PatchDiscriminator, Translator, count_halvings, match_channels, per_image
from ganaug.images.patches import PairOfDomains, Patches, UnpairedBatches
from ganaug.images.translator import ImageTranslator, as_judge

_PREVIEW_IMAGES = 8
_USUAL_BATCH, _USUAL_SIDE = 16, 32
"""So many images of so many pixels a side are a batch."""
_SHORTCUTS = {"identity": 1, "negative": -1}
_N_AVERAGED = 1000
"""Images whose mean tells whether a domain looks like the other one's negative."""
Opinion = Callable[[Tensor], Tensor]


class CycleGame(AdversarialGame):
    """Two generators, there and back, and a discriminator in each domain.

    A batch's ``source`` is of domain A and its ``real`` of domain B.

    Parameters
    ----------
    generator : ModuleDict
        ``a_to_b`` and ``b_to_a``.
    discriminator : ModuleDict
        ``a`` and ``b``: images -> logits of patches.
    histories : ModuleDict
        ``a`` and ``b``: earlier fakes.
    cycle_noise : float
        Deviation of the noise that is laid over an image before it goes back.
    cycle_weight, identity_weight, semantic_weight : float or callable of the progress
        Of ``cycle``: an image that has gone there and back is as it was; ``identity``: an image that is of the wanted
        domain already is left alone; ``semantic``: what ``opinion`` says of an image of A is true of its translation.
    opinion : callable or None
        Images of domain A in [-1, 1] -> logits of classes.
    **settings
        Of ``AdversarialGame``.
    """

    generator: nn.ModuleDict
    discriminator: nn.ModuleDict

    def __init__(
        self,
        generator: nn.ModuleDict,
        discriminator: nn.ModuleDict,
        histories: nn.ModuleDict,
        *,
        cycle_weight: Weight = 10.0,
        cycle_noise: float = 0.0,
        identity_weight: Weight = 0.0,
        semantic_weight: Weight = 0.0,
        opinion: Opinion | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(generator, discriminator, **settings)
        self.histories = histories
        self.cycle_weight, self.cycle_noise, self.identity_weight = cycle_weight, cycle_noise, identity_weight
        self.semantic_weight = semantic_weight
        self._opinions = () if opinion is None else (opinion,)  # not a module of the game: nobody trains it

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial`` and, on its turns, ``gradient_penalty``; sums over both domains."""
        real_of = {"a": _source(batch), "b": batch.real}
        with torch.no_grad():
            fake_of = {"a": self.generator["b_to_a"](real_of["b"]), "b": self.generator["a_to_b"](real_of["a"])}
        terms: Terms = {}
        logits: list[tuple[Tensor, Tensor]] = []
        for domain, real in real_of.items():
            judge, history = self.discriminator[domain], self.histories[domain]
            fake = history.exchange(fake_of[domain], turn.rng)
            logits.append((judge(real), judge(fake)))
            parts = {"adversarial": self.loss.discriminator(*logits[-1])}
            parts |= self.penalize(lambda images, judge=judge: per_image(judge(images)), real, fake, turn)
            terms = {name: terms.get(name, 0.0) + part for name, part in parts.items()}
        real_logits, fake_logits = (torch.cat([pair[side].flatten() for pair in logits]) for side in (0, 1))
        self.watch(turn, real_of["b"], fake_of["b"], real_logits, fake_logits)
        return terms

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial``, ``cycle``, ``identity`` and ``semantic``, unless their weights are 0."""
        real_a, real_b = _source(batch), batch.real
        there, back = self.generator["a_to_b"], self.generator["b_to_a"]
        fake_b, fake_a = there(real_a), back(real_b)
        means: dict[str, tuple[float, Callable[[], Tensor]]] = {
            "adversarial": (
                turn.weight(self.adversarial_weight),
                lambda: (
                    self.deception(self.discriminator["b"], real_b, fake_b)
                    + self.deception(self.discriminator["a"], real_a, fake_a)
                ),
            ),
            "cycle": (
                turn.weight(self.cycle_weight),
                lambda: (
                    _distance(back(self._add_noise(fake_b, turn)), real_a)
                    + _distance(there(self._add_noise(fake_a, turn)), real_b)
                ),
            ),
            "identity": (
                turn.weight(self.identity_weight),
                lambda: _distance(there(real_b), real_b) + _distance(back(real_a), real_a),
            ),
            "semantic": (
                turn.weight(self.semantic_weight) if self._opinions else 0.0,
                lambda: self._disagreement(real_a, fake_b) + self._disagreement(fake_a, real_b),
            ),
        }
        return {name: weight * measure() for name, (weight, measure) in means.items() if weight}

    def _add_noise(self, fake: Tensor, turn: Turn) -> Tensor:
        """Return a fake with noise on it, which drowns what is hidden in it for the way back."""
        if not self.cycle_noise:
            return fake
        return fake + self.cycle_noise * torch.randn(fake.shape, generator=turn.rng, device=fake.device)

    def _disagreement(self, in_a: Tensor, in_b: Tensor) -> Tensor:
        """Return how far the opinion of images of A differs from that of the same ones in B; what is real is right."""
        opinion = self._opinions[0]
        if in_a.requires_grad:
            return functional.cross_entropy(opinion(in_a), opinion(in_b).detach().argmax(dim=1))
        return functional.cross_entropy(opinion(in_b), opinion(in_a).detach().argmax(dim=1))


def _source(batch: Batch) -> Tensor:
    assert batch.source is not None
    return batch.source


def _distance(images: Tensor, wanted: Tensor) -> Tensor:
    return (images - wanted).abs().mean()


class CycleGAN(ImageTranslator):
    """Translate images of one domain into another, learned from images of both that are no pairs (Zhu et al. 2017).

    Two generators, there and back, must deceive a discriminator in each domain, and what has gone there and back must
    be as it was. ``transform`` makes an image of A one of B, ``inverse_transform`` goes back; both take images of any
    size, large ones in parts that overlap. The networks are convolutions without a norm over the image, so that the
    parts fit together exactly.

    Parameters
    ----------
    epochs, max_steps : int or None, default=None
        Passes over the larger domain, and generator updates. The first of ``epochs``, ``max_steps`` and
        ``max_seconds`` to be used up ends the training; if none is set, 3,000 steps do.
    max_seconds : float or None, default=None
        Wall time in seconds, loading included. Results under a time budget depend on the machine's speed.
    patch_size : int or None, default=None
        Side of the square parts of large images that are learned from, at the size they have. None takes the whole
        images if they are small, and 64 pixels or the shortest side otherwise.
    batch_size : int or None, default=None
        Images or patches of each domain per step, at most as many as the smaller domain has. None is 16, and fewer for
        patches of more than 32 pixels: 4 for 64.
    width : int, default=24
        Channels of the generators at full size; twice as many with every halving.
    discriminator_width : int, default=32
        Channels after the discriminators' first convolution.
    n_blocks : int, default=2
        Residual blocks of each generator.
    shortcut : {"auto", "identity", "negative"} or None, default="auto"
        What the generators change, at first into itself: the image, or its negative. "auto" takes the one whose mean
        is more like the mean of the other domain. None has them draw the image anew, which takes longer, and fails
        more often.
    cycle_weight : float, default=1.0
        How much it costs to come back changed, as a mean distance of pixels in [-1, 1]. Less lets the translation
        change more; much less, and it need not have anything to do with the image.
    cycle_noise : float, default=0.1
        Deviation of the noise that is laid over a translation before it is translated back, in pixels of [-1, 1]. It
        drowns what the generators would hide from the discriminators to find their way back (Bashkirova et al. 2019).
    identity_weight : float, default=0.0
        How much it costs to change an image that is of the wanted domain already: keeps colors where they are. The
        domains must have equally many channels.
    semantic_network : ImageClassifier, Module or None, default=None
        A classifier of domain A whose opinion must survive translation (Hoffman et al. 2018): a fitted
        ``ganaug.images.classifier.ImageClassifier``, or a module from images (n, channels, height, width) in [0, 1]
        to logits. Not saved with the model.
    semantic_weight : float, default=1.0
        How much it costs if it changes its mind.
    history_size : int, default=50
        Earlier fakes of each domain that are shown to its discriminator now and then; 0 for none. Files of the
        ``Checkpoint`` callback hold them; saved models don't.
    color : {"auto", "grey", "rgb", "rgba"}, default="auto"
        What files are read as; "auto" is the least that holds all of a domain.
    layout : {"auto", "NHWC", "NCHW", "NHW"}, default="auto"
        Order of an array's axes, where its shape leaves it open.
    value_range : "auto" or (low, high), default="auto"
        What stands for black and white: of integers the dtype's range, of floats [0, 1].
    on_unreadable : {"raise", "skip"}, default="raise"
        What is done about files in a folder that are no readable images; both name them.
    memory_limit : int, default=2**30
        Bytes of pixels of each domain, all of which are kept in memory.
    loss : str, default="least_squares"
        "minimax", "non_saturating", "least_squares" (the paper's), "hinge", "wasserstein" or "relativistic".
    gradient_penalty : str or None, default="r1_r2"
        "r1", "r2", "r1_r2", "wasserstein_gp" or None (the paper's): holds the discriminators' slopes down.
    gradient_penalty_weight : float, default=0.1
    gradient_penalty_interval : int, default=8
        Discriminator updates per penalty.
    discriminator_steps : int, default=1
        Discriminator updates per generator update.
    generator_lr, discriminator_lr : float, default=5e-4
        Adam's step sizes.
    learning_rate_schedule : {"linear", "cosine", "constant"}, default="linear"
        How they fall over the budget: "linear" begins halfway (the paper's).
    ema_decay : float, default=0.998
        Decay of the averaged generators, which are those that are kept; 0 is none.
    callbacks : list of Callback or None, default=None
        ``SampleGrid`` shows translations, ``MLflowCallback`` images above their translations.
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
    encoder_, encoder_b_ : ImageEncoder
        The images' form in each domain; ``encoder_.report_`` says what was loaded.
    generator_ : ModuleDict
        The averaged generators ``a_to_b`` and ``b_to_a``.
    discriminator_ : ModuleDict
        The discriminators ``a`` and ``b``.
    precision_, shortcut_ : str
        What "auto" came to.
    history_ : list of dict
        A row per epoch (and at most 50 steps): ``epoch``, ``step``, ``seconds`` and the mean of each ``player/term``.
    n_iter_ : int
        Generator updates made.
    n_images_ : (int, int)
        Of each domain.
    patch_size_ : int
    stop_reason_ : str
        "epochs", "max_steps", "max_seconds", "interrupted", "diverged", or what a callback said.

    References
    ----------
    Zhu et al. 2017, arXiv 1703.10593; Hoffman et al. 2018 (semantic consistency), arXiv 1711.03213; Bashkirova et al.
    2019 (noise), arXiv 1908.01517.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from ganaug.images import CycleGAN
    >>> digits = load_digits().images / 16
    >>> black_on_white = 1 - digits[900:]
    >>> gan = CycleGAN(max_steps=10, random_state=0).fit(digits[:900], black_on_white)
    >>> gan.transform(digits[:5]).shape
    (5, 8, 8)
    """

    _networks: ClassVar[tuple[str, ...]] = ("semantic_network",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ImageTranslator._parameter_constraints,
        "batch_size": [*ImageTranslator._parameter_constraints["batch_size"], None],
        **{name: [Interval(Integral, 1, None, closed="left")] for name in ("width", "discriminator_width")},
        **{name: [Interval(Integral, 0, None, closed="left")] for name in ("n_blocks", "history_size")},
        **{
            name: [Interval(Real, 0, None, closed="left")]
            for name in ("cycle_weight", "cycle_noise", "identity_weight", "semantic_weight")
        },
        "shortcut": [StrOptions({"auto", *_SHORTCUTS}), None],
        "semantic_network": [ImageClassifier, nn.Module, None],
    }
    _fitted_names: ClassVar[tuple[str, ...]] = (*ImageTranslator._fitted_names, "shortcut_")

    def __init__(
        self,
        *,
        epochs: int | None = None,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        patch_size: int | None = None,
        batch_size: int | None = None,
        width: int = 24,
        discriminator_width: int = 32,
        n_blocks: int = 2,
        shortcut: str | None = "auto",
        cycle_weight: float = 1.0,
        cycle_noise: float = 0.1,
        identity_weight: float = 0.0,
        semantic_network: ImageClassifier | nn.Module | None = None,
        semantic_weight: float = 1.0,
        history_size: int = 50,
        color: str = "auto",
        layout: str = "auto",
        value_range: str | tuple[float, float] = "auto",
        on_unreadable: str = "raise",
        memory_limit: int = 2**30,
        loss: str = "least_squares",
        gradient_penalty: str | None = "r1_r2",
        gradient_penalty_weight: float = 0.1,
        gradient_penalty_interval: int = 8,
        discriminator_steps: int = 1,
        generator_lr: float = 5e-4,
        discriminator_lr: float = 5e-4,
        learning_rate_schedule: str = "linear",
        ema_decay: float = 0.998,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.width = width
        self.discriminator_width = discriminator_width
        self.n_blocks = n_blocks
        self.shortcut = shortcut
        self.cycle_weight = cycle_weight
        self.cycle_noise = cycle_noise
        self.identity_weight = identity_weight
        self.semantic_network = semantic_network
        self.semantic_weight = semantic_weight
        self.history_size = history_size
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

    def fit(self, domain_a: Any, domain_b: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn to translate between two sets of images.

        Parameters
        ----------
        domain_a, domain_b : array-like, list of arrays, list of paths, or path of a folder
            Images of any sizes. There may be more of one domain than of the other, and their channels may differ.
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback: training goes on from there as if it had never stopped.

        Returns
        -------
        self
        """
        return super().fit(domain_a, domain_b, resume_from=resume_from)

    def transform(self, X: Any) -> Any:
        """Make images of domain A images of domain B.

        Parameters
        ----------
        X : array-like, list of arrays, list of paths, or path of a folder
            Images of domain A, of any size: nothing is scaled.

        Returns
        -------
        ndarray or list of ndarray
            An array for an array, in the layout, dtype and range of domain B; a list for a list or files, whose sizes
            may differ.
        """
        return self._make(self.generator_["a_to_b"], X, self.encoder_, self.encoder_b_)

    def inverse_transform(self, X: Any) -> Any:
        """Make images of domain B images of domain A; see ``transform``."""
        return self._make(self.generator_["b_to_a"], X, self.encoder_b_, self.encoder_)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return how much each image looks to the discriminator like one of domain B; higher = more.

        Parameters
        ----------
        X : array-like, list of arrays, list of paths, or path of a folder
            Images of any size, with the channels of domain B.

        Returns
        -------
        ndarray of shape (n_images,), float64
            The mean of the patches' logits; only their order means something.
        """
        return self._score(self.discriminator_["b"], X, self.encoder_b_)

    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        if y is None:
            raise InvalidInputError("CycleGAN learns from two sets of images. Call fit(domain_a, domain_b).")
        learned = []
        for domain, name in ((X, "domain_a"), (y, "domain_b")):
            try:
                learned.append(self._learn(domain, run))
            except InvalidInputError as error:
                raise InvalidInputError(f"{name}: {error}") from error
        (self.encoder_, images_a), (self.encoder_b_, images_b) = learned
        self._check_channels()
        side = self.patch_size_ = self._settle_patch(images_a, images_b)
        for encoder, _ in learned:
            encoder.format_ = replace(encoder.format_, height=side, width=side)
        self.n_images_ = (len(images_a), len(images_b))
        self._fit_records = PairOfDomains(Patches(images_a, side), Patches(images_b, side))
        self.shortcut_ = self._choose_shortcut(self._fit_records)
        return self._fit_records

    def _check_channels(self) -> None:
        """Refuse terms that look at an image in both domains, if it has other channels there."""
        n_a, n_b = self.encoder_.format_.channels, self.encoder_b_.format_.channels
        asked = {"identity_weight": self.identity_weight, "semantic_network": self.semantic_network}
        for name, value in asked.items():
            if value and n_a != n_b:
                raise InvalidInputError(
                    f"{name} needs images of equally many channels, and domain_a has {n_a}, domain_b {n_b}. "
                    f'Leave {name} out, or convert a domain (of files: color="rgb").'
                )

    def _choose_shortcut(self, records: PairOfDomains) -> str | None:
        """Return what the generators begin as."""
        if self.shortcut != "auto":
            return self.shortcut
        means = [
            domain.take(torch.arange(0, len(domain), -(-len(domain) // _N_AVERAGED))).real.mean(dim=0, keepdim=True)
            for domain in (records.a, records.b)
        ]
        first, second = (match_channels(mean, 1) for mean in means)
        return "negative" if _distance(-first, second) < _distance(first, second) else "identity"

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        assert isinstance(records, PairOfDomains)
        usual = max(1, min(_USUAL_BATCH, _USUAL_BATCH * _USUAL_SIDE**2 // self.patch_size_**2))
        return UnpairedBatches(records, self.batch_size or usual, self.seed_, device)

    def _make_game(self) -> CycleGame:
        formats = {"a": self.encoder_.format_, "b": self.encoder_b_.format_}
        n_halvings = count_halvings(self.patch_size_)
        channels = {name: known.channels for name, known in formats.items()}
        shortcut = _SHORTCUTS.get(self.shortcut_ or "", 0)
        history_size = self.history_size if self._is_learning else 0
        generators, discriminators, histories = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for start, end in (("a", "b"), ("b", "a")):
            generators[f"{start}_to_{end}"] = Translator(
                channels[start], channels[end], self.width, self.n_blocks, n_halvings, shortcut
            )
            discriminators[end] = PatchDiscriminator(channels[end], self.discriminator_width, max(2, n_halvings + 1))
            histories[end] = FakeHistory(history_size, (channels[end], *formats[end].size))
        opinion = as_judge(
            "semantic_network",
            self.semantic_network if self._is_learning else None,
            False,
            resolve_device(self.device, fallback=True),
            [(known.channels, *known.size) for known in formats.values()],
        )
        game = CycleGame(
            generators,
            discriminators,
            histories,
            cycle_weight=self.cycle_weight,
            cycle_noise=self.cycle_noise,
            identity_weight=self.identity_weight,
            semantic_weight=self.semantic_weight,
            opinion=opinion,
            loss=self.loss,
            penalty=self.gradient_penalty,
            penalty_weight=self.gradient_penalty_weight,
            penalty_interval=self.gradient_penalty_interval,
        )
        return game.to(memory_format=torch.channels_last)

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        records, averaged = self._fit_records, trainer.averager.module
        images = records.a.take(torch.arange(min(_PREVIEW_IMAGES, len(records.a)))).real

        def translated() -> Tensor:
            return apply_in_tiles(averaged["a_to_b"], images, trainer.device)

        def picture() -> np.ndarray:
            fakes = translated()
            both = [images, fakes]
            if images.shape[1] != fakes.shape[1]:  # side by side in the colors that the other has not
                both = [match_channels(part[:, :3], 3) for part in both]
            rows = torch.cat(both).clamp(-1.0, 1.0)
            return make_grid(rows.numpy(), len(images), value_range=(-1, 1), layout="NCHW")

        run.preview = lambda: self.encoder_b_.decode(translated())
        run.picture = picture

    def _finish(self) -> None:
        for name in ("a", "b"):
            self.game_.histories[name] = FakeHistory(0, tuple(self.game_.histories[name].fakes.shape[1:]))

    def _fitted_state(self) -> dict[str, Any]:
        return super()._fitted_state() | {"encoder_b": self.encoder_b_.to_state()}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.encoder_b_ = ImageEncoder.from_state(state.pop("encoder_b"))
        super()._restore_fitted(state)
