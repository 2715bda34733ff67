"""What the networks say of records: the discriminator's opinion and features, and the generator's likelihood.

All run in float64 on blocks of one fixed size, so that what is said of a record depends on no other record.
"""

import copy
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ganaug.adversarial import PackedDiscriminator, derive_seed, make_generator
from ganaug.detection import detector_auc
from ganaug.exceptions import TrainingWarning
from ganaug.tabular.codes import Codes, as_numbers
from ganaug.tabular.discriminator import TableDiscriminator
from ganaug.tabular.drawing import Model
from ganaug.tabular.game import TabularGame, draw_order
from ganaug.tabular.generator import TableGenerator
from ganaug.tabular.sampling import sample_table

BLOCK = 256
"""Records scored at a time."""
_CELLS = 2**16
"""Values in a batch where they need not be in blocks of a fixed size: 500 columns would take a gigabyte at once."""
_JUDGED_ROWS = 10_000
_CROSSED_COPIES = 4
_OTHER_ORDERS = 4
_Module = TypeVar("_Module", bound=nn.Module)
_WORTH = 0.55
"""Below this, the discriminator is said to be no better than chance."""


def discriminator_scores(game: TabularGame, codes: Codes, hide_targets: bool) -> np.ndarray:
    """Return the discriminator's logits (n,), float64; higher = more normal."""
    return _ask(game, codes, hide_targets, lambda discriminator, views: discriminator(views)[:, 1])


def discriminator_features(game: TabularGame, codes: Codes, hide_targets: bool) -> np.ndarray:
    """Return the discriminator's last hidden layer (n, features), float64."""
    width = unpack(game.discriminator).n_features
    return _ask(game, codes, hide_targets, TableDiscriminator.features, (width,))


def unpack(discriminator: nn.Module) -> TableDiscriminator:
    """Return the network inside a wrapper that packs records, or the network itself."""
    network = discriminator.discriminator if isinstance(discriminator, PackedDiscriminator) else discriminator
    assert isinstance(network, TableDiscriminator)
    return network


def log_likelihoods(generator: TableGenerator, codes: Codes, n_given: int) -> np.ndarray:
    """Return log p(record) - log p(record under independent columns), (n,), float64, in nats.

    Only the first ``n_given`` columns count; the rest (a target that is not known) is summed out, which in the
    table's order means leaving out their terms. A level never seen counts with half the share of the rarest one, and
    tells the other columns nothing.
    """
    double = _double(generator)
    layout = generator.layout
    marginals = torch.from_numpy(layout.marginals)
    offsets = torch.tensor(layout.offsets)
    order = torch.arange(layout.n_columns)
    unseen_gain = torch.log(marginals.min() / 2.0)

    def score(levels: Tensor, positions: Tensor) -> Tensor:
        seen = levels >= 0
        nats = double.nats_per_column(levels, positions, order)
        baseline = -torch.log(marginals[levels.clamp_min(0) + offsets])
        gain = torch.where(seen, baseline - nats, unseen_gain)
        return gain[:, :n_given].sum(dim=1)

    return _in_blocks(score, codes)


def target_log_probabilities(generator: TableGenerator, codes: Codes) -> np.ndarray:
    """Return log p(last column | the others), (n,), float64, in nats."""
    double = _double(generator)
    *parts, target = double.parts()

    def score(levels: Tensor, positions: Tensor) -> Tensor:
        seen, known = levels >= 0, levels.clamp_min(0)
        context = double.bias.new_zeros(len(levels), double.bias.shape[2])
        for place, part in enumerate(parts):
            context = context + part.embed(known[:, place], positions[:, place]) * seen[:, place, None]
        return -target.negative_log_likelihood(known[:, -1], positions[:, -1], target.hidden(context))

    return _in_blocks(score, codes)


