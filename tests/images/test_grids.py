"""Grids of images, image files, and the callback that shows a GAN of images learning."""

import errno
import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from ganaug.adversarial import Run
from ganaug.exceptions import InvalidInputError, TrainingWarning
from ganaug.images import grids
from ganaug.images.grids import SampleGrid, make_grid, save_grid, save_images


def some_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def files_of(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_images_are_laid_out_row_by_row():
    images = some_images(5, 9, 8, 3)
    grid = make_grid(images, n_columns=3, padding=2, background=7)
    assert grid.dtype == np.uint8 and grid.shape == (2 * 11 + 2, 3 * 10 + 2, 3)
    assert np.array_equal(grid[2:11, 2:10], images[0])
    assert np.array_equal(grid[2:11, 22:30], images[2])
    assert np.array_equal(grid[13:22, 12:20], images[4])
    covered = np.zeros(grid.shape[:2], bool)
    for place in range(5):
        top, left = 2 + 11 * (place // 3), 2 + 10 * (place % 3)
        covered[top : top + 9, left : left + 8] = True
    assert (grid[~covered] == 7).all()


def test_without_columns_the_grid_is_about_square():
    assert make_grid(some_images(64, 8, 8), padding=0).shape == (64, 64)
    assert make_grid(some_images(10, 8, 8), padding=0).shape == (24, 32)
    assert make_grid(some_images(1, 8, 8), padding=1).shape == (10, 10)
    assert make_grid(some_images(2, 8, 8), n_columns=8, padding=0).shape == (8, 16)


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_all_layouts_give_the_same_grid(n_channels):
    last = some_images(6, 10, 9, n_channels)
    grid = make_grid(last)
    assert grid.ndim == (2 if n_channels == 1 else 3)
    assert np.array_equal(make_grid(last.transpose(0, 3, 1, 2)), grid)
    assert np.array_equal(make_grid(last.reshape(6, -1), image_size=(10, 9)), grid)
    assert np.array_equal(make_grid(list(last)), grid)
    if n_channels == 1:
        assert np.array_equal(make_grid(last[..., 0]), grid)


def test_rows_of_pixels_of_square_images():
    images = some_images(4, 8, 8)
    assert np.array_equal(make_grid(images.reshape(4, -1), image_size=8), make_grid(images))


def test_an_ambiguous_layout_can_be_said():
    images = some_images(2, 3, 8, 3)
    with pytest.raises(InvalidInputError, match=r"images has the shape \(2, 3, 8, 3\).*layout=\"NHWC\""):
        make_grid(images)
    assert make_grid(images, padding=0, layout="NHWC").shape == (3, 16, 3)
    assert make_grid(images, padding=0, layout="NCHW").shape == (8, 6, 3)


def test_all_dtypes_give_the_same_grid():
    images = some_images(4, 8, 8)
    grid = make_grid(images)
    assert np.array_equal(make_grid(images.astype(np.uint16) * 257), grid)
    assert np.array_equal(make_grid(images.astype(np.int64)), grid)
    for dtype in (np.float32, np.float64):
        assert np.array_equal(make_grid((images / 255).astype(dtype)), grid)
        assert np.array_equal(make_grid((images / 127.5 - 1).astype(dtype)), grid)
        assert np.array_equal(make_grid(images.astype(dtype), value_range=(0, 255)), grid)
    assert set(np.unique(make_grid(images > 99, padding=0))) == {0, 255}


def test_values_beyond_a_given_range_are_black_or_white():
    images = np.zeros((1, 2, 3))
    images[0, 0] = [-3, 0, np.inf]
    assert make_grid(images, padding=0, value_range=(-1, 1), layout="NHW").tolist() == [[0, 128, 255], [128, 128, 128]]
    assert make_grid(some_images(1, 8, 8), padding=0, value_range=(254, 255)).mean() < 10


def test_transparent_images_have_a_background_that_may_be_transparent():
    images = some_images(2, 8, 8, 4)
    assert make_grid(images)[0, 0].tolist() == [255, 255, 255, 255]
    assert make_grid(images, background=0)[0, 0].tolist() == [0, 0, 0, 0]
    assert make_grid(images, background=(1, 2, 3, 255))[0, 0].tolist() == [1, 2, 3, 255]
    assert np.array_equal(make_grid(images)[2:10, 2:10], images[0])


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        (np.zeros((0, 8, 8)), {}, "there is no image in it"),
        (np.zeros((2, 8, 8)), {"n_columns": 0}, "n_columns=0: at least 1"),
        (np.zeros((2, 8, 8)), {"padding": -1}, "padding=-1"),
        (np.zeros((2, 8, 8)), {"background": 256}, "background=256"),
        (np.zeros((2, 8, 8)), {"background": (0, 0, 0)}, r"background=\(0, 0, 0\).*each of 1 channels"),
        (np.zeros((2, 8, 8)), {"value_range": (1, 1)}, r"value_range=\(1, 1\)"),
        (np.zeros((2, 8, 8)), {"value_range": ("a", "b")}, r"value_range=\('a', 'b'\)"),
        (np.zeros((2, 64)), {"image_size": (8, "a")}, r"image_size=\(8, 'a'\)"),
        (
            np.zeros((8, 8, 3)),
            {},
            r"images has the shape \(8, 8, 3\), which looks like one image.*images\[np.newaxis\]",
        ),
        (np.zeros((2, 64)), {}, "images is two-dimensional, rows of 64 pixels. Say image_size="),
        (np.zeros((2, 8, 8, 2)), {}, r"images has the shape \(2, 8, 8, 2\)"),
        (np.full((2, 8, 8), np.nan), {}, r"images\[0\] holds NaN"),
        (np.full((2, 8, 8), np.nan), {"value_range": (0, 1)}, "NaN among the pixels"),
        (np.full((2, 8, 8), 200.0), {}, r"images has values from 200 to 200.*value_range="),
    ],
)
def test_make_grid_says_what_is_wrong(images, settings, message):
    with pytest.raises(InvalidInputError, match=message):
        make_grid(images, **settings)


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_save_grid_writes_the_grid(tmp_path, n_channels):
    images = some_images(5, 8, 8, n_channels)
    path = save_grid(images, tmp_path / "deep" / "down" / "grid.png", n_columns=2)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture), make_grid(images, n_columns=2))
    save_grid(images[:1], str(path))  # replaces it
    with Image.open(path) as picture:
        assert picture.size == (12, 12)
    assert files_of(tmp_path) == ["deep/down/grid.png"]


