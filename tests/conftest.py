"""Fixtures for all tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is imported: tests share the cores with each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


_LONGEST = ("test_readme.py", "test_pipelines.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process has one of them left when the other is done."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(scope="session")
def tracking_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow database with its tables: making them takes seconds, copying them doesn't."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("tracking") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def tracking_uri(tracking_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give an empty tracking store of the test's own, artifacts included, and make it the default."""
    import mlflow

    database = tmp_path / "mlflow.db"
    shutil.copy(tracking_template, database)
    uri = f"sqlite:///{database}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    client.create_experiment("tests", artifact_location=(tmp_path / "artifacts").as_uri())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "tests")
    mlflow.set_tracking_uri(uri)
    yield uri
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)
