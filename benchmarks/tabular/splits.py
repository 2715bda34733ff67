"""Which rows train and which are kept back, and which columns are categories: the protocol of TabSyn's paper.

Adult has a test file of its own; of the others a random tenth is kept back, the same for every seed and method. Rows
with missing values are left out (these tables have none). Categories become text, for every method alike.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SPLIT_SEED = 1234
CATEGORIES = {
    "adult": ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex"]
    + ["native-country", "income"],
    "shoppers": ["Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend", "Revenue"],
    "magic": ["class"],
}
TARGETS = {"adult": "income", "shoppers": "Revenue", "magic": "class"}


@dataclass(frozen=True)
class Split:
    """Rows that train, rows that nothing was learned from, and what the columns are."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    categories: list


def load_split(name):
    """Return a `Split` of one of the sets, or raise LookupError with what is missing."""
    from ganaug.datasets import load_dataset
    from ganaug.exceptions import InvalidInputError

    folder = os.environ.get("GANAUG_DATA")
    if not folder or not (Path(folder).expanduser() / "tabular").is_dir():
        # openml.org's Adult is in one piece, so that its figures could not be compared with anyone's.
        raise LookupError(f"{name} is skipped: set GANAUG_DATA to a folder with a folder 'tabular' that holds it.")
    try:
        train = load_dataset(name)
        test = load_dataset(name, subset="test") if name == "adult" else None
    except InvalidInputError as error:
        raise LookupError(f"{name} is skipped: {error}") from error
    return make_split(name, train, test, TARGETS[name], CATEGORIES[name])


def make_split(name, train, test, target, categories):
    """Return a `Split`, with a tenth of ``train`` kept back where ``test`` is None."""
    train = train.dropna().reset_index(drop=True)
    if test is None:
        order = np.random.RandomState(SPLIT_SEED).permutation(len(train))
        n_train = int(0.9 * len(train))
        train, test = train.iloc[order[:n_train]], train.iloc[order[n_train:]]
    train, test = train.reset_index(drop=True), test.dropna().reset_index(drop=True)
    as_text = dict.fromkeys(categories, str)
    return Split(name, train.astype(as_text), test.astype(as_text), target, list(categories))
