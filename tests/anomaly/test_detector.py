"""GANDetector: what it finds, and how it is asked."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ganaug
from ganaug.anomaly import GANDetector, drift
from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.tabular import TabularGAN


def make_ring(n_records, seed=0):
    """A noisy ring: its center is as odd as what lies far outside, and no column alone says so."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n_records)
    return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(n_records, 2))


def make_people(n_records, seed=0):
    """Mixed columns; the weight follows the height, and only pilots fly."""
    rng = np.random.default_rng(seed)
    height = rng.normal(175, 8, n_records)
    job = rng.choice(["cook", "pilot", "nurse"], n_records, p=[0.5, 0.2, 0.3])
    born = pd.Timestamp("1980-01-01") + pd.to_timedelta(rng.integers(0, 7000, n_records), unit="D")
    people = pd.DataFrame(
        {
            "height": height.round(1),
            "weight": (height - 105 + 4 * rng.normal(size=n_records)).round(1),
            "job": job,
            "flies": job == "pilot",
            "born": born,
        }
    )
    people.loc[rng.random(n_records) < 0.1, "height"] = np.nan
    return people


@pytest.fixture(scope="module")
def ring():
    return GANDetector(random_state=0).fit(make_ring(600))


@pytest.fixture(scope="module")
def people():
    return GANDetector(random_state=0).fit(make_people(600))


def test_the_discriminator_finds_the_hole_and_the_outside(ring):
    normal = make_ring(300, seed=1)
    hole = 0.2 * np.random.default_rng(2).normal(size=(100, 2))
    outside = make_ring(100, seed=3) * np.linspace(1.5, 30, 100)[:, None]
    for odd in (hole, outside):
        labels = np.repeat([0, 1], [len(normal), len(odd)])
        parts = ring.score_parts(np.vstack([normal, odd]))
        assert roc_auc_score(labels, ring.anomaly_score(np.vstack([normal, odd]))) > 0.95
        for head in ("memory", "record"):  # a discriminator against its own generator alone would fail here
            assert roc_auc_score(labels, -parts[head]) > 0.95, head
    assert (ring.predict(hole) == -1).mean() > 0.9 and (ring.predict(normal) == 1).mean() > 0.95


def test_signs_are_scikit_learns(ring):
    records = np.vstack([make_ring(5, seed=1), [[0.0, 0.0]]])
    scores = ring.score_samples(records)
    assert scores.dtype == np.float64 and scores.argmin() == 5
    assert np.array_equal(ring.decision_function(records), scores - ring.offset_)
    assert np.array_equal(ring.predict(records), np.where(scores < ring.offset_, -1, 1))
    assert np.array_equal(ring.anomaly_score(records), -scores)


def test_a_score_is_the_weighted_sum_of_its_parts(ring):
    records = make_ring(20, seed=1)
    parts = ring.score_parts(records)
    assert list(parts) == list(ring.weights_) == ["memory", "record", "neighbor", "tail"]
    total = sum(weight * parts[part] for part, weight in ring.weights_.items())
    assert np.allclose(total, ring.score_samples(records))
    alone = GANDetector(neighbor_weight=0, tail_weight=0, record_weight=0, random_state=0).fit(make_ring(600))
    assert np.allclose(alone.score_samples(records), alone.score_parts(records)["memory"])
    with pytest.raises(InvalidInputError, match="No part has a weight"):
        GANDetector(memory="none", record_weight=0, neighbor_weight=0, tail_weight=0).fit(records)


def test_training_records_are_judged_as_strangers(ring):
    training, fresh = make_ring(600), make_ring(2_000, seed=5)
    shares = [
        (ring.score_samples(records) < np.quantile(ring.score_samples(fresh), 0.1)).mean() for records in (training,)
    ]
    assert shares[0] == pytest.approx(0.1, abs=0.05)  # with themselves as neighbors, none would be


@pytest.mark.parametrize("contamination", [0.01, 0.05, 0.2])
def test_contamination_is_the_share_of_training_records_found(contamination):
    training = make_ring(300)
    assert (
        GANDetector(contamination=contamination, max_steps=30, random_state=0).fit_predict(training) == -1
    ).sum() == round(300 * contamination)


def test_p_values_are_valid_and_alerts_limited(ring):
    fresh = make_ring(3_000, seed=7)
    for level in (0.1, 0.01):
        share = (ring.p_value(fresh) <= level).mean()
        # Both samples are random: 600 calibration records, 3,000 fresh ones.
        assert abs(share - level) < 3.5 * np.sqrt(level * (1 - level) * (1 / 3_000 + 1 / 600))
    day = np.vstack([fresh[:900], np.random.default_rng(0).normal(size=(100, 2)) * 0.1])
    found = ring.select_alerts(day, false_discovery_rate=0.2)
    assert found[900:].mean() > 0.8 and found[:900].sum() < 0.35 * found.sum()


