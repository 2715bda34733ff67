"""How often ``GANDetector.explain`` names the column that was tampered with.

    GANAUG_DATA=... python benchmarks/anomaly/reasons.py --records 200 --seeds 0,1

In real records that the detector has never seen, one random column is given an implausible value, and the reasons are
asked for. Four kinds of values:

- far out: three standard deviations below the smallest or above the largest number of the column;
- misplaced: a number that is ordinary by itself, the column's 1 % or 99 % quantile, but none that goes with the rest
  of the record: the farther one from what the record's 20 nearest training rows *in the other columns* have, and only
  where it lies outside all of theirs (otherwise another column is tried);
- unseen: a category that no training row has;
- rare: a category of fewer than 0.5 % of the training rows.

Integers stay integers. By chance, the column comes first in one of as many cases as there are columns. "Rarest value"
looks at each column by itself: the one whose value is rarest among the training rows comes first. The sets: ADBench's
(benchmarks/anomaly/protocol.py says where from; normal rows alone), Adult and Online Shoppers without their targets
(5,000 random rows train), and AI4I (normal rows alone).
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from corruption import KINDS, Corruptor, rank_by_rarity
from measuring import make_detector
from mixed import split as split_mixed
from protocol import split
from results import Results, publish, show_command, to_markdown

from ganaug.datasets import load_dataset

SETS = "6_cardio,18_Ionosphere,20_letter,30_satellite,28_pendigits,5_campaign,adult,shoppers,ai4i"
TARGETS = {"adult": "income", "shoppers": "Revenue"}
N_TRAIN = 5_000


def load(name, seed):
    """Return normal rows that train and others that don't, as DataFrames."""
    if name in TARGETS:
        table = load_dataset(name).drop(columns=TARGETS[name]).sample(frac=1, random_state=seed)
        return table.iloc[:N_TRAIN].reset_index(drop=True), table.iloc[N_TRAIN:].reset_index(drop=True)
    if name == "ai4i":
        train, test, is_anomaly = split_mixed(name, seed)
        return train, test[is_anomaly == 0].reset_index(drop=True)
    rows = split(name, seed)
    names = [f"column {place}" for place in range(rows.train.shape[1])]
    return (pd.DataFrame(part, columns=names) for part in (rows.train, rows.test[rows.is_anomaly == 0]))


def measure(name, seed, n_records):
    """Return a row of results per kind of value that the set allows."""
    train, others = load(name, seed)
    rng = np.random.default_rng(seed)
    records = others.sample(min(n_records, len(others)), random_state=seed).reset_index(drop=True)
    detector = make_detector("GANDetector", train.shape[1], seed).fit(train)
    corruptor = Corruptor(train, rng)
    results = []
    for kind in KINDS:
        changed, names = corruptor.corrupt(records, kind)
        if changed.empty:
            continue
        began = time.process_time()
        reasons = detector.explain(changed, top=3)
        seconds = time.process_time() - began
        alarms = detector.predict(changed) < 0
        named = reasons.pivot(index="record", columns="rank", values="column").reindex(changed.index).to_numpy()
        ours = named == np.array(names, dtype=object)[:, None]
        rarest = rank_by_rarity(train, changed, rng)[:, :3] == np.array(names, dtype=object)[:, None]
        row = {"set": name, "seed": seed, "kind": kind, "columns": train.shape[1], "records": len(changed)}
        row |= {"alarms": alarms.sum(), "first": ours[:, 0].sum(), "top3": ours.any(axis=1).sum()}
        row |= {
            "alarms_first": ours[alarms, 0].sum(),
            "rarest_first": rarest[:, 0].sum(),
            "rarest_top3": rarest.any(axis=1).sum(),
            "explain_s": seconds,
        }
        results.append(row)
    return results


def summarize(table):
    """Return shares per set and kind, and per kind over all sets, as Markdown."""
    order = list(dict.fromkeys(table["set"]))
    sums = table.groupby(["set", "kind", "columns"], as_index=False).sum(numeric_only=True)
    sums = sums.sort_values(["kind", "set"], key=lambda column: column.map([*KINDS, *order].index))
    shown = [show_shares(sums)]
    # Every set counts alike here, whatever its number of records.
    means = shown[0].assign(kind=sums["kind"].to_numpy()).groupby("kind", sort=False).mean(numeric_only=True)
    means = means.drop(columns=["columns", "records"])
    means.index.name = "mean of sets"
    return to_markdown(means) + "\n\n" + to_markdown(shown[0].set_index("kind"))


def show_shares(sums):
    """Return counts as percentages."""
    n_records, n_alarms = sums["records"], sums["alarms"].where(sums["alarms"] > 0)
    shares = {
        "kind": sums["kind"],
        "set": sums["set"],
        "columns": sums["columns"],
        "records": n_records,
        "first, %": 100 * sums["first"] / n_records,
        "among three, %": 100 * sums["top3"] / n_records,
        "alarms, %": 100 * sums["alarms"] / n_records,
        "alarms: first, %": 100 * sums["alarms_first"] / n_alarms,
        "by chance: first, %": 100 / sums["columns"],
        "rarest value: first, %": 100 * sums["rarest_first"] / n_records,
        "rarest value: among three, %": 100 * sums["rarest_top3"] / n_records,
        "CPU ms a record": 1000 * sums["explain_s"] / n_records,
    }
    return pd.DataFrame(shares)


def main():
    """Print shares of records whose tampered column is named first, or among three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=SETS, help="ADBench names, adult, shoppers, ai4i; separated by commas")
    parser.add_argument("--records", type=int, default=200, help="per set, seed and kind of value")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", help="CSV file to append to, and to go on from")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the tables in")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sets, seeds = arguments.sets.split(","), [int(seed) for seed in arguments.seeds.split(",")]
    results = Results(arguments.out, ("set", "seed"))
    for seed in seeds:
        for name in sets:
            if not len(results.find(set=name, seed=seed)):
                results.add(measure(name, seed, arguments.records))
                print(name, seed, "done", flush=True)
    table = results.table[results.table["set"].isin(sets) & results.table["seed"].isin(seeds)]
    publish(summarize(table), "reasons", show_command("reasons", parser, arguments), arguments.write)


if __name__ == "__main__":
    main()
