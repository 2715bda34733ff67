"""What a detector remembers: reference records, and what a record's neighbors among them say about it.

Everything is float64 and computed in blocks of one fixed size, so that a record's features depend on no other record.
"""

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

BLOCK = 256
"""Records compared with the memory at a time."""
_RANKS = (1, 5, 10, 20, 50)
"""Neighbors whose distances are features."""
_SPANS = (5, 20)
"""Sizes of the neighborhoods whose density and center are features."""
_DAMPING = 0.05
"""Share of the typical neighbor distance that is added inside logarithms: repeated records have distance 0."""
Choose = Callable[[Tensor, int], tuple[Tensor, Tensor]]
_GATHERED = 2_000_000
"""Numbers gathered at a time for local centers."""


class Memory:
    """Reference records, and the features of a record's neighborhood among them.

    A record that equals a reference is not its own neighbor: one such reference is left out. So the records that the
    memory was made of are judged as if they had not been in it.

    Parameters
    ----------
    references : Tensor of shape (n_references, n_coordinates), float64
        At least two.

    Attributes
    ----------
    n_features : int
        Features per record: log distances to the 1st, 5th, 10th, 20th and 50th neighbor; log density ratios (as in
        LOF) among 5 and 20 neighbors; log distance to, and log scaled deviation from, the center of 5 and of 20.
    spacing : float
        Median distance of a reference to its fifth neighbor.
    """

    n_features = len(_RANKS) + 3 * len(_SPANS)
    block = BLOCK
    near: tuple[int, ...] = (1, 3)
    """Features that say how far a record is from the others: log distances to the 5th and 20th neighbor."""

    def __init__(self, references: Tensor) -> None:
        self.references = references
        self.squares = references.square().sum(dim=1)
        self._first: dict[bytes, int] = {}
        for place, key in enumerate(_keys(references)):
            self._first.setdefault(key, place)
        self.n_neighbors = max(1, min(_RANKS[-1], len(references) - 2))
        distances, _ = self.find_neighbors(references)
        self.spacing = max(float(distances[:, self.place(5)].median()), 1e-6)
        self.damping = _DAMPING * self.spacing
        self.log_distances = torch.log(distances + self.damping)

    def find_neighbors(self, records: Tensor, left_out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return distances to the nearest references, ascending, and their places, (n, n_neighbors) each.

        ``left_out`` (n,): the reference that a record must not find, -1 for none; without it, an equal one.
        """
        left_out = self.recognize(records) if left_out is None else left_out
        return nearest_points(records, self.references, self.squares, self.n_neighbors, self.block, left_out)

    def own(self, records: Tensor, folds: Tensor) -> Tensor:
        """Return what is to be left out for the training records themselves: the reference that each of them is."""
        return self.recognize(records)

    def forget(self) -> None:
        """Drop nothing: the references are what is asked for."""

    def recognize(self, records: Tensor) -> Tensor:
        """Return the place of the first reference equal to each record, -1 where there is none."""
        return torch.tensor([self._first.get(key, -1) for key in _keys(records)], dtype=torch.int64)

    def features(self, records: Tensor, left_out: Tensor | None = None) -> Tensor:
        """Return the features (n, n_features) of records, unscaled; see the class."""
        distances, places = self.find_neighbors(records, left_out)
        log_distances = torch.log(distances + self.damping)
        columns = [log_distances[:, self.place(rank)] for rank in _RANKS]
        for span in _SPANS:
            place = self.place(span)
            usual = self.log_distances[:, place][places[:, : place + 1]].mean(dim=1)
            columns.append(log_distances[:, place] - usual)
        for span in _SPANS:
            columns += self._local_center(records, places[:, : self.place(span) + 1])
        return torch.stack(columns, dim=1)

    def _local_center(self, records: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return log distance to the center of the neighbors, and log deviation in units of their spread."""
        size = max(1, _GATHERED // (places.shape[1] * records.shape[1]))
        distances, deviations = [], []
        for some, theirs in zip(records.split(size), places.split(size), strict=True):
            neighbors = self.references[theirs]
            center = neighbors.mean(dim=1)
            # By hand: torch's own std takes five times as long along this dimension.
            neighbors -= center[:, None]
            spread = neighbors.square_().mean(dim=1).sqrt_()
            gap = some - center
            distances.append(torch.log(gap.norm(dim=1) + self.damping))
            deviations.append(0.5 * torch.log((gap / (spread + 0.12)).square().mean(dim=1) + 0.05))
        return torch.cat(distances), torch.cat(deviations)

    def place(self, rank: int) -> int:
        """Return the column of the ``rank``-th neighbor, or of the farthest where there are fewer."""
        return min(rank, self.n_neighbors) - 1


def _sorted_smallest(squared: Tensor, n_nearest: int) -> tuple[Tensor, Tensor]:
    nearest, places = torch.topk(squared, n_nearest, dim=1, largest=False, sorted=True)
    return nearest, places


def nearest_points(
    records: Tensor,
    points: Tensor,
    squares: Tensor,
    n_nearest: int,
    size: int,
    left_out: Tensor | None = None,
    choose: Choose = _sorted_smallest,
) -> tuple[Tensor, Tensor]:
    """Return distances to the nearest of ``points``, ascending, and their places, (n, n_nearest) each.

    Records are taken ``size`` at a time and the last block is filled up: a matrix product of another height may round
    differently. ``left_out`` (n,) is the point that each record must not find, -1 for none.
    """
    parts = []
    for first in range(0, len(records), size):
        block = records[first : first + size]
        squared = torch.addmm(squares, fill(block, size), points.T, alpha=-2.0)[: len(block)]
        squared += block.square().sum(dim=1, keepdim=True)
        if left_out is not None:
            gone = left_out[first : first + size]
            rows = torch.nonzero(gone >= 0)[:, 0]
            squared[rows, gone[rows]] = torch.inf
        nearest, places = choose(squared, n_nearest)
        parts.append((nearest.clamp_min(0.0).sqrt(), places))
    distances, places = (torch.cat(part) for part in zip(*parts, strict=True))
    return distances, places


def fill(block: Tensor, size: int) -> Tensor:
    """Return ``block`` with copies of its first row added until it has ``size`` rows."""
    missing = size - len(block)
    return torch.cat([block, block[:1].expand(missing, *block.shape[1:])]) if missing else block


def _keys(records: Tensor) -> list[bytes]:
    """Return a digest of each record, equal for equal ones (0.0 is added since -0.0 has other bytes)."""
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in (records + 0.0).numpy()]
