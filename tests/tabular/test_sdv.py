"""CTGAN and TVAE of the ctgan package behind ganaug's interface, and SDV's metadata."""

import json
import pickle
import random
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

from ganaug.exceptions import (
    ConditionError,
    DataWarning,
    GanaugError,
    InvalidInputError,
    MissingDependencyError,
    TrainingDivergedError,
    TrainingWarning,
)
from ganaug.tabular import sdv_base, sdv_columns
from ganaug.tabular.sdv import CTGAN, TVAE, from_sdv_metadata

BOTH = pytest.mark.parametrize("synthesizer", [CTGAN, TVAE])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks as small as these gain nothing from threads, and lose much on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def ctgan():
    return pytest.importorskip("ctgan", reason="the extra ganaug[sdv] (BUSL-1.1) is not installed")


def small(synthesizer, **params):
    """Return an estimator that fits in a moment."""
    names = ("generator_hidden", "discriminator_hidden", "encoder_hidden", "decoder_hidden")
    widths = {name: (16,) for name in names if name in synthesizer().get_params()}
    return synthesizer(**{"epochs": 1, "batch_size": 60, "latent_dim": 8, "random_state": 0, **widths, **params})


def make_table(n_rows=200):
    rng = np.random.default_rng(0)
    hours = pd.to_timedelta(rng.integers(0, 9000, n_rows), unit="h")
    table = pd.DataFrame(
        {
            "amount": rng.lognormal(3, 1, n_rows).round(2),
            "age": rng.integers(18, 90, n_rows),
            "city": rng.choice(["Rome", "Oslo", None], n_rows),
            "fraud": rng.random(n_rows) < 0.4,
            "day": (pd.Timestamp("2024-01-01") + hours).normalize(),
            "zoned": (pd.Timestamp("2024-01-01", tz="Europe/Berlin") + hours),
            "visits": pd.array(rng.integers(0, 9, n_rows), dtype="Int64"),
            "size": pd.Categorical(rng.choice(["S", "L"], n_rows), ["S", "M", "L"], ordered=True),
            "paid": pd.array(rng.choice([True, False, None], n_rows), dtype="boolean"),
            "ratio": rng.random(n_rows).astype(np.float32),
            "account": 10**18 + rng.integers(0, 1000, n_rows),
            "constant": 7,
            "nothing": np.nan,
        }
    )
    table.loc[20:79, "amount"] = np.nan
    table.loc[50:99, "visits"] = pd.NA
    table.loc[90:149, "day"] = pd.NaT
    return table


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def narrow(table):
    """Return fewer columns: ctgan spends most of a short fit on one mixture model per number."""
    return table[["amount", "city", "fraud"]]


@pytest.fixture(scope="module", params=[CTGAN, TVAE], ids=["CTGAN", "TVAE"])
def fitted(request, table, ctgan):
    return small(request.param, epochs=3).fit(table)


def test_sample_looks_like_the_table(fitted, table):
    synthetic = fitted.sample(300)
    assert len(synthetic) == 300
    pd.testing.assert_series_equal(synthetic.dtypes, table.dtypes)
    for name in ("amount", "age", "day", "zoned", "visits", "ratio", "account"):
        assert synthetic[name].min() >= table[name].min()
        assert synthetic[name].max() <= table[name].max()
    for name in ("city", "size", "paid", "fraud"):
        assert set(synthetic[name].dropna()) <= set(table[name].dropna())
    assert (synthetic["amount"].dropna().round(2) == synthetic["amount"].dropna()).all()
    assert (synthetic["day"].dropna() == synthetic["day"].dropna().dt.normalize()).all()
    assert (synthetic["zoned"].dt.minute == 0).all()
    assert (synthetic["constant"] == 7).all()


def test_missing_values_come_back_where_there_were_some(fitted, table):
    is_missing = fitted.sample(2000).isna().any()
    pd.testing.assert_series_equal(is_missing, table.isna().any())


