"""Fit one method, sample from it, and write down what that took; run.py starts it, in a process of its own.

    python benchmarks/tabular/worker.py JOB.json

The method's own environment runs this, so that nothing but pandas is asked for besides the method's package.
"""

import contextlib
import dataclasses
import io
import json
import os
import random
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from methods import make_model, parse_method, version_of

WARM_UP_ROWS = 300


def read_table(path, categories):
    """Return a table from CSV: the categories as text, the other columns as numbers."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(categories, str))


def seed_everything(seed):
    """Seed what rivals without a seed of their own draw from, and give torch one thread."""
    random.seed(seed)
    np.random.seed(seed)
    with contextlib.suppress(ImportError):
        import torch

        torch.manual_seed(seed)
        torch.set_num_threads(1)


def cpu_seconds():
    """Return the CPU seconds of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def peak_memory():
    """Return the most resident memory since `forget_peak`, in MB.

    Linux counts the parent's memory into what ``getrusage`` says of a fresh process; the process's own status doesn't.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak():
    """Let the peak begin anew, where the system can (Linux); elsewhere it is that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def warm_up(method, table, categories):
    """Fit and sample next to nothing: what packages load and compile at first use is no part of a fit."""
    tiny = dataclasses.replace(method, number=None if method.kind == "GaussianCopula" else 1.0)
    rows = table.head(WARM_UP_ROWS)
    with contextlib.suppress(Exception):
        model = make_model(tiny, 0, categories)
        model.fit(rows)
        model.sample(10)


@contextlib.contextmanager
def measured(figures, name):
    """Put what the body takes into ``figures``."""
    forget_peak()
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    figures[f"{name}_cpu_s"] = round(cpu_seconds() - cpu, 2)
    figures[f"{name}_wall_s"] = round(time.perf_counter() - wall, 2)
    figures[f"{name}_peak_mb"] = round(peak_memory(), 1)


def work(job):
    """Do a job: see ``run.py`` for its entries.

    Returns
    -------
    figures : dict
    synthetic : DataFrame
    """
    method = parse_method(job["method"])
    table = read_table(job["train"], job["categories"])
    warm_up(method, table, job["categories"])
    forget_peak()
    figures = {"version": f"{method.package} {version_of(method.kind)}", "before_mb": round(peak_memory(), 1)}
    seed_everything(job["seed"])
    model = make_model(method, job["seed"], job["categories"])
    with measured(figures, "fit"):
        model.fit(table)
    with measured(figures, "sample"):
        synthetic = model.sample(job["n_samples"])
    return figures, synthetic


def main():
    """Write the figures to the job's ``result``, and the synthetic rows to its ``synthetic`` if it has one."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return
    job = json.loads(Path(sys.argv[1]).read_text())
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        figures, synthetic = work(job)
    figures["rows"] = len(synthetic)
    if job["synthetic"]:
        synthetic.to_csv(job["synthetic"], index=False)
    Path(job["result"]).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