def test_a_grid_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = save_grid(some_images(2, 8, 8), tmp_path / "grid.png")
    before = path.read_bytes()
    break_disk(monkeypatch, after=0)
    with pytest.raises(OSError, match="No space"):
        save_grid(some_images(3, 8, 8), path)
    assert path.read_bytes() == before and files_of(tmp_path) == ["grid.png"]


def test_grids_are_png(tmp_path):
    with pytest.raises(InvalidInputError, match="grid.jpg'.*let the name end in .png"):
        save_grid(some_images(2, 8, 8), tmp_path / "grid.jpg")


def break_disk(monkeypatch, after: int) -> None:
    """Let the disk be full after so many files, in the middle of one."""
    write, written = grids._write_png, []

    def fail(pixels, path):
        if len(written) == after:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(pixels, path)

    monkeypatch.setattr(grids, "_write_png", fail)


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_save_images_writes_each(tmp_path, n_channels):
    images = some_images(3, n_channels, 9, 8)
    paths = save_images(images, tmp_path / "new" / "folder", prefix="digit", start=41)
    assert [path.name for path in paths] == ["digit-000041.png", "digit-000042.png", "digit-000043.png"]
    for path, image in zip(paths, images, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), image.transpose(1, 2, 0).squeeze())
    assert len(files_of(tmp_path)) == 3 and len(list((tmp_path / "new" / "folder").iterdir())) == 3


def test_gray_images_of_16_bits_keep_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 65536, (2, 8, 8), dtype=np.uint16)
    for path, image in zip(save_images(images, tmp_path), images, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture).astype(np.uint16), image)
    (path,) = save_images(images[:1], tmp_path, prefix="shallow", value_range=(0, 65535))
    with Image.open(path) as picture:
        assert picture.mode == "L"
    with pytest.raises(InvalidInputError, match=r"value_range=\(0, 65535\) writes 8 bits"):
        save_images(np.repeat(images[..., None], 3, axis=3), tmp_path, prefix="deep")


def test_floats_are_written_as_bytes(tmp_path):
    images = some_images(2, 8, 8)
    for path, image in zip(save_images(images / 127.5 - 1, tmp_path), images, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), image)


def test_labels_are_folders(tmp_path):
    labels = np.array(["cat", "a/b", "a:b", "..", "", "con", "tr. ", "größe", "50%"], dtype=object)
    paths = save_images(some_images(9, 8, 8), tmp_path, labels)
    names = [path.parent.name for path in paths]
    assert names == ["cat", "a%2Fb", "a%3Ab", "%2E%2E", "%", "%63on", "tr.%20", "größe", "50%25"]
    assert all(path.is_file() and path.parent.parent == tmp_path for path in paths)
    assert [path.parent.name for path in save_images(some_images(2, 8, 8), tmp_path, [3, 7])] == ["3", "7"]


