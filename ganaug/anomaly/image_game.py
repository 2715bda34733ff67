"""The game of an image detector: how is an image corrupted, and how much; how is it turned; where is its defect."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    binary_cross_entropy_with_logits,
    cross_entropy,
)

from ganaug.adversarial import Batch, Game, RecordSource, Terms, Turn
from ganaug.anomaly.image_corruption import KINDS, N_LEVELS, corrupt, orientations, spoil_locally
from ganaug.anomaly.image_network import ImageJudge

_NORMAL_SHARE = 0.2
_TURNED_SHARE, _DEFECT_SHARE = 1.0, 0.5
"""Images that are turned, and images with a small defect, for each image that is normal or corrupted."""
_CLEAR_SHARE = 0.1
"""A place of which a defect covers less counts neither as spoilt nor as clean."""


class ImageLadderGame(Game):
    """Members that each learn to sort corrupted images of their own; there is no generator.

    Parameters
    ----------
    members : list of ImageJudge
    size : (int, int)
        Height and width of the images.
    """

    averaged = "discriminator"
    discriminator: nn.ModuleList

    def __init__(self, members: list[ImageJudge], size: tuple[int, int]) -> None:
        super().__init__()
        self.discriminator, self.generator = nn.ModuleList(members), nn.Identity()
        self.ways = orientations(*size)

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``level``, ``orientation`` and ``defect``, of ``batch.real`` (members, n, channels, height, width)."""
        terms: Terms = {}
        for member, images in zip(self.discriminator, batch.real, strict=True):
            for name, term in self._member_terms(member, images, turn.rng).items():
                # Summed: each member learns as if it were alone.
                terms[name] = terms[name] + term if name in terms else term
        return terms

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """Nothing: there is no generator."""
        return {}

    def _member_terms(self, member: nn.Module, images: Tensor, rng: torch.Generator) -> Terms:
        n_images = len(images)
        n_normal = max(1, round(_NORMAL_SHARE * n_images))
        n_turned, n_spots = (max(1, round(share * n_images)) for share in (_TURNED_SHARE, _DEFECT_SHARE))
        with torch.autocast(images.device.type, enabled=False):  # corruptions are exact
            corrupted, classes = corrupt(images[n_normal:], rng) if n_normal < n_images else (images[:0], None)
            turned, ways = self._turn_randomly(images[:n_turned], rng)
            spotted, spots = spoil_locally(images[-n_spots:], rng)
        opinion = member(torch.cat([images[:n_normal], corrupted, turned, spotted]))
        levels = torch.zeros(n_normal, dtype=torch.int64, device=images.device)
        levels = levels if classes is None else torch.cat([levels, classes])
        defect = opinion.defect.float()
        return {
            "level": cross_entropy(opinion.level[:n_images].float(), levels),
            "orientation": cross_entropy(opinion.orientation[n_images : n_images + n_turned].float(), ways),
            "defect": _defect_term(torch.cat([defect[:n_normal], defect[-n_spots:]]), spots, n_normal),
        }

    def _turn_randomly(self, images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        ways = torch.randint(len(self.ways), (len(images),), generator=rng, device=images.device).sort().values
        counts = torch.bincount(ways, minlength=len(self.ways)).tolist()
        turned = [way(some) for way, some in zip(self.ways, images.split(counts), strict=True)]
        return torch.cat(turned), ways


def n_level_classes() -> int:
    """Return how many classes ``level`` has: normal, and each kind at each level."""
    return 1 + len(KINDS) * N_LEVELS


def expected_level(logits: Tensor) -> Tensor:
    """Return the level of corruption (n,), of whatever kind, that logits (n, classes) expect."""
    levels = torch.arange(1, N_LEVELS + 1, dtype=logits.dtype, device=logits.device).repeat(len(KINDS))
    return logits.softmax(dim=1)[:, 1:] @ levels


def _defect_term(logits: Tensor, spots: Tensor, n_normal: int) -> Tensor:
    """Return the loss of logits (n, 1, rows, columns), of which the first ``n_normal`` images have no spots."""
    shape = logits.shape[2], logits.shape[3]
    touched, covered = adaptive_max_pool2d(spots, shape), adaptive_avg_pool2d(spots, shape)
    clean = torch.zeros_like(logits[:n_normal])
    weights = ((touched == 0) | (covered > _CLEAR_SHARE)).float()
    return binary_cross_entropy_with_logits(
        logits, torch.cat([clean, touched]), torch.cat([torch.ones_like(clean), weights])
    )


class FoldBatches:
    """Endless batches (members, batch_size, channels, height, width): for each member, images outside its fold.

    Parameters
    ----------
    records : RecordSource
    folds : Tensor of shape (n,), int64
        Of each record; each member is blind to the fold of its own number.
    n_members, batch_size : int
    rng : torch.Generator
        On the CPU; its state is part of ``state_dict``.
    device : torch.device
    """

    def __init__(
        self,
        records: RecordSource,
        folds: Tensor,
        n_members: int,
        batch_size: int,
        rng: torch.Generator,
        device: torch.device,
    ) -> None:
        self.records, self.batch_size, self.rng, self.device = records, batch_size, rng, device
        outside = [torch.nonzero(folds != member)[:, 0] for member in range(n_members)]
        self._known = [known if len(known) else torch.arange(len(folds)) for known in outside]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in which each member has met as many images as there are."""
        return max(1, len(self.records) // self.batch_size)

    def __next__(self) -> Batch:
        chosen = [known[torch.randint(len(known), (self.batch_size,), generator=self.rng)] for known in self._known]
        images = self.records.take(torch.cat(chosen)).real
        return Batch(images.unflatten(0, (len(chosen), self.batch_size))).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands."""
        return {"rng": self.rng.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.rng.set_state(state["rng"])
