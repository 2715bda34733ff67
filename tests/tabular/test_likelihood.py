"""The likelihood of all columns at once: its slopes are right, and it says what the columns say one by one."""

import numpy as np
import pytest
import torch

from ganaug.adversarial import make_generator
from ganaug.tabular.dropout import StripDropout
from ganaug.tabular.generator import TableGenerator
from ganaug.tabular.layout import TableLayout
from ganaug.tabular.likelihood import ColumnNats, Question, Span

LAYOUT = TableLayout(
    sizes=(3, 4, 2),
    n_ordered=(0, 3, 2),
    is_binned=np.array([False] * 3 + [True, True, False, True] + [False, True]),
    marginals=np.full(9, 0.3),
)


@pytest.fixture
def records():
    rng = make_generator(0, "records")
    levels = torch.stack([torch.randint(size, (6,), generator=rng) for size in LAYOUT.sizes], dim=1)
    binned = torch.from_numpy(LAYOUT.is_binned)[levels + torch.tensor(LAYOUT.offsets)]
    return levels, torch.where(binned, torch.rand(6, 3, generator=rng, dtype=torch.float64), 0.5)


@pytest.fixture
def generator():
    generator = TableGenerator(LAYOUT, 5, 4, dropout=0.3).double()
    rng = make_generator(1, "weights")
    for weights in generator.parameters():
        weights.data = torch.randn(weights.shape, generator=rng, dtype=torch.float64)
    return generator


@pytest.mark.parametrize("drops", [True, False])
def test_slopes_are_those_of_finite_differences(records, drops):
    levels, positions = (part.T.contiguous() for part in records)
    rng = make_generator(2, "inputs")
    shapes = [(3, 6, 5), (3, 1, 5), (3, 5, 4), (3, 1, 4), (3, 4, 5), (17, 5), (17,)]
    inputs = [torch.randn(shape, generator=rng, dtype=torch.float64).requires_grad_() for shape in shapes]
    spans, first = [], 0
    for size, places in zip(LAYOUT.sizes, ([-1] * 3, [0, 1, -1, 2], [-1, 0]), strict=True):
        spans.append(Span(first, size, max(places) + 1, torch.tensor(places)))
        first += size + 2 * (max(places) + 1)
    mask = (torch.rand(3, 6, 5, generator=rng, dtype=torch.float64) > 0.3).double() if drops else None
    question = Question(levels, positions, [[2, 0, 1], [0, 1, 2], [1, 2, 0], [2, 1, 0]], spans, (mask, mask))
    assert torch.autograd.gradcheck(lambda *parts: ColumnNats.apply(*parts, question), inputs)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_is_what_the_columns_say_one_by_one(generator, records, order):
    levels, positions = records
    together = generator.nats_per_column(levels, positions, torch.tensor(order))
    context = torch.zeros(6, 5, dtype=torch.float64)
    parts = generator.parts()
    for column in order:
        hidden = parts[column].hidden(context)
        alone = parts[column].negative_log_likelihood(levels[:, column], positions[:, column], hidden)
        torch.testing.assert_close(together[:, column], alone, rtol=1e-10, atol=1e-10)
        context = context + parts[column].embed(levels[:, column], positions[:, column])


def test_parts_of_the_records_may_have_orders_of_their_own(generator, records):
    levels, positions = records
    orders = torch.tensor([[0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0]])
    together = generator.nats_per_column(levels, positions, orders)
    for rows, order in zip(torch.arange(6).tensor_split(4), orders, strict=True):
        alone = generator.nats_per_column(levels[rows], positions[rows], order)
        torch.testing.assert_close(together[rows], alone, rtol=1e-10, atol=1e-10)


def test_unseen_levels_count_nothing_and_tell_nothing(generator, records):
    levels, positions = records
    unseen = levels.clone()
    unseen[:, 0] = -1
    given = generator.nats_per_column(unseen, positions, torch.arange(3))
    assert (given[:, 0] == 0).all()
    later = generator.nats_per_column(levels, positions, torch.tensor([1, 2, 0]))
    torch.testing.assert_close(given[:, 1], later[:, 1])


def test_dropout_keeps_the_mean_and_is_drawn_from_its_own_generator():
    dropout, before = StripDropout(0.25), torch.get_rng_state()
    first = dropout(torch.ones(500, 100), make_generator(0, "drop"))
    again = dropout(torch.ones(500, 100), make_generator(0, "drop"))
    other = dropout(torch.ones(500, 100), make_generator(1, "drop"))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert abs(float(first.mean()) - 1.0) < 0.01
    assert first.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(dropout(torch.ones(3), None), torch.ones(3))
