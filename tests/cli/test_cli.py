"""The command line: what it does with good input, and that it says one line about bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import ganaug
from ganaug.cli import app
from ganaug.cli.conditions import parse_conditions
from ganaug.exceptions import DataWarning
from ganaug.tabular import TabularGAN


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Return a table with each kind of column, and names and values that are hard to write."""
    rng = np.random.default_rng(0)
    size = 300
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, size),
            "income": rng.choice(["<=50K", ">50K"], size),
            "city": rng.choice(["Paris", "Rome", "Washington, D.C.", "a=b"], size),
            "member": rng.random(size) < 0.5,
            "score": np.where(rng.random(size) < 0.2, np.nan, rng.normal(size=size).round(2)),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, size), "D"),
            "a=b": rng.integers(0, 3, size),
        }
    )


@pytest.fixture(scope="module")
def data(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table as a CSV file."""
    path = tmp_path_factory.mktemp("data") / "people.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def model(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved model of the table."""
    gan = TabularGAN(max_steps=5, scrambled_weight=0, random_state=0).fit(table)
    return gan.save(tmp_path_factory.mktemp("models") / "model")


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def check_refused(result: Result, *words: str) -> None:
    """Check for one line on stderr that names what is wrong, and exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Error: ")
    for word in words:
        assert word in result.stderr


def test_nothing_heavy_is_imported_for_help() -> None:
    code = (
        "import sys, ganaug.cli\n"
        "heavy = {'torch', 'pandas', 'numpy', 'sklearn', 'mlflow', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_lists_every_command_and_version_is_shown() -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for name in ("fit", "sample", "evaluate", "info"):
        assert name in shown.stdout
    assert run("--version").stdout.startswith("ganaug ")


def test_fit_saves_a_model_with_the_options_given(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    result = run(
        *("fit", data, "-o", folder, "--max-steps", 3, "--batch-size", 64, "--random-state", 1),
        *("--target", "a=b", "--categorical", "age", "--drop", "day,score"),
    )
    assert result.exit_code == 0, result.output
    assert "300 rows x 5 columns" in result.stdout
    assert f"ganaug sample {folder} -n 300 -o synthetic.csv" in result.stdout
    gan = ganaug.load(folder)
    assert (gan.n_iter_, gan.batch_size, gan.random_state) == (3, 64, 1)
    assert set(gan.categorical_features) == {"age", "a=b"}
    assert [column.name for column in gan.encoder_.columns_] == [
        *("age", "income", "city", "member", "a=b"),
    ]


@pytest.mark.filterwarnings("ignore:score_samples ranks")
def test_fit_samples_a_folder_that_is_larger_than_memory(table: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for place in range(3):
        table[100 * place : 100 * place + 100].to_parquet(tmp_path / "parts" / f"{place}.parquet")
    options = ("--max-rows-in-memory", 120, "--max-steps", 3, "--random-state", 1, "--quiet")
    result = run("fit", tmp_path / "parts", "-o", tmp_path / "model", *options)
    assert result.exit_code == 0 and "uniform sample of max_rows_in_memory=120" in result.stderr
    gan = ganaug.load(tmp_path / "model")
    with pytest.warns(DataWarning, match="has 300 rows"):
        same = TabularGAN(max_rows_in_memory=120, max_steps=3, random_state=1).fit(table)
    assert gan.sample(30).equals(same.sample(30)) and gan.max_rows_in_memory == 120


def test_fit_keeps_a_model_that_is_there_unless_told(data: Path, model: Path) -> None:
    before = (model / "model.json").read_bytes()
    check_refused(run("fit", data, "-o", model), "--overwrite", str(model))
    assert (model / "model.json").read_bytes() == before


def test_fit_quiet_says_nothing(data: Path, tmp_path: Path) -> None:
    result = run("fit", data, "-o", tmp_path / "model", "--max-steps", 2, "--quiet")
    assert (result.exit_code, result.stdout) == (0, "")


def test_an_interrupted_fit_is_saved_and_exits_130(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.adversarial.Trainer.play_round", interrupt)
    result = run("fit", data, "-o", tmp_path / "model")
    assert result.exit_code == 130
    assert ganaug.load(tmp_path / "model").stop_reason_ == "interrupted"


def test_an_interrupt_elsewhere_exits_130(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.datasets.load_table", interrupt)
    assert run("info", data).exit_code == 130


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_every_sampled_row_meets_the_conditions(model: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    result = run(
        *("sample", model, "-n", 40, "-o", output, "--random-state", 3),
        *("-c", "income=>50K", "-c", "age=20..30", "-c", "city=Paris,Rome", "-c", "city=a=b"),
        *("-c", r"city=Washington\, D.C.", "-c", "member=yes", "-c", "day=2024-02-01..2024-03-01"),
        *("-c", "score=", "-c", "a=b=1,2"),
    )
    assert result.exit_code == 0, result.output
    read = pd.read_parquet if name.endswith("parquet") else pd.read_csv
    rows = read(output)
    assert len(rows) == 40
    assert rows["income"].eq(">50K").all()
    assert rows["age"].between(20, 30).all()
    assert set(rows["city"]) == {"Paris", "Rome", "a=b", "Washington, D.C."}
    assert rows["member"].all()
    assert pd.to_datetime(rows["day"]).between("2024-02-01", "2024-03-01").all()
    assert rows["score"].isna().all()
    assert set(rows["a=b"]) == {1, 2}
    assert list(tmp_path.iterdir()) == [output]  # nothing temporary is left


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_the_same_seed_gives_the_same_file(model: Path, tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{number}.{suffix}" for number in range(3)]
    for file, seed in zip(files, (7, 7, 8), strict=True):
        assert run("sample", model, "-n", 9, "-o", file, "--random-state", seed).exit_code == 0
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other


def test_sample_leaves_a_file_alone_unless_told(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "precious.csv"
    output.write_text("mine")
    check_refused(run("sample", model, "-o", output), "--overwrite")
    assert output.read_text() == "mine"
    assert run("sample", model, "-n", 5, "-o", output, "--overwrite").exit_code == 0
    assert len(pd.read_csv(output)) == 5


def test_sample_writes_the_target_that_was_fitted_apart(table: pd.DataFrame, tmp_path: Path) -> None:
    gan = TabularGAN(max_steps=2, scrambled_weight=0, random_state=0)
    gan.fit(table[["age"]].to_numpy(), table["income"]).save(tmp_path / "model")
    output = tmp_path / "out.csv"
    assert run("sample", tmp_path / "model", "-n", 6, "-o", output).exit_code == 0
    assert list(pd.read_csv(output).columns) == ["x0", "income"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age=20", {"age": [20]}),
        ("age=20..", {"age": [(20, None)]}),
        ("age=-5.5..1e3", {"age": [(-5.5, 1000.0)]}),
        ("city=Washington, D.C.", {"city": ["Washington, D.C."]}),
        ("member=False", {"member": [False]}),
        ("member=1", {"member": [True]}),
        ("score=", {"score": [None]}),
        ("day=2024-01-05", {"day": ["2024-01-05"]}),
        ("a=b=2", {"a=b": [2]}),
    ],
)
def test_conditions_are_typed_as_the_columns_are(
    table: pd.DataFrame, text: str, expected: dict[str, list[object]]
) -> None:
    from ganaug.tabular.encoder import TableEncoder

    columns = TableEncoder().fit(table).columns_
    parsed = parse_conditions([text], columns)
    assert parsed == expected
    assert [type(value) for value in parsed[next(iter(parsed))]] == [
        type(value) for value in expected[next(iter(expected))]
    ]


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("income", "no '='"),
        ("wealth=1", "'wealth'"),
        ("income=gold", "'gold'"),
        ("age=young", "'young'"),
        ("age=..", "'age'"),
        ("age=500..600", "'age'"),
        ("age=30..20", "'age'"),
    ],
)
def test_a_bad_condition_is_one_line(model: Path, tmp_path: Path, condition: str, word: str) -> None:
    result = run("sample", model, "-o", tmp_path / "out.csv", "-c", condition)
    check_refused(result, word)
    assert not list(tmp_path.iterdir())


def test_bad_files_columns_and_options_are_one_line(data: Path, model: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "new", tmp_path / "out.csv"
    check_refused(run("fit", tmp_path / "none.csv", "-o", folder), "none.csv")
    check_refused(run("fit", data, "-o", data), "no ganaug model")
    check_refused(run("fit", data, "-o", folder, "--target", "wealth"), "--target", "'wealth'")
    check_refused(run("fit", data, "-o", folder, "--drop", "wealth"), "--drop", "'wealth'")
    check_refused(run("fit", data, "-o", folder, "--categorical", "x"), "--categorical", "'x'")
    check_refused(run("fit", data, "-o", folder, "--device", "abacus"), "abacus")
    check_refused(run("sample", tmp_path, "-o", output), "model.json")
    check_refused(run("sample", model, "-o", tmp_path / "out.xls"), ".xls")
    check_refused(run("evaluate", data, tmp_path / "none.csv"), "none.csv")
    check_refused(run("evaluate", data, data, "--target", "wealth"), "'wealth'")
    check_refused(run("evaluate", data, data, "--html", tmp_path / "out.csv"), "--html")
    check_refused(run("info", tmp_path / "none.csv"), "none.csv")
    assert not list(tmp_path.iterdir())


def test_options_out_of_range_are_usage_errors(data: Path, model: Path, tmp_path: Path) -> None:
    for arguments in (
        ("fit", data, "-o", tmp_path / "new", "--epochs", 0),
        ("fit", data, "-o", tmp_path / "new", "--max-steps", "many"),
        ("sample", model, "-o", tmp_path / "out.csv", "-n", 0),
        ("sample", model),
        ("train",),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output


def test_evaluate_prints_json_and_writes_a_page(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run("evaluate", data, data, "--json", "--html", page, "--target", "income")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["shape_error"], figures["trend_error"]) == (0, 0)
    assert {column["column"] for column in figures["columns"]} >= {"age", "income", "a=b"}
    assert "<html" in page.read_text(encoding="utf-8")


def test_evaluate_tells_the_verdict_and_the_worst_column(data: Path, table: pd.DataFrame, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    table.assign(age=table["age"] + 100).to_csv(other, index=False)
    shown = run("evaluate", data, other).stdout
    assert "'age'" in shown.splitlines()[0]
    assert "100.00" in next(line for line in shown.splitlines() if line.startswith("age "))


def test_evaluate_with_a_holdout_tells_about_privacy(data: Path, table: pd.DataFrame, tmp_path: Path) -> None:
    holdout = tmp_path / "holdout.csv"
    table.assign(age=table["age"] + 1, score=table["score"] * 1.5).to_csv(holdout, index=False)
    result = run("evaluate", data, data, "--holdout", holdout, "--target", "income", "--json")
    assert result.exit_code == 0, result.output  # a table that does not pass is no error
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {"auc", "auc_holdout", "floor", "ceiling", "limit"} <= set(found["detection"][0])
    assert found["usefulness"][0]["metric"] == "AUC" and found["detector_floor"] == found["detection"][0]["floor"]
    privacy = found["privacy"]
    assert not privacy["passed"] and "equal a training row" in privacy["failures"][0]
    assert privacy["figures"][0]["name"] == "exact_copies" and privacy["figures"][0]["figure"] == 100
    shown = run("evaluate", data, data, "--holdout", holdout, "--target", "income").stdout
    for words in ("give away training rows", "boosted trees", "Predicting income", "rows that equal a training row"):
        assert words in shown


def test_info_shows_a_model_and_a_table(model: Path, data: Path) -> None:
    shown = run("info", model).stdout
    assert "TabularGAN" in shown
    assert "Trained for 5 steps (stop reason: max_steps)" in shown
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert rows["day"][1] == "datetime"
    assert rows["income"][1:] == ["category", "object", "2", "0.00"]
    shown = run("info", data).stdout
    assert "300 rows x 7 columns" in shown
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert rows["member"][1:] == ["bool", "2", "0.00"]
    assert float(rows["score"][-1]) > 10
