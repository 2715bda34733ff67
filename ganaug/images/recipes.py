"""What the papers set, and what we found to work; a parameter that is left at None takes its recipe's value."""

from dataclasses import dataclass, replace

Betas = tuple[float, float]


@dataclass(frozen=True)
class Recipe:
    """Settings that belong together."""

    players: str = "modern"
    """A key of ``networks.PLAYERS``."""
    has_clusters: bool = True
    """Whether images are cut into clusters by themselves."""
    takes_kinds: bool = True
    """Whether the players can be told clusters or classes."""
    latent_dim: int = 64
    generator_width: int = 32
    discriminator_width: int = 32
    batch_size: int = 32
    loss: str = "relativistic"
    gradient_penalty: str | None = "r1_r2"
    gradient_penalty_weight: float = 1.0
    gradient_penalty_interval: int = 8
    penalty_size: int | None = 8
    """Records of a batch that the penalty is computed on."""
    discriminator_steps: int = 1
    generator_lr: float = 2e-3
    discriminator_lr: float = 2e-3
    betas: Betas = (0.0, 0.99)
    """Adam's, of both players."""
    learning_rate_schedule: str = "cosine"
    warmup_steps: int = 0
    ema_decay: float = 0.998
    has_uniform_noise: bool = False
    augment: str | None = "auto"
    """What ``augment="auto"`` comes to."""
    keep_best: bool = True


MODERN = Recipe()
"""Relativistic with gradients held at real and fake (Huang et al. 2024, arXiv 2501.05441), cheaply (decision 0010)."""

MODERN_PERCEPTRON = Recipe(players="modern perceptrons", generator_width=512, discriminator_width=256)

TEXTBOOK_PERCEPTRON = Recipe(
    players="perceptrons",
    has_clusters=False,
    latent_dim=100,
    generator_width=1200,
    discriminator_width=240,
    batch_size=100,
    loss="non_saturating",
    gradient_penalty=None,
    generator_lr=2e-4,
    discriminator_lr=2e-4,
    betas=(0.5, 0.999),
    learning_rate_schedule="constant",
    ema_decay=0.0,
    has_uniform_noise=True,
    augment=None,
    keep_best=False,
)
"""Goodfellow et al. 2014 and Mirza and Osindero 2014. Adam stands for their SGD, whose momentum and rate followed
schedules that only fitted their budget of epochs."""

TEXTBOOK_CONVOLUTION = replace(
    TEXTBOOK_PERCEPTRON,
    players="textbook",
    takes_kinds=False,
    generator_width=64,
    discriminator_width=64,
    batch_size=128,
)
"""Radford et al. 2016, with half its width: on a CPU the whole of it is four times as slow."""
