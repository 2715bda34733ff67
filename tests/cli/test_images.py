"""``ganaug images``: from a folder or arrays to a model, and from a model to pictures and files."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import ganaug
from ganaug.cli import app
from ganaug.cli.images_sample import find_label
from ganaug.images import DCGAN, ConditionalGAN, VanillaGAN, save_images
from ganaug.images.sources import parse_size, read_images
from ganaug.tabular import TabularGAN

QUICK = ("--max-steps", 2, "--random-state", 1)


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, ["images", *map(str, arguments)])


def check_refused(result: Result, *words: str) -> None:
    """Check for one line on stderr that names what is wrong, and exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("Error: "), result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def some_images(*shape: int, highest: int = 255) -> np.ndarray:
    return np.random.default_rng(0).integers(0, highest + 1, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 60 color images, with a sub-folder per class."""
    place = tmp_path_factory.mktemp("data") / "some pets"
    save_images(some_images(60, 8, 10, 3), place, labels=["cat", "dog", "fish"] * 20)
    return place


@pytest.fixture(scope="module")
def model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a conditional model of the folder."""
    gan = ConditionalGAN(max_steps=2, precision="float32", random_state=0).fit(folder)
    return gan.save(tmp_path_factory.mktemp("models") / "model")


def test_a_folder_of_classes_becomes_a_conditional_model(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    result = run("fit", folder, "-o", output, *QUICK, "--grids", tmp_path / "grids", "--grids-every", 1)
    assert result.exit_code == 0, result.output
    told = result.stdout
    assert told.index("ConditionalGAN (there are classes; --model dcgan") < told.index("60 images of 8 x 10 pixels, 3")
    assert told.count("60 images of 8 x 10") == 1 and "cat (20), dog (20), fish (20)" in told
    assert "Learned 60 images in 2 steps" in told and "Likeness: -" in told
    gan = ganaug.load(output)
    assert isinstance(gan, ConditionalGAN) and gan.classes_.tolist() == ["cat", "dog", "fish"]
    assert (gan.n_iter_, gan.random_state, gan.callbacks) == (2, 1, None)
    assert sorted(file.name for file in (tmp_path / "grids").iterdir()) == ["step-000001.png", "step-000002.png"]
    following = shlex.split(told.split("Next:")[1].splitlines()[0])
    assert following[:4] == ["ganaug", "images", "sample", str(output)]


def test_the_options_reach_the_model(folder: Path, tmp_path: Path) -> None:
    options = ("--model", "vanilla", "--recipe", "modern", "--image-size", "9x12", "--resize", "pad", "--color", "grey")
    result = run("fit", folder, "-o", tmp_path / "model", *QUICK, *options, "--epochs", 5, "--max-seconds", 60)
    assert result.exit_code == 0, result.output
    gan = ganaug.load(tmp_path / "model")
    assert isinstance(gan, VanillaGAN) and gan.encoder_.format_.size == (9, 12) and gan.encoder_.format_.channels == 1
    assert (gan.recipe, gan.resize, gan.color, gan.epochs, gan.max_seconds) == ("modern", "pad", "grey", 5, 60)


def test_what_is_left_out_is_the_models_own(folder: Path, tmp_path: Path) -> None:
    assert run("fit", folder, "-o", tmp_path / "model", *QUICK, "--model", "vanilla").exit_code == 0
    assert ganaug.load(tmp_path / "model").recipe == VanillaGAN().recipe


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_folder_without_two_classes_becomes_a_dcgan(is_nested: bool, tmp_path: Path) -> None:
    save_images(some_images(20, 8, 8), tmp_path / "data", labels=["all"] * 20 if is_nested else None)
    result = run("fit", tmp_path / "data", "-o", tmp_path / "model", *QUICK)
    assert result.exit_code == 0 and "Model: DCGAN (there are no classes)" in result.stdout
    assert isinstance(ganaug.load(tmp_path / "model"), DCGAN)
    check_refused(
        run("fit", tmp_path / "data", "-o", tmp_path / "new", "--model", "conditional"), "no two classes", "--model"
    )


def test_arrays_are_learned_from_npz_and_npy(tmp_path: Path) -> None:
    X, y = some_images(40, 8, 8, highest=16) / 1.0, np.arange(40) % 4
    np.savez(tmp_path / "images.npz", X=X, y=y)
    np.save(tmp_path / "images.npy", X)
    told = ("--value-range", "0..16", "--quiet")
    result = run("fit", tmp_path / "images.npz", "-o", tmp_path / "a", *QUICK, *told)
    assert (result.exit_code, result.stdout) == (0, "")
    assert ganaug.load(tmp_path / "a").classes_.tolist() == [0, 1, 2, 3]
    assert run("fit", tmp_path / "images.npy", "-o", tmp_path / "b", *QUICK, *told).exit_code == 0
    assert isinstance(ganaug.load(tmp_path / "b"), DCGAN)
    result = run("fit", tmp_path / "images.npy", "-o", tmp_path / "c", *QUICK)
    check_refused(result, "DATA has values from 0 to 16", "--value-range 0..16")


def test_a_damaged_file_can_be_skipped(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    save_images(some_images(20, 8, 8), data)
    (data / "torn.png").write_bytes((data / "image-000000.png").read_bytes()[:40])
    check_refused(run("fit", data, "-o", tmp_path / "model", *QUICK), "torn.png", "--on-unreadable")
    result = run("fit", data, "-o", tmp_path / "model", *QUICK, "--on-unreadable", "skip")
    assert result.exit_code == 0 and "Warning: 1 of 21 files" in result.stderr and "Left out: torn.png" in result.stdout


def test_fit_keeps_what_is_there(folder: Path, model: Path, tmp_path: Path) -> None:
    before = (model / "model.json").read_bytes()
    check_refused(run("fit", folder, "-o", model, *QUICK), "--overwrite")
    (tmp_path / "mine").mkdir()
    check_refused(run("fit", folder, "-o", tmp_path / "mine", *QUICK, "--overwrite"), "no ganaug model")
    assert (model / "model.json").read_bytes() == before and not list((tmp_path / "mine").iterdir())


def test_an_interrupted_fit_is_saved_and_exits_130(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.adversarial.Trainer.play_round", interrupt)
    assert run("fit", folder, "-o", tmp_path / "model").exit_code == 130
    assert ganaug.load(tmp_path / "model").stop_reason_ == "interrupted"


def test_wrong_input_is_one_line_in_words_of_the_command_line(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    mixed = tmp_path / "mixed"
    save_images(some_images(3, 8, 8), mixed)
    save_images(some_images(3, 9, 9), mixed, prefix="other")
    np.savez(tmp_path / "bare.npz", pixels=some_images(3, 8, 8))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "empty").mkdir()
    check_refused(run("fit", tmp_path / "none", "-o", new), "DATA", "there is no folder")
    check_refused(run("fit", mixed / "image-000000.png", "-o", new), "give a folder")
    check_refused(run("fit", tmp_path / "empty", "-o", new), "no image in the folder '")
    check_refused(run("fit", tmp_path / "bare.npz", "-o", new), "no array X", "['pixels']")
    check_refused(run("fit", tmp_path / "objects.npy", "-o", new), "can't be read as arrays")
    check_refused(run("fit", mixed, "-o", new), "2 different sizes", "Say --image-size and --resize ")
    check_refused(run("fit", folder, "-o", new, "--image-size", "4x4x4"), "--image-size '4x4x4'")
    check_refused(run("fit", folder, "-o", new, "--image-size", 999), "--image-size (999, 999) must be")
    check_refused(run("fit", folder, "-o", new, "--image-size", 16), "--resize ")
    check_refused(run("fit", folder, "-o", new, "--resize", "crop"), "--resize 'crop' needs a size", "Say --image-size")
    check_refused(run("fit", folder, "-o", new, "--value-range", "black"), "--value-range 'black'")
    check_refused(run("fit", folder, "-o", new, "--grids", mixed / "image-000000.png"), "--grids")
    check_refused(run("fit", folder, "-o", new, "--device", "abacus"), "abacus")
    assert run("fit", folder, "-o", new, "--model", "stylegan").exit_code == 2
    assert not new.exists()


def test_one_picture(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "grid.PNG"
    result = run("sample", model, "-n", 6, "-o", output, "--columns", 3, "--random-state", 4)
    assert result.exit_code == 0 and "6 images written to" in result.stdout
    with Image.open(output) as picture:
        assert (picture.size, picture.mode) == ((3 * 12 + 2, 2 * 10 + 2), "RGB")
    assert list(output.parent.iterdir()) == [output]  # nothing temporary is left
    first = output.read_bytes()
    check_refused(run("sample", model, "-o", output), "--overwrite")
    assert run("sample", model, "-n", 6, "-o", output, "--columns", 3, "--random-state", 4, "--overwrite").stdout
    assert output.read_bytes() == first


def test_a_folder_of_files_by_class(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "drawn"
    result = run("sample", model, "-n", 5, "-o", output, "--label", "dog", "--label", "cat", "--truncation", 0.5)
    assert result.exit_code == 0, result.output
    files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.png"))
    places = {"cat": [1, 3], "dog": [0, 2, 4]}
    assert files == [f"{name}/image-{place:06d}.png" for name in places for place in places[name]]
    expected = ganaug.load(model).sample(y=["dog", "cat", "dog", "cat", "dog"], truncation=0.5)
    with Image.open(output / "cat" / "image-000001.png") as image:
        assert np.array_equal(np.asarray(image), expected[1])
    check_refused(run("sample", model, "-o", output), "not empty", "--overwrite")
    assert run("sample", model, "-n", 1, "-o", output, "--overwrite").exit_code == 0


@pytest.mark.parametrize("shape", [(8, 10), (8, 10, 3), (3, 8, 10), (80,)])
def test_pictures_look_as_the_images_did_whatever_their_form(shape: tuple[int, ...], tmp_path: Path) -> None:
    images = np.zeros((30, *shape))
    images[:, ...] = 16 * (np.arange(30) % 2).reshape(-1, *[1] * len(shape))  # black and white ones
    form: dict[str, Any] = {"image_size": (8, 10) if shape == (80,) else None, "value_range": (0, 16)}
    DCGAN(max_steps=1, random_state=0, **form).fit(images).save(tmp_path / "model")
    result = run("sample", tmp_path / "model", "-n", 4, "-o", tmp_path / "grid.png")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (2 * 12 + 2, 2 * 10 + 2)
    assert run("sample", tmp_path / "model", "-n", 4, "-o", tmp_path / "drawn").exit_code == 0
    expected = np.rint(ganaug.load(tmp_path / "model").sample(4) / 16 * 255)[0]
    with Image.open(tmp_path / "drawn" / "image-000000.png") as image:
        drawn = np.asarray(image)
    assert np.array_equal(drawn, expected.transpose(1, 2, 0) if shape[0] == 3 else expected.reshape(drawn.shape))


def test_wrong_samples_are_one_line(model: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.png"
    plain = DCGAN(max_steps=1, random_state=0).fit(some_images(20, 8, 8)).save(tmp_path / "plain")
    (tmp_path / "a file").touch()
    check_refused(run("sample", tmp_path, "-o", new), "model.json")
    check_refused(run("sample", model, "-o", new, "--label", "cow"), "--label 'cow'", "cat, dog, fish")
    check_refused(run("sample", plain, "-o", new, "--label", "cow"), "--label 'cow'", "DCGAN knows no classes")
    check_refused(run("sample", model, "-o", tmp_path / "new", "--columns", 3), "--columns 3")
    check_refused(run("sample", model, "-o", tmp_path / "a file"), "is a file")
    assert run("sample", model, "-o", new, "-n", 0).exit_code == 2 and not new.exists()


def test_tables_and_images_are_not_mixed_up(model: Path, tmp_path: Path) -> None:
    table = TabularGAN(max_steps=1, scrambled_weight=0).fit(np.arange(40.0).reshape(20, 2)).save(tmp_path / "table")
    check_refused(run("sample", table, "-o", tmp_path / "new.png"), "TabularGAN", "`ganaug sample`")
    result = CliRunner().invoke(app, ["sample", str(model), "-o", str(tmp_path / "new.csv")])
    check_refused(result, "ConditionalGAN", "`ganaug images sample`")
    shown = CliRunner().invoke(app, ["info", str(model)]).stdout
    assert "ConditionalGAN" in shown and "60 images of 8 x 10 pixels" in shown and "cat (20)" in shown


def test_labels_are_found_as_they_are_written() -> None:
    assert find_label("7", [6, 7]) == 7 and find_label("7", [7.0]) == 7.0 and find_label("True", [False, True]) is True


@pytest.mark.parametrize(("text", "size"), [("32", (32, 32)), ("32x48", (32, 48)), ("32 X 48", (32, 48)), (None, None)])
def test_sizes_are_height_by_width(text: str | None, size: tuple[int, int] | None) -> None:
    assert parse_size(text, "--image-size ") == size


def test_deep_gray_images_keep_their_bits(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 2**16, (20, 8, 8)).astype(np.uint16)
    gan = DCGAN(max_steps=1, random_state=0).fit(images)
    gan.save(tmp_path / "model")
    assert run("sample", tmp_path / "model", "-n", 2, "-o", tmp_path / "drawn").exit_code == 0
    with Image.open(tmp_path / "drawn" / "image-000001.png") as image:
        assert np.array_equal(np.asarray(image), gan.sample(2)[1])


def test_deep_colors_are_written_with_8_bits_and_that_is_said(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 2**16, (20, 8, 8, 3)).astype(np.uint16)
    gan = DCGAN(max_steps=1, random_state=0).fit(images)
    gan.save(tmp_path / "model")
    result = run("sample", tmp_path / "model", "-n", 2, "-o", tmp_path / "drawn")
    assert result.exit_code == 0 and "8 bits per color of the 16" in result.stdout, result.output
    with Image.open(tmp_path / "drawn" / "image-000001.png") as image:
        assert np.array_equal(np.asarray(image), np.rint(gan.sample(2)[1] / 257))
    assert run("sample", tmp_path / "model", "-n", 2, "-o", tmp_path / "grid.png").exit_code == 0


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".gif", ".bmp", ".webp", ".tif"])
def test_pictures_are_png(suffix: str, model: Path, tmp_path: Path) -> None:
    check_refused(run("sample", model, "-o", tmp_path / f"new{suffix}"), "PNG", "end in .png, or name a folder")
    assert list(tmp_path.iterdir()) == []


def test_classes_may_be_dates(tmp_path: Path) -> None:
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    np.savez(tmp_path / "images.npz", X=some_images(40, 8, 8), y=np.repeat(days, 20))
    assert run("fit", tmp_path / "images.npz", "-o", tmp_path / "model", *QUICK, "--quiet").exit_code == 0
    label = ("--label", "2020-01-02 00:00:00")
    result = run("sample", tmp_path / "model", "-n", 2, "-o", tmp_path / "drawn", *label)
    assert result.exit_code == 0, result.output
    assert [path.parent.name for path in (tmp_path / "drawn").rglob("*.png")] == ["2020-01-02"] * 2
    check_refused(run("sample", tmp_path / "model", "-o", tmp_path / "x", "--label", "1"), "2020-01-01 00:00:00")


def test_arrays_are_read_without_pickle(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", X=some_images(3, 8, 8), y=np.array(["a", "b", "b"]))
    X, y = read_images(tmp_path / "images.npz", "DATA ")
    assert X.shape == (3, 8, 8) and y is not None and y.tolist() == ["a", "b", "b"]
