"""Files: found, decoded, converted, refused by name, and read from disk when memory is short."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganaug.exceptions import DataWarning, InvalidInputError, UnreadableImageError
from ganaug.images.encoder import ImageEncoder
from ganaug.images.records import FileRecords, ImageRecords

rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (16, 16), dtype=np.uint8)
RGB = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
RGBA = rng.integers(0, 256, (16, 16, 4), dtype=np.uint8)
DEEP = rng.integers(0, 65536, (16, 16), dtype=np.uint16)


def write(path, pixels, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **how)
    return path


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def load(X, **params):
    """Return the encoder, and the images as users get them back."""
    encoder = ImageEncoder(**params)
    records = encoder.learn(X)
    return encoder, encoder.decode(records.take(torch.arange(len(records))).real)


# ------------------------------------------------------------------------------------------ what is found


def test_a_folder_is_read_in_the_order_of_its_names_hidden_files_apart(tmp_path):
    for place, name in enumerate(["b.PNG", "a/z.bmp", "c.tif", "a/b/c.png", ".hidden.png", ".git/x.png", "d.ppm"]):
        write(tmp_path / name, np.full((8, 8), place, np.uint8))
    (tmp_path / ".DS_Store").write_text("hidden")
    encoder, images = load(tmp_path)
    assert images[:, 0, 0, 0].tolist() == [3, 1, 0, 2, 6]
    assert encoder.classes_ is None and "not taken as classes" in str(encoder.report_)
    assert load(str(tmp_path))[1].tolist() == images.tolist()


def test_sub_folders_are_classes(tmp_path):
    for place, name in enumerate(["dog/1.png", "cat/deep/er/1.png", "cat/2.png", "dog/3.png"]):
        write(tmp_path / name, np.full((8, 8), place, np.uint8))
    encoder = ImageEncoder()
    records = encoder.learn(tmp_path)
    assert encoder.classes_.tolist() == ["cat", "dog"] and records.labels.tolist() == [0, 0, 1, 1]
    assert encoder.report_.classes == {"cat": 2, "dog": 2} and "cat (2), dog (2)" in str(encoder.report_)
    with pytest.raises(InvalidInputError, match="y was given together with a folder"):
        encoder.fit(tmp_path, [0, 1, 0, 1])


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_linked_folders_are_followed_once(tmp_path):
    write(tmp_path / "elsewhere/1.png", GREY)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/up").symlink_to(tmp_path / "set")
    encoder, images = load(tmp_path / "set")
    assert len(images) == 1 and encoder.classes_.tolist() == ["cat"]


def test_lists_of_paths_keep_their_order_and_take_labels(tmp_path):
    paths = [write(tmp_path / f"{place}.png", np.full((8, 8), place, np.uint8)) for place in (3, 1, 2)]
    for given in (paths, [str(path) for path in paths], tuple(paths), np.array([str(path) for path in paths])):
        encoder = ImageEncoder()
        records = encoder.learn(given, ["x", "y", "x"])
        assert records.pixels[:, 0, 0, 0].tolist() == [3, 1, 2] and records.labels.tolist() == [0, 1, 0]
    with pytest.raises(InvalidInputError, match="2 labels for 3 images"):
        ImageEncoder().fit(paths, [0, 1])
    with pytest.raises(InvalidInputError, match=r"X\[1\] is 5"):
        ImageEncoder().fit([paths[0], 5])


def test_places_without_images_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="no image in the folder"):
        ImageEncoder().fit(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidInputError, match="notes.txt"):
        ImageEncoder(on_unreadable="skip").fit(tmp_path)
    with pytest.raises(InvalidInputError, match="does not exist"):
        ImageEncoder().fit(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="give a list of paths"):
        ImageEncoder().fit(write(tmp_path / "a.png", GREY))


def test_progress_is_told(tmp_path):
    paths = [write(tmp_path / f"{place}.png", GREY) for place in range(3)]
    told = []
    ImageEncoder().learn(paths, on_file=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# ------------------------------------------------------------------------------------------ color modes


@pytest.mark.parametrize("pixels", [GREY, RGB, RGBA, DEEP], ids=["grey", "rgb", "rgba", "grey16"])
def test_files_of_one_mode_come_back_exactly(tmp_path, pixels):
    write(tmp_path / "a.png", pixels)
    encoder, images = load(tmp_path)
    assert images.dtype == pixels.dtype and images.shape == (1, 16, 16, 1 if pixels.ndim == 2 else pixels.shape[2])
    assert (images[0].squeeze() == pixels).all()
    assert encoder.report_.converted == {}
    assert (encoder.decode(encoder.encode(tmp_path)) == images).all()
    assert (encoder.decode(encoder.encode(images)) == images).all()


def test_the_least_mode_that_holds_all_is_taken(tmp_path):
    write(tmp_path / "a.png", GREY)
    assert load(tmp_path)[1].shape == (1, 16, 16, 1)
    write(tmp_path / "b.png", np.repeat(GREY[..., None], 3, axis=2))
    write(tmp_path / "c.png", np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)]))
    encoder, images = load(tmp_path)
    assert images.shape == (3, 16, 16, 1) and (images[..., 0] == GREY).all()
    assert encoder.report_.converted == {"rgb -> grey": 1, "rgba -> grey": 1}
    write(tmp_path / "d.png", RGB)
    encoder, images = load(tmp_path)
    assert images.shape == (4, 16, 16, 3) and (images[3] == RGB).all() and (images[0] == GREY[..., None]).all()
    assert encoder.report_.converted == {"grey -> rgb": 1, "rgba -> rgb": 1}
    write(tmp_path / "e.png", RGBA)
    encoder, images = load(tmp_path)
    assert images.shape == (5, 16, 16, 4) and (images[4] == RGBA).all() and (images[:4, ..., 3] == 255).all()
    assert "grey -> rgba (1)" in str(encoder.report_)


def test_sixteen_bits_are_kept_only_if_all_have_them(tmp_path):
    write(tmp_path / "a.png", DEEP)
    assert load(tmp_path)[1].dtype == np.uint16
    write(tmp_path / "b.png", GREY)
    encoder, images = load(tmp_path)
    assert images.dtype == np.uint8 and (images[0, ..., 0] == np.rint(DEEP / 257)).all()
    assert (images[1, ..., 0] == GREY).all()
    assert encoder.report_.converted == {"16-bit grey -> grey": 1}


def test_palettes_are_converted(tmp_path):
    colored = Image.fromarray(RGB).quantize(16)
    write(tmp_path / "a.png", colored)
    write(tmp_path / "b.gif", colored)
    encoder, images = load(tmp_path)
    assert (images == np.asarray(colored.convert("RGB"))).all()
    assert encoder.report_.converted == {"palette -> rgb": 2}
    write(tmp_path / "c.png", colored, transparency=int(np.asarray(colored)[0, 0]))
    _, images = load(tmp_path)
    assert images.shape == (3, 16, 16, 4) and images[2, 0, 0, 3] == 0 and images[2, ..., 3].max() == 255


def test_the_first_frame_of_a_film_is_taken(tmp_path):
    frames = [Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (10, 200)]
    write(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (load(tmp_path)[1] == 10).all()


@pytest.mark.parametrize(("color", "channels"), [("grey", 1), ("rgb", 3), ("rgba", 4)])
def test_a_named_color_mode_is_obeyed(tmp_path, color, channels):
    for name, pixels in {"a": GREY, "b": RGB, "c": RGBA, "d": DEEP}.items():
        write(tmp_path / f"{name}.png", pixels)
    encoder, images = load(tmp_path, color=color)
    assert images.shape == (4, 16, 16, channels) and images.dtype == np.uint8
    assert (encoder.decode(encoder.encode(tmp_path)) == images).all()
    clear = np.zeros((16, 16, 4), np.uint8)
    write(tmp_path / "e.png", clear)
    seen = load([tmp_path / "e.png"], color=color)[1]
    assert (seen == (0 if color == "rgba" else 255)).all()


def test_photographs_are_turned_upright(tmp_path):
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :, 0] = 255
    for orientation, turn in {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}.items():
        stored = Image.fromarray(upright) if turn is None else Image.fromarray(upright).transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = orientation
        write(tmp_path / f"{orientation}.png", stored, exif=exif)
    assert (load(tmp_path)[1] == upright).all()


# ------------------------------------------------------------------------------------------ sizes


def test_different_sizes_are_counted_and_refused(tmp_path):
    for place, side in enumerate([16, 16, 16, 12, 12, 20]):
        write(tmp_path / f"{place}.png", np.full((side, 16), 9, np.uint8))
    with pytest.raises(InvalidInputError, match=r"16 x 16 \(3 images\) and 12 x 16 \(2 images\).*image_size="):
        ImageEncoder().fit(tmp_path)
    with pytest.raises(InvalidInputError, match=r'3.png has 12 x 16 pixels.*resize="crop"'):
        ImageEncoder(image_size=16).fit(tmp_path)
    encoder, images = load(tmp_path, image_size=16, resize="pad")
    assert images.shape == (6, 16, 16, 1) and encoder.report_.resized == 3
    assert (images[3, :2] == 0).all() and (images[3, 2:14] == 9).all()


def test_a_large_photograph_needs_a_size(tmp_path):
    write(tmp_path / "a.png", np.zeros((300, 400), np.uint8))
    with pytest.raises(InvalidInputError, match="300 x 400 pixels; sides of 8 to 256"):
        ImageEncoder().fit(tmp_path)
    assert load(tmp_path, image_size=(30, 40), resize="stretch")[1].shape == (1, 30, 40, 1)


def test_padding_of_transparent_images_is_transparent(tmp_path):
    write(tmp_path / "a.png", RGBA[:, :8])
    write(tmp_path / "b.png", RGB[:, :8])
    _, images = load(tmp_path, image_size=16, resize="pad")
    assert (images[:, :, :4] == 0).all() and (images[1, :, 4:12, :3] == RGB[:, :8]).all()


# ------------------------------------------------------------------------------------------ files that can't be read


@pytest.fixture
def damaged(tmp_path):
    for place in range(4):
        write(tmp_path / f"cat/{place}.jpg", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    truncate(write(tmp_path / "dog/torn.jpg", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    write(tmp_path / "dog/whole.jpg", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


def test_all_unreadable_files_are_named_at_once(damaged):
    with pytest.raises(UnreadableImageError) as caught:
        ImageEncoder().fit(damaged)
    message = str(caught.value)
    assert message.startswith("2 of 7 files")
    for words in ("dog/torn.jpg", "truncated", "notes.txt (no image file)", 'on_unreadable="skip"', "Remove them"):
        assert words in message


def test_unreadable_files_are_left_out_if_asked(damaged):
    encoder = ImageEncoder(on_unreadable="skip")
    with pytest.warns(DataWarning, match="torn.jpg") as caught:
        records = encoder.learn(damaged)
    assert len(caught) == 1 and len(records) == 5 and records.labels.tolist() == [0, 0, 0, 0, 1]
    assert set(encoder.report_.skipped) == {"dog/torn.jpg", "notes.txt"}
    assert "Left out" in str(encoder.report_) and "torn.jpg" in str(encoder.report_)
    assert "torn" not in str(encoder.to_state())
    with pytest.warns(DataWarning, match="notes.txt"):
        assert len(encoder.encode(damaged)) == 5


def test_labels_stay_with_their_images_when_some_are_left_out(damaged):
    paths = [damaged / "cat/0.jpg", damaged / "dog/torn.jpg", damaged / "cat/1.jpg", damaged / "gone.png"]
    encoder = ImageEncoder(on_unreadable="skip")
    with pytest.warns(DataWarning, match="gone.png .does not exist"):
        records = encoder.learn(paths, ["a", "b", "c", "d"])
    assert encoder.classes_.tolist() == ["a", "c"] and records.labels.tolist() == [0, 1]
    # Each path of a list is owed an answer.
    with pytest.raises(UnreadableImageError, match="gone.png"):
        encoder.encode(paths)


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "webp", "tif", "ppm"])
def test_truncated_files_of_every_kind_are_noticed(tmp_path, suffix):
    write(tmp_path / "whole.png", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    truncate(write(tmp_path / f"torn.{suffix}", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    (tmp_path / f"empty.{suffix}").touch()
    with pytest.raises(UnreadableImageError, match=f"2 of 3 files.*empty.{suffix}.*torn.{suffix}"):
        ImageEncoder().fit(tmp_path)


def test_long_lists_are_cut(tmp_path):
    write(tmp_path / "a.png", GREY)
    for place in range(15):
        (tmp_path / f"{place:02}.txt").touch()
    with pytest.raises(UnreadableImageError, match=r"15 of 16.*09.txt \(no image file\) and 5 more"):
        ImageEncoder().fit(tmp_path)


def test_nothing_readable_is_an_error_even_when_skipping(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UnreadableImageError, match="a.png"):
        ImageEncoder(on_unreadable="skip").fit(tmp_path)


# ------------------------------------------------------------------------------------------ from disk


def write_mixed(folder):
    for place, pixels in enumerate([GREY, RGB, RGBA, DEEP, RGB[:10], RGBA[:, :9]] * 2):
        write(folder / f"{'ab'[place % 2]}/{place:02}.png", pixels)


@pytest.mark.parametrize("color", ["auto", "grey", "rgb"])
@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_reading_from_disk_gives_the_same_bits(tmp_path, color, resize):
    write_mixed(tmp_path)
    params = {"image_size": 12, "resize": resize, "color": color}
    kept, streamed = ImageEncoder(**params), ImageEncoder(**params, memory_limit=500)
    memory, disk = kept.learn(tmp_path), streamed.learn(tmp_path)
    assert isinstance(memory, ImageRecords) and isinstance(disk, FileRecords) and len(disk) == len(memory) == 12
    order = torch.tensor([5, 0, 11, 5, 3])
    assert disk.take(order).real.equal(memory.take(order).real)
    assert disk.take(order).conditions.equal(memory.take(order).conditions)
    assert kept.format_ == streamed.format_
    assert "Decoded from disk" in str(streamed.report_) and "disk" not in str(kept.report_)


def test_a_file_that_vanishes_is_named(tmp_path):
    paths = [write(tmp_path / f"{place}.png", GREY) for place in range(3)]
    records = ImageEncoder(memory_limit=0).learn(paths)
    paths[1].unlink()
    assert len(records.take(torch.tensor([0, 2]))) == 2
    with pytest.raises(UnreadableImageError, match="1.png could be read before.*does not exist"):
        records.take(torch.tensor([0, 1]))
    write(paths[1], GREY[:8])
    with pytest.raises(UnreadableImageError, match="1.png had 16 x 16 pixels and has 8 x 16 now"):
        records.take(torch.tensor([0, 1]))


# ------------------------------------------------------------------------------------------ new files


def test_new_files_must_fit_what_was_learned(tmp_path):
    encoder = ImageEncoder().fit([write(tmp_path / "grey.png", GREY)])
    with pytest.raises(InvalidInputError, match="rgb.png is rgb, but fit was given.*1 channel"):
        encoder.encode([write(tmp_path / "rgb.png", RGB)])
    with pytest.raises(InvalidInputError, match="small.png has 8 x 16 pixels"):
        encoder.encode([write(tmp_path / "small.png", GREY[:8])])


def test_what_becomes_of_a_file_does_not_depend_on_the_others(tmp_path):
    deep, grey = write(tmp_path / "deep.png", DEEP), write(tmp_path / "grey.png", GREY)
    for learned in (deep, grey):
        encoder = ImageEncoder().fit([learned])
        both = encoder.encode([deep, grey])
        assert both.equal(torch.cat([encoder.encode([deep]), encoder.encode([grey])]))
        np.testing.assert_allclose(both[1, 0], GREY / 127.5 - 1, atol=1e-6)
        np.testing.assert_allclose(both[0, 0], DEEP / 32767.5 - 1, atol=1e-4 if learned == deep else 4e-3)


def test_files_are_encoded_by_an_encoder_of_arrays(tmp_path):
    path = write(tmp_path / "a.png", RGB)
    encoder = ImageEncoder().fit(RGB[None] / 255)
    np.testing.assert_allclose(encoder.decode(encoder.encode([path]))[0], RGB / 255, atol=1e-6)


def test_a_named_range_holds_for_files(tmp_path):
    path = write(tmp_path / "a.png", (DEEP // 16).astype(np.uint16))
    encoder, images = load([path], value_range=(0, 4095))
    assert (images[0, ..., 0] == DEEP // 16).all() and encoder.encode([path]).max() > 0.9
    with pytest.raises(InvalidInputError, match=r"value_range is \(0, 100\)"):
        ImageEncoder(value_range=(0, 100)).fit([path])


def test_nothing_is_said_when_nothing_is_wrong(tmp_path):
    write_mixed(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = ImageEncoder(image_size=12, resize="crop", on_unreadable="skip").fit(Path(tmp_path))
    assert encoder.transform(tmp_path).shape == (12, 12 * 12 * 4)
