"""``ganaug simulate``: files to try the detector on, whose genuine payments are of one kind in both."""

import shlex
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import ks_2samp
from typer.testing import CliRunner, Result

from ganaug.cli import app
from ganaug.datasets import load_table, make_transactions

FILES = ("normal.csv", "day.csv", "day_labels.csv")


def simulate(folder: Path, *options: object) -> Result:
    arguments = ["simulate", "-o", folder, "--rows", 600, "--day-rows", 400, "--fraud-rate", 0.05, *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(folder: Path) -> tuple[pd.DataFrame, ...]:
    return tuple(load_table(folder / name) for name in FILES)


def test_the_files_are_one_simulation_parted(tmp_path: Path) -> None:
    assert simulate(tmp_path).exit_code == 0
    normal, day, labels = read(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(FILES)  # nothing temporary is left
    whole = make_transactions(1_000, 0.02, 0, return_pattern=True)
    frauds = whole[whole["fraud"] == 1]
    again = pd.concat([normal, day]).sort_values("time", kind="stable")["amount"]
    assert sorted(again) == sorted(whole["amount"])
    assert day.loc[labels["fraud"] == 1, "amount"].tolist() == frauds["amount"].tolist()
    assert labels.loc[labels["fraud"] == 1, "fraud_pattern"].tolist() == frauds["fraud_pattern"].tolist()
    assert labels.loc[labels["fraud"] == 0, "fraud_pattern"].eq("genuine").all()
    for table in (normal, day):
        assert table["time"].is_monotonic_increasing


def test_genuine_payments_are_as_normal_in_both_files(tmp_path: Path) -> None:
    assert simulate(tmp_path, "--rows", 3_000, "--day-rows", 2_000).exit_code == 0
    normal, day, labels = read(tmp_path)
    genuine = day[labels["fraud"] == 0]
    assert len(genuine) == 1_900
    for column in ("time", "amount", "distance_km", "payments_last_hour"):
        learned, fresh = (table[column].dropna().to_numpy().astype("float64") for table in (normal, genuine))
        assert ks_2samp(learned, fresh).pvalue > 0.01, column


def test_a_seed_gives_its_files_again(tmp_path: Path) -> None:
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        assert simulate(tmp_path / name, "--random-state", seed).exit_code == 0
    for file in FILES:
        first, again, other = ((tmp_path / name / file).read_bytes() for name in ("first", "again", "other"))
        assert first == again != other


@pytest.mark.parametrize(("rate", "n_frauds"), [(0, 0), (0.5, 200)])
def test_the_rate_of_frauds_is_met(rate: float, n_frauds: int, tmp_path: Path) -> None:
    result = simulate(tmp_path, "--fraud-rate", rate)
    assert f"400 payments, {n_frauds} of them frauds" in result.stdout
    normal, day, labels = read(tmp_path)
    assert (len(normal), len(day), labels["fraud"].sum()) == (600, 400, n_frauds)


def test_what_it_says_to_type_next_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "my payments"
    lines = simulate(folder).stdout.splitlines()[-2:]
    first, second = (shlex.split(line.removeprefix("Next:")) for line in lines)
    assert first[:4] == ["ganaug", "detect", "fit", str(folder / "normal.csv")]
    assert second[:5] == ["ganaug", "detect", "score", "detector", str(folder / "day.csv")]


def test_files_that_are_there_stay_unless_told(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("mine")
    result = simulate(tmp_path)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "day.csv exists; add --overwrite" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["day.csv"] and (tmp_path / "day.csv").read_text() == "mine"
    assert simulate(tmp_path, "--overwrite").exit_code == 0
    assert len(load_table(tmp_path / "day.csv")) == 400
    refused = simulate(tmp_path / "day.csv")
    assert refused.exit_code == 2 and refused.stderr.count("\n") == 1
