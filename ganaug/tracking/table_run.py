"""The main job: learn a table, sample, measure, and leave all of it in an MLflow run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.tracking import inputs
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.evaluation import PrivacyReport, QualityReport
    from ganaug.tabular import TabularGAN

DEMO_TARGET = "fraud"


@dataclass(frozen=True)
class TableRun:
    """What a tracked run found, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    figures : dict
        What the quality report's `summary` says: errors and AUCs beside floors and ceilings.
    verdict, privacy, diagnosis : str
        The quality, what the rows give away and the course of the training in words.
    n_rows, n_columns : int
        Size of the table that was learned, hold-out not counted.
    n_iter : int
        Generator updates made.
    stop_reason : str
    seconds : float
        Duration of the training.
    model, synthetic, report : Path
        Model folder, synthetic table (CSV) and page (HTML).
    """

    run_id: str
    experiment_id: str
    tracking_uri: str
    figures: dict[str, float]
    verdict: str
    privacy: str
    diagnosis: str
    n_rows: int
    n_columns: int
    n_iter: int
    stop_reason: str
    seconds: float
    model: Path
    synthetic: Path
    report: Path


def track_table_run(
    data: str | os.PathLike[str] | None = None,
    *,
    target: str | None = None,
    n_samples: int | None = None,
    epochs: int | None = 300,
    max_steps: int | None = 2000,
    max_seconds: float | None = None,
    n_demo_rows: int = 10_000,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "demo-output",
    verbose: int = 0,
) -> TableRun:
    """Learn a table, sample from the model, measure the samples, and track it all with MLflow.

    A fifth of the rows is held out of the training; it sets the floor of the quality figures (real
    rows against real rows), and shows what the synthetic rows give away. Logged are parameters,
    every term over time, quality and privacy, the synthetic table, a page with drawings, and the
    model's folder. Under ``mlflow run`` that is the project's
    run; else one is started, as a child where another is active.

    Parameters
    ----------
    data : path-like or None, default=None
        A .csv, .csv.gz or .parquet file. None simulates card payments.
    target : str or None, default=None
        Column of classes: numbers in it are learned as categories, and its pairs with other
        columns are reported apart. None takes "fraud" of the simulated table.
    n_samples : int or None, default=None
        Synthetic rows; None makes as many as were learned from.
    epochs, max_steps, max_seconds : number or None
        Budget of the training, as in `TabularGAN`; the first one used up ends it.
    n_demo_rows : int, default=10_000
        Size of the simulated table.
    random_state : int or None, default=0
        Seed of the simulation, the hold-out, the training and the samples.
    output_dir : path-like, default="demo-output"
        Where the files are left as well: model/, synthetic.csv, report.html.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    TableRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the table can't be read; named in the message.
    """
    inputs.check_count("n_samples", n_samples, 1)
    inputs.check_count("epochs", epochs, 1)
    inputs.check_count("max_steps", max_steps, 1)
    inputs.check_count("n_demo_rows", n_demo_rows, inputs.MIN_ROWS, may_be_none=False)
    inputs.check_count("random_state", random_state, 0)
    inputs.check_seconds(max_seconds)
    table = inputs.read_or_simulate(data, n_demo_rows, random_state)
    target = DEMO_TARGET if data is None and target is None else target
    inputs.check_target(target, table)
    folder = inputs.make_folder(output_dir)
    budget = {"epochs": epochs, "max_steps": max_steps, "max_seconds": max_seconds}
    job = {
        "data": "" if data is None else os.fspath(data),
        "target": target or "",
        "n_samples": n_samples,
        "random_state": random_state,
        "n_rows": len(table),
        "n_columns": table.shape[1],
    }
    with run_of_ones_own() as active:
        client = make_client()
        log_new_params(client, active.info.run_id, flatten(job))
        train, holdout = inputs.split(table, random_state)
        gan = _fit(train, target, budget, random_state, verbose, active.info.run_id)
        synthetic = gan.sample(n_samples or len(train), random_state=random_state)
        report, hidden = _measure(train, synthetic, holdout, target)
        files = _write_files(folder, gan, train, synthetic, report, hidden)
        _log(client, active.info.run_id, report, hidden, files)
        return _summarize(active, gan, train, report, hidden, files)


@contextmanager
def run_of_ones_own() -> Iterator[Any]:
    """Give a new MLflow run; inside ``mlflow run``, the project's."""
    import mlflow

    with mlflow.start_run(nested=mlflow.active_run() is not None) as active:
        yield active


def _fit(
    train: "pd.DataFrame",
    target: str | None,
    budget: dict[str, Any],
    random_state: int | None,
    verbose: int,
    run_id: str,
) -> "TabularGAN":
    from ganaug.tabular import TabularGAN

    is_classes = target is not None and inputs.holds_classes(train[target])
    gan = TabularGAN(
        **budget,
        categorical_features=[target] if is_classes else "from_dtype",
        callbacks=[MLflowCallback(run_id=run_id)],
        random_state=random_state,
        verbose=verbose,
    )
    gan.fit(train)
    return gan


def _measure(
    train: "pd.DataFrame", synthetic: "pd.DataFrame", holdout: "pd.DataFrame", target: str | None
) -> "tuple[QualityReport, PrivacyReport]":
    from ganaug.evaluation import privacy, quality

    return quality(train, synthetic, holdout=holdout, target=target), privacy(train, synthetic, holdout)


def _write_files(
    folder: Path,
    gan: "TabularGAN",
    train: "pd.DataFrame",
    synthetic: "pd.DataFrame",
    report: "QualityReport",
    hidden: "PrivacyReport",
) -> dict[str, Path]:
    from ganaug.evaluation import write_report

    files = {
        "model": folder / "model",
        "synthetic": folder / "synthetic.csv",
        "report": folder / "report.html",
    }
    gan.save(files["model"])
    temporary = folder / f".synthetic.csv.{os.getpid()}.tmp"
    synthetic.to_csv(temporary, index=False)
    os.replace(temporary, files["synthetic"])
    course = {"history": gan.history_, "diagnosis": str(gan.diagnose())}
    write_report(files["report"], train, synthetic, report, privacy=hidden, **course)
    return files


def _log(client: Any, run_id: str, report: "QualityReport", hidden: "PrivacyReport", files: dict[str, Path]) -> None:
    for kind, figures in {"quality": report.summary(), "privacy": hidden.summary()}.items():
        for name, value in figures.items():
            client.log_metric(run_id, f"{kind}/{name}", value)
    client.set_tag(run_id, "ganaug.verdict", report.verdict())
    client.set_tag(run_id, "ganaug.privacy", hidden.verdict())
    client.log_artifact(run_id, str(files["synthetic"]))
    client.log_artifact(run_id, str(files["report"]))
    client.log_artifacts(run_id, str(files["model"]), "model")


def _summarize(
    active: Any,
    gan: "TabularGAN",
    train: "pd.DataFrame",
    report: "QualityReport",
    hidden: "PrivacyReport",
    files: dict[str, Path],
) -> TableRun:
    import mlflow

    return TableRun(
        run_id=active.info.run_id,
        experiment_id=active.info.experiment_id,
        tracking_uri=mlflow.get_tracking_uri(),
        figures=report.summary(),
        verdict=report.verdict(),
        privacy=hidden.verdict(),
        diagnosis=str(gan.diagnose()),
        n_rows=len(train),
        n_columns=train.shape[1],
        n_iter=gan.n_iter_,
        stop_reason=str(gan.stop_reason_),
        seconds=gan.history_[-1]["seconds"] if gan.history_ else 0.0,
        **files,
    )
