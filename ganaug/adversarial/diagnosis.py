"""What the two players' terms mean, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

History = Sequence[dict[str, float]]


@dataclass(frozen=True)
class Finding:
    """One thing that the history shows, and what to change."""

    code: str
    """Stable name: ``balanced``, ``discriminator_won``, ``generator_won``, ``collapsed``, ..."""
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.advice}".strip()


@dataclass(frozen=True)
class Diagnosis:
    """The findings of ``diagnose``, most serious first; ``str()`` gives them as text."""

    findings: tuple[Finding, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Names of the findings."""
        return tuple(finding.code for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))


def diagnose(history: History, stop_reason: str | None = None) -> Diagnosis:
    """Say in words whether one player has won, whether the generator has collapsed, and what to change.

    Parameters
    ----------
    history : list of dict
        An estimator's ``history_``. The last fifth of its rows is looked at.
    stop_reason : str, optional
        An estimator's ``stop_reason_``.

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> rows = [{"step": 50, "discriminator/accuracy": 0.99, "discriminator/fake_spread": 0.9}]
    >>> print(diagnose(rows).findings[0].code)
    discriminator_won
    """
    findings = [
        *_about_the_end(stop_reason),
        *_about_collapse(_recent(history, "discriminator/fake_spread")),
        *_about_the_score(_recent(history, "discriminator/accuracy")),
        *_about_quality([row["quality/held_out"] for row in history if "quality/held_out" in row]),
    ]
    if not history:
        findings.append(Finding("no_history", "No round was played, so there is nothing to judge."))
    elif not findings:
        findings.append(
            Finding("not_judged", "The discriminator had no say, so there is no game to judge.", "Look at history_.")
        )
    return Diagnosis(tuple(findings))


def _recent(history: History, name: str) -> float | None:
    values = [row[name] for row in history if name in row]
    newest = values[-max(1, len(values) // 5) :]
    return sum(newest) / len(newest) if newest else None


def _about_the_end(stop_reason: str | None) -> list[Finding]:
    if stop_reason == "diverged":
        return [
            Finding(
                "diverged",
                "Training ended early because a term kept becoming NaN or infinite.",
                "Lower generator_lr and discriminator_lr, or look for extreme values in the data.",
            )
        ]
    if stop_reason == "interrupted":
        return [
            Finding(
                "interrupted",
                "Training was interrupted, so the model may be unfinished.",
                "Fit again, or resume from a Checkpoint.",
            )
        ]
    return []


def _about_collapse(spread: float | None) -> list[Finding]:
    if spread is not None and spread < 0.5:
        return [
            Finding(
                "collapsed",
                f"The generator has collapsed: its records vary {spread:.0%} as much as the real ones.",
                "Raise pac or gradient_penalty_weight, lower generator_lr, or try loss='relativistic'.",
            )
        ]
    return []


def _about_the_score(accuracy: float | None) -> list[Finding]:
    if accuracy is None:
        return []
    shown = f"the discriminator tells real from fake in {accuracy:.0%} of pairs (50% = it can't)"
    if accuracy > 0.95:
        return [
            Finding(
                "discriminator_won",
                f"The discriminator has won: {shown}.",
                "Raise gradient_penalty_weight, lower discriminator_lr or discriminator_steps, or train longer.",
            )
        ]
    if accuracy < 0.35:
        return [
            Finding(
                "generator_won",
                f"The generator fools the discriminator: {shown}, so it teaches the generator the wrong way.",
                "Raise discriminator_lr or discriminator_steps, or widen discriminator_hidden.",
            )
        ]
    if accuracy < 0.55:
        return [
            Finding(
                "balanced",
                f"Balanced: {shown}.",
                "Either the generator is good or the discriminator too weak to say: judge by a quality report, "
                "not by the losses.",
            )
        ]
    return [
        Finding(
            "playing",
            f"Both players are in the game: {shown}.",
            "The adversarial losses need not fall for the samples to get better; judge by a quality report.",
        )
    ]


def _about_quality(quality: list[float]) -> list[Finding]:
    if len(quality) < 4:
        return []
    best = max(range(len(quality)), key=quality.__getitem__)
    if best == len(quality) - 1:
        return [
            Finding(
                "still_improving",
                "Held-out quality was still rising when training ended.",
                "A larger budget (epochs, max_steps or max_seconds) should help.",
            )
        ]
    if quality[-1] < quality[best] and best < len(quality) // 2:
        return [
            Finding(
                "overfitting",
                "Held-out quality peaked in the first half of training and fell afterwards; the best weights "
                "were kept if early_stopping was on.",
                "A smaller network or budget will do, and more data would help.",
            )
        ]
    return []
