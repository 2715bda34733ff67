"""compare from end to end: what is resampled, what is scored, and that nothing else has an influence."""

import re
import subprocess
import sys
import warnings
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import BorderlineSMOTE, RandomOverSampler
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ganaug.augment import GANOverSampler, compare
from ganaug.augment.measures import METRICS
from ganaug.exceptions import GanaugWarning, InvalidInputError
from ganaug.tabular import TabularGAN

GAN = TabularGAN(max_steps=12, epochs=None, batch_size=64)
QUICK = {"n_splits": 3, "n_repeats": 1, "random_state": 0, "verbose": 0}


class Spy(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was given."""

    trained: ClassVar[list] = []
    scored: ClassVar[list] = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        Spy.trained.append((X.copy(), np.array(y)))
        return self

    def predict_proba(self, X):
        Spy.scored.append(X.copy())
        share = X["size"].rank().to_numpy() / len(X)
        return np.column_stack([1 - share, share])

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


def make_rows(n_rows=120, n_rare=24, seed=0):
    """Return rows with a unique id each, and an index of their own; ``size`` tells the rare class, not always."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) < n_rare).astype(int)
    frame = pd.DataFrame({"id": rng.permutation(n_rows) + 0.5, "size": rng.normal(size=n_rows) + 1.5 * y})
    return frame.set_axis(np.arange(n_rows) * 10, axis=0), pd.Series(y)


def make_mixed(n_rows=150, seed=0):
    rng = np.random.default_rng(seed)
    is_rare = rng.permutation(np.arange(n_rows) < 30)
    table = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows) + 2 * is_rare,
            "color": np.where(rng.random(n_rows) < 0.7, np.where(is_rare, "red", "blue"), "green"),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, n_rows), "D"),
            "count": pd.array(rng.integers(0, 50, n_rows), dtype="Int64"),
        }
    )
    table.loc[table.index[::7], ["size", "color", "count"]] = None
    return table, np.where(is_rare, "rare", "common")


def without_seconds(comparison):
    return comparison.scores.drop(columns=["resample_seconds", "fit_seconds"])


@pytest.mark.filterwarnings("ignore:copy_distance=")
def test_no_synthetic_row_is_scored_and_only_training_rows_are_resampled():
    X, y = make_rows()
    before = X.copy(), y.copy()
    Spy.trained.clear(), Spy.scored.clear()
    methods = ("none", "random", "smote", "gan")
    compare(X, y, Spy(), gan=GAN, methods=methods, **QUICK | {"n_repeats": 2})
    folds = list(RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0).split(X, y))
    assert len(Spy.trained) == len(methods) * len(folds) == len(Spy.scored) // 2  # ranked, and predicted
    for place, (train, test) in enumerate(folds):
        of_fold = slice(place * len(methods), (place + 1) * len(methods))
        for scored in Spy.scored[2 * of_fold.start : 2 * of_fold.stop]:
            pd.testing.assert_frame_equal(scored, X.iloc[test])  # every value, the index, the order
        for method, (trained, labels) in zip(methods, Spy.trained[of_fold], strict=True):
            real, drawn = trained.iloc[: len(train)], trained.iloc[len(train) :]
            pd.testing.assert_frame_equal(real.reset_index(drop=True), X.iloc[train].reset_index(drop=True))
            assert labels[: len(train)].tolist() == y.iloc[train].tolist()
            assert not set(trained["id"]) & set(X["id"].iloc[test])
            assert len(drawn) == (0 if method == "none" else 48) and (labels[len(train) :] == 1).all()
            if method == "random":
                assert set(drawn["id"]) <= set(X["id"].iloc[train][y.iloc[train].to_numpy() == 1])
            assert (trained.dtypes == X.dtypes).all() and list(trained) == list(X)
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_series_equal(y, before[1])


def test_figures_are_those_of_scikit_learns_cross_validation():
    X, y = make_classification(200, weights=[0.8], random_state=1)
    found = compare(X, y, LogisticRegression(), methods=["none", "class_weight"], **QUICK)
    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=1, random_state=0)
    scorers = {"average_precision": "average_precision", "roc_auc": "roc_auc", "balanced_accuracy": "balanced_accuracy"}
    for method, model in (
        ("none", LogisticRegression()),
        ("class_weight", LogisticRegression(class_weight="balanced")),
    ):
        for metric, scorer in scorers.items():
            expected = cross_val_score(model, X, y, cv=folds, scoring=scorer)
            rows = found.scores[(found.scores["method"] == method) & (found.scores["metric"] == metric)]
            assert rows["value"].to_numpy() == pytest.approx(expected)
    weighted = found.table("balanced_accuracy").set_index("method")
    assert weighted.loc["class_weight", "difference"] > 0.02


