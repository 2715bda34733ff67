"""The encoder on arrays: what went in comes out; labels; state; scikit-learn."""

import json
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from ganaug import plain
from ganaug.exceptions import InvalidInputError
from ganaug.images.encoder import ImageEncoder
from ganaug.images.records import ImageRecords

SHAPES = [(5, 10, 12), (5, 10, 12, 1), (5, 1, 10, 12), (5, 10, 12, 3), (5, 3, 10, 12), (5, 10, 12, 4), (5, 4, 10, 12)]


def make_images(shape=(5, 10, 12), dtype="uint8", seed=0):
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return rng.random(shape).astype(dtype)
    high = {"bool": 2, "uint16": 65536}.get(dtype, 256)
    return rng.integers(0, high, shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "bool", "float16", "float32", "float64"])
def test_what_went_in_comes_out(shape, dtype):
    images = make_images(shape, dtype)
    encoder = ImageEncoder()
    records = encoder.learn(images)
    tensor = encoder.encode(images)
    assert tensor.dtype == torch.float32 and tensor.shape[0] == 5 and tensor.shape[2:] == (10, 12)
    assert tensor.is_contiguous() and tensor.min() >= -1 and tensor.max() <= 1
    assert records.take(torch.arange(5)).real.equal(tensor)
    for back in (encoder.decode(tensor), encoder.inverse_transform(encoder.transform(images))):
        assert back.dtype == images.dtype and back.shape == images.shape
        np.testing.assert_allclose(back, images, rtol=0, atol=1e-6 if images.dtype.kind == "f" else 0)


def test_digits():
    digits = load_digits()
    encoder = ImageEncoder(value_range=(0, 16)).fit(digits.images, digits.target)
    np.testing.assert_allclose(encoder.decode(encoder.encode(digits.images)), digits.images, atol=1e-5)
    assert encoder.classes_.tolist() == list(range(10))
    with pytest.raises(InvalidInputError, match=r"from 0 to 16.*value_range=\(0, 16\)"):
        ImageEncoder().fit(digits.images)


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame])
def test_rows_of_pixels(wrap):
    digits = load_digits()
    encoder = ImageEncoder(image_size=8, value_range=(0, 16)).fit(wrap(digits.data))
    assert encoder.encode(wrap(digits.data))[:, 0].equal(encoder.encode(digits.images)[:, 0])
    back = encoder.decode(encoder.encode(digits.data))
    assert back.shape == digits.data.shape
    np.testing.assert_allclose(back, digits.data, atol=1e-5)
    with pytest.raises(InvalidInputError, match="image_size"):
        ImageEncoder(value_range=(0, 16)).fit(wrap(digits.data))


def test_pixels_of_a_csv_are_whole_numbers():
    images = make_images((4, 64), "int64")
    encoder = ImageEncoder(image_size=(8, 8))
    records = encoder.learn(pd.DataFrame(images))
    assert records.pixels.dtype == np.uint8
    assert (encoder.decode(encoder.encode(images)) == images).all()
    assert encoder.encode(images.astype(np.uint8)).equal(encoder.encode(images))


def test_negative_floats_are_said_to_be_taken_from_minus_one():
    images = make_images(dtype="float64") * 2 - 1
    encoder = ImageEncoder().fit(images)
    assert (encoder.format_.low, encoder.format_.high) == (-1, 1)
    assert "[-1, 1]" in str(encoder.report_) and "below 0" in str(encoder.report_)
    np.testing.assert_allclose(encoder.decode(encoder.encode(images)), images, atol=1e-6)


def test_tensors_and_lists_are_images():
    images = make_images((5, 3, 10, 12))
    encoder = ImageEncoder().fit(torch.from_numpy(images))
    assert encoder.encode(list(images)).equal(encoder.encode(images))
    assert (encoder.format_.layout, encoder.format_.channels) == ("NCHW", 3)


