"""The discriminator of a detector: several perceptrons side by side, and what each of them is shown."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import silu


class GroupedPerceptron(nn.Module):
    """Perceptrons of one shape that are evaluated together, each with weights of its own.

    Parameters
    ----------
    n_members, n_inputs, n_outputs : int
    hidden : sequence of int
    """

    def __init__(self, n_members: int, n_inputs: int, hidden: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.n_members, self.n_inputs = n_members, n_inputs
        sizes = [n_inputs, *hidden, n_outputs]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for place, (n_from, n_to) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            # Nearly nothing from the last layer at first: all classes begin as equally likely.
            bound = (0.02 if place == len(sizes) - 2 else 1.0) / math.sqrt(n_from)
            self.weights.append(nn.Parameter(torch.empty(n_members, n_from, n_to).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(n_members, 1, n_to).uniform_(-bound, bound)))

    @property
    def n_features(self) -> int:
        """Width of the last hidden layers of all members together."""
        return self.n_members * int(self.weights[-1].shape[1])

    def features(self, inputs: Tensor) -> Tensor:
        """Return the last hidden layers (members, n, width) on inputs (members, n, n_inputs)."""
        hidden = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = silu(torch.baddbmm(bias, hidden, weight))
        return hidden

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (members, n, n_outputs) of inputs (members, n, n_inputs)."""
        return torch.baddbmm(self.biases[-1], self.features(inputs), self.weights[-1])


class Perceptron(nn.Sequential):
    """A plain perceptron: what the detector's generator is made of.

    Parameters
    ----------
    n_inputs, n_outputs : int
    hidden : sequence of int
    """

    def __init__(self, n_inputs: int, hidden: Sequence[int], n_outputs: int) -> None:
        sizes = [n_inputs, *hidden]
        layers: list[nn.Module] = []
        for n_from, n_to in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n_from, n_to), nn.SiLU()]
        super().__init__(*layers, nn.Linear(sizes[-1], n_outputs))
