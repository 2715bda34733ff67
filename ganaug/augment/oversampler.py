"""GANOverSampler: rare classes filled up by a GAN that has learned all of them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug.adversarial import derive_seed
from ganaug.augment.copies import CopyFinder
from ganaug.augment.drawing import Drawing, draw_class
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.randomness import draw_seed
from ganaug.tabular import TabularGAN

_KEEP = 0.9


class GANOverSampler(BaseOverSampler):
    """Fill up rare classes with synthetic rows of a GAN trained on all classes.

    The GAN learns the rows together with their class, so that a class of 30 rows borrows from the rest what columns
    have to do with each other. A synthetic row starts from a real row of its class, keeps most of its values and has
    the others drawn anew, given those kept and the class; of several such candidates the one is taken whose class the
    GAN doubts least. Put it into ``imblearn.pipeline``, in front of the classifier, so that only the training part
    of each fold is resampled.

    Parameters
    ----------
    gan : estimator or None, default=None
        A GAN of the package that can ``fit(X, y)`` and ``sample(n, conditions={target: class})``: `TabularGAN`,
        `CTGAN`, `TVAE`. An unfitted one is cloned and trained on the rows to resample; a fitted one is used as it is
        (scikit-learn's ``clone``, and so cross-validation, makes it unfitted again: right, as it would have seen the
        validation rows; ``FrozenEstimator`` prevents it). None trains a `TabularGAN` for 400 small steps in which
        rare classes come up more often (``target_balance=0.75``).
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows each class should have, as in imbalanced-learn: the wanted ratio of the smaller class to the
        larger (two classes), "minority", "not minority", "not majority" (= "auto") or "all", ``{class: count}``, or
        a function of ``y`` that returns such a dict.
    categorical_features : "from_dtype", "auto" or array-like, default="from_dtype"
        Columns to treat as categories: names, indices or a boolean mask. By default (both words mean the same) text,
        booleans and categorical dtypes are. Goes to the GAN that is trained.
    keep : float or "auto", default="auto"
        Share of a real row's values that a synthetic row keeps, on average; 0 draws whole rows. "auto" is 0.9 for a
        GAN that can ``vary`` rows (`TabularGAN`), else 0. In a table of few columns many
        rows stay as they are (of four columns 0.9 ** 4 = 66 %), and a dozen rows have few variants: lower ``keep``, or
        set ``copy_distance=0``, if repeated rows are not wanted.
    n_candidates : int, default=3
        Rows drawn per row wanted; the best by ``select_by`` are taken.
    select_by : {"auto", "class", "discriminator", None}, default="auto"
        "class": how likely the GAN finds the row's class, given the row. "discriminator": how normal the
        discriminator finds row and class, the rejection of implausible rows; it favors what is common. None takes
        the rows as they come. "auto" is "class" for a GAN with ``target_log_proba``, else None.
    copy_distance : float or None, default=None
        Synthetic rows nearer than this to a real row are drawn anew (up to ten times). The distance is the largest
        difference over columns: of ranks for numbers (0 to 1), 1 where categories differ. 0 refuses exact copies
        only; None lets all pass.
    provenance : str or None, default=None
        Name of a boolean column to append to a DataFrame that says which rows are synthetic. Not for pipelines: a
        classifier would learn from a column that later rows don't have.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws, and the training of a GAN that has no ``random_state`` of its own.

    Attributes
    ----------
    gan_ : estimator
        The fitted GAN.
    sampling_strategy_ : dict
        Rows added per class.
    is_synthetic_ : ndarray of bool, (n_resampled,)
        Which rows of the last result are synthetic: the real ones come first, in their order.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    See Also
    --------
    compare : Whether it helps, beside SMOTE, class weights and doing nothing.

    Notes
    -----
    It does not help every classifier: ranking metrics of boosted trees and linear models rarely gain from any
    oversampling. See the docs' page on augmentation, and ask `compare` about your own data.

    References
    ----------
    Chawla et al. 2002 (SMOTE), arXiv 1106.1813; Xu et al. 2019 (training by sampling), arXiv 1907.00503.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from ganaug.augment import GANOverSampler
    >>> from ganaug.tabular import TabularGAN
    >>> X, y = make_classification(400, weights=[0.9], random_state=0)
    >>> sampler = GANOverSampler(TabularGAN(max_steps=30), random_state=0)
    >>> pipeline = make_pipeline(sampler, LogisticRegression())
    >>> bool(cross_val_score(pipeline, X, y, cv=3, scoring="roc_auc").mean() > 0.8)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "gan": [BaseEstimator, None],
        "categorical_features": ["array-like", StrOptions({"from_dtype", "auto"})],
        "keep": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
        "select_by": [StrOptions({"auto", "class", "discriminator"}), None],
        "copy_distance": [Interval(Real, 0, None, closed="left"), None],
        "provenance": [str, None],
    }

    def __init__(
        self,
        gan: Any = None,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]] = "auto",
        categorical_features: str | Sequence[Any] = "from_dtype",
        keep: float | str = "auto",
        n_candidates: int = 3,
        select_by: str | None = "auto",
        copy_distance: float | None = None,
        provenance: str | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.gan = gan
        self.categorical_features = categorical_features
        self.keep = keep
        self.n_candidates = n_candidates
        self.select_by = select_by
        self.copy_distance = copy_distance
        self.provenance = provenance
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the rows, and below them synthetic ones of the classes that were short of them.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Any mix of numbers, categories, booleans, dates and missing values. An array of more dimensions (small
            images) is taken as a table of its values.
        y : array-like of shape (n_samples,)
            Classes.

        Returns
        -------
        X_resampled : DataFrame or ndarray of shape (n_resampled, n_features)
            As ``X``: columns, order, dtypes, shape of a row; the index is new. With ``provenance``, one column more.
        y_resampled : Series or ndarray of shape (n_resampled,)

        Raises
        ------
        InvalidInputError
            If the GAN can't do what is asked of it, or ``y`` has missing values.
        """
        self._check_provenance(X)
        if (n_missing := int(np.count_nonzero(pd.isna(np.asarray(y))))) > 0:
            raise InvalidInputError(f"y has {n_missing} missing values, and no row can be drawn for those. Drop them.")
        if isinstance(y, pd.Series | np.ndarray | pd.Index) and y.dtype.kind in "mM":
            raise InvalidInputError("y holds dates or durations. Make them text: y.astype(str).")
        if isinstance(X, np.ndarray) and X.ndim > 2:
            X_resampled, y_resampled = self.fit_resample(X.reshape(len(X), -1), y)
            return X_resampled.reshape(-1, *X.shape[1:]), y_resampled
        X_resampled, y_resampled = super().fit_resample(X, y)
        if self.provenance is not None:
            X_resampled = X_resampled.assign(**{self.provenance: self.is_synthetic_})
        return X_resampled, y_resampled

    def _fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        seed = draw_seed(self.random_state)
        self.gan_ = self._train(X, y, seed)
        drawing = Drawing(
            self.gan_,
            keep=self._resolve_keep(),
            n_candidates=self.n_candidates,
            select_by=self._resolve_selection(),
            copies=self._find_copies(X),
        )
        parts, labels = [X], [y]
        for label, n_wanted in self.sampling_strategy_.items():
            if n_wanted:
                class_seed = derive_seed(seed, "class", str(label))
                parts.append(draw_class(drawing, X, y, label, n_wanted, class_seed))
                labels.append(np.full(n_wanted, label, dtype=y.dtype))
        is_frame = isinstance(X, pd.DataFrame)
        X_resampled = pd.concat(parts, ignore_index=True) if is_frame else np.concatenate(parts)
        y_resampled = np.concatenate(labels)
        self.is_synthetic_ = np.arange(len(y_resampled)) >= len(y)
        return X_resampled, y_resampled

    def _train(self, X: Any, y: np.ndarray, seed: int) -> Any:
        """Return a GAN that knows rows and classes: the one given if it is fitted, else a trained clone."""
        if self.gan is not None and _is_fitted(self.gan):
            return self.gan
        if self.gan is None:
            gan = make_gan(is_scored=self.select_by == "discriminator")
        else:
            gan = clone(self.gan)
        changed: dict[str, Any] = {}
        parameters = gan.get_params()
        if parameters.get("random_state", 0) is None:
            changed["random_state"] = derive_seed(seed, "gan") % 2**32
        if not isinstance(self.categorical_features, str):
            changed["categorical_features"] = self._categories()
        unknown = set(changed) - set(parameters)
        if unknown or not hasattr(gan, "sample"):
            lacks = f"has no {', '.join(sorted(unknown))}" if unknown else "can't sample"
            raise InvalidInputError(f"gan={gan!r} {lacks}: give a GAN for tables, such as TabularGAN().")
        # As categories: numbers that name classes are no quantity. As Python values: int64, not int32, comes back.
        target = pd.Series(pd.Categorical(y.tolist()), name=_name_target(X))
        with warnings.catch_warnings():
            if self.select_by != "discriminator":  # what its scores are worth is then of no concern
                warnings.filterwarnings("ignore", message="score_samples ranks", category=TrainingWarning)
            return gan.set_params(**changed).fit(X, target)

    def _resolve_keep(self) -> float:
        can_vary = hasattr(self.gan_, "vary")
        if isinstance(self.keep, str):
            return _KEEP if can_vary else 0.0
        if self.keep and not can_vary:
            raise InvalidInputError(
                f"keep={self.keep!r}: a {type(self.gan_).__name__} can't vary real rows. Use keep=0 or 'auto', or "
                "ganaug.tabular.TabularGAN."
            )
        return float(self.keep)

    def _resolve_selection(self) -> str | None:
        needed = {"class": "target_log_proba", "discriminator": "score_samples"}
        if self.select_by == "auto":
            return "class" if hasattr(self.gan_, needed["class"]) else None
        if self.select_by is not None and not hasattr(self.gan_, needed[self.select_by]):
            raise InvalidInputError(
                f"select_by={self.select_by!r}: a {type(self.gan_).__name__} has no {needed[self.select_by]}. Use "
                "None or 'auto', or ganaug.tabular.TabularGAN."
            )
        return self.select_by

    def _find_copies(self, X: Any) -> CopyFinder | None:
        if self.copy_distance is None:
            return None
        return CopyFinder(X, self.copy_distance, self._categories())

    def _categories(self) -> str | list[Any]:
        """Return ``categorical_features`` as the GANs take it."""
        if isinstance(self.categorical_features, str):
            return "from_dtype"
        chosen = list(self.categorical_features)
        # A mask may come as a list, as an array, or with pandas' own booleans.
        is_mask = bool(chosen) and all(isinstance(value, bool | np.bool_) for value in chosen)
        return [bool(value) for value in chosen] if is_mask else chosen

    def _check_provenance(self, X: Any) -> None:
        if self.provenance is None:
            return
        if not isinstance(X, pd.DataFrame):
            raise InvalidInputError(
                f"provenance={self.provenance!r} names a column, but X is no DataFrame. Read is_synthetic_ instead."
            )
        if self.provenance in X.columns:
            raise InvalidInputError(f"provenance={self.provenance!r}: X has a column of that name. Choose another.")

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, np.ndarray, bool]:
        """Validate without turning a table into an array of numbers."""
        y, is_one_hot = check_target_type(y, indicate_one_vs_all=True)
        if isinstance(X, pd.DataFrame):
            _, y = validate_data(self, X, y, reset=True, skip_check_array=True)
            y = np.asarray(y)
            return _densify(X).reset_index(drop=True), y, is_one_hot
        X, y = validate_data(self, X, y, reset=True, dtype=None, ensure_all_finite="allow-nan")
        return X, y, is_one_hot

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def make_gan(max_steps: int = 400, *, is_scored: bool = False, **parameters: Any) -> TabularGAN:
    """Return the GAN that an oversampler trains if it is given none.

    Scores that nobody asks for (``is_scored=False``) need no lessons, which take a quarter of the time.
    """
    budget = {"epochs": None, "max_steps": max_steps, "batch_size": 128}
    return TabularGAN(**budget, target_balance=0.75, scrambled_weight=float(is_scored), **parameters)


def _is_fitted(gan: Any) -> bool:
    try:
        check_is_fitted(gan)
    except NotFittedError:
        return False
    return True


def _name_target(X: Any) -> str:
    """Return a name for the target that no column has."""
    name = "target"
    while isinstance(X, pd.DataFrame) and name in X.columns:
        name += "_"
    return name


def _densify(X: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with pandas' sparse columns made dense; imbalanced-learn makes them sparse again."""
    sparse = [name for name, dtype in X.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
    return X.astype({name: X[name].dtype.subtype for name in sparse}) if sparse else X
