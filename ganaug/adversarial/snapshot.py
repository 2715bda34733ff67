"""Copies of a training's state: in memory for roll-backs, on disk for resuming."""

import copy
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganaug.exceptions import CheckpointError

if TYPE_CHECKING:
    from ganaug.adversarial.callbacks import Callback
    from ganaug.adversarial.trainer import Trainer

State = dict[str, Any]


def snapshot(trainer: "Trainer") -> State:
    """Copy weights, buffers, optimizers and the step counter: what a roll-back returns to.

    Random streams and the place in the data are left out on purpose: a roll-back that repeated the same
    batches with the same noise would run into the same NaN.
    """
    return {
        "weights": {name: copy.deepcopy(part.state_dict()) for name, part in trainer.modules().items()},
        "optimizers": {name: copy.deepcopy(part.state_dict()) for name, part in trainer.optimizers.items()},
        "clock": trainer.clock(),
    }


def restore(trainer: "Trainer", state: State) -> None:
    """Put a ``snapshot`` back; the learning-rate scale stays as it is now."""
    for name, part in trainer.modules().items():
        part.load_state_dict(state["weights"][name])
    for player, optimizer in trainer.optimizers.items():
        optimizer.load_state_dict(copy.deepcopy(state["optimizers"][player]))
        _align(optimizer)
    trainer.run.step, trainer.run.epoch = state["clock"]["step"], state["clock"]["epoch"]


def _align(optimizer: torch.optim.Optimizer) -> None:
    """Lay out the optimizer's moments as its weights are: files hold them in another order than channels-last."""
    for weight, moments in optimizer.state.items():
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == weight.shape and moment.stride() != weight.stride():
                moments[name] = torch.empty_like(weight).copy_(moment)


def write_checkpoint(trainer: "Trainer", path: Path, identity: State) -> None:
    """Write all that a resumed training needs to go on bit for bit, in one file, atomically."""
    state = snapshot(trainer) | {
        "identity": identity,
        "seconds": trainer.run.seconds,
        "history": trainer.run.history,
        "batches": trainer.batches.state_dict(),
        "callbacks": {name: callback.state_dict() for name, callback in _named(trainer.run.callbacks)},
    }
    write_tree(path, state)


def resume(trainer: "Trainer", path: Path, identity: State) -> None:
    """Go on from the checkpoint at ``path``; refuse one that belongs to other data or parameters."""
    state = read_tree(path)
    saved: State = state["identity"]
    for name, value in json.loads(json.dumps(identity)).items():
        if saved.get(name) != value:
            raise CheckpointError(
                f"The checkpoint {path} was written with {name}={saved.get(name)!r}, this fit has {value!r}. "
                "Resume with the same data and parameters, or fit without resume_from."
            )
    restore(trainer, state)
    run = trainer.run
    trainer.rate_scale, trainer.n_rollbacks = state["clock"]["rate_scale"], state["clock"]["n_rollbacks"]
    trainer.batches.load_state_dict(state["batches"])
    run.history[:] = state["history"]
    run.started -= state["seconds"]
    for name, callback in _named(run.callbacks):
        # A callback that the first run did not have starts afresh.
        callback.load_state_dict(state["callbacks"].get(name, {}))


def _named(callbacks: "list[Callback]") -> "list[tuple[str, Callback]]":
    """Name each callback by its class and its place among those of the class: others may come and go."""
    named = []
    for place, callback in enumerate(callbacks):
        earlier = [type(other) for other in callbacks[:place]]
        named.append((f"{type(callback).__name__}:{earlier.count(type(callback))}", callback))
    return named


def write_tree(path: Path, tree: Any) -> None:
    """Write nested dicts and lists of plain values and tensors as one safetensors file, atomically."""
    tensors: dict[str, Tensor] = {}
    plain = _pull_out(tree, tensors)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        save_file(tensors or {"empty": torch.zeros(0)}, temporary, metadata={"tree": json.dumps(plain)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tree(path: Path) -> Any:
    """Read what ``write_tree`` wrote."""
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads(file.metadata()["tree"])
            return _put_back(plain, {name: file.get_tensor(name) for name in file.keys()})
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error


def _pull_out(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Replace each tensor in ``tree`` by a reference into ``tensors``; dict keys may be integers."""
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        tensors[name] = tree.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, _pull_out(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [_pull_out(value, tensors) for value in tree]
    return tree


def _put_back(plain: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(plain, dict):
        if "tensor" in plain:
            return tensors[plain["tensor"]]
        return {key: _put_back(value, tensors) for key, value in plain["dict"]}
    if isinstance(plain, list):
        return [_put_back(value, tensors) for value in plain]
    return plain
