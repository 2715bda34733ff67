"""Implausible values for single columns of real records: what reasons.py changes, and how."""

import numpy as np
import pandas as pd
from protocol import standardise

KINDS = ("far out", "misplaced", "unseen", "rare")
UNSEEN = "never seen before"
RARE = 0.005
N_NEIGHBORS = 20


class Corruptor:
    """Draw implausible values, given the rows that a detector learns from.

    Parameters
    ----------
    train : DataFrame
    rng : numpy.random.Generator
    """

    def __init__(self, train, rng):
        self.train, self.rng = train, rng
        numbers = [name for name in train if is_number(train[name])]
        texts = [name for name in train if not pd.api.types.is_numeric_dtype(train[name])]
        self.rare = {name: find_rare(train[name]) for name in texts}
        varying = [name for name in numbers if train[name].nunique() > 1]
        self.columns = {
            "far out": varying,
            "misplaced": varying,
            "unseen": texts,
            "rare": [name for name in texts if len(self.rare[name])],
        }

    def corrupt(self, records, kind):
        """Change one random column of each record.

        Parameters
        ----------
        records : DataFrame
            Its index is 0, 1, ...
        kind : {"far out", "misplaced", "unseen", "rare"}

        Returns
        -------
        changed : DataFrame
            Without the records that no column can be changed of; its index is theirs.
        names : list
            The column that was changed, for each of them.
        """
        changed, names = records.copy(), {}
        away = self.find_distances(records) if kind == "misplaced" else None
        for record in records.index:
            for name in self.rng.permutation(self.columns[kind]):
                old = records.at[record, name]
                value = self.draw(name, kind, None if away is None else away(record, name))
                if value is not None and value != old:
                    changed.at[record, name] = value
                    names[record] = name
                    break
        return changed.loc[list(names)], list(names.values())

    def draw(self, name, kind, distances):
        """Return a value for one column, None where it has none of this kind."""
        column = self.train[name]
        if kind == "unseen":
            return UNSEEN
        if kind == "rare":
            return self.rng.choice(self.rare[name])
        if kind == "far out":
            reach = 3 * column.std()
            value = self.rng.choice([column.min() - reach, column.max() + reach])
        else:
            near = column.to_numpy()[np.argsort(distances, kind="stable")[:N_NEIGHBORS]]
            ends = np.quantile(column, [0.01, 0.99], method="nearest")
            value = ends[np.argmax(np.abs(ends - np.median(near)))]
            if near.min() <= value <= near.max():
                return None
        return round(value) if pd.api.types.is_integer_dtype(column) else float(value)

    def find_distances(self, records):
        """Return a function (record, column) -> squared distances to the training rows in the *other* columns."""
        blocks = {}
        for name in self.train:
            known = pd.get_dummies(self.train[[name]], dtype=float).astype(float)
            asked = pd.get_dummies(records[[name]], dtype=float).reindex(columns=known.columns, fill_value=0.0)
            blocks[name] = standardise(known.to_numpy(), asked.to_numpy(dtype=float))

        def distances(record, name):
            others = (block for other, block in blocks.items() if other != name)
            return sum(np.square(known - asked[record]).sum(axis=1) for known, asked in others)

        return distances


def is_number(column):
    """Return whether a column holds numbers; True and False are none."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def find_rare(column):
    """Return the categories of fewer than 0.5 % of the rows."""
    shares = column.value_counts(normalize=True)
    return shares.index[shares < RARE].to_numpy()


def rank_by_rarity(train, records, rng):
    """Return the columns of each record, the one whose value is rarest *by itself* first.

    That of a number is the share of training rows at least as far out on its side, that of a category the share of rows
    with categories as rare. What a detector has to add is what lies between columns.
    """
    shares = pd.DataFrame(index=records.index, columns=records.columns, dtype=float)
    for name in records:
        known, values = train[name], records[name]
        if is_number(known):
            ordered = np.sort(known.to_numpy())
            below = np.searchsorted(ordered, values, side="right")
            above = len(ordered) - np.searchsorted(ordered, values, side="left")
            shares[name] = np.minimum(1.0, 2 * np.minimum(below, above) / len(ordered))
        else:
            counts = known.value_counts(normalize=True)
            shares[name] = [counts[counts <= counts.get(value, 0.0)].sum() for value in values]
    ties = 1e-9 * rng.random(shares.shape)
    return records.columns.to_numpy()[np.argsort(shares.to_numpy() + ties, axis=1)]
