"""Is an image detector worth asking? Normal images against spoilt copies of them, none of which it has learned from."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganaug.adversarial import make_generator
from ganaug.anomaly.image_corruption import add_noise, bend, splice, spoil_locally
from ganaug.anomaly.worth import judge_worth

_MOST_IMAGES = 200
_STRENGTH = 0.8


def check_image_worth(images: Tensor, seed: int, score: Callable[[Tensor, np.ndarray], np.ndarray]) -> float:
    """Return the AUC of normal images against spoilt copies of them; warn where it is no better than chance.

    Parameters
    ----------
    images : Tensor of shape (n, channels, height, width)
    seed : int
    score : callable, (images, rows) -> scores
        Judges (copies of) the training images ``rows`` as if it had never seen those.
    """
    rng = make_generator(seed, "worth")
    rows = torch.randperm(len(images), generator=rng)[:_MOST_IMAGES].sort().values
    chosen, numbers = images[rows], rows.numpy()
    strength = torch.full((len(chosen), 1, 1, 1), _STRENGTH)
    # Bent or pieced together, a texture is as normal as before; a digit may well be with a spot in a corner.
    ways = [kind(chosen, strength, rng) for kind in (add_noise, bend, splice)] + [spoil_locally(chosen, rng)[0]]
    copies = torch.stack(ways)
    spoilt = copies[torch.arange(len(chosen)) % len(copies), torch.arange(len(chosen))]
    return judge_worth(score(chosen, numbers), score(spoilt, numbers), "images")
