"""What `privacy` returns: figures beside what real rows that nobody learned from reach."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ganaug.evaluation.findings import listed


@dataclass(frozen=True, eq=False)
class PrivacyReport:
    """What `privacy` measured.

    Attributes
    ----------
    figures : pandas.DataFrame
        A row for each figure: `name`; `label`, what it is in words, with its unit; `figure`;
        `reference`, what the holdout rows reach, or where there is nothing to gain; `limit`, the
        worst value that passes, sampling noise allowed for; `low`, `high`, a 95 % interval of
        the figure; `safer`, which way is safer: "lower", "50" (above is a risk, below is none) or
        "higher"; `passed`. A figure that can't be measured is NaN and passes.
    failures : list of str
        Why the table does not pass, a sentence each; empty when it passes.
    notes : list of str
        What could not be measured, and why.
    """

    figures: pd.DataFrame
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no figure is beyond its limit."""
        return not self.failures

    def summary(self) -> dict[str, float]:
        """Return figures and references under flat names, for a log; what is NaN is left out."""
        flat: dict[str, float] = {}
        for row in self.figures.itertuples():
            flat |= {str(row.name): row.figure, f"{row.name}_reference": row.reference}
        flat["passed"] = self.passed
        return {name: float(value) for name, value in flat.items() if not np.isnan(value)}

    def verdict(self) -> str:
        """Say in a sentence or two whether training rows can be told from the synthetic table."""
        if self.passed:
            return (
                "No sign that the synthetic rows give away training rows: nothing that was measured is beyond what "
                "real rows that nobody learned from reach. That is no proof of privacy."
            )
        return f"The synthetic rows give away training rows: {listed(self.failures)}."
