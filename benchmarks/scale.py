"""Seconds and memory of TabularGAN from a thousand rows to ten million, and from 20 columns to 500.

python benchmarks/scale.py --output scale/
python benchmarks/scale.py --output scale/ --rows 1000,100000 --columns 20
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

N_COLUMNS, WIDE_ROWS = 12, 20_000
ROWS_PER_CHUNK = 250_000
FEWEST_PER_MILLION = 100_000
LEVELS = np.array(["north", "east", "south", "west", "centre", "abroad"])


def make_chunk(n_rows, n_columns, seed):
    """Simulate numbers, whole numbers and categories that hang together by three hidden causes."""
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(n_rows, 3))
    columns = {}
    for place in range(n_columns):
        signal = causes[:, place % 3] + 0.7 * rng.normal(size=n_rows)
        kinds = (lambda x: x, lambda x: np.round(5 * x).astype(np.int64), _as_category)
        columns[f"column_{place}"] = kinds[place // 3 % 3](signal)
    return pd.DataFrame(columns)


def _as_category(signal):
    return LEVELS[np.clip(1.5 * signal + 3, 0, len(LEVELS) - 1).astype(int)]


def write_parquet(path, n_rows, n_columns):
    """Write a simulated table chunk by chunk: it may be larger than memory."""
    import pyarrow
    import pyarrow.parquet

    writer = None
    for first in range(0, n_rows, ROWS_PER_CHUNK):
        chunk = make_chunk(min(ROWS_PER_CHUNK, n_rows - first), n_columns, (first, n_columns))
        table = pyarrow.Table.from_pandas(chunk, preserve_index=False)
        writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def peak_megabytes():
    """Return the peak of this process's memory."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, a child's ru_maxrss begins with its parent's
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def measure(path, n_steps, n_samples):
    """Fit a file and sample, and return CPU seconds and peak memory of each stage."""
    from ganaug.adversarial import Callback
    from ganaug.tabular import TabularGAN

    class Stages(Callback):
        """Note when reading ends, and when training begins and ends."""

        def on_fit_begin(self, run):
            marks["begin"] = time.process_time()

        def on_encode(self, run, done, total):
            marks.setdefault("read", time.process_time())

        def on_train_begin(self, run):
            marks["encoded"], marks["encoded_mb"] = time.process_time(), peak_megabytes()

        def on_train_end(self, run):
            marks["trained"] = time.process_time()

    marks = {"start_mb": peak_megabytes()}
    gan = TabularGAN(epochs=None, max_steps=n_steps, early_stopping=False, random_state=0, callbacks=[Stages()])
    gan.fit(path)
    marks["fit_mb"], begin = peak_megabytes(), time.process_time()
    for seed in range(-(-n_samples // ROWS_PER_CHUNK)):
        gan.sample(min(ROWS_PER_CHUNK, n_samples), random_state=seed)
    marks["sampled"], marks["sample_mb"] = time.process_time() - begin, peak_megabytes()
    return {
        "read_s": marks["read"] - marks["begin"],
        "encode_s": marks["encoded"] - marks["read"],
        "ms_per_step": 1000 * (marks["trained"] - marks["encoded"]) / n_steps,
        "sample_s": marks["sampled"],
        **{name: value for name, value in marks.items() if name.endswith("_mb")},
    }


def run_case(folder, n_rows, n_columns, n_steps, n_samples):
    """Measure one size in a process of its own, whose peak is its alone."""
    path = Path(folder, f"{n_rows}x{n_columns}.parquet")
    write_parquet(path, n_rows, n_columns)
    command = [sys.executable, __file__, "--measure", path, "--steps", n_steps, "--samples", n_samples]
    answer = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    size = path.stat().st_size / 1e6
    path.unlink()
    if answer.returncode:
        sys.exit(answer.stderr)
    row = {"rows": n_rows, "columns": n_columns, "file_mb": size, **json.loads(answer.stdout.splitlines()[-1])}
    row["read_s_per_million"] = 1e6 * row["read_s"] / n_rows
    print({name: round(value, 2) for name, value in row.items()}, flush=True)
    return row


def write_table(rows, path, n_steps, n_samples):
    """Write the figures as Markdown."""
    heads = {
        "rows": "Rows",
        "columns": "Columns",
        "file_mb": "File, MB",
        "read_s": "Reading, s",
        "read_s_per_million": "Reading, s per million",
        "encode_s": "Encoding, s",
        "ms_per_step": "Training, ms per step",
        "sample_s": f"{n_samples:,} rows sampled, s",
        "encoded_mb": "Peak until encoded, MB",
        "fit_mb": "Peak of fit, MB",
    }
    lines = [f"CPU seconds of one thread; {n_steps} steps of 256 rows.", ""]
    lines += ["| " + " | ".join(heads.values()) + " |", "|" + "---:|" * len(heads)]
    for row in rows:
        cells = [f"{row[name]:,.0f}" if row[name] >= 100 or name == "columns" else f"{row[name]:.2g}" for name in heads]
        if row["rows"] < FEWEST_PER_MILLION:  # opening the file is most of it
            cells[list(heads).index("read_s_per_million")] = ""
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(rows, path):
    """Draw seconds and memory against rows, and against columns."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    long = [row for row in rows if row["columns"] == N_COLUMNS]
    wide = [row for row in rows if row["columns"] != N_COLUMNS]
    sizes = [row["rows"] for row in long]
    for name, label in (("read_s", "reading"), ("encode_s", "encoding")):
        axes[0].plot(sizes, [row[name] for row in long], "o-", label=label)
    axes[0].set(xscale="log", yscale="log", xlabel="rows", ylabel="CPU seconds", title=f"{N_COLUMNS} columns: time")
    axes[0].legend()
    axes[1].plot(sizes, [row["fit_mb"] for row in long], "o-", label="peak of fit")
    axes[1].plot(sizes, [row["file_mb"] for row in long], "o--", color="gray", label="file (compressed)")
    axes[1].set(xscale="log", xlabel="rows", ylabel="MB", title=f"{N_COLUMNS} columns: memory")
    axes[1].legend()
    widths = [row["columns"] for row in wide]
    axes[2].plot(widths, [row["ms_per_step"] for row in wide], "o-", label="ms per step")
    axes[2].plot(widths, [row["fit_mb"] for row in wide], "s-", label="peak of fit, MB")
    axes[2].set(xlabel="columns", title=f"{WIDE_ROWS:,} rows: width")
    axes[2].legend()
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main():
    """Run all sizes, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("scale"), help="folder for table and figure")
    parser.add_argument("--rows", default="1000,10000,100000,1000000,10000000", help=f"with {N_COLUMNS} columns")
    parser.add_argument("--columns", default="20,100,500", help=f"with {WIDE_ROWS:,} rows")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.measure:
        print(json.dumps(measure(options.measure, options.steps, options.samples)))
        return
    cases = [(int(rows), N_COLUMNS) for rows in options.rows.split(",") if rows]
    cases += [(WIDE_ROWS, int(columns)) for columns in options.columns.split(",") if columns]
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = [run_case(folder, *case, options.steps, options.samples) for case in cases]
    write_table(rows, options.output / "scale.md", options.steps, options.samples)
    draw(rows, options.output / "scale.png")


if __name__ == "__main__":
    main()
