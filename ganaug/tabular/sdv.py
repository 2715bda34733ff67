"""CTGAN and TVAE of the SDV family behind ganaug's interface, to compare `TabularGAN` with in one line.

The networks and their training are those of the ``ctgan`` package, which is imported when ``fit`` is called. Its
license is the Business Source License 1.1 (BUSL-1.1), which is no open-source license: read it before you use these
two classes in production. Install it with ``pip install 'ganaug[sdv]'``.
"""

import math
import random
import secrets
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np
import pandas as pd
import torch
from joblib import parallel_config
from scipy import sparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug.adversarial.seeding import derive_seed, isolated_rng
from ganaug.exceptions import (
    ConditionError,
    GanaugError,
    InvalidInputError,
    MissingDependencyError,
    TrainingDivergedError,
    TrainingWarning,
)
from ganaug.tabular.sdv_columns import TableSplitter
from ganaug.tabular.sdv_metadata import from_sdv_metadata

__all__ = ["CTGAN", "TVAE", "from_sdv_metadata"]

_MAX_TARGET_CLASSES = 20
_MAX_ROUNDS = 12
_FIRST_ROUND = 1_000
_LARGEST_ROUND = 50_000


class _SDVSynthesizer(BaseEstimator):
    """What CTGAN and TVAE share: the table's way in and out, seeds, conditions."""

    _losses: ClassVar[dict[str, str]]
    """The column of ctgan's ``loss_values`` behind each term of the history."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _make_synthesizer(self, ctgan: Any) -> Any:
        """Return ctgan's own, unfitted object."""
        raise NotImplementedError

    def _legal_batch_size(self) -> int:
        return int(self.batch_size)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn a table, and ``y`` jointly with it.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Any mix of numbers, categories, booleans, dates and missing values. The columns of an array are called
            ``x0``, ``x1``, ...
        y : array-like of shape (n_samples,), optional
            A target learned as one more column, named like the Series, or "target". It is a category unless it holds
            floats with decimals or more than 20 distinct numbers.

        Returns
        -------
        self
        """
        ctgan = _import_ctgan(type(self).__name__)
        frame = self._take_in(X, y)
        self.device_ = _resolve_device(self.device)
        self.batch_size_ = self._legal_batch_size()
        self.splitter_ = TableSplitter(frame, self._name_categories(frame))
        table, discrete = self.splitter_.split(frame)
        with _isolated_rng(_draw_seed(self.random_state), self.device_):
            self.synthesizer_ = self._make_synthesizer(ctgan)
            self.stop_reason_ = self._train(table, discrete)
        self.history_ = self._read_history()
        self.n_iter_ = len(self.history_)
        return self

    def sample(
        self,
        n_samples: int = 1,
        conditions: Mapping[Hashable, Any] | None = None,
        *,
        return_y: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Draw synthetic rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many rows to return; with conditions too, exactly as many.
        conditions : dict, optional
            ``{column: value}``, ``{column: [value, ...]}``, ``{column: (low, high)}`` for numbers and times (both ends
            included; None for an open end), or a list of such ranges. None or NaN as a value asks for a missing one.
            Rows are drawn until enough of them meet all conditions, so rare ones cost time; `TabularGAN` draws such
            rows directly.
        return_y : bool, default=False
            Whether to return ``(X, y)``; needs a fit with ``y``.
        random_state : int, RandomState or None, default=None
            None stands for the estimator's own: with an integer there, each call returns the same rows.

        Returns
        -------
        DataFrame or ndarray, or a tuple of it and the target
            What ``fit`` was given: the columns in their order, with their dtypes.

        Raises
        ------
        ConditionError
            If a condition names a value never seen in training, or too few rows that meet it were found.
        """
        check_is_fitted(self, "synthesizer_")
        if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 1:
            raise InvalidInputError(f"n_samples={n_samples!r}: give a whole number of at least 1.")
        if return_y and self.target_name_ is None:
            raise InvalidInputError("return_y=True: this model was fitted without y. Fit it with fit(X, y).")
        seed = _draw_seed(self.random_state if random_state is None else random_state)
        with _isolated_rng(derive_seed(seed, "sample"), self.device_):
            if conditions:
                frame = self._draw_matching(int(n_samples), conditions)
            else:
                frame = self._draw(int(n_samples))
        return self._give_out(frame, return_y)

    def save(self, path: Any) -> NoReturn:
        """Refuse to save: a ctgan model can be pickled, and in no other way written to a file.

        Parameters
        ----------
        path : str or path
            Not used.

        Raises
        ------
        GanaugError
            Always.
        """
        raise GanaugError(
            f"{type(self).__name__} can't be saved to {str(path)!r}: models of the ctgan package can only be pickled "
            "(joblib.dump, pickle). For a model file without pickle use ganaug.tabular.TabularGAN."
        )

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: strings, categories and missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.non_deterministic = self.random_state is None
        return tags

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled model, on the device it was trained on where there is one."""
        super().__setstate__(state)
        if hasattr(self, "synthesizer_"):
            # Unpickled ctgan models move to whatever accelerator there is, and sample differently there.
            self.device_ = self.device_ if torch.cuda.is_available() else "cpu"
            self.synthesizer_.set_device(self.device_)

    def _take_in(self, X: Any, y: Any) -> pd.DataFrame:
        """Return one frame of X and y, and remember what they were."""
        is_frame = isinstance(X, pd.DataFrame)
        frame = X.copy(deep=False) if is_frame else _frame_from_array(X)
        _check_table(frame)
        validate_data(self, X if is_frame else frame.to_numpy(), skip_check_array=True)
        self.array_dtype_ = None if is_frame else np.asarray(X).dtype
        self.target_name_, self.target_is_series_ = None, isinstance(y, pd.Series)
        frame = frame.reset_index(drop=True)
        if y is None:
            return frame
        target = _target_series(y, len(frame))
        if target.name in frame.columns:
            raise InvalidInputError(
                f"y is called {target.name!r}, and so is a column of X. Drop that column or rename y."
            )
        self.target_name_ = target.name
        return frame.join(target)

    def _give_out(self, frame: pd.DataFrame, return_y: bool) -> Any:
        """Return rows as the kind of thing that was fitted."""
        rows: Any = frame
        if self.target_name_ is not None:
            rows = frame.drop(columns=[self.target_name_])
        if self.array_dtype_ is not None:
            rows = rows.to_numpy(dtype=self.array_dtype_)
        if not return_y:
            return rows
        target = frame[self.target_name_]
        return rows, target if self.target_is_series_ else target.to_numpy()

    def _name_categories(self, frame: pd.DataFrame) -> list[Hashable]:
        """Return the columns to treat as categories whatever their dtype."""
        names = list(frame.columns)[: self.n_features_in_]
        categories: list[Hashable] = []
        if not isinstance(self.categorical_features, str):
            allowed = names if self.target_name_ is None else [*names, self.target_name_]
            categories = _named_columns(self.categorical_features, names, allowed)
        if self.target_name_ is not None and _is_class_label(frame[self.target_name_]):
            categories.append(self.target_name_)
        return categories

    def _train(self, table: pd.DataFrame, discrete: list[str]) -> str:
        """Let ctgan train; return why it stopped."""
        try:
            self.synthesizer_.fit(table, discrete)
        except KeyboardInterrupt:
            # ctgan builds its generator before its first step, so what was learned so far can be used.
            try:
                self.synthesizer_.sample(1)
            except Exception:
                raise KeyboardInterrupt from None
            warnings.warn("Training was interrupted; the model is as trained so far.", TrainingWarning, stacklevel=3)
            return "interrupted"
        return "epochs"

    def _read_history(self) -> list[dict[str, float]]:
        """Return the mean losses per epoch, under ganaug's names."""
        losses = self.synthesizer_.loss_values
        # Kept for every batch by TVAE, for the last of each epoch by CTGAN.
        means = losses.astype(np.float64).groupby("Epoch").mean()
        history = [
            {"epoch": int(epoch) + 1} | {term: float(row[column]) for term, column in self._losses.items()}
            for epoch, row in means.iterrows()
        ]
        if history and not all(map(math.isfinite, history[-1].values())):
            raise TrainingDivergedError(
                f"{type(self).__name__} diverged: the losses of the last epoch are {history[-1]}. "
                "Lower the learning rate or raise batch_size, and look for extreme numbers in the table."
            )
        return history

    def _draw(self, n_rows: int) -> pd.DataFrame:
        with torch.no_grad():
            return self.splitter_.rebuild(self.synthesizer_.sample(n_rows))

    def _draw_matching(self, n_rows: int, conditions: Mapping[Hashable, Any]) -> pd.DataFrame:
        """Draw ever larger batches until ``n_rows`` meet the conditions."""
        # With no row at all, only conditions that can't be met have an effect: they raise.
        self.splitter_.matches(conditions, self._draw(1)[:0])
        kept: list[pd.DataFrame] = []
        n_kept = n_drawn = 0
        size = max(_FIRST_ROUND, 2 * n_rows)
        for _ in range(_MAX_ROUNDS):
            frame = self._draw(size)
            kept.append(frame[self.splitter_.matches(conditions, frame)])
            n_kept, n_drawn = n_kept + len(kept[-1]), n_drawn + size
            if n_kept >= n_rows:
                return pd.concat(kept, ignore_index=True).head(n_rows)
            size = min(2 * size, max(_LARGEST_ROUND, size))
        raise ConditionError(
            f"conditions={dict(conditions)!r}: {n_kept} of {n_drawn} rows drawn meet them, and n_samples={n_rows} are "
            "wanted. Widen the conditions (a range instead of an exact number), ask for fewer rows, train for more "
            "epochs, or use ganaug.tabular.TabularGAN, which draws such rows directly."
        )


