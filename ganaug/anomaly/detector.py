"""GANDetector: anomalies by the discriminator that learned how much noise a record carries."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ganaug.adversarial import Callback, Run, TrainingSettings, make_generator
from ganaug.anomaly.base import BaseDetector
from ganaug.anomaly.calibration import unlearn
from ganaug.anomaly.fitting import N_LEVELS, make_ladder, make_view
from ganaug.anomaly.game import LadderGame
from ganaug.anomaly.ladder import Ladder, LadderBatches
from ganaug.anomaly.network import GroupedPerceptron, Perceptron
from ganaug.anomaly.parts import HEADS, MOST_SURE, NEED_MEMORY, PARTS, Judges
from ganaug.anomaly.reasons import find_reasons
from ganaug.anomaly.space import RecordSpace
from ganaug.anomaly.tail import Tails
from ganaug.anomaly.view import View
from ganaug.anomaly.worth import check_worth
from ganaug.base import BaseGAN
from ganaug.devices import limited_threads
from ganaug.exceptions import InvalidInputError
from ganaug.tabular import TabularGAN
from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.frames import TableFormat
from ganaug.tabular.gan import check_widths

_LATENT_DIM = 16
_GAN_SAMPLES = 10_000
_TINY = 1e-9


class GANDetector(BaseDetector):
    """An anomaly detector whose discriminator tells how much noise a record carries.

    A discriminator that was trained against its own generator alone finds what is far from everything very real. This
    one learns to sort records into levels of noise, from half the spacing of neighbors to ten standard deviations, and
    a record's score is the level that it expects. The score is a weighted sum of named parts (``score_parts``):

    - ``memory``: the members of the discriminator that see only a record's neighborhood among reference records;
    - ``record``: the members that see the record itself as well;
    - ``neighbor``: the distances to the fifth and the twentieth neighbor, with no network at all;
    - ``tail``: how far out single columns lie;
    - ``generated``: normal against generated, if a generator plays along (off by default: it did not help);
    - ``gan``: the opinion of a fitted GAN's discriminator (``from_gan``).

    ``transform`` gives the last hidden layers of all members of both heads, side by side.

    Every training record is judged once by members that have never seen it. These scores calibrate thresholds and
    p-values, and say at ``fit`` whether the detector is worth asking (``worth_``).

    Parameters
    ----------
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of outliers in the training records, which sets the threshold; "auto" alarms on one in a hundred normal
        records. ``set_threshold`` changes it without refitting.
    memory : int or "none", default=5000
        Training records that are kept as references, **also in saved models**; a random choice of larger tables.
        "none" keeps none, only means of clusters: faster, smaller, more discreet, and usually a little less accurate.
    memory_weight, record_weight : float, default=1.0 and 0.75
        Weights of the discriminator's two heads.
    neighbor_weight : float, default=2.0
        Weight of the neighbor distances.
    tail_weight : float, default=1.5
        Weight of the columns' tails.
    generated_weight : float, default=0.0
        Weight of "normal against generated"; above 0, a generator is trained as one more player.
    gan_weight : float, default=1.0
        Weight of the GAN's discriminator, after ``from_gan``.
    n_members : int, default=4
        Perceptrons per head; each is blind to its share of the records, so that it can judge those as a stranger.
    hidden : tuple of ints, default=(32, 32)
        Widths of each perceptron.
    max_steps : int or None, default=250
        Updates. The first of ``epochs``, ``max_steps`` and ``max_seconds`` to be used up ends the training.
    epochs : int or None, default=None
        An epoch has as many steps as let each member meet as many normal records as there are.
    max_seconds : float or None, default=None
        Wall time in seconds.
    batch_size : int, default=256
        Records per member and update.
    discriminator_lr, generator_lr : float, default=2e-3
    learning_rate_schedule : {"cosine", "linear", "constant"}, default="cosine"
    ema_decay : float, default=0.98
        Decay of the averaged discriminator, which is the one that is kept.
    categorical_features, schema, max_categories
        As in ``TabularGAN``.
    callbacks : list of Callback or None, default=None
    verbose : int, default=0
        1 shows a progress bar.
    device : str, default="auto"
        Where the networks are trained; scores are computed on the CPU.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
    random_state : int, RandomState instance or None, default=None
        With an int, ``fit`` is repeatable bit for bit on the same machine's CPU.

    Attributes
    ----------
    offset_ : float
        Scores below it are outliers.
    threshold_ : Threshold
        How the offset was chosen; ``str()`` of it is a sentence.
    weights_ : dict
        Weight by part, of the parts that there are.
    calibration_scores_ : ndarray of shape (n_samples,)
        Score of each training record, by members that have never seen it.
    worth_ : float
        AUC of training records against corrupted copies, judged likewise (0.5 = by chance, and then ``fit`` warns).
    discriminator_ : ModuleDict
        The heads.
    encoder_, space_, view_, tails_
        What turns tables into columns, columns into coordinates, and coordinates into what the heads see.
    history_, n_iter_, stop_reason_, n_features_in_, feature_names_in_
        As in ``TabularGAN``.

    References
    ----------
    Goodfellow et al. 2014, arXiv 1406.2661 (the discriminator); Livernoche et al. 2024, arXiv 2305.18593 (noise level
    as a score); Goodge et al. 2022, arXiv 2112.05355 (learning from neighbor distances); Li et al. 2022, arXiv
    2201.00382 (tails); Bates et al. 2023, arXiv 2104.08279 (conformal p-values).

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.anomaly import GANDetector
    >>> rng = np.random.default_rng(0)
    >>> normal = rng.uniform(-2, 2, size=(300, 1)) * [1.0, 2.0] + rng.normal(size=(300, 2)) / 10  # along a line
    >>> detector = GANDetector(random_state=0).fit(normal)
    >>> detector.predict([[1.0, 2.0], [1.0, -2.0]]).tolist()
    [1, -1]
    >>> bool(detector.p_value([[1.0, -2.0]])[0] < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: BaseGAN._parameter_constraints[name]
            for name in (
                *("epochs", "max_steps", "max_seconds", "batch_size", "discriminator_lr", "generator_lr"),
                *("learning_rate_schedule", "ema_decay", "callbacks", "verbose", "device", "precision"),
                "random_state",
            )
        },
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "memory": [StrOptions({"none"}), Interval(Integral, 20, None, closed="left")],
        **{
            f"{part}_weight": [Interval(Real, 0, None, closed="left")]
            for part in ("memory", "record", "neighbor", "tail", "generated", "gan")
        },
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "hidden": [tuple, list],
        **{
            name: TabularGAN._parameter_constraints[name]
            for name in ("categorical_features", "schema", "max_categories")
        },
    }
    _max_threads: ClassVar[int | None] = 1
    _fitted_names: ClassVar[tuple[str, ...]] = (
        *BaseDetector._fitted_names,
        *("center_", "scale_", "weights_", "worth_"),
    )

    def __init__(
        self,
        *,
        contamination: float | str = "auto",
        memory: int | str = 5_000,
        memory_weight: float = 1.0,
        record_weight: float = 0.75,
        neighbor_weight: float = 2.0,
        tail_weight: float = 1.5,
        generated_weight: float = 0.0,
        gan_weight: float = 1.0,
        n_members: int = 4,
        hidden: tuple[int, ...] = (32, 32),
        epochs: int | None = None,
        max_steps: int | None = 250,
        max_seconds: float | None = None,
        batch_size: int = 256,
        discriminator_lr: float = 2e-3,
        generator_lr: float = 2e-3,
        learning_rate_schedule: str = "cosine",
        ema_decay: float = 0.98,
        categorical_features: str | Sequence[Any] = "from_dtype",
        schema: Mapping[Any, str] | None = None,
        max_categories: int = 200,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.contamination = contamination
        self.memory = memory
        self.memory_weight = memory_weight
        self.record_weight = record_weight
        self.neighbor_weight = neighbor_weight
        self.tail_weight = tail_weight
        self.generated_weight = generated_weight
        self.gan_weight = gan_weight
        self.n_members = n_members
        self.hidden = hidden
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.discriminator_lr = discriminator_lr
        self.generator_lr = generator_lr
        self.learning_rate_schedule = learning_rate_schedule
        self.ema_decay = ema_decay
        self.categorical_features = categorical_features
        self.schema = schema
        self.max_categories = max_categories
        self.callbacks = callbacks
        self.verbose = verbose
        self.device = device
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn what is normal.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Normal records. A few anomalies among them do little harm.
        y : ignored
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback, as in ``TabularGAN``.

        Returns
        -------
        self
        """
        for name in ("gan_", "threshold_"):  # a fit that fails leaves nothing that looks fitted
            vars(self).pop(name, None)
        return super().fit(X, resume_from=resume_from)

    @classmethod
    def from_gan(cls, gan: TabularGAN, X: Any = None, **parameters: Any) -> Self:
        """Make a detector of a fitted GAN: its discriminator's opinion is a part of the score.

        Parameters
        ----------
        gan : TabularGAN
            Fitted. Its encoder becomes the detector's.
        X : DataFrame or array-like, optional
            Normal records. Without them the GAN's own samples stand for them, so that no training record is kept
            anywhere: the detector is then as good as the samples are.
        **parameters
            Of the detector.

        Returns
        -------
        GANDetector
            Fitted.
        """
        check_is_fitted(gan)
        detector = cls(**parameters)
        detector.gan_ = gan
        if X is None:
            n_rows = int(gan.encoder_.modeled_[0].counts.sum())
            X = gan.sample(min(n_rows, _GAN_SAMPLES))
        return super(GANDetector, detector).fit(X)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from new normal records together with the references that are kept.

        At most ``memory`` of both are references afterwards. Columns, categories and scales stay those of the first
        ``fit``: a category that is new now stays strange, and a large change of the data is better met by a new
        ``fit``. The networks are trained anew, which takes seconds: only so is each member blind to its share of the
        records, old and new. The threshold is chosen anew from ``contamination``.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self
        """
        if not hasattr(self, "game_"):
            return self.fit(X)
        if self.view_.memory is None:
            raise InvalidInputError(
                "partial_fit needs reference records to go on from, but memory='none' keeps none. Call fit on old and "
                "new records together."
            )
        table = self.format_.check(self, X, None)
        self._known = np.concatenate([self.view_.memory.references.numpy(), self.space_.transform(table)])
        try:
            return super().fit(X)
        finally:
            vars(self).pop("_known", None)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return how normal each record is; higher = more normal.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Weighted sum of ``score_parts``. A record's score depends on no other record.
        """
        return self._combine(self._parts(X))

    def score_parts(self, X: Any) -> pd.DataFrame:
        """Return what each part says of each record; higher = more normal.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)

        Returns
        -------
        DataFrame of shape (n_samples, n_parts)
            In standard deviations of the training records; a column per key of ``weights_``.
        """
        return pd.DataFrame(self._parts(X), index=X.index if isinstance(X, pd.DataFrame) else None)

    def explain(self, X: Any, top: int = 3) -> pd.DataFrame:
        """Return reason codes: the columns that make each record odd.

        A column's contribution is how much the score recovers when its value is replaced by what the record's nearest
        normals *in the other columns* have there. (The ``gan`` part, if there is one, is left out.)

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        top : int, default=3
            Reasons per record.

        Returns
        -------
        DataFrame
            ``record`` (its label in the index of ``X``, or its place), ``rank``, ``column``, ``value``, ``typical``
            (a range, or categories with shares, among similar normals) and ``contribution``. A record has the same
            reasons alone and in any batch.
        """
        if not isinstance(top, Integral) or top < 1:
            raise InvalidInputError(f"top={top!r}: give the number of reasons per record, at least 1.")
        table = self._check(X)
        known = self.view_.examples
        with limited_threads(self._max_threads):
            reasons = find_reasons(table, self.space_, known, self._score_points, top)
        if isinstance(X, pd.DataFrame):
            reasons["record"] = X.index.to_numpy()[reasons["record"]]
        return reasons

    def _features(self, X: Any) -> np.ndarray:
        return self._judges().features(self.space_.transform(self._check(X)))

    @property
    def _n_features_out(self) -> int:
        return sum(head.n_features for head in self.game_.discriminator.values())

    def _parts(self, X: Any) -> dict[str, np.ndarray]:
        table = self._check(X)
        with limited_threads(self._max_threads):
            parts = self._judges().judge(self.space_.transform(table))
            if hasattr(self, "gan_"):
                parts["gan"] = self.gan_.score_samples(X)
        return self._scale(parts)

    def _check(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self)
        table = self.format_.check(self, X, None)
        if not len(table):
            raise InvalidInputError(f"X has 0 records (shape={X.shape}) while at least 1 is required.")
        return table

    def _score_points(self, points: np.ndarray, *training: Any) -> np.ndarray:
        return self._combine(self._scale(self._judges().judge(points, *training)))

    def _combine(self, parts: dict[str, np.ndarray]) -> np.ndarray:
        scores: np.ndarray = np.sum([self.weights_[name] * part for name, part in parts.items()], axis=0)
        return scores

    def _scale(self, parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        scaled = {name: (part - self.center_[name]) / self.scale_[name] for name, part in parts.items()}
        # A head that is sure says no more: it has no level beyond the last, and must not drown the other parts.
        return {name: np.maximum(part, -MOST_SURE) if name in HEADS else part for name, part in scaled.items()}

    def _judges(self) -> Judges:
        return Judges(self.game_, self.view_, self.tails_)

    def _encode_training(self, X: Any, y: Any, run: Run) -> Ladder:
        self._check_parameters()
        rng = make_generator(self.seed_, "ladder")
        points, strangers = (self._known,) * 2 if hasattr(self, "_known") else self._learn_space(X, run)
        self.tails_ = Tails().fit(points, self.space_.spans)
        records = torch.from_numpy(points)
        folds = torch.randperm(len(records), generator=rng) % self.n_members
        self.view_ = make_view(records, None if self.memory == "none" else int(self.memory), folds, rng)
        self._training = (X, points, strangers, folds.numpy())
        return make_ladder(records, self.view_, folds, rng)

    def _learn_space(self, X: Any, run: Run) -> tuple[np.ndarray, np.ndarray]:
        """Learn columns and coordinates; return the training records as points, and as if each had not been there."""
        self.format_, table = TableFormat.learn(self, X, None)
        if hasattr(self, "gan_"):
            self.encoder_ = self.gan_.encoder_
        else:
            self.encoder_ = TableEncoder(
                max_categories=self.max_categories,
                categorical_features=self.categorical_features,
                schema=self.schema,
            ).learn(table, self.format_, lambda done, total: run.tell("on_encode", done, total))
        self.space_ = RecordSpace(self._modeled()).fit(table)
        return self.space_.transform(table), self.space_.transform(table, left_out=True)

    def _modeled(self) -> list[Any]:
        """Return the encoder's columns that records have: a GAN may have learned a target besides."""
        return [column for column in self.encoder_.modeled_ if column.name in self.format_.columns]

    def _make_batches(self, records: Any, device: torch.device) -> LadderBatches:
        rng = make_generator(self.seed_, "batches")
        return LadderBatches(records, self.n_members, self.batch_size, rng, device)

    def _make_game(self) -> LadderGame:
        n_classes = N_LEVELS + 1 + int(self.generated_weight > 0)
        heads = {
            name: GroupedPerceptron(self.n_members, width, self.hidden, n_classes)
            for name, width in self.view_.n_inputs.items()
        }
        generator = None
        if self.generated_weight:
            generator = Perceptron(_LATENT_DIM, self.hidden, self.view_.n_coordinates)
        game = LadderGame(heads, N_LEVELS, generator, _LATENT_DIM, self.view_.show)
        if hasattr(self, "gan_"):
            game.gan = self.gan_.game_ if hasattr(self.gan_, "game_") else self.gan_._make_game()
        return game

    def _settings(self, device: torch.device) -> TrainingSettings:
        return replace(super()._settings(device), discriminator_betas=(0.9, 0.99), warmup_steps=10)

    def _finish(self) -> None:
        X, points, strangers, folds = self._training
        del self._training  # training records: only the memory may keep some
        neighborhood, judges = self.view_.neighborhood, self._judges()
        own = neighborhood.own(torch.from_numpy(points), torch.from_numpy(folds)).numpy()
        members = folds if self.n_members > 1 else None
        usual = judges.judge(points, own)
        together, apart = judges.judge(strangers, own), judges.judge(strangers, own, members)
        # A record in the memory is recognized when it is asked for later, and judged as usual; others are not.
        is_recognized = self.view_.memory is not None and bool((own >= 0).all())
        as_asked = usual if is_recognized else judges.judge(points)
        if hasattr(self, "gan_"):
            opinion = self.gan_.score_samples(X)
            for parts in (usual, together, apart, as_asked):
                parts["gan"] = opinion
        # The tail is in deviations already, and 0 for most.
        self.center_ = {name: float(part.mean()) for name, part in usual.items()}
        self.scale_ = {name: 1.0 if name == "tail" else float(part.std()) + _TINY for name, part in usual.items()}
        self.weights_ = {name: float(getattr(self, f"{name}_weight")) for name in usual}
        self.training_scores_ = self._combine(self._scale(as_asked))
        self.calibration_scores_ = unlearn(*(self._combine(self._scale(parts)) for parts in (together, apart)))
        vars(self).pop("probability_map_", None)  # of other scores
        self.set_threshold(contamination=self.contamination)

        def score(some: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return self._score_points(some, own[rows], None if members is None else members[rows])

        self.worth_ = check_worth(points, self.space_.spans, self.seed_, score)
        neighborhood.forget()

    def _check_parameters(self) -> None:
        check_widths("hidden", self.hidden)
        absent = NEED_MEMORY if self.memory == "none" else ()
        absent += () if hasattr(self, "gan_") else ("gan",)
        weights = {part: getattr(self, f"{part}_weight") for part in PARTS if part not in absent}
        if not any(weights.values()):
            shown = ", ".join(f"{part}_weight=0" for part in weights)
            raise InvalidInputError(f"No part has a weight, so there would be no score: {shown}. Raise one of them.")

    def _fitted_state(self) -> dict[str, Any]:
        state = super()._fitted_state() | {"format": asdict(self.format_)}
        state |= {name: getattr(self, f"{name}_").to_state() for name in ("space", "view", "tails")}
        gan = getattr(self, "gan_", None)
        if gan is not None:
            state["gan"] = {"parameters": gan._saved_params(), "fitted": gan._fitted_state()}
        return state

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.format_ = TableFormat(**state.pop("format"))
        self.view_, self.tails_ = View.from_state(state.pop("view")), Tails.from_state(state.pop("tails"))
        space, gan = state.pop("space"), state.pop("gan", None)
        if gan is not None:
            self.gan_ = TabularGAN(**gan["parameters"])
            self.gan_._restore_fitted(gan["fitted"])
        super()._restore_fitted(state)
        self.space_ = RecordSpace.from_state(self._modeled(), space)

    def _restore_encoder(self, state: dict[str, Any]) -> None:
        borrowed = hasattr(self, "gan_")
        self.encoder_ = self.gan_.encoder_ if borrowed else TableEncoder.from_state(state, self.format_)

    def _restore_game(self, weights: dict[str, torch.Tensor]) -> None:
        super()._restore_game(weights)
        if hasattr(self, "gan_"):
            self.gan_.game_ = self.game_.gan

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
