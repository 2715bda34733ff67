"""A tracked detector, from a file to an MLflow run."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.tracking import track_detect_run
from ganaug.tracking.rivals import rival_scores

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
    assert list(alerts) == ["rank", "column", "value", "typical", "contribution", "anomaly_score", "row"]
    assert (make_records()["odd"].iloc[alerts["row"]] == 1).mean() > 0.7
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED" and run.data.params["target"] == "odd"
    assert run.data.metrics["auroc/GANDetector"] == pytest.approx(result.figures["auroc/GANDetector"])
    assert run.data.metrics["worth"] == result.worth and "discriminator/memory_level" in run.data.metrics
    names = {file.path for file in mlflow.MlflowClient().list_artifacts(result.run_id)}
    assert names == {"alerts.csv", "model", "p_values.png", "parts.png", "scores.png", "threshold.json"}
    assert json.loads((tmp_path / "out" / "threshold.json").read_text())["value"] == 0.05


def test_without_labels_only_false_alarms_are_measured(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    make_records(n_odd=0).drop(columns="odd").to_csv(data, index=False)
    result = track_detect_run(data, memory="none", max_steps=20, output_dir=tmp_path / "out")
    assert set(result.figures) == {"false_alarm_rate"} and result.n_anomalies == 0
    assert ganaug.load(result.model).view_.memory is None


def test_without_data_payments_are_simulated(tracking_uri: str, tmp_path: Path) -> None:
    result = track_detect_run(n_demo_rows=400, max_steps=10, output_dir=tmp_path / "out")
    assert result.n_anomalies == 8 and result.n_learned == int(0.7 * 392)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "kind"}, "`target`='kind' holds"),
        ({"target": "wealth"}, "`target`='wealth'"),
        ({"max_steps": 0}, "`max_steps`=0"),
        ({"false_alarm_rate": 2.0}, "false_alarm_rate=2.0"),
    ],
)
def test_errors_name_the_parameter(
    options: dict[str, object], words: str, tracking_uri: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        track_detect_run(data, output_dir=tmp_path / "out", **({"max_steps": 2} | options))


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
