import torch

from ganaug.adversarial import Batch, Turn
from ganaug.images.game import ImageGame
from ganaug.images.networks import PLAYERS, ImageShape


def make_game(players="modern", n_classes=2, **settings):
    torch.manual_seed(0)
    pair = PLAYERS[players](ImageShape(1, 8, 8), 6, (8, 8), n_classes)
    return ImageGame(*pair, latent_dim=6, **{"loss": "relativistic", **settings})


def make_batch(n_images=16):
    rng = torch.Generator().manual_seed(1)
    return Batch(torch.rand(n_images, 1, 8, 8, generator=rng) * 2 - 1, torch.arange(n_images) % 2)


def turn(step=0, seed=5):
    return Turn(step=step, progress=0.0, rng=torch.Generator().manual_seed(seed))


def test_terms_and_what_is_watched():
    game, batch, now = make_game(penalty="r1_r2", penalty_interval=2, penalty_size=4), make_batch(), turn()
    terms = game.discriminator_terms(batch, now)
    assert set(terms) == {"adversarial", "gradient_penalty"} and "augmentation" not in now.observed
    assert set(game.discriminator_terms(batch, turn(step=1))) == {"adversarial"}
    assert set(game.generator_terms(batch, turn())) == {"adversarial"}


def test_a_penalty_on_a_part_of_the_batch_is_that_of_the_part():
    batch = make_batch()
    whole, part = make_game(penalty="r1"), make_game(penalty="r1", penalty_size=4)
    of_part = make_game(penalty="r1").discriminator_terms(batch.head(4), turn())["gradient_penalty"]
    assert torch.isclose(part.discriminator_terms(batch, turn())["gradient_penalty"], of_part)
    assert not torch.isclose(whole.discriminator_terms(batch, turn())["gradient_penalty"], of_part)


def test_both_players_images_are_augmented_and_the_strength_is_kept_with_the_weights():
    game, batch = make_game(kinds=("translation", "cutout"), ramp_images=64), make_batch()
    still = game.discriminator_terms(batch, turn())["adversarial"]
    game.adaptive.strength.fill_(1.0)
    now = turn()
    assert not torch.isclose(game.discriminator_terms(batch, now)["adversarial"], still)
    assert float(now.observed["augmentation"]) <= 1.0
    assert "adaptive.strength" in game.state_dict()


def test_a_sure_discriminator_raises_the_strength():
    game, batch = make_game(kinds=("translation",), ramp_images=640), make_batch()
    logits = torch.full((16,), 9.0)
    for _ in range(4):
        game.watch(turn(), batch.real, batch.real, logits, -logits)
    assert torch.isclose(game.adaptive.strength, torch.tensor(0.1))


def test_noise_is_even_where_the_papers_say_so():
    rng = torch.Generator().manual_seed(0)
    noise = make_game(has_uniform_noise=True).draw_noise(2000, rng)
    assert noise.abs().max() <= 1 and abs(float(noise.std()) - 3**-0.5) < 0.02
    assert abs(float(make_game().draw_noise(2000, rng).std()) - 1) < 0.02


def test_dropout_follows_the_turn():
    game, batch = make_game("perceptrons"), make_batch()
    game.train()
    first, again, other = (game.discriminator_terms(batch, turn(seed=seed))["adversarial"] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
