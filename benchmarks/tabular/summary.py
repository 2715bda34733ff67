"""Tables and plot of what was run, printed, written to the results' folder, and put into pages that have a place."""

import contextlib
import io
import sys
from pathlib import Path

import pandas as pd
from methods import PACKAGES, parse_method

sys.path.append(str(Path(__file__).parents[1] / "anomaly"))

from results import publish, to_markdown

COLUMNS = {
    "fit_cpu_s": ("fit, CPU s", 1),
    "sample_cpu_s": ("sample, CPU s", 1),
    "peak_mb": ("peak memory, MB", 0),
    "shape_error": ("shape error %", 2),
    "trend_error": ("trend error %", 2),
    "detector_train": ("detector AUC, training rows", 3),
    "detector_test": ("detector AUC, rows kept back", 3),
    "usefulness": ("usefulness AUC", 3),
    "nearer_to_train": ("nearer to training rows %", 1),
    "copies": ("copies %", 2),
}
SHORT = ["fit_cpu_s", "shape_error", "trend_error", "detector_test", "usefulness"]
ABLATION = ["fit_cpu_s", "shape_error", "trend_error", "detector_train", "detector_test", "usefulness"]
TERMS = {None: "both terms", "likelihood": "likelihood alone", "adversarial": "adversarial alone"}
PLOT = "benchmark-tabular.png"
SCRIPT = "GANAUG_DATA=... python benchmarks/tabular/run.py"


def write_all(records, folder, pages):
    """Print all tables that there are runs for, and write them.

    Parameters
    ----------
    records : Records
    folder : Path
        Gets ``summary.md`` and the plot.
    pages : list of str
        A page gets what it has markers for; the plot lies in the folder ``images`` of the docs.
    """
    sections = make_sections(records)
    if not sections:
        raise SystemExit(f"{records.path} holds no runs. Run some first.")
    summary = folder / "summary.md"
    summary.write_text("# Tables\n", encoding="utf-8")
    for name, (command, text) in sections.items():
        publish(text, name, command, summary)
        for page in map(Path, pages):
            put(text, name, command, page)
    runs, _ = records.table("quality")
    if len(runs):
        draw_pages(runs, records.table("real")[0], folder, pages)


def make_sections(records):
    """Return (command, text) by the name of the marker."""
    runs, failed = records.table("quality")
    real = records.table("real")[0].set_index("data") if len(records.table("real")[0]) else pd.DataFrame()
    sections = {}
    if len(runs):
        variants = runs["method"].map(lambda name: parse_method(name).variant)
        whole, ablated = runs[variants.isna()], runs[variants.notna()]
        if len(whole):
            sections["quality"] = command(whole), capital(describe(whole, failed)) + quality_tables(whole, real)
        adult = whole[whole["data"] == "adult"]
        if len(adult):
            text = grid(adult, SHORT, spread=True, real=real_row(real, "adult"))
            sections["quality of adult"] = command(adult), capital(describe(adult, [])) + text
        if len(ablated):
            sections["ablation"] = ablation_command(ablated), capital(describe(ablated, [])) + ablation(ablated, whole)
    sampled, _ = records.table("sampling")
    if len(sampled):
        sections["sampling"] = command(sampled, f" --sampling {sampled['n_samples'].iloc[0]}"), sampling(sampled)
    return sections


def command(runs, extra=""):
    """Return the command that makes these runs."""
    parts = {"data": runs["data"].unique(), "methods": order(runs["method"].unique()), "seeds": runs["seed"].unique()}
    words = [f"--{name} {','.join(map(str, values))}" for name, values in parts.items()]
    return f"{SCRIPT} {' '.join(words)}{extra}"


def ablation_command(runs):
    """Return the command that makes an ablation."""
    seconds = parse_method(runs["method"].iloc[0]).number
    seeds = ",".join(map(str, runs["seed"].unique()))
    return f"{SCRIPT} --ablation {seconds:g} --data {','.join(runs['data'].unique())} --seeds {seeds}"


def order(names):
    """Return methods' names, ours first, then by budget."""
    kinds = list(PACKAGES)
    methods = [parse_method(name) for name in names]
    methods.sort(key=lambda one: (kinds.index(one.kind), one.number or float("inf")))
    return [method.name for method in methods]


def describe(runs, failed):
    """Return what a table is about, and what is missing in it."""
    seeds = runs.groupby(["method", "data"])["seed"].nunique()
    most = seeds.max()
    text = f"medians of {most} seeds, and from the least to the greatest" if most > 1 else "one seed"
    fewer = [f"{method} on {data}: {n}" for (method, data), n in seeds.items() if n < most]
    text += f" ({'; '.join(fewer)})" if fewer else ""
    text += f"; one thread; {', '.join(sorted(set(runs['version'])))}."
    for row in failed:
        text += f" {row['method']} on {row['data']}, seed {row['seed']}, {row['status']}: {row['note']}."
    return text


