"""What the heads of a detector are shown of a record: itself, its distances to landmarks, its neighborhood."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganaug.anomaly.memory import Memory

_CLIP = (-5.0, 12.0)
_STRAIGHT = 4.0
"""Coordinates beyond so many deviations are shown by their logarithm."""
_NEIGHBOR = 1
"""Which of the memory's features is the log distance to the fifth neighbor."""


class View:
    """Views of records, all scaled by what is usual among the records that the detector was fitted on.

    A view is ``[coordinates, distances to landmarks, features of the memory]``; the "record" head sees all of it, the
    "memory" head its last part.

    Parameters
    ----------
    landmarks : Tensor of shape (n_landmarks, d), float64
    memory : Memory or None
    """

    def __init__(self, landmarks: Tensor, memory: Memory | None) -> None:
        self.landmarks, self.memory = landmarks, memory

    def fit(self, records: Tensor) -> "View":
        """Learn the usual distances and features from ``records``, each left out of its own neighborhood."""
        far = distances(records[:, :-1], self.landmarks)
        self.landmark_mean, self.landmark_scale = far.mean(dim=0), far.std(dim=0, unbiased=False) + 0.01
        if self.memory is not None:
            features = self.memory.features(records)
            self.feature_mean, self.feature_scale = features.mean(dim=0), features.std(dim=0, unbiased=False) + 0.01
        return self

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a record."""
        return self.landmarks.shape[1]

    @property
    def n_inputs(self) -> dict[str, int]:
        """What each head sees, counted from the end of a view."""
        n_features = 0 if self.memory is None else self.memory.n_features
        widths = {"record": self.n_coordinates + len(self.landmarks) + n_features}
        return widths if self.memory is None else {"memory": n_features} | widths

    def of(self, records: Tensor, left_out: Tensor | None = None) -> Tensor:
        """Return the views (n, n_inputs of the record head) of records (n, d + 1).

        The last coordinate, which counts strange values, is the memory's alone: 0 in all of the training, it is
        nothing that a network could have learned about.
        """
        seen = records[:, :-1]
        size = seen.abs()
        bent = _STRAIGHT + torch.log((size / _STRAIGHT).clamp_min(1.0))
        parts = [seen.sign() * torch.where(size > _STRAIGHT, bent, size)]
        far = distances(seen, self.landmarks)
        parts.append(((far - self.landmark_mean.to(records)) / self.landmark_scale.to(records)).clamp(*_CLIP))
        if self.memory is not None:
            # The neighborhood is a fact about the record, not a way to move it: no gradient goes through it.
            features = self.memory.features(records.detach().double().cpu(), left_out).to(records)
            parts.append(((features - self.feature_mean.to(records)) / self.feature_scale.to(records)).clamp(*_CLIP))
        return torch.cat(parts, dim=1)

    def show(self, coordinates: Tensor) -> Tensor:
        """Return the views of what a generator made, (n, d); gradients go through the coordinates alone."""
        return self.of(torch.cat([coordinates, coordinates.new_zeros(len(coordinates), 1)], dim=1))

    @property
    def examples(self) -> np.ndarray:
        """Points (n, d + 1) that stand for what is normal: the references, or else the landmarks."""
        if self.memory is not None:
            return self.memory.references.numpy()
        return np.pad(self.landmarks.numpy(), ((0, 0), (0, 1)))

    def find_equal(self, points: np.ndarray) -> np.ndarray:
        """Return the place of a reference equal to each point, (n,), -1 where there is none."""
        if self.memory is None:
            return np.full(len(points), -1)
        return self.memory.find_equal(torch.from_numpy(points)).numpy()

    def neighbor_distance(self, views: Tensor) -> Tensor:
        """Return the scaled log distance to the fifth neighbor, (n,), which a view holds."""
        assert self.memory is not None
        return views[:, _NEIGHBOR - self.memory.n_features]

    def to_state(self) -> dict[str, Any]:
        """Return arrays from which ``from_state`` builds the same view."""
        names = ("landmarks", "landmark_mean", "landmark_scale")
        if self.memory is not None:
            names += ("feature_mean", "feature_scale")
        state = {name: getattr(self, name).numpy() for name in names}
        return state | {"references": None if self.memory is None else self.memory.references.numpy()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "View":
        """Undo ``to_state``."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items() if value is not None}
        references = tensors.pop("references", None)
        view = cls(tensors.pop("landmarks"), None if references is None else Memory(references))
        vars(view).update(tensors)
        return view

    def __getstate__(self) -> dict[str, Any]:
        return self.to_state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(View.from_state(state)))


def distances(records: Tensor, landmarks: Tensor) -> Tensor:
    """Return Euclidean distances (n, n_landmarks), without the rounding of a matrix product."""
    return torch.cdist(records, landmarks.to(records), compute_mode="donot_use_mm_for_euclid_dist")
