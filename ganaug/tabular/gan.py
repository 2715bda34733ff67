"""TabularGAN: a conditional GAN for tables."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import DensityMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ganaug.adversarial import (
    Batches,
    BatchStream,
    Callback,
    EarlyStopping,
    KeepBest,
    PackedDiscriminator,
    RecordSource,
    Run,
    Trainer,
    derive_seed,
    make_generator,
)
from ganaug.base import BaseGAN
from ganaug.devices import limited_threads, multiplies_bfloat16
from ganaug.exceptions import DataWarning, InvalidInputError, TrainingWarning
from ganaug.features import DiscriminatorFeatures
from ganaug.tabular.discriminator import RecordView, TableDiscriminator
from ganaug.tabular.drawing import Model
from ganaug.tabular.encoder import TableEncoder
from ganaug.tabular.frames import TableFormat
from ganaug.tabular.game import TabularGame, balance_shares
from ganaug.tabular.generator import TableGenerator
from ganaug.tabular.layout import TableLayout
from ganaug.tabular.partial import learn_more
from ganaug.tabular.raking import rake
from ganaug.tabular.records import CodeRecords
from ganaug.tabular.sampling import sample_frame, sample_table
from ganaug.tabular.scoring import (
    check_worth,
    discriminator_features,
    discriminator_scores,
    held_out_quality,
    likeness,
    log_likelihoods,
    target_log_probabilities,
    unpack,
)
from ganaug.tabular.streams import gather
from ganaug.tabular.ties import Tie, find_ties
from ganaug.tabular.varying import vary_table

_HELD_OUT_RANGE = (100, 2000)
"""So many held-out records say which weights are better; more say it no better. Small tables give a fifth."""
_FEW_ROWS = 30
_FEWEST_JUDGED = 200
"""Held-out records below which a detector's figure is mostly noise."""
_PREVIEW_ROWS = 10


