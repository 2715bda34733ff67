"""How CPU time is measured part by part, and the least that a part could take: its matrix products alone."""

import math
import statistics
import time
from collections import Counter
from contextlib import ExitStack
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_PRODUCTS = {_aten.mm.default, _aten.mm.out, _aten.addmm.default, _aten.addmm.out, _aten.matmul.default}
_SHORTEST = 30.0
"""Milliseconds: parts that take less are repeated until they take so long."""


class Products(TorchDispatchMode):
    """Note shape, layout and type of all matrix products inside the block, to run them alone afterwards."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Run an operation, and note it if it is a product."""
        if function in _PRODUCTS:
            self.noted.append([(tuple(side.shape), side.stride(), side.dtype) for side in args[-2:]])
        return function(*args, **(kwargs or {}))

    @property
    def operations(self):
        """Multiplications and additions of all products."""
        return sum(2 * left[0][0] * left[0][1] * right[0][1] for left, right in self.noted)

    def alone(self, dtype=None):
        """Return a function that runs the products noted, in ``dtype`` or in their own, and nothing else."""
        made = {}

        def make(shape, strides, own):
            if (shape, strides) not in made:
                size = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
                rng = torch.Generator().manual_seed(len(made))
                made[shape, strides] = torch.randn(size, generator=rng).to(dtype or own).as_strided(shape, strides)
            return made[shape, strides]

        results, jobs = {}, []
        for left, right in self.noted:
            shape = left[0][0], right[0][1]
            results.setdefault(shape, torch.empty(shape, dtype=dtype or left[2]))
            jobs.append((make(*left), make(*right), results[shape]))

        def run():
            for left, right, result in jobs:
                torch.mm(left, right, out=result)

        return run


def note(act):
    """Return the products of one call of ``act``."""
    with Products() as products:
        act()
    return products


def take_turns(parts, repeats):
    """Return CPU milliseconds of one call of each part, as many as ``repeats``.

    All parts come once, then all again: where other programs want the processor's caches, they slow all of them.
    """
    spent, calls = {name: [] for name in parts}, {}
    for name, act in parts.items():
        once = _milliseconds(act, 1)  # with what only the first call needs
        once = _milliseconds(act, 1) if once < _SHORTEST else once
        calls[name] = math.ceil(_SHORTEST / max(0.001, once))
    for _ in range(repeats):
        for name, act in parts.items():
            spent[name].append(_milliseconds(act, calls[name]))
    return spent


def _milliseconds(act, calls):
    start = time.process_time()
    for _ in range(calls):
        act()
    return 1e3 * (time.process_time() - start) / calls


def median(values):
    """Return the median of a part's figures, or of (more, less): of how much more it is in the same turn."""
    if isinstance(values, tuple):
        values = [more - less for more, less in zip(*values, strict=True)]
    return statistics.median(values)


class Clock:
    """CPU milliseconds in functions of the package while something runs, without what runs in others of them.

    Parameters
    ----------
    places : dict
        Label by (owner, name of the function).
    """

    def __init__(self, places):
        self.places, self.spent, self._inner = places, Counter(), []

    def run(self, act):
        """Return milliseconds by label of one call, and of "all"."""
        self.spent = Counter()
        with ExitStack() as stack:
            for (owner, name), label in self.places.items():
                original = getattr(owner, name)
                timed = self._watch(original, label)
                is_bound = hasattr(original, "__self__")  # a class method
                stack.enter_context(mock.patch.object(owner, name, staticmethod(timed) if is_bound else timed))
            start = time.process_time()
            act()
            self.spent["all"] = 1e3 * (time.process_time() - start)
        return dict(self.spent)

    def _watch(self, function, label):
        def timed(*arguments, **named):
            self._inner.append(0.0)
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                whole = 1e3 * (time.process_time() - start)
                self.spent[label] += whole - self._inner.pop()
                if self._inner:
                    self._inner[-1] += whole

        return timed
