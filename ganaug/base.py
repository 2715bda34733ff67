"""BaseGAN: encoder + game + trainer behind scikit-learn's interface."""

import hashlib
import os
from abc import ABC, abstractmethod
from dataclasses import fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ganaug import persistence
from ganaug.adversarial import (
    LOSSES,
    PENALTIES,
    SCHEDULES,
    Batches,
    BatchStream,
    Budget,
    Callback,
    Diagnosis,
    Game,
    History,
    ProgressBar,
    RecordSource,
    Run,
    Trainer,
    TrainingSettings,
    derive_seed,
    diagnose,
    isolated_rng,
    make_generator,
    resume,
)
from ganaug.adversarial.snapshot import read_tree
from ganaug.devices import limited_threads, resolve_device, resolve_precision
from ganaug.exceptions import InvalidInputError, ModelFileError
from ganaug.randomness import draw_seed

_BUDGET = ("epochs", "max_steps", "max_seconds")
_NOT_IDENTITY = (*_BUDGET, "callbacks", "verbose", "device", "precision", "random_state")


class BaseGAN(BaseEstimator, ABC):
    """What all GANs share: validate, encode, play, keep the averaged generator; seeds, devices, files.

    A GAN writes an ``__init__`` that only stores (the loop's settings under the names of ``TrainingSettings``), its
    own ``_parameter_constraints``, and three methods: ``_encode_training``, ``_make_game`` and its way to ``sample``.
    ``DiscriminatorFeatures`` makes it a transformer. What it learns besides the game and the encoder it
    names in ``_fitted_names``, so that files hold it.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
        "gradient_penalty": [StrOptions(set(PENALTIES)), None],
        "gradient_penalty_weight": [Interval(Real, 0, None, closed="left")],
        "gradient_penalty_interval": [Interval(Integral, 1, None, closed="left")],
        "pac": [Interval(Integral, 1, None, closed="left")],
        "discriminator_steps": [Interval(Integral, 1, None, closed="left")],
        "generator_lr": [Interval(Real, 0, None, closed="neither")],
        "discriminator_lr": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES))],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "callbacks": [list, tuple, None],
        "verbose": ["verbose"],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
    }
    _max_threads: ClassVar[int | None] = None
    """CPU threads that help this GAN; None for as many as torch takes."""
    _fitted_names: ClassVar[tuple[str, ...]] = ("history_", "n_iter_", "stop_reason_", "seed_", "n_features_in_")

    @abstractmethod
    def _encode_training(self, X: Any, y: Any, run: Run) -> RecordSource:
        """Validate and encode; set ``encoder_`` and what else is learned from the data alone."""

    @abstractmethod
    def _make_game(self) -> Game:
        """Build the game from parameters and ``encoder_``, with fresh weights."""

    def _prepare_run(self, run: Run, trainer: Trainer) -> None:
        """Give ``run`` its ``preview`` and ``quality``."""

    def _make_batches(self, records: RecordSource, device: torch.device) -> BatchStream:
        """Return the stream of batches that training pulls from."""
        return Batches(records, self.batch_size, make_generator(self.seed_, "batches"), device)

    def _own_callbacks(self) -> list[Callback]:
        """Return the callbacks that parameters ask for."""
        return []

    def _finish(self) -> None:
        """Do what is left once the weights are settled."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, resume_from: str | os.PathLike[str] | None = None) -> Self:
        """Learn from ``X`` (and ``y``).

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
            Learned jointly with ``X``.
        resume_from : path-like, optional
            A file of the ``Checkpoint`` callback: training goes on from there as if it had never stopped. Data and
            parameters must be the same; budget, callbacks and device may differ.

        Returns
        -------
        self
        """
        self._budget()
        self._check_callbacks()
        vars(self).pop("game_", None)  # a fit that fails leaves nothing that looks fitted
        self.seed_ = self._draw_seed(resume_from)
        self.callbacks_ = [clone(callback) for callback in self.callbacks or ()]
        progress = [ProgressBar()] if self.verbose else []
        callbacks = [*self._own_callbacks(), History(), *progress, *self.callbacks_]
        run = Run(callbacks, parameters=self.get_params(deep=False))
        try:
            run.tell("on_fit_begin")
            with limited_threads(self._max_threads):
                self._play(X, y, run, resume_from)
            run.tell("on_fit_end")
        finally:
            run.tell("on_close")
            for name in [name for name in vars(self) if name.startswith("_fit_")]:
                delattr(self, name)  # what only the fit needs: training records are not the estimator's to keep
        return self

    def _play(self, X: Any, y: Any, run: Run, resume_from: str | os.PathLike[str] | None) -> None:
        device = resolve_device(self.device)
        records = self._encode_training(X, y, run)
        with isolated_rng(derive_seed(self.seed_, "weights")):
            game = self._make_game()
        batches = self._make_batches(records, device)
        settings = self._settings(device)
        trainer = Trainer(game.to(device), batches, run, self._budget(), settings, self.seed_)
        run.identity = self._identity(records) | {"precision": settings.precision}
        self._prepare_run(run, trainer)
        if resume_from is not None:
            resume(trainer, Path(resume_from), run.identity)
        trainer.train()
        # The average does better than the last weights, so it is the player that the user keeps.
        setattr(game, game.averaged, trainer.averager.module)
        self.game_ = game.eval().requires_grad_(False)
        self.history_, self.n_iter_, self.stop_reason_ = run.history, run.step, run.stop_reason
        self._finish()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "game_")

    @property
    def generator_(self) -> nn.Module:
        """The averaged generator."""
        check_is_fitted(self)
        return self.game_.generator

    @property
    def discriminator_(self) -> nn.Module:
        """The discriminator."""
        check_is_fitted(self)
        return self.game_.discriminator

    def diagnose(self) -> Diagnosis:
        """Say in words who is winning, whether the generator has collapsed, and what to change.

        Returns
        -------
        Diagnosis
            ``str()`` of it is the text; ``.codes`` names the findings.
        """
        check_is_fitted(self)
        return diagnose(self.history_, self.stop_reason_)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the fitted model as a directory of JSON and safetensors (no pickle), atomically.

        ``ganaug.load(path)`` reads it. Callbacks are not saved.
        """
        return persistence.save(self, path)

    def __getstate__(self) -> dict[str, Any]:
        """Return a state without torch objects or open callbacks, for pickle, joblib and deep copies."""
        state: dict[str, Any] = {
            name: value for name, value in super().__getstate__().items() if not name.startswith("_fit_")
        }
        state.pop("callbacks_", None)
        if "game_" in state:
            del state["game_"]
            state["_game_arrays"] = {name: value.cpu().numpy() for name, value in self._game_state().items()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = state.pop("_game_arrays", None)
        super().__setstate__(state)
        if arrays is not None:
            self._restore_game({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})

    def _game_state(self) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = self.game_.state_dict()
        return state

    def _restore_game(self, weights: dict[str, torch.Tensor]) -> None:
        """Rebuild the game around saved weights, on this machine's device."""
        with isolated_rng(0):
            game = self._make_game()
        game.load_state_dict(weights)
        self.game_ = game.to(resolve_device(self.device, fallback=True)).eval().requires_grad_(False)

    def _fitted_state(self) -> dict[str, Any]:
        names = [*self._fitted_names, "feature_names_in_"]
        state = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return state | {"encoder": self.encoder_.to_state()}

    @abstractmethod
    def _restore_encoder(self, state: dict[str, Any]) -> None:
        """Set ``encoder_`` from its state."""

    def _restore_fitted(self, state: dict[str, Any]) -> None:
        self._restore_encoder(state.pop("encoder"))
        for name, value in state.items():
            if name not in (*self._fitted_names, "feature_names_in_"):
                raise ModelFileError(f"{name!r} is nothing that a {type(self).__name__} learns.")
            setattr(self, name, value)

    def _saved_params(self) -> dict[str, Any]:
        """Parameters as a file can hold them: no callbacks, and a random state that gives the same samples."""
        params = self.get_params(deep=False) | {"callbacks": None}
        if isinstance(params["random_state"], np.random.RandomState):
            params["random_state"] = self.seed_ % 2**32
        return params

    def _settings(self, device: torch.device) -> TrainingSettings:
        names = {field.name for field in fields(TrainingSettings)}
        params = {name: value for name, value in self.get_params(deep=False).items() if name in names}
        return TrainingSettings(**params | {"precision": resolve_precision(self.precision, device)})

    def _budget(self) -> Budget:
        limits = {name: getattr(self, name) for name in _BUDGET}
        if all(limit is None for limit in limits.values()):
            raise InvalidInputError(
                "epochs, max_steps and max_seconds are all None, so training would never end. Set one of them."
            )
        return Budget(**limits)

    def _check_callbacks(self) -> None:
        for callback in self.callbacks or ():
            if not isinstance(callback, Callback):
                raise InvalidInputError(
                    f"callbacks holds {callback!r}, which is no ganaug.adversarial.Callback. Derive it from that class."
                )

    def _draw_seed(self, resume_from: str | os.PathLike[str] | None) -> int:
        if resume_from is not None and self.random_state is None:
            return int(read_tree(Path(resume_from))["identity"]["seed"])
        return draw_seed(self.random_state)

    def _sampling_seed(self, random_state: Any) -> int:
        """Return the seed of a call to ``sample``; see there."""
        if random_state is None and self.random_state is not None:
            return derive_seed(self.seed_, "sample")
        return draw_seed(random_state)

    def _identity(self, records: RecordSource) -> dict[str, Any]:
        """Return what a checkpoint must share with the fit that resumes it."""
        params = {name: value for name, value in self.get_params(deep=False).items() if name not in _NOT_IDENTITY}
        indices = torch.arange(0, len(records), max(1, len(records) // 1000))
        digest = hashlib.sha256()
        for some in indices.split(50):  # few at a time: records may be large
            for part in vars(records.take(some)).values():
                if part is not None:
                    digest.update(part.cpu().contiguous().numpy().data)
        return {
            "seed": self.seed_,
            "parameters": repr(sorted(params.items())),
            "records": [len(records), digest.hexdigest()[:16]],
        }
