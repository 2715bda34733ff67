"""The game of the image GANs: noise [+ class] -> image, both players' images changed alike on their way."""

from typing import Any

import torch
from torch import Tensor

from ganaug.adversarial import Batch, NoiseGame, Terms, Turn
from ganaug.images.augmentation import AdaptiveStrength, augment
from ganaug.images.networks.layers import seed_dropouts
from ganaug.images.networks.players import ImageDiscriminator, ImageGenerator

_TARGET = 0.3
"""Augment more while the discriminator is right about 65 % of the pairs. Found on 100 digits (decision 0010)."""


class ImageGame(NoiseGame):
    """Real images against fakes of the same classes.

    Parameters
    ----------
    generator : ImageGenerator
    discriminator : ImageDiscriminator
    latent_dim : int
        Size of the noise.
    kinds : tuple of str
        Kinds of differentiable augmentation; empty for none.
    ramp_images : int
        Real images shown while its strength could go from 0 to 1.
    has_uniform_noise : bool
        Draw the noise evenly from [-1, 1], as the early papers do, and not from a normal distribution.
    **settings
        Of ``AdversarialGame``.
    """

    generator: ImageGenerator
    discriminator: ImageDiscriminator

    def __init__(
        self,
        generator: ImageGenerator,
        discriminator: ImageDiscriminator,
        *,
        latent_dim: int,
        kinds: tuple[str, ...] = (),
        ramp_images: int = 100_000,
        has_uniform_noise: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(generator, discriminator, latent_dim=latent_dim, **settings)
        self.kinds, self.has_uniform_noise = kinds, has_uniform_noise
        self.adaptive = AdaptiveStrength(relativistic=True, target=_TARGET, ramp_images=ramp_images) if kinds else None
        self._rng: torch.Generator | None = None

    def draw_noise(self, n_records: int, rng: torch.Generator) -> Tensor:
        """Return noise (n_records, latent_dim)."""
        if self.has_uniform_noise:
            return 2.0 * torch.rand(n_records, self.latent_dim, generator=rng, device=rng.device) - 1.0
        return super().draw_noise(n_records, rng)

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial`` and, on its turns, ``gradient_penalty``."""
        self._take_chance_from(turn)
        return super().discriminator_terms(batch, turn)

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial``."""
        self._take_chance_from(turn)
        return super().generator_terms(batch, turn)

    def judge(self, records: Tensor, batch: Batch) -> Tensor:
        """Return the logits of images, each changed at random first."""
        if self.adaptive is not None:
            assert self._rng is not None
            records = augment(records, self.kinds, self.adaptive.strength, self._rng)
        return super().judge(records, batch)

    def watch(self, turn: Turn, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor) -> None:
        """Report what ``diagnose`` needs, and let the strength follow how sure the discriminator is."""
        super().watch(turn, real, fake, real_logits, fake_logits)
        if self.adaptive is not None:
            self.adaptive.update(real_logits, fake_logits)
            turn.observe("augmentation", self.adaptive.strength.clone())

    def _take_chance_from(self, turn: Turn) -> None:
        self._rng = turn.rng
        seed_dropouts(self.discriminator, turn.rng)
