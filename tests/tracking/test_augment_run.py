"""A tracked augmentation, from a file to an MLflow run."""

import inspect
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.tracking import track_augment_run

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks", "ignore:copy_distance=")
QUICK: dict[str, Any] = {"max_steps": 12, "n_splits": 2}


def make_records(n_rows: int = 160, n_rare: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    is_rare = rng.permutation(np.arange(n_rows) < n_rare)
    return pd.DataFrame(
        {
            "number": range(n_rows),
            "size": rng.normal(size=n_rows) + 2 * is_rare,
            "failed": is_rare.astype(int),
            "kind": np.where(is_rare, "old", rng.choice(["new", "old"], n_rows)),
        }
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "records.csv"
    make_records().to_csv(path, index=False)
    return path


def test_a_run_leaves_table_figures_drawing_model_and_verdict(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    result = track_augment_run(data, target="failed", drop="number", output_dir=tmp_path / "out", **QUICK)
    augmented = pd.read_csv(result.augmented)
    assert list(augmented) == ["size", "failed", "kind", "is_synthetic"]
    assert (result.n_rows, result.n_synthetic) == (160, 112)
    real, drawn = augmented[~augmented["is_synthetic"]], augmented[augmented["is_synthetic"]]
    records = make_records().drop(columns="number")
    pd.testing.assert_frame_equal(real.drop(columns="is_synthetic"), records, check_exact=False)
    assert len(drawn) == 112 and (drawn["failed"] == 1).all() and set(drawn["kind"]) <= {"new", "old"}
    assert drawn["size"].mean() > records["size"].mean() + 0.5
    assert set(result.winners) == {"logistic", "tree", "boosting"} and result.verdict.startswith("Overall: ")
    table = pd.read_csv(result.comparison)
    assert set(table["method"]) == {"none", "random", "smote", "class_weight", "gan"}
    wins = table[table["wins"] & (table["metric"] == "average_precision")]
    assert dict(zip(wins["estimator"], wins["method"], strict=True)) == result.winners
    gan = ganaug.load(result.model)
    assert gan.n_iter_ == 12 and len(gan.sample(5)) == 5


def test_mlflow_holds_all_of_it(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    result = track_augment_run(data, target="failed", output_dir=tmp_path / "out", **QUICK)
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED" and run.data.tags["ganaug.verdict"] == result.verdict
    expected = {"target": "failed", "n_rows": "160", "n_columns": "4", "compare.n_splits": "2", "gan.max_steps": "12"}
    assert run.data.params.items() >= expected.items()
    metrics = run.data.metrics
    assert metrics["n_synthetic"] == 112 and metrics["n_iter"] == 12 and "average_precision/tree/gan" in metrics
    assert len(mlflow.MlflowClient().get_metric_history(result.run_id, "roc_auc/tree/gan")) == 1  # logged once
    names = {file.path for file in mlflow.MlflowClient().list_artifacts(result.run_id)}
    assert names == {file.name for file in (tmp_path / "out").iterdir()}  # no temporary file is left
    assert names == {"augmented.csv", "comparison.csv", "comparison.png", "model", "scores.csv"}
    assert len(mlflow.search_runs(experiment_names=["tests"])) == 1


def test_classes_may_be_texts(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    records = make_records()
    records["failed"] = np.where(records["failed"] == 1, "yes", "no")
    records.to_csv(data, index=False)
    result = track_augment_run(data, target="failed", output_dir=tmp_path / "out", **QUICK)
    drawn = pd.read_csv(result.augmented).iloc[160:]
    assert (drawn["failed"] == "yes").all() and len(drawn) == 112


def test_without_data_payments_are_simulated(tracking_uri: str, tmp_path: Path) -> None:
    result = track_augment_run(n_demo_rows=300, output_dir=tmp_path / "out", max_steps=2, n_splits=2)
    assert (result.n_rows, result.n_synthetic) == (300, 288)
    augmented = pd.read_csv(result.augmented)
    assert augmented["fraud"].mean() == 0.5 and list(augmented)[-2:] == ["fraud", "is_synthetic"]


def test_the_same_seed_gives_the_same_files(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    files = []
    for seed in (5, 5, 6):
        result = track_augment_run(
            data, target="failed", max_steps=2, n_splits=2, random_state=seed, output_dir=tmp_path / "out"
        )
        figures = pd.read_csv(result.comparison).drop(columns=["resample_seconds", "fit_seconds"])
        files.append((result.augmented.read_bytes(), figures.to_csv(), result.plot.read_bytes()))
    assert files[0] == files[1]
    assert all(one != other for one, other in zip(files[1], files[2], strict=True))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"target": None}, "`target`=None"),
        ({"target": "wealth"}, "`target`='wealth'"),
        ({"max_steps": 0}, "`max_steps`=0"),
        ({"n_splits": 1}, "`n_splits`=1"),
        ({"n_repeats": None}, "`n_repeats`=None"),
        ({"n_demo_rows": 3}, "`n_demo_rows`=3"),
        ({"random_state": -1}, "`random_state`=-1"),
        ({"data": "none.csv"}, "`data`='none.csv'"),
        ({"drop": "age"}, "`drop`='age': 'age' is no column of the table"),
        ({"drop": "failed"}, "`drop`='failed': 'failed' is the target"),
        ({"drop": "number,size,kind"}, "`target`='failed' is the only column left"),
        ({"n_splits": 30}, "n_splits=30: class 1 of y has 24 rows"),
        ({"target": "size"}, "y holds values such as"),
    ],
)
def test_a_wrong_parameter_is_named_before_a_run_is_started(
    changed: dict[str, Any], words: str, tracking_uri: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        track_augment_run(**{"data": data, "target": "failed", "output_dir": tmp_path / "out"} | changed)
    assert mlflow.search_runs(experiment_names=["tests"]).empty


def test_the_new_column_must_be_new(data: Path, tmp_path: Path) -> None:
    make_records().assign(is_synthetic=0).to_csv(data, index=False)
    with pytest.raises(InvalidInputError, match="has a column 'is_synthetic' already"):
        track_augment_run(data, target="failed", output_dir=tmp_path / "out")


def test_the_budget_is_the_samplers_own() -> None:
    from ganaug.augment.oversampler import make_gan

    defaults = [inspect.signature(job).parameters["max_steps"].default for job in (track_augment_run, make_gan)]
    assert defaults[0] == defaults[1]
