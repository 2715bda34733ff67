"""The tabular game: an autoregressive generator, a discriminator, and what each of them minimizes."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganaug.adversarial import AdversarialGame, Batch, PackedDiscriminator, Terms, Turn, Weight
from ganaug.adversarial.penalties import lazily
from ganaug.tabular.discriminator import RecordView, TableDiscriminator
from ganaug.tabular.generator import TableGenerator
from ganaug.tabular.layout import TableLayout

_ORDERS = 8
"""Orders of the columns in a batch."""
_ALONE_SHARE = 0.3
"""Share of the orders with one column in front, at least."""
_MAX_STEPS = 800
"""Columns times orders; each step of the sums over them costs the same, however few records it is for."""


class TabularGame(AdversarialGame):
    """An adversarial game on records with two more terms: ``likelihood`` and ``scrambled``.

    A batch's ``real`` is (n, 2 x columns): level codes, then positions.

    Parameters
    ----------
    generator, discriminator : TableGenerator, TableDiscriminator (packed or not)
    layout : TableLayout
    n_targets : int
        How many of the last columns are targets: they are hidden from the discriminator in half of the records,
        so that it can judge records with and without them.
    likelihood_weight, scrambled_weight : float or callable of the progress
    adversarial_interval : int
        Rounds per adversarial turn of either player; the generator's term is scaled by as much. Drawing fakes column
        by column costs several times what the other terms do.
    target_balance : float
        Batches hold the levels of the (one) target in proportion to ``share ** (1 - target_balance)``. Terms are
        weighted so that all shares come out as in the table: what is gained is that p(record | rare class) is
        learned from more records.
    **settings
        Of ``AdversarialGame``: loss, penalty and its weight and interval, adversarial_weight.
    """

    generator: TableGenerator

    def __init__(
        self,
        generator: TableGenerator,
        discriminator: TableDiscriminator | PackedDiscriminator,
        layout: TableLayout,
        *,
        n_targets: int = 0,
        likelihood_weight: Weight = 1.0,
        scrambled_weight: Weight = 1.0,
        adversarial_interval: int = 1,
        target_balance: float = 0.0,
        **settings: Any,
    ) -> None:
        super().__init__(generator, discriminator, **settings)
        self.layout, self.view = layout, RecordView(layout)
        self.n_targets = n_targets
        self.likelihood_weight, self.scrambled_weight = likelihood_weight, scrambled_weight
        self.adversarial_interval = adversarial_interval
        self.target_balance = target_balance

    def make_fake(self, batch: Batch, turn: Turn) -> Tensor:
        """Return views of as many fakes as ``batch`` has records."""
        draws = self.generator.draw_fakes(len(batch), turn.rng)
        hot = torch.cat([draw.hot for draw in draws], dim=1)
        positions = torch.stack([draw.positions for draw in draws], dim=1)
        hidden = self._hide_targets(len(batch), hot.device)
        if hidden is not None:
            hot = hot * ~hidden.repeat_interleave(torch.tensor(self.layout.sizes, device=hot.device), dim=1)
        return self.view.of_hot(hot, positions)

    def show_real(self, batch: Batch, turn: Turn) -> Tensor:
        """Return views of the real records."""
        levels, positions = split_codes(batch.real)
        return self.view.of_codes(levels, positions, self._hide_targets(len(batch), levels.device))

    def judge(self, records: Tensor, batch: Batch) -> Tensor:
        """Return how real the discriminator finds records (or packs): its first opinion."""
        logits: Tensor = self.discriminator(records)[:, 0]
        return logits

    def judge_normality(self, views: Tensor) -> Tensor:
        """Return how normal the discriminator finds the first record of each pack: its second opinion."""
        logits: Tensor = self.discriminator(views)[:, 1]
        return logits

    def discriminator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial``, ``gradient_penalty``, and ``scrambled``: real records against spoilt ones.

        Against a good generator alone, a discriminator has nothing left to tell apart and its score means nothing;
        spoilt records keep it worth asking.
        """
        batch = self._unbalance(batch, turn)
        terms = {}
        if turn.weight(self.adversarial_weight) and lazily(self.adversarial_interval, turn.step):
            # A lazy penalty counts the turns in which there is something to penalize.
            count = turn.step // self.adversarial_interval
            terms = super().discriminator_terms(batch, replace(turn, step=count))
        scrambled_weight = turn.weight(self.scrambled_weight)
        if scrambled_weight:
            real = self.show_real(batch, turn)
            gap = self.judge_normality(self._spoil(real, batch, turn)) - self.judge_normality(real)
            terms["scrambled"] = scrambled_weight * softplus(gap).mean()
        return terms

    def _spoil(self, real: Tensor, batch: Batch, turn: Turn) -> Tensor:
        """Return the views of the records with the first of each pack spoilt."""
        levels, positions = split_codes(batch.real)
        hidden = self._hide_targets(len(batch), levels.device)
        spoilt = self.view.of_codes(*scramble(levels, positions, self.layout, turn.rng, hidden), hidden)
        if not isinstance(self.discriminator, PackedDiscriminator):
            return spoilt
        is_first = torch.arange(len(batch), device=levels.device) % self.discriminator.pac == 0
        return torch.where(is_first[:, None], spoilt, real)

    def generator_terms(self, batch: Batch, turn: Turn) -> Terms:
        """``adversarial`` and ``likelihood``."""
        boost = lazily(self.adversarial_interval, turn.step)
        terms = super().generator_terms(self._unbalance(batch, turn), turn) if boost else {}
        if terms:
            turn.observe("adversarial", terms["adversarial"])
            terms["adversarial"] = boost * terms["adversarial"]
        weight = turn.weight(self.likelihood_weight)
        if weight:
            levels, positions = split_codes(batch.real)
            orders = self._draw_orders(len(batch), turn)
            nats = self.generator.nats_per_column(levels, positions, orders, turn.rng)
            if self.target_balance:
                # Given the target, a record counts as it is; before it is known, as often as the table has its like.
                places = torch.argsort(orders, dim=1)
                sizes = [len(part) for part in levels.tensor_split(len(orders))]
                before = (places <= places[:, -1:]).repeat_interleave(torch.tensor(sizes, device=levels.device), dim=0)
                nats = nats * torch.where(before, self._importance(levels)[:, None], 1.0)
            terms["likelihood"] = weight * nats.sum(dim=1).mean()
        return terms

    def _draw_orders(self, n_records: int, turn: Turn) -> Tensor:
        """Return orders (parts of the batch, columns): each part has its own, so that a batch teaches many of them."""
        n_columns = self.layout.n_columns
        n_parts = max(1, min(_ORDERS, _MAX_STEPS // n_columns, n_records))
        return torch.stack([draw_order(self.layout, turn.rng, self.n_targets) for _ in range(n_parts)])

    def _importance(self, levels: Tensor) -> Tensor:
        """Return, per record of a balanced batch, how often the table has its class relative to the batch, (n,)."""
        target = self.layout.n_columns - 1
        shares = torch.from_numpy(self.layout.marginals[self.layout.span(target)]).to(levels.device)
        drawn = balance_shares(shares, self.target_balance)
        return (shares / drawn.clamp_min(1e-12)).float()[levels[:, target]]

    def _unbalance(self, batch: Batch, turn: Turn) -> Batch:
        """Return records of a balanced batch, with repetitions, so that classes come as often as in the table."""
        if not self.target_balance:
            return batch
        weights = self._importance(split_codes(batch.real)[0])
        rows = torch.multinomial(weights, len(batch), replacement=True, generator=turn.rng)
        return replace(batch, real=batch.real[rows])

    def _hide_targets(self, n_records: int, device: torch.device) -> Tensor | None:
        """Return which entries (n, columns) are hidden: the targets, in the second half of the records."""
        if not self.n_targets:
            return None
        hidden = torch.zeros(n_records, self.layout.n_columns, dtype=torch.bool, device=device)
        hidden[n_records // 2 :, -self.n_targets :] = True
        return hidden


def split_codes(real: Tensor) -> tuple[Tensor, Tensor]:
    """Return level codes (int64) and positions of a batch's ``real``."""
    levels, positions = real.chunk(2, dim=1)
    return levels.long(), positions


def balance_shares(shares: Tensor, balance: float) -> Tensor:
    """Return the shares in which classes are drawn: as they are for 0, all alike for 1."""
    drawn = torch.where(shares > 0, shares ** (1.0 - balance), 0.0)
    return drawn / drawn.sum()


def draw_order(layout: TableLayout, rng: torch.Generator, n_targets: int = 0) -> Tensor:
    """Return an order in which columns become known.

    A few random columns in front and the rest in the table's order: just what sampling with conditions on those
    columns will ask for, and nearly what it asks for without any. In three of ten orders it is one column; few are
    drawn more often than many, and columns of few levels more often than those of many, as in life. Targets, the last
    columns, are what most conditions are about: half of the orders begin with them.
    """
    device, n_columns = rng.device, layout.n_columns
    given = torch.arange(n_columns, device=device)
    uniform = torch.rand(2, generator=rng, device=device).tolist()
    n_front = 1 if uniform[0] < _ALONE_SHARE else 1 + int((n_columns - 1) * uniform[1] ** 2)
    weights = torch.tensor(layout.sizes, device=device) ** -0.5
    front = torch.multinomial(weights, n_front, generator=rng)
    if n_targets and torch.rand((), generator=rng, device=device) < 0.5:
        targets = given[n_columns - n_targets :]
        front = torch.cat([targets, front[front < n_columns - n_targets]])
    rest = torch.ones(n_columns, dtype=torch.bool, device=device)
    rest[front] = False
    return torch.cat([front, given[rest]])


def scramble(
    levels: Tensor, positions: Tensor, layout: TableLayout, rng: torch.Generator, hidden: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Spoil records: some columns are taken from other records, or drawn evenly, or made unseen (-1).

    How many columns are spoilt differs from record to record, from one to all, so that the discriminator learns
    degrees; even draws and unseen levels teach it that rare values are odd even where nothing depends on them.
    """
    n_records, n_columns = levels.shape
    device = levels.device
    share = torch.rand(n_records, 1, generator=rng, device=device)
    spoilt = torch.rand(n_records, n_columns, generator=rng, device=device) < share
    order = torch.rand(n_records, n_columns, generator=rng, device=device)
    if hidden is not None:  # what is not shown can't be spoilt
        order, spoilt = order.masked_fill(hidden, -1.0), spoilt & ~hidden
    spoilt.scatter_(1, order.argmax(dim=1, keepdim=True), True)
    kind = torch.rand(n_records, n_columns, generator=rng, device=device)
    donors = torch.randint(n_records, (n_records, n_columns), generator=rng, device=device)
    even = torch.rand(2, n_records, n_columns, generator=rng, device=device)
    sizes = torch.tensor(layout.sizes, device=device)
    new_levels = torch.where(kind < 0.6, levels.gather(0, donors), (even[0] * sizes).long())
    new_levels = torch.where(kind > 0.95, -1, new_levels)
    new_positions = torch.where(kind < 0.6, positions.gather(0, donors), even[1].to(positions.dtype))
    return torch.where(spoilt, new_levels, levels), torch.where(spoilt, new_positions, positions)
