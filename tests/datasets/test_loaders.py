"""Files come back as they were written, and what can't be read says why."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import list_datasets, load_dataset, load_table, make_transactions
from ganaug.exceptions import DataWarning, InvalidInputError

SHAPES = {
    ("adult", "train"): (32_561, 15),
    ("adult", "test"): (16_281, 15),
    ("ai4i", "train"): (10_000, 14),
    ("insurance", "train"): (1_338, 7),
    ("magic", "train"): (19_020, 11),
    ("nslkdd", "train"): (25_192, 43),
    ("nslkdd", "test"): (22_544, 43),
    ("shoppers", "train"): (12_330, 18),
    ("telco", "train"): (7_043, 21),
    ("titanic", "train"): (891, 11),
}


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_keeps_its_dtypes_and_levels(tmp_path):
    table = load_table(
        write(
            tmp_path,
            "whole,gap,real,flag,level,day,moment,mixed\n"
            "1,1,0.5,True,NA,2024-01-31,2024-01-31 12:30:00,2024-01-31\n"
            "2,,1.5,False,None,,2024-02-01T00:00:01.5,soon\n"
            "3,3,2.5,True,,2024-02-29,2024-02-29,2024-02-29\n",
        )
    )
    assert [dtype.kind for dtype in table.dtypes[:4]] == ["i", "f", "f", "b"]
    assert table["gap"].isna().tolist() == [False, True, False]
    assert table["level"].tolist()[:2] == ["NA", "None"]
    assert table["level"].isna().tolist() == [False, False, True]
    assert table["day"].dtype.kind == "M"
    assert table["day"].isna().tolist() == [False, True, False]
    assert table["moment"].iloc[1] == pd.Timestamp("2024-02-01 00:00:01.5")
    assert table["mixed"].tolist() == ["2024-01-31", "soon", "2024-02-29"]


@pytest.mark.parametrize(
    "values",
    [
        ["2024-02-30", "2024-02-01"],
        ["9999-12-31", "2024-02-01"],
        ["31.01.2024", "01.02.2024"],
        ["20240131", "x"],
        ["2024-01-01 00:00+01:00", "2024-07-01 00:00+02:00"],
    ],
)
def test_what_is_no_date_stays_text(tmp_path, values):
    table = load_table(write(tmp_path, "day\n" + "\n".join(values) + "\n"))
    assert table["day"].tolist() == values


def test_a_date_with_an_offset_keeps_it(tmp_path):
    table = load_table(write(tmp_path, "day\n2024-01-31 12:00:00+02:00\n2024-02-01 00:00:00+02:00\n"))
    assert table["day"].iloc[0] == pd.Timestamp("2024-01-31 10:00", tz="UTC")


def test_names_quotes_and_a_byte_order_mark(tmp_path):
    table = load_table(write(tmp_path, '\ufeff"last, first",prix €\n"Doe, J",1\n', "Table.CSV"))
    assert list(table) == ["last, first", "prix €"]
    assert table.iloc[0].tolist() == ["Doe, J", 1]


def test_compressed_csv_and_parquet_agree_with_what_was_written(tmp_path):
    payments = make_transactions(200, random_state=0)
    payments.to_parquet(tmp_path / "payments.parquet")
    back = load_table(tmp_path / "payments.parquet")
    pd.testing.assert_frame_equal(back, payments)
    payments.to_csv(tmp_path / "payments.csv.gz", index=False)
    text = load_table(str(tmp_path / "payments.csv.gz"))
    assert text["time"].equals(payments["time"])
    assert text["amount"].equals(payments["amount"])
    assert text["os"].isna().equals(payments["os"].isna())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("table.xlsx", b"x", "ends in none of"),
        ("empty.csv", b"", "is an empty file"),
        ("blank.csv", b"\n\n", "can't be read"),
        ("header.csv", b"a,b\n", "holds 0 rows"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "two columns named 'a'"),
        ("latin.csv", "név\nÁrvíztűrő".encode("iso8859-2"), "UnicodeDecodeError"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "can't be read"),
        ("long.csv", b"a,b\n1,2,3\n1,2,3\n", "can't be read"),
        ("plain.csv.gz", b"a,b\n1,2\n", "BadGzipFile"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" + os.urandom(99).hex().encode())[:-20], "EOFError"),
        ("text.parquet", b"a,b\n1,2\n", "can't be read"),
    ],
)
def test_a_file_that_can_not_be_read_says_why(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=words) as caught:
        load_table(path)
    assert name in str(caught.value)


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(InvalidInputError, match="does not exist"):
        load_table(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInputError, match="is a folder"):
        load_table(tmp_path / "folder.csv")


def test_list_datasets_is_sorted_and_complete():
    assert list_datasets() == sorted({name for name, _ in SHAPES})


@pytest.mark.parametrize(("name", "subset"), SHAPES)
def test_public_tables_have_their_published_shapes(name, subset):
    if not os.environ.get("GANAUG_DATA"):
        pytest.skip("GANAUG_DATA is not set")
    table = load_dataset(name, subset=subset)
    assert table.shape == SHAPES[name, subset]
    if name == "adult":
        assert table["workclass"].eq("?").any()
        assert not table.isna().any(axis=None)


def test_unknown_names_and_subsets_are_refused():
    with pytest.raises(InvalidInputError, match="`name`='iris' is unknown; use one of"):
        load_dataset("iris")
    with pytest.raises(InvalidInputError, match="`subset`='test' of 'magic' does not exist"):
        load_dataset("magic", subset="test")


def test_without_data_or_network_both_ways_out_are_named(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", no_network)
    monkeypatch.setenv("GANAUG_DATA", str(tmp_path))
    with pytest.raises(InvalidInputError, match="no route to host.*GANAUG_DATA.*internet"):
        load_dataset("titanic")
    monkeypatch.delenv("GANAUG_DATA")
    with pytest.raises(InvalidInputError, match="nor on openml.org.*tabular/telco_churn.csv"):
        load_dataset("telco")


def test_openml_is_the_fallback(monkeypatch):
    class Answer:
        frame = pd.DataFrame({"age": np.arange(9), "class": list("ababababa")})

    calls = []
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *args, **kwargs: calls.append(args) or Answer)
    monkeypatch.delenv("GANAUG_DATA", raising=False)
    with pytest.warns(DataWarning, match="one piece"):
        train = load_dataset("adult")
    with pytest.warns(DataWarning, match="one piece"):
        test = load_dataset("adult", subset="test")
    assert list(train) == ["age", "income"]
    assert sorted([*train["age"], *test["age"]]) == list(range(9))
    assert len(train) == 6
    assert len(load_dataset("titanic")) == 9
    assert calls == [("adult",), ("adult",), ("titanic",)]


def test_a_stored_index_is_a_column(tmp_path):
    table = pd.DataFrame({"size": [1.5, 2.5]}, index=pd.Index([30, 40], name="age"))
    table.to_parquet(tmp_path / "t.parquet")
    assert load_table(tmp_path / "t.parquet").to_dict("list") == {"age": [30, 40], "size": [1.5, 2.5]}
