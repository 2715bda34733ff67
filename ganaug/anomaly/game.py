"""The detector's game: tell how much noise a record carries; and, if there is a generator, what it made."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ganaug.adversarial import Batch, Game, Terms, Turn, Weight
from ganaug.anomaly.network import GroupedPerceptron


class LadderGame(Game):
    """Members of several heads, each sorting records into levels of noise; 0 is normal.

    Parameters
    ----------
    heads : ModuleDict of GroupedPerceptron
        By name; each sees the last ``n_inputs`` numbers of a view.
    n_levels : int
        Levels of noise.
    generator : Module or None
        Noise to coordinates. Its records are one more class, after the last level, and it wants the "record" head to
        find them normal.
    latent_dim : int
        Size of the generator's noise.
    show : callable or None
        Views (n, n_inputs) of a generator's coordinates (n, d), differentiable where they are coordinates.
    generated_weight : float
        Weight of the generated class in the discriminator's terms.
    """

    averaged = "discriminator"
    discriminator: nn.ModuleDict

    def __init__(
        self,
        heads: dict[str, GroupedPerceptron],
        n_levels: int,
        generator: nn.Module | None = None,
        latent_dim: int = 0,
        show: Callable[[Tensor], Tensor] | None = None,
        generated_weight: Weight = 1.0,
    ) -> None:
        super().__init__()
        self.discriminator = nn.ModuleDict(heads)
        self.generator = nn.Identity() if generator is None else generator
        self.has_generator = generator is not None
        self.n_levels, self.latent_dim, self.generated_weight = n_levels, latent_dim, generated_weight
        self.show = show

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``level`` for each head, and ``generated`` where there is a generator."""
        assert batch.conditions is not None
        terms: Terms = {}
        n_heads = len(self.discriminator)
        blocks = zip(batch.real.chunk(n_heads), batch.conditions.chunk(n_heads), strict=True)
        for name, (views, levels) in zip(self.discriminator, blocks, strict=True):
            logits = judge(self.discriminator[name], views)
            # Summed over the members: each learns as if it were alone.
            terms[f"{name}_level"] = len(logits) * cross_entropy(logits.flatten(0, 1), levels.flatten())
        if self.has_generator:
            with torch.no_grad():
                views = self._fake_views(batch, turn)
            labels = torch.full((len(views),), self.n_levels + 1, device=views.device)
            weight = turn.weight(self.generated_weight)
            for name, head in self.discriminator.items():
                logits = judge(head, views)
                loss = cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)))
                terms[f"{name}_generated"] = weight * len(logits) * loss
        return terms

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial``: the members of the "record" head should find the fakes normal, not generated."""
        if not self.has_generator:
            return {}
        logits = judge(self.discriminator["record"], self._fake_views(batch, turn))
        return {"adversarial": softplus(logits[..., -1] - logits[..., 0]).mean()}

    def _fake_views(self, batch: Batch, turn: Turn) -> Tensor:
        assert self.show is not None
        n_fakes = batch.real.shape[1]
        noise = torch.randn(n_fakes, self.latent_dim, generator=turn.rng, device=batch.real.device)
        coordinates: Tensor = self.generator(noise)
        return self.show(coordinates)


def judge(head: nn.Module, views: Tensor) -> Tensor:
    """Return logits (members, n, classes) of views (n, width) or (members, n, width)."""
    assert isinstance(head, GroupedPerceptron)
    logits: Tensor = head(_shown(head, views))
    return logits


def describe(head: nn.Module, views: Tensor) -> Tensor:
    """Return the last hidden layers of a head's members, side by side (n, features), on views (n, width)."""
    assert isinstance(head, GroupedPerceptron)
    return head.features(_shown(head, views)).transpose(0, 1).flatten(1)


def _shown(head: GroupedPerceptron, views: Tensor) -> Tensor:
    """Return the end of the views, which is what a head sees of them, for each of its members."""
    shown = views[..., views.shape[-1] - head.n_inputs :]
    return shown.expand(head.n_members, -1, -1) if shown.dim() == 2 else shown


def expected_level(logits: Tensor, n_levels: int) -> Tensor:
    """Return the level of noise (members, n) that each member expects; what is "generated" is left out."""
    # A softmax over ten classes, by one product that gives numerator and denominator: the classes are too few for
    # torch's own to be fast. Clamped where exp would overflow.
    odds = logits[..., : n_levels + 1].clamp(-500.0, 500.0).exp()
    level = torch.arange(n_levels + 1, dtype=odds.dtype, device=odds.device)
    weighted = odds @ torch.stack([level, torch.ones_like(level)], dim=1)
    return weighted[..., 0] / weighted[..., 1]
