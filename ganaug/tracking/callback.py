"""MLflowCallback: a training's parameters and terms in an MLflow run."""

import math
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ganaug.adversarial import Callback, Run
from ganaug.exceptions import InvalidInputError, TrainingWarning

if TYPE_CHECKING:
    from mlflow.entities import Metric

MAX_METRICS, MAX_PARAMS = 1000, 100  # what MLflow takes in one call
MAX_PARAM_LENGTH, MAX_KEY_LENGTH = 6000, 250
FLUSH_ROWS, FLUSH_SECONDS = 200, 10.0
PICTURE_KEY = "samples"
PARAM_PREFIX = "gan."
"""Keeps an estimator's parameters apart from a project's, which may be written differently."""

_NOT_ALLOWED = re.compile(r"[^\w.\-/ :]")
_NOT_LOGGED = ("callbacks", "verbose")


class MLflowCallback(Callback):
    """Log the parameters and every term of a training to an MLflow run.

    Parameters are logged as ``gan.<name>``, terms under their own names (``generator/likelihood``)
    with the step, beside ``epoch`` and ``seconds``. They are sent in batches, every 200 rows of the
    history or 10 seconds. What can't be sent is kept and tried again; a training does not end
    because the tracking server is away. Values that are NaN or infinite are left out and counted in
    the tag ``ganaug.non_finite_values``.

    A GAN of images also logs what it draws of the same noise, a grid at each step on the way and one of the
    generator that is kept: MLflow's images under the key ``samples``.

    One MLflow run holds one training; one that is resumed from a checkpoint goes on in it.

    Parameters
    ----------
    client : mlflow.MlflowClient or None, default=None
        None takes one for the tracking store in use.
    run_id : str or None, default=None
        The MLflow run; None takes the one that is active when ``fit`` is called.
    n_pictures : int, default=10
        Grids over the whole budget, evenly spaced; 0 logs none.

    Examples
    --------
    >>> import mlflow
    >>> from ganaug.tabular import TabularGAN
    >>> from ganaug.tracking import MLflowCallback
    >>> with mlflow.start_run():  # doctest: +SKIP
    ...     TabularGAN(callbacks=[MLflowCallback()]).fit(table)
    """

    def __init__(self, client: Any = None, run_id: str | None = None, n_pictures: int = 10) -> None:
        self.client, self.run_id, self.n_pictures = client, run_id, n_pictures

    def on_fit_begin(self, run: Run) -> None:
        """Find the MLflow run and log the parameters."""
        self._run_id = self.run_id or find_active_run()
        self._client = make_client() if self.client is None else self.client
        self._pending: list[Metric] = []
        self._pictures: dict[int, tuple[int, Any]] = {}
        self._n_rows = self._n_not_finite = self._n_pictured = 0
        self._last_flush, self._has_warned = time.monotonic(), False
        parameters = {name: value for name, value in run.parameters.items() if name not in _NOT_LOGGED}
        log_new_params(self._client, self._run_id, flatten(parameters, PARAM_PREFIX))

    def on_train_begin(self, run: Run) -> None:
        """Find what is there already: of the training that is resumed, or of another one."""
        there = self._client.get_metric_history(self._run_id, "epoch")
        if there and not run.step:
            raise InvalidInputError(
                f"The MLflow run {self._run_id} already holds a training. Give each fit a run of "
                "its own, such as mlflow.start_run(nested=True)."
            )
        last_step = max((metric.step for metric in there), default=-1)
        self._n_rows = sum(row["step"] <= last_step for row in run.history)

    def on_roll_back(self, run: Run) -> None:
        """Forget the rows that were taken back."""
        self._n_rows = min(self._n_rows, len(run.history))

    def on_step_end(self, run: Run) -> None:
        """Send what has gathered, now and then."""
        due = int(run.progress * self.n_pictures)
        if due > self._n_pictured:
            self._n_pictured = due
            self._draw(run)
        n_new = len(run.history) - self._n_rows
        is_late = time.monotonic() - self._last_flush > FLUSH_SECONDS
        if n_new >= FLUSH_ROWS or (is_late and (n_new or self._pictures)):
            self._gather(run)
            self._send()

    def on_fit_end(self, run: Run) -> None:
        """Send the rest, and how the training ended."""
        self._gather(run)
        self._draw(run)  # of the weights that are kept
        totals = {"fit_seconds": run.seconds, "n_iter": float(run.step)}
        self._pending += self._as_metrics(totals, run.step, _now())
        self._send()
        tags = {"ganaug.stop_reason": str(run.stop_reason)}
        if self._n_not_finite:
            tags["ganaug.non_finite_values"] = str(self._n_not_finite)
        for name, value in tags.items():
            self._try(self._client.set_tag, self._run_id, name, value)

    def on_close(self, run: Run) -> None:
        """Send what a failed training has left."""
        if hasattr(self, "_pending"):
            self._gather(run)
            self._send()

    def _gather(self, run: Run) -> None:
        """Take the new rows of the history, each row once."""
        start = _now() - round(1000 * run.seconds)
        for row in run.history[self._n_rows :]:
            values = {name: value for name, value in row.items() if name != "step"}
            timestamp = start + round(1000 * row["seconds"])
            self._pending += self._as_metrics(values, int(row["step"]), timestamp)
        self._n_rows = max(self._n_rows, len(run.history))

    def _as_metrics(self, values: Mapping[str, float], step: int, timestamp: int) -> "list[Metric]":
        from mlflow.entities import Metric

        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        self._n_not_finite += len(values) - len(finite)
        return [Metric(clean_key(name), float(value), timestamp, step) for name, value in finite.items()]

    def _draw(self, run: Run) -> None:
        if run.picture is not None and self.n_pictures:
            self._pictures[run.step] = _now(), run.picture()

    def _send(self) -> None:
        """Log what is pending; what was logged is no longer pending."""
        self._last_flush = time.monotonic()
        for step, (timestamp, picture) in list(self._pictures.items()):
            place = {"key": PICTURE_KEY, "step": step, "timestamp": timestamp}
            if not self._try(self._client.log_image, self._run_id, picture, **place):
                return
            del self._pictures[step]
        while self._pending:
            batch = self._pending[:MAX_METRICS]
            if not self._try(self._client.log_batch, self._run_id, metrics=batch):
                return
            del self._pending[: len(batch)]

    def _try(self, send: Any, *args: Any, **kwargs: Any) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            send(*args, **kwargs)
        except (MlflowException, OSError) as error:  # OSError: the network
            if not self._has_warned:
                warnings.warn(
                    f"MLflow did not take what was logged ({error}); training goes on, and the "
                    "callback will try again.",
                    TrainingWarning,
                    stacklevel=4,
                )
            self._has_warned = True
            return False
        return True