def test_history(fitted):
    assert [row["epoch"] for row in fitted.history_] == [1, 2, 3]
    assert fitted.n_iter_ == 3
    assert fitted.stop_reason_ == "epochs"
    terms = set(fitted.history_[0]) - {"epoch"}
    if isinstance(fitted, CTGAN):
        assert terms == {"generator/adversarial", "discriminator/adversarial"}
    else:
        assert terms == {"generator/likelihood"}
    assert all(np.isfinite(list(row.values())).all() for row in fitted.history_)


def test_sampling_follows_the_random_state(fitted):
    first = fitted.sample(50)
    pd.testing.assert_frame_equal(first, fitted.sample(50))
    pd.testing.assert_frame_equal(fitted.sample(50, random_state=1), fitted.sample(50, random_state=1))
    assert not first.equals(fitted.sample(50, random_state=1))


@BOTH
def test_equal_seeds_give_equal_models(synthesizer, narrow, ctgan):
    # More than 500 rows: from there on ctgan would start worker processes.
    longer = pd.concat([narrow, narrow, narrow], ignore_index=True)
    samples = [small(synthesizer, random_state=seed).fit(longer).sample(40) for seed in (3, 3, 4)]
    pd.testing.assert_frame_equal(samples[0], samples[1])
    assert not samples[0].equals(samples[2])


@BOTH
def test_no_random_state_means_fresh_rows(synthesizer, narrow, ctgan):
    model = small(synthesizer, random_state=None).fit(narrow)
    assert not model.sample(50).equals(model.sample(50))


@BOTH
@pytest.mark.parametrize("random_state", [0, None])
def test_global_generators_are_untouched(synthesizer, random_state, narrow, ctgan):
    def draw():
        return np.random.random(), random.random(), torch.rand(1).item()

    def reset():
        np.random.seed(5)
        random.seed(5)
        torch.manual_seed(5)

    reset()
    expected = draw()
    reset()
    model = small(synthesizer, random_state=random_state).fit(narrow)
    model.sample(20, {"fraud": True})
    assert draw() == expected


CONDITIONS = {
    "value": ({"city": "Rome"}, lambda rows: rows["city"] == "Rome"),
    "missing": ({"city": None}, lambda rows: rows["city"].isna()),
    "list": ({"size": ["L", "S"]}, lambda rows: rows["size"].notna()),
    "set": ({"city": {"Oslo", "Rome"}}, lambda rows: rows["city"].notna()),
    "range": ({"age": (30, 60)}, lambda rows: rows["age"].between(30, 60)),
    "open": ({"amount": (20, None)}, lambda rows: rows["amount"] >= 20),
    "ranges": (
        {"age": [(18, 40), (70, 90)]},
        lambda rows: rows["age"].between(18, 40) | rows["age"].between(70, 90),
    ),
    "gap": ({"amount": np.nan}, lambda rows: rows["amount"].isna()),
    "date": ({"day": ("2024-03-01", None)}, lambda rows: rows["day"] >= "2024-03-01"),
    "float32": ({"ratio": (0.1, 0.9)}, lambda rows: rows["ratio"].between(0.1, 0.9)),
    "several": (
        {"fraud": True, "age": (20, 80), "paid": [True, None]},
        lambda rows: rows["fraud"] & rows["age"].between(20, 80) & rows["paid"].fillna(True),
    ),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_hold_for_exactly_the_rows_asked_for(fitted, table, case):
    conditions, is_met = CONDITIONS[case]
    rows = fitted.sample(25, conditions)
    assert len(rows) == 25
    assert is_met(rows).all()
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    assert list(rows.index) == list(range(25))


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"city": "Paris"}, "'city'.*'Paris'.*'Rome'"),
        ({"city": ["Rome", "Paris"]}, "'city'.*'Paris'"),
        ({"size": "M"}, "'size'.*'M'"),
        ({"age": 200}, "'age'.*200.*between 18 and"),
        ({"age": (100, 200)}, r"'age'.*\(100, 200\)"),
        ({"age": (60, 30)}, "'age'.*low end"),
        ({"age": None}, "'age'.*None"),
        ({"age": "old"}, "'age'.*'old'"),
        ({"age": []}, "'age'.*empty"),
        ({"age": (1, 2, 3)}, "'age'.*two ends"),
        ({"day": "soon"}, "'day'.*'soon'"),
        ({"nothing": 1}, "'nothing'.*all missing"),
        ({"town": "Rome"}, "'town'.*'city'"),
    ],
)
def test_impossible_conditions_are_refused_at_once(fitted, monkeypatch, conditions, words):
    monkeypatch.setattr(sdv_base, "_MAX_ROUNDS", 0)  # no row is drawn
    with pytest.raises(ConditionError, match=words):
        fitted.sample(1, conditions)


