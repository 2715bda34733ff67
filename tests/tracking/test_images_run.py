"""A tracked GAN of images, from a folder or arrays to an MLflow run."""

import hashlib
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.images import DCGAN, ConditionalGAN, save_images
from ganaug.tracking import track_images_run
from ganaug.tracking.image_files import ImageSet, digest, read_set, split

QUICK: dict[str, Any] = {"max_steps": 3, "n_samples": 24}


@pytest.fixture
def classifier_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the judge learn for a moment alone: how well it judges is tested where it is at home."""
    monkeypatch.setattr("ganaug.images.classifier.FEWEST_STEPS", 10)


def make_images(n_images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return color images of two classes: dark ones and light ones."""
    labels = np.array(["dark", "light"])[np.arange(n_images) % 2]
    images = np.random.default_rng(0).integers(0, 128, (n_images, 8, 10, 3), dtype=np.uint8)
    return images + np.uint8(127) * (labels == "light").astype(np.uint8).reshape(-1, 1, 1, 1), labels


@pytest.mark.usefixtures("classifier_is_quick")
def test_a_run_leaves_model_pictures_samples_and_figures(tracking_uri: str, tmp_path: Path) -> None:
    save_images(*make_images()[:1], tmp_path / "data", labels=make_images()[1])
    result = track_images_run(tmp_path / "data", output_dir=tmp_path / "out", **QUICK)
    assert (result.model_name, result.n_learned, result.n_held_out, result.n_iter) == ("ConditionalGAN", 48, 12, 3)
    assert "48 images of 8 x 10 pixels, 3 channels" in result.loaded and "dark (24), light (24)" in result.loaded
    gan = ganaug.load(result.model)
    assert isinstance(gan, ConditionalGAN)
    with np.load(result.synthetic) as drawn:
        X, y = drawn["X"], drawn["y"]
    expected = gan.sample(24, return_y=True, random_state=0)
    assert np.array_equal(X, expected[0]) and np.array_equal(y, expected[1]) and X.dtype == np.uint8
    with Image.open(result.samples) as picture:
        assert picture.size == (5 * 12 + 2, 5 * 10 + 2)
    figures = pd.read_csv(result.quality).set_index("figure")["synthetic"]
    assert result.figures["recall"] == pytest.approx(figures["recall"])
    assert {"classifier_fid", "label_agreement", "memorization_pixels"} <= set(result.figures)
    assert "label agreement" in result.report and result.likeness is not None and result.likeness < 0
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED" and run.data.tags["ganaug.loaded"] == result.loaded
    params = {"model_class": "ConditionalGAN", "n_images": "60", "n_samples": "24", "random_state": "0"}
    assert run.data.params.items() >= (params | {"gan.max_steps": "3", "data_digest": result.data_digest}).items()
    metrics = run.data.metrics
    assert metrics["likeness"] == result.likeness and metrics["quality/recall_real"] == result.figures["recall_real"]
    assert metrics["n_iter"] == 3 and "generator/adversarial" in metrics and "quality/likeness" in metrics
    client = mlflow.MlflowClient()
    names = {file.path for file in client.list_artifacts(result.run_id)}
    assert names == {"images", *(file.name for file in (tmp_path / "out").iterdir())}  # no temporary file is left
    assert names == {"images", "model", "quality.csv", "samples.png", "synthetic.npz"}
    pictures = [file.path for file in client.list_artifacts(result.run_id, "images") if file.path.endswith(".png")]
    assert sorted(path.split("+")[2] for path in pictures) == ["2", "3"] and all("samples" in path for path in pictures)
    assert len(mlflow.search_runs(experiment_names=["tests"])) == 1


def test_arrays_without_labels_are_measured_by_a_random_network(tracking_uri: str, tmp_path: Path) -> None:
    images = make_images()[0].transpose(0, 3, 1, 2) / 255.0
    np.save(tmp_path / "images.npy", images.reshape(60, -1))  # rows of pixels
    given: dict[str, Any] = {"image_size": "8x10", "output_dir": tmp_path / "out", **QUICK}
    results = [track_images_run(tmp_path / "images.npy", random_state=seed, **given) for seed in (1, 1)]
    assert isinstance(ganaug.load(results[0].model), DCGAN) and "random_features_distance" in results[0].figures
    assert results[0].figures == results[1].figures and results[0].data_digest == results[1].data_digest
    with np.load(results[0].synthetic) as drawn:
        assert drawn.files == ["X"] and drawn["X"].shape == (24, 240)


