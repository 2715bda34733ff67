"""On real records, where they are at hand: the folder that GANAUG_DATA names."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from ganaug.anomaly import GANDetector

DATA = Path(os.environ.get("GANAUG_DATA", ""))
pytestmark = pytest.mark.skipif("GANAUG_DATA" not in os.environ, reason="GANAUG_DATA is not set")


@pytest.fixture(scope="module")
def cardio():
    """Half of the normal records to learn from; the others and all anomalies to judge; and a detector."""
    archive = np.load(DATA / "adbench" / "6_cardio.npz", allow_pickle=True)
    records, odd = archive["X"].astype(float), archive["y"].ravel() == 1
    normal = np.random.default_rng(0).permutation(np.flatnonzero(~odd))
    half = len(normal) // 2
    mean, deviation = records[normal[:half]].mean(axis=0), records[normal[:half]].std(axis=0)
    records = (records - mean) / np.where(deviation > 0, deviation, 1)
    train, fresh, anomalies = records[normal[:half]], records[normal[half:]], records[odd]
    return train, fresh, anomalies, GANDetector(random_state=0).fit(train)


def test_ahead_of_nearest_neighbors_as_a_whole_and_by_the_discriminator_alone(cardio):
    train, fresh, anomalies, detector = cardio
    test, labels = np.vstack([fresh, anomalies]), np.repeat([0, 1], [len(fresh), len(anomalies)])
    rival = NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]
    scores, head = detector.anomaly_score(test), -detector.score_parts(test)["memory"]
    assert roc_auc_score(labels, scores) > roc_auc_score(labels, rival) + 0.02
    assert roc_auc_score(labels, head) > roc_auc_score(labels, rival)
    assert average_precision_score(labels, scores) > average_precision_score(labels, rival) + 0.05


def test_p_values_of_fresh_normals(cardio):
    _, fresh, _, detector = cardio
    p_values = detector.p_value(fresh)
    for level in (0.1, 0.01):
        low, high = binom.interval(0.99, len(fresh), level)
        assert low <= (p_values <= level).sum() <= high


def test_the_column_that_was_spoilt_is_the_first_reason(cardio):
    train, fresh, _, detector = cardio
    rng = np.random.default_rng(0)
    spoilt = fresh[:100].copy()
    columns = rng.choice(np.flatnonzero(np.ptp(train, axis=0) > 0), 100)
    spoilt[np.arange(100), columns] = train.max(axis=0)[columns] + 3
    reasons = detector.explain(spoilt)
    named = reasons["column"].str.removeprefix("x").astype(int).to_numpy() == columns[reasons["record"]]
    assert named[reasons["rank"] == 1].mean() >= 0.85 and named.sum() >= 95


def test_machine_failures_in_a_mixed_table():
    table = pd.read_csv(DATA / "tabular" / "ai4i2020.csv", keep_default_na=False, na_values=[""])
    odd = table["Machine failure"] == 1
    inputs = table[
        [
            "Type",
            "Air temperature [K]",
            "Process temperature [K]",
            "Rotational speed [rpm]",
            "Torque [Nm]",
            "Tool wear [min]",
        ]
    ]
    normal = inputs[~odd].sample(frac=1, random_state=0)
    test = pd.concat([normal[2_000:5_000], inputs[odd]])
    labels = np.repeat([0, 1], [3_000, odd.sum()])
    for memory, least in ((5_000, 0.84), ("none", 0.80)):
        detector = GANDetector(memory=memory, random_state=0).fit(normal[:2_000])
        assert roc_auc_score(labels, detector.anomaly_score(test)) > least
