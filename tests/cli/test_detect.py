"""``ganaug simulate`` and ``ganaug detect``, as somebody types them who knows no Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import ganaug
from ganaug.cli import app
from ganaug.datasets import load_table

pytestmark = [
    pytest.mark.filterwarnings("ignore:The detector ranks"),
    pytest.mark.filterwarnings("ignore:score_samples ranks"),
]
ADDED = ["anomaly_score", "p_value", "is_anomaly"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with simulated files and a detector."""
    path = tmp_path_factory.mktemp("detect")
    result = run("simulate", "-o", path, "--rows", 1500, "--day-rows", 400, "--fraud-rate", 0.05)
    assert result.exit_code == 0, result.output
    result = run("detect", "fit", path / "normal.csv", "-o", path / "m", "--max-steps", 60, "--random-state", 0)
    assert result.exit_code == 0, result.output
    assert "Learned 1,500 normal records x 14 columns" in result.output and "as references" in result.output
    assert "50% = chance" in result.output and "ganaug detect score" in result.output
    return path


def test_simulated_files(folder: Path) -> None:
    normal, day, labels = (load_table(folder / name) for name in ("normal.csv", "day.csv", "day_labels.csv"))
    assert len(normal) == 1500 and len(day) == len(labels) == 400
    assert list(normal) == list(day) and "fraud" not in normal and list(labels) == ["fraud", "fraud_pattern"]
    assert labels["fraud"].sum() == 20
    refused = run("simulate", "-o", folder)
    assert refused.exit_code == 2 and "exists; add --overwrite" in refused.output


def test_scores_are_those_of_python_and_the_input_comes_out_as_it_went_in(folder: Path, tmp_path: Path) -> None:
    result = run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / "scored.csv")
    assert result.exit_code == 0, result.output
    assert "400 records scored" in result.output and "The oddest" in result.output
    before = (folder / "day.csv").read_text().splitlines()
    after = (tmp_path / "scored.csv").read_text().splitlines()
    assert len(after) == len(before) and all(new.startswith(old + ",") for new, old in zip(after, before, strict=True))
    scored, detector = load_table(tmp_path / "scored.csv"), ganaug.load(folder / "m")
    day = load_table(folder / "day.csv")
    assert list(scored)[-3:] == ADDED
    # pandas reads a number from text to the last bit or the one before it, as it happens.
    assert np.allclose(scored["anomaly_score"], detector.anomaly_score(day), rtol=1e-9)
    assert np.allclose(scored["p_value"], detector.p_value(day), rtol=1e-9)
    assert np.array_equal(scored["is_anomaly"], detector.predict(day) == -1)
    labels = load_table(folder / "day_labels.csv")["fraud"] == 1
    assert scored["anomaly_score"][labels].median() > scored["anomaly_score"][~labels].quantile(0.9)


@pytest.mark.parametrize("chunk_size", [7, 113])
def test_chunks_change_nothing(chunk_size: int, folder: Path, tmp_path: Path) -> None:
    for name, size in (("some.csv", chunk_size), ("whole.csv", 10_000)):
        options = ("--explain", 2, "--max-alerts", 12, "--chunk-size", size)
        result = run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / name, *options)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "some.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_alerts_are_limited_and_explained(folder: Path, tmp_path: Path) -> None:
    options = ("--max-alerts", 12, "--explain", 3)
    run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / "scored.csv.gz", *options)
    scored = pd.read_csv(tmp_path / "scored.csv.gz", keep_default_na=False)
    alerts = scored["is_anomaly"]
    assert alerts.sum() == 12 and scored["anomaly_score"][alerts].min() > scored["anomaly_score"][~alerts].max()
    assert scored["reason_1"][alerts].str.fullmatch(r".+ = .+ \(typical: .+\)").all()
    assert (scored.loc[~alerts, ["reason_1", "reason_2", "reason_3"]] == "").all(axis=None)


def test_on_a_quiet_day_the_limit_limits_nothing(folder: Path, tmp_path: Path) -> None:
    run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / "a.csv", "--max-alerts", 400)
    run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_parquet_and_a_false_alarm_rate(folder: Path, tmp_path: Path) -> None:
    load_table(folder / "day.csv").to_parquet(tmp_path / "day.parquet", index=False)
    options = ("--false-alarm-rate", 0.05, "--chunk-size", 90, "--explain", 1)
    result = run("detect", "score", folder / "m", tmp_path / "day.parquet", "-o", tmp_path / "out.parquet", *options)
    assert result.exit_code == 0, result.output
    scored, day = pd.read_parquet(tmp_path / "out.parquet"), pd.read_parquet(tmp_path / "day.parquet")
    pd.testing.assert_frame_equal(scored[list(day)], day)
    assert np.array_equal(scored["anomaly_score"], ganaug.load(folder / "m").anomaly_score(day))
    labels = load_table(folder / "day_labels.csv")["fraud"] == 1
    assert 0.01 < scored["is_anomaly"][~labels].mean() < 0.1 and "5%" in result.output


