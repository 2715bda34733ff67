"""The one-class protocol on ADBench sets: which rows train and which rows test.

A set of more than 10,000 rows is cut to 10,000, with its share of anomalies. A random half of the normal rows trains;
the other half and all anomalies are the test. Every column is standardised by the rows that train. Each seed gives
another split, which is the same for all detectors.

``ADBench sets`` are the files <number>_<name>.npz of https://github.com/Minqi824/ADBench (Han et al. 2022), looked for
in the folder adbench of the folder that the environment variable GANAUG_DATA names.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DEV = ("18_Ionosphere", "20_letter", "38_thyroid", "2_annthyroid", "6_cardio")
DEV += ("30_satellite", "28_pendigits", "23_mammography", "4_breastw", "5_campaign")
MAX_ROWS = 10_000


@dataclass(frozen=True)
class Split:
    """Rows that train, rows that test, and which of the latter are anomalies."""

    name: str
    train: np.ndarray
    test: np.ndarray
    is_anomaly: np.ndarray
    n_mixed: int = 0
    """Anomalies among the rows that train."""


def find_folder(name):
    """Return the folder ``name`` of the data folder."""
    root = os.environ.get("GANAUG_DATA")
    folder = Path(root or "").expanduser() / name
    if not root or not folder.is_dir():
        raise SystemExit(f"Set the environment variable GANAUG_DATA to a folder that holds a folder {name!r}.")
    return folder


def list_sets(words):
    """Return the sets that ``words`` stand for: "dev", "all", or names, separated by commas."""
    folder = find_folder("adbench")
    found = sorted(path.stem for path in folder.glob("*.npz"))
    names = []
    for word in words.split(","):
        groups = {"dev": DEV, "all": [name for name in found if name[0].isdigit()]}
        names.extend(groups.get(word, [word]))
    missing = [name for name in names if name not in found]
    if missing:
        raise SystemExit(f"There is no {', '.join(missing)} in {folder.name}; there are: {', '.join(found)}.")
    return list(dict.fromkeys(names))


def split(name, seed, contamination=0.0):
    """Return a set as rows that train and rows that test.

    Parameters
    ----------
    name : str
        The file's name without .npz.
    seed : int
        Of the split.
    contamination : float, default=0.0
        Share of anomalies to mix into the rows that train; they are taken out of the test. At least half of the
        anomalies stay in the test, so the share is smaller where a set has few.

    Returns
    -------
    Split
    """
    with np.load(find_folder("adbench") / f"{name}.npz") as arrays:
        X, y = np.asarray(arrays["X"], dtype=float), np.asarray(arrays["y"]).astype(int).ravel()
    rng = np.random.RandomState((zlib.crc32(name.encode()) + 7919 * seed) % 2**32)
    normals, anomalies = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    if len(y) > MAX_ROWS:
        share = MAX_ROWS / len(y)
        normals = rng.choice(normals, round(len(normals) * share), replace=False)
        anomalies = rng.choice(anomalies, max(1, round(len(anomalies) * share)), replace=False)
    normals = rng.permutation(normals)
    half = len(normals) // 2
    learned, n_mixed = normals[:half], 0
    if contamination:
        n_mixed = min(round(half * contamination / (1 - contamination)), len(anomalies) // 2)
        anomalies = rng.permutation(anomalies)
        learned = rng.permutation(np.concatenate([learned, anomalies[:n_mixed]]))
    tested = np.concatenate([normals[half:], anomalies[n_mixed:]])
    train, test = standardise(X[learned], X[tested])
    return Split(name, train, test, y[tested], n_mixed)


def standardise(train, test):
    """Return both in standard deviations of ``train``; a column that is constant there stays in its own unit."""
    center, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale < 1e-12] = 1.0
    return (train - center) / scale, (test - center) / scale
