"""Which method to use for a classifier, and the sentence that says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from ganaug.augment.measures import CONFIDENCE

WORDS = {
    "none": "the data left as it is",
    "random": "random oversampling",
    "smote": "SMOTE",
    "class_weight": "class weights",
    "gan": "the GAN",
}


def describe_method(method: str) -> str:
    """Return a method in words."""
    return WORDS.get(method, repr(method))


@dataclass(frozen=True)
class Judgement:
    """What the figures of one classifier say.

    A method is proven where the interval of its difference to leaving the data as it is lies above 0. A GAN is to be
    used if it has the best mean, is proven, and its lead over the best of the others is proven as well. Else it is
    the best of the other proven methods; else, if only the GAN is proven, the best of the others, whose difference to
    it is within the noise; else nothing is to be done.

    Attributes
    ----------
    estimator, metric : str
        ``metric`` in words.
    figures : DataFrame
        ``mean``, and ``difference``, ``low`` and ``high`` to leaving the data as it is, by method.
    leads : DataFrame
        The same, to ``rival``.
    gans : tuple of str
        The methods that train a GAN.
    gan : str or None
        The one of them with the best mean.
    rival : str
        The best of the methods without a GAN.
    """

    estimator: str
    metric: str
    figures: pd.DataFrame
    leads: pd.DataFrame
    gans: tuple[str, ...]
    gan: str | None
    rival: str

    @classmethod
    def make(
        cls, estimator: str, metric: str, against: Callable[[str], pd.DataFrame], gans: tuple[str, ...]
    ) -> "Judgement":
        """Judge from ``against(method)``, which returns the figures of this classifier by method."""
        figures = against("none")
        means, is_gan = figures["mean"], figures.index.isin(gans)
        gan = str(means[is_gan].idxmax()) if is_gan.any() else None
        rival = str(means[~is_gan].idxmax())
        return cls(estimator, metric, figures, against(rival), gans, gan, rival)

    @property
    def method(self) -> str:
        """The method to use."""
        is_proven = self.figures["low"] > 0
        if self.gan is not None and is_proven[self.gan] and self.leads.loc[self.gan, "low"] > 0:
            return self.gan
        others = self.figures.loc[is_proven & ~self.figures.index.isin(self.gans), "mean"]
        if len(others):
            return str(others.idxmax())
        return self.rival if self.gan is not None and is_proven[self.gan] else "none"

    @property
    def mean(self) -> float:
        """The figure of the method to use."""
        return float(self.figures.loc[self.method, "mean"])

    @property
    def uses_gan(self) -> bool:
        """Whether the method to use is a GAN."""
        return self.method in self.gans

    def sentence(self) -> str:
        """Say which method to use, and why."""
        advice = "leave the data as it is" if self.method == "none" else f"use {describe_method(self.method)}"
        warning = "" if self.gan is None or self.uses_gan else "don't use a GAN here, "
        return f"{warning}{advice}: {self._reason()}."

    def _reason(self) -> str:
        if self.method == "none":
            return f"{self.metric} {self.mean:.3f}; {self._about_no_gain()}"
        left = f"{self.figures.loc['none', 'mean']:.3f} with the data left as it is"
        reason = f"{self.metric} {self.mean:.3f} against {left} {_interval(self.figures.loc[self.method])}"
        if self.gan is None or (self.uses_gan and self.rival == "none"):
            return reason
        lead, best = self.leads.loc[self.gan], f"{self.leads.loc[self.rival, 'mean']:.3f}"
        rival = describe_method(self.rival)
        if self.uses_gan:
            return f"{reason} and {best} with {rival}, the best of the others {_interval(lead)}"
        judged = "a lead within the noise over" if lead["difference"] > 0 else "not above"
        gan = f"{describe_method(self.gan)} has {lead['mean']:.3f}"
        return f"{reason}; {gan}, {judged} the {best} of {rival} {_interval(lead)}"

    def _about_no_gain(self) -> str:
        """Say what the GAN, and the best of the other methods, do instead of gaining."""
        named = [] if self.gan is None else [self.gan]
        others = self.figures["mean"].drop(["none", *(name for name in self.gans if name in self.figures.index)])
        named += [str(others.idxmax())] if len(others) else []
        if not named:
            return "nothing else was tried"
        return "; ".join(
            f"{row['mean']:.3f} with {describe_method(name)} is "
            f"{'a gain within the noise' if row['difference'] > 0 else 'no gain'} {_interval(row)}"
            for name, row in ((name, self.figures.loc[name]) for name in named)
        )


def _interval(row: pd.Series) -> str:
    low, high = sign(row["low"]), sign(row["high"])
    return f"({sign(row['difference'])}, {100 * CONFIDENCE:.0f} % interval {low} to {high})"


def sign(value: float) -> str:
    """Return a difference with its sign and three decimals.

    >>> sign(0.05), sign(-0.0001)
    ('+0.050', '+0.000')
    """
    return f"{round(value, 3) + 0.0:+.3f}"  # + 0.0: no minus in front of zero


def summarize(judgements: Sequence[Judgement]) -> str:
    """Say in a line what to use; for several classifiers, in a line over all and one for each."""
    if len(judgements) == 1:
        return _capitalize(judgements[0].sentence())
    best = max(judgements, key=lambda judgement: judgement.mean)
    helped = [judgement.estimator for judgement in judgements if judgement.uses_gan]
    reached = f"{best.estimator} with {describe_method(best.method)} has the best {best.metric}, {best.mean:.3f}"
    if best.uses_gan:
        first = f"Overall: use {describe_method(best.method)}: {reached}."
    elif best.gan is None:
        first = f"Overall: {reached}."
    else:
        exception = f", though a GAN helps {', '.join(helped)}" if helped else ""
        first = f"Overall: don't use a GAN here: {reached}{exception}."
    return "\n".join([first, *(f"{judgement.estimator}: {judgement.sentence()}" for judgement in judgements)])


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
