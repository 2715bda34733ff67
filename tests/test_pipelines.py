"""``mlflow run .`` from end to end, and the errors of its entry point."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from pipelines.main import main, parse

ROOT = Path(__file__).parent.parent


def test_mlflow_run_leaves_a_tracked_run(tracking_uri: str, tmp_path: Path) -> None:
    data = tmp_path / "some people.csv"  # a space: parameters travel through a shell
    rows = 60
    pd.DataFrame({"age": range(rows), "income": ["low", "high"] * (rows // 2)}).to_csv(data, index=False)
    command = [
        *(sys.executable, "-m", "mlflow", "run", str(ROOT), "--env-manager", "local"),
        *("-P", f"data={data}", "-P", "target=income", "-P", "n_samples=10", "-P", "max_steps=2"),
        *("-P", f"output_dir={tmp_path / 'out'}"),
    ]
    # MLflow starts whatever `python` comes first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "Learned 48 rows x 2 columns in 2 steps" in shown
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in shown
    runs = mlflow.search_runs(experiment_names=["tests"])
    assert runs["status"].tolist() == ["FINISHED"]  # the project's run, and no other
    assert runs.loc[0, "params.gan.max_steps"] == "2"
    assert runs.loc[0, "metrics.n_iter"] == 2
    assert len(pd.read_csv(tmp_path / "out" / "synthetic.csv")) == 10


def test_empty_texts_mean_none() -> None:
    arguments = ["--data=", "--n_samples=", "--max_seconds=", "--epochs=7", "--random_state="]
    parameters = parse(arguments)
    assert (parameters.data, parameters.n_samples, parameters.max_seconds) == (None, None, None)
    assert (parameters.epochs, parameters.random_state, parameters.n_demo_rows) == (7, None, 10_000)


@pytest.mark.parametrize("argument", ["--epochs=many", "--max_seconds=soon", "--n_samples=1.5", "--n_demo_rows="])
def test_text_that_is_no_number_names_the_parameter(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([argument])
    assert stopped.value.code == 2
    assert argument.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--epochs=0", "`epochs`=0"),
        ("--data=none.csv", "`data`='none.csv'"),
        ("--target=wealth", "`target`='wealth'"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_parameter(
    argument: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument, f"--output_dir={tmp_path}"]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert shown.count("\n") == 1


def test_the_project_offers_what_the_program_takes() -> None:
    import yaml

    project = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
    offered = project["entry_points"]["main"]["parameters"]
    defaults = [f"--{name}={value['default']}" for name, value in offered.items()]
    assert set(vars(parse(defaults))) == set(offered)


def test_mlflow_run_detect(tracking_uri: str, tmp_path: Path) -> None:
    from pipelines.detect import parse as parse_detect

    command = [
        *(sys.executable, "-m", "mlflow", "run", str(ROOT), "-e", "detect", "--env-manager", "local"),
        *("-P", "n_demo_rows=200", "-P", "max_steps=2", "-P", f"output_dir={tmp_path / 'out'}"),
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "auroc/IsolationForest" in done.stdout and "Learned 137 normal records" in " ".join(done.stdout.split())
    assert mlflow.search_runs(experiment_names=["tests"])["status"].tolist() == ["FINISHED"]
    import yaml

    project = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
    offered = project["entry_points"]["detect"]["parameters"]
    defaults = [f"--{name}={value['default']}" for name, value in offered.items()]
    assert set(vars(parse_detect(defaults))) == set(offered)


def test_detects_wrong_values_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.detect import main as main_detect

    assert main_detect(["--data=none.csv", f"--output_dir={tmp_path}"]) == 2
    assert "`data`='none.csv'" in capsys.readouterr().err
