import pytest
import torch

from ganaug.images.networks import PLAYERS, ImageShape
from ganaug.images.networks.layers import Maxout, ScaledResidual, SeededDropout, seed_dropouts

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 25, 25), (3, 48, 64), (4, 100, 100), (3, 9, 256), (1, 255, 8)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("name", "n_classes"),
    [(name, n_classes) for name in sorted(PLAYERS) for n_classes in (0, 3) if (name, n_classes) != ("textbook", 3)],
)
def test_players_fit_images_of_any_shape(name, shape, n_classes):
    torch.manual_seed(0)
    generator, discriminator = PLAYERS[name](ImageShape(*shape), 5, (8, 8), n_classes)
    labels = torch.tensor([0, 2]) if n_classes else None
    images = generator(torch.randn(2, 5), labels)
    assert images.shape == (2, *shape) and images.abs().max() <= 1
    zeros = torch.zeros(2, 5)
    assert torch.equal(generator.draw(generator.latent(zeros, labels)), generator(zeros, labels))
    features = discriminator.features(images)
    assert features.shape == (2, discriminator.n_features)
    discriminator.eval()
    logits, every = discriminator(images, labels), discriminator.judge_all(discriminator.features(images))
    assert logits.shape == (2,) and every.shape == (2, max(1, n_classes))
    own = every[:, 0] if labels is None else every[torch.arange(2), labels]
    torch.testing.assert_close(own, logits)


def test_grids_follow_the_shape():
    assert [ImageShape(1, side, side).n_halvings for side in (8, 16, 28, 32, 64, 100, 256)] == [1, 1, 2, 2, 3, 4, 5]
    shape = ImageShape(3, 25, 64)
    assert shape.grid(2) == (7, 16) and shape.floor_grid(2) == (6, 16) and shape.n_pixels == 4800
    assert [shape.n_channels(32, stage) for stage in range(5)] == [16, 32, 64, 128, 128]
    whole = torch.arange(28 * 64).view(1, 1, 28, 64)
    assert torch.equal(shape.cut(whole), whole[:, :, 1:26])


def test_the_textbook_has_the_papers_layers():
    generator, discriminator = PLAYERS["textbook"](ImageShape(3, 64, 64), 100, (64, 64), 0)
    kinds = [type(layer).__name__ for layer in generator.body]
    assert kinds == ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 4 + ["ConvTranspose2d"]
    kinds = [type(layer).__name__ for layer in discriminator.body]
    assert kinds == ["Conv2d", "LeakyReLU", *["Conv2d", "BatchNorm2d", "LeakyReLU"] * 3, "Flatten"]
    assert [layer.out_channels for layer in generator.body if hasattr(layer, "stride")] == [512, 256, 128, 64, 3]
    assert generator.body[0].kernel_size == (4, 4)
    weights = generator.body[3].weight.detach()
    assert abs(float(weights.std()) - 0.02) < 0.002


def test_maxout_takes_the_largest_piece():
    layer = Maxout(3, 2, 4)
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    pieces = layer.pieces(inputs).view(5, 2, 4)
    assert torch.equal(layer(inputs), pieces.max(dim=2).values)


def test_dropout_draws_from_the_games_generator_alone():
    layer, ones = SeededDropout(0.25), torch.ones(4000)
    state = torch.get_rng_state()
    seed_dropouts(layer, torch.Generator().manual_seed(1))
    first = layer(ones)
    seed_dropouts(layer, torch.Generator().manual_seed(1))
    assert torch.equal(layer(ones), first) and torch.equal(state, torch.get_rng_state())
    assert abs(float((first == 0).float().mean()) - 0.25) < 0.03 and abs(float(first.mean()) - 1) < 0.05
    assert torch.equal(layer.eval()(ones), ones)


def test_a_residual_block_begins_near_the_identity():
    torch.manual_seed(0)
    inputs = torch.randn(4, 8, 6, 6)
    changed = (ScaledResidual(8, has_norm=False)(inputs) - inputs).detach()
    assert 0 < float(changed.std()) < 0.3 * float(inputs.std())
