"""Drift: whether the scores of new records still look like those of the records learned from."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from ganaug.anomaly.conformal import check_number, check_scores

_SD_OF_QUARTILES = 1.349
"""Interquartile range of a normal distribution, in standard deviations."""
_EXACT = 250_000
"""Pairs of records up to which the chance of a gap is computed exactly."""


@dataclass(frozen=True)
class DriftReport:
    """How the scores of new records differ from the reference; ``print`` it for a sentence.

    Attributes
    ----------
    statistic : float
        Largest gap between the two cumulative distributions (Kolmogorov-Smirnov), from 0 to 1.
    p_value : float
        Chance of such a gap, or a larger one, if nothing had changed.
    shift : float
        Difference of the medians in robust standard deviations of the reference; below 0 = towards odd, above 0 =
        towards normal. Infinite where the reference has no spread.
    low_share : float
        Share of the new scores below the reference's 1 % quantile; near 0.01 if nothing has changed.
    has_moved : bool
        Whether the gap is both significant and at least ``min_distance``.
    n_new : int
        Number of new scores.
    """

    statistic: float
    p_value: float
    shift: float
    low_share: float
    has_moved: bool
    n_new: int

    def __str__(self) -> str:
        figures = f"KS distance {self.statistic:.2f}, p = {self.p_value:.2g}"
        tail = f"{self.low_share:.1%} of them score below what 1% of the reference did"
        if not self.has_moved:
            return f"The {self.n_new:,} new scores look like the reference ({figures}; {tail}): nothing to do."
        if abs(self.shift) >= 0.05:  # what would not be printed as 0.0
            towards = "odd" if self.shift < 0 else "normal"
            way = f"by {abs(self.shift):.1f} robust standard deviations towards {towards}"
        else:
            way = "in their spread, not in their median"
        return (
            f"The {self.n_new:,} new scores have moved {way} ({figures}; {tail}): look at what changed in the data, "
            "and if the new records are normal, fit again or call partial_fit on them, and set the threshold again."
        )


def drift(reference: Any, new: Any, *, significance: float = 0.01, min_distance: float = 0.05) -> DriftReport:
    """Compare the scores of new records with a reference, such as ``calibration_scores_``.

    Parameters
    ----------
    reference, new : array-like of shape (n_records,)
        Of ``score_samples``, at least two each; higher = more normal.
    significance : float
        Chance, in (0, 1), at which a difference that is not there may be found.
    min_distance : float
        Smallest KS distance, in [0, 1), that counts as having moved. With a hundred thousand records any difference
        is significant, also one that no one need act on; 0.05 means that some threshold's share of alarms has changed
        by five points in a hundred.

    Returns
    -------
    DriftReport

    Notes
    -----
    Records are taken to be independent of each other. A new sample in which a few odd records are mixed among normal
    ones has not moved in this sense: see ``low_share``, and judge the records one by one.

    Examples
    --------
    >>> reference = np.linspace(0.0, 1.0, 500)
    >>> drift(reference, reference[::2]).has_moved, drift(reference, reference - 0.3).has_moved
    (False, True)
    """
    level = check_number(significance, "significance", 0.0, 1.0)
    least = check_number(min_distance, "min_distance", 0.0, 1.0, "[)")
    known = check_scores(reference, "reference", minimum=2)
    met = check_scores(new, "new", minimum=2)
    # The approximation is far off for a handful of records; the exact chance is slow for thousands.
    test = ks_2samp(known, met, method="exact" if len(known) * len(met) <= _EXACT else "asymp")
    statistic, p_value = float(test.statistic), float(test.pvalue)
    return DriftReport(
        statistic=statistic,
        p_value=p_value,
        shift=_shift(known, met),
        low_share=float((met < np.quantile(known, 0.01)).mean()),
        has_moved=p_value <= level and statistic >= least,
        n_new=len(met),
    )


def _shift(known: np.ndarray, met: np.ndarray) -> float:
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75])
    gap = float(np.median(met) - median)
    spread = float(high - low) / _SD_OF_QUARTILES or float(known.std())
    if gap == 0.0:
        return 0.0
    return gap / spread if spread else math.copysign(math.inf, gap)
