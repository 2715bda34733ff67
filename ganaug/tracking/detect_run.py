"""A tracked detector: learn from normal records, measure beside plain rivals, leave all of it in an MLflow run."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client
from ganaug.tracking.detect_files import write_files
from ganaug.tracking.table_run import DEMO_TARGET, run_of_ones_own

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.anomaly import GANDetector

_DEMO_FRAUD_RATE = 0.02
_LABELLED_HOLDOUT = 0.3
"""Of the normal records where there are labels: rates of a few in a hundred are to be measured on them."""
_LEAST_MEMORY = 20  # as in GANDetector


@dataclass(frozen=True)
class DetectRun:
    """What a tracked run of a detector found, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    figures : dict
        "auroc/METHOD" and "average_precision/METHOD" (where there are anomalies), and "false_alarm_rate", the share
        of held-out normal records that alarm.
    worth : float
        The detector's own check: see ``GANDetector.worth_``.
    threshold : str
        How the threshold was chosen, in a sentence.
    n_learned, n_tested, n_anomalies : int
        Records; those tested include the anomalies.
    seconds : float
        Duration of the fit, calibration included.
    model, alerts : Path
        Model folder, and the oddest test records with their reasons (CSV); drawings lie beside them.
    """

    run_id: str
    experiment_id: str
    tracking_uri: str
    figures: dict[str, float]
    worth: float
    threshold: str
    n_learned: int
    n_tested: int
    n_anomalies: int
    seconds: float
    model: Path
    alerts: Path


def track_detect_run(
    data: str | os.PathLike[str] | None = None,
    *,
    target: str | None = None,
    memory: int | str = 5_000,
    max_steps: int = 250,
    false_alarm_rate: float = 0.01,
    n_demo_rows: int = 10_000,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "detect-output",
    verbose: int = 0,
) -> DetectRun:
    """Learn normal records, measure on others beside an isolation forest and nearest neighbors, and track it all.

    Seven tenths of the normal records are learned from; the rest, and all anomalies, are what is measured on. Without
    labels all records are taken for normal, and a fifth is held out. The rivals are scikit-learn's IsolationForest and
    the distance to the fifth neighbor ("KNN"), on one-hot, standardized data. Logged are parameters, every term over
    time, the figures, worth, threshold, drawings, the oddest records with their reasons, and the model's folder.

    Parameters
    ----------
    data : path-like or None, default=None
        A .csv, .csv.gz or .parquet file. None simulates card payments.
    target : str or None, default=None
        Column that labels anomalies (1 or true) and normal records (0 or false); it is never an input. None takes
        "fraud" of the simulated table; for a file only the false-alarm rate is then measured.
    memory : int or "none", default=5_000
    max_steps : int, default=250
        As in `GANDetector`.
    false_alarm_rate : float, default=0.01
        Share of fresh normal records that may alarm; sets the threshold.
    n_demo_rows : int, default=10_000
        Size of the simulated table; 2 % of it are frauds.
    random_state : int or None, default=0
        Seed of the simulation, the hold-out, the training and the isolation forest.
    output_dir : path-like, default="detect-output"
        Where the files are left as well: model/, alerts.csv, threshold.json, scores.png, p_values.png, parts.png.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    DetectRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the table can't be read; named in the message.
    """
    _check(memory, max_steps, false_alarm_rate, n_demo_rows, random_state)
    table = inputs.read_or_simulate(data, n_demo_rows, random_state, fraud_rate=_DEMO_FRAUD_RATE)
    target = DEMO_TARGET if data is None and target is None else target
    records, labels = inputs.part_target(table, target)
    learned, tested = _split(len(records), labels, random_state)
    folder = inputs.make_folder(output_dir)
    normal, test = records.iloc[learned], records.iloc[tested]
    odd = None if labels is None else labels[tested]
    job = {
        "data": "" if data is None else os.fspath(data),
        "target": target or "",
        "random_state": random_state,
        "false_alarm_rate": false_alarm_rate,
        "n_rows": len(records),
        "n_columns": records.shape[1],
        "n_learned": len(normal),
        "n_anomalies": 0 if odd is None else int(odd.sum()),
    }
    with run_of_ones_own() as active:
        client, run_id = make_client(), active.info.run_id
        log_new_params(client, run_id, flatten(job))
        began = time.monotonic()
        detector = _fit(normal, memory, max_steps, random_state, verbose, run_id)
        seconds = time.monotonic() - began
        detector.set_threshold(false_alarm_rate=false_alarm_rate)
        found = _ask(detector, test)
        figures = _measure(found["score"], normal, test, odd, detector.offset_, random_state)
        files = write_files(folder, detector, test, found, odd)
        # The callback's fit_seconds is the training's; what makes the detector takes longer: it judges all records.
        _log(client, run_id, figures | {"worth": detector.worth_, "detector_seconds": seconds}, files, folder / "model")
        counts = (len(normal), len(test), job["n_anomalies"])
        return _summarize(active, detector, figures, seconds, counts, folder)


def _check(memory: Any, max_steps: Any, false_alarm_rate: Any, n_demo_rows: Any, random_state: Any) -> None:
    """Refuse wrong parameters before anything is learned."""
    if memory != "none":
        inputs.check_count("memory", memory, _LEAST_MEMORY, may_be_none=False)
    inputs.check_count("max_steps", max_steps, 1, may_be_none=False)
    inputs.check_share("false_alarm_rate", false_alarm_rate)
    inputs.check_count("n_demo_rows", n_demo_rows, inputs.MIN_ROWS, may_be_none=False)
    inputs.check_count("random_state", random_state, 0)


def _split(n_rows: int, labels: np.ndarray | None, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to learn from, all normal, and those to measure on."""
    normal = np.arange(n_rows) if labels is None else np.flatnonzero(~labels)
    if len(normal) < inputs.MIN_ROWS:
        raise InvalidInputError(f"There are {len(normal)} normal records; a run needs at least {inputs.MIN_ROWS}.")
    share = inputs.HOLDOUT_SHARE if labels is None else _LABELLED_HOLDOUT
    n_learned = len(normal) - round(share * len(normal))
    learned = np.sort(np.random.default_rng(random_state).permutation(normal)[:n_learned])
    return learned, np.setdiff1d(np.arange(n_rows), learned)


