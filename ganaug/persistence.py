"""Model directories: ``model.json`` (what it is) and ``weights.safetensors`` (its numbers). Never pickle.

``model.json`` names a class from an allow-list, its parameters, its fitted attributes and the shape of each
tensor. On loading, the networks are first built without memory (torch's meta device) and their shapes compared
with the file's own header, so that a tampered file can't make the loader allocate more than the file holds.
"""

import importlib
import json
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from ganaug.exceptions import FormatVersionError, InvalidInputError, ModelFileError
from ganaug.plain import decode, encode

if TYPE_CHECKING:
    from ganaug.base import BaseGAN

FORMAT_VERSION = 1
LOADABLE = {
    "ConditionalGAN": "ganaug.images.conditional",
    "CycleGAN": "ganaug.images.cyclegan",
    "DCGAN": "ganaug.images.dcgan",
    "GANDetector": "ganaug.anomaly.detector",
    "ImageGANDetector": "ganaug.anomaly.image_detector",
    "SRGAN": "ganaug.images.srgan",
    "TabularGAN": "ganaug.tabular.gan",
    "VanillaGAN": "ganaug.images.vanilla",
}
"""Class name -> module: the only classes that ``load`` will build."""

_UNREADABLE = (
    OSError,
    SafetensorError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    OverflowError,
)
"""What a damaged or tampered file may raise on its way in."""
_MODEL, _WEIGHTS = "model.json", "weights.safetensors"


def save(estimator: "BaseGAN", path: str | os.PathLike[str]) -> Path:
    """Write a fitted estimator as a directory, atomically.

    Parameters
    ----------
    estimator : BaseGAN
        Fitted. Its ``callbacks`` are not saved.
    path : path-like
        The directory. One that holds a ganaug model is replaced, anything else is left alone.

    Returns
    -------
    Path

    Raises
    ------
    InvalidInputError
        If ``path`` exists and is no ganaug model, or if parameters that shape the networks were changed after ``fit``.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    target = Path(path).expanduser()
    if target.exists() and not (target / _MODEL).is_file():
        raise InvalidInputError(
            f"{target} exists and is not a ganaug model, so it is not overwritten. Choose another path."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not mkdtemp: its folders are private, and a model is for whoever may read the folder it is put in.
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        _write(estimator, temporary)
        _swap(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def load(path: str | os.PathLike[str]) -> "BaseGAN":
    """Load a fitted estimator that ``save`` wrote, on the device it names or, where that is missing, on "auto".

    Parameters
    ----------
    path : path-like
        The directory.

    Returns
    -------
    BaseGAN
        Of the class that was saved.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, of a class that is not ganaug's, or its tensors don't fit its description.
    FormatVersionError
        If it was written in a format that this release does not know.
    """
    folder = Path(path).expanduser()
    model = _read_json(folder / _MODEL)
    version = model.get("format_version")
    if version != FORMAT_VERSION:
        raise FormatVersionError(
            f"{folder} has format version {version!r}; this release of ganaug reads version "
            f"{FORMAT_VERSION}. Install the release that wrote it: {model.get('versions')}."
        )
    name = str(model.get("class"))
    if name not in LOADABLE:
        raise ModelFileError(f"{folder} holds a {name!r}, which is none of {sorted(LOADABLE)}.")
    cls: type[BaseGAN] = getattr(importlib.import_module(LOADABLE[name]), name)
    try:
        with safe_open(folder / _WEIGHTS, framework="pt") as file:
            _check_shapes(folder, model["tensors"], file)
            estimator = cls(**decode(model["parameters"], {}))
            estimator._validate_params()
            arrays = {key: file.get_tensor(key).numpy() for key in file.keys() if not key.startswith("game.")}
            fitted = decode(model["fitted"], arrays)
            estimator._restore_fitted(fitted)
            _check_game(estimator, model["tensors"])
            weights = {
                key.removeprefix("game."): file.get_tensor(key) for key in file.keys() if key.startswith("game.")
            }
        estimator._restore_game(weights)
    except ModelFileError:
        raise
    except _UNREADABLE as error:
        raise ModelFileError(f"{folder} is not a readable ganaug model: {error!r}") from error
    return estimator


def _write(estimator: "BaseGAN", folder: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    fitted = encode(estimator._fitted_state(), arrays)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    tensors |= {f"game.{name}": value.cpu().contiguous().clone() for name, value in estimator._game_state().items()}
    shapes = {name: list(value.shape) for name, value in tensors.items()}
    try:
        _check_game(estimator, shapes)
    except ModelFileError:
        raise InvalidInputError(
            f"The parameters of this {type(estimator).__name__} were changed after fit, and its networks are no longer "
            "those that they describe: it couldn't be loaded again. Set them back, or fit again."
        ) from None
    model = {
        "format_version": FORMAT_VERSION,
        "class": type(estimator).__name__,
        "versions": _versions(),
        "parameters": encode(estimator._saved_params(), {}),
        "fitted": fitted,
        "tensors": shapes,
    }
    (folder / _WEIGHTS).write_bytes(tensors_to_bytes(tensors))
    # allow_nan=False would refuse an infinite history figure; Python reads back what it writes.
    (folder / _MODEL).write_text(json.dumps(model, indent=1, ensure_ascii=False), encoding="utf-8")


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; at no moment is there half a model there."""
    if not target.exists():
        os.rename(new, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    os.rename(target, old / "model")
    try:
        os.rename(new, target)
    except OSError:
        os.rename(old / "model", target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"{path.parent} is not a ganaug model: it has no {path.name}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} can't be read: {error}") from error
    if not isinstance(model, dict):
        raise ModelFileError(f"{path} can't be read: it holds no JSON object.")
    return model


def _check_shapes(folder: Path, promised: dict[str, list[int]], file: Any) -> None:
    found = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}
    if found != promised:
        names = sorted(name for name in found.keys() | promised.keys() if found.get(name) != promised.get(name))
        raise ModelFileError(f"{folder}: the shapes of {names[:3]} differ between {_MODEL} and {_WEIGHTS}.")


def _check_game(estimator: "BaseGAN", promised: dict[str, list[int]]) -> None:
    with torch.device("meta"):
        game = estimator._make_game()
    wanted = {f"game.{name}": list(value.shape) for name, value in game.state_dict().items()}
    found = {name: shape for name, shape in promised.items() if name.startswith("game.")}
    if wanted != found:
        raise ModelFileError("The networks described by the model file don't fit its weights.")


def _versions() -> dict[str, str]:
    import sklearn

    import ganaug

    return {
        "ganaug": ganaug.__version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
    }
