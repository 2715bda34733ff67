"""GANOverSampler: classes filled up, tables kept as they are, learning and sign."""

import warnings

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate

from ganaug.augment import GANOverSampler
from ganaug.exceptions import ConditionError, DataWarning, InvalidInputError
from ganaug.tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")
QUICK = TabularGAN(max_steps=12, epochs=None, batch_size=64)


def make_table(n_rows=400, n_rare=30, seed=0):
    """Rows of two classes with every kind of column; the rare class is in Oslo and large."""
    rng = np.random.default_rng(seed)
    is_rare = np.arange(n_rows) < n_rare
    table = pd.DataFrame(
        {
            "city": np.where(is_rare, rng.choice(["Oslo", "Bergen"], n_rows), rng.choice(["Rome", "Oslo"], n_rows)),
            "size": rng.normal(size=n_rows) + 2.0 * is_rare,
            "count": rng.integers(0, 9, n_rows),
            "kind": pd.Categorical(rng.choice(["a", "b"], n_rows), categories=["b", "a", "never"]),
            "open": rng.random(n_rows) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
            "score": np.where(rng.random(n_rows) < 0.2, np.nan, rng.random(n_rows).round(2)),
        },
        index=rng.permutation(n_rows),
    )
    table.loc[rng.random(n_rows) < 0.1, "city"] = None
    return table, pd.Series(np.where(is_rare, "yes", "no"), name="bought", index=table.index)


def test_the_table_comes_back_as_it_was_with_rows_of_the_rare_class_below():
    X, y = make_table()
    X_more, y_more = GANOverSampler(QUICK, random_state=0).fit_resample(X, y)
    assert y_more.value_counts().to_dict() == {"no": 370, "yes": 370}
    assert y_more.name == "bought" and y_more.dtype == y.dtype
    pd.testing.assert_frame_equal(X_more.iloc[:400], X.reset_index(drop=True))
    assert X_more.dtypes.equals(X.dtypes) and list(X_more.index) == list(range(740))
    synthetic = X_more.iloc[400:]
    assert set(synthetic["city"].dropna()) <= {"Oslo", "Bergen", "Rome"}
    assert synthetic["score"].isna().mean() == pytest.approx(X["score"][y == "yes"].isna().mean(), abs=0.12)
    assert set(synthetic["kind"]) <= {"a", "b"}


def test_synthetic_rows_look_like_their_class():
    X, y = make_table(n_rows=2000, n_rare=100)
    gan = TabularGAN(max_steps=200, epochs=None, target_balance=0.75)
    for keep in (0, 0.8):
        X_more, _ = GANOverSampler(gan, keep=keep, random_state=0).fit_resample(X, y)
        synthetic = X_more.iloc[2000:]
        assert synthetic["size"].mean() > 1.5 and abs(X["size"][y == "no"].mean()) < 0.1
        assert (synthetic["city"] == "Bergen").mean() > 0.25 and (synthetic["city"] == "Rome").mean() < 0.15


def test_most_values_are_kept_and_the_others_are_new():
    X, y = make_table()
    X_more, _ = GANOverSampler(QUICK, keep=0.8, select_by=None, random_state=0).fit_resample(X, y)
    rare, synthetic = X[y == "yes"], X_more.iloc[400:]
    is_old = synthetic["size"].isin(rare["size"])
    assert 0.7 < is_old.mean() < 0.9
    assert 0.02 < (~synthetic["size"].isin(X["size"])).mean()
    # Every real row is used equally often.
    counts = synthetic.loc[is_old, "size"].value_counts()
    assert len(counts) == len(rare) and counts.max() <= 12