def test_thresholds_are_reset_without_refitting(ring):
    fresh, day = make_ring(2_000, seed=8), np.vstack([make_ring(200, seed=9), 0.01 * make_ring(10)])
    labels = np.repeat([0, 1], [200, 10])
    before = ring.score_samples(day)
    assert (ring.set_threshold(false_alarm_rate=0.05).predict(fresh) == -1).mean() == pytest.approx(0.05, abs=0.03)
    assert np.array_equal(ring.predict(fresh) == -1, ring.p_value(fresh) <= 0.05)
    assert (ring.set_threshold(max_alerts=7, X=day).predict(day) == -1).sum() == 7
    assert (ring.set_threshold(costs=(1, 100), X=day, y=labels).predict(day)[200:] == -1).all()
    assert "7" in str(ring.set_threshold(max_alerts=7, X=day).threshold_)
    assert np.array_equal(ring.score_samples(day), before)
    with pytest.raises(InvalidInputError, match="exactly one"):
        ring.set_threshold(max_alerts=7, false_alarm_rate=0.1, X=day)
    assert ring.set_threshold(contamination="auto").threshold_.rule == "auto"


def test_probabilities_need_labels(tmp_path):
    detector = GANDetector(max_steps=50, random_state=0).fit(make_ring(300))
    assert not hasattr(detector, "predict_proba")
    with pytest.raises(AttributeError, match="call calibrate"):
        detector.predict_proba(make_ring(3))
    day = np.vstack([make_ring(200, seed=9), np.random.default_rng(0).normal(size=(40, 2)) * 0.2])
    chances = detector.calibrate(day, np.repeat([0, 1], [200, 40])).predict_proba(day)
    assert np.allclose(chances.sum(axis=1), 1) and chances[200:, 1].mean() > 0.5 > 0.2 > chances[:200, 1].mean()
    assert np.array_equal(ganaug.load(detector.save(tmp_path / "m")).predict_proba(day), chances)


def test_worth_is_known_after_fit(ring, people):
    assert ring.worth_ > 0.8 and people.worth_ > 0.8


def test_mixed_tables(people):
    fresh = make_people(300, seed=1)
    odd = fresh.copy()
    odd["flies"] = ~odd["flies"]
    heavy = fresh.assign(weight=fresh["weight"] + 45)
    labels = np.repeat([0, 1], 300)
    assert roc_auc_score(labels, people.anomaly_score(pd.concat([fresh, odd]))) > 0.95
    assert roc_auc_score(labels, people.anomaly_score(pd.concat([fresh, heavy]))) > 0.95


def test_values_never_seen_are_odd_and_say_so(people):
    fresh = make_people(20, seed=1)
    astronaut = fresh.assign(job="astronaut")
    lost = fresh.assign(weight=np.nan)
    for changed, column in ((astronaut, "job"), (lost, "weight")):
        assert (people.score_samples(changed) < people.score_samples(fresh)).all()
        assert (people.predict(changed) == -1).mean() > 0.9
        reasons = people.explain(changed, top=1)
        assert (reasons["column"] == column).mean() > 0.9


def test_reasons_name_the_column_that_was_changed(people):
    fresh = make_people(60, seed=2).assign(height=lambda table: table["height"].fillna(175.0))
    fresh.index = [f"row {place}" for place in range(60)]
    heavy = fresh.assign(weight=190.0)
    reasons = people.explain(heavy)
    assert list(reasons) == ["record", "rank", "column", "value", "typical", "contribution"]
    first = reasons[reasons["rank"] == 1]
    assert len(reasons) == 180 and first["record"].tolist() == list(fresh.index)
    assert (first["column"] == "weight").all() and (first["value"] == 190.0).all() and (first["contribution"] > 0).all()
    assert first["typical"].str.fullmatch(r"\d+\.\d to \d+\.\d").all()
    alone = people.explain(heavy.iloc[[7]])
    pd.testing.assert_frame_equal(alone, reasons[reasons["record"] == "row 7"].reset_index(drop=True))
    with pytest.raises(InvalidInputError, match="top=0"):
        people.explain(heavy, top=0)


def test_without_a_memory(tmp_path):
    detector = GANDetector(memory="none", random_state=0).fit(make_ring(600))
    assert list(detector.weights_) == ["record", "neighbor", "tail"]
    hole = 0.2 * np.random.default_rng(2).normal(size=(100, 2))
    records = np.vstack([make_ring(300, seed=1), hole])
    assert roc_auc_score(np.repeat([0, 1], [300, 100]), detector.anomaly_score(records)) > 0.9
    training = make_ring(600)
    points = detector.space_.transform(pd.DataFrame(training, columns=["x0", "x1"]))
    assert np.linalg.norm(points[:, None] - detector.view_.examples, axis=2).min() > 1e-6
    assert len(detector.explain(hole[:3])) == 6  # two columns each
    with pytest.raises(InvalidInputError, match="keeps none"):
        detector.partial_fit(training)
    loaded = ganaug.load(detector.save(tmp_path / "model"))
    assert np.array_equal(loaded.score_samples(records), detector.score_samples(records))


