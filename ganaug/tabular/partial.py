"""Learning a table bit by bit: what ``TabularGAN.partial_fit`` does."""

import copy
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from ganaug.adversarial import (
    Batches,
    Budget,
    History,
    ProgressBar,
    Run,
    Trainer,
    derive_seed,
    isolated_rng,
    make_generator,
)
from ganaug.adversarial.snapshot import restore, snapshot
from ganaug.devices import resolve_device
from ganaug.exceptions import DataWarning, InvalidInputError
from ganaug.randomness import draw_seed
from ganaug.tabular.columns import IdentifierColumn
from ganaug.tabular.game import TabularGame
from ganaug.tabular.layout import TableLayout
from ganaug.tabular.records import CodeRecords
from ganaug.tabular.scoring import check_worth
from ganaug.tabular.streams import gather
from ganaug.tabular.ties import Tie

if TYPE_CHECKING:
    from ganaug.tabular.gan import TabularGAN

_MIN_ROUNDS = 5
_JUDGED_ROWS = 500
"""So many records of the last call say what ``score_samples`` is worth."""


class _OnePass(Batches):
    """Batches of one call: what ``epoch`` counts is the calls, so that no epoch ends inside of one."""

    @property
    def steps_per_epoch(self) -> int:
        return sys.maxsize


def learn_more(gan: "TabularGAN", X: Any, y: Any) -> None:
    """Make one pass over ``X`` with the networks as they stand; the first call makes them."""
    if not gan.__sklearn_is_fitted__():
        vars(gan).pop("_fit_state", None)
        gan.seed_, gan.history_, gan.n_iter_ = draw_seed(gan.random_state), [], 0
    gan.callbacks_ = [clone(callback) for callback in gan.callbacks or ()]
    progress = [ProgressBar()] if gan.verbose else []
    run = Run([History(), *progress, *gan.callbacks_], parameters=gan.get_params(deep=False))
    run.history = list(gan.history_)
    try:
        run.tell("on_fit_begin")
        records = _encode(gan, X, y, run)
        _play(gan, records, run)
        run.tell("on_fit_end")
    finally:
        run.tell("on_close")
        for name in [name for name in vars(gan) if name.startswith("_fit_") and name != "_fit_state"]:
            delattr(gan, name)  # no training record is kept between calls


def _encode(gan: "TabularGAN", X: Any, y: Any, run: Run) -> CodeRecords:
    """Return the records; the first call learns the encoder from them."""
    if not gan.__sklearn_is_fitted__():
        table = gan._learn_encoder(X, y, run)
        records = CodeRecords.encode(gan.encoder_.modeled_, table, _rng(gan, "encode"))
        gan._find_ties(records)
        return records
    X, y = gather(X, y, gan.max_rows_in_memory, derive_seed(gan.seed_, "rows", gan.n_iter_))
    target = gan.format_.target
    if y is None and target is not None:
        raise InvalidInputError(f"The first call was given the target {target!r}, this one none. Give y in each call.")
    table = gan.format_.check(gan, X, y)
    if not len(table):
        raise InvalidInputError(f"X has 0 sample(s) (shape={table.shape}) while a minimum of 1 is required.")
    unseen: dict[Any, int] = {}
    columns = gan.encoder_.modeled_
    records = CodeRecords.encode(
        columns, table, _rng(gan, "encode"), lambda column, count: unseen.__setitem__(column.name, count)
    )
    if unseen:
        _warn_unseen(unseen)
    if target is None or not unseen.get(target):
        return records
    known = np.flatnonzero(records.column(-1).numpy() >= 0)
    if not len(known):
        raise InvalidInputError(f"No row of X has a target {target!r} that the first call has seen. Call fit anew.")
    return records.part(known)


