"""``mlflow run .`` from end to end, and the errors of its entry points."""

import argparse
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mlflow
import numpy as np
import pandas as pd
import pytest

from ganaug.tracking import (
    track_augment_run,
    track_detect_run,
    track_images_run,
    track_translate_run,
    track_upscale_run,
)
from pipelines import augment, detect, images, translate, upscale
from pipelines.main import main, parse

ROOT = Path(__file__).parent.parent


def run_project(entry_point: str, parameters: dict[str, object], folder: Path) -> str:
    """Run the project as a user would; return what it prints, on one line."""
    command = [sys.executable, "-m", "mlflow", "run", str(ROOT), "-e", entry_point, "--env-manager", "local"]
    for name, value in parameters.items():
        command += ["-P", f"{name}={value}"]
    # MLflow starts whatever `python` comes first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_mlflow_run_leaves_a_tracked_run(tracking_uri: str, tmp_path: Path) -> None:
    data = tmp_path / "some people.csv"  # a space: parameters travel through a shell
    rows = 60
    pd.DataFrame({"age": range(rows), "income": ["low", "high"] * (rows // 2)}).to_csv(data, index=False)
    given = {"data": data, "target": "income", "n_samples": 10, "max_steps": 2, "output_dir": tmp_path / "out"}
    shown = run_project("main", given, tmp_path)
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


@pytest.mark.parametrize(
    ("entry_point", "parse"),
    [
        ("main", parse),
        ("detect", detect.parse),
        ("augment", augment.parse),
        ("images", images.parse),
        ("upscale", upscale.parse),
        ("translate", translate.parse),
    ],
)
def test_the_project_offers_what_the_program_takes(
    entry_point: str, parse: Callable[[list[str]], argparse.Namespace]
) -> None:
    import yaml

    project = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
    offered = project["entry_points"][entry_point]["parameters"]
    defaults = [f"--{name}={value['default']}" for name, value in offered.items()]
    assert set(vars(parse(defaults))) == set(offered)
    assert all(f"--{name}={{{name}}}" in project["entry_points"][entry_point]["command"] for name in offered)


@pytest.mark.parametrize(
    ("entry_point", "parse", "job"),
    [
        ("detect", detect.parse, track_detect_run),
        ("augment", augment.parse, track_augment_run),
        ("images", images.parse, track_images_run),
        ("upscale", upscale.parse, track_upscale_run),
        ("translate", translate.parse, track_translate_run),
    ],
)
def test_defaults_in_the_project_are_the_programs_own(
    entry_point: str, parse: Callable[[list[str]], argparse.Namespace], job: Callable[..., object]
) -> None:
    import yaml

    project = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
    offered = project["entry_points"][entry_point]["parameters"]
    assert parse([f"--{name}={value['default']}" for name, value in offered.items()]) == parse([])
    defaults = {name: value.default for name, value in inspect.signature(job).parameters.items()}
    assert vars(parse([])) == {name: defaults[name] for name in offered}


def test_mlflow_run_detect_leaves_a_tracked_run(tracking_uri: str, tmp_path: Path) -> None:
    data = tmp_path / "some payments.csv"
    amounts = [float(row % 7) for row in range(90)] + [50.0] * 10
    pd.DataFrame({"amount": amounts, "fraud": [False] * 90 + [True] * 10}).to_csv(data, index=False)
    given = {"data": data, "target": "fraud", "memory": "30", "max_steps": "2", "false_alarm_rate": "0.1"}
    shown = run_project("detect", given | {"output_dir": tmp_path / "out"}, tmp_path)
    assert "Learned 63 normal records in" in shown and "measured on 37 others, 10 of them anomalies." in shown
    assert "AUROC average precision GANDetector" in shown and "KNN 1.000 1.000 Of the normal" in shown
    assert f"Oddest records {tmp_path / 'out' / 'alerts.csv'}" in shown
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in shown
    runs = mlflow.search_runs(experiment_names=["tests"])
    assert runs["status"].tolist() == ["FINISHED"]  # the project's run, and no other
    assert (runs.loc[0, "params.gan.memory"], runs.loc[0, "params.n_rows"]) == ("30", "100")
    assert runs.loc[0, "metrics.auroc/KNN"] == 1.0 and runs.loc[0, "metrics.n_iter"] == 2
    assert set(pd.read_csv(tmp_path / "out" / "alerts.csv")["column"]) == {"amount"}  # the label is no input


def test_detects_memory_may_be_none() -> None:
    assert [detect.parse([f"--memory={text}"]).memory for text in ("30", "none", "")] == [30, "none", "none"]


@pytest.mark.parametrize("argument", ["--memory=all", "--max_steps=", "--false_alarm_rate=few", "--random_state=x"])
def test_detect_names_the_parameter_that_is_no_number(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        detect.main([argument])
    assert stopped.value.code == 2
    assert argument.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--data=none.csv", "`data`='none.csv'"),
        ("--target=amount", "`target`='amount' holds"),
        ("--memory=3", "`memory`=3"),
        ("--false_alarm_rate=2", "`false_alarm_rate`=2.0"),
    ],
)
def test_detects_wrong_values_are_one_line(
    argument: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect.main([argument, "--n_demo_rows=50", f"--output_dir={tmp_path}"]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert shown.count("\n") == 1


def test_mlflow_run_augment_leaves_a_tracked_run(tracking_uri: str, tmp_path: Path) -> None:
    data = tmp_path / "some payments.csv"
    amounts = [float(row % 7) for row in range(90)] + [50.0 + row for row in range(10)]
    pd.DataFrame({"id": range(100), "amount": amounts, "fraud": ["no"] * 90 + ["yes"] * 10}).to_csv(data, index=False)
    given = {"data": data, "target": "fraud", "drop": "id", "max_steps": "2", "n_splits": "2"}
    shown = run_project("augment", given | {"output_dir": tmp_path / "out"}, tmp_path)
    assert "Overall: don't use a GAN here: logistic with the data left as it is" in shown
    assert f"Augmented table {tmp_path / 'out' / 'augmented.csv'} (100 real rows, then 80 synthetic ones" in shown
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in shown
    runs = mlflow.search_runs(experiment_names=["tests"])
    assert runs["status"].tolist() == ["FINISHED"]  # the project's run, and no other
    assert (runs.loc[0, "params.gan.max_steps"], runs.loc[0, "params.drop"]) == ("2", "id")
    assert runs.loc[0, "metrics.average_precision/logistic/none"] == 1.0
    augmented = pd.read_csv(tmp_path / "out" / "augmented.csv")
    assert augmented.groupby(["fraud", "is_synthetic"]).size().tolist() == [90, 10, 80]


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--data=none.csv", "`data`='none.csv'"),
        ("--n_splits=1", "`n_splits`=1"),
        ("--drop=size", "`drop`='size'"),
        ("--target=amount", "name no classes"),
    ],
)
def test_augments_wrong_values_are_one_line(
    argument: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [argument, "--target=fraud", "--n_demo_rows=50", f"--output_dir={tmp_path}"]
    assert augment.main(arguments if argument.startswith("--data") else [argument, *arguments[2:]]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert shown.count("\n") == 1


def test_mlflow_run_images_leaves_a_tracked_run(tracking_uri: str, tmp_path: Path) -> None:
    data = tmp_path / "some images.npz"
    np.savez(data, X=np.random.default_rng(0).integers(0, 256, (80, 8, 8, 3), dtype=np.uint8))
    given = {"data": data, "max_steps": "4", "image_size": "8x12", "resize": "stretch", "n_samples": "20"}
    shown = run_project("images", given | {"output_dir": tmp_path / "out"}, tmp_path)
    assert "64 images of 8 x 12 pixels, 3 channels" in shown and "DCGAN learned them in 4 steps" in shown
    assert "beside 16 images that were held out: synthetic real better random-features distance" in shown
    assert f"ganaug images sample {tmp_path / 'out' / 'model'} -n 64 -o grid.png" in shown
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in shown
    runs = mlflow.search_runs(experiment_names=["tests"])
    assert runs["status"].tolist() == ["FINISHED"]  # the project's run, and no other
    assert (runs.loc[0, "params.gan.max_steps"], runs.loc[0, "params.model_class"]) == ("4", "DCGAN")
    with np.load(tmp_path / "out" / "synthetic.npz") as drawn:
        assert drawn.files == ["X"] and drawn["X"].shape == (20, 8, 12, 3)


@pytest.mark.parametrize("argument", ["--max_steps=many", "--n_samples=", "--max_seconds=soon", "--random_state=x"])
def test_images_names_the_parameter_that_is_no_number(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        images.main([argument])
    assert stopped.value.code == 2
    assert argument.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--data=none.npz", "`data`='none.npz'"),
        ("--model=big", "`model`='big'"),
        ("--image_size=x", "`image_size`='x'"),
    ],
)
def test_images_wrong_values_are_one_line(
    argument: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert images.main([argument, f"--output_dir={tmp_path}"]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert shown.count("\n") == 1


def test_upscale_tells_figures_files_and_the_run(
    tracking_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), dtype=np.uint8))
    given = [f"--data={tmp_path / 'images.npy'}", "--scale=4", "--max_steps=1", f"--output_dir={tmp_path / 'out'}"]
    assert upscale.main(given) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "8 images of 16 x 16 pixels" in shown and "Measured on 2 images that were held out:" in shown
    assert "bicubic" in shown and f"ganaug images upscale IN OUT --model {tmp_path / 'out' / 'model'}" in shown
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in shown
    runs = mlflow.search_runs(experiment_names=["tests"])
    assert runs["status"].tolist() == ["FINISHED"] and runs.loc[0, "params.gan.scale"] == "4"


def test_translate_tells_figures_files_and_the_run(
    tracking_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "dark.npy", np.random.default_rng(0).integers(0, 99, (10, 8, 8), dtype=np.uint8))
    np.save(tmp_path / "light.npy", np.random.default_rng(0).integers(99, 256, (10, 8, 8), dtype=np.uint8))
    given = [f"--data={tmp_path / 'dark.npy'}", f"--like={tmp_path / 'light.npy'}", "--max_steps=1"]
    assert translate.main([*given, f"--output_dir={tmp_path / 'out'}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "A: 8 images of 8 x 8 pixels" in shown and "Measured on 4 images that were held out: Coming back" in shown
    assert f"Before, after {tmp_path / 'out' / 'before-after.png'}" in shown
    assert mlflow.search_runs(experiment_names=["tests"])["status"].tolist() == ["FINISHED"]


@pytest.mark.parametrize("argument", ["--max_steps=many", "--max_seconds=soon", "--patch_size=x"])
@pytest.mark.parametrize("job", [upscale, translate])
def test_upscale_and_translate_name_the_parameter_that_is_no_number(
    job: ModuleType, argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        job.main([argument])
    assert stopped.value.code == 2
    assert argument.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("job", "argument", "named"),
    [(upscale, "--scale=7", "`scale`=7"), (translate, "--data=none.npz", "`like` is missing")],
)
def test_wrong_values_of_upscale_and_translate_are_one_line(
    job: ModuleType, argument: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job.main([argument, f"--output_dir={tmp_path}"]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert shown.count("\n") == 1
