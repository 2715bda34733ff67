"""Tracked SRGANs and CycleGANs, from images to an MLflow run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ganaug
from ganaug.exceptions import InvalidInputError
from ganaug.images import SRGAN, CycleGAN, save_images
from ganaug.tracking import track_translate_run, track_upscale_run
from ganaug.tracking.before_after import arrange, hold_out
from ganaug.tracking.upscale_run import _cut_photographs

LITTLE: dict[str, Any] = {"width": 8, "n_blocks": 1, "discriminator_width": 8}


@pytest.fixture(autouse=True)
def models_are_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small networks learn: what they learn is tested where they are at home."""
    for kind in (SRGAN, CycleGAN):
        defaults = dict(kind.__init__.__kwdefaults__) | LITTLE
        monkeypatch.setattr(kind.__init__, "__kwdefaults__", defaults)


def make_images(n_images: int = 10, side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n_images, side, side + 4, 3), dtype=np.uint8)


def check_run(result: Any, expected: dict[str, str], tmp_path: Path) -> Any:
    """Check what both kinds of runs leave; return the run."""
    run = mlflow.get_run(result.run_id)
    assert run.info.status == "FINISHED" and run.data.tags["ganaug.loaded"] == result.loaded
    assert run.data.params.items() >= (expected | {"data_digest": result.data_digest}).items()
    assert {f"held_out/{name}" for name in result.figures} <= set(run.data.metrics)
    assert run.data.metrics["n_iter"] == result.n_iter
    names = {file.path for file in mlflow.MlflowClient().list_artifacts(result.run_id)}
    assert names - {"images"} == {"model", "quality.csv", "before-after.png"}  # in images/, previews by step
    assert {file.name for file in (tmp_path / "out").iterdir()} == names - {"images"}  # no temporary file is left
    return run


def test_an_upscaler_is_measured_beside_bicubic_on_images_it_never_saw(tracking_uri: str, tmp_path: Path) -> None:
    save_images(make_images(), tmp_path / "data")
    given: dict[str, Any] = {"max_steps": 4, "interpolation": 0.5, "patch_size": 12}
    result = track_upscale_run(tmp_path / "data", **given, output_dir=tmp_path / "out")
    assert (result.n_learned, result.n_held_out, result.n_iter) == (8, 2, 4)
    expected = {"gan.scale": "2", "gan.patch_size": "12", "gan.network_interpolation": "0.5", "n_images": "10"}
    run = check_run(result, expected, tmp_path)
    table = pd.read_csv(result.quality).set_index("method")
    assert list(table.index) == ["bicubic", "first phase", "model"]
    assert run.data.metrics["held_out/bicubic_psnr"] == pytest.approx(table.loc["bicubic", "PSNR"])
    assert run.data.metrics["held_out/model_ssim"] == pytest.approx(table.loc["model", "SSIM"])
    assert run.data.tags["ganaug.verdict"] == result.report and "bicubic" in result.report
    assert {"generator/pixel", "generator/adversarial"} <= set(run.data.metrics)
    gan = ganaug.load(result.model)
    assert isinstance(gan, SRGAN) and gan.transform(make_images(1)).shape == (1, 32, 40, 3)
    with Image.open(result.picture) as picture:  # two images beside each other, four times as large, in three rows
        assert picture.size == (2 * (80 + 2) + 2, 3 * (64 + 2) + 2)
        truth = np.asarray(picture)[2 + 2 * 66 : 2 + 2 * 66 + 64 : 4, 2:82:4]
    assert any(np.array_equal(truth, image) for image in make_images())


def test_by_default_parts_of_two_photographs_are_learned() -> None:
    parts = _cut_photographs()
    assert parts.shape == (30, 128, 128, 3) and parts.dtype == np.uint8


