"""A tracked detector, from a file to an MLflow run."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.tracking import track_detect_run
from ganaug.tracking.inputs import part_target
from ganaug.tracking.rivals import _as_numbers, rival_scores
from ganaug.tracking.score_plots import draw_all

pytestmark = pytest.mark.filterwarnings("ignore:The detector ranks")


def make_records(n_normal: int = 300, n_odd: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = rng.normal(size=n_normal + n_odd)
    kind = np.where(size > 0, "large", "small")
    records = pd.DataFrame({"size": size, "kind": kind, "twice": 2 * size + 0.1 * rng.normal(size=len(size))})
    records["odd"] = np.repeat([0, 1], [n_normal, n_odd])
    records.loc[records["odd"] == 1, "twice"] *= -1
    return records


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "records.csv"
    make_records().to_csv(path, index=False)
    return path


def test_a_run_leaves_model_figures_and_drawings(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    result = track_detect_run(data, target="odd", false_alarm_rate=0.05, output_dir=tmp_path / "out")
    assert (result.n_learned, result.n_tested, result.n_anomalies) == (210, 120, 30)
    assert result.figures["auroc/GANDetector"] > 0.9 and result.worth > 0.7 and "5%" in result.threshold
    assert {"auroc/IsolationForest", "average_precision/KNN", "false_alarm_rate"} <= set(result.figures)
    assert result.figures["false_alarm_rate"] < 0.2
    detector = ganaug.load(result.model)
    assert "odd" not in detector.format_.columns and detector.threshold_.rule == "false_alarm_rate"
    alerts = pd.read_csv(result.alerts)
    about_records, about_reasons = (
        ["row", "anomaly_score", "p_value", "is_anomaly", "label"],
        ["rank", "column", "value"],
    )
    assert list(alerts) == [*about_records, *about_reasons, "typical", "contribution"]
    assert alerts["row"].nunique() == 20 and alerts["anomaly_score"].is_monotonic_decreasing
    assert (alerts["label"].to_numpy() == make_records()["odd"].iloc[alerts["row"]]).all()
    assert alerts["label"].mean() > 0.7 and (alerts["is_anomaly"] == (alerts["p_value"] <= 0.05)).all()
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED" and run.data.params["target"] == "odd"
    assert run.data.metrics["auroc/GANDetector"] == pytest.approx(result.figures["auroc/GANDetector"])
    assert {name: run.data.params[name] for name in ("n_rows", "n_columns", "n_learned", "n_anomalies")} == {
        **{"n_rows": "330", "n_columns": "3", "n_learned": "210", "n_anomalies": "30"}
    }
    # The training's own duration is the callback's, and not logged over.
    assert result.seconds == run.data.metrics["detector_seconds"] >= run.data.metrics["fit_seconds"]
    assert run.data.metrics["worth"] == result.worth and "discriminator/memory_level" in run.data.metrics
    names = {file.path for file in mlflow.MlflowClient().list_artifacts(result.run_id)}
    assert names == {file.name for file in (tmp_path / "out").iterdir()}  # no temporary file is left
    assert names == {"alerts.csv", "model", "p_values.png", "parts.png", "scores.png", "threshold.json"}
    assert json.loads((tmp_path / "out" / "threshold.json").read_text())["value"] == 0.05


def test_without_labels_only_false_alarms_are_measured(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    make_records(n_odd=0).drop(columns="odd").to_csv(data, index=False)
    result = track_detect_run(data, memory="none", max_steps=20, output_dir=tmp_path / "out")
    assert set(result.figures) == {"false_alarm_rate"} and result.n_anomalies == 0
    assert (result.n_learned, result.n_tested) == (240, 60)  # a fifth is held out
    assert "label" not in pd.read_csv(result.alerts)
    assert ganaug.load(result.model).view_.memory is None


def test_without_data_payments_are_simulated(tracking_uri: str, tmp_path: Path) -> None:
    result = track_detect_run(n_demo_rows=400, max_steps=10, output_dir=tmp_path / "out")
    assert result.n_anomalies == 8 and result.n_learned == int(0.7 * 392)


def test_the_same_seed_gives_the_same_files(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    files = []
    for seed in (5, 5, 6):
        track_detect_run(data, target="odd", max_steps=3, random_state=seed, output_dir=tmp_path / "out")
        files.append([(tmp_path / "out" / name).read_bytes() for name in ("alerts.csv", "threshold.json", "parts.png")])
    assert files[0] == files[1]
    assert all(one != other for one, other in zip(files[1], files[2], strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", "kind"),
        ("target", "wealth"),
        ("max_steps", 0),
        ("max_steps", None),
        ("memory", 5),
        ("memory", "all"),
        ("false_alarm_rate", 1.0),
        ("false_alarm_rate", float("nan")),
        ("n_demo_rows", 3),
        ("random_state", -1),
        ("data", "none.csv"),
    ],
)
def test_a_wrong_parameter_is_named_before_a_run_is_started(
    name: str, value: Any, tracking_uri: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=f"`{name}`={value!r}"):
        track_detect_run(**{"data": data, "output_dir": tmp_path / "out", name: value})
    assert mlflow.search_runs(experiment_names=["tests"]).empty


def test_too_few_normal_records_are_refused(data: Path, tmp_path: Path) -> None:
    make_records(n_normal=19).to_csv(data, index=False)
    with pytest.raises(InvalidInputError, match="19 normal records"):
        track_detect_run(data, target="odd", output_dir=tmp_path / "out")


@pytest.mark.parametrize(
    "values", [[1, 0], [1.0, 0.0], [True, False], ["true", "False"], ["1", "0"], pd.array([1, 0], dtype="Int64")]
)
def test_labels_may_be_written_in_any_way(values: Any) -> None:
    records, labels = part_target(pd.DataFrame({"size": [3.0, 4.0], "odd": values}), "odd")
    assert labels is not None and labels.tolist() == [True, False] and list(records) == ["size"]


@pytest.mark.parametrize("values", [[1, None], [2, 0], ["yes", "no"]])
def test_other_labels_are_refused(values: Any) -> None:
    with pytest.raises(InvalidInputError, match="`target`='odd' holds"):
        part_target(pd.DataFrame({"size": [3.0, 4.0], "odd": values}), "odd")


def test_rivals_take_any_table() -> None:
    table = (
        make_records()
        .drop(columns="odd")
        .assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(330), "D"), flag=True)
    )
    table.loc[3, "size"] = np.nan
    scores = rival_scores(table.iloc[:200], table.iloc[200:].assign(kind="new"), 0)
    assert set(scores) == {"IsolationForest", "KNN"}
    assert all(np.isfinite(values).all() and len(values) == 130 for values in scores.values())


def test_rivals_take_what_is_missing_for_the_mean() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=50, tz="UTC"))
    table = pd.DataFrame({"day": days, "count": pd.array(range(50), dtype="Int64")})
    odd = pd.DataFrame({"day": [pd.NaT, days[24], days[24] + pd.Timedelta(900, "D")], "count": [24, pd.NA, 24]})
    scores = rival_scores(table, odd.astype(table.dtypes), 0)["KNN"]
    assert scores[0] > -0.5 and scores[1] > -0.5 and scores[2] < -10


def test_rivals_count_a_column_of_names_by_its_most_frequent_ones() -> None:
    names = pd.DataFrame({"name": [f"name {row}" for row in range(1_000)]})
    assert _as_numbers(names, names).shape == (1_000, 200)


def test_scores_that_are_all_equal_can_be_drawn() -> None:
    detector = SimpleNamespace(offset_=-1.0, weights_={"memory": 1.0})
    found = {"score": np.zeros(9), "p_value": np.ones(9), "memory": np.zeros(9)}
    assert set(draw_all(detector, found, np.zeros(9, dtype=bool))) == {"scores.png", "p_values.png", "parts.png"}


def test_a_missing_text_is_no_category_not_even_one_that_is_spelt_alike() -> None:
    kinds = pd.DataFrame({"kind": ["None", "nan", "a", None, np.nan]}, dtype=object)
    assert _as_numbers(kinds, kinds).to_numpy().sum(axis=1).tolist() == [1, 1, 1, 0, 0]