class CTGAN(_SDVSynthesizer):
    """The ctgan package's CTGAN (Xu et al., 2019) with the interface of `TabularGAN`.

    Around ctgan's own training, this class takes care of what it leaves to its user: missing numbers (learned as a
    yes/no column, with the median in the gaps), dates, dtypes, rounding, ranges, constant columns, any batch size, and
    seeds. The global random states are left as they were. While ``fit`` or ``sample`` runs, other estimators of the
    same process that need them wait.

    Parameters
    ----------
    epochs : int, default=300
        Passes over the rows.
    batch_size : int, default=500
        Rows per step, lowered to the next even multiple of ``pac`` (or raised to the first one): ctgan takes no other.
        Batches are drawn with replacement, so there may be fewer rows than that.
    categorical_features : "from_dtype" or list of names, indices or bools, default="from_dtype"
        Columns to treat as categories; strings, booleans and categorical dtypes are so in any case.
    latent_dim : int, default=128
        Size of the noise vector.
    pac : int, default=10
        Rows that the discriminator judges together.
    generator_hidden, discriminator_hidden : sequence of int, default=(256, 256)
        Widths of the hidden layers.
    generator_lr, discriminator_lr : float, default=2e-4
        Learning rates.
    log_frequency : bool, default=True
        Whether ctgan draws categories by the logarithm of their frequency. It does so for training *and* for sampling:
        rare categories are learned better, and come out more often than they were. False gives true frequencies.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where to train; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        An integer makes ``fit`` and ``sample`` repeatable (to the bit, on a CPU).
    verbose : int or bool, default=0
        Whether to show ctgan's progress bar.

    Attributes
    ----------
    history_ : list of dict
        "epoch", "generator/adversarial" (with ctgan's condition loss) and "discriminator/adversarial" (without its
        gradient penalty), of each epoch's last step.
    n_iter_ : int
        Epochs trained.
    stop_reason_ : {"epochs", "interrupted"}
        Why training stopped.
    batch_size_ : int
        Rows per step in fact.
    device_ : {"cpu", "cuda"}
        Where it was trained.
    target_name_ : str or None
        What ``y`` is called in conditions.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    synthesizer_ : ctgan.CTGAN
        The object underneath.

    Notes
    -----
    There is no ``score_samples``: ctgan throws its discriminator away after training. ctgan's own conditional sampling
    is not used. It leaves batch normalization in training mode, which takes a condition that all rows share out again,
    and it only finds the right place of a condition for the first discrete column; so rows are drawn and rejected.

    Examples
    --------
    >>> from ganaug.tabular.sdv import CTGAN
    >>> gan = CTGAN(epochs=10, random_state=0).fit(table)  # doctest: +SKIP
    >>> gan.sample(5, conditions={"fraud": 1, "amount": (100, 500)})  # doctest: +SKIP
    """

    _losses: ClassVar[dict[str, str]] = {
        "generator/adversarial": "Generator Loss",
        "discriminator/adversarial": "Discriminator Loss",
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_SDVSynthesizer._parameter_constraints,
        "pac": [Interval(Integral, 1, None, closed="left")],
        "generator_hidden": ["array-like"],
        "discriminator_hidden": ["array-like"],
        "generator_lr": [Interval(Real, 0, None, closed="neither")],
        "discriminator_lr": [Interval(Real, 0, None, closed="neither")],
        "log_frequency": ["boolean"],
    }

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 500,
        categorical_features: str | Sequence[Any] = "from_dtype",
        latent_dim: int = 128,
        pac: int = 10,
        generator_hidden: Sequence[int] = (256, 256),
        discriminator_hidden: Sequence[int] = (256, 256),
        generator_lr: float = 2e-4,
        discriminator_lr: float = 2e-4,
        log_frequency: bool = True,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.categorical_features = categorical_features
        self.latent_dim = latent_dim
        self.pac = pac
        self.generator_hidden = generator_hidden
        self.discriminator_hidden = discriminator_hidden
        self.generator_lr = generator_lr
        self.discriminator_lr = discriminator_lr
        self.log_frequency = log_frequency
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _make_synthesizer(self, ctgan: Any) -> Any:
        return ctgan.CTGAN(
            embedding_dim=int(self.latent_dim),
            generator_dim=_widths(self.generator_hidden, "generator_hidden"),
            discriminator_dim=_widths(self.discriminator_hidden, "discriminator_hidden"),
            generator_lr=float(self.generator_lr),
            discriminator_lr=float(self.discriminator_lr),
            batch_size=self.batch_size_,
            log_frequency=bool(self.log_frequency),
            verbose=bool(self.verbose),
            epochs=int(self.epochs),
            pac=int(self.pac),
            enable_gpu=self.device_ == "cuda",
        )

    def _legal_batch_size(self) -> int:
        # ctgan asserts an even size, and its discriminator one that packs divide.
        unit = math.lcm(2, int(self.pac))
        return max(int(self.batch_size) // unit, 1) * unit


class TVAE(_SDVSynthesizer):
    """The ctgan package's TVAE (Xu et al., 2019), a variational autoencoder, with the interface of `TabularGAN`.

    What is said of `CTGAN` about missing values, dtypes, seeds and threads is true here as well.

    Parameters
    ----------
    epochs : int, default=300
        Passes over the rows.
    batch_size : int, default=500
        Rows per step; there may be fewer rows than that.
    categorical_features : "from_dtype" or list of names, indices or bools, default="from_dtype"
        Columns to treat as categories; strings, booleans and categorical dtypes are so in any case.
    latent_dim : int, default=128
        Size of the latent vector.
    encoder_hidden, decoder_hidden : sequence of int, default=(128, 128)
        Widths of the hidden layers.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where to train; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        An integer makes ``fit`` and ``sample`` repeatable (to the bit, on a CPU).
    verbose : int or bool, default=0
        Whether to show ctgan's progress bar.

    Attributes
    ----------
    history_ : list of dict
        "epoch" and "generator/likelihood": the loss that TVAE minimizes (twice the reconstruction's negative
        log-likelihood plus the Kullback-Leibler term), as the epoch's mean.
    n_iter_, stop_reason_, batch_size_, device_, target_name_, n_features_in_, feature_names_in_
        As for `CTGAN`.
    synthesizer_ : ctgan.TVAE
        The object underneath.

    Examples
    --------
    >>> from ganaug.tabular.sdv import TVAE
    >>> TVAE(epochs=10, random_state=0).fit(table).sample(5)  # doctest: +SKIP
    """

    _losses: ClassVar[dict[str, str]] = {"generator/likelihood": "Loss"}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_SDVSynthesizer._parameter_constraints,
        "encoder_hidden": ["array-like"],
        "decoder_hidden": ["array-like"],
    }

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 500,
        categorical_features: str | Sequence[Any] = "from_dtype",
        latent_dim: int = 128,
        encoder_hidden: Sequence[int] = (128, 128),
        decoder_hidden: Sequence[int] = (128, 128),
        device: Literal["auto", "cpu", "cuda"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.categorical_features = categorical_features
        self.latent_dim = latent_dim
        self.encoder_hidden = encoder_hidden
        self.decoder_hidden = decoder_hidden
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _make_synthesizer(self, ctgan: Any) -> Any:
        return ctgan.TVAE(
            embedding_dim=int(self.latent_dim),
            compress_dims=_widths(self.encoder_hidden, "encoder_hidden"),
            decompress_dims=_widths(self.decoder_hidden, "decoder_hidden"),
            batch_size=self.batch_size_,
            epochs=int(self.epochs),
            enable_gpu=self.device_ == "cuda",
            verbose=bool(self.verbose),
        )


def _import_ctgan(name: str) -> Any:
    try:
        import ctgan
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} needs the ctgan package: pip install 'ganaug[sdv]'. Mind its license: the Business Source License "
            "1.1 (BUSL-1.1) is no open-source license. ganaug.tabular.TabularGAN needs none of it."
        ) from error
    return ctgan