def test_rare_rows_end_in_an_error_that_says_what_was_found(fitted, monkeypatch):
    monkeypatch.setattr(sdv_base, "_MAX_ROUNDS", 2)
    with pytest.raises(ConditionError, match=r"'amount': 20\.123.* 0 of the 3000 rows .*n_samples=3"):
        fitted.sample(3, {"amount": 20.123})


def test_sample_checks_its_arguments(fitted, table):
    assert fitted.sample(0).shape == (0, table.shape[1])
    assert fitted.sample().shape == (1, table.shape[1])
    for wrong in (-1, 2.5, "3", True):
        with pytest.raises(InvalidInputError, match="n_samples"):
            fitted.sample(wrong)
    with pytest.raises(InvalidInputError, match="return_y"):
        fitted.sample(3, return_y=True)
    with pytest.raises(InvalidInputError, match="random_state='x'"):
        fitted.sample(3, random_state="x")


def test_pickle_keeps_the_model(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(copy.sample(30), fitted.sample(30))


def test_save_points_to_what_can_be_saved(fitted, tmp_path):
    with pytest.raises(GanaugError, match="pickle.*TabularGAN"):
        fitted.save(tmp_path / "model")


@BOTH
def test_clone_and_params(synthesizer):
    model = small(synthesizer, categorical_features=["city"], epochs=7)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(epochs=9).epochs == 9
    with pytest.raises(TypeError):
        synthesizer(300)


@BOTH
@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
def test_scikit_learns_own_checks(synthesizer, ctgan):
    check_estimator(small(synthesizer, latent_dim=4), on_skip=None)


@BOTH
def test_grid_search(synthesizer, ctgan):
    X = np.random.default_rng(0).normal(size=(60, 2))
    search = GridSearchCV(
        small(synthesizer),
        {"latent_dim": [4, 8]},
        scoring=lambda model, rows: -abs(model.sample(50).mean() - rows.mean()),
        cv=2,
        error_score="raise",
    )
    assert search.fit(X).best_params_["latent_dim"] in (4, 8)


@pytest.mark.parametrize(
    ("batch_size", "pac", "legal"),
    [(500, 10, 500), (33, 10, 30), (1, 10, 10), (7, 3, 6), (5, 1, 4), (64, 37, 74), (1, 1, 2)],
)
def test_any_batch_size_trains_ctgan_on_37_rows(ctgan, narrow, batch_size, pac, legal):
    model = small(CTGAN, batch_size=batch_size, pac=pac).fit(narrow[:37])
    assert model.batch_size_ == legal
    assert len(model.sample(5)) == 5


@pytest.mark.parametrize("batch_size", [1, 36, 500])
def test_any_batch_size_trains_tvae_on_37_rows(ctgan, narrow, batch_size):
    assert len(small(TVAE, batch_size=batch_size).fit(narrow[:37]).sample(5)) == 5


@BOTH
def test_arrays_come_back_as_arrays(synthesizer, ctgan):
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    model = small(synthesizer).fit(X)
    synthetic = model.sample(10, {"x0": (0, None)})
    assert synthetic.dtype == np.float32
    assert synthetic.shape == (10, 3)
    assert (synthetic[:, 0] >= 0).all()
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")


@BOTH
def test_a_target_is_learned_jointly(synthesizer, ctgan):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "b": rng.choice(["u", "v"], 80)})
    y = pd.Series(rng.choice([0, 5], 80), name="label")
    X_new, y_new = small(synthesizer).fit(frame, y).sample(20, {"label": 5}, return_y=True)
    assert list(X_new.columns) == ["a", "b"]
    assert y_new.name == "label"
    assert y_new.dtype == y.dtype
    assert (y_new == 5).all()
    model = small(synthesizer).fit(frame.to_numpy(), y.to_numpy())
    _, y_new = model.sample(200, return_y=True)
    assert isinstance(y_new, np.ndarray)
    assert set(y_new) <= {0, 5}  # classes, not numbers in between
    with pytest.raises(InvalidInputError, match="'a'"):
        small(synthesizer).fit(frame, y.rename("a"))


