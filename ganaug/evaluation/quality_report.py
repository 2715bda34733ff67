"""What `quality` returns: figures beside their floors and ceilings, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.findings import listed

TREES, LOGISTIC = "boosted trees", "logistic regression"


@dataclass(frozen=True, eq=False)
class QualityReport:
    """What `quality` measured: every figure beside its floor and its ceiling.

    The floor is what real rows reach against real rows, the ceiling what independent columns reach:
    the real values of each column, shuffled on their own. Errors are in % (0 = identical, 100 =
    nothing in common), AUCs from 0 to 1.

    Attributes
    ----------
    shape_error, shape_floor, shape_ceiling : float
        Mean error of the single columns. Independent columns have the right shapes, so that this
        ceiling is the floor: a small shape error says nothing about how columns go together.
    trend_error, trend_floor, trend_ceiling : float
        Mean error of the pairs of columns; NaN when there is no pair.
    columns : pandas.DataFrame
        `column`, `kind`, `error`, `floor`; worst first.
    pairs : pandas.DataFrame
        `column_a`, `column_b`, `error`, `floor`, `ceiling`; worst first.
    target : str or None
        The column that `usefulness` predicts and whose pairs `summary` reports apart.
    detection : pandas.DataFrame or None
        `detector` ("boosted trees", "logistic regression"), `auc` against the real rows, with a
        holdout `auc_holdout` against the rows never learned from, `floor`, `ceiling`, and `limit`,
        the largest AUC that passes. 0.5 = can't tell, 1 = always tells. None without models.
    usefulness : pandas.DataFrame or None
        `metric` ("AUC", or "R2" and "RMSE"), and its value on real test rows for boosted trees
        that learned from rows that are `synthetic`, `real`, and of `independent` columns; `limit`,
        the worst value that passes (NaN = not judged). None without target or models.
    failures : list of str
        Why the table does not pass, a sentence each; empty when it passes.
    notes : list of str
        What could not be measured, and why.
    """

    shape_error: float
    trend_error: float
    shape_floor: float
    trend_floor: float
    columns: pd.DataFrame
    pairs: pd.DataFrame
    target: Any = None
    shape_ceiling: float = np.nan
    trend_ceiling: float = np.nan
    detection: pd.DataFrame | None = None
    usefulness: pd.DataFrame | None = None
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no figure is beyond its limit."""
        return not self.failures

    def summary(self) -> dict[str, float]:
        """Return the figures under flat names, for a log; a figure that is NaN is left out."""
        figures: dict[str, Any] = {
            "shape_error": self.shape_error,
            "shape_floor": self.shape_floor,
            "shape_ceiling": self.shape_ceiling,
            "trend_error": self.trend_error,
            "trend_floor": self.trend_floor,
            "trend_ceiling": self.trend_ceiling,
            "worst_column_error": self.columns["error"].max(),
            "worst_pair_error": self.pairs["error"].max(),
        }
        if self.target is not None:
            sides = self.pairs["column_a"].eq(self.target) | self.pairs["column_b"].eq(self.target)
            for name in ("error", "floor", "ceiling"):
                figures[f"target_trend_{name}"] = self.pairs.loc[sides, name].mean()
        if self.detection is not None:
            for prefix, row in zip(("detector", "logistic"), self.detection.to_dict("records"), strict=True):
                figures |= {f"{prefix}_{name}": row[name] for name in row if name not in ("detector", "limit")}
        if self.usefulness is not None:
            first = self.usefulness.iloc[0]
            figures |= {f"usefulness_{name}": first[name] for name in ("synthetic", "real", "independent")}
        figures["passed"] = self.passed
        return {name: float(value) for name, value in figures.items() if not np.isnan(value)}

    def verdict(self) -> str:
        """Say in a few sentences how close the synthetic table is, and why it fails if it does."""
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
        text = f"{figures} on average, where real rows differ from real rows by {floors}: {self._grade()}; {furthest}."
        if self.detection is not None:
            trees = self.detection.iloc[0]
            beside = "" if "auc_holdout" not in trees else f", {trees['auc_holdout']:.2f} from rows not learned from"
            text += f" Boosted trees tell the rows apart with an AUC of {trees['auc']:.2f}{beside} (.5 = not at all)."
        return text + (f" It does not pass: {listed(self.failures)}." if self.failures else "")

    def _grade(self) -> str:
        trend_error, trend_floor = np.nan_to_num([self.trend_error, self.trend_floor])
        if max(self.shape_error, trend_error) < 1e-9:
            return "no difference at all, as if the real rows had been copied"
        if self.failures:
            return "clearly not the same"
        errors = [(self.shape_error, self.shape_floor), (trend_error, trend_floor)]
        if all(error <= 1.5 * floor for error, floor in errors):
            return "about as close as real rows are to each other"
        return "close, but measurably not the same"