def test_a_generator_may_play_along():
    detector = GANDetector(generated_weight=1.0, max_steps=80, random_state=0).fit(make_ring(300))
    assert "generated" in detector.weights_ and detector.history_[-1]["generator/adversarial"] > 0
    assert np.isfinite(detector.score_samples(make_ring(10))).all()


def test_partial_fit_learns_new_normals():
    square = np.random.default_rng(0).uniform(5.0, 5.5, size=(300, 2))
    detector = GANDetector(random_state=0).fit(make_ring(300))
    assert (detector.predict(square) == -1).all()
    detector.partial_fit(square)
    fresh = np.random.default_rng(1).uniform(5.0, 5.5, size=(100, 2))
    assert (detector.predict(fresh) == 1).mean() > 0.9
    assert (detector.predict(make_ring(100, seed=1)) == 1).mean() > 0.9
    assert (detector.predict([[0.0, 0.0], [2.5, 2.5]]) == -1).all()


def test_contamination_is_kept_where_the_memory_holds_a_part():
    training = make_ring(400)
    for memory in (150, "none"):
        detector = GANDetector(contamination=0.1, memory=memory, max_steps=20, random_state=0)
        assert (detector.fit_predict(training) == -1).sum() == 40


def test_an_interrupt_at_the_end_leaves_nothing_that_looks_fitted(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    detector = GANDetector(max_steps=5, random_state=0).fit(make_ring(60))
    monkeypatch.setattr("ganaug.anomaly.detector.Judges.judge", interrupt)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(make_ring(60))
    with pytest.raises(NotFittedError):
        detector.predict(make_ring(3))


def test_the_memory_is_bounded():
    detector = GANDetector(memory=100, max_steps=20, random_state=0).fit(make_ring(400))
    assert len(detector.view_.memory.references) == 100
    assert len(detector.partial_fit(make_ring(50, seed=1)).view_.memory.references) == 100


@pytest.mark.filterwarnings("ignore:score_samples ranks")
def test_from_gan(tmp_path):
    training = make_people(500)
    gan = TabularGAN(max_steps=300, random_state=0).fit(training)
    fresh = make_people(200, seed=1)
    odd = fresh.assign(flies=~fresh["flies"])
    labels = np.repeat([0, 1], 200)
    for normals in (None, training):
        detector = GANDetector.from_gan(gan, normals, random_state=0)
        assert "gan" in detector.weights_ and detector.encoder_ is gan.encoder_
        scores = detector.anomaly_score(pd.concat([fresh, odd]))
        assert roc_auc_score(labels, scores) > 0.9
        loaded = ganaug.load(detector.save(tmp_path / "model"))
        assert np.array_equal(-loaded.score_samples(pd.concat([fresh, odd])), scores)
    assert "gan" not in detector.fit(training).weights_  # an ordinary fit makes an ordinary detector


def test_awkward_records():
    rng = np.random.default_rng(0)
    table = np.column_stack(
        [np.zeros(200), rng.normal(size=200), 1e9 * rng.standard_t(1, size=200), rng.integers(0, 2, 200)]
    )
    table = np.vstack([table, table[:50]])
    detector = GANDetector(max_steps=60, random_state=0).fit(table)
    changed = table[:5].copy()
    changed[:, 0] = 1.0  # a constant that is one no longer
    assert np.isfinite(detector.score_samples(np.vstack([table, changed, 1e300 * np.ones((1, 4))]))).all()
    assert (detector.score_samples(changed) < detector.score_samples(table[:5])).all()


@pytest.mark.parametrize("n_records", [2, 3, 5, 20])
@pytest.mark.filterwarnings("ignore:The detector ranks")
def test_few_records(n_records):
    records = make_ring(n_records)
    for memory in (5000, "none"):
        detector = GANDetector(max_steps=10, memory=memory, random_state=0).fit(records)
        assert np.isfinite(detector.score_samples(records)).all()


def test_works_behind_a_scaler_and_says_when_scores_move():
    pipeline = make_pipeline(StandardScaler(), GANDetector(max_steps=60, random_state=0)).fit(make_ring(300))
    calm, moved = (
        drift(pipeline[-1].calibration_scores_, pipeline.score_samples(make_ring(300, seed=1) * size))
        for size in (1, 1.3)
    )
    assert not calm.has_moved and moved.has_moved


def test_a_rate_that_the_records_cannot_tell_is_said_to_be_an_estimate(ring):
    with pytest.warns(DataWarning, match="false_alarm_rate of 0.001 can't be read off 600"):
        ring.set_threshold(false_alarm_rate=0.001)
    ring.set_threshold(contamination="auto")


@pytest.mark.filterwarnings("ignore:The detector ranks")
def test_a_wide_table():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(60, 1)) + 0.1 * rng.normal(size=(60, 1_500))
    detector = GANDetector(max_steps=5, random_state=0).fit(wide)
    odd = wide[:1].copy()
    odd[0, 700] += 12.0
    assert detector.score_samples(odd)[0] < detector.score_samples(wide[:1])[0]
    assert detector.explain(odd, top=1)["column"].tolist() == ["x700"]