@pytest.mark.parametrize("wanted", [["grade"], [1], [False, True], np.array([False, True])])
def test_categorical_features_by_name_index_or_mask(ctgan, wanted):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "grade": rng.choice([1, 5, 9], 60)})
    synthetic = small(CTGAN, categorical_features=wanted).fit(frame).sample(200)
    assert set(synthetic["grade"]) <= {1, 5, 9}
    assert synthetic["grade"].dtype == frame["grade"].dtype


@BOTH
def test_a_table_of_constants(synthesizer, ctgan):
    frame = pd.DataFrame({"a": [1.5] * 20, "b": ["x"] * 20, "c": pd.NaT})
    pd.testing.assert_frame_equal(small(synthesizer).fit(frame).sample(20), frame)


def test_log_frequency_false_keeps_the_frequencies(ctgan):
    rare = pd.DataFrame({"rare": ["yes"] * 20 + ["no"] * 980})
    shares = {
        log_frequency: (
            small(CTGAN, epochs=30, batch_size=300, generator_lr=5e-3, log_frequency=log_frequency)
            .fit(rare)
            .sample(4000)["rare"]
            .eq("yes")
            .mean()
        )
        for log_frequency in (True, False)
    }
    assert shares[True] > 0.15  # log(21) / (log(21) + log(981)) = 0.31 of the rows, not 0.02
    assert shares[False] < 0.08


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"categorical_features": ["town"]}, "'town'"),
        ({"categorical_features": [True]}, "mask"),
        ({"generator_hidden": (16, 0)}, "generator_hidden"),
        ({"epochs": 0}, "epochs"),
        ({"pac": 0}, "pac"),
        ({"batch_size": 0}, "batch_size"),
        ({"device": "tpu"}, "device"),
        ({"generator_lr": -1.0}, "generator_lr"),
    ],
)
def test_wrong_parameters_are_named(ctgan, narrow, params, words):
    with pytest.raises(ValueError, match=words):
        small(CTGAN, **params).fit(narrow)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"a": [1.0, np.inf, 2.0]}), "'a'.*inf"),
        (pd.DataFrame({"a": [1j, 2j]}), "'a'.*complex"),
        (pd.DataFrame({"a": [[1], [2]]}), "'a'"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "'a'.*more than once"),
        (pd.DataFrame({"a": [1.0]}), "1 sample"),
    ],
)
def test_tables_that_cant_be_learned(ctgan, frame, words):
    with pytest.raises(InvalidInputError, match=words):
        small(CTGAN).fit(frame)


def test_many_levels_warn(ctgan, table, monkeypatch):
    monkeypatch.setattr(sdv_columns, "MANY_LEVELS", 2)
    with pytest.warns(DataWarning, match="'city' has 3 levels"):
        small(TVAE).fit(table[["city", "age"]])


def test_an_interrupted_fit_is_usable(ctgan, narrow, monkeypatch):
    def fit_then_interrupt(self, parts, discrete):
        train(self, parts, discrete)
        raise KeyboardInterrupt

    train = ctgan.CTGAN.fit
    monkeypatch.setattr(ctgan.CTGAN, "fit", fit_then_interrupt)
    with pytest.warns(TrainingWarning, match="interrupted"):
        model = small(CTGAN).fit(narrow)
    assert model.stop_reason_ == "interrupted"
    assert len(model.sample(5)) == 5