def _warn_unseen(counts: dict[Any, int]) -> None:
    named = ", ".join(f"{count} in {name!r}" for name, count in list(counts.items())[:5])
    warnings.warn(
        f"X holds values that the first call has not seen: {named}{', ...' if len(counts) > 5 else ''}. Numbers out of "
        "range are taken for the nearest in it; other values are unknown to the encoder, and the rest of their rows is "
        "learned. Call fit with all rows to learn such values.",
        DataWarning,
        stacklevel=6,
    )


def _play(gan: "TabularGAN", records: CodeRecords, run: Run) -> None:
    device = resolve_device(gan.device)
    if gan.__sklearn_is_fitted__():
        game = copy.deepcopy(gan.game_).requires_grad_(True)  # whatever goes wrong, the model stays usable
    else:
        with isolated_rng(derive_seed(gan.seed_, "weights")):
            game = gan._make_game()
    batch_rng = make_generator(gan.seed_, "batches", gan.n_iter_)
    batches = _OnePass(records, gan.batch_size, batch_rng, device, gan._batch_weights(records))
    rounds = max(_MIN_ROUNDS, len(records) // gan.batch_size)
    settings = replace(gan._settings(device), learning_rate_schedule="constant")
    budget = Budget(max_steps=gan.n_iter_ + rounds)
    trainer = Trainer(game.to(device), batches, run, budget, settings, gan.seed_)
    run.step = gan.n_iter_
    if hasattr(gan, "_fit_state"):
        restore(trainer, gan._fit_state)
    run.epoch = 1 + int(run.history[-1]["epoch"]) if run.history else 0
    gan._fit_held_out = records.part(np.zeros(0, dtype=np.int64)).codes()
    gan._prepare_run(run, trainer)
    trainer.train()
    state = snapshot(trainer)
    setattr(game, game.averaged, trainer.averager.module)
    if gan.__sklearn_is_fitted__():
        _count_in(gan, game, records)
    gan.game_ = game.eval().requires_grad_(False)
    gan.history_, gan.n_iter_, gan.stop_reason_ = run.history, run.step, run.stop_reason
    gan._rake()
    gan.quality_, gan.score_worth_ = None, _ask_worth(gan, records)
    gan._fit_state = state


def _count_in(gan: "TabularGAN", game: TabularGame, records: CodeRecords) -> None:
    """Let the table's shares be those of all calls, and forget ties that the newest records contradict."""
    columns, modeled = [], 0
    for column in gan.encoder_.columns_:
        if not isinstance(column, IdentifierColumn):
            levels = records.column(modeled).numpy()
            counts = column.counts + np.bincount(levels[levels >= 0], minlength=column.n_levels)
            column, modeled = replace(column, counts=counts), modeled + 1
        columns.append(column)
    gan.encoder_ = copy.copy(gan.encoder_)  # others may hold the one of the calls before
    gan.encoder_.columns_ = columns
    layout = TableLayout.of(gan.encoder_.modeled_)
    for module in game.modules():
        if hasattr(module, "layout"):
            module.layout = layout
    gan.ties_ = [tie for tie in gan.ties_ if _holds(tie, records)]


def _holds(tie: Tie, records: CodeRecords) -> bool:
    givers, takers = records.column(tie.giver).numpy(), records.column(tie.taker).numpy()
    wanted = np.where(givers >= 0, tie.levels[givers], -1)
    return bool(((wanted == takers) | (wanted < 0) | (takers < 0)).all())


def _ask_worth(gan: "TabularGAN", records: CodeRecords) -> float | None:
    """Return what ``score_samples`` is worth on some of the records of which every value is known."""
    if not gan.scrambled_weight:
        return None
    rows = _rng(gan, "judged").permutation(len(records))[:_JUDGED_ROWS]
    codes = records.part(rows).codes()
    with warnings.catch_warnings():
        # A model half learned would say it after each call; `score_worth_` has the figure.
        warnings.filterwarnings("ignore", message="score_samples ranks")
        return check_worth(gan.game_, codes.take(np.flatnonzero((codes.levels >= 0).all(axis=1))), gan.seed_)


def _rng(gan: "TabularGAN", purpose: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(gan.seed_, purpose, gan.n_iter_))
