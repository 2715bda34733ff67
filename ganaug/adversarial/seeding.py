"""From one seed to named random streams; the global generators are left as they were."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, *names: str | float) -> int:
    """Return a seed for the stream called ``names``, independent of every other stream's."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def make_generator(seed: int, *names: str | float, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator on ``device`` for the stream called ``names``."""
    generator = torch.Generator(device=device)
    generator.manual_seed(derive_seed(seed, *names))
    return generator


_GLOBAL_RNG = threading.Lock()


@contextmanager
def isolated_rng(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator inside the block and restore it afterwards.

    Layers initialize their weights from the global generator and take no other; networks are built on
    the CPU inside this block and moved to their device after it.
    """
    with _GLOBAL_RNG:  # estimators may be fitted in parallel threads
        state = torch.get_rng_state()
        try:
            # default_generator alone: torch.manual_seed would also reseed the accelerators, for good.
            torch.default_generator.manual_seed(seed)
            yield
        finally:
            torch.set_rng_state(state)
