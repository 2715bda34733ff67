"""Tables for the tests, with every kind of column, and what depends on what in them known by construction."""

import numpy as np
import pandas as pd


def make_mixed(n_rows=400, seed=0):
    """Every dtype that a table may hold; ``city`` decides ``climate``, ``amount`` follows ``level``."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Oslo", "Cairo"], n_rows, p=[0.6, 0.3, 0.1])
    level = rng.integers(0, 5, n_rows)
    start = pd.Timestamp("2024-01-01")
    table = pd.DataFrame(
        {
            "city": city,
            "climate": np.select([city == "Oslo", city == "Cairo"], ["cold", "dry"], "warm"),
            "level": level,
            "amount": np.round(10.0 * level + rng.gamma(2.0, 2.0, n_rows), 2),
            "is_new": rng.random(n_rows) < 0.3,
            "when": start + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
            "at": (start + pd.to_timedelta(rng.integers(0, 10**7, n_rows), unit="s")).tz_localize("UTC"),
            "grade": pd.Categorical(rng.choice(list("abc"), n_rows), categories=list("cabz"), ordered=True),
            "count": pd.array(rng.integers(0, 1000, n_rows), dtype="Int64"),
            "note": pd.array(rng.choice(["x", "y"], n_rows), dtype="string"),
            "small": rng.normal(size=n_rows).astype(np.float32),
            "constant": 7,
        }
    )
    gaps = rng.random((n_rows, 3))
    table.loc[gaps[:, 0] < 0.2, "count"] = pd.NA
    table.loc[gaps[:, 1] < 0.1, "note"] = pd.NA
    table.loc[gaps[:, 2] < 0.15, "when"] = pd.NaT
    return table
