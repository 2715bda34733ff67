"""BaseDetector: what can be asked of any detector whose scores are calibrated on normal records."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from ganaug.anomaly.calibration import ProbabilityMap
from ganaug.anomaly.conformal import benjamini_hochberg, p_values
from ganaug.anomaly.threshold import Threshold, choose_threshold
from ganaug.base import BaseGAN
from ganaug.features import DiscriminatorFeatures


class BaseDetector(OutlierMixin, DiscriminatorFeatures, BaseGAN):
    """Outliers, thresholds, p-values, alerts and probabilities, all from one score.

    A detector gives ``score_samples``, and sets ``calibration_scores_`` (of the training records, by members that have
    never seen them) and ``training_scores_`` (as ``score_samples`` gives them) at the end of its ``fit``.
    """

    _fitted_names: ClassVar[tuple[str, ...]] = (*BaseGAN._fitted_names, "calibration_scores_", "training_scores_")
    calibration_scores_: np.ndarray
    training_scores_: np.ndarray
    threshold_: Threshold

    def __sklearn_is_fitted__(self) -> bool:
        return super().__sklearn_is_fitted__() and hasattr(self, "threshold_")

    @abstractmethod
    def score_samples(self, X: Any) -> np.ndarray:
        """Return how normal each record is, (n_samples,); higher = more normal."""

    def decision_function(self, X: Any) -> np.ndarray:
        """Return ``score_samples(X) - offset_``, (n_samples,): below 0 is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Return -1 for outliers and 1 for the rest, (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def anomaly_score(self, X: Any) -> np.ndarray:
        """Return ``-score_samples(X)``, (n_samples,): higher = more anomalous."""
        return -self.score_samples(X)

    def p_value(self, X: Any) -> np.ndarray:
        """Return the probability that a normal record looks at least as odd (conformal).

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            At most ``a`` for a share ``a`` of fresh normal records. None is below 1 / (n + 1), n training records.
        """
        return p_values(self.calibration_scores_, self.score_samples(X))

    def select_alerts(self, X: Any, false_discovery_rate: float = 0.1) -> np.ndarray:
        """Return which records to report so that the expected share of false ones among them is limited.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            All records of the period, not a selection.
        false_discovery_rate : float, default=0.1

        Returns
        -------
        ndarray of bool, shape (n_samples,)
            By Benjamini-Hochberg on ``p_value``. With n training records, at least
            ``n_samples / ((n + 1) * false_discovery_rate)`` records are reported, or none.
        """
        return benjamini_hochberg(self.p_value(X), false_discovery_rate)

    def set_threshold(
        self,
        *,
        contamination: float | str | None = None,
        false_alarm_rate: float | None = None,
        max_alerts: int | None = None,
        costs: tuple[float, float] | None = None,
        X: Any = None,
        y: Any = None,
    ) -> Self:
        """Choose another threshold, without refitting: by exactly one of four rules.

        Parameters
        ----------
        contamination : float or "auto", optional
            Share of the training records to be outliers.
        false_alarm_rate : float, optional
            Share of fresh normal records that may alarm.
        max_alerts : int, optional
            Alerts allowed among the records ``X`` of a typical day.
        costs : tuple of float, optional
            Of a false alarm and of a miss; needs ``X`` and ``y`` (1 = anomaly, 0 = normal; or -1 and 1).
        X, y : optional
            The records, and their labels, that a rule needs.

        Returns
        -------
        self
            With new ``threshold_`` and ``offset_``.
        """
        check_is_fitted(self, "calibration_scores_")
        by_rows = contamination is not None and not isinstance(contamination, str)
        self.threshold_ = choose_threshold(
            self.training_scores_ if by_rows else self.calibration_scores_,
            contamination=contamination,
            false_alarm_rate=false_alarm_rate,
            max_alerts=max_alerts,
            costs=costs,
            scores=None if X is None else self.score_samples(X),
            y=y,
        )
        return self

    @property
    def offset_(self) -> float:
        """Scores below it are outliers."""
        check_is_fitted(self)
        return self.threshold_.offset

    def calibrate(self, X: Any, y: Any) -> Self:
        """Learn probabilities from labelled records; the ranking stays.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            1 = anomaly, 0 = normal (or -1 and 1). Their shares are taken for those met in use.

        Returns
        -------
        self
            With ``predict_proba``.
        """
        self.probability_map_ = ProbabilityMap().fit(self.score_samples(X), y)
        return self

    @property
    def predict_proba(self) -> Callable[[Any], np.ndarray]:
        """P(normal) and P(anomaly) of ``X``, (n_samples, 2); there only after ``calibrate``."""
        if not hasattr(self, "probability_map_"):
            raise AttributeError("predict_proba needs labels: call calibrate(X, y) first.")
        return self._predict_proba

    def _predict_proba(self, X: Any) -> np.ndarray:
        odd = self.probability_map_.probability(self.score_samples(X))
        return np.column_stack([1.0 - odd, odd])

    def _fitted_state(self) -> dict[str, Any]:
        probabilities = self.probability_map_.to_state() if hasattr(self, "probability_map_") else None
        return super()._fitted_state() | {"threshold": asdict(self.threshold_), "probabilities": probabilities}

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self.threshold_ = Threshold(**state.pop("threshold"))
        probabilities = state.pop("probabilities")
        if probabilities is not None:
            self.probability_map_ = ProbabilityMap.from_state(probabilities)
        super()._restore_fitted(state)
