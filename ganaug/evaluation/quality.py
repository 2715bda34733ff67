"""How close a synthetic table is to the real one, beside the floor that real rows set themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ganaug.evaluation.detectors import measure_detection
from ganaug.evaluation.distances import (
    EncodedColumn,
    encode_column,
    error_floor_ceiling,
    shape_distance,
    trend_errors,
)
from ganaug.evaluation.limits import find_failures
from ganaug.evaluation.matrices import Matrices
from ganaug.evaluation.quality_report import QualityReport
from ganaug.evaluation.usefulness import measure_usefulness
from ganaug.exceptions import InvalidInputError

__all__ = ["QualityReport", "quality"]

HALVINGS = 3  # one alone makes an unsteady floor for a small table


def quality(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    target: Any = None,
    random_state: int | np.random.RandomState | None = 0,
    models: bool = True,
) -> QualityReport:
    """Compare a synthetic table with the real one: columns, pairs, whole rows, and what can be learned from it.

    Columns: numbers and dates are compared by the Kolmogorov-Smirnov distance of the values that
    are not missing, or by the difference of the missing rates when that is larger; categories and
    booleans by the total variation distance, a missing value being a level. A column of texts
    that nearly all differ (more than 50, and more than half of the rows) is of kind "text": only
    its missing rate is compared, and it enters no pair.

    Pairs: two numbers or dates by half the difference of their Pearson correlations (0 where a
    correlation does not exist); other pairs by the total variation distance of their contingency
    tables, a number being cut at the deciles of the real column, a missing value being a level.

    Whole rows: how well boosted trees and a logistic regression tell synthetic rows from real ones
    (`ganaug.detection.detector_auc`). With a target: how well boosted trees that learned from
    synthetic rows predict it on real rows, beside trees that learned from real rows. It is a class
    where it is a category, a boolean, or whole numbers of at most 20 values; else a number. All
    figures stand beside a floor, real rows, and a ceiling, independent columns; the guide
    :doc:`evaluation` says how to read them, and which limits `passed` goes by.

    Parameters
    ----------
    real, synthetic : pandas.DataFrame
        Tables with the same columns, in any order; `real` decides the kind of each column.
    holdout : pandas.DataFrame, default=None
        More real rows, not learned from. The floor is then real against holdout; without it,
        random halves of `real` against each other, three times, which lies a little high as halves
        are smaller. Usefulness is tested on the holdout; without it, on a fifth of `real`.
    target : column name, default=None
        A column that is predicted, and whose pairs are always measured and summarised apart.
    random_state : int, RandomState or None, default=0
        Draws the halves and, where there are more than 100,000 rows, 10 million cells or 5,000
        pairs, the rows and pairs that are measured (a warning tells about the pairs); and the rows
        that models learn from: 10,000 of a table to tell rows apart, 50,000 to predict the target,
        less of more than 150 columns.
    models : bool, default=True
        False leaves out what needs models to be trained: detection and usefulness.

    Returns
    -------
    QualityReport

    Raises
    ------
    InvalidInputError
        A table is no DataFrame or has no rows, or its columns do not match.

    References
    ----------
    The figures of whole rows and of usefulness follow the protocol of Zhang et al., "Mixed-type
    tabular data synthesis with score-based diffusion in latent space", ICLR 2024, arXiv:2310.09656.

    Examples
    --------
    >>> import pandas as pd
    >>> real = pd.DataFrame({"age": [20, 30, 40, 50], "smoker": [True, False, True, False]})
    >>> synthetic = real.assign(age=[20, 30, 40, 90])
    >>> report = quality(real, synthetic)
    >>> report.shape_error
    12.5
    >>> report.columns[["column", "error"]].values.tolist()
    [['age', 25.0], ['smoker', 0.0]]
    >>> report.passed, report.failures
    (True, [])
    """
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = holdout
    check_tables(tables, target)
    # None means fresh entropy, never numpy's global generator.
    rng = check_random_state(np.random.RandomState() if random_state is None else random_state)
    orders = [rng.permutation(len(real)) for _ in range(HALVINGS)]
    encoded = {name: encode_column(name, tables) for name in real.columns}
    sides = [EncodedColumn(name, kind, _sides(arrays, orders, rng)) for name, (kind, arrays) in encoded.items()]
    shapes = [
        (column.name, column.kind, *error_floor_ceiling([shape_distance(column.kind, *side) for side in column.sides]))
        for column in sides
    ]
    columns = _worst_first(shapes, ["column", "kind", "error", "floor", "ceiling"])
    pairs = _worst_first(trend_errors(sides, target, rng), ["column_a", "column_b", "error", "floor", "ceiling"])
    figures = {
        f"{name}_{part}": float(frame[part].mean())
        for name, frame in (("shape", columns), ("trend", pairs))
        for part in ("error", "floor", "ceiling")
    }
    notes: list[str] = []
    detection = usefulness = None
    if models:
        matrices = Matrices.draw(encoded, list(tables), rng)
        detection = measure_detection(matrices, rng)
        if target is not None:
            usefulness = measure_usefulness(matrices, target, real[target].dtype, rng, notes)
    report = QualityReport(
        **figures,
        columns=columns.drop(columns="ceiling"),
        pairs=pairs,
        target=target,
        detection=detection,
        usefulness=usefulness,
        notes=notes,
    )
    report.failures.extend(find_failures(report, {role: len(table) for role, table in tables.items()}))
    return report


def check_tables(tables: dict[str, pd.DataFrame], target: Any = None) -> None:
    """Refuse tables that can't be compared."""
    wanted = getattr(tables["real"], "columns", pd.Index([]))
    for role, table in tables.items():
        if not isinstance(table, pd.DataFrame):
            kind = type(table).__name__
            raise InvalidInputError(f"`{role}` must be a pandas DataFrame, got {kind}; wrap it.")
        if not table.columns.is_unique:
            twice = table.columns[table.columns.duplicated()][0]
            raise InvalidInputError(f"`{role}` has two columns named {twice!r}; rename one.")
        missing, extra = wanted.difference(table.columns), table.columns.difference(wanted)
        if len(missing) or len(extra):
            raise InvalidInputError(
                f"`{role}` must have the columns of `real`: missing {list(missing)[:5]}, unknown "
                f"{list(extra)[:5]}; add or drop them, e.g. {role}[real.columns]."
            )
        if table.empty or (role == "real" and len(tables) == 2 and len(table) < 2):
            raise InvalidInputError(f"`{role}` has shape {table.shape}; give at least one column and two rows.")
    if target is not None and target not in wanted:
        raise InvalidInputError(f"`target`={target!r} is no column of `real`: {list(wanted)[:20]}.")


def _sides(
    arrays: list[np.ndarray], orders: list[np.ndarray], rng: np.random.RandomState
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what is compared: real and synthetic, real and real for the floor, real and shuffled for the ceiling."""
    real, synthetic, *holdout = arrays
    half = len(real) // 2
    floors = [(real, holdout[0])] if holdout else [(real[order[:half]], real[order[half:]]) for order in orders]
    left, right = floors[0]
    return [(real, synthetic), *floors, (left, right[rng.permutation(len(right))])]


def _worst_first(rows: list[tuple[Any, ...]], names: list[str]) -> pd.DataFrame:
    parts = ["error", "floor", "ceiling"]
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(parts, float))
    frame[parts] *= 100
    return frame.sort_values("error", ascending=False, kind="stable", ignore_index=True)
