"""Where TabularGAN's time goes, part by part, beside the least that it could be.

    GANAUG_DATA=... python benchmarks/profiling.py --docs docs/performance.md
    python benchmarks/profiling.py --data market

CPU time of one thread, so that programs that run beside it count less; medians of turns. A part's floor is all of its
matrix products, noted while it ran and then run alone, in the same process and in turns with the part, on operands
that lie in the cache already. About two minutes of one core.
"""

import argparse
import os
import platform
import sys
import warnings
from datetime import date
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
sys.path.append(str(Path(__file__).parent / "anomaly"))

import numpy as np
import torch
from floors import Clock, median, note, take_turns
from results import publish
from rounds import describe_round, describe_width, show

import ganaug
from ganaug.datasets import load_dataset, make_transactions
from ganaug.devices import multiplies_bfloat16
from ganaug.tabular import TableEncoder, TabularGAN, drawing, gan, sampling
from ganaug.tabular.frames import TableFormat
from ganaug.tabular.generator import ColumnPart
from ganaug.tabular.records import CodeRecords
from ganaug.tabular.ties import Ties

PARTS = ["fit", "round", "sampling", "conditions", "width"]
STAGES = {
    (TableFormat, "learn"): "the table's form checked",
    (TableEncoder, "learn"): "types and levels read",
    (CodeRecords, "encode"): "rows encoded",
    (gan, "find_ties"): "ties found",
    (TabularGAN, "_make_game"): "networks made",
    (TabularGAN, "_rake"): "raking",
    (gan, "likeness"): "`quality_`",
    (gan, "check_worth"): "`score_worth_`",
}
STEPS = {
    (drawing._Block, "hidden"): "networks",
    (drawing._Block, "logits"): "networks",
    (drawing, "_accumulate"): "exponentials and running sums",
    (drawing, "_pick"): "levels picked",
    (ColumnPart, "draw_positions"): "positions inside bins",
    (drawing.Walk, "know"): "embeddings added up",
    (Ties, "settle"): "ties",
    (Ties, "restrict"): "ties",
    (sampling.DrawnRows, "put"): "codes kept",
    (sampling.DrawnRows, "decode"): "decoding into a DataFrame",
}
N_SAMPLES, N_CONDITIONED = 100_000, 20_000
TRAINED = 300
"""Steps before sampling is measured: enough for shares that are like the table's."""


def describe_fit(table, repeats):
    """Return what a fit costs apart from its rounds."""
    clock, spent = Clock(STAGES), []
    for seed in range(repeats):
        estimator = TabularGAN(max_steps=1, random_state=seed)
        spent.append(clock.run(lambda estimator=estimator: estimator.fit(table)))
    stages = {label: median([one.get(label, 0.0) for one in spent]) for label in STAGES.values()}
    stages["one round, the rest"] = median([one["all"] for one in spent]) - sum(stages.values())
    stages["a fit of one round"] = median([one["all"] for one in spent])
    return show({label: [value] for label, value in stages.items()}, ["CPU ms"], "before and after the rounds", 0)


def describe_sampling(estimator, repeats):
    """Return the parts of sampling, beside floors of the products and of writing what comes out."""
    products = note(lambda: estimator.sample(N_SAMPLES))
    n_bytes = int(estimator.sample(N_SAMPLES).memory_usage(index=False).sum())
    has_half = multiplies_bfloat16(torch.device("cpu"))
    clock, told = Clock(STEPS), []
    acts = {
        "sampling": lambda: told.append(clock.run(lambda: estimator.sample(N_SAMPLES))),
        "float32": products.alone(torch.float32),
        "writing": lambda: np.ones(n_bytes // 8),
    }
    spent = take_turns(acts | ({"bfloat16": products.alone(torch.bfloat16)} if has_half else {}), repeats)
    steps = {label: median([one.get(label, 0.0) for one in told]) for label in STEPS.values()}
    whole = median([one["all"] for one in told])
    own = median(spent["bfloat16" if has_half else "float32"])
    lines = {f"networks: products in {'bfloat16' if has_half else 'float32'}": [own]}
    lines["networks: activations, biases, casts"] = [steps.pop("networks") - own]
    lines |= {label: [value] for label, value in steps.items()}
    lines["the rest"] = [whole - sum(value for (value,) in lines.values())]
    lines[f"**{N_SAMPLES:,} rows**"] = [whole]
    lines["floor: all products in float32"] = [median(spent["float32"])]
    lines["floor: all products in bfloat16"] = [own if has_half else float("nan")]
    lines[f"floor: writing the {n_bytes / 1e6:.0f} MB of the DataFrame"] = [median(spent["writing"])]
    return show(lines, ["CPU ms"], f"sampling {N_SAMPLES:,} rows", 1)


def describe_conditions(estimator, table, repeats):
    """Return what conditions on two columns cost."""
    first, second = [name for name in table.select_dtypes("number") if table[name].nunique() > 20][:2]
    category = next(name for name in table if table[name].dtype.name in ("object", "str", "category"))
    middle = {name: tuple(table[name].quantile([0.25, 0.75]).tolist()) for name in (first, second)}
    asked = {
        "none": None,
        f"`{category}`: a value; `{first}`: a range": {category: table[category].mode()[0], first: middle[first]},
        f"`{first}` and `{second}`: ranges": middle,
    }
    acts = {
        name: lambda wanted=wanted: estimator.sample(N_CONDITIONED, conditions=wanted) for name, wanted in asked.items()
    }
    spent = take_turns(acts, repeats)
    lines = {
        name: [median(values), median([a / b for a, b in zip(values, spent["none"], strict=True)])]
        for name, values in spent.items()
    }
    return show(lines, ["CPU ms", "to none"], f"conditions, {N_CONDITIONED:,} rows", 2)


def about(data, table, repeats):
    """Return what was measured, with what, when."""
    info = Path("/proc/cpuinfo")
    models = (
        [line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    )
    return (
        f"{data.capitalize()}, {len(table):,} rows, {table.shape[1]} columns; ganaug {ganaug.__version__}, torch "
        f"{torch.__version__}, {models[0] if models else platform.processor() or platform.machine()}, one thread; CPU "
        f"time, medians of {repeats} turns, {date.today()}."
    )


def main():
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["adult", "market"], default="adult", help="market: simulated payments")
    parser.add_argument("--rows", type=int, help="so many of the table's first rows alone")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--docs", metavar="PAGE.md", help="page to put the tables in")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts: unknown {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    table = load_dataset("adult") if options.data == "adult" else make_transactions(30_000, random_state=0)
    table = table.head(options.rows or len(table))
    repeats, texts = options.repeats, [about(options.data, table, options.repeats)]
    if "fit" in parts:
        texts.append(describe_fit(table, min(3, repeats)))
    if "round" in parts:
        texts.append(describe_round(table, repeats))
    if {"sampling", "conditions"} & set(parts):
        estimator = TabularGAN(max_steps=TRAINED, random_state=0).fit(table)
        texts += [describe_sampling(estimator, repeats)] if "sampling" in parts else []
        texts += [describe_conditions(estimator, table, repeats)] if "conditions" in parts else []
    if "width" in parts:
        texts.append(describe_width(min(3, repeats)))
    extra = [
        f" --{name} {value}"
        for name, value in vars(options).items()
        if name != "docs" and value != parser.get_default(name)
    ]
    place = "GANAUG_DATA=... " if options.data == "adult" else ""
    publish("\n\n".join(texts), "profile", f"{place}python benchmarks/profiling.py{''.join(extra)}", options.docs)


if __name__ == "__main__":
    main()