def test_an_early_interrupt_goes_through(ctgan, narrow, monkeypatch):
    def interrupt(self, parts, discrete):
        raise KeyboardInterrupt

    monkeypatch.setattr(ctgan.CTGAN, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small(CTGAN).fit(narrow)


def test_divergence_is_an_error(ctgan, narrow, monkeypatch):
    def diverge(self, parts, discrete):
        self.loss_values = pd.DataFrame({"Epoch": [0], "Batch": [0], "Loss": [np.nan]})

    monkeypatch.setattr(ctgan.TVAE, "fit", diverge)
    with pytest.raises(TrainingDivergedError, match="TVAE diverged"):
        small(TVAE).fit(narrow)


@BOTH
def test_without_ctgan_the_way_out_is_named(synthesizer, narrow, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctgan", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'ganaug\[sdv\]'.*BUSL-1\.1"):
        synthesizer().fit(narrow)


COLUMNS = {
    "id": {"sdtype": "id"},
    "amount": {"sdtype": "numerical"},
    "city": {"sdtype": "categorical"},
    "fraud": {"sdtype": "boolean"},
    "day": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
    "mail": {"sdtype": "email"},
    "country": {"sdtype": "country_code", "pii": False},
    "odd": {"sdtype": "unknown"},
}
SCHEMA = {
    "id": "identifier",
    "amount": "number",
    "city": "category",
    "fraud": "category",
    "day": "datetime",
    "mail": "identifier",
    "country": "category",
    "odd": "identifier",
}


def test_metadata_of_one_table(tmp_path):
    single = {"columns": COLUMNS, "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1"}
    named = {"tables": {"payments": {"columns": COLUMNS}}, "relationships": []}
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(named))
    for metadata in (single, named, path, str(path)):
        assert from_sdv_metadata(metadata) == SCHEMA
    assert from_sdv_metadata(named, "payments") == SCHEMA


def test_metadata_of_several_tables():
    tables = {name: {"columns": {name: {"sdtype": "numerical"}}} for name in ("left", "right")}
    assert from_sdv_metadata({"tables": tables}, table="right") == {"right": "number"}
    with pytest.raises(InvalidInputError, match="2 tables.*'left', 'right'"):
        from_sdv_metadata({"tables": tables})
    with pytest.raises(InvalidInputError, match="'middle'.*'left', 'right'"):
        from_sdv_metadata({"tables": tables}, table="middle")


def test_keys_are_identifiers():
    columns = {name: {"sdtype": "categorical"} for name in "abcd"}
    metadata = {"columns": columns, "primary_key": ["a", "b"], "alternate_keys": ["c"]}
    expected = {"a": "identifier", "b": "identifier", "c": "identifier", "d": "category"}
    assert from_sdv_metadata(metadata) == expected


def test_metadata_that_cant_be_read(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for wrong, words in [
        (3, "int"),
        ({}, "'columns'"),
        ({"columns": {"a": {}}}, "'a'.*sdtype"),
        (tmp_path / "absent.json", "absent.json"),
        (broken, "not JSON"),
    ]:
        with pytest.raises(InvalidInputError, match=words):
            from_sdv_metadata(wrong)
    with pytest.raises(InvalidInputError, match="table='payments'"):
        from_sdv_metadata({"columns": COLUMNS}, table="payments")


def test_metadata_object_of_sdv():
    sdv_metadata = pytest.importorskip("sdv.metadata", reason="sdv (BUSL-1.1) is not installed")
    tables = {"payments": {"columns": COLUMNS, "primary_key": "id"}}
    metadata = sdv_metadata.Metadata.load_from_dict({"tables": tables, "relationships": []})
    assert from_sdv_metadata(metadata, "payments") == SCHEMA
