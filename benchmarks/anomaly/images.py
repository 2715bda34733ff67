"""ImageGANDetector on images of one class against all others, beside the error of 40 principal components.

    GANAUG_DATA=... python benchmarks/anomaly/images.py --set mnist --seeds 0,1,2

``GANAUG_DATA`` holds images/mnist_train_10k.npz and mnist_test_2k.npz, usps_16x16.npz, and
cifar10_train_8k_jpeg.npz and cifar10_test_2k_jpeg.npz. The training images of one class (at most 1,000) are normal;
AUROC is on the test images of all classes. The table of parts leaves one out at a time, and asks each alone, from the
same fits.
"""

import argparse
import io
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from results import Results, publish, show_command, to_markdown
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from ganaug.anomaly import ImageGANDetector

KEYS = ("set", "memory", "seed", "class", "score")
MOST_TRAINING = 1_000


def load(name):
    """Return training images and classes, and test images and classes."""
    home = os.environ.get("GANAUG_DATA")
    if home is None:
        raise SystemExit("GANAUG_DATA is not set: it names the folder that holds images/.")
    folder = Path(home, "images")
    if name == "usps":
        file = np.load(folder / "usps_16x16.npz")
        return file["X_train"], file["y_train"], file["X_test"], file["y_test"]
    if name == "mnist":
        files = [np.load(folder / f"mnist_{part}.npz") for part in ("train_10k", "test_2k")]
        return [file[key] for file in files for key in ("X", "y")]
    files = [np.load(folder / f"cifar10_{part}_jpeg.npz") for part in ("train_8k", "test_2k")]
    return [part for file in files for part in (decode(file["jpeg"], file["offsets"]), file["y"])]


def decode(jpeg, offsets):
    """Return the images (n, height, width, 3) that lie one after the other in ``jpeg``."""
    from PIL import Image

    spans = zip(offsets[:-1], offsets[1:], strict=True)
    return np.stack([np.asarray(Image.open(io.BytesIO(jpeg[first:last].tobytes()))) for first, last in spans])


def measure(train, test, is_odd, **parameters):
    """Return the AUROC of every score that can be made of one fit's parts, and the CPU seconds."""
    start = time.process_time()
    detector = ImageGANDetector(**parameters).fit(train)
    fitted = time.process_time()
    parts = detector.score_parts(test)
    seconds = {"fit_s": fitted - start, "score_s": time.process_time() - fitted}
    weighted = {name: -weight * parts[name] for name, weight in detector.weights_.items()}
    whole = sum(weighted.values())
    scores = {"all": whole} | {f"{name} alone": part for name, part in weighted.items()}
    scores |= {f"without {name}": whole - part for name, part in weighted.items()}
    return {name: {"auroc": roc_auc_score(is_odd, score)} | seconds for name, score in scores.items()}


def measure_components(train, test, is_odd):
    """Return the AUROC of the error that 40 principal components leave."""
    known, asked = (images.reshape(len(images), -1) / 255 for images in (train, test))
    model = PCA(40, random_state=0).fit(known)
    error = np.square(model.inverse_transform(model.transform(asked)) - asked).sum(axis=1)
    return {"PCA-40": {"auroc": roc_auc_score(is_odd, error), "fit_s": np.nan, "score_s": np.nan}}


def main():
    """Print a row per class, and a row per part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="mnist", choices=["mnist", "usps", "cifar10"])
    parser.add_argument("--classes", default="0,1,2,3,4,5,6,7,8,9")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--memory", default="1000", help='images to keep, or "none"')
    parser.add_argument("--out", help="CSV file to append to, and to go on from")
    parser.add_argument("--write", metavar="PAGE.md", help="Markdown page to put the tables in")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    memory = arguments.memory if arguments.memory == "none" else int(arguments.memory)
    train, train_y, test, test_y = load(arguments.set)
    results = Results(arguments.out, KEYS)
    results.table["memory"] = results.table["memory"].astype(str)  # a file of nothing but 1000 is read as numbers
    for seed in map(int, arguments.seeds.split(",")):
        for label in map(int, arguments.classes.split(",")):
            place = {"set": arguments.set, "memory": str(memory), "seed": seed, "class": label}
            if len(results.find(**place)):
                continue
            data = train[train_y == label][:MOST_TRAINING], test, test_y != label
            found = measure(*data, memory=memory, random_state=seed) | measure_components(*data)
            results.add([place | {"score": score} | row for score, row in found.items()])
            print(place, round(found["all"]["auroc"], 4), flush=True)
    chosen = results.find(set=arguments.set, memory=str(memory))
    name = f"{arguments.set}-{memory}"
    publish(summarize(chosen), name, show_command("images", parser, arguments), arguments.write)


def summarize(table):
    """Return AUROC by class and by part, means over seeds, as Markdown."""
    by_class = table.pivot_table(index="score", columns="class", values="auroc") * 100
    by_class["mean"] = by_class.mean(axis=1)
    ours = table[table["score"] == "all"]
    parts = [score.removesuffix(" alone") for score in by_class.index if score.endswith(" alone")]
    rows = {part: [by_class.loc[f"{part} alone", "mean"], by_class.loc[f"without {part}", "mean"]] for part in parts}
    pieces = pd.DataFrame(rows, index=["alone", "all others"]).T.rename_axis("part")
    seconds = ours[["fit_s", "score_s"]].astype(float).mean()
    n_seeds = table["seed"].nunique()
    spread = 100 * ours.groupby("seed")["auroc"].mean()
    about = (
        f"AUROC, %; {n_seeds} seed{'s' * (n_seeds > 1)} (means {', '.join(f'{mean:.2f}' for mean in spread)}). "
        f"A class: {seconds['fit_s']:.0f} CPU s to fit, {seconds['score_s']:.0f} to score."
    )
    shown = by_class.loc[["all", "PCA-40"]].rename_axis("score")
    return "\n\n".join([about, to_markdown(shown), to_markdown(pieces, decimals=2)])


if __name__ == "__main__":
    main()
