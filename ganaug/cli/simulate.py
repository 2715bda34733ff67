"""``ganaug simulate``: card payments for a first try, with no data of one's own."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from ganaug.cli.console import make_console
from ganaug.exceptions import InvalidInputError

FILES = ("normal.csv", "day.csv", "day_labels.csv")


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")],
    rows: Annotated[int, typer.Option(min=100, help="Genuine payments in normal.csv.")] = 20_000,
    day_rows: Annotated[int, typer.Option(min=10, help="Payments in day.csv, frauds included.")] = 5_000,
    fraud_rate: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of frauds in day.csv.")] = 0.01,
    random_state: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Simulate card payments: normal.csv to learn from, day.csv to score, day_labels.csv to check.

    Genuine payments are parted at random, so that those of day.csv are as normal as those of normal.csv; all frauds
    are in day.csv.
    """
    there = [name for name in FILES if (output / name).exists()]
    if there and not overwrite:
        raise InvalidInputError(f"{output / there[0]} exists; add --overwrite to replace it, or choose another folder.")
    import numpy as np

    from ganaug.cli.sample import write_table
    from ganaug.datasets import make_transactions

    n_frauds = round(day_rows * fraud_rate)
    n_payments = rows + day_rows
    payments = make_transactions(n_payments, n_frauds / n_payments, random_state, return_pattern=True)
    genuine = np.flatnonzero(payments["fraud"] == 0)
    learned = np.sort(np.random.default_rng(random_state).permutation(genuine)[:rows])
    day = np.setdiff1d(np.arange(n_payments), learned)
    labels = ["fraud", "fraud_pattern"]
    tables = (
        payments.iloc[learned].drop(columns=labels),
        payments.iloc[day].drop(columns=labels),
        payments.iloc[day][labels],
    )
    for name, table in zip(FILES, tables, strict=True):
        write_table(table, output / name)
    normal, fresh = (quote(str(output / name)) for name in FILES[:2])
    for line in (
        f"{len(learned):,} genuine payments in {output / FILES[0]}",
        f"{len(day):,} payments, {n_frauds:,} of them frauds, in {output / FILES[1]} (which: {FILES[2]})",
        f"Next:  ganaug detect fit {normal} -o detector",
        f"       ganaug detect score detector {fresh} -o scored.csv --false-alarm-rate 0.001 --explain 3",
    ):
        make_console().print(line, markup=False)
