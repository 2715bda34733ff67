"""A tracked detector: learn from normal records, measure beside plain rivals, leave all of it in an MLflow run."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client
from ganaug.tracking.rivals import rival_scores
from ganaug.tracking.score_plots import write_plots
from ganaug.tracking.table_run import DEMO_TARGET, run_of_ones_own

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.anomaly import GANDetector

_DEMO_FRAUD_RATE = 0.02
_TRAINING_SHARE = 0.7
_N_EXPLAINED = 20


@dataclass(frozen=True)
class DetectRun:
    """What a tracked run of a detector found, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    figures : dict
        "auroc/METHOD" and "average_precision/METHOD" (where there are labels), and "false_alarm_rate".
    worth : float
        The detector's own check: see ``GANDetector.worth_``.
    threshold : str
        How the threshold was chosen, in a sentence.
    n_learned, n_tested, n_anomalies : int
        Records.
    seconds : float
        Duration of the fit.
    model, alerts : Path
        Model folder, and the oddest test records with their reasons (CSV).
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
    max_steps: int | None = 250,
    false_alarm_rate: float = 0.01,
    n_demo_rows: int = 10_000,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "detect-output",
    verbose: int = 0,
) -> DetectRun:
    """Learn normal records, measure on others beside an isolation forest and nearest neighbors, and track it all.

    Seven tenths of the normal records are learned from; the rest, and all anomalies, are what is measured on.

    Parameters
    ----------
    data : path-like or None, default=None
        A .csv, .csv.gz or .parquet file. None simulates card payments.
    target : str or None, default=None
        Column that labels anomalies (1 or true) and normal records (0 or false); it is never an input. Without one,
        all records are taken for normal, and only the false-alarm rate is measured.
    memory, max_steps
        As in `GANDetector`.
    false_alarm_rate : float, default=0.01
        Sets the threshold.
    n_demo_rows : int, default=10_000
        Size of the simulated table.
    random_state : int or None, default=0
    output_dir : path-like, default="detect-output"
        Where the files are left as well: model/, alerts.csv, threshold.json and drawings.
    verbose : int, default=0

    Returns
    -------
    DetectRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the table can't be read; named in the message.
    """
    inputs.check_count("max_steps", max_steps, 1)
    inputs.check_count("n_demo_rows", n_demo_rows, inputs.MIN_ROWS, may_be_none=False)
    inputs.check_count("random_state", random_state, 0)
    table = inputs.read_or_simulate(data, n_demo_rows, random_state, fraud_rate=_DEMO_FRAUD_RATE)
    target = DEMO_TARGET if data is None and target is None else target
    inputs.check_target(target, table)
    is_odd = np.zeros(len(table), dtype=bool) if target is None else _as_labels(table[target])
    records = table if target is None else table.drop(columns=target)
    folder = inputs.make_folder(output_dir)
    job = {"data": "" if data is None else os.fspath(data), "target": target or "", "random_state": random_state}
    with run_of_ones_own() as active:
        client, run_id = make_client(), active.info.run_id
        log_new_params(client, run_id, flatten(job | {"false_alarm_rate": false_alarm_rate}))
        learned, tested = _split(is_odd, random_state)
        began = time.monotonic()
        detector = _fit(records.iloc[learned], memory, max_steps, random_state, verbose, run_id)
        seconds = time.monotonic() - began
        detector.set_threshold(false_alarm_rate=false_alarm_rate)
        test, odd = records.iloc[tested], is_odd[tested]
        found = _ask(detector, test)
        figures = _measure(found["score"], records.iloc[learned], test, odd, random_state)
        figures["false_alarm_rate"] = float((found["score"][~odd] < detector.offset_).mean())
        files = _write_files(folder, detector, test, found, odd)
        logged = figures | {"worth": detector.worth_, "fit_seconds": seconds}
        for name, value in logged.items():
            client.log_metric(run_id, name, value)
        for file in files:
            client.log_artifact(run_id, str(file))
        client.log_artifacts(run_id, str(folder / "model"), "model")
        return _summarize(active, detector, figures, seconds, (len(learned), len(tested), int(odd.sum())), folder)


def _as_labels(column: "pd.Series") -> np.ndarray:
    """Return which records are anomalies."""
    values = column.map({1: True, 0: False, "true": True, "false": False})  # 1 == True
    if values.isna().any():
        strange = column[values.isna()].iloc[0]
        raise InvalidInputError(
            f"`target`={column.name!r} holds {strange!r}; it must be 1 (or true) for anomalies and 0 (or false) for "
            "normal records."
        )
    return values.to_numpy(dtype=bool)


def _split(is_odd: np.ndarray, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to learn from, all normal, and those to measure on."""
    normal = np.random.default_rng(random_state).permutation(np.flatnonzero(~is_odd))
    n_learned = int(_TRAINING_SHARE * len(normal))
    if n_learned < 2:
        raise InvalidInputError(f"There are {len(normal)} normal records; a run needs at least 3.")
    learned = np.sort(normal[:n_learned])
    return learned, np.setdiff1d(np.arange(len(is_odd)), learned)


def _fit(
    normal: "pd.DataFrame",
    memory: int | str,
    max_steps: int | None,
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
    parts = {name: part.to_numpy() for name, part in detector.score_parts(records).items()}
    return parts | {"score": detector.score_samples(records), "p_value": detector.p_value(records)}


def _measure(
    scores: np.ndarray, normal: "pd.DataFrame", test: "pd.DataFrame", is_odd: np.ndarray, random_state: int | None
) -> dict[str, float]:
    """Return AUROC and average precision of the detector and of two plain rivals, where there are labels."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if not is_odd.any() or is_odd.all():
        return {}
    figures = {}
    for method, normality in {"GANDetector": scores, **rival_scores(normal, test, random_state)}.items():
        figures[f"auroc/{method}"] = float(roc_auc_score(is_odd, -normality))
        figures[f"average_precision/{method}"] = float(average_precision_score(is_odd, -normality))
    return figures


def _write_files(
    folder: Path, detector: "GANDetector", test: "pd.DataFrame", found: dict[str, np.ndarray], is_odd: np.ndarray
) -> list[Path]:
    detector.save(folder / "model")
    oddest = np.argsort(found["score"], kind="stable")[:_N_EXPLAINED]
    reasons = detector.explain(test.iloc[oddest].reset_index(drop=True))
    reasons["anomaly_score"] = -found["score"][oddest][reasons["record"]]
    reasons["row"] = test.index.to_numpy()[oddest][reasons["record"]]
    alerts, threshold = folder / "alerts.csv", folder / "threshold.json"
    for file, text in (
        (alerts, reasons.drop(columns="record").to_csv(index=False)),
        (threshold, json.dumps(asdict(detector.threshold_), indent=1)),
    ):
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)
    return [alerts, threshold, *write_plots(folder, detector, found, is_odd)]


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