def find_active_run() -> str:
    """Return the id of the MLflow run that is active in this thread."""
    import mlflow

    active = mlflow.active_run()
    if active is None:
        raise InvalidInputError(
            "MLflowCallback has no run to log to. Call fit inside `with mlflow.start_run():`, or "
            "give MLflowCallback(run_id=...)."
        )
    return str(active.info.run_id)


def make_client() -> Any:
    """Return a client of the tracking store in use."""
    from mlflow import MlflowClient

    return MlflowClient()


def flatten(parameters: Mapping[Any, Any], prefix: str = "") -> dict[str, str]:
    """Return nested parameters under dotted names, as texts of a length that MLflow takes.

    >>> flatten({"epochs": 5, "schema": {"age": "number"}}, "gan.")
    {'gan.epochs': '5', 'gan.schema.age': 'number'}
    """
    return {clean_key(name): str(value)[:MAX_PARAM_LENGTH] for name, value in _leaves(parameters, prefix)}


def _leaves(parameters: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in parameters.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def log_new_params(client: Any, run_id: str, parameters: Mapping[str, str]) -> None:
    """Log the parameters that the run doesn't have yet: MLflow lets none be changed."""
    from mlflow.entities import Param

    there = client.get_run(run_id).data.params
    new = [Param(name, value) for name, value in parameters.items() if name not in there]
    for start in range(0, len(new), MAX_PARAMS):
        client.log_batch(run_id, params=new[start : start + MAX_PARAMS])


def clean_key(name: str) -> str:
    """Replace what MLflow does not allow in a key.

    >>> clean_key("generator/loss (mean)")
    'generator/loss _mean_'
    """
    return _NOT_ALLOWED.sub("_", name)[:MAX_KEY_LENGTH]


def _now() -> int:
    """Milliseconds since 1970, which MLflow counts in."""
    return round(1000 * time.time())
