"""The engine: games that name their loss terms, the one trainer that plays them, callbacks that watch.

It knows torch and nothing of tables, pixels or scikit-learn. Start reading at ``game.py``, then ``trainer.py``.
"""

from ganaug.adversarial.averaging import Averager
from ganaug.adversarial.batches import Batches, BatchStream, RecordSource, TensorRecords
from ganaug.adversarial.budget import SCHEDULES, Budget
from ganaug.adversarial.callbacks import (
    Callback,
    History,
    ProgressBar,
    SamplePreview,
)
from ganaug.adversarial.diagnosis import Diagnosis, Finding, diagnose
from ganaug.adversarial.game import AdversarialGame, Batch, Game, NoiseGame, Terms, Turn, Weight
from ganaug.adversarial.keeping import Checkpoint, EarlyStopping, KeepBest
from ganaug.adversarial.losses import LOSSES, AdversarialLoss
from ganaug.adversarial.packing import PackedDiscriminator
from ganaug.adversarial.penalties import PENALTIES
from ganaug.adversarial.run import Run
from ganaug.adversarial.seeding import derive_seed, isolated_rng, make_generator
from ganaug.adversarial.snapshot import resume
from ganaug.adversarial.trainer import Trainer, TrainingSettings

__all__ = [
    "LOSSES",
    "PENALTIES",
    "SCHEDULES",
    "AdversarialGame",
    "AdversarialLoss",
    "Averager",
    "Batch",
    "BatchStream",
    "Batches",
    "Budget",
    "Callback",
    "Checkpoint",
    "Diagnosis",
    "EarlyStopping",
    "Finding",
    "Game",
    "History",
    "KeepBest",
    "NoiseGame",
    "PackedDiscriminator",
    "ProgressBar",
    "RecordSource",
    "Run",
    "SamplePreview",
    "TensorRecords",
    "Terms",
    "Trainer",
    "TrainingSettings",
    "Turn",
    "Weight",
    "derive_seed",
    "diagnose",
    "isolated_rng",
    "make_generator",
    "resume",
]