def test_a_translator_is_measured_by_what_comes_back(tracking_uri: str, tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", make_images()[..., 0])
    for place, image in enumerate(make_images(6, side=9)):
        (tmp_path / "like").mkdir(exist_ok=True)
        Image.fromarray(image[: 9 - place % 2]).save(tmp_path / "like" / f"{place}.png")
    given: dict[str, Any] = {"like": tmp_path / "like", "patch_size": 8, "max_steps": 2, "random_state": 3}
    result = track_translate_run(tmp_path / "grey.npy", **given, output_dir=tmp_path / "out")
    assert (result.n_learned, result.n_held_out, result.n_iter) == (13, 3, 2)
    check_run(result, {"gan.patch_size": "8", "gan.cycle_weight": "1.0", "random_state": "3"}, tmp_path)
    assert set(result.figures) == {"cycle_error_a", "cycle_error_b"} and 0 < result.figures["cycle_error_a"] < 1
    assert f"{result.figures['cycle_error_b']:.3f} (of B)" in result.report and "true translation" not in result.report
    with Image.open(result.picture) as picture:  # grey images became colored ones, at their own size
        assert picture.mode == "RGB" and picture.size == (2 * (20 * 4 + 2) + 2, 3 * (16 * 4 + 2) + 2)
    assert isinstance(ganaug.load(result.model), CycleGAN)


def test_by_default_digits_have_a_true_translation_that_is_not_shown(tracking_uri: str, tmp_path: Path) -> None:
    result = track_translate_run(max_steps=1, output_dir=tmp_path / "out")
    check_run(result, {"data": "", "n_images": "1797"}, tmp_path)
    table = pd.read_csv(result.quality).set_index("figure")["value"]
    assert table["untranslated_psnr"] == pytest.approx(result.figures["untranslated_psnr"]) and "dB" in result.report
    assert -1 < result.figures["untranslated_ssim"] < 0  # its partner is its negative
    with Image.open(result.picture) as picture:
        pixels = np.asarray(picture).astype(int)
        assert picture.size == (8 * 66 + 2, 4 * 66 + 2)
    image, truth = (pixels[2 + row * 66 : 66 + row * 66, 2:66] for row in (0, 3))
    assert np.abs(image + truth - 255).max() <= 1


def test_pictures_show_the_middle_of_images_with_all_channels() -> None:
    grey, clear = np.full((1, 20, 130), -1.0), np.zeros((4, 300, 140))
    rows = arrange([[grey], [clear], [np.full((3, 24, 130), 0.5)]])
    assert rows.shape == (3, 4, 60, 384) and (rows[0, 3] == 1).all() and (rows[0, :3] == -1).all()
    assert (rows[2, 3] == 1).all() and (rows[2, :3] == 0.5).all()


def test_a_fifth_is_held_out_and_never_none() -> None:
    learned, held_out, places = hold_out(np.arange(10), 0)
    assert sorted([*learned, *held_out]) == list(range(10)) and held_out.tolist() == places.tolist()
    assert [len(part) for part in hold_out(["a", "b"], 0)[:2]] == [1, 1]


@pytest.mark.parametrize(
    ("job", "changed", "words"),
    [
        (track_upscale_run, {"data": "none.npz"}, "`data`='none.npz'"),
        (track_upscale_run, {"scale": 5}, "`scale`=5 must be 2, 3 or 4"),
        (track_upscale_run, {"degradation": "smear"}, "`degradation`='smear' must be one of area"),
        (track_upscale_run, {"interpolation": 2}, "`interpolation`=2"),
        (track_upscale_run, {"patch_size": 15}, "`patch_size`=15 must be a multiple of `scale`=2"),
        (track_upscale_run, {"max_steps": 0}, "`max_steps`=0"),
        (track_translate_run, {"data": "a.npz"}, "`like` is missing"),
        (track_translate_run, {"like": "a.npz"}, "`data` is missing"),
        (track_translate_run, {"patch_size": 7}, "`patch_size`=7"),
        (track_translate_run, {"cycle_weight": -1}, "`cycle_weight`=-1"),
        (track_translate_run, {"random_state": -1}, "`random_state`=-1"),
    ],
)
def test_a_wrong_parameter_is_named_before_a_run_is_started(
    job: Callable[..., Any], changed: dict[str, Any], words: str, tracking_uri: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        job(**{"output_dir": tmp_path / "out"} | changed)
    assert mlflow.search_runs(experiment_names=["tests"]).empty


def test_too_few_images_are_said(tmp_path: Path) -> None:
    np.save(tmp_path / "few.npy", make_images(3))
    with pytest.raises(InvalidInputError, match="has 3 images; a run needs at least 5"):
        track_upscale_run(tmp_path / "few.npy", output_dir=tmp_path / "out")


def test_files_that_cant_be_read_are_told_by_their_domain(tracking_uri: str, tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", make_images(5)[..., 0])
    (tmp_path / "like").mkdir()
    for place in range(5):
        (tmp_path / "like" / f"{place}.png").touch()
    with pytest.raises(InvalidInputError, match="^`like`: 4 of 4 files can't be read"):
        track_translate_run(tmp_path / "grey.npy", like=tmp_path / "like", output_dir=tmp_path / "out")
