"""The classifiers of a comparison: defaults, an encoder in front where one is needed, seeds, class weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from ganaug.adversarial import derive_seed
from ganaug.augment.columns import as_frame, as_numbers, as_texts, kind_of
from ganaug.exceptions import InvalidInputError

DEFAULTS = ("logistic", "tree", "boosting")
_MAX_CATEGORIES = 30
"""One-hot columns per column; a column of names has no end."""


@dataclass(frozen=True)
class Candidate:
    """A classifier, not fitted, and whether it gets the rows encoded or as they are."""

    estimator: Any
    is_encoded: bool

    def __str__(self) -> str:
        text = " ".join(repr(self.estimator).split())
        return f"encoder + {text}" if self.is_encoded else text


def prepare_estimators(estimator: Any, X: Any) -> dict[str, Candidate]:
    """Return the classifiers by name.

    Parameters
    ----------
    estimator : classifier, name, list of names, dict or None
        As in `compare`.
    X : DataFrame or ndarray

    Raises
    ------
    InvalidInputError
        If a name is none of ``DEFAULTS``, or something is no estimator.
    """
    if estimator is None or isinstance(estimator, str) or _is_names(estimator):
        names = DEFAULTS if estimator is None else [estimator] if isinstance(estimator, str) else estimator
        return {name: _make_default(name, X) for name in names}
    named = estimator if isinstance(estimator, Mapping) else {_name(estimator): estimator}
    if not named:
        raise InvalidInputError(f"estimator={estimator!r} is empty. Give a classifier, or None for the default ones.")
    for name, classifier in named.items():
        if not hasattr(classifier, "fit") or not hasattr(classifier, "get_params") or isinstance(classifier, type):
            raise InvalidInputError(
                f"estimator={classifier!r} ({name}) is no estimator. Give a classifier, a dict of names and "
                f"classifiers, or names among {', '.join(DEFAULTS)}."
            )
    return {str(name): Candidate(clone(classifier), needs_encoder(classifier, X)) for name, classifier in named.items()}


def _is_names(estimator: Any) -> bool:
    is_list = isinstance(estimator, Sequence) and not hasattr(estimator, "fit")
    return is_list and len(estimator) > 0 and all(isinstance(name, str) for name in estimator)


def _name(estimator: Any) -> str:
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return type(estimator).__name__


def _make_default(name: str, X: Any) -> Candidate:
    if name == "logistic":  # always encoded: it does not converge on columns of different units
        return Candidate(LogisticRegression(max_iter=2_000), True)
    classifiers = {"tree": DecisionTreeClassifier(), "boosting": HistGradientBoostingClassifier()}
    if name not in classifiers:
        raise InvalidInputError(
            f"estimator={name!r} is unknown. Choose among {', '.join(DEFAULTS)}, or give a classifier."
        )
    return Candidate(classifiers[name], needs_encoder(classifiers[name], X))


def needs_encoder(estimator: Any, X: Any) -> bool:
    """Whether a classifier can't take ``X``, or hardly: texts, categories, dates, or gaps that it has no way with."""
    if _holds_pipeline(estimator):
        return False
    table = as_frame(X)
    if any(kind_of(table.iloc[:, place]) in ("time", "category") for place in range(table.shape[1])):
        return True
    takes_gaps = hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).input_tags.allow_nan
    return not takes_gaps and bool(table.isna().any(axis=None))


def _holds_pipeline(estimator: Any) -> bool:
    """Whether it is a Pipeline, or a search or the like around one: whoever builds one encodes as he likes."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return any(isinstance(part, Pipeline | ColumnTransformer) for part in parts)


def make_encoder(X: Any) -> ColumnTransformer:
    """Return a transformer that makes numbers of the columns of ``X``.

    Numbers, booleans and dates: missing ones become the median, then all are standardized. Categories: one-hot, a
    missing one being a category of its own; beyond 30 per column the rarest share one, as do those never seen.

    Fit it on training rows before they are resampled. Else the categories of the rare class become frequent by being
    repeated, and those that share a column are all of the other class: a classifier that relies on this is misled.
    """
    table = as_frame(X)
    kinds = [kind_of(table.iloc[:, place]) for place in range(table.shape[1])]
    texts = [place for place, kind in enumerate(kinds) if kind == "category"]
    numbers = [place for place, kind in enumerate(kinds) if kind != "category"]
    as_is = {"feature_names_out": "one-to-one"}
    number = make_pipeline(
        FunctionTransformer(as_numbers, **as_is),
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
    )
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MAX_CATEGORIES, sparse_output=False)
    text = make_pipeline(FunctionTransformer(as_texts, **as_is), one_hot)
    parts = [("number", number, numbers), ("category", text, texts)]
    # Whatever a user has set globally, the parts expect arrays of each other.
    return ColumnTransformer([part for part in parts if part[2]]).set_output(transform="default")


def seed_copy(estimator: Any, seed: int) -> Any:
    """Return a clone of which every ``random_state`` that was None is drawn from ``seed``."""
    copy = clone(estimator)
    names = [
        name
        for name, value in copy.get_params().items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    ]
    return copy.set_params(**{name: derive_seed(seed, name) % 2**31 for name in names})


def weigh_classes(estimator: Any, y: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return what makes a classifier weigh classes alike: parameters, and arguments of ``fit``; None if nothing does.

    Of a Pipeline that is its last step's ``class_weight``, or else its ``sample_weight``.
    """
    prefix, last = "", estimator
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if hasattr(last, "get_params") and "class_weight" in last.get_params(deep=False):
        return {f"{prefix}class_weight": "balanced"}, {}
    if hasattr(last, "fit") and has_fit_parameter(last, "sample_weight"):
        return {}, {f"{prefix}sample_weight": compute_sample_weight("balanced", y)}
    return None
