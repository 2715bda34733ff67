"""What each part of GANDetector's score is worth: alone, and left out.

    GANAUG_DATA=... python benchmarks/anomaly/ablation.py --sets dev --seeds 0,1,2

One fit per set and seed: the parts of its score (``score_parts``) are weighted anew (``weights_``). For comparison, the
distance to the fifth nearest training row (KNN, as in PyOD and with its defaults). benchmarks/anomaly/protocol.py says
which rows train and test, and where the sets come from.
"""

import argparse
import warnings

import pandas as pd
from measuring import make_detector, rate
from protocol import list_sets, split
from results import Results, publish, show_command, to_markdown
from sklearn.neighbors import NearestNeighbors

WHOLE, KNN = "all parts", "KNN (k=5)"


def score_variants(rows, seed):
    """Return anomaly scores by variant: the whole, each part alone, each part left out, and KNN."""
    detector = make_detector("GANDetector", rows.train.shape[1], seed).fit(rows.train)
    parts, weights = detector.score_parts(rows.test), detector.weights_
    weighted = {name: weight * parts[name].to_numpy() for name, weight in weights.items() if weight}
    whole = sum(weighted.values())
    variants = {WHOLE: whole}
    variants |= {f"{name} alone": part for name, part in weighted.items()}
    variants |= {f"without {name}": whole - part for name, part in weighted.items()}
    scores = {name: -variant for name, variant in variants.items()}
    neighbors = NearestNeighbors(n_neighbors=5).fit(rows.train)
    return scores | {KNN: neighbors.kneighbors(rows.test)[0][:, -1]}


def summarize(table, sets, seeds):
    """Return the means over sets and seeds as Markdown, with the sets that a variant is better on than the whole."""
    chosen = table[table["set"].isin(sets) & table["seed"].isin(seeds)]
    chosen = chosen.astype({"auroc": float, "ap": float})
    order = list(dict.fromkeys(chosen["variant"]))
    shown = {}
    for figure, title in (("auroc", "AUROC"), ("ap", "AP")):
        grid = 100 * chosen.pivot_table(index="set", columns="variant", values=figure)[order]
        shown[f"{title}, %"] = grid.mean()
        shown[f"{title}: loss, %"] = [f"{gap:.1f}" for gap in grid[WHOLE].mean() - grid.mean()]
        shown[f"{title}: sets where better"] = [int((grid[name] > grid[WHOLE]).sum()) for name in order]
    shown = pd.DataFrame(shown)
    shown.index.name = f"{chosen['set'].nunique()} sets, {chosen['seed'].nunique()} seeds"
    return to_markdown(shown)


def main():
    """Print one row per variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="dev", help="dev (ten sets), all, or names, separated by commas")
    parser.add_argument("--seeds", default="0", help="of splits and detectors, such as 0,1,2")
    parser.add_argument("--contamination", type=float, default=0.0, help="share of anomalies among the training rows")
    parser.add_argument("--out", help="CSV file to append to, and to go on from")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the table in")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sets, seeds = list_sets(arguments.sets), [int(seed) for seed in arguments.seeds.split(",")]
    results = Results(arguments.out, ("set", "seed", "contamination"))
    for seed in seeds:
        for name in sets:
            key = {"set": name, "seed": seed, "contamination": arguments.contamination}
            if len(results.find(**key)):
                continue
            rows = split(name, seed, arguments.contamination)
            variants = score_variants(rows, seed)
            results.add([key | {"variant": one} | rate(rows.is_anomaly, score) for one, score in variants.items()])
            print(name, seed, "done", flush=True)
    table = results.find(contamination=arguments.contamination)
    command = show_command("ablation", parser, arguments)
    name = "ablation" + (f" contamination {arguments.contamination:g}" if arguments.contamination else "")
    publish(summarize(table, sets, seeds), name, command, arguments.write)


if __name__ == "__main__":
    main()
