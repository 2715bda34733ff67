"""What was measured: one line of JSON per run, written when the run has ended, that a later command goes on from."""

import json
from pathlib import Path

import pandas as pd

KEYS = ("kind", "data", "method", "seed")


class Records:
    """The file ``runs.jsonl`` of a folder.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    """

    def __init__(self, folder):
        self.path = Path(folder) / "runs.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a run that was stopped while it wrote has no line
        self.rows = [json.loads(line) for line in whole.splitlines()]
        if whole != text:
            self._rewrite()

    def has(self, **key):
        """Return whether a run with this key is there; one that failed is to be tried again."""
        return any(row["status"] != "failed" for row in self._find(key))

    def add(self, row):
        """Add a run, on disk too, in place of one that failed."""
        failed = self._find({name: row[name] for name in row.keys() & {*KEYS, "n_samples"}})
        if failed:
            self.rows = [one for one in self.rows if one not in failed]
            self._rewrite()
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def forget(self, methods):
        """Drop all runs of these methods."""
        if methods:
            self.rows = [row for row in self.rows if row["method"] not in methods]
            self._rewrite()

    def table(self, kind):
        """Return the runs of a kind that went well as a DataFrame, and the others as a list.

        Files of several folders may have been put together: of runs with the same key the last one counts.
        """
        latest = {tuple(row[name] for name in KEYS): row for row in self.rows if row["kind"] == kind}.values()
        well = [row for row in latest if row["status"] == "ok"]
        return pd.DataFrame(well, columns=None if well else list(KEYS)), [row for row in latest if row not in well]

    def _find(self, key):
        return [row for row in self.rows if all(row.get(name) == value for name, value in key.items())]

    def _rewrite(self):
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")
        unfinished.replace(self.path)
