"""Images of any size: loaded as they are, taken in parts by networks, and given back as they came."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganaug.exceptions import InvalidInputError
from ganaug.images import ImageEncoder
from ganaug.images.anysize import apply_in_tiles, learn_pictures, load_pictures, restore
from ganaug.images.networks.translating import Translator, count_halvings
from ganaug.images.networks.upscaling import Upscaler
from ganaug.images.policy import Policy

POLICY = Policy.of(ImageEncoder())
CPU = torch.device("cpu")


def make_image(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


NETWORKS = {
    "flat": lambda: Translator(3, 3, 4, 2, 0),
    "halved": lambda: Translator(3, 1, 4, 1, 1),
    "halved twice": lambda: Translator(3, 3, 4, 1, 2),
    "negative": lambda: Translator(3, 3, 4, 1, 1, shortcut=-1),
    "anew": lambda: Translator(3, 3, 4, 1, 1, shortcut=0),
    "doubled": lambda: Upscaler(3, 4, 2, 2),
    "tripled": lambda: Upscaler(3, 4, 1, 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_fit_together_to_what_the_whole_image_gives(name):
    torch.manual_seed(0)
    network = NETWORKS[name]()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)  # far from the start, at which hardly anything is seen
    images = torch.rand(2, 3, 61, 97) * 2 - 1
    with torch.no_grad():
        whole = network(images)
    parts = apply_in_tiles(network, images, CPU, tile=16)
    assert parts.shape == whole.shape == (2, whole.shape[1], network.scale * 61, network.scale * 97)
    assert (parts - whole).abs().max() <= 1e-5 * whole.abs().max()


def test_the_halo_is_as_far_as_the_network_sees():
    network = Translator(1, 1, 2, 1, 1).double()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.uniform_(layer.weight, 0.5, 1.0)
    reach = 0
    for place in (40, 41):  # on both sides of a cell of the halved grid
        image = torch.zeros(1, 1, 81, 81, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(network(image)[0, 0, place, place], image)
        reach = max(reach, int((slope[0, 0].abs().sum(0).nonzero() - place).abs().max()))
    assert reach == network.halo


def test_grids_of_sixteen_pixels_are_halved_once():
    assert [count_halvings(side) for side in (8, 12, 16, 24, 25, 64, 200)] == [0, 0, 1, 1, 2, 2, 2]


def test_an_array_comes_back_as_an_array_and_a_list_as_a_list():
    array = np.stack([make_image(12, 20, seed=seed) for seed in range(3)])
    pictures, known, _ = learn_pictures(array, POLICY)
    assert np.array_equal(restore(list(pictures.runs()), known, pictures.is_array), array)
    images = [make_image(12, 20), make_image(30, 9), make_image(30, 9, seed=1)]
    pictures, known, report = learn_pictures(images, POLICY)
    assert str(report).startswith("3 images of up to 30 x 20 pixels, 3 channels, uint8")
    assert [run.shape[0] for run in pictures.runs()] == [1, 2]
    back = restore(list(pictures.runs()), known, pictures.is_array)
    assert all(np.array_equal(one, other) for one, other in zip(back, images, strict=True))


def test_black_is_one_value_for_all_images_of_a_list():
    images = [np.full((8, 8), 0.5), np.full((9, 8), -0.5)]
    pictures, known, report = learn_pictures(images, POLICY)
    assert (known.low, known.high) == report.value_range == (-1, 1) and report.size == (8, 8) and report.notes
    assert [float(run.mean()) for run in pictures.runs()] == [0.5, -0.5]


def test_an_image_of_very_many_values_is_given_back_some_rows_at_a_time(monkeypatch):
    array = np.stack([make_image(12, 20, seed=seed) for seed in range(2)])
    pictures, known, _ = learn_pictures(array, POLICY)
    monkeypatch.setattr("ganaug.images.formats._CHUNK", 150)
    assert np.array_equal(restore(pictures.runs(), known, is_array=True), array)


def test_files_of_any_size_keep_it(tmp_path):
    images = {"a.png": make_image(300, 20), "b.png": make_image(9, 40)}
    for name, image in images.items():
        Image.fromarray(image).save(tmp_path / name)
    pictures, known, report = learn_pictures(tmp_path, POLICY)  # 300 is more than an encoder would learn
    assert pictures.names == ["a.png", "b.png"] and known.channels == 3
    assert "2 images of up to 300 x 40 pixels" in str(report)
    for loaded in (pictures, load_pictures(tmp_path, known, POLICY)):
        back = restore(list(loaded.runs()), known, loaded.is_array)
        assert all(np.array_equal(one, other) for one, other in zip(back, images.values(), strict=True))


def test_new_images_may_be_bytes_where_learned_ones_were_not():
    _, known, _ = learn_pictures(make_image(8, 8)[None] / 255, POLICY)
    given = make_image(10, 12, seed=3)
    for X in (given[None], [given], [given / 255], given[None].transpose(0, 3, 1, 2)):
        (run,) = load_pictures(X, known, POLICY).runs()
        assert torch.allclose(run[0], torch.from_numpy(given / 127.5 - 1).permute(2, 0, 1).float(), atol=1e-6)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((5, 64)), r"shape \(5, 64\): rows of pixels, or one image"),
        ([], "empty list"),
        ([np.zeros((8, 8)), np.zeros((8, 8, 3))], r"X\[1\] holds 8 x 8 pixels, 3 channels"),
        ([np.zeros((8, 8, 3, 1))], r"X\[0\] has the shape \(8, 8, 3, 1\)"),
        ([np.zeros((8, 8)), np.full((8, 8), np.nan)], r"X\[1\] holds NaN"),
        (np.zeros((2, 0, 8)), "there is no image in it"),
        (np.full((2, 8, 8, 3), np.nan), r"X\[0\] holds NaN"),
    ],
)
def test_what_is_no_set_of_images_is_refused(X, words):
    with pytest.raises(InvalidInputError, match=words):
        learn_pictures(X, POLICY)


def test_new_images_of_other_channels_are_refused(tmp_path):
    _, known, _ = learn_pictures(make_image(8, 8, 1)[None], POLICY)
    with pytest.raises(InvalidInputError, match=r"shape \(1, 9, 9, 3\), but fit was given images of 1 channel. Give"):
        load_pictures(make_image(9, 9)[None], known, POLICY)
    with pytest.raises(InvalidInputError, match=r"^X\[1\] has the shape"):
        load_pictures([make_image(9, 9, 1), make_image(9, 9)], known, POLICY)
    Image.fromarray(make_image(9, 9)).save(tmp_path / "color.png")
    with pytest.raises(InvalidInputError, match=r"color.png is rgb, but fit was given images of"):
        load_pictures(tmp_path, known, POLICY)


def test_files_beyond_the_memory_limit_are_refused(tmp_path):
    Image.fromarray(make_image(30, 30)).save(tmp_path / "a.png")
    with pytest.raises(InvalidInputError, match="more than memory_limit=1000 bytes. Raise it"):
        learn_pictures(tmp_path, Policy.of(ImageEncoder(memory_limit=1000)))
