"""A comparison in an MLflow run: by itself where one is active, once, and never at the cost of the result."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from ganaug.augment import Comparison, compare
from ganaug.exceptions import GanaugWarning, InvalidInputError
from ganaug.tracking import log_comparison

METRICS = ("average_precision", "roc_auc", "balanced_accuracy", "recall_at_precision")


def make_comparison(seed: int = 0) -> Comparison:
    rng = np.random.default_rng(seed)
    y = np.arange(80) % 4 == 0
    X = pd.DataFrame({"size": rng.normal(size=80) + 2 * y, "other": rng.normal(size=80)})
    options = {"n_splits": 2, "n_repeats": 1, "precision": 0.4, "random_state": 0, "verbose": 0}
    return compare(X, y, ["tree", "logistic"], methods=["random"], **options)


def test_an_active_run_holds_parameters_figures_files_and_the_verdict(tracking_uri: str, tmp_path: Path) -> None:
    with mlflow.start_run() as active:
        found = make_comparison()
    run = mlflow.get_run(active.info.run_id)
    table = found.table("roc_auc").set_index(["estimator", "method"])
    metrics = run.data.metrics
    assert metrics["roc_auc/tree/random"] == pytest.approx(table.loc[("tree", "random"), "mean"])
    for part in ("difference", "low", "high"):
        assert metrics[f"roc_auc_{part}/tree/random"] == pytest.approx(table.loc[("tree", "random"), part])
    expected = {f"{metric}/{name}/none" for metric in METRICS for name in ("tree", "logistic")}
    assert expected <= set(metrics) and len(metrics) == 4 * 2 * (1 + 4)
    assert (
        run.data.params.items()
        >= {
            "compare.n_splits": "2",
            "compare.precision": "0.4",
            "compare.n_rows": "80",
            "compare.estimator.tree": "DecisionTreeClassifier()",
            "compare.methods.random": "RandomOverSampler()",
        }.items()
    )
    assert run.data.tags["ganaug.verdict"] == found.verdict()
    client = mlflow.MlflowClient()
    names = [file.path for file in client.list_artifacts(active.info.run_id)]
    assert names == ["comparison.csv", "comparison.png", "scores.csv"]
    file = client.download_artifacts(active.info.run_id, "comparison.csv", str(tmp_path))
    assert set(pd.read_csv(file)["metric"]) == set(METRICS)


def test_without_a_run_nothing_is_logged(tracking_uri: str) -> None:
    found = make_comparison()
    assert mlflow.search_runs(experiment_names=["tests"]).empty
    with pytest.raises(InvalidInputError, match="No MLflow run is active"):
        log_comparison(found)


def test_it_is_logged_once(tracking_uri: str) -> None:
    client = mlflow.MlflowClient()
    with mlflow.start_run() as active:
        found = make_comparison()
        log_comparison(found)
        log_comparison(found, client, active.info.run_id)
    assert len(client.get_metric_history(active.info.run_id, "roc_auc/tree/none")) == 1


def test_a_run_holds_one_comparison_and_the_second_is_not_lost(tracking_uri: str) -> None:
    with mlflow.start_run() as active:
        first = make_comparison()
        with pytest.warns(GanaugWarning, match="holds another comparison"):
            second = make_comparison(seed=1)
    assert not first.scores.equals(second.scores) and second.winner("tree") in second.methods
    assert mlflow.get_run(active.info.run_id).data.tags["ganaug.verdict"] == first.verdict()


def test_a_run_may_be_named(tracking_uri: str) -> None:
    found, client = make_comparison(), mlflow.MlflowClient()
    run = client.create_run(mlflow.get_experiment_by_name("tests").experiment_id)
    log_comparison(found, client, run.info.run_id)
    assert client.get_run(run.info.run_id).data.tags["ganaug.verdict"] == found.verdict()
    assert mlflow.active_run() is None
