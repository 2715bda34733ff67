"""The main job, from a file to a tracked run."""

import html
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.tracking import track_table_run
from ganaug.tracking.inputs import holds_classes, split

# Budgets this small leave a weak discriminator; what its warning says has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a file in which `income` follows `age`."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, 200)
    path = tmp_path / "people.csv"
    pd.DataFrame({"age": age, "income": (age > 50).astype(int)}).to_csv(path, index=False)
    return path


def test_a_run_leaves_model_table_page_and_figures(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    result = track_table_run(data, target="income", n_samples=50, max_steps=40, output_dir=tmp_path / "out")
    assert (result.n_rows, result.n_columns, result.n_iter) == (160, 2, 40)
    assert (result.stop_reason, result.tracking_uri) == ("max_steps", tracking_uri)
    synthetic = pd.read_csv(result.synthetic)
    assert synthetic.shape == (50, 2)
    assert set(synthetic["income"]) <= {0, 1}
    assert ganaug.load(result.model).n_iter_ == 40
    page = result.report.read_text(encoding="utf-8")
    for words in ("Usefulness for predicting income", "Privacy: ", html.escape(result.diagnosis, quote=False)[:40]):
        assert words in page
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("model", "report.html", "synthetic.csv"),
    ]
    client = mlflow.MlflowClient()
    logged = client.get_run(result.run_id)
    assert logged.info.status == "FINISHED"
    assert {name: logged.data.params[name] for name in ("target", "n_rows", "gan.max_steps")} == {
        "target": "income",
        "n_rows": "200",
        "gan.max_steps": "40",
    }
    for name, value in result.figures.items():
        assert logged.data.metrics[f"quality/{name}"] == pytest.approx(value)
    assert {"target_trend_error", "detector_auc", "usefulness_real"} <= set(result.figures)
    assert "privacy/nearest_share_reference" in logged.data.metrics
    assert logged.data.tags["ganaug.privacy"] == result.privacy
    assert logged.data.metrics["n_iter"] == 40
    artifacts = {item.path for item in client.list_artifacts(result.run_id)}
    assert artifacts == {"model", "report.html", "synthetic.csv"}


def test_the_same_seed_gives_the_same_table(tracking_uri: str, data: Path, tmp_path: Path) -> None:
    tables = []
    for seed in (5, 5, 6):
        result = track_table_run(data, max_steps=3, random_state=seed, output_dir=tmp_path / "out")
        tables.append(result.synthetic.read_bytes())
    assert tables[0] == tables[1] != tables[2]


def test_without_data_payments_are_simulated(tracking_uri: str, tmp_path: Path) -> None:
    result = track_table_run(n_demo_rows=100, max_steps=1, output_dir=tmp_path / "out")
    synthetic = pd.read_csv(result.synthetic)
    assert len(synthetic) == 80
    assert {"amount", "fraud"} <= set(synthetic.columns)
    assert mlflow.get_run(result.run_id).data.params["target"] == "fraud"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_samples", 0),
        ("epochs", 2.5),
        ("max_steps", -1),
        ("max_seconds", 0),
        ("max_seconds", float("nan")),
        ("n_demo_rows", None),
        ("n_demo_rows", 3),
        ("random_state", -1),
        ("target", "wealth"),
        ("data", "none.csv"),
    ],
)
def test_a_wrong_parameter_is_named_before_a_run_is_started(
    tracking_uri: str, tmp_path: Path, name: str, value: Any
) -> None:
    parameters = {"n_demo_rows": 50, "output_dir": tmp_path / "out", name: value}
    with pytest.raises(InvalidInputError, match=f"`{name}`={value!r}"):
        track_table_run(**parameters)
    assert mlflow.search_runs(experiment_names=["tests"]).empty


def test_a_place_for_the_files_that_is_taken_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="`output_dir`"):
        track_table_run(data, output_dir=data)
    (tmp_path / "out" / "model").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="no ganaug model"):
        track_table_run(data, output_dir=tmp_path / "out")


def test_a_table_that_is_too_small_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    pd.DataFrame({"age": range(19)}).to_csv(path, index=False)
    with pytest.raises(InvalidInputError, match="19 rows"):
        track_table_run(path, output_dir=tmp_path / "out")


def test_split_parts_all_rows_and_repeats_itself() -> None:
    table = pd.DataFrame({"row": range(100)})
    train, holdout = split(table, 0)
    assert (len(train), len(holdout)) == (80, 20)
    assert sorted([*train["row"], *holdout["row"]]) == list(range(100))
    assert split(table, 0)[1].equals(holdout)
    assert not split(table, 1)[1].equals(holdout)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 1], True),
        ([0.0, 1.0, None], True),
        ([0.5, 1.0, 2.0], False),
        (range(51), False),
        (["a", "b", "a"], False),
        ([True, False, True], False),
    ],
)
def test_numbers_that_stand_for_classes_are_recognized(values: Any, expected: bool) -> None:
    assert holds_classes(pd.Series(values)) is expected