class TabularGAN(DensityMixin, DiscriminatorFeatures, BaseGAN):
    """A GAN for tables: numbers, categories, booleans, dates and times, with missing values in any of them.

    The generator draws the columns of a record one after another, in any order, so that conditions on any columns
    are met by construction. Two terms train it in one game: an adversarial one against the discriminator, and the
    likelihood of the real records. The discriminator also learns to tell real records from spoilt ones, and gives
    ``score_samples`` and the features of ``transform``. On most tables the likelihood does most of the work; see the
    docs' ablation.

    Parameters
    ----------
    epochs : int or None, default=300
        An epoch has as many steps as the table has batches. The first of ``epochs``, ``max_steps`` and
        ``max_seconds`` to be used up ends the training.
    max_steps : int or None, default=1500
        Generator updates.
    max_seconds : float or None, default=None
        Wall time in seconds, encoding included. Results under a time budget depend on the machine's speed.
    batch_size : int, default=256
        Rows per update. Any size works with any table.
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Columns to treat as categories: names, indices or a boolean mask. By default text, booleans and categorical
        dtypes.
    schema : dict or None, default=None
        Kind of columns, ``{column: "number" | "category" | "datetime" | "identifier"}``, where the dtype does not tell.
    max_categories : int, default=200
        Categories per column with a level of their own; the rarest others share one, and are drawn back by frequency.
    max_bins : int or "auto", default="auto"
        Bins for a column of many distinct numbers; "auto" grows with the table, from 5 to 32 (at 10,000 rows).
    generator_hidden : tuple of two ints, default=(64, 48)
        Width of the context that columns are drawn from, and of each column's residual block.
    discriminator_hidden : tuple of ints, default=(128, 128)
        Width of the discriminator's trunk, then of each residual block.
    dropout : float or "auto", default="auto"
        Dropout of the generator while it learns from real records; "auto" falls from 0.5 for tables of up to 2,000 rows
        to 0.15 for those of 20,000 and more.
    loss : str, default="relativistic"
        "minimax", "non_saturating", "least_squares", "hinge", "wasserstein" or "relativistic".
    adversarial_weight, likelihood_weight : float, default=1.0
        Weights of the generator's two terms; 0 turns one off.
    adversarial_interval : int, default=4
        Rounds per adversarial turn; the likelihood is learned in every round, which costs a fraction of it. Every round
        is one if ``likelihood_weight`` is 0.
    scrambled_weight : float, default=1.0
        Weight of the discriminator's term on spoilt records.
    raking : bool, default=True
        Draw rows with the generator's logits shifted so that the levels of each column come as often as in the table.
    target_balance : float, default=0.0
        After ``fit(X, y)``: how evenly the levels of ``y`` are drawn into batches, from 0 (as often as in the table)
        to 1 (all alike). Rare classes are learned better (Xu et al. 2019's training by sampling); terms are weighted
        so that shares in what is sampled stay the table's.
    gradient_penalty : str or None, default="r1_r2"
        "r1", "r2", "r1_r2", "wasserstein_gp" or None.
    gradient_penalty_weight : float, default=0.02
    gradient_penalty_interval : int, default=4
        Discriminator updates per penalty (lazy regularization).
    pac : int, default=1
        Records judged together by the discriminator.
    discriminator_steps : int, default=1
        Discriminator updates per generator update.
    generator_lr : float, default=5e-3
    discriminator_lr : float, default=1.5e-3
        Adam's step sizes. Without a likelihood term 5e-4 and 3e-3 do better.
    learning_rate_schedule : {"cosine", "linear", "constant"}, default="cosine"
        How the step sizes fall over the budget.
    ema_decay : float, default=0.998
        Decay of the averaged generator, which is the one that is kept.
    early_stopping : bool, default=True
        Keep the weights with the best likelihood on held-out records, and stop when it no longer rises. If
        ``likelihood_weight`` is 0: keep those that boosted trees find hardest to tell from held-out records.
    validation_fraction : float, default=0.05
        Share of the records held out for that: at least 100 and at most 2,000 of them, but never more than a fifth of
        the table, and none of a table of fewer than 50.
    max_rows_in_memory : int or None, default=1_000_000
        Of a table with more rows, a uniform sample of so many is learned, drawn by ``random_state``. Either player of a
        fit with the other defaults sees 1,500 batches of 256 rows, so that a million loses nothing but values that are
        rarer than one in a million. None for no limit.
    callbacks : list of Callback or None, default=None
    verbose : int, default=0
        1 shows a progress bar.
    device : str, default="auto"
        "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : {"auto", "float32", "bfloat16"}, default="auto"
    random_state : int, RandomState instance or None, default=None
        With an int, ``fit`` and ``sample`` are repeatable bit for bit on the same machine's CPU.

    Attributes
    ----------
    encoder_ : TableEncoder
    generator_, discriminator_ : Module
        The averaged generator and the discriminator.
    ties_ : list of Tie
        Columns that follow from another column, such as a number of years from a degree: rows that are drawn never
        contradict them.
    shifts_ : ndarray of shape (levels of all columns,) or None
        What raking adds to the generator's logits when columns are drawn in the table's order.
    history_ : list of dict
        A row per epoch (and at most 50 steps): ``epoch``, ``step``, ``seconds`` and the mean of each ``player/term``.
        Calls of ``partial_fit`` count as epochs.
    n_iter_ : int
        Generator updates made.
    stop_reason_ : str
        "epochs", "max_steps", "max_seconds", "early_stopping", "interrupted", "diverged", or what a callback said.
        After ``partial_fit``, "max_steps".
    quality_ : float or None
        ``score`` of the held-out records; None with fewer than 200 of them (tables of fewer than 4,000 rows)
        and after ``partial_fit``, which holds none out.
    score_worth_ : float or None
        Share of held-out records that ``score_samples`` ranks above crossed copies of themselves (0.5 = by chance);
        after ``partial_fit``, of some of the last call's records.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    References
    ----------
    Goodfellow et al. 2014, arXiv 1406.2661; Xu et al. 2019 (CTGAN), arXiv 1907.00503; Uria et al. 2014,
    arXiv 1310.1757; Jolicoeur-Martineau 2018, arXiv 1807.00734.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from ganaug.tabular import TabularGAN
    >>> rng = np.random.default_rng(0)
    >>> city = rng.choice(["Rome", "Oslo"], 400)
    >>> table = pd.DataFrame({"city": city, "warm": np.where(city == "Rome", "yes", "no")})
    >>> gan = TabularGAN(max_steps=150, random_state=0).fit(table)
    >>> synthetic = gan.sample(100)
    >>> bool(((synthetic["city"] == "Rome") == (synthetic["warm"] == "yes")).mean() > 0.9)
    True
    >>> gan.sample(3, conditions={"city": "Oslo"})["city"].tolist()
    ['Oslo', 'Oslo', 'Oslo']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseGAN._parameter_constraints,
        **TableEncoder._parameter_constraints,
        "generator_hidden": [tuple, list],
        "discriminator_hidden": [tuple, list],
        "dropout": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "adversarial_weight": [Interval(Real, 0, None, closed="left")],
        "adversarial_interval": [Interval(Integral, 1, None, closed="left")],
        "likelihood_weight": [Interval(Real, 0, None, closed="left")],
        "scrambled_weight": [Interval(Real, 0, None, closed="left")],
        "raking": ["boolean"],
        "target_balance": [Interval(Real, 0, 1, closed="both")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "max_rows_in_memory": [Interval(Integral, 2, None, closed="left"), None],
    }
    _max_threads: ClassVar[int | None] = 1
    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseGAN._fitted_names, "score_worth_", "quality_")

    def __init__(
        self,
        *,
        epochs: int | None = 300,
        max_steps: int | None = 1500,
        max_seconds: float | None = None,
        batch_size: int = 256,
        categorical_features: str | Sequence[Any] = "from_dtype",
        schema: Mapping[Any, str] | None = None,
        max_categories: int = 200,
        max_bins: int | str = "auto",
        generator_hidden: tuple[int, int] = (64, 48),
        discriminator_hidden: tuple[int, ...] = (128, 128),
        dropout: float | str = "auto",
        loss: str = "relativistic",
        adversarial_weight: float = 1.0,
        adversarial_interval: int = 4,
        likelihood_weight: float = 1.0,
        scrambled_weight: float = 1.0,
        raking: bool = True,
        target_balance: float = 0.0,
        gradient_penalty: str | None = "r1_r2",
        gradient_penalty_weight: float = 0.02,
        gradient_penalty_interval: int = 4,
        pac: int = 1,
        discriminator_steps: int = 1,
        generator_lr: float = 5e-3,
        discriminator_lr: float = 1.5e-3,
        learning_rate_schedule: str = "cosine",
        ema_decay: float = 0.998,
        early_stopping: bool = True,
        validation_fraction: float = 0.05,
        max_rows_in_memory: int | None = 1_000_000,
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.categorical_features = categorical_features
        self.schema = schema
        self.max_categories = max_categories
        self.max_bins = max_bins
        self.generator_hidden = generator_hidden
        self.discriminator_hidden = discriminator_hidden
        self.dropout = dropout
        self.loss = loss
        self.adversarial_weight = adversarial_weight
        self.adversarial_interval = adversarial_interval
        self.likelihood_weight = likelihood_weight
        self.scrambled_weight = scrambled_weight
        self.raking = raking
        self.target_balance = target_balance
        self.gradient_penalty = gradient_penalty
        self.gradient_penalty_weight = gradient_penalty_weight
        self.gradient_penalty_interval = gradient_penalty_interval
        self.pac = pac
        self.discriminator_steps = discriminator_steps
        self.generator_lr = generator_lr
        self.discriminator_lr = discriminator_lr
        self.learning_rate_schedule = learning_rate_schedule
        self.ema_decay = ema_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.max_rows_in_memory = max_rows_in_memory
        self.callbacks = callbacks
        self.verbose = verbose
        self.device = device
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn a table.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_samples, n_features), path-like or iterable of DataFrame
            A table; a .csv, .csv.gz or .parquet file, or a folder of Parquet files; or a table in chunks, as
            DataFrames of the same columns. Files and chunks are gone through once, in memory for
            ``max_rows_in_memory`` rows and one chunk, and give the dtypes that the whole would have; a CSV file is read
            as ``ganaug.datasets.load_table`` does. The same rows in one piece, in a file or in chunks of any size are
            learned to the same bits.
        y : array-like of shape (n_samples,), optional
            Learned jointly with ``X``. Of a file or of chunks, the name of the column that is the target.
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback: training goes on from there as if it had never stopped. Data and
            parameters must be the same; budget, callbacks and device may differ.

        Returns
        -------
        self
        """
        return super().fit(X, y, resume_from=resume_from)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from one more part of a table, going on from what is there; the first call begins.

        The first call learns the columns' values from ``X``, so give it a part that is like the whole. Each call plays
        as many rounds as ``X`` has batches (5 at least) with a constant step size; budget, early stopping and
        ``validation_fraction`` play no part, and no record is kept for the next call: only how often each value came.
        ``raking`` goes by the shares in all calls together. ``fit`` would begin anew.

        The same calls give the same bits. After ``fit``, ``save`` and ``load``, a pickle or a copy, training goes on
        from the averaged generator, and the optimizers' moments start anew.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_samples, n_features), path-like or iterable of DataFrame
            As in ``fit``, with the columns of the first call. Numbers out of the range of the first call are taken for
            the nearest in it; other values that it had not, are unknown: the rest of the row is learned. Rows of such
            a target are left out. A ``DataWarning`` tells.
        y : array-like of shape (n_samples,), optional
            In all calls or in none.

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from ganaug.tabular import TabularGAN
        >>> rng = np.random.default_rng(0)
        >>> gan = TabularGAN(random_state=0)
        >>> for month in range(3):
        ...     table = pd.DataFrame({"size": rng.normal(size=512), "kind": rng.choice(["a", "b"], 512)})
        ...     gan = gan.partial_fit(table)
        >>> gan.n_iter_, gan.sample(2).shape
        (15, (2, 2))
        """
        self._check_callbacks()
        with limited_threads(self._max_threads):
            learn_more(self, X, y)
        return self

    def sample(
        self,
        n_samples: int | None = None,
        conditions: Mapping[Any, Any] | pd.DataFrame | None = None,
        *,
        return_y: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Draw synthetic records.

        Parameters
        ----------
        n_samples : int, default=1
            With a frame of conditions: its number of rows.
        conditions : dict or DataFrame, optional
            ``{column: value}``, ``{column: [value, ...]}`` or ``{column: (low, high)}`` with both ends included (None:
            open); every row meets all of them. A DataFrame gives one record per row; NaN in it means "any".
        return_y : bool, default=False
            After ``fit(X, y)``: return ``(X, y)`` instead of ``X`` alone.
        random_state : int, RandomState instance or None, default=None
            None takes the estimator's ``random_state``: with an int, **each call returns the same
            rows** (as scikit-learn's mixtures do). Give another number for other rows.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features)
            What ``fit`` was given, with its columns, order and dtypes; and ``y`` if asked for.

        Raises
        ------
        ConditionError
            If no value seen in training meets a condition.
        """
        check_is_fitted(self)
        seed = self._sampling_seed(random_state)
        with limited_threads(self._max_threads):
            table = self._sample_table(n_samples, conditions, seed)
        if return_y and self.format_.target is None:
            raise InvalidInputError("return_y=True needs a target, but fit was given none. Call fit(X, y).")
        return self.format_.restore(table, return_y)

    def vary(
        self,
        X: Any,
        y: Any = None,
        *,
        keep: float = 0.5,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Return variants of records: some values of each stay, the others are drawn anew given those.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            After ``fit(X, y)``: the records' targets, which stay as they are. Without it they play no part.
        keep : float, default=0.5
            Probability with which each value of each record stays: 0 draws all anew, 1 none.
        random_state : int, RandomState instance or None, default=None
            As in ``sample``.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features)
            In the form that ``fit`` was given. Identifiers are made up anew.
        """
        check_is_fitted(self)
        if not 0 <= keep <= 1:
            raise InvalidInputError(f"keep={keep!r}: give a probability, from 0 (all anew) to 1 (nothing).")
        table = self.format_.check(self, X, y)
        seed = self._sampling_seed(random_state)
        rng = np.random.default_rng(derive_seed(seed, "keep"))
        is_kept = rng.random((len(table), len(self.encoder_.modeled_))) < keep
        if self.format_.target is not None:
            is_kept[:, -1] = y is not None
        if y is not None:
            self._check_targets(self.encoder_.modeled_[-1].encode(table.iloc[:, -1])[0], y)
        with limited_threads(self._max_threads):
            return self.format_.restore(vary_table(self._model(), table, is_kept, seed), return_y=False)

    def target_log_proba(self, X: Any, y: Any) -> np.ndarray:
        """Return the log probability, under the generator, of each record's target given the record.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Targets; one that was never seen in ``fit`` has no probability.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            In nats; of a number, the log density inside its bin. A record's value depends on no other record.
        """
        check_is_fitted(self)
        if self.format_.target is None:
            raise InvalidInputError("target_log_proba needs a target, but fit was given none. Call fit(X, y).")
        codes = self.encoder_.encode(self.format_.check(self, X, y))
        self._check_targets(codes.levels[:, -1], y)
        with limited_threads(self._max_threads):
            return target_log_probabilities(self.game_.generator, codes)

    def _check_targets(self, levels: np.ndarray, y: Any) -> None:
        if (levels < 0).any():
            unknown = np.asarray(y)[levels < 0].tolist()[0]
            raise InvalidInputError(f"y holds {unknown!r}, which fit has not seen. Leave such records out.")

    def score_samples(self, X: Any, y: Any = None) -> np.ndarray:
        """Return how normal the discriminator finds each record; higher = more normal.

        The discriminator has two opinions: whether a record is real, which trains the generator, and whether it is
        normal or spoilt (columns swapped between records, values drawn evenly, or never seen). This is the second.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            After ``fit(X, y)``; without it, records are judged by ``X`` alone.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Logits: only their order means something. A record's score depends on no other record.
        """
        check_is_fitted(self)
        table = self.format_.check(self, X, y)
        with limited_threads(self._max_threads):
            return discriminator_scores(self.game_, self.encoder_.encode(table), y is None)

    def score(self, X: Any, y: Any = None) -> float:
        """Return how hard records are to tell from synthetic ones: 1 = boosted trees can't, 0 = they always can.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Records not seen in ``fit``, or copying would count as quality.
        y : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            ``2 * (1 - AUC)`` of the trees' cross-fitted AUC, at most 1: what ``GridSearchCV`` compares. With 1,000
            records it is known to within about 0.03; NaN with fewer than 3.
        """
        check_is_fitted(self)
        table = self.format_.check(self, X, y)
        with limited_threads(self._max_threads):
            return likeness(self._model(), table, self._n_given(y), self.seed_)

    def log_likelihood(self, X: Any, y: Any = None) -> float:
        """Return how much likelier the records are under the generator than under independent columns.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Mean nats per record; 0 = no better than independent columns. It hardly depends on how columns were binned.
        """
        check_is_fitted(self)
        codes = self.encoder_.encode(self.format_.check(self, X, y))
        with limited_threads(self._max_threads):
            return float(log_likelihoods(self.game_.generator, codes, self._n_given(y)).mean())

    def _features(self, X: Any) -> np.ndarray:
        return discriminator_features(self.game_, self.encoder_.encode(self.format_.check(self, X, None)), True)

    @property
    def _n_features_out(self) -> int:
        return unpack(self.game_.discriminator).n_features

    def _learn_encoder(self, X: Any, y: Any, run: Run) -> pd.DataFrame:
        """Validate; set ``format_`` and ``encoder_``; return the table to encode."""
        check_widths("generator_hidden", self.generator_hidden, exactly=2)
        check_widths("discriminator_hidden", self.discriminator_hidden)
        X, y = gather(X, y, self.max_rows_in_memory, derive_seed(self.seed_, "rows"))
        self.format_, table = TableFormat.learn(self, X, y)
        if self.target_balance and y is None:
            raise InvalidInputError(f"target_balance={self.target_balance!r} needs a target. Call fit(X, y).")
        self.encoder_ = TableEncoder(
            max_categories=self.max_categories,
            max_bins=self.max_bins,
            categorical_features=self.categorical_features,
            schema=self.schema,
        ).learn(table, self.format_, lambda done, total: run.tell("on_encode", done, total))
        return table

    def _encode_training(self, X: Any, y: Any, run: Run) -> CodeRecords:
        table = self._learn_encoder(X, y, run)
        if len(table) < _FEW_ROWS:
            warnings.warn(
                f"The table has {len(table)} rows, fewer than {_FEW_ROWS}: none can be held out to say when to stop, "
                "and what is sampled will lie close to them. Give more rows.",
                DataWarning,
                stacklevel=2,
            )
        rng = np.random.default_rng(self.seed_)
        records = CodeRecords.encode(self.encoder_.modeled_, table, rng)
        self._find_ties(records)
        shuffled = rng.permutation(len(table))
        n_held_out = _count_held_out(len(table), self.validation_fraction)
        self._fit_held_out = records.part(shuffled[:n_held_out]).codes()
        self._fit_judged = table.iloc[shuffled[:n_held_out]]
        return records.part(shuffled[n_held_out:])

    def _find_ties(self, records: CodeRecords) -> None:
        columns = self.encoder_.modeled_
        free = {place: column.other_level for place, column in enumerate(columns) if column.other_level is not None}
        self.ties_ = find_ties(records.levels.numpy(), TableLayout.of(columns), free)

    def _make_game(self) -> TabularGame:
        layout = TableLayout.of(self.encoder_.modeled_)
        context_dim, block_dim = self.generator_hidden
        n_rows = int(self.encoder_.modeled_[0].counts.sum())
        dropout = _choose_dropout(n_rows) if isinstance(self.dropout, str) else self.dropout
        generator = TableGenerator(layout, context_dim, block_dim, dropout)
        n_inputs = self.pac * RecordView(layout).width
        discriminator = TableDiscriminator(n_inputs, self.discriminator_hidden)
        return TabularGame(
            generator,
            discriminator if self.pac == 1 else PackedDiscriminator(discriminator, self.pac),
            layout,
            n_targets=int(self.format_.target is not None),
            loss=self.loss,
            penalty=self.gradient_penalty,
            penalty_weight=self.gradient_penalty_weight,
            penalty_interval=self.gradient_penalty_interval,
            adversarial_weight=self.adversarial_weight,
            # Nothing else to learn from: no round may be left out.
            adversarial_interval=self.adversarial_interval if self.likelihood_weight else 1,
            likelihood_weight=self.likelihood_weight,
            scrambled_weight=self.scrambled_weight,
            target_balance=self.target_balance,
        )

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        assert isinstance(records, CodeRecords)
        rng = make_generator(self.seed_, "batches")
        return Batches(records, self.batch_size, rng, device, self._batch_weights(records))

    def _batch_weights(self, records: CodeRecords) -> torch.Tensor | None:
        """Return in which proportion to draw the records; None for evenly."""
        if not self.target_balance:
            return None
        counts = self.encoder_.modeled_[-1].counts
        drawn = balance_shares(torch.from_numpy(counts / counts.sum()), self.target_balance).numpy()
        return torch.from_numpy(drawn / counts)[records.column(-1)]

    def _own_callbacks(self) -> list[Callback]:
        if not self.early_stopping:
            return []
        # Without a likelihood term, the likelihood is no fair judge of which weights are best.
        return [EarlyStopping() if self.likelihood_weight else KeepBest()]

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        seed = derive_seed(self.seed_, "preview")
        averaged = trainer.averager.module
        run.preview = lambda: self.format_.restore(
            sample_table(Model(averaged, self.encoder_, self.ties_), _PREVIEW_ROWS, None, seed), return_y=False
        )
        held_out = self._fit_held_out
        if len(held_out) and self.likelihood_weight:
            run.quality = lambda: held_out_quality(averaged, held_out)
        elif len(held_out) >= _FEWEST_JUDGED:
            model = Model(averaged, self.encoder_, self.ties_)
            judged = self._fit_judged
            run.quality = lambda: likeness(model, judged, len(self.encoder_.modeled_), self.seed_)

    def _model(self) -> Model:
        device = self.game_.generator.bias.device
        is_half = self.precision != "float32" and multiplies_bfloat16(device)
        precision = "bfloat16" if is_half else "float32"
        return Model(self.game_.generator, self.encoder_, self.ties_, self.shifts_, precision)

    def _rake(self) -> None:
        self.shifts_ = None
        if self.raking:
            self.shifts_ = rake(Model(self.game_.generator, self.encoder_, self.ties_), derive_seed(self.seed_, "rake"))

    def _finish(self) -> None:
        self.shifts_ = self.score_worth_ = self.quality_ = None
        try:
            self._rake()
            if len(self._fit_held_out) >= _FEWEST_JUDGED:
                self.quality_ = likeness(self._model(), self._fit_judged, len(self.encoder_.modeled_), self.seed_)
            if self.scrambled_weight:
                self.score_worth_ = check_worth(self.game_, self._fit_held_out, self.seed_)
        except KeyboardInterrupt:
            # The weights are settled: whoever stops a fit twice still gets what was learned.
            warnings.warn("Interrupted: what is drawn was neither raked nor judged.", TrainingWarning, stacklevel=2)

    def _sample_table(self, n_samples: int | None, conditions: Any, seed: int) -> pd.DataFrame:
        if not isinstance(conditions, pd.DataFrame):
            n_samples = _check_count(1 if n_samples is None else n_samples)
            return sample_table(self._model(), n_samples, conditions, seed)
        if n_samples not in (None, len(conditions)):
            raise InvalidInputError(
                f"n_samples={n_samples} differs from the {len(conditions)} rows of the conditions. Leave it out."
            )
        return sample_frame(self._model(), conditions, seed)

    def _n_given(self, y: Any) -> int:
        """Return how many of the modeled columns count in a likelihood: without ``y``, all but the target."""
        is_missing = self.format_.target is not None and y is None
        return len(self.encoder_.modeled_) - int(is_missing)

    def _fitted_state(self) -> dict[str, Any]:
        ties = [asdict(tie) for tie in self.ties_]
        return super()._fitted_state() | {"format": asdict(self.format_), "ties": ties, "shifts": self.shifts_}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.format_ = TableFormat(**state.pop("format"))
        self.ties_ = [Tie(**tie) for tie in state.pop("ties", [])]  # older files have none
        self.shifts_ = state.pop("shifts", None)
        super()._restore_fitted(state)

    def _restore_encoder(self, state: dict[str, Any]) -> None:
        self.encoder_ = TableEncoder.from_state(state, self.format_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _count_held_out(n_rows: int, fraction: float) -> int:
    low, high = _HELD_OUT_RANGE
    wanted = min(max(int(fraction * n_rows), low), high, n_rows // 5)
    return wanted if n_rows >= 50 else 0


def _choose_dropout(n_rows: int) -> float:
    """Return more dropout for smaller tables, which the generator would learn by heart."""
    return float(np.interp(np.log(n_rows), np.log([2_000, 20_000]), [0.5, 0.15]))


def check_widths(name: str, widths: Sequence[Any], exactly: int | None = None) -> None:
    """Refuse what is no sequence of layer widths."""
    are_widths = len(widths) > 0 and all(isinstance(width, Integral) and width > 0 for width in widths)
    if not are_widths or len(widths) != (exactly or len(widths)):
        count = "two" if exactly else "one or more"
        raise InvalidInputError(f"{name} must hold {count} whole numbers above 0, but is {widths!r}.")


def _check_count(n_samples: Any) -> int:
    if not isinstance(n_samples, Integral) or n_samples < 0:
        raise InvalidInputError(f"n_samples must be a whole number of at least 0, but is {n_samples!r}.")
    return int(n_samples)
