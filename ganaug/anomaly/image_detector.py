"""ImageGANDetector: anomalies in images, and where they are, by a discriminator that learned corruptions."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ganaug.adversarial import Batch, Callback, RecordSource, Run, TrainingSettings, make_generator
from ganaug.anomaly.base import BaseDetector
from ganaug.anomaly.calibration import unlearn
from ganaug.anomaly.image_corruption import orientations
from ganaug.anomaly.image_game import FoldBatches, ImageLadderGame, n_level_classes
from ganaug.anomaly.image_network import N_FEATURES, ImageJudge
from ganaug.anomaly.image_parts import LOCAL, PARTS, ImageJudges, Panel, Views, gather
from ganaug.anomaly.image_places import shrink, shrunk_size
from ganaug.anomaly.image_usual import Usual
from ganaug.anomaly.image_worth import check_image_worth
from ganaug.base import BaseGAN
from ganaug.devices import limited_threads
from ganaug.exceptions import InvalidInputError
from ganaug.images.base import ENCODING
from ganaug.images.encoder import ImageEncoder
from ganaug.images.precision import is_bfloat16_faster

_MOST_JUDGED = 5_000
_LEAST_IMAGES = 8
_AT_A_TIME = 1_024


class ImageGANDetector(BaseDetector):
    """Anomalies in images: a score and a map for each, by a discriminator that tells how corrupted an image is.

    ``GANDetector``'s principle, carried over to images: a discriminator that was trained against its own generator
    alone is no judge of what is far from the data, but one that has learned to tell *how much* an image is corrupted
    is. Here convolutions learn to tell six kinds of corruption at five levels each (noise, shades, bends, tilts,
    pieces of other images, holes), how an image is turned, and where a small defect is. The score is a weighted sum of
    named parts (``score_parts``), each by how far it exceeds what is usual:

    - ``level``: the level of corruption that the discriminator expects;
    - ``orientation``: how surprised it is by the image turned and mirrored in all ways;
    - ``feature``: how far its features lie from the normal ones, over the same ways;
    - ``place``: how far what it sees at a place lies from what it saw at the same place of normal images;
    - ``pixel``: how far the pixels around a place lie from those of normal images there, with no network at all;
    - ``defect``: whether it sees a defect at a place.

    The last three are greatest values of maps; ``anomaly_map`` shows their sum. Distances are read against an image's
    richness in detail, since rich images lie far from everything. ``transform`` gives the features of all members.

    The members of the discriminator are each blind to a share of the training images, which they judge as strangers.
    These scores calibrate thresholds and p-values, and say at ``fit`` whether the detector is worth asking
    (``worth_``).

    Parameters
    ----------
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of outliers in the training images, which sets the threshold; "auto" alarms on one in a hundred normal
        images. ``set_threshold`` changes it without refitting.
    memory : int or "none", default=1000
        Training images that are kept as references, **also in saved models**, scaled down to at most 64 pixels a side;
        a random choice of larger sets. "none" keeps none, only means of clusters of patches.
    level_weight, orientation_weight, feature_weight : float, default=1.5, 0.25 and 1.0
        Weights of what is said of an image as a whole.
    place_weight, pixel_weight, defect_weight : float, default=1.5, 1.0 and 0.5
        Weights of what is said of its places, in the score and in the map. Where the question is small defects in
        textures, raise ``defect_weight``.
    n_members : int, default=2
        Networks; each is blind to its share of the images, so that it can judge those as a stranger.
    discriminator_width : int, default=16
        Filters of each network's first convolution.
    max_steps : int or None, default=200
        Updates. The first of ``epochs``, ``max_steps`` and ``max_seconds`` to be used up ends the training.
    epochs : int or None, default=None
        An epoch has as many steps as let each member meet as many images as there are.
    max_seconds : float or None, default=None
        Wall time in seconds of loading and training; learning what is usual comes after it.
    batch_size : int, default=96
        Images per member and update; each is shown corrupted (one in five: as it is) and turned, and half of them with
        a defect.
    discriminator_lr : float, default=2e-3
    learning_rate_schedule : {"cosine", "linear", "constant"}, default="cosine"
    ema_decay : float, default=0.98
        Decay of the averaged discriminator, which is the one that is kept.
    image_size, resize, color, layout, value_range, on_unreadable, memory_limit
        As in ``ImageEncoder``.
    callbacks : list of Callback or None, default=None
    verbose : int, default=0
        1 shows a progress bar.
    device : str, default="auto"
        Where the networks are trained; scores are computed on the CPU.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the training; "auto" times a convolution in both before the first fit of a process.
    random_state : int, RandomState instance or None, default=None
        With an int, ``fit`` (under a budget of steps) is repeatable bit for bit on the same machine's CPU.

    Attributes
    ----------
    offset_ : float
        Scores below it are outliers.
    threshold_ : Threshold
        How the offset was chosen; ``str()`` of it is a sentence.
    weights_ : dict
        Weight by part.
    calibration_scores_ : ndarray of shape (n,)
        Scores of the training images (of 5,000 at most), by members that have never seen them.
    worth_ : float
        AUC of training images against spoilt copies, judged likewise (0.5 = by chance, and then ``fit`` warns).
    discriminator_ : ModuleList
        The members.
    encoder_ : ImageEncoder
    normal_, usual_
        Normal features and references (or centers); how parts lie on normal images.
    n_images_ : int
    history_, n_iter_, stop_reason_
        As in ``DCGAN``.

    References
    ----------
    Goodfellow et al. 2014, arXiv 1406.2661 (the discriminator); Golan & El-Yaniv 2018, arXiv 1805.10917 (orientations);
    Li et al. 2021, arXiv 2104.04015 (pasted defects); Defard et al. 2020, arXiv 2011.08785, and Roth et al. 2022, arXiv
    2106.08265 (places and references); Serra et al. 2020, arXiv 1909.11480 (detail); Bates et al. 2023, arXiv
    2104.08279 (conformal p-values).

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.anomaly import ImageGANDetector
    >>> rng = np.random.default_rng(0)
    >>> stripes = np.tile([60, 60, 180, 180], (200, 16, 4)) + rng.integers(-20, 20, size=(200, 16, 16))
    >>> stripes = stripes.astype(np.uint8)
    >>> detector = ImageGANDetector(max_steps=30, random_state=0).fit(stripes)
    >>> torn = stripes[:1].copy()
    >>> torn[0, 9:13, 2:6] = 120
    >>> detector.predict(torn).tolist()
    [-1]
    >>> row, column = np.unravel_index(detector.anomaly_map(torn)[0].argmax(), (16, 16))
    >>> bool(8 <= row <= 13 and 1 <= column <= 6)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: BaseGAN._parameter_constraints[name]
            for name in (
                *("epochs", "max_steps", "max_seconds", "batch_size", "discriminator_lr", "learning_rate_schedule"),
                *("ema_decay", "callbacks", "verbose", "device", "precision", "random_state"),
            )
        },
        **{name: ImageEncoder._parameter_constraints[name] for name in ENCODING},
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "memory": [StrOptions({"none"}), Interval(Integral, 20, None, closed="left")],
        **{f"{part}_weight": [Interval(Real, 0, None, closed="left")] for part in PARTS},
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "discriminator_width": [Interval(Integral, 1, None, closed="left")],
    }
    _max_threads: ClassVar[int | None] = 1
    """Threads wait for each other most of the time in networks as small as these (docs/decisions/0005)."""
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseDetector._fitted_names, "weights_", "worth_", "n_images_")

    def __init__(
        self,
        *,
        contamination: float | str = "auto",
        memory: int | str = 1_000,
        level_weight: float = 1.5,
        orientation_weight: float = 0.25,
        feature_weight: float = 1.0,
        place_weight: float = 1.5,
        pixel_weight: float = 1.0,
        defect_weight: float = 0.5,
        n_members: int = 2,
        discriminator_width: int = 16,
        max_steps: int | None = 200,
        epochs: int | None = None,
        max_seconds: float | None = None,
        batch_size: int = 96,
        discriminator_lr: float = 2e-3,
        learning_rate_schedule: str = "cosine",
        ema_decay: float = 0.98,
        image_size: int | tuple[int, int] | None = None,
        resize: str = "error",
        color: str = "auto",
        layout: str = "auto",
        value_range: str | tuple[float, float] = "auto",
        on_unreadable: str = "raise",
        memory_limit: float = 2**30,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.contamination = contamination
        self.memory = memory
        self.level_weight = level_weight
        self.orientation_weight = orientation_weight
        self.feature_weight = feature_weight
        self.place_weight = place_weight
        self.pixel_weight = pixel_weight
        self.defect_weight = defect_weight
        self.n_members = n_members
        self.discriminator_width = discriminator_width
        self.max_steps = max_steps
        self.epochs = epochs
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.discriminator_lr = discriminator_lr
        self.learning_rate_schedule = learning_rate_schedule
        self.ema_decay = ema_decay
        self.image_size = image_size
        self.resize = resize
        self.color = color
        self.layout = layout
        self.value_range = value_range
        self.on_unreadable = on_unreadable
        self.memory_limit = memory_limit
        self.callbacks = callbacks
        self.verbose = verbose
        self.device = device
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn what is normal.

        Parameters
        ----------
        X : array-like, list of paths, or path of a folder
            Normal images, at least 8. A few anomalies among them do little harm.
        y : ignored
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback, as in ``DCGAN``.

        Returns
        -------
        self
        """
        vars(self).pop("threshold_", None)  # a fit that fails leaves nothing that looks fitted
        return super().fit(X, resume_from=resume_from)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return how normal each image is; higher = more normal.

        Parameters
        ----------
        X : array-like or paths
            Images, as ``fit`` takes them.

        Returns
        -------
        ndarray of shape (n_images,), float64
            Weighted sum of ``score_parts``. An image's score depends on no other image.
        """
        return self._combine(self._read(X))

    def score_parts(self, X: Any) -> pd.DataFrame:
        """Return what each part says of each image; higher = more normal.

        Parameters
        ----------
        X : array-like or paths

        Returns
        -------
        DataFrame of shape (n_images, n_parts)
            Minus the standard deviations by which a part exceeds what is usual; near 0 for most normal images.
        """
        return pd.DataFrame({name: -part for name, part in self._read(X).items()})

    def anomaly_map(self, X: Any) -> np.ndarray:
        """Return where each image is odd; higher = odder.

        Parameters
        ----------
        X : array-like or paths

        Returns
        -------
        ndarray of shape (n_images, height, width), float64
            Weighted sum of the maps whose greatest values are the parts ``place``, ``pixel`` and ``defect``, in
            standard deviations above the usual. Fine to about four pixels (of the 64 that larger images are scaled
            down to).
        """
        check_is_fitted(self)
        weights = {name: self.weights_[name] for name in LOCAL}
        size = self.encoder_.format_.size
        return np.concatenate([self.usual_.draw(maps, weights, size) for _, maps in self._look(X)])

    def _read(self, X: Any) -> Views:
        """Return the parts, higher = odder."""
        found = [read for read, _ in self._look(X)]
        return {name: np.concatenate([read[name] for read in found]) for name in found[0]}

    def _look(self, X: Any) -> Iterator[tuple[Views, Views]]:
        """Yield parts, higher = odder, and maps as the judges give them, of some images at a time."""
        check_is_fitted(self)
        for images in self._shrink(X).split(_AT_A_TIME):
            with limited_threads(self._max_threads):
                parts, maps = self._judges().judge(images)
            yield self.usual_.read(parts, images), maps

    def _shrink(self, X: Any) -> Tensor:
        images = self.encoder_.encode(X)
        return torch.cat([shrink(some) for some in images.split(256)])

    def _combine(self, read: Views) -> np.ndarray:
        scores: np.ndarray = -np.sum([self.weights_[name] * part for name, part in read.items()], axis=0)
        return scores

    def _features(self, X: Any) -> np.ndarray:
        images, panel = self._shrink(X), self._judges().panel
        features = [panel.features(number, images) for number in range(len(panel))]
        return torch.cat(features, dim=1).double().numpy()

    @property
    def _n_features_out(self) -> int:
        return len(self.game_.discriminator) * N_FEATURES

    def _judges(self) -> ImageJudges:
        if not hasattr(self, "judges_"):
            self.judges_ = ImageJudges(Panel(self.game_), self.normal_)
        return self.judges_

    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        self._check_weights()
        vars(self).pop("judges_", None)
        self.encoder_ = ImageEncoder(**{name: getattr(self, name) for name in ENCODING})
        learned = self.encoder_.learn(X, None, lambda done, total: run.tell("on_encode", done, total))
        folds = torch.randperm(len(learned), generator=make_generator(self.seed_, "folds")) % self.n_members
        records = _Shrunk(learned, folds)
        self.n_images_ = len(records)
        if self.n_images_ < _LEAST_IMAGES:
            raise InvalidInputError(
                f"X has {self.n_images_} image(s); at least {_LEAST_IMAGES} normal ones are needed. Give more, or cut "
                "larger images into pieces."
            )
        self._fit_records = records
        return records

    def _make_batches(self, records: "_Shrunk", device: torch.device) -> FoldBatches:
        rng = make_generator(self.seed_, "batches")
        return FoldBatches(records, records.folds, self.n_members, self.batch_size, rng, device)

    def _make_game(self) -> ImageLadderGame:
        image_format = self.encoder_.format_
        size = shrunk_size(image_format.height, image_format.width)
        width, n_ways = self.discriminator_width, len(orientations(*size))
        members = [
            ImageJudge(image_format.channels, *size, width, n_level_classes(), n_ways) for _ in range(self.n_members)
        ]
        return ImageLadderGame(members, size).to(memory_format=torch.channels_last)

    def _settings(self, device: torch.device) -> TrainingSettings:
        precision = self.precision
        if precision == "auto":
            precision = "bfloat16" if is_bfloat16_faster(device.type) else "float32"
        settings = super()._settings(device)
        return replace(settings, precision=precision, discriminator_betas=(0.9, 0.99), warmup_steps=10)

    def _finish(self) -> None:
        records = self._fit_records
        del self._fit_records  # training images: only the memory may keep some
        rng = make_generator(self.seed_, "memory")
        chosen = torch.randperm(len(records), generator=rng)[:_MOST_JUDGED].sort().values
        images, folds = torch.cat([records.take(some).real for some in chosen.split(256)]), records.folds[chosen]
        memory_size = None if self.memory == "none" else int(self.memory)
        panel = Panel(self.game_)
        answers = [panel.ask(number, images) for number in range(self.n_members)]
        is_known = [folds != number if self.n_members > 1 else folds == 0 for number in range(self.n_members)]
        known = [some.take(rows) for some, rows in zip(answers, is_known, strict=True)]
        self.judges_ = ImageJudges.learn(panel, images, known, memory_size, rng)
        self.normal_ = self.judges_.state
        members = folds.numpy() if self.n_members > 1 else None
        every, pixel = self.judges_.judge_answers(images, answers)
        (together, _), (apart, maps) = gather(every, pixel), gather(every, pixel, members)
        self.usual_ = Usual.learn(apart, maps, images)
        self.weights_ = {name: float(getattr(self, f"{name}_weight")) for name in PARTS}
        self.training_scores_, strange = (self._combine(self.usual_.read(parts, images)) for parts in (together, apart))
        self.calibration_scores_ = unlearn(self.training_scores_, strange)
        vars(self).pop("probability_map_", None)  # of other scores
        self.set_threshold(contamination=self.contamination)

        def score(some: Tensor, rows: np.ndarray) -> np.ndarray:
            parts, _ = self.judges_.judge(some, None if members is None else members[rows])
            return self._combine(self.usual_.read(parts, some))

        self.worth_ = check_image_worth(images, self.seed_, score)

    def _check_weights(self) -> None:
        weights = {part: getattr(self, f"{part}_weight") for part in PARTS}
        if not any(weights.values()):
            shown = ", ".join(f"{part}_weight=0" for part in weights)
            raise InvalidInputError(f"No part has a weight, so there would be no score: {shown}. Raise one of them.")

    def _game_state(self) -> dict[str, torch.Tensor]:
        return {name: value.contiguous() for name, value in super()._game_state().items()}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("judges_", None)  # made anew from ``normal_``
        return state

    def _fitted_state(self) -> dict[str, Any]:
        return super()._fitted_state() | {"normal": self.normal_, "usual": self.usual_.state}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.normal_, self.usual_ = state.pop("normal"), Usual(state.pop("usual"))
        super()._restore_fitted(state)

    def _restore_encoder(self, state: dict[str, Any]) -> None:
        self.encoder_ = ImageEncoder.from_state(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


class _Shrunk:
    """Records as the detector looks at them.

    Parameters
    ----------
    records : RecordSource
    folds : Tensor of shape (n,), int64
        Of each.
    """

    def __init__(self, records: RecordSource, folds: Tensor) -> None:
        self.records, self.folds = records, folds

    def __len__(self) -> int:
        return len(self.records)

    def take(self, indices: Tensor) -> Batch:
        """Return the images at ``indices``, scaled down, as a batch."""
        return Batch(shrink(self.records.take(indices).real))
