"""``ganaug images upscale`` and ``translate``: files made of files, by saved models and by models that learn first."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import ganaug
from ganaug.cli import app
from ganaug.images import DCGAN, SRGAN, CycleGAN
from ganaug.images.sources import choose_within

QUICK = ("--max-steps", 1, "--random-state", 1)
LITTLE: dict[str, Any] = {"max_steps": 1, "width": 8, "n_blocks": 1, "discriminator_width": 8, "random_state": 0}


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, ["images", *map(str, arguments)])


def check_refused(result: Result, *words: str) -> None:
    """Check for one line on stderr that names what is wrong, and exit code 2."""
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if not line.startswith("Warning: ")]
    assert len(errors) == 1 and errors[0].startswith("Error: "), result.stderr
    for word in words:
        assert word in errors[0], result.stderr


def some_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, *shape: int) -> Path:
    """Write an image of random pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(some_pixels(*shape)).save(path)
    return path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of color images of two sizes, one of them in a sub-folder."""
    place = tmp_path_factory.mktemp("data") / "some photos"
    write(place / "one.jpg", 16, 20, 3)
    write(place / "trip" / "two.png", 18, 16, 3)
    return place


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved SRGAN for color images."""
    model = SRGAN(2, **LITTLE).fit(some_pixels(4, 16, 16, 3))
    return model.save(tmp_path_factory.mktemp("models") / "enlarger")


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved CycleGAN from color images to grey ones, which it learned as floats in [0, 16]."""
    model = CycleGAN(**LITTLE, value_range=(0, 16)).fit(some_pixels(4, 8, 8, 3) / 16.0, some_pixels(4, 8, 8) / 16.0)
    return model.save(tmp_path_factory.mktemp("models") / "translator")


def test_a_folder_of_any_sizes_is_enlarged_by_what_it_teaches(photos: Path, tmp_path: Path) -> None:
    output, kept = tmp_path / "large", tmp_path / "kept"
    result = run("upscale", photos, output, *QUICK, "--save", kept)
    assert result.exit_code == 0, result.output
    assert {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()} == {
        "one.png",
        "trip/two.png",
    }
    assert read(output / "one.png").shape == (32, 40, 3) and read(output / "trip" / "two.png").shape == (36, 32, 3)
    told = result.stdout
    assert "2 images of up to 18 x 20 pixels, 3 channels" in told and "Learned in 1 steps" in told
    assert f"2 images written to {output} (" in told
    following = shlex.split(told.split("For others:")[1].splitlines()[0])
    assert following == ["ganaug", "images", "upscale", "IN", "OUT", "--model", str(kept)]
    gan = ganaug.load(kept)
    assert isinstance(gan, SRGAN) and (gan.scale, gan.max_seconds, gan.degradation) == (2, None, "area")
    before = read(output / "one.png")
    assert run("upscale", photos, output, "--model", kept, "--overwrite", "-q").stdout == ""
    assert np.array_equal(read(output / "one.png"), before)
    assert np.array_equal(before, gan.transform([photos / "one.jpg"])[0])


def test_the_options_of_learning_reach_the_model(photos: Path, tmp_path: Path) -> None:
    given = ("--scale", 3, "--degradation", "blur_noise", "--interpolation", 0, "--color", "grey", "--patch-size", 12)
    small = write(tmp_path / "small.png", 5, 6, 3)
    result = run(
        "upscale", small, tmp_path / "new" / "big.PNG", "--learn-from", photos, *given, *QUICK, "--save", tmp_path / "m"
    )
    assert result.exit_code == 0 and "1 image written to" in result.stdout
    assert read(tmp_path / "new" / "big.PNG").shape == (15, 18)
    gan = ganaug.load(tmp_path / "m")
    assert (gan.scale, gan.degradation, gan.color, gan.patch_size) == (3, "blur_noise", "grey", 12)
    assert (gan.max_steps, gan.random_state) == (1, 1)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["big.PNG"]  # nothing temporary is left


def test_between_the_phases_lies_another_image(photos: Path, tmp_path: Path, enlarger: Path) -> None:
    for share in (0, 1):
        assert run("upscale", photos, tmp_path / str(share), "-m", enlarger, "--interpolation", share).exit_code == 0
    gan = ganaug.load(enlarger).set_params(network_interpolation=0)
    assert np.array_equal(read(tmp_path / "0" / "one.png"), gan.transform([photos / "one.jpg"])[0])


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (some_pixels(8, 9, 4), "RGBA"),
        (some_pixels(8, 9), "L"),
        (some_pixels(8, 9).astype(np.uint16) * 257 + np.uint16(3), "I;16"),
    ],
)
def test_an_image_keeps_its_channels_and_bits(pixels: np.ndarray, mode: str, tmp_path: Path) -> None:
    Image.fromarray(pixels).save(tmp_path / "image.png")
    assert run("upscale", tmp_path / "image.png", tmp_path / "out", *QUICK, "-q").exit_code == 0
    with Image.open(tmp_path / "out" / "image.png") as image:
        assert (image.mode, image.size) == (mode, (18, 16))


def test_ctrl_c_leaves_whole_files_and_says_how_many(
    photos: Path, enlarger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform: Callable[..., Any] = SRGAN.transform
    calls: list[Any] = []

    def interrupted(self: SRGAN, X: Any) -> Any:
        calls.append(X)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return transform(self, X)

    monkeypatch.setattr(SRGAN, "transform", interrupted)
    result = run("upscale", photos, tmp_path / "out", "-m", enlarger)
    assert result.exit_code == 130 and "Interrupted: 1 of 2 images written to" in result.stdout
    assert all(len(paths) == 1 for paths in calls)  # never a folder's images at once
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["one.png"]


def test_ctrl_c_while_learning_keeps_the_model_alone(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.adversarial.Trainer.play_round", interrupt)
    assert run("upscale", photos, tmp_path / "out", "--save", tmp_path / "m").exit_code == 130
    assert ganaug.load(tmp_path / "m").stop_reason_ == "interrupted" and not (tmp_path / "out").exists()


def test_files_that_cant_be_used_stop_or_are_skipped(photos: Path, enlarger: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data / "a.png", 8, 8, 3)
    write(data / "b.png", 8, 8, 4)
    (data / "c.png").write_bytes((data / "a.png").read_bytes()[:40])
    (data / "notes.txt").touch()
    check_refused(
        run("upscale", data, tmp_path / "out", "-m", enlarger), "notes.txt (no image file)", "--on-unreadable"
    )
    (data / "notes.txt").unlink()
    result = run("upscale", data, tmp_path / "out", "-m", enlarger)
    check_refused(result, "b.png is rgba, and the model learned", "3 channels", "1 of 3 images are written")
    result = run("upscale", data, tmp_path / "out", "-m", enlarger, "--on-unreadable", "skip", "--overwrite")
    assert result.exit_code == 0 and "1 of 3 images written" in result.stdout
    assert (
        "Warning: 2 of 3 files are left out. b.png is rgba" in result.stderr
        and "c.png can't be read (" in result.stderr
    )


def test_wrong_places_are_named_before_anything_is_learned(photos: Path, enlarger: Path, tmp_path: Path) -> None:
    new, image = tmp_path / "new", write(tmp_path / "a.png", 8, 8)
    twins = tmp_path / "twins"
    write(twins / "cat.png", 8, 8)
    write(twins / "cat.jpg", 8, 8)
    np.save(tmp_path / "images.npy", some_pixels(2, 8, 8))
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "a.png").mkdir(parents=True)
    check_refused(run("upscale", tmp_path / "none", new), "IN", "there is no folder and no file")
    check_refused(run("upscale", tmp_path / "images.npy", new), "images.npy' holds arrays")
    check_refused(run("upscale", photos, tmp_path / "new.jpg"), "end in .png, or name a folder")
    check_refused(run("upscale", photos, tmp_path / "new.png"), "is a name for one image")
    check_refused(run("upscale", photos, tmp_path / "file"), "is a file; name a folder")
    check_refused(run("upscale", photos, photos / "large"), "lies in IN")
    check_refused(run("upscale", image, tmp_path, "--overwrite"), "would replace the image that it is made of")
    check_refused(run("upscale", twins, new), "cat.jpg and cat.png would both become")
    check_refused(run("upscale", image, tmp_path / "taken"), "1 of the 1 files to write are there", "--overwrite")
    check_refused(run("upscale", photos, new, "--learn-from", image), "--learn-from")
    check_refused(run("upscale", photos, new, "--save", photos), "--save", "holds no ganaug model")
    tiny = write(tmp_path / "some" / "tiny.png", 4, 4)
    check_refused(run("upscale", tiny, new), "tiny.png has 4 x 4 pixels")
    check_refused(run("upscale", photos, new, "--patch-size", 17), "--patch-size 17 is no multiple of --scale 2. Say")
    check_refused(run("translate", photos, new, "--like", tiny.parent), "tiny.png has 4 x 4 pixels")
    check_refused(run("translate", photos, new, "--like", photos, "--patch-size", 18), "or say --patch-size 16")
    assert not new.exists()


def test_options_that_contradict_a_model_are_named(
    photos: Path, enlarger: Path, translator: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    check_refused(run("upscale", photos, new, "-m", enlarger, "--scale", 3), "--scale 3", "enlarges 2 times")
    check_refused(run("upscale", photos, new, "-m", enlarger, *QUICK), "--max-steps 1 is for learning")
    check_refused(run("upscale", photos, new, "-m", translator), "holds a CycleGAN", "`ganaug images translate`")
    check_refused(run("translate", photos, new, "-m", enlarger), "holds an SRGAN", "`ganaug images upscale`")
    check_refused(run("translate", photos, new), "--like FOLDER")
    check_refused(run("translate", photos, new, "--like", photos, "--back"), "--back is for a saved model")
    check_refused(run("translate", photos, new, "--like", tmp_path / "none"), "--like", "no folder")
    check_refused(run("translate", photos, new, "-m", translator, "--patch-size", 8), "--patch-size 8 is for learning")
    assert run("upscale", photos, new, "-m", enlarger, "--scale", 2).exit_code == 0


@pytest.mark.parametrize(("kind", "command"), [("enlarger", "upscale"), ("translator", "translate")])
def test_sample_names_the_command_for_models_that_draw_nothing(
    kind: str, command: str, photos: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = request.getfixturevalue(kind)
    check_refused(run("sample", model, "-o", tmp_path / "new.png"), f"`ganaug images {command}`")
    plain = DCGAN(max_steps=1, random_state=0).fit(some_pixels(20, 8, 8)).save(tmp_path / "plain")
    check_refused(run(command, photos, tmp_path / "new", "-m", plain), "DCGAN", "`ganaug images sample`")


def test_info_says_what_they_have_learned(enlarger: Path, translator: Path) -> None:
    shown = CliRunner().invoke(app, ["info", str(enlarger)]).stdout
    assert "SRGAN" in shown and "4 images of 16 x 16 pixels" in shown and "Enlarges images of any size 2 times" in shown
    assert "learned from parts of 16 x 16 pixels" in shown
    shown = CliRunner().invoke(app, ["info", str(translator)]).stdout
    assert "Translates images of any size from A to B, and back; learned from parts of 8 x 8 pixels" in shown
    assert (
        "Domain A: 4 images of 8 x 8 pixels, 3 channels" in shown
        and "Domain B: 4 images of 8 x 8 pixels, 1 ch" in shown
    )


def test_a_folder_is_made_to_look_like_another(photos: Path, tmp_path: Path) -> None:
    for place in range(3):
        write(tmp_path / "like" / f"{place}.png", 12, 9 + place)
    output, kept = tmp_path / "new", tmp_path / "kept"
    result = run("translate", photos, output, "--like", tmp_path / "like", *QUICK, "--save", kept)
    assert result.exit_code == 0, result.output
    assert "Domain A: 2 images of up to 18 x 20 pixels, 3 channels" in result.stdout
    assert "Domain B: 3 images of up to 12 x 11 pixels, 1 channel" in result.stdout
    assert read(output / "one.png").shape == (16, 20) and read(output / "trip" / "two.png").shape == (18, 16)
    gan = ganaug.load(kept)
    assert isinstance(gan, CycleGAN) and (gan.patch_size, gan.patch_size_, gan.max_seconds) == (None, 9, None)


def test_what_is_wrong_in_one_of_two_folders_is_said_of_that_one(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "like").mkdir()
    (tmp_path / "like" / "broken.png").touch()
    given = ("translate", photos, tmp_path / "new", "--like", tmp_path / "like", *QUICK)
    check_refused(run(*given), "Error: --like: 1 of 1 files can't be read", "broken.png", "--on-unreadable")
    (tmp_path / "like" / "notes.txt").touch()
    check_refused(run(*given), "Error: --like '", "like': 1 of 2 files can't be read", "notes.txt (no image file)")
    broken = run("translate", tmp_path / "like" / "broken.png", tmp_path / "new", "--like", photos, *QUICK)
    check_refused(broken, "Error: IN: 1 of 1 files can't be read", "broken.png")


def test_a_model_of_arrays_translates_files_there_and_back(photos: Path, translator: Path, tmp_path: Path) -> None:
    assert run("translate", photos, tmp_path / "there", "-m", translator).exit_code == 0
    there = read(tmp_path / "there" / "one.png")
    image = read(photos / "one.jpg") / 255 * 16
    expected = np.rint(ganaug.load(translator).transform([image])[0] / 16 * 255)
    assert there.dtype == np.uint8 and np.abs(there - expected.squeeze()).max() <= 1
    result = run("translate", tmp_path / "there" / "one.png", tmp_path / "back.png", "-m", translator, "--back")
    assert result.exit_code == 0 and read(tmp_path / "back.png").shape == (16, 20, 3)


def test_of_more_images_than_memory_holds_some_are_drawn(tmp_path: Path) -> None:
    paths = [str(write(tmp_path / f"{place}.png", 10, 10)) for place in range(5)]
    assert choose_within(paths, 2_000, 0) == paths
    chosen = choose_within(paths, 900, 0)
    assert len(chosen) == 2 and sorted(chosen) == chosen and choose_within(paths, 900, 0) == chosen
    assert len(choose_within(paths, 1, 0)) == 1


def test_of_either_domain_as_much_is_learned_as_memory_holds(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CycleGAN.__init__.__kwdefaults__, "memory_limit", 2_000)
    result = run("translate", photos, tmp_path / "new", "--like", photos, *QUICK)
    assert result.exit_code == 0 and "2 images written" in result.stdout, result.output
    for name in ("IN", "--like"):
        assert f"Learning from 1 of the 2 images of {name}, as memory allows." in result.stdout
