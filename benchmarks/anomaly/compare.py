"""GANDetector beside PyOD's detectors, in one run on the same splits: AUROC, average precision, CPU seconds.

    GANAUG_DATA=... python benchmarks/anomaly/compare.py --sets dev --seeds 0,1,2 --out compare.csv

Needs ``pip install 'ganaug[benchmarks]'``. benchmarks/anomaly/protocol.py says which rows train and test, and
where the sets come from. Every detector has its defaults and one thread. Each row of the CSV file is one fit; the same
command goes on where it was stopped, and --again GANDetector measures a detector anew. The tables printed are of
the sets, methods and seeds asked for, and go into a page with --write.
"""

import argparse
import warnings

from measuring import RIVALS, check_methods, measure, version_of
from protocol import list_sets, split
from results import Results, publish, show_command
from summary import summarize

KEYS = ("set", "method", "seed", "contamination")
FIGURES = ("auroc", "ap", "fit_s", "score_s")


def parse():
    """Return the parser and what it read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="dev", help="dev (ten sets), all, or names, separated by commas")
    parser.add_argument("--methods", default=",".join(["GANDetector", *RIVALS]), help="also: GANDetector-no-memory")
    parser.add_argument("--seeds", default="0", help="of splits and detectors, such as 0,1,2")
    parser.add_argument("--contamination", type=float, default=0.0, help="share of anomalies among the training rows")
    parser.add_argument("--limit", type=float, default=180.0, help="CPU seconds for a fit and its scores")
    parser.add_argument("--out", help="CSV file to append to, and to go on from")
    parser.add_argument("--again", default="", help="methods whose rows are dropped from the file first")
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the tables in")
    arguments = parser.parse_args()
    if not 0 <= arguments.contamination < 1:
        parser.error("--contamination is a share, from 0 to below 1")
    return parser, arguments


def run(results, sets, methods, seeds, contamination, limit):
    """Measure what ``results`` lacks, all methods on one split before the next split."""
    for seed in seeds:
        for name in sets:
            rows = None
            for method in methods:
                key = dict(zip(KEYS, (name, method, seed, contamination), strict=True))
                if len(results.find(**key)):
                    continue
                rows = rows or split(name, seed, contamination)
                shape = {"n_train": len(rows.train), "n_mixed": rows.n_mixed, "n_test": len(rows.test)}
                shape |= {"n_anomalies": int(rows.is_anomaly.sum()), "n_features": rows.train.shape[1]}
                result = skip(results, method, len(rows.train), limit)
                if result is None:
                    result = measure(method, rows.train, rows.test, rows.is_anomaly, seed, limit)
                row = key | shape | dict.fromkeys(FIGURES) | result
                results.add([row | {"version": version_of(method)}])
                figures = {name: round(row[name], 3) for name in FIGURES if row[name] is not None}
                print(method, seed, name, row["status"], figures or row["note"], flush=True)


def skip(results, method, n_train, limit):
    """Return what to write without trying: a method that was late is not tried with as many rows or more."""
    late = results.find(method=method, status="late") if len(results.table) else results.table
    if len(late) and n_train >= late["n_train"].min():
        return {"status": "late", "note": f"not tried: late with {late['n_train'].min()} rows (--limit {limit:g})"}
    return None


def main():
    """Measure what is not measured yet, and print the tables."""
    parser, arguments = parse()
    warnings.simplefilter("ignore")
    sets, methods = list_sets(arguments.sets), arguments.methods.split(",")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    results = Results(arguments.out, KEYS)
    if not arguments.summary:
        check_methods(arguments.methods)
        results.forget("method", [method for method in arguments.again.split(",") if method])
        run(results, sets, methods, seeds, arguments.contamination, arguments.limit)
    text = summarize(results.table, sets, methods, seeds, arguments.contamination)
    name = "compare" + (f" contamination {arguments.contamination:g}" if arguments.contamination else "")
    publish(text, name, show_command("compare", parser, arguments), arguments.write)


if __name__ == "__main__":
    main()
