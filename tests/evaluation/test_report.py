"""The page is complete, needs nothing beside it, and does not trust names."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas as pd
import pytest

import ganaug.evaluation
from ganaug.evaluation import quality, write_report
from ganaug.evaluation.heat_map import heat_map
from ganaug.evaluation.panels import levels, shorten, way
from ganaug.evaluation.privacy_report import PrivacyReport
from ganaug.exceptions import InvalidInputError, MissingDependencyError

VOID = {"meta", "br", "hr", "img", "link", "input"}
DETECTION = ["detector", "auc", "auc_holdout", "floor", "ceiling", "limit"]
USEFULNESS = ["metric", "synthetic", "real", "independent", "limit"]
EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Collects tags and text, and notices tags that are left open."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open, self.sources, self.ids, self.defined, self.text = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.ids += [value for name, value in attrs if name == "id" and tag == "h2"]
        self.sources += re.findall(r"url\(([^)]*)\)", " ".join(str(value) for _, value in attrs))
        self.defined += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.RandomState(0)
    real = pd.DataFrame(
        {
            f"age {EVIL}": rng.standard_normal(300),
            "price in $x_1$": rng.randint(0, 90, 300),
            "level": rng.choice([EVIL, "$5_a$", "日本", None], 300),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.randint(0, 99, 300), unit="D"),
            "member": rng.random_sample(300) < 0.5,
            "name": [f"person {n}" for n in range(300)],
        }
    )
    return real, real.sample(200, random_state=1).assign(member=True)


@pytest.fixture
def history() -> list[dict[str, float]]:
    return [
        {
            "step": 10 * row,
            "epoch": row,
            "seconds": 1.0,
            "generator/adversarial": 1 / (row + 1),
            "discriminator/adversarial": float("nan") if row == 3 else 0.5,
            **({"quality/held_out": 5.0} if row % 4 == 0 else {}),
        }
        for row in range(12)
    ]


@pytest.fixture
def hidden() -> PrivacyReport:
    names = ["name", "label", "figure", "reference", "limit", "low", "high", "safer", "passed"]
    rows = [
        ("copies", f"rows copied {EVIL}, %", 12.5, 0.25, 1.75, 11.0, 14.0, "lower", False),
        ("nearest", "nearer to training rows, %", 50.5, 50.0, 53.0, 48.0, 53.0, "50", True),
        ("rare", "rare values, %", np.nan, np.nan, np.nan, np.nan, np.nan, "lower", True),
    ]
    return PrivacyReport(pd.DataFrame(rows, columns=names), ["12.5 % are copies"], ["no value is rare"])


def test_the_page_shows_everything_and_escapes_names(tmp_path, tables, history, hidden, recwarn):
    report = quality(*tables, target="member", models=False)
    report = replace(
        report,
        detection=pd.DataFrame([("trees <3>", 0.625, 0.75, 0.5, 1.0, 0.7)], columns=DETECTION),
        usefulness=pd.DataFrame([("AUC", 0.875, 0.9375, 0.4375, 0.85)], columns=USEFULNESS),
        failures=["told apart"],
        notes=["a <note>"],
    )
    target = tmp_path / "deep" / "page.html"
    path = write_report(
        target, *tables, report, privacy=hidden, history=history, diagnosis="fine\nso <b>far</b>", title="A & B"
    )
    assert path == target
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags and "://" not in text
    anchors = {"figures", "detection", "usefulness", "privacy", "distributions", "pairs", "training", "all"}
    assert {f"#{anchor}" for anchor in anchors} <= set(page.sources)
    assert all(source[0] == "#" and source[1:] in page.defined for source in page.sources)
    assert page.tags.count("svg") == 3 + 1 + 3  # numbers and dates, pairs, terms; levels are bars
    shown = "".join(page.text)
    for words in (
        *(report.verdict(), hidden.verdict(), "Quality: failed", "Privacy: failed", "a <note>", "no value is rare"),
        *(f"age {EVIL}", EVIL, f"rows copied {EVIL}, %", "trees <3>", "fine\nso <b>far</b>", "A & B", "$5_a$", "日本"),
        *("0.625", "0.750", "0.875", "11.00 to 14.00", "50 or less", "not measured", "Pairs with member", "missing"),
    ):
        assert words in shown
    # From .5 to 1, .625 is a quarter of the way; from .9375 down to .4375, .875 is an eighth.
    assert "25 %" in shown and "width: 25.0%" in text and "width: 12.5%" in text
    assert "prefers-color-scheme: dark" in text and "currentColor" in text and "var(--synthetic)" in text
    assert "#01020" not in text  # what stood for the page's colors
    assert [str(warning.message) for warning in recwarn] == []


def test_what_was_not_measured_is_told(tmp_path, tables):
    page = Page(write_report(tmp_path / "page.html", *tables, quality(*tables, models=False)).read_text("utf-8"))
    assert "Not measured: it takes real rows" in "".join(page.text) and "--holdout" in page.text
    assert page.ids == ["figures", "privacy", "distributions", "pairs", "all"]


def test_the_same_figures_give_the_same_page_and_no_temporary_file_stays(tmp_path, tables):
    report = quality(*tables, models=False)
    first = write_report(tmp_path / "page.html", *tables, report).read_bytes()
    with matplotlib.rc_context({"axes.grid": True, "font.size": 30, "lines.linewidth": 9}):
        second = write_report(str(tmp_path / "page.html"), *tables, report).read_bytes()
    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert b"Learning curves" not in first


def test_a_failed_write_keeps_the_old_page(tmp_path, tables, monkeypatch):
    report = quality(*tables, models=False)
    path = write_report(tmp_path / "page.html", *tables, report)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(path, *tables, report, title="new")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_wide_table_draws_the_worst_columns_only(tmp_path):
    rng = np.random.RandomState(0)
    real = pd.DataFrame(rng.standard_normal((60, 60)), columns=[f"column {place}" for place in range(60)])
    # Two of the columns that come last go together only where they are synthetic.
    synthetic = real.assign(**{"column 59": real["column 58"] + 9})
    report = quality(real, synthetic, models=False)
    text = write_report(tmp_path / "page.html", real, synthetic, report).read_text(encoding="utf-8")
    assert text.count("<svg") == 24 + 1
    assert "24 of 60 columns are drawn" in text
    assert "Shown are the 40 of 60 columns" in text and text.count('class="cell"') == 40 * 39
    assert text.count("<title>column 58 and column 59:") == 2
    assert text.index(">column 59<") < text.index(">column 3<")
    assert len(text) < 800_000


def test_a_table_of_one_column(tmp_path):
    real = pd.DataFrame({0: [1, 2, 3, 4]})
    page = Page(write_report(tmp_path / "page.html", real, real, quality(real, real)).read_text(encoding="utf-8"))
    assert "pairs" not in page.ids and "svg" not in page.tags and "no difference at all" in "".join(page.text)


def test_unusual_columns_are_drawn(tmp_path):
    real = pd.DataFrame(
        {
            "all missing": [np.nan] * 40,
            "constant": 7,
            "infinite": np.append(np.arange(39.0), np.inf),
            "huge": np.linspace(-1e300, 1e300, 40),
            "wait": pd.to_timedelta(range(40), unit="h"),
            "skewed": np.arange(1, 41) ** 4,
            "seconds": pd.Timestamp("2024-01-01") + pd.to_timedelta(range(40), unit="s"),
            "years": pd.Timestamp("1900-01-01") + pd.to_timedelta(np.arange(40) * 1000, unit="D"),
            "mostly 0": np.maximum(np.arange(40) - 20.5, 0),
            0: pd.array([None, *range(39)], dtype="Int64"),
        }
    )
    synthetic = real.assign(infinite=np.nan)
    path = write_report(tmp_path / "page.html", real, synthetic, quality(real, synthetic, models=False))
    page = Page(path.read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 8 + 1
    shown = "".join(page.text)
    assert "days" not in shown and "hours" in shown
    assert "exactly 0: real 52.5 %, synthetic 52.5 %" in shown
    assert "missing: real 0.0 %, synthetic 100.0 %" in shown


def test_levels_of_a_column():
    real = pd.Series([*range(20), *[20] * 20, None], dtype="Int64")
    rows = levels(real.astype("category"), real.replace({20: 0}).astype("category"), "category")
    assert [row["label"] for row in rows[:2]] == ["20", "0"]
    assert [row["label"] for row in rows[-2:]] == ["9 rarer levels and new ones", "missing"]
    assert sum(row["real"] for row in rows) == pytest.approx(100) == sum(row["synthetic"] for row in rows)
    assert rows[0]["synthetic"] == 0 and rows[0]["wide"][0] == pytest.approx(100 * 20 / 21)
    numbers = levels(pd.Series([3.0, 1.0, 3.0, 2.5]), pd.Series([3.0, 4.0, 4.0, 1.0]), "number")
    assert [row["label"] for row in numbers] == ["1", "2.5", "3", "levels that are not in the real table"]
    assert levels(pd.Series(["", " "]), pd.Series(["", " "]), "category")[0]["label"] == "''"


def test_the_way_from_best_to_worst():
    assert way(0.6, 0.5, 0.9) == pytest.approx(25) and way(0.85, 0.9, 0.5) == pytest.approx(12.5)
    assert way(0.4, 0.5, 0.9) == 0 and way(1.1, 0.5, 1.0) == pytest.approx(120)
    assert way(0.4, 0.5, 0.51) is None and way(0.4, 0.5, np.nan) is None and way(0.0, 0.0, 0.0) is None


def test_the_heat_map_keeps_the_order_of_the_table():
    pairs = pd.DataFrame([("c", "a", 20.0), ("a", "b", 5.0)], columns=["column_a", "column_b", "error"])
    drawn = heat_map(pairs, ["a", "b", "text", "c"])
    assert [label["label"] for label in drawn["rows"]] == ["a", "b", "c"]
    assert drawn["scale"] == 20 and sorted(cell["heat"] for cell in drawn["cells"]) == [0.25, 0.25, 1, 1]
    first = drawn["cells"][0]
    assert (first["x"], first["y"]) == (drawn["columns"][0]["x"] - 17, drawn["rows"][2]["y"] - 17)
    assert heat_map(pairs.head(0), ["a"]) is None
    assert shorten("a  long name, and where it ends", 9) == "a lon…nds"


def test_a_report_of_other_tables_and_a_folder_are_refused(tmp_path, tables):
    report = quality(*tables, models=False)
    with pytest.raises(InvalidInputError, match="`synthetic` has no column 'level'"):
        write_report(tmp_path / "page.html", tables[0], tables[1].drop(columns="level"), report)
    with pytest.raises(InvalidInputError, match="is a folder"):
        write_report(tmp_path, *tables, report)


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_missing_library_is_named(tmp_path, tables, monkeypatch, library):
    monkeypatch.delitem(sys.modules, "ganaug.evaluation.drawings", raising=False)
    monkeypatch.delattr(ganaug.evaluation, "drawings", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError, match=f"(?i)needs {library}; run: pip install"):
        write_report(tmp_path / "page.html", *tables, quality(*tables, models=False))
    assert not list(tmp_path.iterdir())


def test_importing_the_room_imports_no_drawing_library():
    code = "import sys, ganaug.evaluation; print({'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
