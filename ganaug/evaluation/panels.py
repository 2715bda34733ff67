"""What the tables and lists of the report hold: plain rows, ready to be written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.distances import CONTINUOUS
from ganaug.evaluation.quality import QualityReport

MAX_LEVELS = 12
LEAST_WAY = 0.05  # of floor or ceiling: where these lie closer, the way between them is noise
CROWDED = 0.25  # a number that this share of the real rows holds is told apart from the others


def figures(report: QualityReport) -> list[dict[str, Any]]:
    """Return the errors of columns and pairs beside floor and ceiling."""
    rows = [_row("Columns, mean", report.shape_error, report.shape_floor)]
    pairs = report.pairs
    if len(pairs):
        rows.append(_row("Pairs of columns, mean", report.trend_error, report.trend_floor, report.trend_ceiling))
        of_target = pairs[pairs["column_a"].eq(report.target) | pairs["column_b"].eq(report.target)]
        if report.target is not None and len(of_target):
            rows.append(_row(f"Pairs with {report.target}, mean", *of_target[["error", "floor", "ceiling"]].mean()))
    worst = report.columns.iloc[0]
    rows.append(_row(f"Worst column: {worst['column']}", worst["error"], worst["floor"]))
    if len(pairs):
        pair = pairs.iloc[0]
        label = f"Worst pair: {pair['column_a']} and {pair['column_b']}"
        rows.append(_row(label, pair["error"], pair["floor"], pair["ceiling"]))
    return rows


def _error_way(error: float, floor: float, ceiling: float) -> float | None:
    # Independent columns that come this close to the floor had nothing between them to be lost.
    return way(error, floor, ceiling) if ceiling > 2 * floor else None


def _row(label: str, error: float, floor: float, ceiling: float = np.nan) -> dict[str, Any]:
    return {
        "label": label,
        "error": error,
        "floor": floor,
        "ceiling": ceiling,
        "way": _error_way(error, floor, ceiling),
    }


def way(figure: float, best: float, worst: float) -> float | None:
    """Return how far a figure has gone from the best (0) to the worst (100), in %; 0 where it is better.

    None without such a way: an end is missing, or both lie as close as noise brings them.
    """
    if not np.isfinite([figure, best, worst]).all() or abs(worst - best) <= LEAST_WAY * max(abs(worst), abs(best)):
        return None
    return max(0.0, float(100 * (figure - best) / (worst - best)))


def pairs(report: QualityReport, n_rows: int) -> list[dict[str, Any]]:
    """Return the worst pairs of columns, each with its way from floor to ceiling."""
    rows = report.pairs.head(n_rows).to_dict("records")
    return [row | {"way": _error_way(row["error"], row["floor"], row["ceiling"])} for row in rows]


def detection(report: QualityReport) -> list[dict[str, Any]]:
    """Return how well each classifier tells the rows apart, or nothing where that was not measured."""
    rows = [] if report.detection is None else report.detection.to_dict("records")
    return [row | {"way": way(row["auc"], row["floor"], max(row["ceiling"], row["floor"]))} for row in rows]


def usefulness(report: QualityReport) -> list[dict[str, Any]]:
    """Return what models predict that learned from synthetic, real and independent rows."""
    rows = [] if report.usefulness is None else report.usefulness.to_dict("records")
    return [row | {"way": way(row["synthetic"], row["real"], row["independent"])} for row in rows]


def levels(real: pd.Series, synthetic: pd.Series, kind: str) -> list[dict[str, Any]]:
    """Return the shares in % of the most frequent real levels, of the rest and of the missing.

    Empty where a histogram says more: numbers and dates with many values.
    """
    if kind == "text" or (kind in CONTINUOUS and real.nunique() > MAX_LEVELS):
        return []
    shares = [100 * side.astype(object).value_counts(sort=False) / len(side) for side in (real, synthetic)]
    present = shares[0][shares[0] > 0].sort_values(ascending=False, kind="stable")
    frequent = present.head(MAX_LEVELS).index
    if kind in CONTINUOUS:
        frequent = frequent.sort_values()
    values = [present.reindex(frequent).to_numpy(float), shares[1].reindex(frequent, fill_value=0).to_numpy(float)]
    rows = [_level(_name(level), *pair) for level, *pair in zip(frequent, *values, strict=True)]
    missing = [100 * float(side.isna().mean()) for side in (real, synthetic)]
    others = [max(100 - share.sum() - absent, 0.0) for share, absent in zip(values, missing, strict=True)]
    n_others = len(present) - len(frequent)
    rest = f"{n_others} rarer levels and new ones" if n_others else "levels that are not in the real table"
    widest = max(*(share for row in rows for share in _pair(row)), *missing)
    rows += [_level(label, *pair, is_level=False) for label, pair in ((rest, others), ("missing", missing))]
    return [row | {"wide": _bars(row, widest)} for row in rows if row["is_level"] or max(_pair(row)) > 1e-9]


def _level(label: str, real: float, synthetic: float, is_level: bool = True) -> dict[str, Any]:
    return {"label": label, "real": float(real), "synthetic": float(synthetic), "is_level": is_level}


def _pair(row: dict[str, Any]) -> tuple[float, float]:
    return row["real"], row["synthetic"]


def _bars(row: dict[str, Any], widest: float) -> list[float]:
    """Return the lengths of both bars in %; many rare levels together would dwarf all others, and get none."""
    return [100 * share / widest if max(_pair(row)) <= widest else 0.0 for share in _pair(row)]


def _name(level: Any) -> str:
    """Return a level as text: whole floats without their point, blanks in quotes."""
    if isinstance(level, float) and level.is_integer():
        return f"{level:.0f}" if abs(level) < 1e15 else f"{level:g}"
    text = str(level)
    return shorten(text, 36) if text.strip() else repr(text)


def crowd(real: pd.Series, synthetic: pd.Series, kind: str) -> dict[str, Any] | None:
    """Return the number that very many real rows hold, with the shares in %; None if there is none such."""
    if kind != "number" or real.dtype.kind == "m":
        return None
    counts = real.value_counts(normalize=False)
    if not len(counts) or counts.iloc[0] <= CROWDED * len(real) or not np.isfinite(float(counts.index[0])):
        return None
    value = float(counts.index[0])
    shares = [100 * float((pd.to_numeric(side) == value).fillna(False).mean()) for side in (real, synthetic)]
    return {"value": value, "label": _name(value), "real": shares[0], "synthetic": shares[1]}


def missing(real: pd.Series, synthetic: pd.Series) -> tuple[float, float] | None:
    """Return the shares of missing values in %; None where none is missing on either side."""
    shares = 100 * float(real.isna().mean()), 100 * float(synthetic.isna().mean())
    return shares if max(shares) > 0 else None


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a long text: names of columns differ at their ends."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - limit // 2]}…{text[len(text) - limit // 2 + 1 :]}"