def test_records_are_compact_and_carry_classes():
    records = ImageEncoder().learn(make_images(), ["b", "a", "b", "a", "c"])
    assert isinstance(records, ImageRecords) and records.pixels.dtype == np.uint8 and len(records) == 5
    batch = records.take(torch.tensor([4, 0]))
    assert batch.conditions.tolist() == [2, 1] and batch.real.shape == (2, 1, 10, 12)
    assert ImageEncoder().learn(make_images()).take(torch.tensor([0])).conditions is None


# ------------------------------------------------------------------------------------------ new images


def test_another_layout_is_taken_if_it_is_clear():
    images = make_images((5, 10, 12, 3))
    encoder = ImageEncoder().fit(images)
    assert encoder.encode(images.transpose(0, 3, 1, 2)).equal(encoder.encode(images))
    assert encoder.encode(images.reshape(5, -1)).equal(encoder.encode(images))
    grey = ImageEncoder().fit(images[..., :1])
    assert grey.encode(images[..., 0]).equal(grey.encode(images[..., :1]))


def test_bytes_are_taken_where_floats_were_learned():
    images = make_images()
    encoder = ImageEncoder().fit(images / 255)
    np.testing.assert_allclose(encoder.encode(images), encoder.encode(images / 255), atol=1e-6)
    signed = ImageEncoder().fit(images / 127.5 - 1)
    np.testing.assert_allclose(signed.encode(images), signed.encode(images / 127.5 - 1), atol=1e-6)


def test_a_named_range_holds_for_every_dtype():
    digits = load_digits().images[:20]
    encoder = ImageEncoder(value_range=(0, 16)).fit(digits)
    assert encoder.encode(digits.astype(np.uint8)).equal(encoder.encode(digits))
    with pytest.raises(InvalidInputError, match="from 0 to 255"):
        encoder.encode(np.linspace(0, 255, 64).reshape(1, 8, 8))


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (make_images((5, 10, 13, 3)), r"\(5, 10, 13, 3\).*10 x 12 pixels, 3 channels"),
        (make_images((5, 10, 12, 1)), "3 channels"),
        (make_images((10, 12, 3)), r"X\[np.newaxis\]"),
        (make_images((5, 10, 12, 3), "float64"), "float64.*Convert X to uint8"),
        (make_images((5, 10, 12, 3), "uint16"), "uint16.*Convert X to uint8"),
        (np.full((5, 10, 12, 3), 256), r"256.*\[0, 255\]"),
        (np.empty((0, 10, 12, 3), np.uint8), "no image"),
        (np.full((5, 10, 12, 3), "a"), "no kind of pixel"),
        ([np.zeros((8, 8)), np.zeros((9, 9))], "different sizes"),
        (5, "no image"),
        (np.array(5), "no image"),
        ([], "no image"),
        (None, "dtype object"),
        ({"a": 1}, "dtype object"),
        ({"a.png"}, "dtype object"),
    ],
)
def test_what_differs_is_named(new, words):
    encoder = ImageEncoder().fit(make_images((5, 10, 12, 3)))
    with pytest.raises(InvalidInputError, match=words):
        encoder.encode(new)


def test_an_answer_depends_neither_on_the_batch_nor_on_the_order():
    images = make_images((40, 10, 12, 3), "float64")
    encoder = ImageEncoder().fit(images)
    whole = encoder.encode(images)
    assert encoder.encode(images[::-1]).equal(whole.flip(0))
    assert torch.cat([encoder.encode(images[[place]]) for place in range(40)]).equal(whole)


# ------------------------------------------------------------------------------------------ resizing


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64", "bool"])
@pytest.mark.parametrize("shape", [(3, 20, 30), (3, 20, 30, 3), (3, 4, 20, 30)])
def test_arrays_are_resized(resize, dtype, shape):
    images = make_images(shape, dtype)
    encoder = ImageEncoder(image_size=(12, 12), resize=resize)
    records = encoder.learn(images)
    assert encoder.report_.resized == 3 and "Resized: 3" in str(encoder.report_)
    assert encoder.encode(images).equal(records.take(torch.arange(3)).real)
    back = encoder.decode(encoder.encode(images))
    assert back.dtype == dtype and back.ndim == len(shape)
    assert encoder.encode(back).shape == (3, encoder.format_.channels, 12, 12)


