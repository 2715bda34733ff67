"""Layouts, dtypes and ranges of arrays: found, refused, and given back."""

import numpy as np
import pytest

from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import ImageFormat, find_range, storage_of, to_unit
from ganaug.images.layouts import find_layout


@pytest.mark.parametrize(
    ("shape", "wanted", "size", "found"),
    [
        ((5, 28, 28), "auto", None, ("NHW", 1)),
        ((5, 28, 28), "NHW", None, ("NHW", 1)),
        ((5, 28, 28, 1), "auto", None, ("NHWC", 1)),
        ((5, 1, 28, 28), "auto", None, ("NCHW", 1)),
        ((5, 32, 30, 3), "auto", None, ("NHWC", 3)),
        ((5, 4, 32, 30), "auto", None, ("NCHW", 4)),
        ((5, 4, 28, 4), "NCHW", None, ("NCHW", 4)),
        ((5, 64), "auto", (8, 8), ("NHWC", 1)),
        ((5, 64), "NHW", (8, 8), ("NHW", 1)),
        ((5, 240), "auto", (8, 10), ("NHWC", 3)),
        ((5, 240), "NCHW", (8, 10), ("NCHW", 3)),
    ],
)
def test_layouts_are_found(shape, wanted, size, found):
    assert find_layout(shape, wanted, size) == found


@pytest.mark.parametrize(
    ("shape", "wanted", "size", "words"),
    [
        ((5, 3, 3, 3), "auto", None, 'layout="NHWC" or layout="NCHW"'),
        ((5, 4, 28, 4), "auto", None, 'layout="NHWC" or layout="NCHW"'),
        ((5, 28, 28, 2), "auto", None, "1, 3 or 4 long"),
        ((5, 3, 28, 28), "NHWC", None, "another layout="),
        ((5, 28, 28), "NHWC", None, "X\\[np.newaxis\\]"),
        ((5, 28, 28, 1), "NHW", None, "'NHW'"),
        ((28,), "auto", None, "X\\[np.newaxis\\]"),
        ((5, 64), "auto", None, "image_size=\\(height, width\\)"),
        ((5, 65), "auto", (8, 8), "rows of 65 values"),
        ((5, 128), "auto", (8, 8), "1, 3 or 4 channels"),
        ((5, 192), "NHW", (8, 8), "1, 3 or 4 channels"),
    ],
)
def test_unclear_layouts_are_asked_for(shape, wanted, size, words):
    with pytest.raises(InvalidInputError, match=words):
        find_layout(shape, wanted, size)


def images(low, high, dtype, n=3):
    return np.linspace(low, high, n * 64).reshape(n, 8, 8).astype(dtype)


@pytest.mark.parametrize(
    ("array", "wanted", "limits"),
    [
        (images(0, 200, "uint8"), "auto", (0, 255)),
        (images(0, 200, "uint16"), "auto", (0, 65535)),
        (images(0, 200, "int64"), "auto", (0, 255)),
        (images(0, 1, "bool"), "auto", (0, 1)),
        (images(0, 1, "float32"), "auto", (0, 1)),
        (images(-1e-7, 1 + 1e-7, "float64"), "auto", (0, 1)),
        (images(-1, 1, "float64"), "auto", (-1, 1)),
        (images(0, 16, "float64"), (0, 16), (0, 16)),
        (images(-1000, 3000, "int16"), [-1000, 3000], (-1000, 3000)),
    ],
)
def test_ranges_are_found(array, wanted, limits):
    found, note = find_range(array, wanted)
    assert found == limits
    assert (note is not None) == (limits == (-1, 1))


