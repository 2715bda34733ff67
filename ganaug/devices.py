"""Where networks run, in which precision, and on how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganaug.exceptions import InvalidInputError


@contextmanager
def limited_threads(limit: int | None) -> Iterator[None]:
    """Let torch use at most ``limit`` CPU threads inside the block.

    Threads that have little to do wait for each other most of the time: a table's fit took 1.5 times as long on two as
    on one, and ten times as long where other programs wanted the cores too (docs/decisions/0005).
    """
    before = torch.get_num_threads()
    if limit is not None and limit < before:
        torch.set_num_threads(limit)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resolve_device(device: str, fallback: bool = False) -> torch.device:
    """Return the torch device that ``device`` names; "auto" is CUDA where there is one.

    With ``fallback``, a device that this machine lacks becomes "auto": a model loads on a CPU whatever it was
    trained on.
    """
    counts = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    try:
        wanted = torch.device("cpu" if device == "auto" else device)
    except RuntimeError as error:
        raise InvalidInputError(f"device={device!r} is not available here: {error}. Use 'auto'.") from error
    is_there = (wanted.index or 0) < counts.get(wanted.type, 0)
    if device == "auto" or (fallback and not is_there):
        # Not mps, which has no float64 and on which nothing was ever run here: it is taken when asked for.
        return torch.device("cuda" if counts["cuda"] else "cpu")
    if not is_there:
        there = [name for name, count in counts.items() if count]
        raise InvalidInputError(f"device={device!r} is not available here. Use 'auto' or one of {there}.")
    return wanted


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return "bfloat16" or "float32"; "auto" takes bfloat16 on GPUs that have it in hardware."""
    if precision != "auto":
        return precision
    # Emulated bfloat16 (is_bf16_supported's default) is slower than float32: ask for the hardware's.
    has_it = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if has_it else "float32"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Say whether the processor has instructions for matrix products in bfloat16; the same in every process."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)  # torch has no public name for it
    return device.type == "cpu" and bool(ask())
