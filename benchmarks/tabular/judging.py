"""The figures: how far a synthetic table is from the real one, what it is good for, and whether it was copied.

- shape and trend error, in %: 100 minus the scores of sdmetrics' quality report for columns and for pairs, over all
  rows and all pairs.
- detector AUC: LightGBM tells synthetic from real rows, as many of each; the mean over five folds. 0.5 = it can't, 1 =
  at a glance. Against rows that trained, and against rows that were kept back: below 0.5 against the former is a sign
  of copying, and no victory; against the latter copying can't help.
- usefulness: the AUC, on real rows that were kept back, of LightGBM trained on synthetic rows.
- nearer to training rows, in %: of synthetic rows, those whose nearest training row is nearer than the nearest row that
  was kept back, at equal odds for both; 50 is ideal, 100 is a copy. Distances sum, over columns, differences in units
  of the training rows' range and 2 for categories that differ.
- copies, in %: synthetic rows that equal a training row; real rows that were kept back equal some by chance too.
"""

import warnings

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

N_ASKED = 4000
"""Rows whose neighbors are looked for."""
SAME = 1e-6
FOLDS = 5


def judge(split, synthetic):
    """Return all figures of a synthetic table.

    Parameters
    ----------
    split : Split
    synthetic : DataFrame
        As many rows as ``split.train``.
    """
    train, test = (as_floats(rows, split.categories) for rows in (split.train, split.test))
    synthetic = tidy(synthetic, train, split.categories)
    shape_error, trend_error = report_errors(train, synthetic, split.categories)
    return {
        "shape_error": shape_error,
        "trend_error": trend_error,
        "detector_train": detector_auc(train, synthetic, split.categories),
        "detector_test": detector_auc(test, synthetic, split.categories),
        "usefulness": usefulness(synthetic, test, split.target, split.categories),
    } | closeness(train, test, synthetic, split.categories)


def judge_real(split):
    """Return what real rows reach: those that were kept back for shapes and trends, training rows for the rest."""
    train, test = (as_floats(rows, split.categories) for rows in (split.train, split.test))
    shape_error, trend_error = report_errors(train, test, split.categories)
    return {
        "shape_error": shape_error,
        "trend_error": trend_error,
        "detector_test": detector_auc(test, train, split.categories),
        "usefulness": usefulness(train, test, split.target, split.categories),
    }


def as_floats(table, categories):
    """Return the table with all its numbers as floats."""
    return table.astype({name: float for name in table if name not in categories})


def tidy(synthetic, train, categories):
    """Return synthetic rows in the form of the training rows; a missing number becomes the column's median."""
    columns = {}
    for name in train:
        column = synthetic[name].reset_index(drop=True)
        if name in categories:
            columns[name] = column.astype(object).where(column.notna(), "nan").astype(str)
        else:
            columns[name] = pd.to_numeric(column, errors="coerce").astype(float).fillna(train[name].median())
    return pd.DataFrame(columns)


def report_errors(real, synthetic, categories):
    """Return the mean errors of columns and of pairs of columns in %, by sdmetrics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sdmetrics.reports.single_table import QualityReport

        report = QualityReport()
        # Otherwise it takes a sample of the rows and leaves out pairs that hardly depend on each other.
        report.num_rows_subsample = None
        report.real_correlation_threshold = report.real_association_threshold = 0
        kinds = {name: {"sdtype": "categorical" if name in categories else "numerical"} for name in real}
        report.generate(real, synthetic, {"columns": kinds}, verbose=False)
    scores = dict(report.get_properties()[["Property", "Score"]].itertuples(index=False))
    return tuple(100 * (1 - float(scores[name])) for name in ("Column Shapes", "Column Pair Trends"))


def as_codes(tables, categories):
    """Return the tables as float arrays, with categories by codes that they share."""
    together = pd.concat(tables, ignore_index=True)
    for name in set(categories) & set(together):
        together[name] = pd.factorize(together[name])[0]
    return np.split(together.to_numpy(dtype=float), np.cumsum([len(table) for table in tables])[:-1])


def make_classifier():
    """Return LightGBM as all figures use it."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=200, learning_rate=0.05, num_leaves=31, n_jobs=1, verbose=-1, random_state=0)