def _resolve_device(device: str) -> str:
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidInputError("device='cuda': torch sees no CUDA device here. Use device='auto' or 'cpu'.")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def _draw_seed(random_state: Any) -> int:
    """Return a seed; None gives a fresh one, without a look at numpy's global state."""
    if random_state is None:
        return secrets.randbits(31)
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise InvalidInputError(f"random_state={random_state!r}: give an integer, a RandomState or None.") from error


@contextmanager
def _isolated_rng(seed: int, device: str) -> Iterator[None]:
    """Seed every global generator that ctgan draws from, and restore them all afterwards."""
    gpus = list(range(torch.cuda.device_count())) if device == "cuda" else []
    with isolated_rng(seed), torch.random.fork_rng(gpus, enabled=bool(gpus)):
        numpy_state, python_state = np.random.get_state(), random.getstate()
        try:
            np.random.seed(derive_seed(seed, "numpy") % 2**32)
            random.seed(seed)
            if gpus:
                torch.cuda.manual_seed_all(seed)
            # Its worker processes would draw from generators of their own.
            with parallel_config(backend="sequential"):
                yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)


def _frame_from_array(X: Any) -> pd.DataFrame:
    if sparse.issparse(X):
        raise InvalidInputError("X is a sparse matrix, which can't be learned. Use X.toarray() or a DataFrame.")
    array = np.asarray(X)
    if array.ndim != 2:
        raise InvalidInputError(
            f"X has {array.ndim} dimension(s) and the shape {array.shape}; give a table of rows and columns. "
            "Reshape a single column with X.reshape(-1, 1)."
        )
    frame = pd.DataFrame(array, columns=[f"x{place}" for place in range(array.shape[1])])
    return frame.infer_objects()


