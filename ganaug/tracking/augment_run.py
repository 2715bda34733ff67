"""A tracked augmentation: compare methods, fill up the rare classes by a GAN, leave all of it in an MLflow run."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.exceptions import InvalidInputError
from ganaug.tracking import inputs
from ganaug.tracking.callback import MLflowCallback, flatten, log_new_params, make_client
from ganaug.tracking.table_run import DEMO_TARGET, run_of_ones_own

if TYPE_CHECKING:
    import pandas as pd

    from ganaug.augment import Comparison, GANOverSampler

PROVENANCE = "is_synthetic"
_DEMO_FRAUD_RATE = 0.02


@dataclass(frozen=True)
class AugmentRun:
    """What a tracked augmentation found, and where it left its files.

    Attributes
    ----------
    run_id, experiment_id, tracking_uri : str
        Where MLflow keeps it.
    verdict : str
        Which method to use, in words: see ``Comparison.verdict``.
    winners : dict
        The method to use, by classifier.
    n_rows, n_synthetic : int
        Real rows, and synthetic ones below them in the augmented table.
    seconds : float
        Duration of the final training and the drawing, without the comparison.
    model, augmented, comparison, plot : Path
        The GAN's folder, the augmented table (CSV, with the column ``is_synthetic``), the table of figures (CSV) and
        its drawing (PNG).
    """

    run_id: str
    experiment_id: str
    tracking_uri: str
    verdict: str
    winners: dict[str, str]
    n_rows: int
    n_synthetic: int
    seconds: float
    model: Path
    augmented: Path
    comparison: Path
    plot: Path


def track_augment_run(
    data: str | os.PathLike[str] | None = None,
    *,
    target: str | None = None,
    drop: str = "",
    max_steps: int = 400,
    n_splits: int = 5,
    n_repeats: int = 1,
    n_demo_rows: int = 4_000,
    random_state: int | None = 0,
    output_dir: str | os.PathLike[str] = "augment-output",
    verbose: int = 0,
) -> AugmentRun:
    """Compare oversampling by a GAN with plainer methods, fill up the rare classes, and track it all with MLflow.

    The comparison is `ganaug.augment.compare` with its three default classifiers. Then a `GANOverSampler` is trained
    on the whole table and fills up all classes to the largest, whatever the verdict: it says whether to use the file.

    Parameters
    ----------
    data : path-like or None, default=None
        A .csv, .csv.gz or .parquet file. None simulates card payments.
    target : str or None, default=None
        Column of classes, texts or numbers. None takes "fraud" of the simulated table; a file needs it.
    drop : str, default=""
        Columns to leave out, such as ids: "a,b".
    max_steps : int, default=400
        Updates of each GAN: one per fold, and the final one.
    n_splits, n_repeats : int, default=5 and 1
        Folds of the cross-validation, and how often they are drawn.
    n_demo_rows : int, default=4_000
        Size of the simulated table; 2 % of it are frauds.
    random_state : int or None, default=0
        Seed of the simulation, the folds and the trainings.
    output_dir : path-like, default="augment-output"
        Where the files are left as well: model/, augmented.csv, comparison.csv, scores.csv, comparison.png.
    verbose : int, default=0
        1 shows progress bars.

    Returns
    -------
    AugmentRun

    Raises
    ------
    InvalidInputError
        A parameter is wrong, or the table can't be read; named in the message.
    """
    _check(max_steps, n_splits, n_repeats, n_demo_rows, random_state)
    table, target = _read(data, target, drop, n_demo_rows, random_state)
    _check_labels(table[target], n_splits)
    folder = inputs.make_folder(output_dir)
    job = {
        "data": "" if data is None else os.fspath(data),
        **{"target": target, "drop": drop, "random_state": random_state},
        **{"n_rows": len(table), "n_columns": table.shape[1]},
    }
    with run_of_ones_own() as active:
        client, run_id = make_client(), active.info.run_id
        log_new_params(client, run_id, flatten(job))
        budget = {"n_splits": n_splits, "n_repeats": n_repeats, "random_state": random_state, "verbose": verbose}
        comparison = _compare(table, target, max_steps, budget)  # logs itself, since a run is active
        began = time.monotonic()
        sampler, augmented = _augment(table, target, max_steps, random_state, verbose, run_id)
        seconds = time.monotonic() - began
        files = _write_files(folder, comparison, sampler, augmented)
        client.log_artifact(run_id, str(files["augmented"]))
        client.log_artifacts(run_id, str(files["model"]), "model")
        n_synthetic = int(augmented[PROVENANCE].sum())
        client.log_metric(run_id, "n_synthetic", n_synthetic)
        return _summarize(active, comparison, len(table), n_synthetic, seconds, files)


def _check(max_steps: Any, n_splits: Any, n_repeats: Any, n_demo_rows: Any, random_state: Any) -> None:
    """Refuse wrong parameters before anything is learned."""
    for name, value, least in (("max_steps", max_steps, 1), ("n_splits", n_splits, 2), ("n_repeats", n_repeats, 1)):
        inputs.check_count(name, value, least, may_be_none=False)
    inputs.check_count("n_demo_rows", n_demo_rows, inputs.MIN_ROWS, may_be_none=False)
    inputs.check_count("random_state", random_state, 0)


def _read(
    data: str | os.PathLike[str] | None, target: str | None, drop: str, n_demo_rows: int, random_state: int | None
) -> "tuple[pd.DataFrame, str]":
    """Return the table without the columns to drop, and its target."""
    if data is not None and target is None:
        raise InvalidInputError("`target`=None: name the column of classes that `data` holds.")
    table = inputs.read_or_simulate(data, n_demo_rows, random_state, fraud_rate=_DEMO_FRAUD_RATE)
    target = DEMO_TARGET if target is None else target
    inputs.check_target(target, table)
    names = [drop] if drop in table.columns else [name.strip() for name in drop.split(",") if name.strip()]
    unknown = [name for name in names if name not in table.columns]
    if unknown or target in names:
        what = f"{unknown[0]!r} is no column of the table" if unknown else f"{target!r} is the target"
        raise InvalidInputError(f"`drop`={drop!r}: {what}; it has {list(table.columns)}.")
    table = table.drop(columns=names)
    if table.shape[1] == 1:
        raise InvalidInputError(f"`target`={target!r} is the only column left; there is nothing to learn from.")
    if PROVENANCE in table.columns:
        raise InvalidInputError(f"The table has a column {PROVENANCE!r} already; rename it, since one is added.")
    return table, target


def _check_labels(labels: "pd.Series", n_splits: int) -> None:
    """Refuse, as the comparison would, labels that can't be parted into folds."""
    from ganaug.augment.checking import check_labels

    check_labels(labels, len(labels), n_splits)


