"""A simulator of card payments with a few frauds that a person would recognize."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ganaug.datasets.fraud import PATTERNS, add_fraud
from ganaug.datasets.market import COUNTRIES, Market, genuine_payments
from ganaug.exceptions import InvalidInputError

GENUINE = "genuine"


def make_transactions(
    n_samples: int = 10_000,
    fraud_rate: float = 0.01,
    random_state: int | np.random.RandomState | None = None,
    *,
    return_pattern: bool = False,
) -> pd.DataFrame:
    """Simulate card payments of 90 days, some of them fraudulent.

    Every customer has a home country, an age, a budget, favorite categories, hours of the day and
    an own device; about 200 merchants sell in ten categories. Genuine payments follow the day and
    the week. Frauds follow four patterns, about 30, 30, 25 and 15 % of them:

    - "card_testing": bursts of tiny online payments for digital goods, seconds apart, from a
      device never seen before;
    - "stolen_card": electronics or travel, large amounts at night in shops, mostly far from home;
    - "account_takeover": online, from a new device, mostly with another system and country;
    - "gift_card_abuse": several round amounts of gift cards within an hour.

    Some thieves work near their victim or copy its device, and some genuine payments look like
    fraud: people travel, change their phone and buy gift cards.

    Parameters
    ----------
    n_samples : int, default=10_000
        Number of payments (rows).
    fraud_rate : float, default=0.01
        Share of frauds in [0, 1]; there are exactly ``round(n_samples * fraud_rate)``.
    random_state : int, RandomState or None, default=None
        The same integer gives the same table; numpy's global generator is never touched.
    return_pattern : bool, default=False
        Append the column `fraud_pattern` ("genuine" where there is none).

    Returns
    -------
    pandas.DataFrame
        Sorted by time, with the columns

        - `time`: datetime64, seconds;
        - `amount`: float, EUR, rounded to cents;
        - `category`, `merchant_id`, `merchant_country`, `channel`: category;
        - `card_present`: bool, the card was held against a terminal;
        - `customer_age`: Int64, years, 2 % missing;
        - `home_country`: category;
        - `device`, `os`: category, missing unless the channel is "online";
        - `device_age_days`: Int64, days since the device was first seen, missing likewise;
        - `distance_km`: float, from home, 3 % missing;
        - `payments_last_hour`: int, of the same customer, this one included;
        - `fraud`: int, 1 or 0.

    Raises
    ------
    InvalidInputError
        `n_samples` is no positive integer, or `fraud_rate` lies outside [0, 1].

    Examples
    --------
    >>> payments = make_transactions(1_000, fraud_rate=0.02, random_state=0)
    >>> payments.shape, int(payments["fraud"].sum())
    ((1000, 15), 20)
    >>> bool(payments["time"].is_monotonic_increasing)
    True
    """
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
        raise InvalidInputError(f"`n_samples`={n_samples!r} must be an integer of at least 1.")
    if not isinstance(fraud_rate, Real) or not 0 <= fraud_rate <= 1:
        raise InvalidInputError(f"`fraud_rate`={fraud_rate!r} must be a share between 0 and 1.")
    # None means fresh entropy, never numpy's global generator.
    rng = check_random_state(np.random.RandomState() if random_state is None else random_state)
    n_fraud = round(n_samples * fraud_rate)
    market = Market.draw(n_customers=max(20, n_samples // 25), rng=rng)
    payments = genuine_payments(market, n_samples, rng)
    pattern = add_fraud(payments, market, n_fraud, rng)
    order = np.argsort(payments["second"], kind="stable")
    payments = {name: values[order] for name, values in payments.items()}
    table = _table(payments, market, rng)
    table["fraud"] = (pattern[order] >= 0).astype(np.int64)
    if return_pattern:
        names = [GENUINE, *PATTERNS]
        table["fraud_pattern"] = pd.Categorical.from_codes(pattern[order] + 1, names)
    return table


def _table(payments: dict[str, np.ndarray], market: Market, rng: np.random.RandomState) -> pd.DataFrame:
    """Turn codes into columns, in the order in which a person would read them."""
    n_samples = len(payments["second"])
    customer = payments["customer"]
    online = payments["online"]
    age = pd.array(market.age[customer], dtype="Int64")
    age[rng.random_sample(n_samples) < 0.02] = pd.NA
    device_age = pd.array(payments["device_age_days"], dtype="Int64")
    channel = _channels(payments, market)
    seen = channel == 1
    device_age[~seen] = pd.NA
    distance = np.where(rng.random_sample(n_samples) < 0.03, np.nan, payments["distance_km"])

    def labels(codes: np.ndarray, names: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, names)

    merchants = [f"M{number:03d}" for number in range(len(market.merchant_category))]
    start = np.datetime64("2024-01-01", "ns")
    return pd.DataFrame(
        {
            "time": start + payments["second"].astype("timedelta64[s]"),
            "amount": np.maximum(np.round(payments["amount"], 2), 0.01),
            "category": labels(payments["category"], market.categories),
            "merchant_id": labels(payments["merchant"], merchants),
            "merchant_country": labels(payments["country"], COUNTRIES),
            "channel": labels(channel, ["in_store", "online", "phone"]),
            "card_present": ~online,
            "customer_age": age,
            "home_country": labels(market.country[customer], COUNTRIES),
            "device": labels(np.where(seen, payments["device"], -1), market.devices),
            "os": labels(np.where(seen, payments["os"], -1), market.systems),
            "device_age_days": device_age,
            "distance_km": np.round(distance, 1),
            "payments_last_hour": _payments_last_hour(customer, payments["second"]),
        }
    )


def _channels(payments: dict[str, np.ndarray], market: Market) -> np.ndarray:
    """Return 0 in shops, 1 online, 2 by phone: some travel agencies take orders that way."""
    merchants = np.arange(len(market.merchant_category))
    travel = market.merchant_category == market.categories.index("travel")
    by_phone = travel & (merchants % 50 < 20)
    return np.where(payments["online"], np.where(by_phone[payments["merchant"]], 2, 1), 0)


def _payments_last_hour(customer: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Count each customer's payments in the hour up to and including each payment."""
    # One number line on which customers are further apart than any two times.
    span = int(second.max()) + 7_200
    line = customer.astype(np.int64) * span + second
    ordered = np.sort(line)
    until = np.searchsorted(ordered, line, side="right")
    return until - np.searchsorted(ordered, line - 3_600, side="right")
