"""Files, folders and streams of frames: one pass, little memory, and the same bits as the table in one piece."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from scipy.stats import chisquare
from sklearn.base import clone

from ganaug.datasets import load_table
from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.tabular import TabularGAN
from ganaug.tabular.reservoir import draw_rows
from ganaug.tabular.streams import gather, open_stream
from ganaug.tabular.table_files import open_path
from ganaug.tabular.table_stream import FrameStream

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")
N_ROWS = 500
LATE = np.arange(N_ROWS) >= 400
"""Rows that are unlike those before, and come in a later chunk."""


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "count": rng.integers(0, 9, N_ROWS),
            "size": rng.normal(size=N_ROWS),
            "late fraction": np.where(LATE, 1.5, 1.0),
            "late gap": np.where(np.arange(N_ROWS) == 450, np.nan, 3.0),
            "is_new": rng.random(N_ROWS) < 0.5,
            "city": rng.choice(["Rome", "Oslo"], N_ROWS),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, N_ROWS), "D"),
            "code": np.where(LATE, "X1", "0123"),
            "almost a day": np.where(LATE, "soon", "2024-01-01"),
            "truth and gaps": np.where(LATE, None, True),
            "empty": np.nan,
        }
    )


def as_written(table):
    """The table with whole numbers written as such where they are, as a file would have them."""
    whole = table["late gap"].astype("Int64")
    late = table["late fraction"].astype(object).where(LATE, 1)
    return table.assign(**{"late gap": whole, "late fraction": late})


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    as_written(table).to_csv(folder / "table.csv", index=False)
    as_written(table).to_csv(folder / "table.csv.gz", index=False)
    kinds = {"kind": table["city"].astype("category"), "late gap": table["late gap"].astype("Int64")}
    table.assign(**kinds).to_parquet(folder / "table.parquet", row_group_size=150)
    nulls = pyarrow.table({"whole": [1] * 499 + [None], "truth": [True] * 499 + [None], "date": [None] * N_ROWS})
    pyarrow.parquet.write_table(nulls, folder / "nulls.parquet")
    return folder


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet", "nulls.parquet"])
def test_a_file_in_chunks_is_what_it_is_in_one_piece(files, name):
    whole = load_table(files / name)
    for chunk_rows in (90, 10_000):
        table, n_rows = open_path(files / name, chunk_rows).read(None, 0)
        pd.testing.assert_frame_equal(table, whole)
        assert n_rows == N_ROWS
        for max_rows in (40, 333):
            some, n_rows = open_path(files / name, chunk_rows).read(max_rows, seed=3)
            pd.testing.assert_frame_equal(some, whole.iloc[draw_rows(N_ROWS, max_rows, 3)].reset_index(drop=True))
            assert n_rows == N_ROWS


def test_frames_may_differ_in_dtype_as_parts_of_a_table_do():
    plain = pd.DataFrame({"x": [1, 2, 3, 4], "gone": [np.nan, np.nan, "a", None], "yes": [True, False, None, True]})
    plain["kind"] = pd.Categorical(["a", "b", "c", "a"])
    first, second = plain.iloc[:2].copy(), plain.iloc[2:][plain.columns[::-1]].copy()  # columns in another order
    first["kind"] = first["kind"].cat.remove_unused_categories()
    second["x"], first["yes"] = second["x"] + 0.5, first["yes"].astype(bool)
    joined, _ = gather(iter([first, second]), None, None, 0)
    wanted = plain.assign(x=[1.0, 2.0, 3.5, 4.5])
    pd.testing.assert_frame_equal(joined, wanted)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"size": ["big"], "city": ["Rome"]}, r"Column 'size' is object in chunk 1 .* but float64 before"),
        ({"size": [1.0], "city": [3]}, r"Column 'city' is int64 in chunk 1 .* but object of strings before"),
        ({"size": [1.0], "town": ["Rome"]}, r"chunk 1 .* lacks \['city'\] and adds \['town'\]"),
    ],
)
def test_frames_that_do_not_go_together_are_refused(second, words):
    first = pd.DataFrame({"size": [1.0, 2.0], "city": ["Rome", "Oslo"]})
    with pytest.raises(InvalidInputError, match=words):
        gather([first, pd.DataFrame(second)], None, None, 0)


def test_what_is_no_stream_stays_a_table():
    for table in (np.zeros((3, 2)), [[1, 2], [3, 4]], pd.DataFrame({"a": [1]}), pd.Series([1]), {"a": [1]}, 3, None):
        assert open_stream(table) is None
    with pytest.raises(InvalidInputError, match="gives a list as chunk 0"):
        gather(iter([[1, 2]]), None, None, 0)
    with pytest.raises(InvalidInputError, match="holds no table"):
        gather(iter([]), None, None, 0)


def test_files_that_can_not_be_read_are_named(tmp_path, files):
    (tmp_path / "torn.parquet").write_bytes((files / "table.parquet").read_bytes()[:-40])
    (tmp_path / "long.csv").write_text("a,b\n1,2,3\n")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    (tmp_path / "none.csv").write_text("")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "torn.parquet": "can't be read",
        "long.csv": "can't be read",
        "twice.csv": "two columns named 'a'",
        "none.csv": "is an empty file",
        "empty": "without Parquet files",
        "gone.csv": "does not exist",
        "a.xlsx": "ends in none of",
    }.items():
        with pytest.raises(InvalidInputError, match=words) as refused:
            gather(tmp_path / name, None, None, 0)
        assert name in str(refused.value)


def test_a_folder_is_read_by_name(table, tmp_path):
    plain = table[["count", "city"]]
    for place, name in enumerate(["c", "a", "b"]):
        plain.iloc[100 * place : 100 * place + 100].to_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "_temporary").mkdir()
    plain.to_parquet(tmp_path / "_temporary" / "half.parquet")
    read, _ = gather(tmp_path, None, None, 0)
    wanted = pd.concat([plain[100:200], plain[200:300], plain[:100]], ignore_index=True)
    pd.testing.assert_frame_equal(read, wanted)
    plain.assign(count="many").to_parquet(tmp_path / "d.parquet")
    with pytest.raises(InvalidInputError, match=r"Column 'count' is object in .*d\.parquet, but int64 before"):
        gather(tmp_path, None, None, 0)
    (tmp_path / "year=2024").mkdir()
    plain.to_parquet(tmp_path / "year=2024" / "e.parquet")
    with pytest.raises(InvalidInputError, match="divided by a column"):
        gather(tmp_path, None, None, 0)


def test_the_sample_is_uniform():
    kept = np.zeros(60)
    for seed in range(100):
        frames = (pd.DataFrame({"row": np.arange(first, first + 6)}) for first in range(0, 60, 6))
        some, n_rows = FrameStream(frames).read(15, seed)
        assert (len(some), n_rows) == (15, 60) and some["row"].is_monotonic_increasing
        kept[some["row"]] += 1
    assert chisquare(kept).pvalue > 0.001 and kept.sum() == 100 * 15


def test_memory_is_that_of_the_sample_and_a_chunk():
    """A million rows pass by, and at no time is more than a tenth of their bytes held."""
    frames = (pd.DataFrame(np.random.default_rng(seed).random((5_000, 5))) for seed in range(200))
    tracemalloc.start()
    try:
        with pytest.warns(DataWarning, match="1,000,000 rows: a uniform sample of max_rows_in_memory=20,000"):
            some, _ = gather(frames, None, 20_000, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(some) == 20_000 and peak < 0.1 * 1_000_000 * 5 * 8


def make_gan(**kwargs):
    return TabularGAN(**{"max_steps": 6, "batch_size": 64, "random_state": 0, **kwargs})


def test_a_file_a_stream_and_the_table_are_learned_to_the_same_bits(table, tmp_path):
    plain = table[["count", "size", "city", "is_new"]]
    plain.to_parquet(tmp_path / "table.parquet")
    ways = {
        "table": plain,
        "path": str(tmp_path / "table.parquet"),
        "few": (plain[first : first + 70] for first in range(0, N_ROWS, 70)),
        "list": [plain[:3], plain[3:]],
    }
    for max_rows in (300, None):
        samples = []
        for X in ways.values() if max_rows else [ways["table"], ways["path"]]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DataWarning)
                gan = make_gan(max_rows_in_memory=max_rows, scrambled_weight=0).fit(X)
            told = [warning for warning in caught if "uniform sample" in str(warning.message)]
            assert len(told) == (max_rows is not None)
            samples.append(gan.sample(80))
            assert int(gan.encoder_.modeled_[0].counts.sum()) == (max_rows or N_ROWS)
        assert all(sample.equals(samples[0]) for sample in samples)
        assert samples[0].dtypes.equals(plain.dtypes)


def test_a_target_is_named_where_the_table_is_a_file(table, tmp_path):
    plain = table[["size", "city", "is_new"]]
    plain.to_parquet(tmp_path / "table.parquet")
    named = make_gan(max_rows_in_memory=None).fit(tmp_path / "table.parquet", "city").sample(50, return_y=True)
    given = make_gan(max_rows_in_memory=None).fit(plain.drop(columns="city"), plain["city"]).sample(50, return_y=True)
    assert all(one.equals(other) for one, other in zip(named, given, strict=True))
    with pytest.raises(InvalidInputError, match=r"y is 'town', but X is a file .*'city'"):
        make_gan().fit(tmp_path / "table.parquet", "town")


def test_a_target_is_sampled_with_its_rows(table):
    with pytest.warns(DataWarning, match="uniform sample"):
        X, y = gather(table[["count"]], table["count"].rename("twice") * 2, 100, 0)
    assert (y.to_numpy() == 2 * X["count"].to_numpy()).all() and len(y) == 100
    array, labels = table[["count"]].to_numpy(), list(table["count"])
    with pytest.warns(DataWarning, match="uniform sample"):
        X, y = gather(array, labels, 100, 0)
    assert (X[:, 0] == y).all()


def test_twenty_rows_are_learned_with_a_warning(table):
    with pytest.warns(DataWarning, match="The table has 20 rows, fewer than 30"):
        gan = make_gan().fit(table[["size", "city"]][:20])
    assert gan.sample(30).shape == (30, 2)


def test_clones_keep_the_limit():
    assert clone(make_gan(max_rows_in_memory=None)).max_rows_in_memory is None