def test_the_three_ways_of_resizing():
    images = np.zeros((1, 16, 32), np.uint8)
    images[:, :, 8:24] = 200
    stretched, cropped, padded = (
        ImageEncoder(image_size=16, resize=resize).learn(images).pixels[0, 0] for resize in ("stretch", "crop", "pad")
    )
    assert (cropped == 200).all()
    assert (stretched[:, :3] == 0).all() and (stretched[:, 6:10] == 200).all()
    assert (padded[:3] == 0).all() and (padded[-3:] == 0).all() and (padded[6:10, 6:10] == 200).all()


def test_padding_is_black_whatever_black_is():
    images = np.ones((1, 16, 32))
    images[0, 0, 0] = -1
    assert ImageEncoder(image_size=16, resize="pad").learn(images).pixels[0, 0, 0].tolist() == [-1] * 16


def test_resizing_must_be_asked_for():
    with pytest.raises(InvalidInputError, match='10 x 12 pixels.*resize="crop"'):
        ImageEncoder(image_size=16).fit(make_images())
    with pytest.raises(InvalidInputError, match="image_size="):
        ImageEncoder(resize="crop").fit(make_images())
    with pytest.raises(InvalidInputError, match="300 x 12 pixels; sides of 8 to 256"):
        ImageEncoder().fit(make_images((2, 300, 12)))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("params", [{}, {"image_size": 16, "resize": "crop"}])
def test_one_image_is_not_taken_for_its_rows(channels, params):
    one = make_images((28, 28, channels))
    with pytest.raises(InvalidInputError, match=r'looks like one image.*X\[np.newaxis\].*layout="NHW"'):
        ImageEncoder(**params).fit(one)
    encoder = ImageEncoder(**{"image_size": 16, "resize": "crop"}).fit(make_images((5, 28, 28)))
    with pytest.raises(InvalidInputError, match=r"X\[np.newaxis\]"):
        encoder.transform(one)


def test_tiny_images_are_scaled_up_where_the_axes_are_named():
    tiny = make_images((5, 28, 4))
    encoder = ImageEncoder(image_size=16, resize="stretch", layout="NHW").fit(tiny)
    assert encoder.encode(tiny).shape == (5, 1, 16, 16)
    with pytest.raises(InvalidInputError, match="read as images of 28 x 5 pixels.*say layout="):
        ImageEncoder(image_size=16, resize="stretch").fit(make_images((5, 28, 5)))
    with pytest.raises(InvalidInputError, match="4 x 28 pixels; sides of 8"):
        ImageEncoder().fit(make_images((5, 4, 28)))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"image_size": 4}, "image_size=4"),
        ({"image_size": (8, 300)}, r"image_size=\(8, 300\)"),
        ({"image_size": (8, 8, 3)}, r"image_size=\(8, 8, 3\)"),
        ({"image_size": (16, "a")}, r"image_size=\(16, 'a'\)"),
        ({"image_size": (16, 16.5)}, r"image_size=\(16, 16.5\)"),
        ({"value_range": (1, 0)}, r"value_range=\(1, 0\)"),
        ({"value_range": ("a", "b")}, r"value_range=\('a', 'b'\)"),
        ({"value_range": (0, 1, 2)}, r"value_range=\(0, 1, 2\)"),
        ({"value_range": (0, np.inf)}, "value_range"),
        ({"color": "grey"}, "color='grey'"),
        ({"resize": "zoom"}, "resize"),
        ({"layout": "HWC"}, "layout"),
    ],
)
def test_parameters_are_checked_by_fit(params, words):
    with pytest.raises(ValueError, match=words):
        ImageEncoder(**params).fit(make_images((5, 10, 12, 3)))


