"""``ganaug detect score`` on files as they come: every value out as it went in, none read by what its neighbors are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

import ganaug
from ganaug.anomaly import GANDetector
from ganaug.cli import app
from ganaug.datasets import load_table

N_ROWS = 300

pytestmark = pytest.mark.filterwarnings("ignore:The detector ranks")


def make_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    hours, minutes = rng.integers(8, 18, N_ROWS), rng.integers(0, 60, N_ROWS)
    return pd.DataFrame(
        {
            "": range(N_ROWS),  # as pandas writes an index
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 40 * 86_400, N_ROWS), "s"),
            "clock": [f"{hour:02d}:{minute:02d}" for hour, minute in zip(hours, minutes, strict=True)],
            "amount": rng.lognormal(3, 1, N_ROWS).round(2),
            "member": rng.random(N_ROWS) < 0.5,
            "kind": rng.choice(["a", "b", "007"], N_ROWS),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with normal.csv and the detector "model" of it."""
    path = tmp_path_factory.mktemp("files")
    make_table().to_csv(path / "normal.csv", index=False)
    GANDetector(max_steps=20, random_state=0).fit(load_table(path / "normal.csv")).save(path / "model")
    return path


def score(folder: Path, records: Path, output: Path, *options: object) -> Result:
    arguments = ["detect", "score", folder / "model", records, "-o", output, "-q", *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def check_refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1 and all(word in result.output for word in words), result.output


def test_a_column_without_a_name_comes_out_without_one(folder: Path, tmp_path: Path) -> None:
    assert score(folder, folder / "normal.csv", tmp_path / "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text().startswith(",when,clock,amount,member,kind,anomaly_score,")


def test_a_file_that_would_lose_something_is_refused(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "normal.csv").read_text().splitlines()
    (tmp_path / "long.csv").write_text("\n".join([lines[0], *(f"{line},more" for line in lines[1:])]))
    (tmp_path / "twice.csv").write_text("\n".join([f"{lines[0]},note,note", *(f"{line},x,y" for line in lines[1:])]))
    check_refused(score(folder, tmp_path / "long.csv", tmp_path / "out.csv"), "can't be read as a table")
    check_refused(score(folder, tmp_path / "twice.csv", tmp_path / "out.csv"), "two columns named 'note'")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("column", "cell"), [("amount", "abc"), ("amount", "nan"), ("clock", "99:99"), ("when", "soon")]
)
def test_a_cell_that_means_nothing_is_named(column: str, cell: str, folder: Path, tmp_path: Path) -> None:
    table = make_table().astype(object)
    table.loc[233, column] = cell
    table.to_csv(tmp_path / "bad.csv", index=False)
    result = score(folder, tmp_path / "bad.csv", tmp_path / "out.csv", "--chunk-size", 100)
    check_refused(result, f"Column {column!r} holds {cell!r} in record 234")


def test_what_a_value_becomes_does_not_depend_on_its_neighbors(folder: Path, tmp_path: Path) -> None:
    table = make_table().astype(object)
    table["member"] = [str(int(value)) if place % 2 else str(value) for place, value in enumerate(table["member"])]
    table["when"] = [f"{value}{'+00:00' if place % 3 else '+02:00'}" for place, value in enumerate(table["when"])]
    table.to_csv(tmp_path / "mixed.csv", index=False)
    texts = []
    for size in (7, 10_000):
        result = score(folder, tmp_path / "mixed.csv", tmp_path / f"{size}.csv", "--chunk-size", size, "--explain", 1)
        assert result.exit_code == 0, result.output
        texts.append((tmp_path / f"{size}.csv").read_text())
    assert texts[0] == texts[1]
    shifted = load_table(folder / "normal.csv")
    shifted["when"] -= pd.to_timedelta(np.where(np.arange(N_ROWS) % 3, 0, 2), "h")
    expected = ganaug.load(folder / "model").anomaly_score(shifted)
    assert np.allclose(load_table(tmp_path / "7.csv")["anomaly_score"], expected, rtol=1e-9)


def test_parquet_keeps_its_types_in_every_chunk(folder: Path, tmp_path: Path) -> None:
    table = load_table(folder / "normal.csv")
    table["kind"] = table["kind"].astype("category")
    table["note"] = [None] * 200 + ["late"] * 100  # the first chunks hold none
    table["number"] = pd.array([None if place > 150 else place for place in range(N_ROWS)], dtype="Int64")
    table.index = pd.Index([f"id{place}" for place in range(N_ROWS)], name="key")
    table.to_parquet(tmp_path / "in.parquet")
    for name in ("out.parquet", "out.csv"):
        result = score(folder, tmp_path / "in.parquet", tmp_path / name, "--chunk-size", 70)
        assert result.exit_code == 0, result.output
    before, after = (pyarrow.parquet.read_schema(tmp_path / f"{name}.parquet") for name in ("in", "out"))
    assert list(after)[: len(before)] == list(before)
    scored = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(scored[list(table)], table)
    plain = table.drop(columns=["note", "number"])
    assert np.array_equal(scored["anomaly_score"], ganaug.load(folder / "model").anomaly_score(plain))
    written = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert written["number"].dropna().tolist() == [str(place) for place in range(151)]
    assert written["key"].tolist() == list(table.index)


def test_packed_files_repeat_themselves(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        monkeypatch.setattr("time.time", lambda seconds=1e9 * (1 + number): seconds)
        assert score(folder, folder / "normal.csv", tmp_path / f"{number}.csv.gz").exit_code == 0
    assert (tmp_path / "0.csv.gz").read_bytes() == (tmp_path / "1.csv.gz").read_bytes()


def test_a_detector_of_an_array(folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    GANDetector(max_steps=5, random_state=0).fit(rng.normal(size=(200, 2))).save(tmp_path / "model")
    pd.DataFrame(rng.normal(size=(20, 2)), columns=["x1", "x0"]).to_csv(tmp_path / "in.csv", index=False)
    result = score(tmp_path, tmp_path / "in.csv", tmp_path / "out.csv", "--explain", 1)
    assert result.exit_code == 0, result.output
    table = load_table(tmp_path / "in.csv")[["x0", "x1"]]
    expected = ganaug.load(tmp_path / "model").anomaly_score(table.to_numpy())
    assert np.allclose(load_table(tmp_path / "out.csv")["anomaly_score"], expected, rtol=1e-9)


def test_every_record_is_explained_if_asked(folder: Path, tmp_path: Path) -> None:
    check_refused(score(folder, folder / "normal.csv", tmp_path / "out.csv", "--explain-all"), "--explain")
    score(folder, folder / "normal.csv", tmp_path / "out.csv", "--explain-all", "--explain", 1)
    assert load_table(tmp_path / "out.csv")["reason_1"].notna().mean() > 0.9
