"""Small games for the engine's tests: real training on two-dimensional data in a second."""

import torch
from torch import nn

from ganaug.adversarial import (
    Batches,
    Budget,
    History,
    NoiseGame,
    Run,
    TensorRecords,
    Trainer,
    TrainingSettings,
    isolated_rng,
    make_generator,
)

CENTER = 2.0


def make_records(n_records=1000):
    noise = torch.randn(n_records, 2, generator=make_generator(0, "data"))
    return TensorRecords(CENTER + 0.5 * noise)


def make_game(seed=0, norm=False, **kwargs):
    with isolated_rng(seed):
        layers = [nn.Linear(4, 32), *([nn.BatchNorm1d(32)] if norm else []), nn.SiLU(), nn.Linear(32, 2)]
        judge = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 1))
        settings = {"loss": "relativistic", "penalty": "r1_r2", "penalty_interval": 4, **kwargs}
        return NoiseGame(nn.Sequential(*layers), judge, latent_dim=4, **settings)


def make_trainer(game=None, budget=None, callbacks=(), seed=0, batch_size=128, records=None, **settings):
    run = Run([*callbacks, History()])
    batches = Batches(records or make_records(), batch_size, make_generator(seed, "batches"), torch.device("cpu"))
    settings = {"learning_rate_schedule": "constant", **settings}
    trainer = Trainer(
        game or make_game(), batches, run, budget or Budget(max_steps=30), TrainingSettings(**settings), seed
    )
    run.tell("on_fit_begin")
    return trainer


def weights_of(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