def test_files_are_not_overwritten_unless_told_to(tmp_path):
    images = some_images(3, 8, 8)
    save_images(images[1:2], tmp_path, start=1)
    with pytest.raises(FileExistsError, match="1 of the 3 files.*image-000001.png.*overwrite=True"):
        save_images(images, tmp_path)
    assert files_of(tmp_path) == ["image-000001.png"]
    save_images(images[::-1], tmp_path, overwrite=True)
    with Image.open(tmp_path / "image-000002.png") as picture:
        assert np.array_equal(np.asarray(picture), images[0])


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    break_disk(monkeypatch, after=2)
    with pytest.raises(OSError, match="No space"):
        save_images(some_images(5, 8, 8), tmp_path, labels=list("aabbb"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": [1]}, r"labels: one for each of 2 images is expected, got the shape \(1,\)"),
        ({"prefix": "../up"}, "prefix='../up'"),
        ({"start": -1}, "start=-1"),
    ],
)
def test_save_images_says_what_is_wrong(tmp_path, settings, message):
    with pytest.raises(InvalidInputError, match=message):
        save_images(some_images(2, 8, 8), tmp_path, **settings)
    assert list(tmp_path.iterdir()) == []


def play(callback: SampleGrid, images: np.ndarray, n_steps: int = 6, **parameters: object) -> None:
    run = Run([callback], parameters=parameters, preview=lambda: images)
    run.tell("on_fit_begin")
    for _ in range(n_steps):
        run.step += 1
        run.tell("on_step_end")


def test_sample_grid_writes_a_picture_every_so_often(tmp_path):
    images = some_images(4, 8, 8)
    callback = SampleGrid(every=2, folder=tmp_path / "previews", padding=1)
    play(callback, images)
    assert files_of(tmp_path) == [f"previews/step-00000{step}.png" for step in (2, 4, 6)]
    with Image.open(tmp_path / "previews" / "step-000004.png") as picture:
        assert np.array_equal(np.asarray(picture), make_grid(images, padding=1))
    assert [step for step, _ in callback.previews_] == [2, 4, 6]


def test_sample_grid_without_a_folder_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callback = SampleGrid(every=3)
    play(callback, some_images(4, 8, 8))
    assert [step for step, _ in callback.previews_] == [3, 6] and list(tmp_path.iterdir()) == []


def test_sample_grid_knows_what_the_estimator_was_told(tmp_path):
    images = some_images(4, 8, 10)
    callback = SampleGrid(every=6, folder=str(tmp_path))
    rows = images.reshape(4, -1) / 255 * 1000
    play(callback, rows, image_size=(8, 10), value_range=(0, 1000), layout="auto")
    with Image.open(tmp_path / "step-000006.png") as picture:
        assert np.array_equal(np.asarray(picture), make_grid(images))


def test_sample_grid_of_files_ignores_the_layout_of_arrays(tmp_path):
    callback = SampleGrid(every=6, folder=tmp_path)
    images = some_images(4, 8, 10, 3)
    play(callback, images, image_size=[8, 10], value_range="auto", layout="NCHW")
    with Image.open(tmp_path / "step-000006.png") as picture:
        assert np.array_equal(np.asarray(picture), make_grid(images))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": 0}, "every=0: a number of rounds"),
        ({"every": 2.5}, "every=2.5"),
        ({"n_columns": 0}, "n_columns=0"),
        ({"padding": -1}, "padding=-1"),
        ({"background": "white"}, "background='white'"),
        ({"background": (0, 0)}, r"background=\(0, 0\)"),
        ({"folder": "a file/previews"}, "folder='.*a file/previews' can't be made"),
    ],
)
def test_sample_grid_says_what_is_wrong_before_the_training(settings, message, tmp_path):
    (tmp_path / "a file").touch()
    settings = settings | ({"folder": str(tmp_path / settings["folder"])} if "folder" in settings else {})
    with pytest.raises(InvalidInputError, match=message):
        play(SampleGrid(**settings), some_images(4, 8, 8), n_steps=0)


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch):
    break_disk(monkeypatch, after=0)
    callback = SampleGrid(every=2, folder=tmp_path)
    with pytest.warns(TrainingWarning, match="step-000002.*No space left.*The training goes on") as warned:
        play(callback, some_images(4, 8, 8))
    assert len(warned) == 1 and [step for step, _ in callback.previews_] == [2, 4, 6] and files_of(tmp_path) == []


def test_sample_grid_is_cloned_and_pickled(tmp_path):
    callback = SampleGrid(every=2, folder=tmp_path, n_columns=3, padding=1, background=0)
    copied = clone(callback)
    assert copied is not callback and copied.get_params() == callback.get_params()
    play(callback, some_images(4, 8, 8))
    thawed = pickle.loads(pickle.dumps(callback))
    assert thawed.get_params() == callback.get_params() and len(thawed.previews_) == 3
    assert not hasattr(clone(callback), "previews_")
