import pytest
from toys import make_game, make_trainer

from ganaug.adversarial import Budget, diagnose


def rows(**figures):
    return [{"step": step, **{f"discriminator/{name}": value for name, value in figures.items()}} for step in range(10)]


@pytest.mark.parametrize(
    ("history", "code", "word"),
    [
        (rows(accuracy=0.99), "discriminator_won", "99%"),
        (rows(accuracy=0.2), "generator_won", "20%"),
        (rows(accuracy=0.5), "balanced", "quality report"),
        (rows(accuracy=0.7), "playing", "70%"),
        (rows(fake_spread=0.1), "collapsed", "pac"),
        ([], "no_history", "nothing to judge"),
        ([{"step": 5, "generator/pixel": 0.1}], "not_judged", "no say"),
    ],
)
def test_findings(history, code, word):
    diagnosis = diagnose(history)
    assert code in diagnosis.codes and word in str(diagnosis)


def test_only_the_end_counts():
    history = [{"discriminator/accuracy": 1.0}] * 40 + [{"discriminator/accuracy": 0.5}] * 10
    assert diagnose(history).codes == ("balanced",)


def test_quality_over_time():
    falling = [{"quality/held_out": value} for value in (1, 3, 2, 1, 0, -1)]
    rising = [{"quality/held_out": value} for value in (1, 2, 3, 4)]
    assert diagnose(falling).codes == ("overfitting",) and diagnose(rising).codes == ("still_improving",)


def test_a_real_game_that_one_player_wins():
    """A generator that may not learn: the discriminator wins, and the words say so."""
    trainer = make_trainer(make_game(penalty=None), Budget(max_steps=300), generator_lr=1e-9)
    trainer.train()
    assert "discriminator_won" in diagnose(trainer.run.history).codes


@pytest.mark.parametrize("reason", ["diverged", "interrupted"])
def test_how_it_ended_comes_first(reason):
    assert diagnose(rows(accuracy=0.5), reason).codes[0] == reason