def test_of_three_candidates_those_are_taken_whose_class_is_least_doubted():
    X, y = make_table(n_rows=2000, n_rare=100)
    gan = TabularGAN(max_steps=200, epochs=None, target_balance=0.75, random_state=0).fit(X, y)
    means = {}
    for select_by in (None, "class", "discriminator"):
        X_more, _ = GANOverSampler(gan, keep=0, select_by=select_by, random_state=0).fit_resample(X, y)
        synthetic, labels = X_more.iloc[2000:], np.full(1800, "yes")
        means[select_by] = {
            "class": gan.target_log_proba(synthetic, labels).mean(),
            "discriminator": gan.score_samples(synthetic, labels).mean(),
        }
    assert means["class"]["class"] > means[None]["class"] + 0.1
    assert means["discriminator"]["discriminator"] > means[None]["discriminator"] + 0.1


@pytest.mark.parametrize(
    "strategy", [0.5, "minority", "not minority", "not majority", "all", {2: 60}, lambda y: {2: 60}]
)
def test_every_form_of_sampling_strategy(strategy):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [100, 60, 20]) if strategy != 0.5 else np.repeat([0, 2], [100, 20])
    X = rng.normal(size=(len(y), 3)).astype(np.float32)
    sampler = GANOverSampler(QUICK, sampling_strategy=strategy, random_state=0)
    X_more, y_more = sampler.fit_resample(X, y)
    wanted = {0.5: 50, "minority": 100, "not minority": 20, "not majority": 100, "all": 100}
    assert (y_more == 2).sum() == (wanted[strategy] if not callable(strategy) and strategy != {2: 60} else 60)
    assert X_more.dtype == np.float32 and y_more.dtype == y.dtype
    assert np.array_equal(X_more[: len(y)], X) and np.isfinite(X_more).all()
    assert np.array_equal(sampler.is_synthetic_, np.arange(len(y_more)) >= len(y))


@pytest.mark.parametrize(
    "form",
    [["city", "count"], [0, 2], [True, False, True], np.array([True, False, True]), pd.array([True, False, True])],
    ids=["names", "places", "list", "array", "pandas"],
)
def test_categories_by_name_place_or_mask(form):
    X, y = make_table()
    X = X[["city", "size", "count"]].astype({"count": float})
    sampler = GANOverSampler(QUICK, categorical_features=form, random_state=0).fit(X, y)
    X_more, _ = sampler.fit_resample(X, y)
    kinds = {column.name: column.kind for column in sampler.gan_.encoder_.columns_}
    assert (kinds["city"], kinds["size"], kinds["count"]) == ("category", "number", "category")
    assert set(X_more["count"]) <= set(X["count"])


def test_arrays_of_objects_with_missing_values():
    X, y = make_table()
    array = X[["city", "size", "score"]].to_numpy(dtype=object)
    X_more, y_more = GANOverSampler(QUICK, random_state=0).fit_resample(array, y.to_numpy())
    assert X_more.dtype == object and X_more.shape == (740, 3)
    assert {type(value) for value in X_more[400:, 0]} <= {str, type(None), float}
    assert (y_more == "yes").sum() == 370


def test_a_class_of_12_rows_among_20_000_is_filled_up_with_what_was_seen():
    rng = np.random.default_rng(0)
    y = np.arange(20_000) < 12
    X = pd.DataFrame(
        {
            "shop": np.where(y, "web", rng.choice(["web", "till", "phone"], 20_000)),
            "land": rng.choice(["no", "it", "de", "fr"], 20_000),
            "amount": rng.lognormal(size=20_000) * np.where(y, 5, 1),
        }
    )
    X_more, y_more = GANOverSampler(TabularGAN(max_steps=60, epochs=None), random_state=0).fit_resample(X, y)
    assert y_more.sum() == 19_988 == len(y_more) / 2 and y_more.dtype == bool
    synthetic = X_more.iloc[20_000:]
    assert set(synthetic["shop"]) <= {"web", "till", "phone"} and set(synthetic["land"]) <= {"no", "it", "de", "fr"}
    assert synthetic["amount"].between(X["amount"].min(), X["amount"].max()).all()


def test_small_images_keep_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 3, 2), dtype=np.uint8)
    y = np.arange(60) < 10
    more, labels = GANOverSampler(QUICK, random_state=0).fit_resample(images, y)
    assert more.shape == (100, 4, 3, 2) and more.dtype == np.uint8 and np.array_equal(more[:60], images)
    flat, _ = GANOverSampler(QUICK, random_state=0).fit_resample(images.reshape(60, -1), y)
    assert np.array_equal(flat.reshape(more.shape), more) and labels.sum() == 50


