"""The files that a tracked detector leaves: model, threshold, oddest records with their reasons, drawings."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganaug.tracking.score_plots import draw_all

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.anomaly import GANDetector

N_EXPLAINED = 20
_PNG = {"format": "png", "dpi": 110, "metadata": {"Software": None}}
"""A temporary name says nothing of the format; without "Software" the file doesn't name matplotlib's version."""


def write_files(
    folder: Path,
    detector: "GANDetector",
    test: "pd.DataFrame",
    found: dict[str, np.ndarray],
    labels: np.ndarray | None,
) -> list[Path]:
    """Write model, alerts.csv, threshold.json and drawings; return the files, the model's folder not among them.

    Parameters
    ----------
    folder : Path
    detector : GANDetector
    test : DataFrame
        Records that were not learned from; their index is the row of the table.
    found : dict of ndarray
        What each part says of them, and their ``score`` and ``p_value``.
    labels : ndarray of bool, or None
        Which of them are known to be anomalies; None where that isn't known.
    """
    detector.save(folder / "model")
    alerts = _explain_oddest(detector, test, found, labels).to_csv(index=False)
    threshold = json.dumps(asdict(detector.threshold_), indent=1)
    files = [_write(folder / "alerts.csv", lambda file: file.write_text(alerts, encoding="utf-8"))]
    files.append(_write(folder / "threshold.json", lambda file: file.write_text(threshold, encoding="utf-8")))
    is_odd = np.zeros(len(test), dtype=bool) if labels is None else labels
    for name, figure in draw_all(detector, found, is_odd).items():
        files.append(_write(folder / name, lambda file, figure=figure: figure.savefig(file, **_PNG)))
    return files


def _write(file: Path, write: Callable[[Path], object]) -> Path:
    """Write under another name, then rename: a file is old or new, never half of one."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def _explain_oddest(
    detector: "GANDetector", test: "pd.DataFrame", found: dict[str, np.ndarray], labels: np.ndarray | None
) -> "pd.DataFrame":
    """Return a line per reason of the oddest records, oddest first; columns are named as in ``ganaug detect score``."""
    oddest = np.argsort(found["score"], kind="stable")[:N_EXPLAINED]
    reasons = detector.explain(test.iloc[oddest].reset_index(drop=True))
    places = oddest[reasons.pop("record")]
    scores = found["score"][places]
    front = {
        "row": test.index.to_numpy()[places],
        "anomaly_score": -scores,
        "p_value": found["p_value"][places],
        "is_anomaly": scores < detector.offset_,
    }
    if labels is not None:
        front["label"] = labels[places].astype(int)
    for place, (name, values) in enumerate(front.items()):
        reasons.insert(place, name, values)
    return reasons
