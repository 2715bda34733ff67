"""The frauds of the simulator: they overwrite some payments with what a thief would do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganaug.datasets.market import (
    CATEGORIES,
    COUNTRIES,
    DAY,
    DISTANCES,
    HOMES,
    N_DAYS,
    Market,
)

Payments = dict[str, np.ndarray]
CODE = {name: code for code, name in enumerate(CATEGORIES)}


def add_fraud(payments: Payments, market: Market, n_fraud: int, rng: np.random.RandomState) -> np.ndarray:
    """Turn `n_fraud` payments into frauds, in place; return each payment's pattern, -1 for none."""
    n_samples = len(payments["second"])
    pattern = np.full(n_samples, -1)
    chosen = rng.permutation(n_samples)[:n_fraud]
    shares = np.cumsum([share for _, share, _ in PATTERNS.values()])
    ends = np.round(shares * n_fraud).astype(int)
    for code, (part, (commit, _, burst)) in enumerate(zip(np.split(chosen, ends[:-1]), PATTERNS.values(), strict=True)):
        if len(part):
            pattern[part] = code
            episode, turn = _episodes(len(part), burst, rng)
            _start(payments, market, part, episode, rng)
            commit(payments, market, part, episode, turn, rng)
    return pattern


def _episodes(n_fraud: int, burst: tuple[int, int], rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Return which episode each fraud belongs to, and its turn in it."""
    lengths = rng.randint(burst[0], burst[1] + 1, n_fraud)
    episode = np.repeat(np.arange(n_fraud), lengths)[:n_fraud]
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    return episode, np.arange(n_fraud) - starts[episode]


def _start(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    """Give each episode one victim, and one country from where the thief works."""
    victims = rng.randint(len(market.country), size=len(part))[episode]
    places = rng.choice(np.arange(HOMES, len(COUNTRIES)), len(part))[episode]
    abroad = DISTANCES[places] * rng.uniform(0.7, 1.3, len(part))[episode]
    nearby = rng.lognormal(2.5, 1.0, len(part))[episode]
    local = (rng.random_sample(len(part)) < 0.35)[episode]
    payments["customer"][part] = victims
    payments["country"][part] = np.where(local, market.country[victims], places)
    payments["distance_km"][part] = np.where(local, nearby, abroad) * rng.uniform(0.95, 1.05, len(part))


def _place(
    payments: Payments,
    part: np.ndarray,
    episode: np.ndarray,
    turn: np.ndarray,
    hours: tuple[float, float],
    gap_seconds: tuple[int, int],
    rng: np.random.RandomState,
) -> None:
    """Set the times: an episode starts between two hours and goes on with gaps in seconds."""
    day = rng.randint(0, N_DAYS - 1, len(part))[episode]
    hour = rng.uniform(*hours, len(part))[episode]
    gaps = np.where(turn > 0, rng.randint(*gap_seconds, len(part)), 0)
    since = np.cumsum(gaps)
    since -= since[np.searchsorted(episode, episode)]
    payments["second"][part] = day * DAY + (hour * 3_600).astype(np.int64) + since


def _sell(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    names: list[str],
    rng: np.random.RandomState,
) -> None:
    payments["category"][part] = rng.choice([CODE[name] for name in names], len(part))
    payments["merchant"][part] = market.draw_merchants(payments["category"][part], rng)


def _new_device(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    """Use a new device; most thieves don't know what the victim's own one looks like."""
    victim = payments["customer"][part]
    system = rng.choice([2, 2, 4], len(part))[episode]
    copied = (rng.random_sample(len(part)) < 0.35)[episode]
    laptop = market.devices.index("laptop")
    payments["os"][part] = np.where(copied, market.os[victim], system)
    payments["device"][part] = np.where(copied, market.device[victim], laptop)
    payments["device_age_days"][part] = rng.randint(0, 4, len(part))[episode]
    payments["online"][part] = True


def _card_testing(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    turn: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    _place(payments, part, episode, turn, (0, 24), (5, 60), rng)
    _sell(payments, market, part, ["digital"], rng)
    _new_device(payments, market, part, episode, rng)
    payments["amount"][part] = rng.uniform(0.5, 3, len(part))


def _stolen_card(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    turn: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    _place(payments, part, episode, turn, (22, 28.5), (300, 2_400), rng)
    _sell(payments, market, part, ["electronics", "electronics", "travel"], rng)
    payments["online"][part] = False
    payments["amount"][part] = rng.lognormal(np.log(420), 0.6, len(part))


def _account_takeover(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    turn: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    _place(payments, part, episode, turn, (6, 27), (120, 3_000), rng)
    _sell(payments, market, part, ["electronics", "travel", "clothing"], rng)
    _new_device(payments, market, part, episode, rng)
    payments["amount"][part] = rng.lognormal(np.log(190), 0.8, len(part))


def _gift_card_abuse(
    payments: Payments,
    market: Market,
    part: np.ndarray,
    episode: np.ndarray,
    turn: np.ndarray,
    rng: np.random.RandomState,
) -> None:
    _place(payments, part, episode, turn, (9, 23), (60, 600), rng)
    _sell(payments, market, part, ["gift_card"], rng)
    home = market.country[payments["customer"][part]]
    payments["online"][part] = rng.random_sample(len(part))[episode] < 0.7
    payments["country"][part] = home
    payments["distance_km"][part] = rng.lognormal(2.5, 0.8, len(part))
    own = payments["customer"][part]
    payments["device"][part], payments["os"][part] = market.device[own], market.os[own]
    payments["device_age_days"][part] = rng.randint(0, 400, len(part))[episode]
    payments["amount"][part] = rng.choice([25.0, 50.0, 100.0, 200.0], len(part))


# Pattern: how it is committed, its share of the frauds, shortest and longest episode.
PATTERNS: dict[str, tuple[Callable[..., None], float, tuple[int, int]]] = {
    "card_testing": (_card_testing, 0.30, (5, 12)),
    "stolen_card": (_stolen_card, 0.30, (1, 3)),
    "account_takeover": (_account_takeover, 0.25, (1, 3)),
    "gift_card_abuse": (_gift_card_abuse, 0.15, (3, 6)),
}