def test_scores_are_long():
    X, y = make_rows()
    found = compare(X, y, {"a": LogisticRegression(), "b": DecisionTreeClassifier()}, methods=["random"], **QUICK)
    scores = found.scores
    assert list(scores)[:6] == ["estimator", "method", "repeat", "fold", "metric", "value"]
    assert len(scores) == 2 * 2 * 3 * len(METRICS) and scores["value"].between(0, 1).all()
    assert not scores.duplicated(["estimator", "method", "repeat", "fold", "metric"]).any()
    assert found.estimators == ["a", "b"] and found.methods == ["none", "random"]
    assert (scores[["resample_seconds", "fit_seconds"]] >= 0).all(axis=None)


@pytest.mark.filterwarnings("ignore:copy_distance=")
def test_mixed_tables_with_gaps_go_through_every_method_and_default_classifier():
    X, y = make_mixed()
    found = compare(X, y, gan=GAN, **QUICK)
    assert found.estimators == ["logistic", "tree", "boosting"]
    assert found.methods == ["none", "random", "smote", "class_weight", "gan"]
    assert len(found.scores) == 3 * 5 * 3 * 4 and found.scores["value"].notna().all()
    means = found.table("roc_auc").set_index(["estimator", "method"])["mean"]
    assert means["logistic"].min() > 0.85 and means["boosting"].min() > 0.7  # "rare" is found, not "common"


@pytest.mark.filterwarnings("ignore:copy_distance=")
def test_the_same_seed_gives_the_same_scores_in_any_number_of_processes():
    X, y = make_mixed()
    options = {"gan": GAN, **QUICK, "n_splits": 2}
    one, same = (compare(X, y, "tree", **options) for _ in range(2))
    pd.testing.assert_frame_equal(without_seconds(one), without_seconds(same))
    two = compare(X, y, "tree", **options, n_jobs=2)
    pd.testing.assert_frame_equal(without_seconds(one), without_seconds(two))
    other = compare(X, y, "tree", **options | {"random_state": 1})
    assert not without_seconds(one).equals(without_seconds(other))


def test_seeds_of_any_kind():
    X, y = make_rows()
    options = {**QUICK, "methods": ["random"]}
    first, second = (compare(X, y, "tree", **options | {"random_state": np.random.RandomState(3)}) for _ in range(2))
    pd.testing.assert_frame_equal(without_seconds(first), without_seconds(second))
    unseeded = [compare(X, y, "tree", **options | {"random_state": None}) for _ in range(2)]
    assert not without_seconds(unseeded[0]).equals(without_seconds(unseeded[1]))


def test_global_random_states_are_left_alone():
    X, y = make_rows()
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    compare(X, y, "tree", gan=GAN, **QUICK, methods=["random", "smote", "gan"])
    assert np.array_equal(np.random.get_state()[1], before[0]) and torch.equal(torch.get_rng_state(), before[1])


def test_more_than_two_classes():
    X, y = make_classification(
        240, n_features=6, n_informative=4, n_classes=3, weights=[0.7, 0.2], random_state=0, flip_y=0
    )
    names = np.array(["a", "b", "c"])[y]
    found = compare(X, names, LogisticRegression(max_iter=500), methods=["random", "smote", "class_weight"], **QUICK)
    assert found.table("roc_auc")["mean"].min() > 0.7 and found.winner() in found.methods
    one = compare(X, names, LogisticRegression(max_iter=500), methods=["none"], positive="c", **QUICK)
    assert one.table()["mean"][0] != found.table()["mean"][0]
    same = found.table("balanced_accuracy")["mean"][0]
    assert one.table("balanced_accuracy")["mean"][0] == same  # of all classes, whichever is positive


@pytest.mark.parametrize("form", [lambda y: y == 1, lambda y: np.where(y == 1, "yes", "no"), lambda y: y.tolist()])
def test_labels_of_any_type_give_the_same_figures(form):
    X, y = make_rows()
    expected = compare(X, y, "logistic", methods=["random"], **QUICK)
    found = compare(X.to_numpy(), form(y.to_numpy()), "logistic", methods=["random"], **QUICK)
    assert found.scores["value"].to_numpy() == pytest.approx(expected.scores["value"].to_numpy())


