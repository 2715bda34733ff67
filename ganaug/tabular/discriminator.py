"""The table discriminator, and how a record looks to it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from ganaug.tabular.layout import TableLayout


class RecordView(nn.Module):
    """Lay a record out for the discriminator: one-hot levels, thermometers of ordered columns, flags.

    A thermometer is full up to the record's level and filled to the position inside its bin, so that
    neighboring numbers look alike and positions can be seen. A level that was never seen in training is shown
    as no level plus a flag; a hidden column as no level and no flag.
    """

    def __init__(self, layout: TableLayout) -> None:
        super().__init__()
        self.layout = layout
        self.width = layout.n_levels + layout.n_columns + sum(layout.n_ordered)

    def of_codes(self, levels: Tensor, positions: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Return the view (n, width) of level codes and positions (n, columns); -1 is a level never seen.

        ``hidden`` (n, columns), bool: what the discriminator is not shown.
        """
        dtype = positions.dtype
        unseen = levels < 0
        flags = unseen.to(dtype)
        offsets = torch.tensor(self.layout.offsets, device=levels.device)
        shown = (~unseen).to(dtype)
        if hidden is not None:
            flags, shown = flags * ~hidden, shown * ~hidden
        hot = torch.zeros(len(levels), self.layout.n_levels, dtype=dtype, device=levels.device)
        hot.scatter_(1, levels.clamp_min(0) + offsets, shown)
        return self.of_hot(hot, positions, flags)

    def of_hot(self, hot: Tensor, positions: Tensor, flags: Tensor | None = None) -> Tensor:
        """Return the view (n, width) of (straight-through) one-hot levels (n, levels)."""
        flags = torch.zeros_like(positions) if flags is None else flags
        parts = [hot, flags]
        spans, places = hot.split(list(self.layout.sizes), dim=1), positions.unbind(dim=1)
        for column, n_ordered in enumerate(self.layout.n_ordered):
            if not n_ordered:
                continue
            levels = spans[column][:, :n_ordered]
            # 1 for levels below the record's, its position at its own, 0 above.
            filled = levels.flip(1).cumsum(dim=1).flip(1) - levels * (1.0 - places[column][:, None])
            parts.append(filled * (16.0 / max(16, n_ordered)))
        return torch.cat(parts, dim=1)


class TableDiscriminator(nn.Module):
    """A residual perceptron on record views, with two opinions on each record (or pack of records).

    The first logit is the player's: real or fake. The second says normal or spoilt, and is what scores are made of.
    They share all layers but the last, so that what one learns serves the other, and the generator hears the first
    alone: told to look unlike spoilt records, it would leave out rare values.

    Parameters
    ----------
    n_inputs : int
        Width of the view, times the records per pack.
    hidden : sequence of int
        Width of the trunk, then the inner width of each residual block.
    """

    def __init__(self, n_inputs: int, hidden: Sequence[int]) -> None:
        super().__init__()
        width, *blocks = hidden
        self.stem = nn.Linear(n_inputs, width)
        self.blocks = nn.Sequential(*(_Block(width, inner) for inner in blocks))
        self.heads = nn.Linear(width, 2)

    @property
    def n_features(self) -> int:
        """Width of the last hidden layer."""
        return self.heads.in_features

    def features(self, views: Tensor) -> Tensor:
        """Return the last hidden layer, (n, width)."""
        return silu(self.blocks(self.stem(views)))

    def forward(self, views: Tensor) -> Tensor:
        """Return logits (n, 2): real, normal; higher = more so."""
        logits: Tensor = self.heads(self.features(views))
        return logits


class _Block(nn.Module):
    """A residual block that starts as the identity."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(width, inner), nn.Linear(inner, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, trunk: Tensor) -> Tensor:
        """Return the trunk plus what the block adds."""
        added: Tensor = self.out(silu(self.inner(silu(trunk))))
        return trunk + added