@pytest.mark.usefixtures("classifier_is_quick")
def test_a_model_may_leave_the_classes_alone(tracking_uri: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", X=make_images()[0], y=make_images()[1])
    result = track_images_run(
        tmp_path / "images.npz", model="vanilla", recipe="textbook", output_dir=tmp_path / "out", **QUICK
    )
    assert result.model_name == "VanillaGAN" and "modes_of_2" in result.figures
    assert "label_agreement" not in result.figures


def test_too_rare_a_class_does_not_fail_a_run_after_its_training(tracking_uri: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", X=make_images()[0], y=np.array(["usual"] * 59 + ["rare"]))
    result = track_images_run(tmp_path / "images.npz", output_dir=tmp_path / "out", **QUICK)
    assert result.model_name == "ConditionalGAN" and "random_features_distance" in result.figures


def test_by_default_it_is_scikit_learns_digits() -> None:
    images = read_set(None, None)
    assert images.X.shape == (1797, 8, 8) and (images.X.min(), images.X.max()) == (0, 1)
    assert images.y is not None and set(images.y) == set(range(10))


def test_a_fifth_of_each_class_is_held_out() -> None:
    images = ImageSet(np.zeros((110, 8, 8)), np.repeat(["many", "few"], [100, 10]))
    learned, held_out = split(images, 0)
    assert sorted([*learned, *held_out]) == list(range(110)) and images.y is not None
    assert [(images.y[held_out] == label).sum() for label in ("many", "few")] == [20, 2]
    assert np.array_equal(split(images, 0)[1], held_out) and not np.array_equal(split(images, 1)[1], held_out)


def test_the_digest_is_of_values_and_labels_and_files(tmp_path: Path) -> None:
    images, labels = make_images()
    (one, other) = (save_images(images[:2] + np.uint8(add), tmp_path / str(add)) for add in (0, 1))
    sets = [ImageSet(images, labels), ImageSet(images, None), ImageSet(images, labels[::-1])]
    sets += [ImageSet(images[::-1], labels), ImageSet(images / 1.0, labels), ImageSet(one, None), ImageSet(other, None)]
    assert len({digest(images) for images in sets}) == len(sets)
    assert digest(ImageSet(images.copy(order="F"), labels)) == digest(sets[0])
    assert digest(sets[-2]) == hashlib.sha256(b"".join(path.read_bytes() for path in one)).hexdigest()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data": "none.npz"}, "`data`='none.npz'"),
        ({"model": "big"}, "`model`='big' must be one of dcgan"),
        ({"recipe": "new"}, "`recipe`='new'"),
        ({"resize": "bend"}, "`resize`='bend'"),
        ({"image_size": "large"}, "`image_size`='large'"),
        ({"max_steps": 0}, "`max_steps`=0"),
        ({"max_seconds": -1}, "`max_seconds`=-1"),
        ({"n_samples": 3}, "`n_samples`=3"),
        ({"random_state": -1}, "`random_state`=-1"),
    ],
)
def test_a_wrong_parameter_is_named_before_a_run_is_started(
    changed: dict[str, Any], words: str, tracking_uri: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        track_images_run(**{"output_dir": tmp_path / "out"} | changed)
    assert mlflow.search_runs(experiment_names=["tests"]).empty


@pytest.mark.parametrize(
    ("n_images", "labels", "model", "words"),
    [
        (20, None, None, "has 20 images; a run needs at least 50"),
        (60, None, "conditional", "`model`='conditional': .* has no two classes"),
        (60, ["one"] * 60, "conditional", "has no two classes"),
        (60, list(range(60)), None, "60 images of 60 classes, too few of each"),
        (60, ["a", "b"] * 10, None, "has 20 labels for 60 images"),
    ],
)
def test_too_little_to_learn_or_to_measure_is_said(
    n_images: int, labels: list[Any] | None, model: str | None, words: str, tmp_path: Path
) -> None:
    given = {} if labels is None else {"y": np.array(labels)}
    np.savez(tmp_path / "images.npz", X=make_images(n_images)[0], **given)
    with pytest.raises(InvalidInputError, match=words):
        track_images_run(tmp_path / "images.npz", model=model, output_dir=tmp_path / "out")