def test_extra_columns_pass_and_values_never_seen_are_reasons(folder: Path, tmp_path: Path) -> None:
    day = pd.read_csv(folder / "day.csv", dtype=str, keep_default_na=False).head(30)
    day["category"] = "spaceship"
    day.insert(0, "note", "007")
    day.to_csv(tmp_path / "day.csv", index=False)
    options = ("--max-alerts", 29, "--explain", 2)
    run("detect", "score", folder / "m", tmp_path / "day.csv", "-o", tmp_path / "scored.csv", *options)
    scored = pd.read_csv(tmp_path / "scored.csv", dtype=str, keep_default_na=False)
    assert (scored["note"] == "007").all()
    reasons = scored["reason_1"] + scored["reason_2"]
    assert (reasons.str.contains("category = spaceship")).sum() >= 27


def test_a_model_without_records(folder: Path, tmp_path: Path) -> None:
    options = ("--memory", "none", "--max-steps", 20, "--drop", "merchant_id,time", "--random-state", 0)
    result = run("detect", "fit", folder / "normal.csv", "-o", tmp_path / "m", *options)
    assert "holds no record" in result.output and "x 12 columns" in result.output
    about = run("info", tmp_path / "m").output
    assert "GANDetector" in about and "Holds no record" in about and "neighbor x 2" in about
    assert run("detect", "score", tmp_path / "m", folder / "day.csv", "-o", tmp_path / "s.csv", "-q").output == ""


def test_bad_input_is_one_line(folder: Path, tmp_path: Path) -> None:
    model, day, out = folder / "m", folder / "day.csv", tmp_path / "scored.csv"
    table = pd.read_csv(day, dtype=str, keep_default_na=False)
    table.drop(columns=["amount", "os"]).to_csv(tmp_path / "less.csv", index=False)
    table.assign(p_value="1").to_csv(tmp_path / "taken.csv", index=False)
    table.assign(amount="cheap").to_csv(tmp_path / "text.csv", index=False)
    table.head(0).to_csv(tmp_path / "empty.csv", index=False)
    for arguments, words in (
        ((model, tmp_path / "less.csv", "-o", out), "lacks amount, os"),
        ((model, tmp_path / "taken.csv", "-o", out), "has a column 'p_value' already"),
        ((model, tmp_path / "text.csv", "-o", out), "Column 'amount' holds 'cheap' in record 1;"),
        ((model, tmp_path / "empty.csv", "-o", out), "holds no record"),
        ((model, tmp_path / "none.csv", "-o", out), "does not exist"),
        ((model, day, "-o", tmp_path / "scored.txt"), "must end in"),
        ((model, day, "-o", out, "--max-alerts", 5, "--false-alarm-rate", 0.1), "give one of them"),
        ((model, day, "-o", out, "--false-alarm-rate", 2), "false_alarm_rate=2.0"),
        ((folder, day, "-o", out), "is not a ganaug model"),
    ):
        result = run("detect", "score", *arguments)
        assert result.exit_code == 2 and words in result.output, (arguments, result.output)
        assert result.output.count("Error:") == 1
    assert not out.exists() and not list(tmp_path.glob(".*.tmp"))
    assert "draws no samples" in run("sample", model, "-o", tmp_path / "s.csv").output
    assert "--memory 'some'" in run("detect", "fit", day, "-o", tmp_path / "x", "--memory", "some").output


def test_nothing_half_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganaug.anomaly import GANDetector

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(GANDetector, "explain", interrupted)
    options = ("--chunk-size", 50, "--explain", 1, "--max-alerts", 3)
    result = run("detect", "score", folder / "m", folder / "day.csv", "-o", tmp_path / "scored.csv", *options)
    assert result.exit_code == 130 and not list(tmp_path.iterdir())


def test_a_gan_is_no_detector(folder: Path, tmp_path: Path) -> None:
    run("fit", folder / "day.csv", "-o", tmp_path / "gan", "--max-steps", 2, "-q")
    result = run("detect", "score", tmp_path / "gan", folder / "day.csv", "-o", tmp_path / "scored.csv")
    assert result.exit_code == 2 and "is no detector" in result.output