def places(table, categories):
    """Return where a table's categories are."""
    return [place for place, name in enumerate(table) if name in categories]


def detector_auc(real, synthetic, categories):
    """Return how well LightGBM tells the two apart."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    size = min(len(real), len(synthetic))
    X = np.vstack(as_codes([table.sample(size, random_state=0) for table in (real, synthetic)], categories))
    is_real = np.repeat([1, 0], size)
    aucs = []
    for learned, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, is_real):
        detector = make_classifier()
        detector.fit(X[learned], is_real[learned], categorical_feature=places(real, categories))
        aucs.append(roc_auc_score(is_real[asked], detector.predict_proba(X[asked])[:, 1]))
    return float(np.mean(aucs))


def usefulness(table, test, target, categories):
    """Return the AUC on ``test`` of LightGBM trained on ``table``; nan if that lacks a class."""
    from sklearn.metrics import roc_auc_score

    classes = sorted(test[target].unique())
    if not set(classes) <= set(table[target]):
        return float("nan")
    features = [rows.drop(columns=target) for rows in (table, test)]
    X, X_test = as_codes(features, categories)
    classifier = make_classifier()
    classifier.fit(X, table[target] == classes[-1], categorical_feature=places(features[0], categories))
    return float(roc_auc_score(test[target] == classes[-1], classifier.predict_proba(X_test)[:, 1]))


class Nearest:
    """Distances to the nearest row of a table, in the units of the training rows."""

    def __init__(self, train, test, categories):
        self.numbers = [name for name in train if name not in categories]
        spans = train[self.numbers].max() - train[self.numbers].min()
        self.spans = spans.replace(0, 1).to_numpy()
        self.levels = {name: pd.unique(pd.concat([train[name], test[name]])) for name in categories}

    def encode(self, table):
        """Return scaled numbers, and one-hot categories; a level that no real row has is no level."""
        hot = [table[name].to_numpy()[:, None] == levels for name, levels in self.levels.items()]
        hot = np.hstack(hot) if hot else np.zeros((len(table), 1))
        return table[self.numbers].to_numpy() / self.spans, hot.astype(np.float32)

    def distances(self, asked, rows):
        """Return, for each row of ``asked``, how far the nearest of ``rows`` is."""
        (numbers, hot), (other_numbers, other_hot) = self.encode(asked), self.encode(rows)
        nearest = []
        for start in range(0, len(asked), 500):
            block = slice(start, start + 500)
            differing = len(self.levels) - hot[block] @ other_hot.T
            gaps = cdist(numbers[block], other_numbers, "cityblock") if self.numbers else 0.0
            nearest.append((gaps + 2 * differing).min(axis=1))
        return np.concatenate(nearest)


def closeness(train, test, synthetic, categories):
    """Return the share of synthetic rows nearer to training rows, and copies beside those of rows kept back, in %."""
    nearest = Nearest(train, test, categories)
    asked = synthetic.sample(min(N_ASKED, len(synthetic)), random_state=0)
    kept_back = test.sample(min(len(test), len(train)), random_state=0)
    to_train, to_test = nearest.distances(asked, train), nearest.distances(asked, kept_back)
    # A tie, such as of a row that both tables hold, counts for each in proportion to its size.
    is_tie = np.abs(to_train - to_test) <= SAME
    share = np.mean(np.where(is_tie, len(train) / (len(train) + len(kept_back)), to_train < to_test))
    odds = share / max(1 - share, 1e-9) * len(kept_back) / len(train)
    others = kept_back.sample(min(N_ASKED, len(kept_back)), random_state=1)
    return {
        "nearer_to_train": 100 * odds / (1 + odds),
        "copies": 100 * float(np.mean(to_train < SAME)),
        "copies_test": 100 * float(np.mean(nearest.distances(others, train) < SAME)),
    }