@pytest.mark.parametrize(
    ("array", "wanted", "words"),
    [
        (images(0, 16, "float64"), "auto", r"from 0 to 16.*first is in X\[0\].*value_range=\(0, 16\)"),
        (images(0, 250.5, "float64"), "auto", r"value_range=\(0, 255\)"),
        (images(-3, 1, "float64"), "auto", r"from -3 to 1.*value_range=\(-3, 1\)"),
        (images(0, 300, "int64"), "auto", r"first is in X\[2\].*value_range=\(0, 300\)"),
        (images(0, 17, "float64"), (0, 16), r"from 0 to 17, beyond the range \[0, 16\]"),
    ],
)
def test_values_beyond_the_range_are_named(array, wanted, words):
    with pytest.raises(InvalidInputError, match=words):
        find_range(array, wanted)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_image_with_nan_is_named(bad):
    array = images(0, 1, "float64")
    array[1, 3, 3] = array[2, 0, 0] = bad
    with pytest.raises(InvalidInputError, match=r"X\[1\] holds NaN or infinity"):
        find_range(array, "auto")


@pytest.mark.parametrize(("layout", "n_dims"), [("NHWC", 4), ("NCHW", 4), ("NHWC", 2), ("NCHW", 2)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arranged_images_are_restored(layout, n_dims, channels):
    image_format = ImageFormat(8, 10, channels, layout, "uint8", 0, 255, n_dims)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, channels, 8, 10)).astype(np.uint8)
    given = image_format.restore(to_unit(pixels, 0, 255))
    assert given.dtype == np.uint8 and given.ndim == n_dims
    assert (image_format.arrange(given) == pixels).all()


def test_large_samples_are_restored_piece_by_piece(monkeypatch):
    image_format = ImageFormat(8, 8, 1, "NHW", "uint8", 0, 255, 3)
    unit = np.random.default_rng(0).uniform(-1, 1, (7, 1, 8, 8)).astype(np.float32)
    whole = image_format.restore(unit)
    monkeypatch.setattr("ganaug.images.formats._CHUNK", 128)
    assert (image_format.restore(unit) == whole).all()


def test_whole_numbers_are_rounded_and_kept_inside_the_range():
    image_format = ImageFormat(8, 8, 1, "NHW", "uint8", 0, 255, 3)
    unit = np.full((1, 1, 8, 8), 0.999, np.float32)
    unit[0, 0, 0] = 1.5
    unit[0, 0, 1] = -1.5
    restored = image_format.restore(unit)
    assert restored[0, 0, 0] == 255 and restored[0, 1, 0] == 0 and restored[0, 2, 0] == 255


def test_black_and_white_are_exact_and_nothing_lies_beyond():
    for low, high, dtype in [(0, 255, "uint8"), (0, 65535, "uint16"), (-0.3, 0.7, "float32"), (-1000, 3000, "int16")]:
        unit = to_unit(np.array([low, high], dtype), low, high)
        assert unit.dtype == np.float32 and unit.tolist() == [-1, 1]
    assert to_unit(np.array([-1e-7, 1 + 1e-7]), 0, 1).tolist() == [-1, 1]


def test_the_smallest_dtype_is_stored():
    assert storage_of(np.dtype("int64"), 0, 255) == np.uint8
    assert storage_of(np.dtype("int64"), 0, 256) == np.uint16
    assert storage_of(np.dtype("int16"), -1, 255) == np.float32
    assert storage_of(np.dtype("float64"), 0, 1) == np.float32


@pytest.mark.parametrize(
    ("given", "form"),
    [
        (("NHW", "uint8", 0, 255, 3), {"layout": "NHW"}),
        (("NCHW", "int64", 0, 16, 2, False), {"layout": "NCHW", "value_range": (0, 16), "image_size": (8, 10)}),
        (("NHWC", "float32", -1, 1), {"layout": "NHWC", "value_range": (-1, 1)}),
    ],
)
def test_pictures_are_told_what_values_alone_do_not(given, form):
    assert ImageFormat(8, 10, 1, *given).picture_form() == form


def test_colors_of_16_bits_are_written_with_8():
    deep = ImageFormat(8, 10, 3, "NHWC", "uint16", 0, 65535)
    assert deep.is_deep_color and deep.picture_form()["value_range"] == (0, 65535)
    assert not ImageFormat(8, 10, 1, "NHWC", "uint16", 0, 65535).is_deep_color