def test_the_positive_class_is_the_rarer_one_unless_named():
    X, y = make_rows()
    rare = compare(X, 1 - y, "logistic", methods=["none"], **QUICK).table()["mean"][0]
    common = compare(X, 1 - y, "logistic", methods=["none"], positive=1, **QUICK).table()["mean"][0]
    assert rare == pytest.approx(compare(X, y, "logistic", methods=["none"], **QUICK).table()["mean"][0])
    assert common > rare


def test_samplers_of_ones_own():
    X, y = make_rows()
    methods = {"border": BorderlineSMOTE(), "gan": None, "bold": GANOverSampler(GAN, keep=0.2)}
    found = compare(X, y, "tree", gan=GANOverSampler(GAN), methods=methods, **QUICK)
    assert found.methods == ["none", "border", "gan", "bold"] and found.gans == ("gan", "bold")
    assert found.parameters["methods"]["bold"].startswith("GANOverSampler(gan=TabularGAN(")


def test_a_pipeline_is_left_alone():
    X, y = make_rows()
    own = compare(X, y, make_pipeline(StandardScaler(), LogisticRegression()), methods=["class_weight"], **QUICK)
    plain = compare(X, y, "logistic", methods=["class_weight"], **QUICK)
    assert own.scores["value"].to_numpy() == pytest.approx(plain.scores["value"].to_numpy())
    table, labels = make_mixed()
    with pytest.raises(
        InvalidInputError, match="estimator 'LinearSVC' failed on the data after method 'none'"
    ) as caught:
        compare(table, labels, make_pipeline(StandardScaler(), LinearSVC()), methods=["none"], **QUICK)
    assert isinstance(caught.value.__cause__, ValueError) and "make_pipeline(encoder, estimator)" in str(caught.value)


def test_class_weights_are_left_out_where_there_are_none():
    X, y = make_rows()
    models = {"neighbors": KNeighborsClassifier(), "tree": DecisionTreeClassifier()}
    found = compare(X, y, models, methods=["class_weight"], **QUICK)
    assert found.notes == [
        "class_weight: left out for neighbors, which takes neither class_weight nor sample_weight (the first of 3 such "
        "notes)"
    ]
    assert found.table()["method"].tolist() == ["none", "none", "class_weight"]


def test_what_smote_did_otherwise_is_noted():
    X, y = make_rows(60, 4)
    found = compare(X, y, "tree", methods=["smote"], **QUICK | {"n_splits": 2})
    expected = "smote: class 1 has 2 rows to learn from, so k_neighbors is 1 (the first of 2 such notes)"
    assert found.notes == [expected] and f"Note: {expected}" in str(found)