def _compare(table: "pd.DataFrame", target: str, max_steps: int, budget: dict[str, Any]) -> "Comparison":
    from ganaug.augment import compare
    from ganaug.augment.oversampler import make_gan

    return compare(table.drop(columns=target), table[target], gan=make_gan(max_steps), **budget)


def _augment(
    table: "pd.DataFrame", target: str, max_steps: int, random_state: int | None, verbose: int, run_id: str
) -> "tuple[GANOverSampler, pd.DataFrame]":
    """Return a sampler trained on the whole table, and the table with its classes filled up."""
    from ganaug.augment import GANOverSampler
    from ganaug.augment.oversampler import make_gan

    gan = make_gan(max_steps, callbacks=[MLflowCallback(run_id=run_id)], verbose=verbose)
    sampler = GANOverSampler(gan, provenance=PROVENANCE, random_state=random_state)
    augmented, labels = sampler.fit_resample(table.drop(columns=target), table[target])
    augmented.insert(table.columns.get_loc(target), target, labels)
    return sampler, augmented


def _write_files(
    folder: Path, comparison: "Comparison", sampler: "GANOverSampler", augmented: "pd.DataFrame"
) -> dict[str, Path]:
    from ganaug.augment.comparison_files import write_csv, write_files

    figures, _, plot = write_files(comparison, folder)
    files = {"model": folder / "model", "augmented": folder / "augmented.csv", "comparison": figures, "plot": plot}
    sampler.gan_.save(files["model"])
    write_csv(augmented, files["augmented"])
    return files


def _summarize(
    active: Any, comparison: "Comparison", n_rows: int, n_synthetic: int, seconds: float, files: dict[str, Path]
) -> AugmentRun:
    import mlflow

    return AugmentRun(
        run_id=active.info.run_id,
        experiment_id=active.info.experiment_id,
        tracking_uri=mlflow.get_tracking_uri(),
        verdict=comparison.verdict(),
        winners={name: comparison.winner(name) for name in comparison.estimators},
        n_rows=n_rows,
        n_synthetic=n_synthetic,
        seconds=seconds,
        **files,
    )
