"""Results as they come, in a CSV file that a later run goes on from, and tables in Markdown."""

import csv
from pathlib import Path

import pandas as pd

HIDDEN = ("out", "write", "summary", "again")
"""Options that change nothing about the figures."""


class Results:
    """Rows of results, appended to a file at once, if there is one.

    Parameters
    ----------
    path : str or None
        CSV file; rows that it holds already count as done.
    keys : sequence of str
        What tells one measurement from another; all rows of a measurement are added together.
    """

    def __init__(self, path, keys):
        self.path, self.keys = Path(path) if path else None, list(keys)
        self.table = pd.DataFrame(columns=self.keys)
        if self.path and self.path.exists():
            self.table = pd.read_csv(self.path, keep_default_na=False, na_values={"auroc": [""], "ap": [""]})

    def find(self, **key):
        """Return the rows of one measurement, or of several if ``key`` leaves something open."""
        chosen = pd.Series(True, index=self.table.index)
        for name, value in key.items():
            chosen &= self.table[name] == value
        return self.table[chosen]

    def add(self, rows):
        """Add the rows of one measurement."""
        fresh = pd.DataFrame(rows)
        self.table = pd.concat([self.table, fresh], ignore_index=True) if len(self.table) else fresh
        if self.path:
            exists = self.path.exists()
            fresh.to_csv(self.path, mode="a", header=not exists, index=False, quoting=csv.QUOTE_MINIMAL)

    def forget(self, column, values):
        """Drop all rows with these values, from the file too."""
        if len(self.table):
            self.table = self.table[~self.table[column].isin(values)].reset_index(drop=True)
            if self.path:
                self.table.to_csv(self.path, index=False)


def to_markdown(table, decimals=1, best=None):
    """Return a DataFrame as a Markdown table, its index first.

    Parameters
    ----------
    table : DataFrame
    decimals : int, default=1
        Of floats; missing ones become a dash.
    best : "row" or None, default=None
        "row" sets the largest number of each row in bold.
    """
    lines = [[str(table.index.name or ""), *map(str, table.columns)], ["---", *["---:"] * table.shape[1]]]
    for label, values in zip(table.index, table.itertuples(index=False, name=None), strict=True):
        cells = [_show(value, decimals) for value in values]
        if best == "row":
            most = max(map(float, (cell for cell in cells if cell != "–")), default=None)
            cells = [f"**{cell}**" if cell != "–" and float(cell) == most else cell for cell in cells]
        lines.append([str(label), *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _show(value, decimals):
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:,.{decimals}f}"
    return str(value)


def show_command(script, parser, arguments, data="GANAUG_DATA=... "):
    """Return the command that makes these results anywhere: without options at their defaults, or of this run alone."""
    words = [f"{data}python benchmarks/anomaly/{script}.py"]
    for name, value in vars(arguments).items():
        if name not in HIDDEN and value != parser.get_default(name):
            words.append(f"--{name.replace('_', '-')} {value}")
    return " ".join(words)


def publish(text, name, command, path=None):
    """Print a text with its command, and put both between this name's markers in a Markdown file.

    Parameters
    ----------
    text : str
    name : str
        Of the markers; a file that lacks them gets them at its end.
    command : str
    path : str or None, default=None
    """
    text = f"`{command}`\n\n{text}"
    print(f"\n{text}")
    if path is None:
        return
    file = Path(path)
    first, last = f"<!-- {name}: made by a command, do not edit -->", f"<!-- {name}: end -->"
    page = file.read_text(encoding="utf-8") if file.exists() else "# How good is the detector?\n"
    if first not in page:
        page += f"\n{first}\n{last}\n"
    before, rest = page.split(first, 1)
    after = rest.split(last, 1)[1]
    file.write_text(f"{before}{first}\n{text}\n{last}{after}", encoding="utf-8")
