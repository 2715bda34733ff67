"""Samples of a fitted Pipeline, taken back to the columns that the pipeline was fitted on.

scikit-learn's Pipeline passes ``predict`` and ``score_samples`` on to its last step, but has no ``sample``.
"""

import inspect
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted

from ganaug.exceptions import InvalidInputError

Steps = list[tuple[str, Any]]

_WAY_OUT = (
    "Drop the step (ganaug's GANs take numbers, categories and missing values as they are and encode them themselves), "
    "or put a transformer with an inverse in its place."
)
_MAX_DRAWS = 100
_MARGIN = 1e-6
"""Between the two largest of a category's columns; a scaler behind a one-hot encoder leaves rounding errors."""


class _UndecidedError(InvalidInputError):
    """Some samples, marked in ``rows``, are of no category or of several."""

    rows: np.ndarray


def sample(pipeline: Pipeline, n_samples: int = 1, *, random_state: Any = None, **kwargs: Any) -> Any:
    """Draw samples from a pipeline's last step and take them back through the steps before it.

    Parameters
    ----------
    pipeline : Pipeline
        Of scikit-learn or imbalanced-learn, fitted. Its last step has a ``sample``: TabularGAN, CTGAN, TVAE,
        KernelDensity, GaussianMixture, ... The steps before it have an ``inverse_transform``, or are pipelines,
        "passthrough", imbalanced-learn's samplers, or a ColumnTransformer that gives each column to exactly one part.
    n_samples : int, default=1
        With a frame of conditions: its number of rows.
    random_state : int, RandomState instance or None, default=None
        For the last step's ``sample``. None: as that step does without one. A GAN whose own ``random_state`` is an
        int then returns the same rows with each call.
    **kwargs
        For the last step's ``sample``: ``conditions=``, ``return_y=True``. **Conditions are in the last step's own
        columns**: behind a scaler in scaled units, behind a one-hot encoder in its columns of zeros and ones.

    Returns
    -------
    DataFrame or ndarray of shape (n_samples, n_features)
        A DataFrame if the pipeline was fitted on one (with texts as names). Dtypes are those that the inverses give:
        a scaler's are floats. If the last step returns ``(X, y)``, as mixtures do, then so does this function.

    Raises
    ------
    InvalidInputError
        If the last step can't sample, an earlier one can't be undone, or a parameter can't be used.
    NotFittedError
        If the pipeline is not fitted.

    Notes
    -----
    What a step lost stays lost, such as a PCA with few components. The largest of a category's one-hot columns says
    which category a sample is of. Samples of none or several (a GAN may draw zeros alone, or two ones) are drawn again.
    Behind an OrdinalEncoder take a GAN: mixtures and kernel densities draw numbers between and beyond its codes, too.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.neighbors import KernelDensity
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ganaug.pipeline import sample
    >>> people = pd.DataFrame({"height": [1.62, 1.75, 1.81, 1.69], "weight": [58.0, 70.0, 84.0, 66.0]})
    >>> pipeline = make_pipeline(StandardScaler(), KernelDensity(bandwidth=0.2)).fit(people)
    >>> synthetic = sample(pipeline, 1_000, random_state=0)
    >>> synthetic.shape, list(synthetic.columns)
    ((1000, 2), ['height', 'weight'])
    >>> bool(synthetic["weight"].between(45, 97).all())  # in kilograms
    True
    """
    if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 0:
        raise InvalidInputError(f"n_samples must be a whole number of at least 0, but is {n_samples!r}.")
    *earlier, (path, last_step) = _changing_steps(pipeline)
    if random_state is not None:
        if not _takes_random_state(last_step):
            raise InvalidInputError(
                f"The sample method of the last step, {_describe(path, last_step)}, takes no random_state. Leave it "
                "out, and set random_state on the step."
            )
        kwargs["random_state"] = random_state
    for earlier_path, step in earlier:  # before sampling, which may take long
        _check_invertible(earlier_path, step)
    # Most transformers refuse tables of no rows: one is drawn, for its columns and dtypes, and cut off.
    X, *targets = _draw(last_step, earlier, max(int(n_samples), 1), kwargs)
    if n_samples == 0:
        X, *targets = (part[:0] for part in (X, *targets))
    return (X, *targets) if targets else X


def _changing_steps(pipeline: Any) -> Steps:
    """Return the steps that change columns, then the last one, after checking that it can sample."""
    if not isinstance(pipeline, Pipeline):
        raise InvalidInputError(f"pipeline must be a Pipeline, but is of type {type(pipeline).__name__}.")
    *earlier, (path, last_step) = _leaves(pipeline.steps)
    if not hasattr(last_step, "sample"):
        raise InvalidInputError(
            f"The last step, {_describe(path, last_step)}, can't sample. End the pipeline with a model that has a "
            "sample method, such as ganaug.tabular.TabularGAN."
        )
    check_is_fitted(pipeline)
    return [*(leaf for leaf in earlier if _changes_columns(leaf[1])), (path, last_step)]