def test_a_class_of_one_row():
    X = np.random.default_rng(0).normal(size=(50, 2))
    _, y_more = GANOverSampler(QUICK, random_state=0).fit_resample(X, np.r_[1, np.zeros(49, dtype=int)])
    assert y_more.sum() == 49


def test_seeds_are_a_contract():
    X, y = make_table()
    np.random.seed(1)
    state = np.random.get_state()[1].copy()
    first, second, other = (GANOverSampler(QUICK, random_state=seed).fit_resample(X, y)[0] for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert not first.equals(other)
    assert (state == np.random.get_state()[1]).all()


def test_cross_validation_gives_the_same_figures_twice():
    X, y = make_table()
    X, is_yes = X[["size", "count"]], y == "yes"

    def run():
        sampler = GANOverSampler(QUICK, random_state=0)
        pipeline = make_pipeline(sampler, LogisticRegression())
        return cross_validate(pipeline, X, is_yes, cv=StratifiedKFold(3), scoring="average_precision")["test_score"]

    scores = run()
    assert np.array_equal(scores, run()) and scores.mean() > 0.4


class Recorder(LogisticRegression):
    """Notes the rows of each fit and of each validation by their first column, in which no two real rows agree."""

    fitted, scored = [], []

    def fit(self, X, y):
        self.fitted.append(np.asarray(X)[:, 0])
        return super().fit(X, y)

    def decision_function(self, X):
        self.scored.append(np.asarray(X)[:, 0])
        return super().decision_function(X)


def test_no_synthetic_row_is_scored_and_no_validation_row_is_trained_on():
    rng = np.random.default_rng(0)
    X = np.c_[np.arange(300) + 0.5, rng.normal(size=(300, 2))]
    y = (np.arange(300) % 10 == 0).astype(int)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    Recorder.fitted.clear(), Recorder.scored.clear()
    # keep=0: no value of a real row is copied, so that those of the first column are real rows' alone.
    pipeline = make_pipeline(GANOverSampler(QUICK, keep=0, random_state=0), Recorder())
    cross_validate(pipeline, X, y, cv=folds, scoring="roc_auc")
    for (train, test), fitted, scored in zip(folds, Recorder.fitted, Recorder.scored, strict=True):
        assert np.array_equal(scored, X[test, 0])
        assert np.array_equal(fitted[: len(train)], X[train, 0])
        assert len(fitted) == 2 * (y[train] == 0).sum() > len(train)


def test_grid_search_reaches_the_gan():
    X, y = make_table()
    pipeline = make_pipeline(GANOverSampler(QUICK, random_state=0), LogisticRegression())
    grid = {"ganoversampler__gan__max_steps": [4, 8], "ganoversampler__keep": [0.0, 0.8]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="roc_auc").fit(X[["size", "count"]], y == "yes")
    assert search.best_estimator_.named_steps["ganoversampler"].gan_.n_iter_ in (4, 8)


def test_a_fitted_gan_is_reused_and_cloned_away():
    X, y = make_table()
    gan = clone(QUICK).set_params(random_state=0).fit(X, y)
    sampler = GANOverSampler(gan, random_state=0)
    X_more, _ = sampler.fit_resample(X, y)
    assert sampler.gan_ is gan and len(X_more) == 740
    assert clone(sampler).fit(X, y).gan is not gan
    frozen = clone(GANOverSampler(FrozenEstimator(gan), random_state=0))
    pd.testing.assert_frame_equal(frozen.fit_resample(X, y)[0], X_more)


def test_a_gan_fitted_on_numbers_as_classes():
    X, y = make_table()
    is_yes = (y == "yes").astype(int)
    gan = clone(QUICK).fit(X, is_yes)
    _, y_more = GANOverSampler(gan, random_state=0).fit_resample(X, is_yes)
    assert y_more.sum() == 370


@pytest.mark.parametrize("name", ["CTGAN", "TVAE"])
def test_other_gans_of_the_package(name):
    pytest.importorskip("ctgan", reason="needs the extra ganaug[sdv]")
    import ganaug.tabular.sdv as sdv

    X, y = make_table(200, 90)
    X = X[["city", "size"]]
    gan = getattr(sdv, name)(epochs=2, batch_size=50)
    sampler = GANOverSampler(gan, random_state=0)
    X_more, y_more = sampler.fit_resample(X, y)
    assert (y_more == "yes").sum() == 110 and X_more.dtypes.equals(X.dtypes)
    assert "latent_dim" in sampler.gan.get_params() and "gan__latent_dim" in sampler.get_params()
    with pytest.raises(InvalidInputError, match="can't vary real rows. Use keep=0"):
        GANOverSampler(gan, keep=0.5).fit_resample(X, y)
    with pytest.raises(InvalidInputError, match="has no target_log_proba"):
        GANOverSampler(gan, select_by="class").fit_resample(X, y)


def test_near_copies_are_drawn_anew():
    X, y = make_table()
    X = X[["city", "size"]]
    real = set(map(tuple, X.fillna("none").to_numpy().tolist()))

    def count_copies(**kwargs):
        X_more, _ = GANOverSampler(QUICK, keep=0.5, select_by=None, random_state=0, **kwargs).fit_resample(X, y)
        return sum(tuple(row) in real for row in X_more.iloc[400:].fillna("none").to_numpy().tolist())

    assert count_copies() > 50 and count_copies(copy_distance=0.0) == 0
    with pytest.warns(DataWarning, match="of 340 synthetic rows of class 'yes' are still nearer"):
        assert count_copies(copy_distance=1.0) >= 0


def test_provenance_tells_real_from_synthetic():
    X, y = make_table()
    X_more, _ = GANOverSampler(QUICK, provenance="made_up", random_state=0).fit_resample(X, y)
    assert X_more["made_up"].sum() == 340 and not X_more["made_up"].iloc[:400].any() and X_more["made_up"].dtype == bool
    with pytest.raises(InvalidInputError, match="provenance='made_up' names a column, but X is no DataFrame"):
        GANOverSampler(QUICK, provenance="made_up").fit_resample(X[["size"]].to_numpy(), y)
    with pytest.raises(InvalidInputError, match="provenance='size': X has a column of that name"):
        GANOverSampler(QUICK, provenance="size").fit_resample(X, y)


def test_a_column_may_have_the_name_of_the_target():
    X, y = make_table()
    X_more, _ = GANOverSampler(QUICK, random_state=0).fit_resample(X.rename(columns={"size": "target"}), y)
    assert "target" in X_more and len(X_more) == 740


def test_bad_input_is_named():
    X, y = make_table()
    with pytest.raises(InvalidInputError, match="was fitted without classes"):
        GANOverSampler(clone(QUICK).fit(X)).fit_resample(X, y)
    with pytest.raises(ConditionError, match="'yes'"):
        GANOverSampler(clone(QUICK).fit(X, np.where(y == "yes", "maybe", "no"))).fit_resample(X, y)
    with pytest.raises(InvalidInputError, match="LogisticRegression.* can't sample"):
        GANOverSampler(LogisticRegression()).fit_resample(X, y)
    with pytest.raises(InvalidInputError, match="There is no column 'town'"):
        GANOverSampler(QUICK, categorical_features=["town"]).fit_resample(X, y)
    with pytest.raises(InvalidInputError, match="y has 370 missing values"):
        GANOverSampler(QUICK).fit_resample(X, np.where(y == "yes", 1.0, np.nan))
    with pytest.raises(ValueError, match="'keep' parameter"):
        GANOverSampler(QUICK, keep=1.5).fit_resample(X, y)


def test_no_word_about_scores_that_are_not_used():
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GANOverSampler(QUICK, random_state=0).fit_resample(rng.normal(size=(200, 2)), np.arange(200) < 20)
