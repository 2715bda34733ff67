"""The tabular benchmark's protocol on toys: what its figures say of copies and of strangers, and its records."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "tabular"
NAMES = [path.stem for path in FOLDER.glob("*.py")] + ["results"]


@pytest.fixture
def bench(monkeypatch):
    """Import the benchmark's modules by name; they are scripts' neighbours, and not left behind."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    yield importlib.import_module
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def make_rows(n_rows, seed, shift=0.0):
    """Return rows in which a class follows from a number."""
    rng = np.random.default_rng(seed)
    size = rng.normal(shift, 1, n_rows)
    kind = np.where(size + rng.normal(0, 0.3, n_rows) > shift, "yes", "no")
    return pd.DataFrame({"size": size, "city": rng.choice(["Oslo", "Rome"], n_rows), "kind": kind})


@pytest.fixture
def split(bench):
    return bench("splits").Split("toy", make_rows(400, 0), make_rows(200, 1), "kind", ["city", "kind"])


def test_names_of_methods(bench):
    methods = bench("methods")
    ours = methods.parse_method("TabularGAN-0.5-likelihood")
    assert (ours.kind, ours.number, ours.variant, ours.package) == ("TabularGAN", 0.5, "likelihood", "ganaug")
    assert methods.parse_method("TabularARGN").number is None
    assert all(methods.parse_method(name) for name in [*methods.DEFAULT.split(","), *methods.SAMPLED.split(",")])
    for wrong in ("WGAN", "CTGAN-30-likelihood", "GaussianCopula-3"):
        with pytest.raises(ValueError, match=wrong):
            methods.parse_method(wrong)


def test_a_tenth_is_kept_back_and_categories_are_text(bench):
    whole = make_rows(100, 0).assign(number=np.arange(100), code=np.arange(100) % 3)
    split = bench("splits").make_split("toy", whole, None, "kind", ["city", "kind", "code"])
    assert (len(split.train), len(split.test)) == (90, 10)
    assert sorted([*split.train["number"], *split.test["number"]]) == list(range(100))
    assert split.train["code"].map(type).eq(str).all()


def test_closeness_tells_copies_from_strangers(bench, split):
    closeness = bench("judging").closeness
    copied = closeness(split.train, split.test, split.train, split.categories)
    assert copied["nearer_to_train"] > 99
    assert copied["copies"] == 100
    fresh = closeness(split.train, split.test, make_rows(400, 2), split.categories)
    assert 40 < fresh["nearer_to_train"] < 60
    assert fresh["copies"] < 1 and fresh["copies_test"] < 1


def test_distances_add_scaled_numbers_and_categories(bench):
    rows = pd.DataFrame({"size": [0.0, 10.0], "city": ["Oslo", "Rome"]})
    nearest = bench("judging").Nearest(rows, rows, ["city"])
    asked = pd.DataFrame({"size": [1.0, 9.0, 10.0], "city": ["Oslo", "Paris", "Rome"]})
    np.testing.assert_allclose(nearest.distances(asked, rows), [0.1, 2.1, 0.0], atol=1e-7)


def test_detector_and_usefulness(bench, split):
    pytest.importorskip("lightgbm")
    judging = bench("judging")
    judging.FOLDS = 2
    assert 0.4 < judging.detector_auc(split.test, make_rows(200, 3), split.categories) < 0.62
    assert judging.detector_auc(split.test, make_rows(200, 3, shift=4.0), split.categories) > 0.95
    assert judging.usefulness(split.train, split.test, "kind", split.categories) > 0.9
    one_class = split.train.assign(kind="yes")
    assert np.isnan(judging.usefulness(one_class, split.test, "kind", split.categories))