def _leaves(steps: Steps, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all steps with their paths (``outer__inner``), pipelines among them taken apart."""
    for name, step in steps:
        while isinstance(step, FrozenEstimator):
            step = step.estimator
        if isinstance(step, Pipeline):
            yield from _leaves(step.steps, f"{prefix}{name}__")
        else:
            yield prefix + name, step


def _changes_columns(step: Any) -> bool:
    # imbalanced-learn's samplers change rows, and only while a pipeline is fitted.
    return not (step is None or isinstance(step, str) or hasattr(step, "fit_resample"))


def _describe(path: str, step: Any) -> str:
    return f"{path!r} ({step if isinstance(step, str) else type(step).__name__})"


def _takes_random_state(step: Any) -> bool:
    return "random_state" in inspect.signature(step.sample).parameters


def _check_invertible(path: str, step: Any) -> None:
    """Refuse steps without an inverse, and those whose inverse would silently give wrong values."""
    problem = None
    if isinstance(step, ColumnTransformer):
        check_is_fitted(step)
        _check_columns(path, step)
    elif not hasattr(step, "inverse_transform"):
        problem = "has no inverse_transform"
    elif isinstance(step, FunctionTransformer) and step.func is not None and step.inverse_func is None:
        problem = "has a func but no inverse_func, so its inverse_transform would change nothing. Give it one"
    elif isinstance(step, SelectorMixin) and not step.get_support().all():
        problem = "left out columns, which its inverse_transform would fill with zeros"
    if problem:
        raise InvalidInputError(f"Step {_describe(path, step)} {problem}. {_WAY_OUT}")


def _check_columns(path: str, step: ColumnTransformer) -> None:
    """Refuse a ColumnTransformer unless each column went to exactly one part, and that one has an inverse."""
    owners: list[list[str]] = [[] for _ in range(step.n_features_in_)]
    for name, leaves, places, _ in _parts(path, step):
        for part_path, part in leaves:
            _check_invertible(part_path, part)
        for place in places:
            owners[place].append(name)
    labels = getattr(step, "feature_names_in_", np.arange(step.n_features_in_)).tolist()
    problem = None
    if lost := [label for label, names in zip(labels, owners, strict=True) if not names]:
        problem = f"drops the columns {lost}. Take them out of the data before, or keep them: remainder='passthrough'."
    elif shared := [label for label, names in zip(labels, owners, strict=True) if len(names) > 1]:
        problem = f"gives {shared} to several parts, whose samples may differ. Give each column to one part."
    if problem:
        raise InvalidInputError(f"Step {_describe(path, step)} can't be undone, because it {problem}")


def _parts(path: str, step: ColumnTransformer) -> Iterator[tuple[str, Steps, np.ndarray, float]]:
    """Yield name, steps, column indices and weight of the parts that are neither dropped nor empty."""
    names = getattr(step, "feature_names_in_", [f"x{place}" for place in range(step.n_features_in_)])
    indices = pd.DataFrame([range(step.n_features_in_)], columns=names)
    for name, part, columns in step.transformers_:
        places = np.ravel(_safe_indexing(indices, columns, axis=1))
        if len(places) and not (isinstance(part, str) and part == "drop"):
            leaves = [leaf for leaf in _leaves([(name, part)], f"{path}__") if _changes_columns(leaf[1])]
            yield name, leaves, places, (step.transformer_weights or {}).get(name, 1)


def _draw(last_step: Any, earlier: Steps, n_samples: int, kwargs: dict[str, Any]) -> list[Any]:
    """Return samples in the pipeline's columns, then ``y`` where the last step gives one."""
    names = getattr(last_step, "feature_names_in_", None)
    seed = kwargs.get("random_state", getattr(last_step, "random_state", None))
    drawn = _as_list(last_step.sample(n_samples, **kwargs))
    for _ in range(_MAX_DRAWS):
        try:
            return [_undo(drawn[0], earlier, names), *drawn[1:]]
        except _UndecidedError as error:
            undecided = error
        if seed is not None and _takes_random_state(last_step):  # or the same rows would come again
            seed = check_random_state(seed)
            kwargs = kwargs | {"random_state": seed.randint(2**31 - 1)}
        fresh = _as_list(last_step.sample(n_samples, **kwargs))
        drawn = [_replace(part, other, undecided.rows) for part, other in zip(drawn, fresh, strict=True)]
    raise undecided


def _as_list(drawn: Any) -> list[Any]:
    return list(drawn) if isinstance(drawn, tuple) else [drawn]


def _replace(part: Any, fresh: Any, rows: np.ndarray) -> Any:
    """Return ``part`` with the marked rows of ``fresh``."""
    taken = np.arange(len(rows)) + len(rows) * rows
    if isinstance(part, pd.DataFrame | pd.Series):
        return pd.concat([part, fresh]).iloc[taken].reset_index(drop=True)
    return np.concatenate([part, fresh])[taken]


def _undo(X: Any, steps: Steps, names: Any) -> Any:
    """Take ``X`` back through ``steps``; ``names`` are the columns that came out of the last of them, if known."""
    for path, step in reversed(steps):
        X = _as_put_out(X, step, names)
        try:
            if isinstance(step, ColumnTransformer):
                X = _undo_columns(X, path, step)
            else:
                X = step.inverse_transform(_decide(X, path, step) if isinstance(step, OneHotEncoder) else X)
        except (InvalidInputError, NotFittedError):
            raise
        except Exception as error:
            raise InvalidInputError(
                f"Step {_describe(path, step)} can't take samples back: its inverse_transform says "
                f"'{error}'. {_WAY_OUT}"
            ) from error
        names = getattr(step, "feature_names_in_", None)
    return _name(X, names)


def _as_put_out(X: Any, step: Any, names: Any) -> Any:
    """Return ``X`` with names or without, as ``step`` can take them back without a warning."""
    if not hasattr(step, "feature_names_in_"):
        # A step without n_features_in_ is the user's own, and may need the names it gave.
        is_nameless = hasattr(step, "n_features_in_") and not isinstance(step, FunctionTransformer)
        return np.asarray(X) if is_nameless else _name(X, names)
    if names is None:
        try:
            names = step.get_feature_names_out()
        except (AttributeError, ValueError):
            names = step.feature_names_in_
    return _name(X, names)


def _name(X: Any, names: Any) -> Any:
    if names is None or np.shape(X)[1:] != (len(names),):
        return X
    if not isinstance(X, pd.DataFrame):
        return pd.DataFrame(X, columns=names).infer_objects()
    return X[list(names)] if set(X.columns) == set(names) else X.set_axis(names, axis=1)


def _undo_columns(X: Any, path: str, step: ColumnTransformer) -> Any:
    """Take each part's columns back and put them where they came from."""
    table = pd.DataFrame(X).infer_objects()
    columns: dict[int, pd.Series] = {}
    for name, leaves, places, weight in _parts(path, step):
        drawn = table.iloc[:, step.output_indices_[name]]
        drawn = drawn if weight == 1 else drawn / weight
        back = _undo(drawn if isinstance(X, pd.DataFrame) else drawn.to_numpy(), leaves, None)
        back = pd.DataFrame(back).reset_index(drop=True)
        if back.shape != (len(table), len(places)):
            raise InvalidInputError(
                f"Part {name!r} of step {_describe(path, step)} was given {len(places)} columns, but its inverse "
                f"returns {back.shape[1]}. {_WAY_OUT}"
            )
        columns |= {place: back.iloc[:, column] for column, place in enumerate(places)}
    ordered = pd.DataFrame({place: columns[place] for place in sorted(columns)}).infer_objects()
    return ordered if hasattr(step, "feature_names_in_") else ordered.to_numpy()


def _decide(X: Any, path: str, step: OneHotEncoder) -> np.ndarray:
    """Return ``X`` with a one where the largest of a category's columns was and zeros elsewhere."""
    values = np.asarray(X, dtype=float)
    decided, undecided, start = np.zeros_like(values), np.zeros(len(values), dtype=bool), 0
    for width, has_zeros in _widths(step):
        block = values[:, start : start + width]
        if has_zeros:
            block = np.column_stack([block, 1 - block.sum(axis=1)])
        if block.shape[1] > 1:
            second, first = np.partition(block, -2, axis=1)[:, -2:].T
            undecided |= first - second < _MARGIN
        decided[:, start : start + width] = block.argmax(axis=1)[:, None] == np.arange(width)
        start += width
    if undecided.any():
        error = _UndecidedError(
            f"Step {_describe(path, step)}: {undecided.sum()} of {len(values)} samples are of no category, or of "
            f"several, after {_MAX_DRAWS} draws. Train longer. Or else: {_WAY_OUT}"
        )
        error.rows = undecided
        raise error
    return decided


def _widths(step: OneHotEncoder) -> Iterator[tuple[int, bool]]:
    """Yield how many columns each feature became, and whether zeros in all of them mean something."""
    unknown = [None] * len(step.categories_)
    rare = getattr(step, "infrequent_categories_", unknown)
    dropped = unknown if step.drop_idx_ is None else step.drop_idx_
    # With "auto", all categories of the training data are known.
    may_be_unknown = not isinstance(step.categories, str) and step.handle_unknown != "error"
    for categories, infrequent, drop in zip(step.categories_, rare, dropped, strict=True):
        n_columns = len(categories) - (0 if infrequent is None else len(infrequent) - 1) - (drop is not None)
        yield n_columns, may_be_unknown or drop is not None