def _fit(
    normal: "pd.DataFrame",
    memory: int | str,
    max_steps: int,
    random_state: int | None,
    verbose: int,
    run_id: str,
) -> "GANDetector":
    from ganaug.anomaly import GANDetector

    callbacks = [MLflowCallback(run_id=run_id)]
    detector = GANDetector(
        memory=memory, max_steps=max_steps, callbacks=callbacks, random_state=random_state, verbose=verbose
    )
    return detector.fit(normal)


def _ask(detector: "GANDetector", records: "pd.DataFrame") -> dict[str, np.ndarray]:
    """Return what each part says of the records, their ``score`` and their ``p_value``."""
    from ganaug.anomaly.conformal import p_values

    parts = {name: part.to_numpy() for name, part in detector.score_parts(records).items()}
    scores = detector.score_samples(records)
    # detector.p_value would judge all records once more.
    return parts | {"score": scores, "p_value": p_values(detector.calibration_scores_, scores)}


def _measure(
    scores: np.ndarray,
    normal: "pd.DataFrame",
    test: "pd.DataFrame",
    is_odd: np.ndarray | None,
    offset: float,
    random_state: int | None,
) -> dict[str, float]:
    """Return the rate of false alarms; and where there are labels, how detector and rivals rank the records."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    from ganaug.tracking.rivals import rival_scores

    figures = {}
    if is_odd is not None and is_odd.any():
        for method, normality in {"GANDetector": scores, **rival_scores(normal, test, random_state)}.items():
            figures[f"auroc/{method}"] = float(roc_auc_score(is_odd, -normality))
            figures[f"average_precision/{method}"] = float(average_precision_score(is_odd, -normality))
    held_out = scores if is_odd is None else scores[~is_odd]
    return figures | {"false_alarm_rate": float((held_out < offset).mean())}


def _log(client: Any, run_id: str, metrics: dict[str, float], files: list[Path], model: Path) -> None:
    for name, value in metrics.items():
        client.log_metric(run_id, name, value)
    for file in files:
        client.log_artifact(run_id, str(file))
    client.log_artifacts(run_id, str(model), "model")


def _summarize(
    active: Any,
    detector: "GANDetector",
    figures: dict[str, float],
    seconds: float,
    counts: tuple[int, int, int],
    folder: Path,
) -> DetectRun:
    import mlflow

    return DetectRun(
        active.info.run_id,
        active.info.experiment_id,
        mlflow.get_tracking_uri(),
        figures,
        detector.worth_,
        str(detector.threshold_),
        *counts,
        seconds,
        folder / "model",
        folder / "alerts.csv",
    )
