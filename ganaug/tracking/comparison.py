"""A comparison of oversampling methods in an MLflow run."""

import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.exceptions import InvalidInputError
from ganaug.tracking.callback import MAX_METRICS, clean_key, flatten, log_new_params, make_client

if TYPE_CHECKING:
    from ganaug.augment import Comparison

PREFIX = "compare."
_FINGERPRINT, _VERDICT = "ganaug.comparison", "ganaug.verdict"
_MAX_TAG_LENGTH = 5_000


def log_comparison(comparison: "Comparison", client: Any = None, run_id: str | None = None) -> None:
    """Log what `ganaug.augment.compare` found to an MLflow run; `compare` does so itself where one is active.

    Logged are parameters as ``compare.<name>``; the mean of every classifier, method and metric as
    ``<metric>/<classifier>/<method>``, and its difference to leaving the data as it is, with the interval, as
    ``<metric>_difference/...``, ``<metric>_low/...`` and ``<metric>_high/...``; comparison.csv, scores.csv and
    comparison.png; and the verdict as the tag ``ganaug.verdict``. One run holds one comparison: what is there
    already is not logged once more.

    Parameters
    ----------
    comparison : Comparison
    client : mlflow.MlflowClient or None, default=None
        None takes one for the tracking store in use.
    run_id : str or None, default=None
        None takes the run that is active.

    Raises
    ------
    InvalidInputError
        If no run is active, or it holds another comparison.
    """
    client = make_client() if client is None else client
    run_id = _find_active_run() if run_id is None else run_id
    fingerprint = hashlib.blake2b(comparison.scores.to_csv(index=False).encode(), digest_size=8).hexdigest()
    there = client.get_run(run_id).data.tags.get(_FINGERPRINT)
    if there == fingerprint:
        return
    if there is not None:
        raise InvalidInputError(
            f"The MLflow run {run_id} holds another comparison. Give each a run of its own, such as "
            "mlflow.start_run(nested=True)."
        )
    log_new_params(client, run_id, flatten(comparison.parameters, PREFIX))
    _log_metrics(comparison, client, run_id)
    _log_files(comparison, client, run_id)
    client.set_tag(run_id, _VERDICT, comparison.verdict()[:_MAX_TAG_LENGTH])
    client.set_tag(run_id, _FINGERPRINT, fingerprint)  # last: what failed halfway may be tried again


def _find_active_run() -> str:
    import mlflow

    active = mlflow.active_run()
    if active is None:
        raise InvalidInputError("No MLflow run is active. Call inside `with mlflow.start_run():`, or give run_id.")
    return str(active.info.run_id)


def _log_metrics(comparison: "Comparison", client: Any, run_id: str) -> None:
    from mlflow.entities import Metric

    now, metrics = round(1000 * time.time()), []
    for metric in dict.fromkeys(comparison.scores["metric"]):
        for row in comparison.table(metric).itertuples():
            values = {metric: row.mean}
            if row.method != "none":
                values |= {f"{metric}_{part}": getattr(row, part) for part in ("difference", "low", "high")}
            metrics += [
                Metric(clean_key(f"{name}/{row.estimator}/{row.method}"), float(value), now, 0)
                for name, value in values.items()
            ]
    for start in range(0, len(metrics), MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + MAX_METRICS])


def _log_files(comparison: "Comparison", client: Any, run_id: str) -> None:
    from ganaug.augment.comparison_files import write_files

    with tempfile.TemporaryDirectory() as folder:
        for file in write_files(comparison, Path(folder)):
            client.log_artifact(run_id, str(file))
