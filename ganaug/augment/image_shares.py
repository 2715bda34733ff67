"""How many synthetic images per real one: classifiers trained with each share are judged on images held back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ganaug.adversarial import derive_seed
from ganaug.augment.image_sets import ImageSet, count_synthetic, draw, fit_classifier, present, train
from ganaug.augment.judging import sign
from ganaug.augment.measures import CONFIDENCE
from ganaug.exceptions import InvalidInputError


@dataclass(frozen=True)
class ShareSearch:
    """The search for the best share; attributes as parameters of `ImageAugmenter`, shares in rising order."""

    shares: tuple[float, ...]
    classifier: Any
    validation_fraction: float
    n_repeats: int
    balance: bool
    seed: int
    verbose: int = 0

    def run(self, images: ImageSet, gan: Any) -> tuple[pd.DataFrame, Any]:
        """Return the scores by share, and the GAN that was used: if it was not fitted, one that saw no judge."""
        learning, judging = self._split(images)
        learning, judging = images.take(learning), images.take(judging)
        gan = train(gan, learning, derive_seed(self.seed, "gan", "share"))
        is_right = np.empty((len(self.shares), self.n_repeats, len(judging)), dtype=bool)
        for repeat in range(self.n_repeats):
            most = count_synthetic(learning.counts, self.shares[-1], self.balance)
            pool = draw(gan, learning, most, derive_seed(self.seed, "pool", repeat))
            for place, share in enumerate(self.shares):
                added = pool.take(self._first_of_each(pool, count_synthetic(learning.counts, share, self.balance)))
                # The same seed for all shares: what differs between them is the images.
                seed = derive_seed(self.seed, "classifier", repeat)
                model = fit_classifier(self.classifier, learning.add(added), seed)
                is_right[place, repeat] = np.asarray(model.predict(present(self.classifier, judging))) == judging.labels
                if self.verbose:
                    print(f"share {share:g}, repeat {repeat + 1}: {is_right[place, repeat].mean():.3f} right")
        return score_shares(self.shares, is_right, judging.codes), gan

    def _split(self, images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
        """Return places to learn from and to judge by, from each class its part, and one of each at least."""
        counts, classes = images.counts, images.encoder.classes_.tolist()
        if len(classes) < 2:
            raise InvalidInputError(f"y has a single class, {classes}. There is nothing to tell apart.")
        if counts.min() < 2:
            rare = classes[int(counts.argmin())]
            raise InvalidInputError(
                f"Class {rare!r} of y has one image, but to choose among shares={self.shares} takes one to learn from "
                f"and one to judge by. Give more, or a single share such as shares=({self.shares[-1]:g},)."
            )
        rng = np.random.default_rng(derive_seed(self.seed, "validation"))
        is_judge = np.zeros(len(images), dtype=bool)
        for code, count in enumerate(counts):
            n_judges = min(max(1, round(self.validation_fraction * count)), count - 1)
            is_judge[rng.permutation(np.flatnonzero(images.codes == code))[:n_judges]] = True
        return np.flatnonzero(~is_judge), np.flatnonzero(is_judge)

    @staticmethod
    def _first_of_each(pool: ImageSet, counts: np.ndarray) -> np.ndarray:
        """Return the places of so many images of each class: a larger share holds the images of a smaller one."""
        return np.concatenate([np.flatnonzero(pool.codes == code)[:count] for code, count in enumerate(counts)])


def score_shares(shares: tuple[float, ...], is_right: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
    """Return balanced accuracies by share, and leads over the first share with their intervals.

    Two things make a lead uncertain: that other images could have been held back, and that other weights and other
    synthetic images could have been drawn. Their variances are added. The images' is that of a weighted mean of
    paired differences, each the mean over repeats; the repeats' is that of the repeats' leads. As the best of several
    shares is looked for, the interval is wide enough for all of them (Bonferroni).

    Parameters
    ----------
    shares : tuple of float
    is_right : ndarray of bool, (n_shares, n_repeats, n_images)
    codes : ndarray of int, (n_images,)
        Classes.
    """
    counts = np.bincount(codes)
    weights = 1 / (counts[codes] * np.count_nonzero(counts))
    accuracies = is_right @ weights
    leads = accuracies - accuracies[0]
    lead = leads.mean(axis=1)
    gaps = (is_right.astype(float) - is_right[0]).mean(axis=1)
    variance = (weights**2 * (gaps - lead[:, np.newaxis]) ** 2).sum(axis=1)
    n_repeats = is_right.shape[1]
    spread = accuracies.std(axis=1, ddof=1) if n_repeats > 1 else np.full(len(shares), np.nan)
    if n_repeats > 1:
        variance += leads.var(axis=1, ddof=1) / n_repeats
    margin = norm.ppf(1 - (1 - CONFIDENCE) / 2 / max(1, len(shares) - 1)) * np.sqrt(variance)
    columns = {"mean": accuracies.mean(axis=1), "spread": spread, "lead": lead, "low": lead - margin}
    return pd.DataFrame({**columns, "high": lead + margin}, index=pd.Index(shares, name="share"))


def choose_share(scores: pd.DataFrame) -> float:
    """Return the best of the shares whose lead over the smallest is beyond noise, or else the smallest."""
    proven = scores.loc[scores["low"] > 0, "mean"]
    return float(scores.index[0] if proven.empty else proven.idxmax())


def describe_choice(scores: pd.DataFrame) -> str:
    """Say what was chosen, and why.

    >>> figures = {"mean": [0.8, 0.81], "lead": [0, 0.01], "low": [0, -0.02], "high": [0, 0.04]}
    >>> print(describe_choice(pd.DataFrame(figures, [0.0, 0.5])))
    No share of synthetic images is better than 0 beyond noise: balanced accuracy 0.810 with 0.5 for 0.800
    (+0.010, interval -0.020 to +0.040).
    """
    chosen, smallest = choose_share(scores), scores.index[0]
    best = scores["mean"].drop(smallest).idxmax() if chosen == smallest else chosen
    row, without = scores.loc[best], scores.loc[smallest, "mean"]
    figures = f"{row['mean']:.3f} with {best:g} for {without:.3f}"
    interval = f"({sign(row['lead'])}, interval {sign(row['low'])} to {sign(row['high'])})"
    if chosen == smallest:
        start = f"No share of synthetic images is better than {smallest:g} beyond noise"
        return f"{start}: balanced accuracy {figures} {interval}."
    return f"Share {chosen:g} is better than {smallest:g}: balanced accuracy {figures} {interval}."
