"""Raking: after training, columns drawn in the table's order get the shares that the table has.

Deming & Stephan 1940; here one column after another, so that each is drawn from columns that have their shares already.
"""

import numpy as np
import torch

from ganaug.adversarial import make_generator
from ganaug.tabular.drawing import Model, Walk
from ganaug.tabular.ties import Ties

_ROWS = 16_384
_ROUNDS = 8
_LARGEST_STEP = 1.0
_LARGEST_SHIFT = 3.0
_FEWEST = 1e-7


@torch.no_grad()
def rake(model: Model, seed: int) -> np.ndarray:
    """Return what to add to the generator's logits so that levels drawn in the table's order have the table's shares.

    Shares are means of probabilities, not of draws, and so known to within a few thousandths of themselves. In other
    orders other columns are known before a column is drawn, and what is missing there differs.

    Parameters
    ----------
    model : Model
        Without shifts.
    seed : int

    Returns
    -------
    ndarray of float32, (levels of all columns,)
    """
    generator, layout = model.generator, model.generator.layout
    device = generator.bias.device
    wanted = torch.from_numpy(layout.marginals).float().clamp_min(_FEWEST).log().to(device)
    shifts = torch.zeros_like(wanted)
    rng = make_generator(seed, "rake", device=device)
    ties = Ties(model.ties, device)
    walk = Walk(generator.parts(), ties, _ROWS)
    walk.begin()
    for column in range(layout.n_columns):
        if ties.settle(column, walk.levels) is not None:
            walk.draw(column, rng)  # its shares are those of the column that it follows from
            continue
        span = layout.span(column)
        logits = walk.logits(column)
        ties.restrict(column, logits, walk.levels)
        weights = (logits - logits.amax(dim=1, keepdim=True)).exp_()
        for _ in range(_ROUNDS):  # what softmax(logits + shift) gives on average, in a sixth of its time
            raised = shifts[span].exp()
            shares = raised * (weights.T @ (weights @ raised).reciprocal()) / _ROWS
            gap = wanted[span] - shares.clamp_min(_FEWEST).log()
            shifts[span] += gap.clamp(-_LARGEST_STEP, _LARGEST_STEP)
        shifts[span] = shifts[span].clamp(-_LARGEST_SHIFT, _LARGEST_SHIFT)
        walk.take(column, logits + shifts[span], rng)
    return shifts.cpu().numpy()
