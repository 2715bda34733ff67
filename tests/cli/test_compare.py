"""``ganaug compare``, as somebody types it who knows no Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from ganaug.augment import compare
from ganaug.cli import app
from ganaug.datasets import load_table

pytestmark = pytest.mark.filterwarnings("ignore:copy_distance=")
QUICK = ("--n-splits", 2, "--n-repeats", 1)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    churned = rng.permutation(np.arange(160) < 40)
    table = pd.DataFrame(
        {
            "number": range(160),
            "age": np.round(rng.normal(40, 5, 160) + 6 * churned, 1),
            "plan": np.where(churned, rng.choice(["a", "b"], 160), rng.choice(["b", "c"], 160)),
            "area": rng.integers(1, 4, 160),
            "churned": np.where(churned, "yes", "no"),
        }
    )
    table.loc[::9, "age"] = None
    path = tmp_path / "customers.csv"
    table.to_csv(path, index=False)
    return path


def test_a_table_per_classifier_and_the_verdict_of_python(data: Path, tmp_path: Path) -> None:
    result = run(data, "--target", "churned", "--max-steps", 12, "--drop", "number", *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    shown = result.stdout
    for name in ("logistic", "tree", "boosting"):
        assert f"{name}: average precision" in shown
    for method in ("none", "random", "smote", "class_weight", "gan"):
        assert shown.count(f"\n{method} ") == 3
    assert shown.count(" *  ") == 3 and "\nOverall: " in shown and "15/15" not in shown
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"comparison.csv", "scores.csv", "comparison.png"}
    table = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert len(table) == 3 * 5 * 4 and table["metric"][0] == "average_precision"
    assert f"Written to {tmp_path / 'out' / 'scores.csv'}" in shown


def test_the_figures_are_those_of_python(data: Path, tmp_path: Path) -> None:
    options = ("--estimator", "tree, logistic", "--method", "random,smote", "--metric", "roc_auc", "--random-state", 3)
    result = run(data, "--target", "churned", *options, *QUICK, "--categorical", "area", "-o", tmp_path, "--jobs", 1)
    assert result.exit_code == 0, result.output
    table = load_table(data).astype({"area": "category"})
    methods = ["random", "smote"]
    expected = compare(
        table.drop(columns="churned"),
        table["churned"],
        ["tree", "logistic"],
        methods=methods,
        metric="roc_auc",
        n_splits=2,
        n_repeats=1,
        random_state=3,
        verbose=0,
    )
    assert pd.read_csv(tmp_path / "scores.csv")["value"].to_numpy() == pytest.approx(expected.scores["value"])
    assert expected.verdict() in result.stdout and "tree: ROC AUC" in result.stdout


@pytest.mark.parametrize("positive", ["no", "NO"])
def test_the_class_to_find(data: Path, positive: str) -> None:
    options = ("--method", "none", "--estimator", "logistic", *QUICK)
    rare, common = (run(data, "--target", "churned", *options, *more) for more in ((), ("--positive", positive)))
    assert rare.exit_code == common.exit_code == 0 and rare.stdout != common.stdout


def test_numbers_name_classes_too(data: Path) -> None:
    table = pd.read_csv(data)
    table["churned"] = (table["churned"] == "yes").astype(float)
    table.to_csv(data, index=False)
    result = run(data, "--target", "churned", "--positive", 1, "--method", "none", "--estimator", "tree", *QUICK)
    assert result.exit_code == 0, result.output


def test_quiet_is_quiet(data: Path, tmp_path: Path) -> None:
    options = ("--target", "churned", "--method", "random", "--estimator", "tree", *QUICK)
    assert run(data, *options, "-q", "-o", tmp_path / "out").output == ""
    assert (tmp_path / "out" / "comparison.png").exists()
    loud = run(data, *options)
    assert "Comparing" in loud.stderr and "Comparing" not in loud.stdout


def test_bad_input_is_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "scores.csv").write_text("mine")
    pd.read_csv(data)[["churned"]].to_csv(tmp_path / "alone.csv", index=False)
    few = pd.read_csv(data)
    few.loc[few.index[:1], "churned"] = "maybe"
    few.to_csv(tmp_path / "few.csv", index=False)
    target = ("--target", "churned")
    for arguments, words in (
        ((data, "--target", "left"), "--target: there is no column 'left'; the table has number, age"),
        ((data, *target, "--drop", "churned"), "--drop 'churned' is the target"),
        ((data, *target, "--drop", "size"), "--drop: there is no column 'size'"),
        ((data, *target, "--categorical", "size"), "--categorical: there is no column 'size'"),
        ((data, *target, "--positive", "maybe"), "--positive 'maybe' is no class of 'churned', which holds yes, no"),
        ((data, *target, "--estimator", "forest"), "estimator='forest' is unknown"),
        ((data, *target, "--method", "smoot"), "methods: 'smoot' is unknown"),
        ((data, *target, "--metric", "accuracy"), "metric='accuracy' is unknown"),
        ((data, *target, "--precision", 2), "precision=2.0: give a number above 0"),
        ((data, *target, "--n-splits", 99), "n_splits=99: class 'yes' of y has 40 rows"),
        ((tmp_path / "few.csv", *target), "class 'maybe' of y has 1 row"),
        ((tmp_path / "alone.csv", *target), "--target 'churned' is the only column"),
        ((tmp_path / "none.csv", *target), "does not exist"),
        ((data, *target, "-o", tmp_path / "full"), "scores.csv exists; add --overwrite"),
        ((data, *target, "-o", data), "customers.csv"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2 and words in result.output, (arguments, result.output)
        assert result.output.count("Error:") == 1 and result.output.count("\n") == 1
    assert (tmp_path / "full" / "scores.csv").read_text() == "mine"
    options = (*target, "--method", "none", "--estimator", "tree", *QUICK, "-o", tmp_path / "full", "--overwrite")
    assert run(data, *options).exit_code == 0 and (tmp_path / "full" / "scores.csv").read_text() != "mine"