def capital(sentences):
    """Return sentences as a paragraph."""
    return sentences[0].upper() + sentences[1:] + "\n\n"


def quality_tables(runs, real):
    """Return a table per set."""
    parts = []
    for name, rows in runs.groupby("data", sort=False):
        rows = rows.assign(peak_mb=rows[["fit_peak_mb", "sample_peak_mb"]].max(axis=1))
        text = grid(rows, list(COLUMNS), spread=True, real=real_row(real, name))
        copies = f"{rows['copies_test'].iloc[0]:.2f} % of the real rows kept back equal a training row."
        parts.append(f"**{name}**, {rows['rows'].iloc[0]:,} training rows. {copies}\n\n{text}")
    return "\n\n".join(parts)


def real_row(real, name):
    """Return what real rows reach on a set, or None."""
    return real.loc[name] if name in real.index else None


def grid(runs, names, spread, real=None, labels=None):
    """Return one row per method as Markdown.

    Parameters
    ----------
    runs : DataFrame
        Of one set.
    names : list of str
        Keys of ``COLUMNS``.
    spread : bool
        Show the least and the greatest of the seeds too.
    real : Series or None
        A last row.
    labels : dict or None
        What to call the methods.
    """
    shown, methods = {}, order(runs["method"].unique())
    for name in names:
        title, decimals = COLUMNS[name]
        cells = [cell(runs.loc[runs["method"] == one, name], decimals, spread) for one in methods]
        if real is not None:
            cells.append(cell(pd.Series([real.get(name)], dtype=float), decimals, False))
        shown[title] = cells
    index = [(labels or {}).get(one, one) for one in methods]
    index = index + ["other real rows"] if real is not None else index
    return to_markdown(pd.DataFrame(shown, index=pd.Index(index, name="method")))


def cell(values, decimals, spread):
    """Return a median, and where it comes from."""
    values = values.astype(float).dropna()
    if not len(values):
        return "–"
    text = f"{values.median():,.{decimals}f}"
    if spread and len(values) > 1:
        text += f" ({values.min():,.{decimals}f}–{values.max():,.{decimals}f})"
    return text


def ablation(ablated, whole):
    """Return a table per set of ours with one term of the generator, and with both."""
    budgets = {parse_method(name).number for name in ablated["method"]}
    both = whole[whole["method"].isin([f"TabularGAN-{number:g}" for number in budgets])]
    runs = pd.concat([both, ablated])
    parts = []
    for name, rows in runs.groupby("data", sort=False):
        methods = [parse_method(one) for one in rows["method"].unique()]
        labels = {one.name: f"{TERMS[one.variant]}, {one.number:g} s" for one in methods}
        parts.append(f"**{name}**\n\n" + grid(rows, ABLATION, spread=True, labels=labels))
    return "\n\n".join(parts)


def sampling(runs):
    """Return how fast rows of each set are drawn, and in what memory."""
    runs = runs.assign(rate=runs["n_samples"] / runs["sample_cpu_s"])
    parts = []
    for name, chosen in runs.groupby("data", sort=False):
        parts.append(f"**{name}**, {chosen['n_samples'].iloc[0]:,} rows; {describe(chosen, [])}")
        medians = chosen.groupby("method").median(numeric_only=True).loc[order(chosen["method"].unique())]
        shown = {
            "CPU s": [f"{seconds:.1f}" for seconds in medians["sample_cpu_s"]],
            "rows per CPU s": [f"{rate:,.0f}" for rate in medians["rate"]],
            "peak memory, MB": [f"{peak:,.0f}" for peak in medians["sample_peak_mb"]],
            "memory before the fit, MB": [f"{before:,.0f}" for before in medians["before_mb"]],
        }
        parts.append(to_markdown(pd.DataFrame(shown, index=medians.index)))
    return "\n\n".join(parts)


def put(text, name, command, page):
    """Put a text into a page that has this name's markers, and print nothing."""
    if f"<!-- {name}: made" in page.read_text(encoding="utf-8"):
        with contextlib.redirect_stdout(io.StringIO()):
            publish(text, name, command, page)


def draw_pages(runs, real, folder, pages):
    """Draw the plot in the results' folder, and in the docs' images for each page that has a place for it."""
    from drawing import draw

    draw(runs, real, folder / PLOT)
    for page in map(Path, pages):
        if "<!-- plot: made" in page.read_text(encoding="utf-8"):
            docs = page.parent if page.parent.resolve().name == "docs" else page.parent / "docs"
            draw(runs, real, docs / "images" / PLOT)
            link = (docs / "images" / PLOT).relative_to(page.parent)
            text = f"![Detector AUC over CPU seconds of the fit, per data set]({link})"
            put(text, "plot", f"{SCRIPT} --summarize", page)