# ------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b", "c", "a"],
        [3, 1, 3, 2, 1],
        np.array([True, False, True, True, False]),
        pd.Series(["b", "a", "b", "c", "a"], dtype="category"),
        np.array(["b", "a", "b", "c", "a"], dtype=object),
        pd.Series([3.0, 1.0, 3.0, 2.0, 1.0]),
    ],
)
def test_labels_come_back_as_they_were(labels):
    encoder = ImageEncoder()
    records = encoder.learn(make_images(), labels)
    assert encoder.encode_labels(labels).equal(records.labels) and records.labels.dtype == torch.int64
    back = encoder.decode_labels(records.labels)
    assert back.dtype == np.asarray(labels).dtype and back.tolist() == list(labels)
    assert sum(encoder.report_.classes.values()) == 5
    restored = ImageEncoder.from_state(encoder.to_state())
    assert restored.classes_.dtype == encoder.classes_.dtype
    assert restored.encode_labels(labels).equal(records.labels)


DAYS = pd.to_datetime(
    ["2020-01-02", "2020-01-01", "2020-01-02", "2020-03-01 12:00:00.000000001", "2020-01-01"], format="ISO8601"
)


@pytest.mark.parametrize(
    "labels",
    [
        list("babca"),
        np.array(list("babca"), dtype=object),
        [3, 1, 3, 2, 1],
        [True, False, True, True, False],
        pd.Series(DAYS),
        pd.Series(DAYS.tz_localize("Europe/Berlin")),
        list(DAYS),
        DAYS.to_numpy().astype("datetime64[D]"),
        list(DAYS.to_pydatetime()),
        list(DAYS.date),
        pd.Series(DAYS - DAYS[0]),
        pd.Series(DAYS.to_period("D")),
        pd.cut(np.array([5, 1, 5, 3, 1]), 3),
    ],
    ids=lambda labels: f"{type(labels).__name__}-{getattr(labels, 'dtype', type(labels[0]).__name__)}",
)
def test_labels_of_any_kind_are_known_again_after_saving(labels):
    encoder = ImageEncoder()
    records = encoder.learn(make_images(), labels)
    arrays = {}
    state = plain.decode(json.loads(json.dumps(plain.encode(encoder.to_state(), arrays))), arrays)
    restored = ImageEncoder.from_state(state)
    assert restored.classes_.dtype == encoder.classes_.dtype
    assert restored.classes_.tolist() == encoder.classes_.tolist()
    for known in (encoder, restored):
        assert known.encode_labels(labels).equal(records.labels)
        assert known.encode_labels(known.decode_labels(records.labels)).equal(records.labels)
        assert known.encode_labels([known.classes_[0]]).tolist() == [0]
        with pytest.raises(InvalidInputError, match=r"y\[0\] is 'new', which fit has not seen"):
            known.encode_labels(["new"])


def test_dates_are_no_numbers_and_no_texts():
    encoder = ImageEncoder().fit(make_images(), pd.Series(DAYS))
    assert list(encoder.report_.classes) == sorted(set(DAYS)) and "2020-03-01" in str(encoder.report_)
    for label in (DAYS[0].value, "2020-01-02"):
        with pytest.raises(InvalidInputError, match=r"has not seen. It knows Timestamp\('2020-01-01"):
            encoder.encode_labels([label])


@pytest.mark.parametrize("labels", [[Fraction(1, 3)] * 5, np.array([1, 2j, 2j, 1, 1], dtype=object)])
def test_labels_that_no_model_can_keep_are_refused_at_once(labels):
    with pytest.raises(
        InvalidInputError, match="y holds labels that a model can't keep: .*into text or numbers|mixes complex, int"
    ):
        ImageEncoder().fit(make_images(), labels)