def test_warnings_that_come_in_every_fold_are_noted_once():
    X, y = make_classification(200, random_state=0)
    model = LogisticRegression(max_iter=2, tol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(X, y, model, methods=["random"], **QUICK)
    (note,) = found.notes
    assert note.startswith("LogisticRegression: lbfgs failed to converge") and note.endswith("first of 6 such notes)")
    assert issubclass(ConvergenceWarning, UserWarning)


def test_other_warnings_pass():
    class Careful(LogisticRegression):
        def fit(self, X, y):
            warnings.warn("be careful", RuntimeWarning, stacklevel=1)
            return super().fit(X, y)

    X, y = make_rows()
    with pytest.warns(RuntimeWarning, match="be careful"):
        compare(X, y, Careful(), methods=["none"], **QUICK)


def test_categories_of_the_rare_class_are_not_made_frequent_by_repeating_them():
    # Every repeated row of the rare class has one of 60 names; if those were counted after resampling, the rest
    # would share a column that tells the common class, and only in training.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [900, 45])
    X = pd.DataFrame(
        {"name": [f"n{number}" for number in rng.integers(0, 60, 945)], "size": rng.normal(size=945) + 2 * y}
    )
    found = compare(X, y, "tree", methods=["random", "class_weight"], **QUICK)
    means = found.table("roc_auc").set_index("method")["mean"]
    assert abs(means["random"] - means["class_weight"]) < 0.05 and means["random"] > 0.65


def test_the_progress_is_shown_on_stderr(capsys):
    X, y = make_rows()
    compare(X, y, "tree", methods=["random"], **QUICK | {"verbose": 1})
    shown = capsys.readouterr()
    assert "Comparing" in shown.err and "6/6" in shown.err and not shown.out
    compare(X, y, "tree", methods=["random"], **QUICK)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n_splits": 1}, "n_splits=1: give a whole number of at least 2"),
        ({"n_splits": 30}, "n_splits=30: class 1 of y has 24 rows.* Use n_splits=24"),
        ({"n_repeats": 0}, "n_repeats=0: give a whole number of at least 1"),
        ({"n_jobs": 0}, "n_jobs=0: give a number of processes"),
        ({"precision": 0.0}, "precision=0.0: give a number above 0, and at most 1"),
        ({"precision": 1.5}, "precision=1.5"),
        ({"metric": "accuracy"}, "metric='accuracy' is unknown. Choose among average_precision"),
        ({"methods": ["smothe"]}, "methods: 'smothe' is unknown"),
        ({"positive": 2}, "positive=2 is no class of y. Choose among 0, 1"),
        ({"estimator": "forest"}, "estimator='forest' is unknown"),
        (
            {"estimator": LinearRegression()},
            "'LinearRegression' failed on the data.*neither predict_proba nor decision",
        ),
        ({"gan": 3, "methods": ["gan"]}, "gan=3 is no estimator"),
        ({"sampling_strategy": 0.1}, "sampling_strategy=0.1 can't be followed in the training part of a fold"),
        ({"sampling_strategy": {7: 100}}, "sampling_strategy={7: 100} can't be followed"),
        ({"random_state": "today"}, "random_state='today'"),
        ({"methods": {"odd": BorderlineSMOTE(k_neighbors=99)}}, "method 'odd' failed, in fold 1 of repeat 1"),
    ],
)
def test_wrong_parameters_are_named(changed, words):
    X, y = make_rows()
    options = {"estimator": "tree", "methods": ["none"], **QUICK, **changed}
    with pytest.raises(InvalidInputError, match=words):
        compare(X, y, **options)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros(120), r"X has shape \(120,\)"),
        (np.zeros((120, 0)), r"X has shape \(120, 0\)"),
        (pd.DataFrame(np.zeros((120, 2)), columns=["a", "a"]), "X has two columns named 'a'. Rename one"),
        (pd.DataFrame(np.zeros((3, 2))), "y has shape .120,., X 3 rows"),
    ],
)
def test_wrong_tables_are_named(X, words):
    with pytest.raises(InvalidInputError, match=words):
        compare(X, make_rows()[1], "tree", **QUICK)


def test_sparse_tables_are_refused():
    from scipy.sparse import csr_matrix

    with pytest.raises(InvalidInputError, match=re.escape("Give X.toarray()")):
        compare(csr_matrix(np.eye(4)), [0, 1, 0, 1], "tree", **QUICK)


def test_boosting_takes_gaps_as_they_are():
    X, y = make_rows()
    X.loc[X.index[::5], "size"] = np.nan
    own = compare(X, y, HistGradientBoostingClassifier(), methods=["none"], **QUICK)
    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=1, random_state=0)
    expected = cross_val_score(HistGradientBoostingClassifier(), X, y, cv=folds, scoring="roc_auc")
    assert own.scores.loc[own.scores["metric"] == "roc_auc", "value"].to_numpy() == pytest.approx(expected)


def test_a_log_that_fails_loses_nothing(monkeypatch):
    class Broken:
        def active_run(self):
            return self

    def fail(comparison):
        raise OSError("the server is away")

    monkeypatch.setitem(sys.modules, "mlflow", Broken())
    monkeypatch.setattr("ganaug.tracking.comparison.log_comparison", fail)
    X, y = make_rows()
    with pytest.warns(GanaugWarning, match="could not be logged to MLflow .OSError: the server is away"):
        found = compare(X, y, "tree", methods={"random": RandomOverSampler()}, **QUICK)
    assert len(found.scores) == 2 * 3 * 4


def test_importing_it_needs_neither_mlflow_nor_matplotlib():
    code = (
        "import sys; import ganaug.augment; from sklearn.datasets import make_classification as make;"
        "ganaug.augment.compare(*make(60, random_state=0), 'tree', methods=['random'], n_splits=2, verbose=0);"
        "print([name for name in ('mlflow', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
