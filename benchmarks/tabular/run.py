"""TabularGAN beside CTGAN, TVAE, a Gaussian copula and TabularARGN: quality, CPU seconds and memory, run by run.

    GANAUG_DATA=... python benchmarks/tabular/run.py --out results --python TabularARGN=argn/bin/python
    GANAUG_DATA=... python benchmarks/tabular/run.py --out results --data adult --seeds 0 --methods CTGAN-30
    GANAUG_DATA=... python benchmarks/tabular/run.py --out results --ablation 30
    GANAUG_DATA=... python benchmarks/tabular/run.py --out results --sampling 1000000 --data adult --seeds 0
    python benchmarks/tabular/run.py --out results --summarize --docs docs/benchmark-tabular.md README.md

A method's name is NAME or NAME-NUMBER: wall seconds for TabularGAN, epochs for the others. Every fit is a process of
its own with one thread, and all methods take their turn on one set and seed before the next. Runs that --out holds are
not repeated, unless they failed. judging.py says what the figures are, splits.py which rows train.

Needs ``pip install 'ganaug[sdv,benchmarks]'``. A rival may have an environment of its own:

    python -m venv argn && argn/bin/pip install mostlyai-engine
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from methods import DEFAULT, PACKAGES, SAMPLED, THREADS, parse_method

os.environ.update(dict.fromkeys(THREADS, "1"))

from records import Records
from splits import TARGETS, load_split
from worker import read_table

WORKER = Path(__file__).with_name("worker.py")
ASK = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


def parse():
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="benchmark-tabular", help="folder of the results (default: %(default)s)")
    parser.add_argument("--data", default=",".join(TARGETS), help="default: %(default)s")
    parser.add_argument("--methods", help=f"default: {DEFAULT}; with --sampling {SAMPLED}")
    parser.add_argument("--seeds", default="0,1,2", help="of the methods; the split stays (default: %(default)s)")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="a rival's own Python")
    parser.add_argument("--limit", type=float, default=7200, help="wall seconds for one fit (default: %(default)g)")
    parser.add_argument("--again", default="", metavar="METHODS", help="drop their runs from the results first")
    parser.add_argument("--keep", action="store_true", help="keep the synthetic tables, below --out")
    parser.add_argument(
        "--ablation", type=float, nargs="?", const=30.0, metavar="SECONDS", help="each of our terms alone"
    )
    parser.add_argument("--sampling", type=int, metavar="ROWS", help="measure the sampling of so many rows instead")
    parser.add_argument("--summarize", action="store_true", help="run nothing; write tables and plot")
    parser.add_argument("--docs", nargs="+", default=[], metavar="PAGE.md", help="pages with places for the tables")
    arguments = parser.parse_args()
    if arguments.ablation:
        budget = f"TabularGAN-{arguments.ablation:g}"
        arguments.methods = f"{budget},{budget}-likelihood,{budget}-adversarial"
    names = (arguments.methods or (SAMPLED if arguments.sampling else DEFAULT)).split(",")
    try:
        arguments.methods = [parse_method(name) for name in names]
    except ValueError as error:
        parser.error(str(error))
    arguments.data, arguments.seeds = arguments.data.split(","), [int(seed) for seed in arguments.seeds.split(",")]
    unknown = set(arguments.data) - set(TARGETS)
    if unknown:
        parser.error(f"--data {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}")
    # A worker has a folder of its own for what rivals leave behind, so a path has to be whole.
    arguments.python = {
        name: os.path.abspath(os.path.expanduser(path))
        for name, _, path in (pair.partition("=") for pair in arguments.python)
    }
    if set(arguments.python) - set(PACKAGES):
        parser.error(f"--python takes NAME=PATH, where NAME is one of {', '.join(PACKAGES)}")
    return arguments


def find_methods(methods, pythons):
    """Return the methods that can run here, with the Python that runs each; say of the others why not."""
    found, missing = {}, {}
    for method in methods:
        python = pythons.get(method.kind, sys.executable)
        if method.kind not in missing:
            try:
                asked = subprocess.run([python, "-c", ASK, method.package], capture_output=True)
                missing[method.kind] = asked.returncode != 0
            except OSError:
                missing[method.kind] = True
            if missing[method.kind]:
                print(
                    f"{method.kind} is skipped: {python} has no {method.package}. Make it an environment "
                    f"(python -m venv rival && rival/bin/pip install {method.package}) and give "
                    f"--python {method.kind}=rival/bin/python."
                )
        if not missing[method.kind]:
            found[method] = python
    return found


def run_worker(python, method, seed, split, n_samples, synthetic, limit, folder):
    """Run one fit in a process of its own; return its figures, with ``status`` "ok", "late" or "failed"."""
    train, job, result = (Path(folder, name) for name in ("train.csv", "job.json", "result.json"))
    split.train.to_csv(train, index=False)
    result.unlink(missing_ok=True)
    entries = {"method": method.name, "seed": seed, "train": str(train), "categories": split.categories}
    entries |= {"n_samples": n_samples, "synthetic": synthetic and str(synthetic), "result": str(result)}
    job.write_text(json.dumps(entries))
    try:
        ended = subprocess.run(
            [python, str(WORKER), str(job)], capture_output=True, text=True, timeout=limit, cwd=folder
        )
    except subprocess.TimeoutExpired:
        return {"status": "late", "note": f"more than {limit:g} s"}
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"it ended with {ended.returncode}"]
        return {"status": "failed", "note": lines[-1][:300]}
    return {"status": "ok"} | json.loads(result.read_text())


def compare(split, seed, method, python, arguments):
    """Fit, sample as many rows as trained, and judge."""
    from judging import judge

    with tempfile.TemporaryDirectory() as folder:
        synthetic = Path(folder, "synthetic.csv")
        row = run_worker(python, method, seed, split, len(split.train), synthetic, arguments.limit, folder)
        if row["status"] == "ok":
            table = read_table(synthetic, split.categories)
            row |= rounded(judge(split, table))
            if arguments.keep:
                kept = Path(arguments.out, "synthetic", f"{split.name}-{method.name}-{seed}.csv")
                kept.parent.mkdir(exist_ok=True)
                table.to_csv(kept, index=False)
    return row


def rounded(figures):
    """Return figures as JSON can hold them: rounded, and None for what is no number."""
    return {name: None if math.isnan(figure) else round(figure, 5) for name, figure in figures.items()}


def time_sampling(split, seed, method, python, arguments):
    """Fit, and sample many rows."""
    with tempfile.TemporaryDirectory() as folder:
        row = run_worker(python, method, seed, split, arguments.sampling, None, arguments.limit, folder)
    return row


def show(row):
    """Print a run in a line."""
    names = ("fit_cpu_s", "sample_cpu_s", "shape_error", "trend_error", "detector_test", "usefulness")
    figures = ", ".join(f"{name} {row[name]:.3f}" for name in names if row.get(name) is not None)
    note = row.get("note", "")
    print(time.strftime("%H:%M"), row["data"], row["method"], row["seed"], row["status"], figures or note, flush=True)


def run_all(arguments, records):
    """Run what ``records`` lacks: all methods on one set and seed before the next."""
    methods = find_methods(arguments.methods, arguments.python)
    kind, measure = ("sampling", time_sampling) if arguments.sampling else ("quality", compare)
    extra = {"n_samples": arguments.sampling} if arguments.sampling else {}
    for seed in arguments.seeds:
        for name in arguments.data:
            try:
                split = load_split(name)
            except LookupError as reason:
                if seed == arguments.seeds[0]:
                    print(reason)
                continue
            if kind == "quality" and not records.has(kind="real", data=name):
                add_real(split, records)
            for method, python in methods.items():
                key = {"kind": kind, "data": name, "method": method.name, "seed": seed, **extra}
                if not records.has(**key):
                    row = key | measure(split, seed, method, python, arguments)
                    records.add(row)
                    show(row)


def add_real(split, records):
    """Add what real rows reach."""
    from judging import judge_real

    row = {"kind": "real", "data": split.name, "method": "other real rows", "seed": 0, "status": "ok"}
    row |= rounded(judge_real(split))
    records.add(row)
    show(row)


def main():
    """Run, or write what was run."""
    arguments = parse()
    records = Records(arguments.out)
    if arguments.summarize:
        from summary import write_all

        write_all(records, Path(arguments.out), arguments.docs)
        return
    records.forget([name for name in arguments.again.split(",") if name])
    run_all(arguments, records)


if __name__ == "__main__":
    main()