@pytest.mark.parametrize("indices", [[-1], [3], [0.5], ["a"], torch.tensor([0, 3])])
def test_indices_beyond_the_classes_are_refused(indices):
    encoder = ImageEncoder().fit(make_images(), list("babca"))
    with pytest.raises(InvalidInputError, match="there are 3 classes, so whole numbers from 0 to 2"):
        encoder.decode_labels(indices)
    assert encoder.decode_labels([]).tolist() == []


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (3, "y can't be labels.*one label per image"),
        ([1, 2], "2 labels for 5 images"),
        (["a", None, "b", None, "a"], r"y\[1\] is missing, and 2 of 5"),
        (["a", "b", np.nan, "b", "a"], r"y\[2\] is missing"),
        ([1.0, 2.0, np.nan, 1.0, 2.0], r"y\[2\] is missing"),
        ([0.5, 1, 2, 3, 4], r"y\[0\] is 0.5, a measure"),
        (["a", 1, "b", 2, "a"], "mixes int, str"),
    ],
)
def test_labels_are_checked(labels, words):
    with pytest.raises(InvalidInputError, match=words):
        ImageEncoder().fit(make_images(), labels)


def test_unknown_labels_are_named():
    encoder = ImageEncoder().fit(make_images(), ["b", "a", "b", "c", "a"])
    with pytest.raises(InvalidInputError, match=r"y\[1\] is 'd'.*'a', 'b', 'c'"):
        encoder.encode_labels(["a", "d"])
    with pytest.raises(InvalidInputError, match=r"y\[0\] is 7"):
        encoder.encode_labels([7])
    with pytest.raises(InvalidInputError, match="no labels"):
        ImageEncoder().fit(make_images()).encode_labels(["a"])


# ------------------------------------------------------------------------------------------ scikit-learn, and state


@pytest.mark.parametrize("shape", [(5, 10, 12), (5, 3, 10, 12), (5, 10, 12, 4)])
def test_state_holds_the_form_and_no_pixel(shape):
    images = make_images(shape)
    encoder = ImageEncoder(value_range=(0, 255)).fit(images, list("abcab"))
    arrays = {}
    state = plain.decode(plain.encode(encoder.to_state(), arrays), arrays)
    assert arrays == {}
    back = ImageEncoder.from_state(state)
    assert back.format_ == encoder.format_ and back.get_params() == encoder.get_params()
    assert str(back.report_) == str(encoder.report_)
    assert back.encode(images).equal(encoder.encode(images))
    assert (pickle.loads(pickle.dumps(encoder)).transform(images) == encoder.transform(images)).all()


@pytest.mark.parametrize("shape", [(5, 10, 12), (5, 3, 10, 12), (5, 10, 12, 4)])
def test_rows_have_names_in_the_order_of_the_pixels(shape):
    images = make_images(shape)
    encoder = ImageEncoder().fit(images)
    rows = encoder.transform(images)
    assert rows.dtype == np.float64 and rows.min() >= 0 and rows.max() <= 1
    np.testing.assert_allclose(rows, images.reshape(5, -1) / 255, atol=1e-7)
    names = encoder.get_feature_names_out().tolist()
    assert len(set(names)) == rows.shape[1]
    if shape[-1] == 4:
        assert rows[2, names.index("pixel_3_7_blue")] == images[2, 3, 7, 2] / 255
    frame = encoder.set_output(transform="pandas").transform(images)
    assert frame.columns.tolist() == names


def test_it_is_a_scikit_learn_transformer():
    digits = load_digits()
    model = make_pipeline(ImageEncoder(value_range=(0, 16)), LogisticRegression(max_iter=500))
    assert model.fit(digits.images[:600], digits.target[:600]).score(digits.images[600:], digits.target[600:]) > 0.85
    encoder = clone(ImageEncoder(image_size=[8, 8]))
    tags = get_tags(encoder).input_tags
    assert tags.three_d_array and not tags.two_d_array
    for ask in (encoder.encode, encoder.transform, encoder.decode, encoder.inverse_transform):
        with pytest.raises(NotFittedError):
            ask(digits.images)


def test_tensors_of_another_shape_are_refused():
    encoder = ImageEncoder().fit(make_images())
    with pytest.raises(InvalidInputError, match=r"\(2, 1, 8, 8\).*\(n, 1, 10, 12\)"):
        encoder.decode(torch.zeros(2, 1, 8, 8))
    with pytest.raises(InvalidInputError, match=r"\(n, 120\)"):
        encoder.inverse_transform(np.zeros((2, 64)))
