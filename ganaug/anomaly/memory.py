"""What a detector remembers: reference records, and what a record's neighbors among them say about it.

Everything is float64 and computed in blocks of one fixed size, so that a record's features depend on no other record.
"""

import hashlib

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
        parts = [
            self._find_block(block, None if left_out is None else left_out[first : first + BLOCK])
            for first, block in zip(range(0, len(records), BLOCK), records.split(BLOCK), strict=True)
        ]
        distances, places = (torch.cat(part) for part in zip(*parts, strict=True))
        return distances, places

    def _find_block(self, block: Tensor, left_out: Tensor | None) -> tuple[Tensor, Tensor]:
        n_records = len(block)
        # Filled up to one size: a matrix product of another height may round differently.
        filled = torch.cat([block, block[:1].expand(BLOCK - n_records, -1)]) if n_records < BLOCK else block
        squared = torch.addmm(self.squares, filled, self.references.T, alpha=-2.0)[:n_records]
        squared += block.square().sum(dim=1, keepdim=True)
        left_out = self.find_equal(block) if left_out is None else left_out
        rows = torch.nonzero(left_out >= 0)[:, 0]
        squared[rows, left_out[rows]] = torch.inf
        nearest, places = torch.topk(squared, self.n_neighbors, dim=1, largest=False, sorted=True)
        return nearest.clamp_min(0.0).sqrt(), places

    def find_equal(self, records: Tensor) -> Tensor:
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
            gap = some - neighbors.mean(dim=1)
            spread = neighbors.std(dim=1, unbiased=False)
            distances.append(torch.log(gap.norm(dim=1) + self.damping))
            deviations.append(0.5 * torch.log((gap / (spread + 0.12)).square().mean(dim=1) + 0.05))
        return torch.cat(distances), torch.cat(deviations)

    def place(self, rank: int) -> int:
        """Return the column of the ``rank``-th neighbor, or of the farthest where there are fewer."""
        return min(rank, self.n_neighbors) - 1


def _keys(records: Tensor) -> list[bytes]:
    """Return a digest of each record, equal for equal ones (0.0 is added since -0.0 has other bytes)."""
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in (records + 0.0).numpy()]