def _check_table(frame: pd.DataFrame) -> None:
    if len(frame) < 2 or frame.shape[1] < 1:
        raise InvalidInputError(
            f"X has {len(frame)} row(s) and {frame.shape[1]} column(s); give at least 2 rows and 1 column."
        )
    repeated = frame.columns[frame.columns.duplicated()].tolist()
    if repeated:
        raise InvalidInputError(f"Column names must differ, but {repeated!r} occur more than once. Rename them.")


def _target_series(y: Any, n_rows: int) -> pd.Series:
    """Return y as a named column with the rows' positions as its index."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if not isinstance(y, pd.Series):
        values = np.asarray(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values.ravel()
        if values.ndim != 1:
            raise InvalidInputError(f"y has the shape {values.shape}; give one value per row of X.")
        y = pd.Series(values)
    if len(y) != n_rows:
        raise InvalidInputError(f"y has {len(y)} values and X has {n_rows} rows; they must be as many.")
    return y.reset_index(drop=True).rename("target" if y.name is None else y.name)


def _is_class_label(target: pd.Series) -> bool:
    """Tell whole numbers that name classes from a quantity."""
    if not pd.api.types.is_numeric_dtype(target.dtype):
        return False
    distinct = target.dropna().unique()
    return len(distinct) <= _MAX_TARGET_CLASSES and all(float(value).is_integer() for value in distinct)


def _named_columns(wanted: Any, names: list[Hashable], allowed: list[Hashable]) -> list[Hashable]:
    """Return the columns that names, indices or a mask stand for."""
    values = list(wanted)
    if values and all(isinstance(value, bool | np.bool_) for value in values):
        if len(values) != len(names):
            raise InvalidInputError(
                f"categorical_features is a mask of {len(values)} values; X has {len(names)} columns. Give one each."
            )
        return [name for name, chosen in zip(names, values, strict=True) if chosen]
    columns = []
    for value in values:
        if isinstance(value, Integral) and -len(names) <= value < len(names):
            columns.append(names[value])
        elif not isinstance(value, Integral) and value in allowed:
            columns.append(value)
        else:
            raise InvalidInputError(
                f"categorical_features has {value!r}, which is no column of X. The columns are {allowed}."
            )
    return columns


def _widths(widths: Any, name: str) -> tuple[int, ...]:
    if not all(isinstance(width, Integral) and width > 0 for width in widths):
        raise InvalidInputError(f"{name}={widths!r}: give the widths of the layers, positive whole numbers.")
    return tuple(int(width) for width in widths)
