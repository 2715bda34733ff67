"""What a comparison found: every score, tables of differences, and which method to use."""

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ganaug.augment.checking import check_metric
from ganaug.augment.judging import Judgement, sign, summarize
from ganaug.augment.measures import corrected_interval, describe_metric
from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

FIGURES = ["mean", "difference", "low", "high", "wins", "resample_seconds", "fit_seconds"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` returns: printed, it is a table and a verdict.

    Attributes
    ----------
    scores : DataFrame
        A row per classifier, method, repeat, fold and metric: ``estimator``, ``method``, ``repeat``, ``fold``,
        ``metric``, ``value`` (0 to 1, higher = better), ``resample_seconds`` and ``fit_seconds`` (of CPU).
    metric : str
        What the verdict is about.
    gans : tuple of str
        The methods that train a GAN.
    notes : list of str
        What was left out or done differently, and why.
    parameters : dict
        What `compare` was asked to do.
    """

    scores: pd.DataFrame
    metric: str = "average_precision"
    gans: tuple[str, ...] = ("gan",)
    notes: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def estimators(self) -> list[str]:
        """The classifiers, in the order given."""
        return list(dict.fromkeys(self.scores["estimator"]))

    @property
    def methods(self) -> list[str]:
        """The methods, in the order given."""
        return list(dict.fromkeys(self.scores["method"]))

    def table(self, metric: str | None = None) -> pd.DataFrame:
        """Return the mean of each classifier and method, beside leaving the data as it is.

        Parameters
        ----------
        metric : str or None, default=None
            None takes the one that the verdict is about.

        Returns
        -------
        DataFrame
            ``estimator``, ``method``, ``mean``, ``difference`` to "none", ``low`` and ``high`` (95 % interval of the
            difference, paired by fold and corrected for folds that share rows), ``wins`` (the method to use: one per
            classifier), ``resample_seconds`` and ``fit_seconds`` (mean CPU time per fold).
        """
        return self.against("none", metric)

    def against(self, reference: str, metric: str | None = None) -> pd.DataFrame:
        """Return the table with differences to another method; NaN for a classifier that it was left out for."""
        metric = self.metric if metric is None else check_metric(metric)
        if reference not in self.methods:
            raise InvalidInputError(f"reference={reference!r} was not compared. Choose among {self.methods}.")
        parts = []
        for estimator in self.estimators:
            part = self._against(estimator, reference, metric).reset_index()
            part.insert(0, "estimator", estimator)
            part["wins"] = part["method"] == self._judge(estimator, metric).method
            parts.append(part[["estimator", "method", *FIGURES]])
        return pd.concat(parts, ignore_index=True)

    def winner(self, estimator: str | None = None, metric: str | None = None) -> str:
        """Return the method to use with a classifier, such as "none", "smote" or "gan".

        Parameters
        ----------
        estimator : str or None, default=None
            None will do where there is only one.
        metric : str or None, default=None
            None takes the one that the verdict is about.
        """
        if estimator is None and len(self.estimators) == 1:
            estimator = self.estimators[0]
        if estimator not in self.estimators:
            raise InvalidInputError(f"estimator={estimator!r} was not compared. Choose among {self.estimators}.")
        return self._judge(estimator, self.metric if metric is None else check_metric(metric)).method

    def verdict(self, metric: str | None = None) -> str:
        """Say in a sentence which method to use; for several classifiers, in one for each below one over all."""
        metric = self.metric if metric is None else check_metric(metric)
        return summarize([self._judge(estimator, metric) for estimator in self.estimators])

    def plot(self, path: "str | os.PathLike[str] | None" = None, metric: str | None = None) -> "Figure":
        """Draw the differences to leaving the data as it is, with their intervals; needs matplotlib.

        Parameters
        ----------
        path : path-like or None, default=None
            Where to save the drawing as well; the suffix says how (.png, .svg, .pdf).
        metric : str or None, default=None
            None takes the one that the verdict is about.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ganaug.augment.comparison_plot import draw, save

        figure = draw(self, self.metric if metric is None else check_metric(metric))
        if path is not None:
            save(figure, path)
        return figure

    def describe_metric(self, metric: str | None = None) -> str:
        """Return a metric in words."""
        return describe_metric(metric or self.metric, self.parameters.get("precision", 0.5))

    def _judge(self, estimator: str, metric: str) -> Judgement:
        def against(reference: str) -> pd.DataFrame:
            return self._against(estimator, reference, metric)

        return Judgement.make(estimator, self.describe_metric(metric), against, self.gans)

    def _against(self, estimator: str, reference: str, metric: str) -> pd.DataFrame:
        """Return the figures of one classifier by method."""
        rows = self.scores[(self.scores["estimator"] == estimator) & (self.scores["metric"] == metric)]
        values = rows.pivot(index=["repeat", "fold"], columns="method", values="value")
        methods = list(dict.fromkeys(rows["method"]))
        found = pd.DataFrame({"mean": values.mean()[methods]}, dtype=float)
        found[["difference", "low", "high"]] = np.nan
        if reference in methods:
            n_splits = rows["fold"].nunique()
            for method in methods:
                differences = (values[method] - values[reference]).to_numpy()
                found.loc[method, "difference"] = differences.mean()
                if method != reference:
                    found.loc[method, ["low", "high"]] = corrected_interval(differences, n_splits)
        seconds = rows.groupby("method", sort=False)[["resample_seconds", "fit_seconds"]].mean()
        return found.join(seconds).rename_axis("method")

    def __str__(self) -> str:
        notes = [f"Note: {note}" for note in self.notes]
        return "\n".join([self._title(), self.in_words().to_string(index=False), "", self.verdict(), *notes])

    def _title(self) -> str:
        n_folds = len(self.scores[["repeat", "fold"]].drop_duplicates())
        return f"{self.describe_metric().capitalize() if self.metric != 'roc_auc' else 'ROC AUC'}, {n_folds} folds"

    def in_words(self, metric: str | None = None) -> pd.DataFrame:
        """Return the table as texts, as it is printed; the method to use has a star."""
        table = self.table(metric)
        has_interval = table["low"].notna()
        interval = [f"{sign(low)} to {sign(high)}" for low, high in zip(table["low"], table["high"], strict=True)]
        return pd.DataFrame(
            {
                "estimator": table["estimator"],
                "method": table["method"],
                "use": np.where(table["wins"], "*", ""),
                "mean": [f"{value:.3f}" for value in table["mean"]],
                "difference": [sign(value) for value in table["difference"]],
                "95 % interval": pd.Series(interval).where(has_interval, ""),
                "CPU s per fold": [f"{value:.2f}" for value in table["resample_seconds"] + table["fit_seconds"]],
            }
        )

    def _repr_html_(self) -> str:
        lines = [*self.verdict().split("\n"), *(f"Note: {note}" for note in self.notes)]
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
        return f"<h4>{escape(self._title())}</h4>{self.in_words().to_html(index=False, border=0)}{paragraphs}"
