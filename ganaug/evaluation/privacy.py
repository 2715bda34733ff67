"""Whether a synthetic table gives away the rows it was learned from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ganaug.evaluation.distances import encode_column
from ganaug.evaluation.nearest import Rows, encode_rows, nearest
from ganaug.evaluation.privacy_figures import (
    NEIGHBORS,
    Figure,
    compare_shares,
    distance_figures,
    membership,
    nearest_share,
)
from ganaug.evaluation.privacy_report import PrivacyReport
from ganaug.evaluation.quality import check_tables
from ganaug.evaluation.rare_values import gives_away
from ganaug.exceptions import DataWarning, InvalidInputError

__all__ = ["PrivacyReport", "privacy"]

MAX_QUERIES = 4_000  # rows of a table whose neighbors are looked for
MAX_REFERENCE = 50_000  # rows of a table among which they are looked for
MAX_CELLS = 750_000  # less of both where there are more than 15 columns


def privacy(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    *,
    random_state: int | np.random.RandomState | None = 0,
) -> PrivacyReport:
    """Measure what a synthetic table gives away about the rows it was learned from.

    Everything stands beside real rows that nobody learned from, the holdout: what they share with
    the training rows, the population shares. Figures of `PrivacyReport.figures`:

    - ``exact_copies``: the share of synthetic rows that equal a training row, beside that of
      holdout rows. Numbers are equal within a millionth of their range.
    - ``nearest_share``: the share of synthetic rows nearer to a training row than to a holdout
      row, at equal odds: 50 % when training rows are nothing special.
    - ``closest_distance``, ``distance_ratio``: the median distance to the closest training row,
      and how it compares to the fifth-closest one, beside those of holdout rows. A fifth less is
      allowed, as rows of a good model are often more typical than real ones.
    - ``membership``: how well an attacker who has the synthetic table alone tells training rows
      from holdout rows, by how near the synthetic rows come: an AUC, 50 % when not at all.
    - ``rare_values``: the share of synthetic rows that hold a value, or a pair of categories, that
      at most 3 training rows and no row of one half of the holdout hold, and that are nearer to
      its holder in the other columns than 95 % of holdout rows; beside the other half's.

    Limits leave three standard deviations to chance, so that few rows raise no alarm (and prove
    little). The distance is L1 over numbers in ranges of the real column and one-hot categories.
    To pass is no proof: these are the attacks that were tried, no differential privacy.

    Parameters
    ----------
    real : pandas.DataFrame
        The rows that were learned from.
    synthetic : pandas.DataFrame
        The same columns, in any order.
    holdout : pandas.DataFrame
        Required: real rows that were not learned from, drawn at random from where `real` is from.
    random_state : int, RandomState or None, default=0
        Draws the 4,000 rows of a table whose neighbors are looked for, and the 50,000 among which
        they are (less where there are more than 15 columns). Copies are looked for in all rows.

    Returns
    -------
    PrivacyReport

    Raises
    ------
    InvalidInputError
        There is no holdout, or the tables can't be compared.

    Warns
    -----
    DataWarning
        Most rows of the holdout are rows of `real` as well.

    References
    ----------
    Steier et al., "Synthetic data privacy metrics", 2025, arXiv:2501.03941; van Breugel et al.,
    "Membership inference attacks against synthetic data through overfitting detection", AISTATS
    2023, arXiv:2302.12580; Zhang et al., ICLR 2024, arXiv:2310.09656 (share of nearest rows).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> table = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 3)), columns=list("abc"))
    >>> train, holdout, fresh = table[:200], table[200:400], table[400:]
    >>> privacy(train, fresh, holdout).passed
    True
    >>> report = privacy(train, train.sample(200, replace=True, random_state=0), holdout)
    >>> report.passed, report.summary()["exact_copies"]
    (False, 100.0)
    """
    if holdout is None:
        raise InvalidInputError(
            "`holdout` is missing: privacy is measured beside real rows that were not learned from. Keep some back "
            "before you fit, e.g. train, holdout = sklearn.model_selection.train_test_split(table, test_size=0.2)."
        )
    tables = {"real": real, "synthetic": synthetic, "holdout": holdout}
    check_tables(tables)
    rng = check_random_state(np.random.RandomState() if random_state is None else random_state)
    encoded = [encode_column(name, tables) for name in real.columns]
    rows = dict(zip(tables, encode_rows(encoded), strict=True))
    drawn = _draw(rows, len(encoded), rng)
    figures: list[Figure] = []
    notes: list[str] = []
    if len(rows["real"].number_of) or len(rows["real"].code_of):
        figures += [_copies(rows), *_neighborhoods(rows, drawn, rng)]
    else:
        notes.append("Distances are not measured: nearly every row has its own value in all columns.")
    figures.append(_rare_values(encoded, rows, drawn))
    frame = pd.DataFrame([figure.row() for figure in figures])
    failed = frame[~frame["passed"]].to_dict("records")
    return PrivacyReport(frame, [_explain(row) for row in failed], notes)


@dataclass(frozen=True)
class _Drawn:
    """Places of rows of a table: some to look for neighbors of, and more to look among."""

    queries: np.ndarray
    reference: np.ndarray


def _draw(rows: dict[str, Rows], n_columns: int, rng: np.random.RandomState) -> dict[str, _Drawn]:
    share = min(1.0, MAX_CELLS / (MAX_REFERENCE * n_columns))
    n_queries, n_reference = (max(1_000, int(share * limit)) for limit in (MAX_QUERIES, MAX_REFERENCE))
    orders = {role: rng.permutation(len(part)) for role, part in rows.items()}
    return {role: _Drawn(order[:n_queries], order[:n_reference]) for role, order in orders.items()}


def _copies(rows: dict[str, Rows]) -> Figure:
    keys = {role: part.keys() for role, part in rows.items()}
    is_copy, is_copy_holdout = (np.isin(keys[role], keys["real"]) for role in ("synthetic", "holdout"))
    own = float(pd.Series(keys["real"]).duplicated(keep=False).mean())
    known = float(is_copy_holdout.mean())
    if known > 0.5 and own < known / 2:
        warnings.warn(
            f"{100 * known:.0f} % of the rows of `holdout` are rows of `real` as well, and of the rows of `real` "
            f"{100 * own:.0f} % have a twin: give real rows that were not learned from, or all figures look harmless.",
            DataWarning,
            stacklevel=3,
        )
    return compare_shares("exact_copies", "rows that equal a training row, %", is_copy, is_copy_holdout)


def _neighborhoods(rows: dict[str, Rows], drawn: dict[str, _Drawn], rng: np.random.RandomState) -> list[Figure]:
    """Return the figures that are made of distances."""
    queries = {role: part.at(drawn[role].queries) for role, part in rows.items()}
    reference = {role: part.at(drawn[role].reference) for role, part in rows.items()}
    to_train = nearest(queries["synthetic"], reference["real"], NEIGHBORS)
    to_holdout = nearest(queries["synthetic"], reference["holdout"])
    of_holdout = nearest(queries["holdout"], reference["real"], NEIGHBORS)
    return [
        nearest_share(to_train, to_holdout, len(reference["real"]), len(reference["holdout"])),
        *distance_figures(to_train.distances, of_holdout.distances, rng),
        membership(queries["real"], queries["holdout"], reference["synthetic"], rng),
    ]


def _rare_values(
    encoded: list[tuple[str, list[np.ndarray]]], rows: dict[str, Rows], drawn: dict[str, _Drawn]
) -> Figure:
    """Look for rare values in synthetic rows, and in one half of the holdout for what is rare to the other half."""
    known, asked = np.array_split(drawn["holdout"].reference, 2)
    places = [drawn["real"].reference, known, drawn["synthetic"].queries, asked[: len(drawn["synthetic"].queries)]]
    # Sets of rows, in the order of `places`: two of them are of the holdout.
    sets = [(kind, [arrays[table] for table in (0, 2, 1, 2)]) for kind, arrays in encoded]
    parts = [
        rows[role].at(place) for role, place in zip(("real", "holdout", "synthetic", "holdout"), places, strict=True)
    ]
    return compare_shares(
        "rare_values", "rows with a rare training value that describe its holder, %", *gives_away(sets, parts, places)
    )


def _explain(row: dict[Any, Any]) -> str:
    """Return a phrase for a figure that is beyond its limit."""
    figure, reference = row["figure"], row["reference"]
    beside = f"({figure:.3g}, of holdout rows {reference:.3g})"
    return {
        "exact_copies": f"{figure:.1f} % of the rows equal a training row (of holdout rows {reference:.1f} %)",
        "nearest_share": f"{figure:.1f} % of the rows are nearer to a training row than to a holdout row (50 is ideal)",
        "closest_distance": f"the closest training row is closer than to holdout rows {beside}",
        "distance_ratio": f"one training row stands out as the closest one {beside}",
        "membership": f"an attacker tells training rows from holdout rows (AUC {figure:.1f} %, 50 is ideal)",
        "rare_values": f"{figure:.1f} % of the rows tell who holds a rare value (of holdout rows {reference:.1f} %)",
    }[str(row["name"])]
