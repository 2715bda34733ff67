"""Metrics on examples small enough to check by hand, and the corrected interval."""

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.datasets import make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score
from sklearn.svm import LinearSVC

from ganaug.augment.measures import (
    METRICS,
    class_scores,
    corrected_interval,
    describe_metric,
    measure,
    recall_at_precision,
)
from ganaug.exceptions import InvalidInputError


@pytest.mark.parametrize(("precision", "recall"), [(0.5, 1.0), (0.75, 1.0), (0.8, 1 / 3), (1.0, 1 / 3)])
def test_recall_at_precision_by_hand(precision, recall):
    # From the top: 1 of 1 right, 1 of 2, 2 of 3, 3 of 4, 3 of 5.
    is_positive = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert recall_at_precision(is_positive, scores, precision) == pytest.approx(recall)


def test_recall_is_zero_where_the_precision_is_never_reached():
    assert recall_at_precision(np.array([False, True]), np.array([0.9, 0.1]), 0.6) == 0.0


def test_rows_of_the_same_score_alarm_together():
    assert recall_at_precision(np.array([True, False, False]), np.zeros(3), 0.4) == 0.0
    assert recall_at_precision(np.array([True, False, False]), np.zeros(3), 0.3) == 1.0


def test_the_interval_is_the_corrected_one():
    differences = np.array([0.1, 0.2, 0.3])
    # Mean 0.2, variance 0.01; 3 folds, so the validation part is half a training part: 0.01 * (1/3 + 1/2).
    margin = 4.302653 * np.sqrt(0.01 * (1 / 3 + 1 / 2))
    assert corrected_interval(differences, 3) == pytest.approx((0.2 - margin, 0.2 + margin), abs=1e-6)


def test_more_repeats_do_not_make_it_as_narrow_as_independent_folds_would():
    differences = np.tile([0.1, 0.2, 0.3, 0.2, 0.1], 20)
    low, high = corrected_interval(differences, 5)
    naive = 2 * student.ppf(0.975, 99) * differences.std(ddof=1) / 10
    assert high - low > 5 * naive


def test_equal_differences_have_no_width():
    assert corrected_interval(np.full(4, 0.5), 2) == (0.5, 0.5)


def test_two_classes_are_measured_as_scikit_learn_does():
    X, y = make_classification(300, weights=[0.8], random_state=0)
    model = LogisticRegression().fit(X[:200], y[:200])
    found = measure(model, X[200:], y[200:], [1], 0.5)
    scores, is_positive = model.predict_proba(X[200:])[:, 1], y[200:] == 1
    assert tuple(found) == METRICS
    assert found["average_precision"] == average_precision_score(is_positive, scores)
    assert found["roc_auc"] == roc_auc_score(is_positive, scores)
    assert found["balanced_accuracy"] == balanced_accuracy_score(y[200:], model.predict(X[200:]))


def test_the_other_class_may_be_the_positive_one():
    X, y = make_classification(200, random_state=0)
    model = LogisticRegression().fit(X, y)
    both = [measure(model, X, y, [label], 0.5) for label in (0, 1)]
    assert both[0]["roc_auc"] == pytest.approx(both[1]["roc_auc"])
    assert both[0]["average_precision"] != both[1]["average_precision"]


def test_of_many_classes_it_is_the_mean_of_each_against_the_rest():
    X, y = make_classification(300, n_informative=6, n_classes=3, random_state=0)
    y = np.array(["a", "b", "c"])[y]
    model = LogisticRegression(max_iter=500).fit(X, y)
    scores = model.predict_proba(X)
    expected = np.mean([average_precision_score(y == label, scores[:, place]) for place, label in enumerate("abc")])
    assert measure(model, X, y, ["a", "b", "c"], 0.5)["average_precision"] == pytest.approx(expected)
    one = measure(model, X, y, ["b"], 0.5)
    assert one["average_precision"] == average_precision_score(y == "b", scores[:, 1])


def test_a_decision_function_will_do():
    X, y = make_classification(200, random_state=0)
    model = LinearSVC().fit(X, y)
    scores = class_scores(model, X)
    assert np.array_equal(scores[1], model.decision_function(X)) and np.array_equal(scores[0], -scores[1])
    assert measure(model, X, y, [1], 0.5)["roc_auc"] == roc_auc_score(y, model.decision_function(X)) > 0.9


def test_what_can_not_rank_is_refused():
    X, y = make_classification(50, random_state=0)
    with pytest.raises(InvalidInputError, match="neither predict_proba nor decision_function.*CalibratedClassifierCV"):
        class_scores(LinearRegression().fit(X, y), X)


def test_metrics_have_words():
    assert [describe_metric(metric, 0.25) for metric in METRICS] == [
        *("average precision", "ROC AUC", "balanced accuracy"),
        "recall at precision 0.25",
    ]
