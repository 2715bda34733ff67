"""What the heads of a detector are shown of a record: itself, and its neighborhood."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganaug.anomaly.centers import Centers
from ganaug.anomaly.memory import Memory

_CLIP = (-5.0, 12.0)
_STRAIGHT = 4.0
"""Coordinates beyond so many deviations are shown by their logarithm."""


class View:
    """Views of records, scaled by what is usual among the records that the detector was fitted on.

    A view is ``[coordinates, features of the neighborhood]``; the "record" head sees all of it, the "memory" head the
    second part alone.

    Parameters
    ----------
    neighborhood : Memory or Centers
        Over points (n, d + 1), of which the last coordinate counts strange values.
    """

    def __init__(self, neighborhood: Memory | Centers) -> None:
        self.neighborhood = neighborhood

    def fit(self, records: Tensor, own: Tensor) -> "View":
        """Learn the usual features from ``records``, each left out of its own neighborhood (``own``)."""
        features = self.neighborhood.features(records, own)
        self.mean, self.scale = features.mean(dim=0), features.std(dim=0, unbiased=False) + 0.01
        return self

    @property
    def memory(self) -> Memory | None:
        """The reference records, if any are kept."""
        return self.neighborhood if isinstance(self.neighborhood, Memory) else None

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a record, the count of strange values not included."""
        return self.neighborhood.references.shape[1] - 1

    @property
    def n_inputs(self) -> dict[str, int]:
        """What each head sees, counted from the end of a view."""
        n_features = self.neighborhood.n_features
        record = {"record": self.n_coordinates + n_features}
        return record if self.memory is None else {"memory": n_features} | record

    def of(self, records: Tensor, left_out: Tensor | None = None) -> Tensor:
        """Return the views (n, n_inputs of the record head) of records (n, d + 1).

        The last coordinate, which counts strange values, is the neighborhood's alone: 0 in all of the training, it is
        nothing that a network could have learned about.
        """
        seen = records[:, :-1]
        far = seen.abs() > _STRAIGHT
        shown = seen.clone()
        shown[far] = seen[far].sign() * (_STRAIGHT + torch.log(seen[far].abs() / _STRAIGHT))
        # The neighborhood is a fact about the record, not a way to move it: no gradient goes through it.
        features = self.neighborhood.features(records.detach().double().cpu(), left_out)
        return torch.cat([shown, ((features - self.mean) / self.scale).clamp(*_CLIP).to(records)], dim=1)

    def show(self, coordinates: Tensor) -> Tensor:
        """Return the views of what a generator made, (n, d); gradients go through the coordinates alone."""
        return self.of(torch.cat([coordinates, coordinates.new_zeros(len(coordinates), 1)], dim=1))

    def nearness(self, views: Tensor) -> Tensor:
        """Return minus the scaled log distance to the neighbors, (n,), which a view holds."""
        first = views.shape[1] - self.neighborhood.n_features
        return -views[:, [first + place for place in self.neighborhood.near]].mean(dim=1)

    @property
    def examples(self) -> np.ndarray:
        """Points (n, d + 1) that stand for what is normal."""
        return self.neighborhood.references.numpy()

    def to_state(self) -> dict[str, Any]:
        """Return arrays from which ``from_state`` builds the same view."""
        state = {"mean": self.mean.numpy(), "scale": self.scale.numpy(), "references": self.examples}
        if isinstance(self.neighborhood, Memory):
            return state
        return state | {"radii": self.neighborhood.radii.numpy(), "n_nearest": self.neighborhood.n_nearest}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "View":
        """Undo ``to_state``."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items() if name != "n_nearest"}
        references, radii = tensors.pop("references"), tensors.pop("radii", None)
        view = cls(Memory(references) if radii is None else Centers(references, radii, state["n_nearest"]))
        vars(view).update(tensors)
        return view

    def __getstate__(self) -> dict[str, Any]:
        return self.to_state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(View.from_state(state)))
