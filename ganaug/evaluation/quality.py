"""Shape and trend errors of a synthetic table, beside the floor that real rows set themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ganaug.evaluation.distances import (
    EncodedColumn,
    encode_column,
    error_and_floor,
    shape_distance,
    trend_errors,
)
from ganaug.exceptions import InvalidInputError

HALVINGS = 3  # one alone makes an unsteady floor for a small table


@dataclass(frozen=True)
class QualityReport:
    """What `quality` measured; every figure is in % (0 = identical, 100 = nothing in common).

    Attributes
    ----------
    shape_error, shape_floor : float
        Mean error of the single columns, and the same between real rows and real rows.
    trend_error, trend_floor : float
        Mean error of the pairs of columns, and its floor; NaN when there is no pair.
    columns : pandas.DataFrame
        `column`, `kind`, `error`, `floor`; worst first.
    pairs : pandas.DataFrame
        `column_a`, `column_b`, `error`, `floor`; worst first.
    target : str or None
        The column whose pairs `summary` reports apart.
    """

    shape_error: float
    trend_error: float
    shape_floor: float
    trend_floor: float
    columns: pd.DataFrame
    pairs: pd.DataFrame
    target: Any = None

    def summary(self) -> dict[str, float]:
        """Return the figures in % under flat names, for a log; a figure that is NaN is left out."""
        figures = {
            "shape_error": self.shape_error,
            "shape_floor": self.shape_floor,
            "trend_error": self.trend_error,
            "trend_floor": self.trend_floor,
            "worst_column_error": self.columns["error"].max(),
            "worst_pair_error": self.pairs["error"].max(),
        }
        if self.target is not None:
            sides = self.pairs["column_a"].eq(self.target) | self.pairs["column_b"].eq(self.target)
            figures["target_trend_error"] = self.pairs.loc[sides, "error"].mean()
            figures["target_trend_floor"] = self.pairs.loc[sides, "floor"].mean()
        return {name: float(value) for name, value in figures.items() if not np.isnan(value)}

    def verdict(self) -> str:
        """Say in one sentence how close the synthetic table is."""
        worst = self.columns.iloc[0]
        furthest = f"furthest off is the column {worst['column']!r} ({worst['error']:.1f} %)"
        figures = f"Columns are off by {self.shape_error:.1f} %"
        floors = f"{self.shape_floor:.1f} %"
        if not np.isnan(self.trend_error):
            pair = self.pairs.iloc[0]
            figures += f" and pairs of columns by {self.trend_error:.1f} %"
            floors += f" and {self.trend_floor:.1f} %"
            furthest = (
                f"furthest off are the column {worst['column']!r} ({worst['error']:.1f} %) and the "
                f"pair {pair['column_a']!r}, {pair['column_b']!r} ({pair['error']:.1f} %)"
            )
        return f"{figures} on average, where real rows differ from real rows by {floors}: {self._grade()}; {furthest}."

    def _grade(self) -> str:
        trend_error, trend_floor = np.nan_to_num([self.trend_error, self.trend_floor])
        if max(self.shape_error, trend_error) < 1e-9:
            return "no difference at all, as if the real rows had been copied"
        errors = [(self.shape_error, self.shape_floor), (trend_error, trend_floor)]
        if all(error <= 1.5 * floor for error, floor in errors):
            return "about as close as real rows are to each other"
        # The floor of a long table is near 0, so a small excess (in %) is called close as well.
        if all(
            error - floor <= max(2 * floor, excess) for (error, floor), excess in zip(errors, (1.5, 3.0), strict=True)
        ):
            return "close, but measurably not the same"
        return "clearly not the same"


def quality(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    target: Any = None,
    random_state: int | np.random.RandomState | None = 0,
) -> QualityReport:
    """Compare a synthetic table with the real one, column by column and pair by pair.

    Columns: numbers and dates are compared by the Kolmogorov-Smirnov distance of the values that
    are not missing, or by the difference of the missing rates when that is larger; categories and
    booleans by the total variation distance, a missing value being a level. A column of texts
    that nearly all differ (more than 50, and more than half of the rows) is of kind "text": only
    its missing rate is compared, and it enters no pair.

    Pairs: two numbers or dates by half the difference of their Pearson correlations (0 where a
    correlation does not exist); other pairs by the total variation distance of their contingency
    tables, a number being cut at the deciles of the real column, a missing value being a level.

    Parameters
    ----------
    real, synthetic : pandas.DataFrame
        Tables with the same columns, in any order; `real` decides the kind of each column.
    holdout : pandas.DataFrame, default=None
        More real rows. The floor is then real against holdout; without it, random halves of
        `real` against each other, three times, which lies a little high as halves are smaller.
    target : column name, default=None
        A column whose pairs are always measured and summarised apart.
    random_state : int, RandomState or None, default=0
        Draws the halves and, where there are more than 100,000 rows, 10 million cells or 5,000
        pairs, the rows and pairs that are measured (a warning tells about the pairs).

    Returns
    -------
    QualityReport

    Raises
    ------
    InvalidInputError
        A table is no DataFrame or has no rows, or its columns do not match.

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
    """
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = holdout
    _check_tables(tables, target)
    # None means fresh entropy, never numpy's global generator.
    rng = check_random_state(np.random.RandomState() if random_state is None else random_state)
    orders = [rng.permutation(len(real)) for _ in range(HALVINGS)]
    sides = []
    for name in real.columns:
        kind, arrays = encode_column(name, tables)
        sides.append(EncodedColumn(name, kind, _sides(arrays, orders)))
    shapes = [
        (
            column.name,
            column.kind,
            *error_and_floor([shape_distance(column.kind, *side) for side in column.sides]),
        )
        for column in sides
    ]
    columns = _worst_first(shapes, ["column", "kind", "error", "floor"])
    pairs = _worst_first(trend_errors(sides, target, rng), ["column_a", "column_b", "error", "floor"])
    means = [float(frame[part].mean()) for frame in (columns, pairs) for part in ("error", "floor")]
    return QualityReport(means[0], means[2], means[1], means[3], columns, pairs, target)


def _check_tables(tables: dict[str, pd.DataFrame], target: Any) -> None:
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


def _sides(arrays: list[np.ndarray], orders: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what is compared: real and synthetic for the error, real and real for the floor."""
    real, synthetic, *holdout = arrays
    half = len(real) // 2
    halvings = [(real[order[:half]], real[order[half:]]) for order in orders]
    return [(real, synthetic), *([(real, holdout[0])] if holdout else halvings)]


def _worst_first(rows: list[tuple[Any, ...]], names: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=names).astype({"error": float, "floor": float})
    frame[["error", "floor"]] *= 100
    return frame.sort_values("error", ascending=False, kind="stable", ignore_index=True)
