"""How well a model that learned from synthetic rows predicts a column of real rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from ganaug.detection import LARGEST, MAX_LEVELS, fill_empty_columns, frequent_levels
from ganaug.evaluation.matrices import Matrices, shuffle_columns

MAX_TEST_ROWS = 20_000
MAX_CLASSES = 20  # whole numbers of no more values are classes; of categories the rarer ones are one class
MAX_CLASS_ROWS = 100_000  # rows to learn from x classes: the trees are grown for each class
MIN_ROWS = 10
LOSS = 0.2  # what may be lost of the way from independent columns to real rows
MICROSECONDS_A_DAY = 86_400_000_000
SOURCES = ("synthetic", "real", "independent")


def measure_usefulness(
    matrices: Matrices, target: Any, dtype: Any, rng: np.random.RandomState, notes: list[str]
) -> pd.DataFrame | None:
    """Return what `QualityReport.usefulness` describes; what can't be measured goes to ``notes``."""
    place = matrices.names.index(target)
    kind = matrices.kinds[place]
    tables = _split(matrices, place)
    why_not = {
        "nearly every row has a value of its own": kind == "text",
        "there is no other column": len(matrices.names) < 2,
        f"fewer than {MIN_ROWS} real rows hold it": min(len(tables["real"]), len(tables["test"])) < MIN_ROWS,
    }
    if any(why_not.values()):
        why = next(why for why, holds in why_not.items() if holds)
        notes.append(f"Usefulness is not measured, the target {target!r} can't be predicted: {why}.")
        return None
    is_class = kind in ("category", "boolean") or _holds_classes(tables["real"][:, place])
    _level(tables, [*np.flatnonzero(matrices.is_category), *[place] * is_class], place)
    tables["independent"] = shuffle_columns(tables["real"], rng)
    X = {name: np.delete(table, place, axis=1) for name, table in tables.items()}
    y = {name: table[:, place] for name, table in tables.items()}
    options = {
        "categorical_features": np.delete(matrices.is_category, place),
        "early_stopping": False,
        "random_state": int(rng.randint(2**31 - 1)),
    }
    judge = _auc if is_class else _r2_and_rmse
    with threadpool_limits(limits=1):  # the same sums however many threads there are
        found = {name: judge(X[name], y[name], X["test"], y["test"], options) for name in SOURCES}
    frame = pd.DataFrame(found).assign(limit=np.nan)
    frame.insert(0, "metric", ["AUC"] if is_class else ["R2", "RMSE"])
    frame.loc[0, "limit"] = _limit(frame.loc[0, "real"], frame.loc[0, "independent"], y["real"], y["test"], is_class)
    if not is_class:
        frame.loc[1, list(SOURCES)] *= np.ptp(y["test"]) / (MICROSECONDS_A_DAY if dtype.kind in "mM" else 1)
    _explain(frame, target, notes)
    return frame


def _split(matrices: Matrices, place: int) -> dict[str, np.ndarray]:
    """Return the rows with a target: "real" and "synthetic" to learn from, real ones to "test" on."""
    tables = {name: table[np.isfinite(table[:, place])] for name, table in matrices.tables.items()}
    real = tables["real"]
    if "holdout" in tables:
        test = tables["holdout"]
    else:
        fifth = len(real) // 5  # rows are in random order
        test, real = real[:fifth], real[fifth:]
    # Not more synthetic rows than real ones: more of them would learn more.
    return {"real": real, "synthetic": tables["synthetic"][: len(real)], "test": test[:MAX_TEST_ROWS]}


def _holds_classes(values: np.ndarray) -> bool:
    present = np.unique(values)
    return len(present) <= MAX_CLASSES and bool((present % 1 == 0).all())


def _level(tables: dict[str, np.ndarray], categories: list[int], target: int) -> None:
    """Renumber the levels of categories, the same in all tables, as the trees need them."""
    cuts = np.cumsum([len(table) for table in tables.values()])[:-1]
    for place in categories:
        codes = np.concatenate([table[:, place] for table in tables.values()])
        codes = frequent_levels(codes, MAX_CLASSES if place == target else MAX_LEVELS)
        for table, part in zip(tables.values(), np.split(codes, cuts), strict=True):
            table[:, place] = part


def _auc(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, options: dict[str, Any]) -> list[float]:
    """Return the AUC of each class against the rest, averaged; 0.5 for a class that was not learned."""
    limit = MAX_CLASS_ROWS // max(len(np.unique(y)), 2)
    X, y = X[:limit], y[:limit]
    tested = [label for label in np.unique(y_test) if (y_test != label).any()]
    if len(np.unique(y)) < 2 or not tested:
        return [np.nan]
    model = HistGradientBoostingClassifier(**options).fit(_bounded(X), y)
    scores = dict(zip(model.classes_, model.predict_proba(X_test).T, strict=True))
    nothing = np.zeros(len(y_test))
    return [float(np.mean([roc_auc_score(y_test == label, scores.get(label, nothing)) for label in tested]))]


def _r2_and_rmse(
    X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, options: dict[str, Any]
) -> list[float]:
    """Return R², and the root of the mean squared error in ranges of the test rows' targets."""
    spread = np.ptp(y_test)
    if len(y) < 2 or not spread > 0:
        return [np.nan, np.nan]
    low = y_test.min()
    scaled, truth = np.clip((y - low) / spread, -100, 100), (y_test - low) / spread  # squares stay finite
    predicted = HistGradientBoostingRegressor(**options).fit(_bounded(X), scaled).predict(X_test)
    error = float(np.mean((predicted - truth) ** 2))
    return [1 - error / float(truth.var()), float(np.sqrt(error))]


def _bounded(X: np.ndarray) -> np.ndarray:
    return np.clip(fill_empty_columns(X), -LARGEST, LARGEST)


def _limit(real: float, independent: float, y_real: np.ndarray, y_test: np.ndarray, is_class: bool) -> float:
    """Return the lowest figure that passes: a fifth of the gain may be lost, or what chance may take."""
    if is_class:
        few = sum(1 / _rarest(y) for y in (y_real, y_test))
        deviation = np.sqrt(max(real * (1 - real), 0.02) * few)
    else:
        few = 1 / len(y_real) + 1 / len(y_test)
        deviation = 2 * np.sqrt(max(real, 0.01)) * (1 - min(real, 0.99)) * np.sqrt(few)
    return float(real - max(LOSS * (real - independent), 3 * deviation))


def _rarest(y: np.ndarray) -> int:
    """Return the rows of the rarest class."""
    return int(np.unique(y, return_counts=True)[1].min())


def _explain(frame: pd.DataFrame, target: Any, notes: list[str]) -> None:
    """Note why a figure is missing."""
    first = frame.iloc[0]
    if np.isnan(first["real"]):
        notes.append(f"Usefulness is not measured: the target {target!r} is the same in all real rows.")
    elif np.isnan(first["synthetic"]):
        notes.append(
            f"Nothing can be learned from the synthetic rows: the target {target!r} is the same in all of them."
        )
