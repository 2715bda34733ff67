"""Latents: mixed, and searched for; what an image is drawn from."""

import torch
from torch import Tensor, nn

from ganaug.adversarial import Batch, Budget, Game, Run, Terms, Trainer, TrainingSettings, Turn
from ganaug.images.asking import BLOCK
from ganaug.images.networks import ImageGenerator

_SEARCH = TrainingSettings(generator_lr=0.1, generator_betas=(0.9, 0.99), warmup_steps=0, ema_decay=0.0)
_PULL = 1e-3
"""Weight of the noise's own length beside the squared error of a pixel: enough to leave no direction undecided."""


def mix(start: Tensor, end: Tensor, n_steps: int, latent_dim: int) -> Tensor:
    """Return latents (n_steps, width) from ``start`` to ``end``: on a sphere in the noise, straight in the rest."""
    share = torch.linspace(0.0, 1.0, n_steps, dtype=start.dtype)[:, None]
    straight = start + share * (end - start)
    first, last = start[:latent_dim], end[:latent_dim]
    cosine = torch.nn.functional.cosine_similarity(first, last, dim=0).clamp(-1.0, 1.0)
    angle = torch.acos(cosine)
    if torch.sin(angle) < 1e-4:  # the same direction, or opposite ones: no way on the sphere is shorter than others
        return straight
    turned = (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * last) / torch.sin(angle)
    return torch.cat([turned, straight[:, latent_dim:]], dim=1)


class SearchGame(Game):
    """A game with one player: the latents of some images, which move until the generator draws those.

    Parameters
    ----------
    artist : ImageGenerator
        Draws, and learns nothing.
    starts : Tensor of shape (n_images, latent_width)
    """

    def __init__(self, artist: ImageGenerator, starts: Tensor) -> None:
        super().__init__()
        self.generator = _Latents(starts)
        self.discriminator = nn.Identity()
        self._draw = artist.draw  # not the module: it must not be put into training mode

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``distance`` in pixels, and ``prior``."""
        latents = self.generator()
        # Sums over the images, so that each is searched for as if it were alone.
        distance = (self._draw(latents) - batch.real).square().flatten(1).mean(dim=1).sum()
        return {"distance": distance, "prior": _PULL * latents.square().mean(dim=1).sum()}


class _Latents(nn.Module):
    def __init__(self, starts: Tensor) -> None:
        super().__init__()
        self.latents = nn.Parameter(starts.clone())

    def forward(self) -> Tensor:
        return self.latents


class _Same:
    """One batch, again and again."""

    steps_per_epoch = 1

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __next__(self) -> Batch:
        return self.batch

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Nothing moves."""


def search_latents(artist: ImageGenerator, images: Tensor, starts: Tensor, n_steps: int) -> Tensor:
    """Return the latents (n, latent_width) whose images are most like ``images``, on the CPU."""
    device = next(artist.parameters()).device
    found = []
    for first in range(0, len(images), BLOCK):
        wanted, begin = images[first : first + BLOCK], starts[first : first + BLOCK]
        n_missing = BLOCK - len(wanted)
        batch = Batch(torch.cat([wanted, wanted.new_zeros((n_missing, *wanted.shape[1:]))]).to(device))
        game = SearchGame(artist, torch.cat([begin, begin.new_zeros((n_missing, begin.shape[1]))])).to(device)
        run = Run()
        Trainer(game, _Same(batch), run, Budget(max_steps=n_steps), _SEARCH, seed=0).train()
        if run.stop_reason == "interrupted":  # half a search is no answer
            raise KeyboardInterrupt
        found.append(game.generator().detach().cpu()[: len(wanted)])
    return torch.cat(found) if found else starts
