"""A training round of TabularGAN, part by part, beside the matrix products of each part."""

import pandas as pd
import torch
from floors import median, note, take_turns
from results import to_markdown
from scale import make_chunk

from ganaug.adversarial import Callback
from ganaug.adversarial.game import Turn
from ganaug.adversarial.snapshot import snapshot
from ganaug.tabular import TabularGAN
from ganaug.tabular.game import split_codes

N_WIDE = 4_000


class AtTheEnd(Callback):
    """Hand the trainer over when all rounds are played, before the averaged weights take the place of the others."""

    def __init__(self, act):
        self.act = act

    def on_train_end(self, run):
        """Do it."""
        run.trainer.game.train()
        self.act(run)


def at_the_end(table, act, **parameters):
    """Fit two steps, and return what ``act(run)`` says then."""
    said = []
    callbacks = [AtTheEnd(lambda run: said.append(act(run)))]
    TabularGAN(max_steps=2, random_state=0, callbacks=callbacks, **parameters).fit(table)
    return said[0]


def round_acts(run):
    """Return the parts of a round as functions, and how the whole is played."""
    trainer = run.trainer
    game, interval = trainer.game, trainer.game.adversarial_interval
    batch, rng = next(trainer.batches), torch.Generator().manual_seed(0)
    levels, positions = split_codes(batch.real)
    order = torch.arange(game.layout.n_columns)

    def turn(step):
        return Turn(step=step, progress=0.5, rng=rng)

    def learn(player, step):
        weights = list(getattr(game, player).parameters())

        def act():
            for weight in weights:
                weight.grad = None
            terms = getattr(game, f"{player}_terms")(batch, turn(step))
            torch.stack(list(terms.values())).sum().backward(inputs=weights)

        return act

    def move(player):
        weights = list(getattr(game, player).parameters())
        learn(player, 0)()  # gradients
        for group in trainer.optimizers[player].param_groups:
            group["lr"] = 0.0  # a thousand steps down the same slope would lead to weights that no training has

        def act():
            torch.nn.utils.clip_grad_norm_(weights, max_norm=float("inf"))
            trainer.optimizers[player].step()

        return act

    return {
        "likelihood forward": lambda: game.generator.nats_per_column(levels, positions, order, rng),
        "generator": learn("generator", 1),
        "generator, adversarial": learn("generator", 0),
        "discriminator": learn("discriminator", 1),
        "discriminator, adversarial": learn("discriminator", interval),
        "discriminator, penalty": learn("discriminator", 0),
        "fakes": torch.no_grad()(lambda: game.make_fake(batch, turn(0))),
        "batches": lambda: (next(trainer.batches), next(trainer.batches)),
        "average": lambda: trainer.averager.update(game.generator, 10_000),
        "look": run.quality,
        "snapshot": lambda: snapshot(trainer),
        "generator moved": move("generator"),
        "discriminator moved": move("discriminator"),
    }


def play(run, n_rounds):
    """Return a function that plays so many rounds."""

    def act():
        for _ in range(n_rounds):
            run.trainer.play_round()
            run.step += 1

    return act


def describe_round(table, repeats):
    """Return the parts of a round at the defaults, beside their products."""
    return at_the_end(table, lambda run: _describe_round(run, repeats))


def _describe_round(run, repeats):
    game = run.trainer.game
    interval, penalized = game.adversarial_interval, game.adversarial_interval * game.penalty_interval
    rows = {  # what, how often, the part that it is and those to take off
        "likelihood, forward": (1, "likelihood forward"),
        "likelihood, backward": (1, "generator", "likelihood forward"),
        "discriminator: scrambled records": (1, "discriminator"),
        "discriminator's turn: fakes drawn": (interval, "fakes"),
        "discriminator's turn: the rest": (interval, "discriminator, adversarial", "discriminator", "fakes"),
        "gradient penalty": (penalized, "discriminator, penalty", "discriminator, adversarial"),
        "generator's turn: fakes, backward": (interval, "generator, adversarial", "generator"),
        "optimizer of the generator": (1, "generator moved"),
        "optimizer of the discriminator": (1, "discriminator moved"),
        "average of the generator": (1, "average"),
        "two batches": (1, "batches"),
    }
    acts = round_acts(run) | {"whole": play(run, penalized)}
    floors = {name: note(act).alone() for name, act in acts.items()}
    spent = take_turns(acts | {f"floor of {name}": act for name, act in floors.items()}, repeats)

    def line(every, part, *less):
        figures = []
        for kind in ("", "floor of "):
            taken_off = [sum(turn) for turn in zip(*(spent[kind + name] for name in less), strict=True)]
            figures.append(median((spent[kind + part], taken_off) if less else spent[kind + part]))
        return [f"{every:g}", figures[0], figures[0] / every, figures[1] / every]

    lines = {label: line(*row) for label, row in rows.items()}
    whole = line(penalized, "whole")
    rest = whole[2] - sum(values[2] for values in lines.values())
    lines["the rest: random streams, checks, history, colder caches"] = ["1", rest, rest, float("nan")]
    lines["**a round**"] = ["", whole[2], whole[2], whole[3]]
    look_every = min(50, max(10, run.trainer.batches.steps_per_epoch))
    lines["beside it: a look of early stopping"] = line(look_every, "look")
    lines["beside it: a state to go back to"] = line(run.trainer.settings.snapshot_every, "snapshot")
    return show(lines, ["every … rounds", "ms each time", "ms per round", "its products, ms per round"], "part", 2)


def describe_width(repeats):
    """Return a round's time by the number of columns."""
    lines = {}
    for n_columns in (20, 100, 500):
        table = make_chunk(N_WIDE, n_columns, 0)
        lines[f"{n_columns} columns"] = at_the_end(
            table, lambda run: measure_width(run, repeats), early_stopping=False, raking=False
        )
    return show(lines, ["levels", "ms per round", "its products, ms", "ms per round and column"], "width", 2)


def measure_width(run, repeats):
    """Return levels, and milliseconds of a round over a whole turn of all terms."""
    game = run.trainer.game
    n_rounds = game.adversarial_interval * game.penalty_interval
    act = play(run, n_rounds)
    spent = take_turns({"whole": act, "floor": note(act).alone()}, repeats)
    whole, floor = (median(values) / n_rounds for values in spent.values())
    return [f"{game.layout.n_levels:,}", whole, floor, whole / game.layout.n_columns]


def show(lines, heads, title, decimals):
    """Return lines by label as a Markdown table."""
    return to_markdown(pd.DataFrame(lines.values(), columns=heads, index=pd.Index(lines, name=title)), decimals)
