"""TabularGAN beside ctgan's synthesizers, in one run on one table: quality and CPU seconds.

    GANAUG_DATA=... python benchmarks/tabular.py --data adult --gans TabularGAN,CTGAN,TVAE --seconds 60

Every model gets the same number of CPU seconds (ctgan's are cut by epochs, whose cost is measured first), one thread,
and is judged against rows that none of them saw. Needs ``pip install 'ganaug[sdv,benchmarks]'``.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.model_selection import cross_val_predict, train_test_split

from ganaug.datasets import load_dataset
from ganaug.evaluation import quality
from ganaug.tabular import CTGAN, TVAE, TabularGAN

TARGETS = {"adult": "income", "shoppers": "Revenue", "magic": "class"}


def split(name, seed):
    """Return training and hold-out rows."""
    if name == "adult":
        return load_dataset(name), load_dataset(name, subset="test")
    train, test = train_test_split(load_dataset(name), test_size=0.2, random_state=seed)
    return train.reset_index(drop=True), test.reset_index(drop=True)


def make(name, seconds, train, seed):
    """Return an unfitted model that will use about ``seconds`` of CPU."""
    if name == "TabularGAN":
        return TabularGAN(epochs=None, max_steps=None, max_seconds=seconds, random_state=seed)
    rival = {"CTGAN": CTGAN, "TVAE": TVAE}[name]
    costs = []
    for epochs in (1, 3):
        began = time.process_time()
        rival(epochs=epochs, random_state=seed).fit(train)
        costs.append(time.process_time() - began)
    per_epoch = (costs[1] - costs[0]) / 2
    return rival(epochs=max(1, round((seconds - costs[0] + per_epoch) / per_epoch)), random_state=seed)


def as_codes(tables):
    """Return the tables as float arrays, categories by shared codes."""
    joined = pd.concat(tables, ignore_index=True)
    for name in joined:
        if not pd.api.types.is_numeric_dtype(joined[name]):
            joined[name] = pd.factorize(joined[name].astype(str))[0]
    parts = np.cumsum([len(table) for table in tables])[:-1]
    return np.split(joined.to_numpy(dtype=float), parts)


def detector_auc(real, synthetic):
    """Return the cross-validated AUC of LightGBM, real against synthetic rows; 0.5 = can't tell."""
    from lightgbm import LGBMClassifier
    from sklearn.metrics import roc_auc_score

    size = min(len(real), len(synthetic))
    codes = as_codes([real.sample(size, random_state=0), synthetic.sample(size, random_state=0)])
    X, y = np.vstack(codes), np.r_[np.ones(size), np.zeros(size)]
    judge = LGBMClassifier(n_estimators=200, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0)
    return roc_auc_score(y, cross_val_predict(judge, X, y, cv=5, method="predict_proba")[:, 1])


def usefulness(train, test, target):
    """Return the AUC on real rows of LightGBM trained on ``train``."""
    from lightgbm import LGBMClassifier
    from sklearn.metrics import roc_auc_score

    X_train, X_test = as_codes([train.drop(columns=target), test.drop(columns=target)])
    positive = sorted(test[target].astype(str).unique())[-1]
    judge = LGBMClassifier(n_estimators=200, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0)
    judge.fit(X_train, train[target].astype(str) == positive)
    return roc_auc_score(test[target].astype(str) == positive, judge.predict_proba(X_test)[:, 1])


def measure(name, seconds, train, test, target, seed):
    """Fit, sample and judge one model."""
    gan = make(name, seconds, train, seed)
    began = time.process_time()
    gan.fit(train)
    fitted = time.process_time()
    synthetic = gan.sample(len(train))
    report = quality(train, synthetic, holdout=test, target=target)
    return {
        "model": name,
        "fit CPU s": round(fitted - began, 1),
        "sample CPU s": round(time.process_time() - fitted, 1),
        "shape error %": round(report.shape_error, 2),
        "trend error %": round(report.trend_error, 2),
        "detector AUC": round(detector_auc(test, synthetic), 3),
        "usefulness AUC": round(usefulness(synthetic, test, target), 3),
    }


def main():
    """Print one row per model, and one for the real rows themselves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="adult", choices=sorted(TARGETS))
    parser.add_argument("--gans", default="TabularGAN,CTGAN,TVAE")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    train, test = split(arguments.data, arguments.seed)
    target = TARGETS[arguments.data]
    rows = [measure(name, arguments.seconds, train, test, target, arguments.seed) for name in arguments.gans.split(",")]
    floor = quality(train, train, holdout=test, target=target)
    real = {"model": "real rows", "shape error %": round(floor.shape_floor, 2)}
    real |= {"trend error %": round(floor.trend_floor, 2), "detector AUC": round(detector_auc(test, train), 3)}
    rows.append(real | {"usefulness AUC": round(usefulness(train, test, target), 3)})
    print(pd.DataFrame(rows).fillna("").to_string(index=False))


if __name__ == "__main__":
    main()
