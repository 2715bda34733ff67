"""MLflowCallback against a client that remembers, and against a real store."""

import math
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from PIL import Image
from sklearn.base import clone

from ganaug.adversarial import Run
from ganaug.adversarial.keeping import Checkpoint
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.images import DCGAN
from ganaug.tabular import TabularGAN
from ganaug.tracking import MLflowCallback


class RememberingClient:
    """What the callback uses of an `MlflowClient`, in memory."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.calls: list[int] = []
        self.pictures: list[tuple[str, int, np.ndarray]] = []
        self.is_away = False

    def log_batch(self, run_id: str, metrics: list[Metric] | None = None, params: list[Param] | None = None) -> None:
        if self.is_away:
            raise MlflowException("the server is away")
        self.calls.append(len(metrics or params or []))
        self.metrics += metrics or []
        self.params |= {param.key: param.value for param in params or []}

    def log_image(self, run_id: str, image: np.ndarray, *, key: str, step: int, timestamp: int) -> None:
        if self.is_away:
            raise MlflowException("the server is away")
        self.pictures.append((key, step, image))

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        self.tags[key] = value

    def get_run(self, run_id: str) -> Any:
        return SimpleNamespace(data=SimpleNamespace(params=dict(self.params)))

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        return [metric for metric in self.metrics if metric.key == key]

    def values(self, key: str) -> list[tuple[int, float]]:
        """Return (step, value) of what was logged under a key."""
        return [(metric.step, metric.value) for metric in self.metrics if metric.key == key]


def make_row(step: int, **terms: float) -> dict[str, float]:
    """Return a row of a history."""
    return {"epoch": 1, "step": step, "seconds": step / 10, **terms}


def begin(client: RememberingClient, run: Run) -> MLflowCallback:
    """Return a callback to which a training has begun."""
    callback = MLflowCallback(client=client, run_id="run")
    callback.on_fit_begin(run)
    callback.on_train_begin(run)
    return callback


@pytest.fixture
def table() -> pd.DataFrame:
    """Return a small table."""
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=120), "kind": rng.choice(["a", "b"], 120)})


def test_parameters_are_flat_short_and_without_callbacks() -> None:
    client = RememberingClient()
    parameters = {
        "epochs": 5,
        "schema": {"age": {"kind": "number"}},
        "long": "x" * 10_000,
        "odd (name)": None,
        "callbacks": ["a callback"],
    }
    begin(client, Run(parameters=parameters))
    assert client.params == {
        "gan.epochs": "5",
        "gan.schema.age.kind": "number",
        "gan.long": "x" * 6000,
        "gan.odd _name_": "None",
    }


def test_parameters_are_sent_a_hundred_at_a_time() -> None:
    client = RememberingClient()
    begin(client, Run(parameters={f"p{number}": number for number in range(250)}))
    assert client.calls == [100, 100, 50]
    assert client.params["gan.p249"] == "249"


def test_every_term_is_logged_once_with_its_step() -> None:
    client, run = RememberingClient(), Run(stop_reason="max_steps")
    callback = begin(client, run)
    for step in range(1, 451):
        run.step = step
        run.history.append(make_row(step, **{"generator/likelihood": step / 2}))
        callback.on_step_end(run)
    callback.on_fit_end(run)
    callback.on_close(run)
    expected = [(step, step / 2) for step in range(1, 451)]
    assert client.values("generator/likelihood") == expected
    assert client.values("seconds") == [(step, step / 10) for step in range(1, 451)]
    assert client.values("n_iter") == [(450, 450.0)]
    assert len(client.values("fit_seconds")) == 1
    assert client.tags == {"ganaug.stop_reason": "max_steps"}
    # Rows have three values each: twice 200 rows on the way, the rest at the end.
    assert client.calls == [600, 600, 152]


def test_no_call_holds_more_than_a_thousand_metrics() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    run.history += [make_row(step, **{f"t{term}": 1.0 for term in range(98)}) for step in range(25)]
    callback.on_fit_end(run)
    assert client.calls == [1000, 1000, 502]
    assert len({(metric.key, metric.step) for metric in client.metrics}) == 2502


def test_values_that_are_not_finite_are_left_out_and_counted() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    run.history += [make_row(1, term=math.nan), make_row(2, term=math.inf), make_row(3, term=1.0)]
    callback.on_fit_end(run)
    assert client.values("term") == [(3, 1.0)]
    assert client.tags["ganaug.non_finite_values"] == "2"


def test_the_timestamps_follow_the_training() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    run.history += [make_row(0, term=1.0), make_row(100, term=1.0)]
    callback.on_fit_end(run)
    first, last = (metric.timestamp for metric in client.metrics if metric.key == "term")
    assert last - first == 10_000


def play(callback: MLflowCallback, run: Run, n_steps: int) -> None:
    """Play a training whose picture shows its step."""
    run.picture = lambda: np.full((2, 2), run.step, np.uint8)
    for step in range(1, n_steps + 1):
        run.step, run.progress = step, (step - 1) / n_steps
        callback.on_step_end(run)
    callback.on_fit_end(run)


def test_pictures_are_spread_over_the_budget_and_end_with_the_kept_generator() -> None:
    client, run = RememberingClient(), Run()
    play(begin(client, run), run, 200)
    assert [step for _, step, _ in client.pictures] == [*range(21, 200, 20), 200]
    assert all(key == "samples" and (image == step).all() for key, step, image in client.pictures)


@pytest.mark.parametrize(("n_pictures", "n_steps", "steps"), [(0, 50, []), (2, 50, [26, 50]), (10, 2, [2])])
def test_there_are_as_many_pictures_as_asked_for(n_pictures: int, n_steps: int, steps: list[int]) -> None:
    client, run = RememberingClient(), Run()
    callback = MLflowCallback(client, "run", n_pictures)
    callback.on_fit_begin(run)
    callback.on_train_begin(run)
    play(callback, run, n_steps)
    assert [step for _, step, _ in client.pictures] == steps


def test_pictures_wait_for_a_server_that_is_away() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    client.is_away = True
    with pytest.warns(TrainingWarning, match="the server is away"):
        play(callback, run, 20)
    assert not client.pictures
    client.is_away = False
    callback.on_close(run)
    assert len(client.pictures) == 10


def test_the_store_holds_grids_by_step_and_watching_changes_nothing(tracking_uri: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    settings: dict[str, Any] = {"max_steps": 4, "precision": "float32", "random_state": 0}
    gan = DCGAN(callbacks=[MLflowCallback(n_pictures=2)], **settings)
    with mlflow.start_run() as active:
        gan.fit(images)
    files = [file.path for file in mlflow.MlflowClient().list_artifacts(active.info.run_id, "images")]
    pngs = sorted(name for name in files if name.endswith(".png"))
    assert [name.split("+")[:3] for name in pngs] == [["images/samples", "step", step] for step in ("3", "4")]
    with Image.open(mlflow.artifacts.download_artifacts(run_id=active.info.run_id, artifact_path=pngs[-1])) as picture:
        assert (picture.size, picture.mode) == ((82, 82), "RGB")  # 8 x 8 images of 8 x 8 pixels, with their frames
    assert np.array_equal(gan.sample(5), DCGAN(**settings).fit(images).sample(5))


def test_training_goes_on_while_the_server_is_away_and_nothing_is_lost() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    client.is_away = True
    run.history += [make_row(step, term=float(step)) for step in range(200)]
    with pytest.warns(TrainingWarning, match="the server is away"):
        callback.on_step_end(run)
    assert client.values("term") == []
    client.is_away = False
    run.history.append(make_row(200, term=200.0))
    callback.on_fit_end(run)
    assert client.values("term") == [(step, float(step)) for step in range(201)]


def test_a_failed_training_leaves_what_it_had() -> None:
    client, run = RememberingClient(), Run()
    callback = begin(client, run)
    run.history.append(make_row(1, term=1.0))
    callback.on_close(run)
    assert client.values("term") == [(1, 1.0)]
    assert client.tags == {}


def test_without_a_run_the_error_says_how_to_get_one(tracking_uri: str, table: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="mlflow.start_run"):
        TabularGAN(max_steps=1, callbacks=[MLflowCallback()]).fit(table)
    assert mlflow.search_runs().empty  # and none is started


def test_clone_keeps_the_client_and_the_run() -> None:
    client = RememberingClient()
    copied = clone(MLflowCallback(client=client, run_id="run"))
    assert copied.client is client
    assert copied.run_id == "run"


def test_a_run_holds_one_training(table: pd.DataFrame) -> None:
    client = RememberingClient()
    gan = TabularGAN(
        max_steps=2,
        scrambled_weight=0,
        random_state=0,
        callbacks=[MLflowCallback(client=client, run_id="run")],
    )
    gan.fit(table)
    with pytest.raises(InvalidInputError, match="already holds a training"):
        gan.fit(table)


def test_a_resumed_training_goes_on_in_the_same_run(table: pd.DataFrame, tmp_path: Any) -> None:
    client = RememberingClient()

    def fit(epochs: int, **options: Any) -> TabularGAN:
        callbacks = [MLflowCallback(client, "run"), Checkpoint(tmp_path / "state")]
        gan = TabularGAN(
            epochs=epochs,
            batch_size=40,
            scrambled_weight=0,
            learning_rate_schedule="constant",
            random_state=0,
            callbacks=callbacks,
        )
        return gan.fit(table, **options)

    fit(2)
    gan = fit(4, resume_from=tmp_path / "state")
    logged = client.values("generator/likelihood")
    rows = [row for row in gan.history_ if "generator/likelihood" in row]
    assert logged == [(row["step"], row["generator/likelihood"]) for row in rows]
    assert len(logged) == 4


def test_a_real_store_holds_what_the_history_holds(tracking_uri: str, table: pd.DataFrame) -> None:
    gan = TabularGAN(epochs=3, batch_size=60, scrambled_weight=0, random_state=0, callbacks=[MLflowCallback()])
    with mlflow.start_run() as active:
        gan.fit(table)
    client = mlflow.MlflowClient()
    data = client.get_run(active.info.run_id).data
    assert (data.params["gan.batch_size"], data.params["gan.random_state"]) == ("60", "0")
    assert data.tags["ganaug.stop_reason"] == "epochs"
    terms = {name for row in gan.history_ for name in row} - {"step"}
    assert terms >= {"generator/likelihood", "discriminator/adversarial", "epoch", "seconds"}
    for term in terms:
        logged = client.get_metric_history(active.info.run_id, term)
        expected = [(row["step"], row[term]) for row in gan.history_ if term in row]
        assert [(metric.step, metric.value) for metric in logged] == expected