def held_out_quality(generator: TableGenerator, codes: Codes) -> float:
    """Return the mean gain of ``log_likelihoods`` over all columns, in the table's order and in others.

    Half of it comes from the table's order, half from orders such as conditions ask for (a quarter of the records in
    each of four), so that neither use is kept at the other's cost. Quick: float32, a few large batches.
    """
    layout = generator.layout
    device = generator.bias.device
    levels = torch.from_numpy(codes.levels).to(device)
    positions = torch.from_numpy(codes.positions).float().to(device)
    baseline = -np.log(layout.marginals[codes.levels + np.array(layout.offsets)]).sum(axis=1).mean()

    def mean_nats(order: Tensor, rows: slice) -> float:
        size = max(1, _CELLS // layout.n_columns)
        parts = zip(levels[rows].split(size), positions[rows].split(size), strict=True)
        nats = [generator.negative_log_likelihood(*part, order) for part in parts]
        return float(torch.cat(nats).cpu().double().mean())

    rng = make_generator(0, "held-out orders", device=device)
    others = [draw_order(layout, rng) for _ in range(_OTHER_ORDERS)]
    with torch.no_grad():
        given = mean_nats(torch.arange(layout.n_columns, device=device), slice(None))
        mixed = [mean_nats(order, slice(place, None, _OTHER_ORDERS)) for place, order in enumerate(others)]
    return float(baseline - 0.5 * given - 0.5 * np.mean(mixed))


def likeness(model: Model, table: pd.DataFrame, n_given: int, seed: int) -> float:
    """Return how hard real records are to tell from as many drawn ones: 2 * (1 - AUC of boosted trees), at most 1.

    Only the first ``n_given`` columns that have levels are looked at. Values are compared as they are, not as levels,
    so that neither coarse bins nor a shared level for rare categories can look like quality.
    """
    drawn = sample_table(model, min(len(table), _JUDGED_ROWS), None, derive_seed(seed, "likeness"))
    columns = model.encoder.modeled_[:n_given]
    sides = [np.column_stack([as_numbers(column, side[column.name]) for column in columns]) for side in (table, drawn)]
    categorical = [not column.n_ordered for column in columns]
    auc = detector_auc(sides[0], sides[1], categorical=categorical, random_state=seed % 2**32)
    return 2.0 * (1.0 - float(np.maximum(0.5, auc)))  # NaN stays


def check_worth(game: TabularGame, held_out: Codes, seed: int) -> float | None:
    """Return how often a held-out record scores above a crossed copy of itself; warn where that is by chance.

    A crossed copy takes a random half of its columns from one other record: another way of spoiling than the one
    that the discriminator was trained against, so that it can't have learned the answer by heart.
    """
    n_records, n_columns = held_out.levels.shape
    if n_records < 2 or n_columns < 2:
        return None
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n_records), _CROSSED_COPIES)
    donors = (rows + rng.integers(1, n_records, len(rows))) % n_records
    taken = rng.random((len(rows), n_columns)).argsort(axis=1) < n_columns // 2
    crossed = Codes(
        np.where(taken, held_out.levels[donors], held_out.levels[rows]),
        np.where(taken, held_out.positions[donors], held_out.positions[rows]),
    )
    gap = discriminator_scores(game, held_out, False)[rows] - discriminator_scores(game, crossed, False)
    differs = gap != 0  # a donor may have the same values
    worth = float((gap[differs] > 0).mean()) if differs.any() else 0.5
    if worth < _WORTH:
        warnings.warn(
            f"score_samples ranks held-out records above copies with half of their columns swapped in {worth:.0%} "
            "of cases (50% = chance): its scores say little. Either the columns are independent of each other, or "
            "training was too short, or scrambled_weight too low.",
            TrainingWarning,
            stacklevel=2,
        )
    return worth


def _ask(
    game: TabularGame,
    codes: Codes,
    hide_targets: bool,
    question: Callable[[TableDiscriminator, Tensor], Tensor],
    shape: tuple[int, ...] = (),
) -> np.ndarray:
    """Return what the discriminator answers to ``question`` on each record, (n, *shape)."""
    discriminator = _double(unpack(game.discriminator))
    companions = _companions(game)

    def answer(levels: Tensor, positions: Tensor) -> Tensor:
        hidden = torch.zeros_like(levels, dtype=torch.bool)
        if hide_targets and game.n_targets:
            hidden[:, -game.n_targets :] = True
        views = game.view.of_codes(levels, positions, hidden)
        if companions is not None:  # every record sits in a pack with the same few fakes
            views = torch.cat([views, companions.expand(len(views), -1)], dim=1)
        return question(discriminator, views)

    return _in_blocks(answer, codes, shape)


def _companions(game: TabularGame) -> Tensor | None:
    """Return the views, side by side, of the pac - 1 fakes that fill every record's pack; the same in every call."""
    if not isinstance(game.discriminator, PackedDiscriminator):
        return None
    device = game.generator.bias.device
    with torch.no_grad():
        draws = game.generator.draw_fakes(game.discriminator.pac - 1, make_generator(0, "pack", device=device))
    levels = torch.stack([draw.levels for draw in draws], dim=1).cpu()
    positions = torch.stack([draw.positions for draw in draws], dim=1).cpu().double()
    return game.view.of_codes(levels, positions).flatten()


def _double(module: _Module) -> _Module:
    """Return a float64 copy on the CPU: float32 matrix products depend on the size of the batch."""
    return copy.deepcopy(module).cpu().double().eval()


def _in_blocks(answer: Callable[[Tensor, Tensor], Tensor], codes: Codes, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Apply ``answer`` to blocks of ``BLOCK`` records; the last is filled up with copies of its first."""
    answers = np.empty((len(codes), *shape))
    for first in range(0, len(codes), BLOCK):
        rows = np.arange(first, first + BLOCK)
        rows[rows >= len(codes)] = first
        with torch.no_grad():
            block = answer(torch.from_numpy(codes.levels[rows]), torch.from_numpy(codes.positions[rows]))
        n_rows = min(BLOCK, len(codes) - first)
        answers[first : first + n_rows] = block[:n_rows].numpy()
    return answers
