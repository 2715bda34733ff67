"""What CTGAN and TVAE share: the way into ctgan and out of it, seeds, conditions, errors."""

import math
import os
import warnings
from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ganaug.adversarial.seeding import derive_seed
from ganaug.devices import resolve_device
from ganaug.exceptions import (
    ConditionError,
    GanaugError,
    InvalidInputError,
    TrainingDivergedError,
    TrainingWarning,
)
from ganaug.randomness import draw_seed
from ganaug.tabular.frames import TableFormat
from ganaug.tabular.sdv_columns import TableSplitter
from ganaug.tabular.sdv_runtime import (
    import_ctgan,
    isolated_globals,
)

_MAX_CLASSES = 20
# Rejection sampling: rounds of doubling size, some 360 000 rows in all before it gives up.
_MAX_ROUNDS = 12
_FIRST_ROUND = 1_000
_LARGEST_ROUND = 50_000


class SDVSynthesizer(BaseEstimator):
    """Base of `CTGAN` and `TVAE`; a subclass says how ctgan's object is made."""

    epochs: int
    batch_size: int
    categorical_features: str | Sequence[Any]
    device: Literal["auto", "cpu", "cuda"]
    random_state: int | np.random.RandomState | None

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
            Any mix of numbers, categories, booleans, dates and missing values. The columns of an
            array are called ``x0``, ``x1``, ...
        y : array-like of shape (n_samples,), optional
            A target learned as one more column, named like the Series, or "target". Whole numbers
            are taken for classes, unless there are more than 20 of them.

        Returns
        -------
        self
        """
        ctgan = import_ctgan(type(self).__name__)
        self.format_, table = TableFormat.learn(self, X, y)
        self.seed_ = draw_seed(self.random_state)
        self.device_ = resolve_device(self.device).type
        self.batch_size_ = self._legal_batch_size()
        self.splitter_ = TableSplitter(table, self._name_categories(table))
        parts, discrete = self.splitter_.split(table)
        with isolated_globals(derive_seed(self.seed_, "fit"), self.device_):
            self.synthesizer_ = self._make_synthesizer(ctgan)
            self.stop_reason_ = self._train(parts, discrete)
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
            ``{column: value}``, ``{column: [value, ...]}``, ``{column: (low, high)}`` for numbers
            and times (both ends included; None for an open end), or a list of such ranges. None or
            NaN as a value asks for a missing one. Rows are drawn until enough of them meet all
            conditions, so rare ones cost time; `TabularGAN` draws such rows directly.
        return_y : bool, default=False
            After ``fit(X, y)``: return ``(X, y)`` instead of ``X`` alone.
        random_state : int, RandomState or None, default=None
            None takes the estimator's own: with an int there, each call returns the same rows.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features)
            What ``fit`` was given, with its columns, order and dtypes; and ``y`` if asked for.

        Raises
        ------
        ConditionError
            If a condition names a value never seen in training, or too few rows that meet it were
            found.
        """
        check_is_fitted(self, "synthesizer_")
        if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 0:
            raise InvalidInputError(f"n_samples must be a whole number of at least 0, but is {n_samples!r}.")
        if return_y and self.format_.target is None:
            raise InvalidInputError("return_y=True needs a target, but fit was given none. Call fit(X, y).")
        with isolated_globals(self._sampling_seed(random_state), self.device_):
            if conditions:
                parts = self._draw_matching(int(n_samples), conditions)
            else:
                parts = self._draw_parts(int(n_samples))
        return self.format_.restore(self.splitter_.rebuild(parts), return_y)

    def save(self, path: str | os.PathLike[str]) -> NoReturn:
        """Refuse to save: models of the ctgan package can be pickled, and written in no other way.

        Parameters
        ----------
        path : path-like
            Not used.

        Raises
        ------
        GanaugError
            Always.
        """
        raise GanaugError(
            f"{type(self).__name__} can't be saved to {str(path)!r}: models of the ctgan package "
            "can only be pickled (joblib.dump, pickle). For a model file without pickle use "
            "ganaug.tabular.TabularGAN."
        )

    def __sklearn_tags__(self) -> Tags:
        """Say to scikit-learn that text, categories and missing values are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled model, on the device it was trained on where there is one."""
        super().__setstate__(state)
        if hasattr(self, "synthesizer_"):
            # ctgan's models wake up on whatever accelerator there is, and would sample other rows
            # there.
            self.device_ = self.device_ if torch.cuda.is_available() else "cpu"
            self.synthesizer_.set_device(self.device_)

    def _sampling_seed(self, random_state: Any) -> int:
        if random_state is None and self.random_state is not None:
            return derive_seed(self.seed_, "sample")
        return derive_seed(draw_seed(random_state), "sample")

    def _name_categories(self, table: pd.DataFrame) -> list[Hashable]:
        """Return the columns to treat as categories whatever their dtype."""
        named = self.format_.resolve_columns(self.categorical_features)
        categories = [] if isinstance(named, str) else list(named)
        target = self.format_.target
        if target is not None and _is_class_label(table[target]):
            categories.append(target)
        return categories

    def _train(self, parts: pd.DataFrame, discrete: list[str]) -> str:
        """Let ctgan train; return why it stopped."""
        try:
            self.synthesizer_.fit(parts, discrete)
        except KeyboardInterrupt:
            # ctgan builds its generator before the first step: from then on, what it has learned is
            # usable.
            try:
                self.synthesizer_.sample(1)
            except Exception:  # whatever ctgan raises without a generator: nothing was learned
                raise KeyboardInterrupt from None
            warnings.warn(
                f"{type(self).__name__} was interrupted; it is fitted as far as it came.",
                TrainingWarning,
                stacklevel=4,
            )
            return "interrupted"
        return "epochs"

    def _read_history(self) -> list[dict[str, float]]:
        """Return the losses of each epoch under ganaug's names."""
        # CTGAN keeps the last batch of an epoch, TVAE all of them.
        means = self.synthesizer_.loss_values.astype(np.float64).groupby("Epoch").mean()
        history: list[dict[str, float]] = [
            {"epoch": int(epoch) + 1} | {term: float(means.at[epoch, column]) for term, column in self._losses.items()}
            for epoch in means.index
        ]
        if history and not all(map(math.isfinite, history[-1].values())):
            raise TrainingDivergedError(
                f"{type(self).__name__} diverged: the losses of its last epoch are {history[-1]}. "
                "Lower the learning rates where there are any, and look for extreme numbers in "
                "the table."
            )
        return history

    def _draw_parts(self, n_rows: int) -> pd.DataFrame:
        """Return rows in ctgan's terms."""
        with torch.no_grad():
            parts: pd.DataFrame = self.synthesizer_.sample(max(n_rows, 1))  # ctgan can't draw none
        return parts.head(n_rows)

    def _draw_matching(self, n_rows: int, conditions: Mapping[Hashable, Any]) -> pd.DataFrame:
        """Draw ever larger batches until ``n_rows`` meet the conditions."""
        kept = [self._draw_parts(0)]
        # Without a row to test, this only refuses what no row can meet.
        self.splitter_.matches(conditions, kept[0])
        n_kept = n_drawn = 0
        size = max(_FIRST_ROUND, 2 * n_rows)
        for _ in range(_MAX_ROUNDS):
            if n_kept >= n_rows:
                break
            parts = self._draw_parts(size)
            kept.append(parts[self.splitter_.matches(conditions, parts)])
            n_kept, n_drawn = n_kept + len(kept[-1]), n_drawn + size
            size = min(2 * size, max(_LARGEST_ROUND, size))
        if n_kept < n_rows:
            raise ConditionError(
                f"conditions={dict(conditions)!r}: only {n_kept} of the {n_drawn} rows drawn meet "
                f"them, but n_samples={n_rows}. Widen the conditions (a range instead of an exact "
                "number), ask for fewer rows, train for more epochs, or use "
                "ganaug.tabular.TabularGAN, which draws such rows directly."
            )
        return pd.concat(kept, ignore_index=True).head(n_rows)


def _is_class_label(target: pd.Series) -> bool:
    """Tell whole numbers that name classes from a quantity."""
    if not pd.api.types.is_numeric_dtype(target.dtype):
        return False
    distinct = target.unique()
    return len(distinct) <= _MAX_CLASSES and all(float(value).is_integer() for value in distinct)
