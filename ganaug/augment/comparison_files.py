"""The files of a comparison: table, scores and drawing."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.augment.comparison import Comparison

FILES = ("comparison.csv", "scores.csv", "comparison.png")


def write_files(comparison: "Comparison", folder: Path) -> list[Path]:
    """Write comparison.csv (all metrics), scores.csv and comparison.png; return them."""
    files = [folder / name for name in FILES]
    write_csv(all_metrics(comparison), files[0])
    write_csv(comparison.scores, files[1])
    comparison.plot(files[2])
    return files


def all_metrics(comparison: "Comparison") -> "pd.DataFrame":
    """Return the tables of all metrics below each other, that of the verdict first."""
    import pandas as pd

    names = dict.fromkeys([comparison.metric, *comparison.scores["metric"]])
    tables = [comparison.table(name).assign(metric=name) for name in names]
    joined = pd.concat(tables, ignore_index=True)
    return joined[["metric", *(name for name in joined if name != "metric")]]


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Write under another name, then rename: a file is old or new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        table.to_csv(temporary, index=False)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
