"""Raking: after training, the generator's columns get the shares that the table has.

Deming & Stephan 1940; here one column after another, so that each is drawn from columns that have their shares already.
"""

from collections.abc import Sequence

import torch

from ganaug.adversarial import make_generator
from ganaug.tabular.drawing import Walk
from ganaug.tabular.generator import TableGenerator
from ganaug.tabular.ties import Ties

_ROWS = 16_384
_ROUNDS = 8
_LARGEST_STEP = 1.0
_LARGEST_SHIFT = 3.0
_FEWEST = 1e-7


@torch.no_grad()
def rake(generator: TableGenerator, ties: Ties, order: Sequence[int], seed: int) -> None:
    """Shift the logits of ``generator`` so that levels drawn in ``order`` have the table's shares, in place.

    Shares are means of probabilities, not of draws, and so known to within a few thousandths of themselves.
    """
    layout = generator.layout
    wanted = torch.from_numpy(layout.marginals).float().clamp_min(_FEWEST).log().to(generator.bias.device)
    rng = make_generator(seed, "rake", device=generator.bias.device)
    walk = Walk(generator.parts(), ties, _ROWS)
    walk.begin()
    for column in order:
        span = layout.span(column)
        logits = walk.logits(column)
        restricted = logits.clone()
        ties.restrict(column, restricted, walk.levels)
        shift = torch.zeros(layout.sizes[column], device=logits.device)
        for _ in range(_ROUNDS):
            shares = torch.softmax(restricted + shift, dim=1).mean(dim=0).clamp_min(_FEWEST).log()
            shift += (wanted[span] - shares).clamp(-_LARGEST_STEP, _LARGEST_STEP)
        shift.clamp_(-_LARGEST_SHIFT, _LARGEST_SHIFT)
        generator.output_bias.data[span] += shift
        walk.take(column, logits + shift, rng)
