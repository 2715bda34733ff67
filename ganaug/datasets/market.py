"""The customers and merchants of the simulator, and how they behave when nobody cheats."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

COUNTRIES = ["DE", "FR", "NL", "ES", "IT", "PL", "GB", "US", "BR", "NG", "CN", "TH"]
HOMES = 6  # customers live in the first countries
HOME_SHARES = [0.35, 0.2, 0.15, 0.12, 0.1, 0.08]
# Rough distance in km between a customer's region and each country.
DISTANCES = np.array([600, 700, 500, 1_500, 1_200, 900, 800, 7_200, 9_500, 5_000, 8_300, 9_000])
# Category: share of payments, share online, typical amount (EUR), spread (log), busiest hour.
CATEGORIES = {
    "grocery": (0.30, 0.05, 32.0, 0.7, 17.5),
    "restaurant": (0.17, 0.10, 24.0, 0.6, 19.0),
    "fuel": (0.10, 0.00, 55.0, 0.35, 17.0),
    "clothing": (0.10, 0.45, 60.0, 0.7, 15.5),
    "digital": (0.11, 1.00, 9.0, 0.6, 20.5),
    "pharmacy": (0.07, 0.15, 18.0, 0.6, 12.0),
    "electronics": (0.05, 0.60, 140.0, 0.9, 16.0),
    "travel": (0.04, 0.80, 260.0, 0.8, 14.0),
    "gift_card": (0.02, 0.50, 40.0, 0.5, 16.5),
    "entertainment": (0.04, 0.40, 28.0, 0.5, 19.5),
}
N_MERCHANTS = 200
N_DAYS = 90
DAY = 86_400
WEEKDAYS = np.array([0.9, 0.9, 0.95, 1.0, 1.25, 1.3, 0.7])  # the first day is a Monday
GIFT_AMOUNTS = np.array([10.0, 15.0, 20.0, 25.0, 50.0, 100.0])


@dataclass(frozen=True)
class Market:
    """Customers and merchants; every array has one entry (or row) for each of them."""

    country: np.ndarray
    age: np.ndarray
    budget: np.ndarray
    shift_hours: np.ndarray
    activity: np.ndarray
    taste: np.ndarray
    device: np.ndarray
    os: np.ndarray
    device_since: np.ndarray
    merchant_category: np.ndarray
    merchant_country: np.ndarray
    categories: list[str] = field(default_factory=lambda: list(CATEGORIES))
    devices: list[str] = field(default_factory=lambda: ["phone", "laptop", "tablet"])
    systems: list[str] = field(default_factory=lambda: ["Android", "iOS", "Windows", "macOS", "Linux"])

    @classmethod
    def draw(cls, n_customers: int, rng: np.random.RandomState) -> Market:
        """Draw customers with their habits, and merchants with their trade."""
        age = np.clip(np.round(rng.normal(44, 16, n_customers)), 18, 92).astype(np.int64)
        shares = np.array([row[0] for row in CATEGORIES.values()])
        taste = rng.gamma(12 * shares, size=(n_customers, len(shares)))
        taste[:, list(CATEGORIES).index("digital")] *= np.where(age < 35, 2.0, 0.8)
        device = rng.choice(3, n_customers, p=[0.6, 0.32, 0.08])
        # Phones and tablets run Android or iOS; laptops Windows, macOS or Linux.
        handheld = (rng.random_sample(n_customers) < 0.4).astype(np.int64)
        laptop = 2 + rng.choice(3, n_customers, p=[0.72, 0.22, 0.06])
        merchant_country = rng.choice(HOMES, N_MERCHANTS, p=HOME_SHARES)
        return cls(
            country=rng.choice(HOMES, n_customers, p=HOME_SHARES),
            age=age,
            budget=rng.normal(0, 0.35, n_customers) + 0.004 * (age - 44),
            shift_hours=rng.normal(0, 1.2, n_customers) - 0.03 * (age - 44),
            activity=rng.gamma(1.5, size=n_customers) + 0.05,
            taste=np.cumsum(taste, axis=1) / taste.sum(axis=1, keepdims=True),
            device=device,
            os=np.where(device == 1, laptop, handheld),
            # Days before the first day; some devices are bought while the simulator runs.
            device_since=rng.randint(-900, 60, n_customers),
            merchant_category=np.arange(N_MERCHANTS) % len(CATEGORIES),
            merchant_country=np.where(
                rng.random_sample(N_MERCHANTS) < 0.15,
                rng.randint(HOMES, len(COUNTRIES), N_MERCHANTS),
                merchant_country,
            ),
        )

    def draw_merchants(self, category: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Draw a merchant of each category; a few of them have most of the customers."""
        per_category = N_MERCHANTS // len(CATEGORIES)
        place = (per_category * rng.random_sample(len(category)) ** 2).astype(np.int64)
        return place * len(CATEGORIES) + category


def genuine_payments(market: Market, n_samples: int, rng: np.random.RandomState) -> dict[str, np.ndarray]:
    """Return the codes and numbers of payments that nobody would object to."""
    habits = np.array(list(CATEGORIES.values()))
    weights = market.activity / market.activity.sum()
    customer = rng.choice(len(weights), n_samples, p=weights)
    # The last sum of a row may be a rounding error below 1.
    chance = rng.random_sample(n_samples)[:, None]
    category = np.minimum((chance > market.taste[customer]).sum(axis=1), len(habits) - 1)
    online = rng.random_sample(n_samples) < habits[category, 1]
    second = _times(habits[category, 4] + market.shift_hours[customer], rng)
    amount = _amounts(category, market.budget[customer], rng)
    merchant = market.draw_merchants(category, rng)
    traveling = rng.random_sample(n_samples) < 0.04
    home = market.country[customer]
    abroad = rng.choice(len(COUNTRIES), n_samples)
    here = np.where(traveling, abroad, home)
    near = rng.lognormal(1.5, 1.0, n_samples)
    far = DISTANCES[here] * rng.uniform(0.6, 1.4, n_samples)
    days = second // DAY - market.device_since[customer]
    # Now and then somebody pays from a new device, a shared one or another one at home.
    fresh = (days < 0) | (rng.random_sample(n_samples) < 0.04)
    return {
        "customer": customer,
        "second": second,
        "category": category,
        "online": online,
        "amount": amount,
        "merchant": merchant,
        "country": np.where(online, market.merchant_country[merchant], here),
        "distance_km": np.where(here == home, near, far),
        "device": market.device[customer].copy(),
        "os": market.os[customer].copy(),
        "device_age_days": np.where(fresh, rng.randint(0, 4, n_samples), days),
    }


def _amounts(category: np.ndarray, budget: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Draw amounts in EUR around what is typical of the category; gift cards are round."""
    habits = np.array(list(CATEGORIES.values()))[category]
    noise = habits[:, 3] * rng.standard_normal(len(category))
    amount = np.exp(np.log(habits[:, 2]) + budget + noise)
    gifts = category == list(CATEGORIES).index("gift_card")
    amount[gifts] = rng.choice(GIFT_AMOUNTS, gifts.sum(), p=[0.15, 0.15, 0.2, 0.2, 0.2, 0.1])
    return amount


def _times(busiest_hour: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Draw seconds since the start: busy and quiet weekdays, and a daily peak with a night."""
    weights = np.resize(WEEKDAYS, N_DAYS)
    day = rng.choice(N_DAYS, len(busiest_hour), p=weights / weights.sum())
    hour = busiest_hour + rng.normal(0, 2.8, len(busiest_hour))
    return day * DAY + (np.mod(hour, 24) * 3_600).astype(np.int64)
