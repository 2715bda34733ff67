"""Figures of a classifier on rows it has not seen, and intervals of the differences between two methods."""

from typing import Any

import numpy as np
from scipy.stats import t as student
from sklearn.metrics import average_precision_score, balanced_accuracy_score, precision_recall_curve, roc_auc_score

from ganaug.exceptions import InvalidInputError

METRICS = ("average_precision", "roc_auc", "balanced_accuracy", "recall_at_precision")
CONFIDENCE = 0.95


def describe_metric(metric: str, precision: float) -> str:
    """Return a metric in words.

    >>> describe_metric("recall_at_precision", 0.5)
    'recall at precision 0.5'
    """
    words = {"roc_auc": "ROC AUC", "recall_at_precision": f"recall at precision {precision:g}"}
    return words.get(metric, metric.replace("_", " "))


def measure(model: Any, X: Any, y: np.ndarray, judged: list[Any], precision: float) -> dict[str, float]:
    """Return every metric of a fitted classifier.

    Parameters
    ----------
    model : classifier
    X : DataFrame or ndarray
    y : ndarray
        Labels of the rows; each of ``judged`` is among them.
    judged : list
        Classes that are ranked against the rest; the mean over them is returned.
    precision : float
        For the recall at a precision.
    """
    scores = class_scores(model, X)
    figures: dict[str, list[float]] = {"average_precision": [], "roc_auc": [], "recall_at_precision": []}
    for label in judged:
        is_label = y == label
        figures["average_precision"].append(average_precision_score(is_label, scores[label]))
        figures["roc_auc"].append(roc_auc_score(is_label, scores[label]))
        figures["recall_at_precision"].append(recall_at_precision(is_label, scores[label], precision))
    means = {metric: float(np.mean(values)) for metric, values in figures.items()}
    means["balanced_accuracy"] = float(balanced_accuracy_score(y, model.predict(X)))
    return {metric: means[metric] for metric in METRICS}


def class_scores(model: Any, X: Any) -> dict[Any, np.ndarray]:
    """Return a score per class, higher = rather this class: probabilities, or else the decision function.

    Raises
    ------
    InvalidInputError
        If the classifier has neither.
    """
    if hasattr(model, "predict_proba"):
        scores = np.asarray(model.predict_proba(X), dtype=float)
    elif hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), dtype=float)
        if scores.ndim == 1:  # two classes: of the second
            scores = np.column_stack([-scores, scores])
    else:
        raise InvalidInputError(
            "it has neither predict_proba nor decision_function, so it can't rank rows. Choose a classifier that has, "
            "or wrap it in sklearn.calibration.CalibratedClassifierCV."
        )
    return dict(zip(np.asarray(model.classes_).tolist(), scores.T, strict=True))


def recall_at_precision(is_positive: np.ndarray, scores: np.ndarray, precision: float) -> float:
    """Return the largest recall among the thresholds at which at least ``precision`` of the alarms are right.

    0 where there is no such threshold.

    >>> recall_at_precision(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]), 0.6)
    1.0
    """
    precisions, recalls, _ = precision_recall_curve(is_positive, scores)
    return float(recalls[precisions >= precision].max())  # the last point is precision 1 at recall 0


def corrected_interval(differences: np.ndarray, n_splits: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean of paired differences from repeated cross-validation.

    Training parts of different folds share most of their rows, so differences are not independent, and the usual
    standard error is too small. The correction adds the ratio of validation to training rows to 1/J (J differences).

    Parameters
    ----------
    differences : ndarray of shape (J,)
        One per fold and repeat, J >= 2.
    n_splits : int
        Folds per repeat: a validation part is 1 / (n_splits - 1) of a training part.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52.

    Examples
    --------
    >>> low, high = corrected_interval(np.array([0.1, 0.2, 0.3]), n_splits=3)
    >>> round(low, 3), round(high, 3)
    (-0.193, 0.593)
    """
    n_differences = len(differences)
    variance = differences.var(ddof=1) * (1 / n_differences + 1 / (n_splits - 1))
    margin = student.ppf((1 + CONFIDENCE) / 2, n_differences - 1) * np.sqrt(variance)
    return float(differences.mean() - margin), float(differences.mean() + margin)
