"""The page is complete, needs nothing beside it, and does not trust names."""

import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ganaug.evaluation import quality, write_report
from ganaug.exceptions import InvalidInputError

VOID = {"meta", "br", "hr", "img", "link", "input"}
EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Collects tags and text, and notices tags that are left open."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open, self.sources, self.text = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
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


def test_the_page_shows_everything_and_escapes_names(tmp_path, tables, recwarn):
    report = quality(*tables, target="member")
    history = [
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
    target = tmp_path / "deep" / "page.html"
    path = write_report(target, *tables, report, history=history, diagnosis="fine\nso <b>far</b>", title="A & B")
    assert path == target
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags
    assert all(source.startswith("#") for source in page.sources)
    assert page.tags.count("svg") == 5 + 3  # the name-like column is not drawn
    shown = "".join(page.text)
    for words in (report.verdict(), f"age {EVIL}", "fine\nso <b>far</b>", "A & B", "$5_a$", "日本"):
        assert words in shown
    assert "missing: real" in shown
    assert "Pairs with member" in shown
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text
    assert [str(warning.message) for warning in recwarn] == []


def test_the_same_figures_give_the_same_page_and_no_temporary_file_stays(tmp_path, tables):
    report = quality(*tables)
    first = write_report(tmp_path / "page.html", *tables, report).read_bytes()
    second = write_report(str(tmp_path / "page.html"), *tables, report).read_bytes()
    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert b"Learning curves" not in first


def test_a_failed_write_keeps_the_old_page(tmp_path, tables, monkeypatch):
    report = quality(*tables)
    path = write_report(tmp_path / "page.html", *tables, report)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(path, *tables, report, title="new")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_wide_table_draws_the_worst_columns_only(tmp_path):
    real = pd.DataFrame({f"column {place}": [0, 1] * 20 for place in range(30)})
    report = quality(real, real.assign(**{"column 29": 0}))
    text = write_report(tmp_path / "page.html", real, real, report).read_text(encoding="utf-8")
    assert text.count("<svg") == 24
    assert "24 of 30 columns are drawn" in text
    assert text.index("column 29") < text.index("column 3<")


def test_unusual_columns_are_drawn(tmp_path):
    real = pd.DataFrame(
        {
            "all missing": [np.nan] * 40,
            "constant": 7,
            "infinite": np.append(np.arange(39.0), np.inf),
            "huge": np.linspace(-1e300, 1e300, 40),
            "wait": pd.to_timedelta(range(40), unit="h"),
            0: pd.array([None, *range(39)], dtype="Int64"),
        }
    )
    synthetic = real.assign(infinite=np.nan)
    path = write_report(tmp_path / "page.html", real, synthetic, quality(real, synthetic))
    assert path.read_text(encoding="utf-8").count("<svg") == 6


def test_a_report_of_other_tables_and_a_folder_are_refused(tmp_path, tables):
    report = quality(*tables)
    with pytest.raises(InvalidInputError, match="`synthetic` has no column 'level'"):
        write_report(tmp_path / "page.html", tables[0], tables[1].drop(columns="level"), report)
    with pytest.raises(InvalidInputError, match="is a folder"):
        write_report(tmp_path, *tables, report)


def test_importing_the_room_imports_no_drawing_library():
    code = "import sys, ganaug.evaluation; print({'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
