"""What scores are worth: of records that were learned from, and as probabilities of labelled ones."""

import warnings
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from ganaug.anomaly.conformal import check_scores
from ganaug.exceptions import DataWarning, InvalidInputError


class ProbabilityMap:
    """A falling curve from scores (higher = more normal) to P(anomaly), fitted to labelled records.

    A logistic regression on two rising functions of the score, one linear and one that flattens in the tails, neither
    of which may raise P(anomaly). Unlike isotonic regression it has no steps, so that it keeps the ranking, never
    says 0 or 1 after a handful of labels, and in simulations (two normals, two gammas, half of the anomalies hidden
    among the normals) it was the closer one up to about a thousand labels of the rarer class. The flattening function
    keeps one normal record with an extreme score from spoiling the curve.

    The shares of the labels are taken for the shares met in use: where one record in ten thousand is an anomaly and
    half of the labelled ones are, P(anomaly) is too high, though its order is right.

    Attributes
    ----------
    center_, scale_ : float
        Median and interquartile range of the labelled scores.
    weights_ : ndarray of shape (3,)
        Log odds = constant + the two slopes times their functions of the score. Slopes are at most 0.

    Examples
    --------
    >>> curve = ProbabilityMap().fit([-5.0, -4.0, -1.0, 0.0, 1.0, 2.0], [1, 1, 0, 0, 0, 0])
    >>> (curve.probability([-6.0, 0.0, 3.0]) > 0.5).tolist()
    [True, False, False]
    """

    def fit(self, scores: Any, y: Any) -> "ProbabilityMap":
        """Fit the curve.

        Parameters
        ----------
        scores : array-like of shape (n_records,)
            What ``score_samples`` says of the labelled records; higher = more normal.
        y : array-like of shape (n_records,)
            1 or True = anomaly, 0 or False = normal; or scikit-learn's -1 = anomaly, 1 = normal.

        Returns
        -------
        ProbabilityMap
            Itself.
        """
        known = check_scores(scores, "scores")
        odd = check_labels(y, len(known))
        low, self.center_, high = (float(cut) for cut in np.quantile(known, [0.25, 0.5, 0.75]))
        self.scale_ = high - low or float(known.std()) or 1.0
        terms = self._terms(known)
        # Platt's targets: as if one more record of each class had been seen; finite weights for separated classes.
        targets = np.where(odd, (odd.sum() + 1.0) / (odd.sum() + 2.0), 1.0 / ((~odd).sum() + 2.0))

        def loss_and_slope(weights: np.ndarray) -> tuple[float, np.ndarray]:
            log_odds = terms @ weights
            loss = np.logaddexp(0.0, log_odds) - targets * log_odds
            return float(loss.mean()), terms.T @ (expit(log_odds) - targets) / len(targets)

        bounds = [(None, None), (None, 0.0), (None, 0.0)]
        self.weights_ = minimize(loss_and_slope, [0.0, -0.5, -0.5], jac=True, bounds=bounds, method="L-BFGS-B").x
        if np.abs(self.weights_[1:]).max() < 1e-6:
            warnings.warn(
                f"The anomalies among the {len(odd)} labelled records don't score lower than the normal ones, so "
                "P(anomaly) is the same for every record. Check that y says 1 for anomalies, not for normal records.",
                DataWarning,
                stacklevel=2,
            )
        return self

    def probability(self, scores: Any) -> np.ndarray:
        """Return P(anomaly) per score; the higher the score, the lower (never the higher) it is."""
        return expit(self._terms(check_scores(scores, "scores", minimum=0)) @ self.weights_)

    def to_state(self) -> dict[str, Any]:
        """Return plain values and arrays to rebuild the curve from."""
        return {"center": self.center_, "scale": self.scale_, "weights": self.weights_}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "ProbabilityMap":
        """Undo ``to_state``."""
        curve = cls()
        curve.center_, curve.scale_ = float(state["center"]), float(state["scale"])
        curve.weights_ = np.asarray(state["weights"], dtype=np.float64)
        return curve

    def _terms(self, scores: np.ndarray) -> np.ndarray:
        places = (scores - self.center_) / self.scale_
        return np.column_stack([np.ones(len(places)), places, np.arcsinh(places)])


def unlearn(together: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Return the scores that training records would have if no member had seen them.

    Parameters
    ----------
    together : ndarray of shape (n_records,)
        Their scores by all members, most of which have learned from them.
    apart : ndarray of shape (n_records,)
        Their scores by the members that have not. Those are few, so that they scatter more than scores of new records
        will, and can't be taken as they are.

    Returns
    -------
    ndarray of shape (n_records,)
        ``together``, moved along the straight line that leads from it to ``apart``: what having been learned from is
        worth on average, where a record lies, without the scatter.
    """
    gap = together - together.mean()
    slope = float(gap @ apart) / max(float(gap @ gap), 1e-300)
    return apart.mean() + slope * gap if slope > 0 else apart


def check_labels(y: Any, n_records: int) -> np.ndarray:
    """Return which records are labelled as anomalies, from 1/0, True/False or scikit-learn's -1/1.

    Both classes are needed: without them there is nothing to weigh, and a y of nothing but 1 could mean either.
    """
    labels = np.asarray(y)
    if labels.shape != (n_records,):
        raise InvalidInputError(
            f"y has shape {labels.shape} for {n_records} records. Give one label per record: 1 = anomaly, 0 = normal."
        )
    try:
        if labels.dtype.kind in "USO" and any(isinstance(label, str) for label in labels.tolist()):
            raise ValueError("texts")  # float("1") would pass
        numbers = labels.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(_bad_labels(labels)) from error
    met = set(np.unique(numbers).tolist())
    if met == {0.0, 1.0}:
        return numbers == 1.0
    if met == {-1.0, 1.0}:
        return numbers == -1.0
    raise InvalidInputError(_bad_labels(labels))


def _bad_labels(labels: np.ndarray) -> str:
    met = list(dict.fromkeys(labels.tolist()))
    shown = ", ".join(map(repr, met[:5])) + (", ..." if len(met) > 5 else "")
    return (
        f"y holds {shown or 'nothing'}; it must hold both normal records and anomalies, as 0 and 1 (1 = anomaly), "
        "False and True, or scikit-learn's 1 and -1 (-1 = anomaly)."
    )
