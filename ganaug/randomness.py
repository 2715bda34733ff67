"""From scikit-learn's ``random_state`` to the one integer that all of ganaug's random streams begin with."""

import os
from typing import Any

from sklearn.utils import check_random_state

from ganaug.exceptions import InvalidInputError


def draw_seed(random_state: Any) -> int:
    """Return a seed; None gives a fresh one and leaves numpy's global state alone."""
    if random_state is None:
        return int.from_bytes(os.urandom(6), "big")
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise InvalidInputError(f"random_state={random_state!r}: give an integer, a RandomState or None.") from error
