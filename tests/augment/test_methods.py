"""SMOTE for any table, the samplers behind the names, and what prepares rows for classifiers."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, BorderlineSMOTE, RandomOverSampler
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ganaug.augment import GANOverSampler
from ganaug.augment.checking import check_labels, choose_judged
from ganaug.augment.columns import as_numbers, as_texts, kind_of
from ganaug.augment.methods import Methods, resample
from ganaug.augment.oversampler import make_gan
from ganaug.augment.preparing import (
    make_encoder,
    needs_encoder,
    prepare_estimators,
    seed_copy,
    weigh_classes,
)
from ganaug.augment.smote import TableSMOTE
from ganaug.exceptions import InvalidInputError
from ganaug.tabular import TabularGAN


def make_table(n_rows=200, n_rare=20, seed=0):
    """Every kind of column with gaps; ``color`` and ``size`` tell the rare class, which comes last."""
    rng = np.random.default_rng(seed)
    is_rare = np.arange(n_rows) >= n_rows - n_rare
    table = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows) + 3 * is_rare,
            "count": pd.array(rng.integers(0, 50, n_rows), dtype="Int64"),
            "color": np.where(is_rare, rng.choice(["red", "pink"], n_rows), rng.choice(["blue", "green"], n_rows)),
            "grade": pd.Categorical(rng.choice(["a", "b"], n_rows), categories=["b", "a", "z"], ordered=True),
            "flag": rng.random(n_rows) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, n_rows), "D"),
            "at": pd.date_range("2024-01-01", periods=n_rows, tz="Europe/Rome"),
            "took": pd.to_timedelta(rng.integers(0, 99, n_rows), "s"),
            "level": rng.integers(0, 5, n_rows),
        }
    )
    for place, name in enumerate(("size", "count", "color", "grade", "day")):
        table.loc[table.index[place::9], name] = None
    return table, np.where(is_rare, "rare", "common").astype(object)


def test_smote_of_any_table_keeps_real_rows_dtypes_and_ranges():
    table, y = make_table()
    before = table.copy()
    X, labels = TableSMOTE(random_state=0).fit_resample(table, y)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(X.iloc[:200], table)
    assert (X.dtypes == table.dtypes).all() and labels[:200].tolist() == y.tolist()
    assert len(X) == 360 and (labels[200:] == "rare").all()
    drawn, rare = X.iloc[200:], table[y == "rare"]
    assert set(drawn["color"].dropna()) == {"red", "pink"} and set(drawn["grade"].dropna()) == {"a", "b"}
    assert drawn["size"].notna().all() and drawn["day"].notna().all()  # medians stand for what is missing
    for name in ("at", "took", "level"):
        assert drawn[name].between(rare[name].min(), rare[name].max()).all()
    assert drawn["size"].mean() > 1.5 and not drawn["size"].isin(rare["size"]).all()


def test_a_missing_category_is_a_category_of_its_own():
    table, y = make_table()
    table.loc[y == "rare", "color"] = None
    X, _ = TableSMOTE(random_state=0).fit_resample(table, y)
    assert X["color"].iloc[200:].isna().all()


def test_numbers_alone_are_imbalanced_learns_smote():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 3)), np.repeat([0, 1], [80, 20])
    drawn, labels = TableSMOTE(random_state=0).fit_resample(X, y)
    assert isinstance(drawn, np.ndarray) and drawn.dtype == float and (labels == 1).sum() == 80
    assert np.array_equal(drawn[:100], X)
    # Every synthetic row lies between two real ones of its class: 20 rows span so many segments.
    rare = X[80:]
    start, end = rare[:, None], rare[None]
    for row in drawn[100:110]:
        along = ((row - start) * (end - start)).sum(-1) / np.maximum(((end - start) ** 2).sum(-1), 1e-12)
        off = np.abs(start + along[..., None] * (end - start) - row).max(-1)
        assert off[(along >= -1e-9) & (along <= 1 + 1e-9)].min() < 1e-9


def test_the_unit_of_a_column_does_not_decide_who_is_a_neighbor():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 3)), np.repeat([0, 1], [80, 20])
    scale = np.array([1, 1e6, 1e-3])
    drawn, _ = TableSMOTE(random_state=0).fit_resample(X, y)
    scaled, _ = TableSMOTE(random_state=0).fit_resample(X * scale, y)
    assert np.allclose(drawn * scale, scaled)
    assert not np.allclose(SMOTE(random_state=0).fit_resample(X * scale, y)[0] / scale, drawn)


def test_whole_numbers_stay_whole_in_every_form():
    y = np.repeat([0, 1], [80, 20])
    X = np.random.default_rng(0).integers(0, 100, (100, 2))
    for form in (X, X.astype(object)):
        drawn, _ = TableSMOTE(random_state=0).fit_resample(form, y)
        assert drawn.dtype == form.dtype and all(value == int(value) for value in drawn.ravel())
    mixed = np.column_stack([X[:, 0].astype(object), np.array(["a", "b"])[X[:, 1] % 2]])
    drawn, _ = TableSMOTE(random_state=0).fit_resample(mixed, y)
    assert drawn.dtype == object and set(drawn[:, 1]) == {"a", "b"}


def test_categories_alone_are_drawn_too():
    table, y = make_table()
    X, labels = TableSMOTE(random_state=0).fit_resample(table[["color", "grade", "flag"]], y)
    assert set(X["color"].iloc[200:].dropna()) <= {"red", "pink"} and len(X) == len(labels) == 360
    assert (X.dtypes == table[["color", "grade", "flag"]].dtypes).all()


def test_many_rows_of_a_class_of_categories_are_bounded(monkeypatch):
    monkeypatch.setattr("ganaug.augment.smote._MAX_NOMINAL_ROWS", 30)
    table = pd.DataFrame({"color": ["red", "blue"] * 100, "kind": list("abcd") * 50})
    X, labels = TableSMOTE(random_state=0).fit_resample(table, np.repeat([0, 1], [110, 90]))
    assert (labels == 1).sum() == 110 and X["color"].isin(["red", "blue"]).all()


def test_blocks_change_neither_the_number_nor_the_kind_of_rows(monkeypatch):
    monkeypatch.setattr("ganaug.augment.smote._MAX_CELLS", 1_000)
    table, y = make_table()
    X, labels = TableSMOTE(random_state=0).fit_resample(table, y)
    assert (labels == "rare").sum() == 180 and set(X["color"].iloc[200:].dropna()) == {"red", "pink"}
    assert X.iloc[200:].drop_duplicates().shape[0] > 150


def test_small_classes_lower_k_and_a_single_row_is_repeated():
    table, _ = make_table()
    y = np.array(["common"] * 196 + ["few"] * 3 + ["single"], dtype=object)
    sampler = TableSMOTE(random_state=0)
    X, labels = sampler.fit_resample(table, y)
    assert pd.Series(labels).value_counts().tolist() == [196] * 3
    assert sorted(text for _, text in sampler.notes_) == [
        "class 'few' has 3 rows to learn from, so k_neighbors is 2",
        "class 'single' has a single row to learn from, which is repeated",
    ]
    repeated = X[labels == "single"]
    assert (repeated.astype(str) == repeated.astype(str).iloc[0]).all(axis=None)


def test_columns_without_a_value_stay_so():
    table, y = make_table()
    table["nothing"] = np.nan
    X, _ = TableSMOTE(random_state=0).fit_resample(table, y)
    assert X["nothing"].isna().all() and X["nothing"].dtype == float


def test_infinite_numbers_are_named():
    table, y = make_table()
    table.loc[3, "size"] = np.inf
    with pytest.raises(InvalidInputError, match="column 'size' holds infinite numbers"):
        TableSMOTE().fit_resample(table, y)


def test_smote_depends_on_the_seed_alone():
    table, y = make_table()
    one, same, other = (TableSMOTE(random_state=seed).fit_resample(table, y)[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)


def test_the_strategy_is_imbalanced_learns():
    table, y = make_table()
    _, labels = TableSMOTE(sampling_strategy=0.5, random_state=0).fit_resample(table, y)
    assert (labels == "rare").sum() == 90
    _, labels = TableSMOTE(sampling_strategy={"rare": 33}, random_state=0).fit_resample(table, y)
    assert (labels == "rare").sum() == 33


def test_random_repeats_rows_of_any_table():
    table, y = make_table()
    sampler = Methods.resolve(["random"], None, "auto").samplers["random"]
    X, labels, notes = resample(sampler, table, y, 0)
    pd.testing.assert_frame_equal(X.iloc[:200], table)
    assert (labels == "rare").sum() == 180 and not notes
    known = set(table[y == "rare"].astype(str).agg("|".join, axis=1))
    assert set(X.iloc[200:].astype(str).agg("|".join, axis=1)) <= known


def test_names_stand_for_samplers():
    found = Methods.resolve(("gan", "none", "smote", "class_weight", "random"), None, 0.5)
    assert list(found.samplers) == ["none", "gan", "smote", "class_weight", "random"]  # none comes first
    kinds = [type(sampler) for sampler in found.samplers.values()]
    assert kinds == [type(None), GANOverSampler, TableSMOTE, type(None), RandomOverSampler]
    assert {found.samplers[name].sampling_strategy for name in ("gan", "smote", "random")} == {0.5}
    assert found.gans == ("gan",) and found.notes == ()
    assert list(Methods.resolve("smote", None, "auto").samplers) == ["none", "smote"]


def test_others_are_added_by_a_dict():
    given = {"none": None, "smote": None, "border": BorderlineSMOTE(k_neighbors=3), "long": GANOverSampler()}
    found = Methods.resolve(given, None, 0.5)
    assert list(found.samplers) == list(given) and found.gans == ("long",)
    assert found.samplers["border"].k_neighbors == 3 and found.samplers["border"].sampling_strategy == "auto"
    assert found.samplers["border"] is not given["border"]


def test_a_sampler_keeps_its_own_strategy_and_adds_no_column():
    sampler = GANOverSampler(sampling_strategy={1: 50}, keep=0.5, provenance="is_synthetic")
    found = Methods.resolve(["gan"], sampler, "auto").samplers["gan"]
    assert (found.sampling_strategy, found.keep, found.provenance) == ({1: 50}, 0.5, None)
    assert Methods.resolve(["gan"], GANOverSampler(), 0.7).samplers["gan"].sampling_strategy == 0.7
    assert sampler.provenance == "is_synthetic"


@pytest.mark.filterwarnings("ignore:score_samples ranks")
def test_a_fitted_gan_is_trained_anew_and_that_is_said():
    table, y = make_table()
    gan = TabularGAN(max_steps=2, epochs=None, random_state=0).fit(table, pd.Series(pd.Categorical(y), name="y"))
    found = Methods.resolve(["gan"], gan, "auto")
    assert not hasattr(found.samplers["gan"].gan, "game_") and found.samplers["gan"].gan.max_steps == 2
    assert "trained anew in each fold" in found.notes[0]
    assert Methods.resolve(["gan"], GANOverSampler(gan), "auto").notes == found.notes
    assert Methods.resolve(["gan"], TabularGAN(), "auto").notes == ()


def test_the_gan_of_another_budget_is_otherwise_the_samplers_own(monkeypatch):
    found = []

    def stop(gan, X, y):
        found.append(gan.get_params())
        raise KeyboardInterrupt

    monkeypatch.setattr(TabularGAN, "fit", stop)
    table, y = make_table(60, 10)
    for gan in (None, make_gan(7)):
        with pytest.raises(KeyboardInterrupt):
            GANOverSampler(gan, random_state=0).fit_resample(table, y)
    assert found[0] != found[1] == found[0] | {"max_steps": 7}


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (["none", "smoot"], "'smoot' is unknown. Choose among none, random, smote, class_weight, gan"),
        (7, "methods=7: give names among none"),
        ({"mine": None}, "'mine' is unknown"),
        ({"mine": LogisticRegression()}, "'mine' is LogisticRegression.., which is no sampler"),
        ({"none": RandomOverSampler()}, "'none' is RandomOverSampler"),
    ],
)
def test_wrong_methods_are_named(methods, words):
    with pytest.raises(InvalidInputError, match=words):
        Methods.resolve(methods, None, "auto")


def test_a_gan_that_is_none_is_named():
    with pytest.raises(InvalidInputError, match="gan='TabularGAN' is no estimator"):
        Methods.resolve(["gan"], "TabularGAN", "auto")


def test_kinds_of_columns():
    table, _ = make_table()
    assert [kind_of(table[name]) for name in table] == [
        *("number", "number", "category", "category", "boolean"),
        *("time", "time", "time", "number"),
    ]
    assert kind_of(pd.Series([True, None], dtype="boolean")) == "boolean"
    assert kind_of(pd.Series(pd.Categorical([True, False]))) == "category"


def test_numbers_and_texts_keep_what_is_missing():
    table, _ = make_table(20, 5)
    numbers = as_numbers(table[["size", "count", "flag", "day", "took"]])
    assert numbers.dtype == float and np.isnan(numbers).sum(axis=0).tolist() == [3, 3, 0, 2, 0]
    texts = as_texts(table[["color", "grade"]])
    assert (texts == "(missing)").sum(axis=0).tolist() == [2, 2] and set(texts[:, 1]) == {"a", "b", "(missing)"}


def test_the_encoder_makes_numbers_of_any_table():
    table, _ = make_table()
    encoded = make_encoder(table).fit(table).transform(table)
    # Seven columns of numbers, booleans and dates; four colors and two grades, and what is missing of both.
    assert encoded.shape == (200, 7 + 5 + 3) and np.isfinite(encoded).all()
    assert np.allclose(encoded[:, :7].mean(axis=0), 0) and np.allclose(encoded[:, :7].std(axis=0), 1)
    assert set(np.unique(encoded[:, 7:])) == {0.0, 1.0}
    objects = table.to_numpy(dtype=object)
    assert np.allclose(make_encoder(objects).fit(objects).transform(objects), encoded)


def test_a_column_of_names_has_no_end_but_its_encoding_has():
    names = pd.DataFrame({"name": [f"name {row}" for row in range(500)], "size": range(500)})
    encoder = make_encoder(names).fit(names)
    assert encoder.transform(names).shape == (500, 31)
    new = encoder.transform(pd.DataFrame({"name": ["never seen"], "size": [3]}))
    assert new[0, 1:].sum() == 1  # among the rare ones


def test_only_who_needs_it_gets_rows_encoded():
    table, _ = make_table()
    numbers = table[["level", "flag"]]
    gaps = table[["size"]]
    boosting, logistic = HistGradientBoostingClassifier(), LogisticRegression()
    assert not needs_encoder(logistic, numbers) and not needs_encoder(logistic, numbers.to_numpy(dtype=float))
    assert needs_encoder(logistic, gaps) and not needs_encoder(boosting, gaps)
    assert needs_encoder(boosting, table[["color"]]) and needs_encoder(boosting, table[["day"]])
    own = make_pipeline(StandardScaler(), logistic)
    assert not needs_encoder(own, table) and not needs_encoder(GridSearchCV(own, {}), table)
    found = prepare_estimators(own, table)
    assert list(found) == ["LogisticRegression"] and not found["LogisticRegression"].is_encoded
    assert isinstance(make_encoder(table), ColumnTransformer)


def test_estimators_have_names():
    table, _ = make_table()
    assert list(prepare_estimators(None, table)) == ["logistic", "tree", "boosting"]
    assert list(prepare_estimators("tree", table)) == ["tree"]
    assert list(prepare_estimators(["boosting", "tree"], table)) == ["boosting", "tree"]
    assert list(prepare_estimators({"a": DecisionTreeClassifier(), "b": KNeighborsClassifier()}, table)) == ["a", "b"]
    assert [str(found) for found in prepare_estimators("logistic", np.zeros((3, 1))).values()] == [
        "encoder + LogisticRegression(max_iter=2000)"
    ]


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        ("forest", "estimator='forest' is unknown. Choose among logistic, tree, boosting"),
        (["tree", "bush"], "estimator='bush' is unknown"),
        ({}, "estimator={} is empty"),
        (LogisticRegression, "is no estimator. Give a classifier"),
        ({"one": 7}, "estimator=7 .one. is no estimator"),
    ],
)
def test_wrong_estimators_are_named(estimator, words):
    with pytest.raises(InvalidInputError, match=words):
        prepare_estimators(estimator, np.zeros((3, 1)))


def test_seeds_are_set_where_there_are_none():
    copy = seed_copy(make_pipeline(StandardScaler(), DecisionTreeClassifier()), 5)
    assert (
        copy[-1].random_state
        == seed_copy(make_pipeline(StandardScaler(), DecisionTreeClassifier()), 5)[-1].random_state
    )
    assert (
        copy[-1].random_state
        != seed_copy(make_pipeline(StandardScaler(), DecisionTreeClassifier()), 6)[-1].random_state
    )
    assert seed_copy(DecisionTreeClassifier(random_state=3), 5).random_state == 3


def test_classes_are_weighed_by_parameter_or_by_rows():
    class Weighted(BaseEstimator):
        def fit(self, X, y, sample_weight=None):
            return self

    y = np.array([0, 0, 0, 1])
    assert weigh_classes(LogisticRegression(), y) == ({"class_weight": "balanced"}, {})
    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), LogisticRegression()))
    assert weigh_classes(nested, y) == ({"pipeline__logisticregression__class_weight": "balanced"}, {})
    parameters, arguments = weigh_classes(make_pipeline(StandardScaler(), Weighted()), y)
    assert not parameters and arguments["weighted__sample_weight"].tolist() == pytest.approx([2 / 3] * 3 + [2])
    assert weigh_classes(KNeighborsClassifier(), y) is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1] * 5, "i"),
        ([True, False] * 5, "b"),
        (["a", "b"] * 5, "O"),
        (pd.Series(["a", "b"] * 5, dtype="category"), "O"),
        (pd.array([0, 1] * 5, dtype="Int64"), "i"),
        (pd.array(["a", "b"] * 5, dtype="string"), "O"),
        (np.array([["a"], ["b"]] * 5), "O"),
        ([0.0, 1.0] * 5, "f"),
    ],
)
def test_labels_may_come_in_any_form(values, kind):
    labels = check_labels(values, 10, 2)
    assert labels.dtype.kind == kind and len(np.unique(labels)) == 2 and labels.shape == (10,)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0, 1, None] * 4, "y has 4 missing values. Drop these rows"),
        ([0, "a", 1] * 4, "y mixes types"),
        (np.linspace(0, 1, 12), "y holds values such as 0.0, which name no classes"),
        ([0] * 12, r"y has a single class, \[0\]"),
        ([0, 1], r"y has shape \(2,\), X 12 rows"),
        (
            ["a"] * 10 + ["b"] * 2,
            "n_splits=5: class 'b' of y has 2 rows.* Use n_splits=2, merge that class with another, or drop it",
        ),
        (["a"] * 11 + ["b"], "n_splits=5: class 'b' of y has 1 row, .*fold. Merge that class with another"),
    ],
)
def test_wrong_labels_are_named(values, words):
    with pytest.raises(InvalidInputError, match=words):
        check_labels(values, 12, 5)


def test_the_positive_class():
    assert choose_judged(np.array([0, 0, 1]), None) == [1] and choose_judged(np.array([0, 1, 1]), None) == [0]
    assert choose_judged(np.array(["a", "b"], dtype=object), None) == ["b"]  # of two alike, the last
    assert choose_judged(np.array([0, 1, 2]), None) == [0, 1, 2] and choose_judged(np.array([0, 1, 2]), 2) == [2]
    with pytest.raises(InvalidInputError, match="positive='1' is no class of y. Choose among 0, 1"):
        choose_judged(np.array([0, 1]), "1")


def test_a_gan_is_trained_in_the_fold_even_if_it_is_frozen_and_rows_bear_no_mark():
    from sklearn.frozen import FrozenEstimator

    table, y = make_table(60, 10)
    gan = TabularGAN(max_steps=2, scrambled_weight=0.0, random_state=0).fit(table, y)
    given = (FrozenEstimator(gan), GANOverSampler(FrozenEstimator(gan), provenance="made_up"))
    samplers = [Methods.resolve(["gan"], one, "auto").samplers["gan"] for one in given]
    samplers.append(Methods.resolve({"mine": given[1]}, None, "auto").samplers["mine"])
    for sampler in samplers:
        assert isinstance(sampler.gan, TabularGAN) and not hasattr(sampler.gan, "game_") and sampler.provenance is None


def test_dates_are_no_classes():
    days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60) % 2, unit="D"))
    with pytest.raises(InvalidInputError, match="y holds dates or durations. Make them text"):
        check_labels(days, 60, 2)
    with pytest.raises(InvalidInputError, match="y holds dates or durations. Make them text"):
        GANOverSampler().fit_resample(np.zeros((60, 1)), days)