def test_tidy_fills_what_a_rival_leaves_empty(bench, split):
    synthetic = split.train.astype({"size": object})
    synthetic.loc[0, ["size", "city"]] = [None, None]
    tidy = bench("judging").tidy(synthetic[["kind", "city", "size"]], split.train, split.categories)
    assert list(tidy) == list(split.train)
    assert tidy.loc[0].tolist() == [split.train["size"].median(), "nan", split.train.loc[0, "kind"]]


def test_the_worker_measures_fit_and_sampling_apart(bench, split, tmp_path, monkeypatch):
    worker = bench("worker")

    class Hungry:
        def fit(self, table):
            self.mean = np.ones(30_000_000).mean() * table["size"].mean()

        def sample(self, n):
            return pd.DataFrame({"size": np.full(n, self.mean)})

    monkeypatch.setattr(worker, "make_model", lambda method, seed, categories: Hungry())
    monkeypatch.setattr(worker, "seed_everything", lambda seed: None)
    split.train.to_csv(tmp_path / "train.csv", index=False)
    job = {"method": "TabularGAN-1", "seed": 0, "train": tmp_path / "train.csv", "n_samples": 7}
    figures, synthetic = worker.work(job | {"categories": split.categories})
    assert len(synthetic) == 7
    assert figures["fit_peak_mb"] > figures["before_mb"] + 200
    if sys.platform == "linux":
        assert figures["sample_peak_mb"] < figures["fit_peak_mb"] - 200


def toy_run(method, seed, **figures):
    row = {"kind": "quality", "data": "adult", "method": method, "seed": seed, "status": "ok", "version": "toy 1"}
    row |= {"fit_cpu_s": 3.0 + seed, "sample_cpu_s": 0.1, "fit_peak_mb": 500.0, "sample_peak_mb": 400.0, "rows": 90}
    row |= {"shape_error": 1.0, "trend_error": 2.0, "detector_train": 0.6, "detector_test": 0.6, "usefulness": 0.9}
    return row | {"nearer_to_train": 50.0, "copies": 0.0, "copies_test": 0.5} | figures


def test_records_go_on_where_they_were_stopped(bench, tmp_path):
    Records = bench("records").Records
    records = Records(tmp_path)
    records.add(toy_run("TVAE", 0))
    records.add(toy_run("CTGAN", 0))
    with records.path.open("a") as file:
        file.write('{"kind": "quality", "met')
    again = Records(tmp_path)
    assert again.has(kind="quality", method="TVAE", seed=0) and not again.has(method="TVAE", seed=1)
    again.forget(["TVAE"])
    again.add(toy_run("TVAE", 0) | {"status": "failed"})
    assert not again.has(method="TVAE")
    again.add(toy_run("TVAE", 0))
    assert [(row["method"], row["status"]) for row in Records(tmp_path).rows] == [("CTGAN", "ok"), ("TVAE", "ok")]


def test_tables_and_plot_are_put_into_pages(bench, tmp_path):
    records = bench("records").Records(tmp_path)
    for seed, auc in enumerate((0.55, 0.65, 0.9)):
        records.add(toy_run("TabularGAN-3", seed, detector_test=auc))
        records.add(toy_run("TabularGAN-3-likelihood", seed, usefulness=None))
    records.add(toy_run("TabularGAN-3", 2, detector_test=0.6))
    records.add(toy_run("CTGAN", 0) | {"status": "failed", "note": "out of memory"})
    page = tmp_path / "page.md"
    places = [
        f"<!-- {name}: made by a command, do not edit -->\nold\n<!-- {name}: end -->" for name in ("quality", "plot")
    ]
    page.write_text("# Page\n" + "\n".join(places) + "\nlast\n")
    bench("summary").write_all(records, tmp_path, [str(page)])
    text = page.read_text()
    assert "0.600 (0.550–0.650)" in text and "old" not in text and text.endswith("last\n")
    assert "CTGAN on adult, seed 0, failed: out of memory." in text
    assert "likelihood alone, 3 s" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "docs/images/benchmark-tabular.png").stat().st_size > 1000
