import torch

from ganaug.adversarial import Batches, TensorRecords, make_generator


def make_batches(n_records, batch_size):
    records = TensorRecords(torch.arange(n_records)[:, None].float(), torch.arange(n_records))
    return Batches(records, batch_size, make_generator(0), torch.device("cpu"))


def test_every_record_comes_once_per_pass():
    batches = make_batches(100, 32)
    seen = torch.cat([next(batches).real[:, 0] for _ in range(25)])  # 800 records: 8 passes
    for start in range(0, 800, 100):
        assert sorted(seen[start : start + 100].tolist()) == list(range(100))


def test_conditions_belong_to_their_records():
    batch = next(make_batches(50, 16))
    assert torch.equal(batch.real[:, 0].long(), batch.conditions)


def test_small_sets_come_whole():
    batches = make_batches(37, 500)
    assert batches.steps_per_epoch == 1
    assert sorted(next(batches).real[:, 0].tolist()) == list(range(37))


def test_goes_on_from_its_state():
    batches, other = make_batches(100, 32), make_batches(100, 32)
    for _ in range(5):
        next(batches)
    other.load_state_dict(batches.state_dict())
    for _ in range(5):
        assert torch.equal(next(batches).real, next(other).real)


def test_weights_draw_records_in_proportion_and_with_replacement():
    records = TensorRecords(torch.arange(4.0)[:, None])
    weights = torch.tensor([0.0, 1.0, 1.0, 6.0])
    batches = Batches(records, 4, make_generator(0, "batches"), torch.device("cpu"), weights)
    assert batches.steps_per_epoch == 1
    drawn = torch.cat([next(batches).real[:, 0] for _ in range(1000)])
    shares = torch.bincount(drawn.long(), minlength=4) / len(drawn)
    assert torch.allclose(shares, weights / 8, atol=0.03) and shares[0] == 0
    state = batches.state_dict()
    expected = next(batches).real
    batches.load_state_dict(state)
    assert torch.equal(next(batches).real, expected)
