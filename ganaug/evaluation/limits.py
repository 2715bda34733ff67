"""Which figures of `quality` are beyond their limits, in words."""

from __future__ import annotations

import numpy as np

from ganaug.evaluation.quality_report import TREES, QualityReport

SHAPE_EXCESS, TREND_EXCESS = 1.5, 3.0  # in %: the floor of a long table is near 0
COLUMN_EXCESS = 20.0  # one column of many that is far off moves the mean little


def find_failures(report: QualityReport, n_rows: dict[str, int]) -> list[str]:
    """Return a phrase for each figure beyond its limit."""
    stretch = _stretch(n_rows)
    chance = 100 * float(np.sqrt(1 / n_rows["real"] + 1 / n_rows["synthetic"]))
    return [
        *_failing_means(report, stretch, chance),
        *_failing_columns(report, stretch, chance),
        *_failing_detection(report),
        *_failing_usefulness(report),
    ]


def _stretch(n_rows: dict[str, int]) -> float:
    """Return how much larger chance makes the error than the floor where a synthetic table is short."""
    real, synthetic, holdout = n_rows["real"], n_rows["synthetic"], n_rows.get("holdout")
    of_floor = 1 / real + 1 / holdout if holdout else 2 / max(real // 2, 1)
    return float(np.sqrt(max(1.0, (1 / real + 1 / synthetic) / of_floor)))


def _failing_means(report: QualityReport, stretch: float, chance: float) -> list[str]:
    """Judge the mean errors: twice the floor may be added, or a little, but not half the way to independent columns."""
    failures = []
    shape_floor, trend_floor = stretch * report.shape_floor, stretch * report.trend_floor
    if report.shape_error > shape_floor + max(2 * shape_floor, SHAPE_EXCESS, chance):
        failures.append(f"columns are off by {report.shape_error:.1f} % (floor {report.shape_floor:.1f} %)")
    limit = min(trend_floor + max(2 * trend_floor, TREND_EXCESS), (trend_floor + report.trend_ceiling) / 2)
    if report.trend_error > max(
        limit, 1.5 * trend_floor, 1.5 * chance
    ):  # NaN where there is no pair, which is no failure
        failures.append(
            f"pairs of columns are off by {report.trend_error:.1f} % "
            f"(floor {report.trend_floor:.1f} %, independent columns {report.trend_ceiling:.1f} %)"
        )
    return failures


def _failing_columns(report: QualityReport, stretch: float, chance: float) -> list[str]:
    floor = stretch * report.columns["floor"]
    far = report.columns[report.columns["error"] > floor + np.maximum(2 * floor, max(COLUMN_EXCESS, 2 * chance))]
    return [
        f"the column {row['column']!r} is off by {row['error']:.1f} % (floor {row['floor']:.1f} %)"
        for row in far.head(3).to_dict("records")
    ]


def _failing_detection(report: QualityReport) -> list[str]:
    if report.detection is None:
        return []
    names = [name for name in ("auc", "auc_holdout") if name in report.detection]
    worst = report.detection[names].max(axis=1)
    return [
        f"{row['detector']} {'tell' if row['detector'] == TREES else 'tells'} the rows apart "
        f"(AUC {auc:.2f}, floor {row['floor']:.2f})"
        for row, auc in zip(report.detection.to_dict("records"), worst, strict=True)
        if auc > row["limit"]
    ]


def _failing_usefulness(report: QualityReport) -> list[str]:
    if report.usefulness is None:
        return []
    first = report.usefulness.iloc[0]
    if np.isnan(first["real"]):
        return []
    if np.isnan(first["synthetic"]):
        return [f"the target {report.target!r} is the same in all synthetic rows"]
    if first["synthetic"] >= first["limit"]:
        return []
    return [
        f"synthetic rows teach to predict {report.target!r} worse than real ones do "
        f"({first['metric']} {first['synthetic']:.2f}, real {first['real']:.2f})"
    ]
