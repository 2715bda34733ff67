"""Saved models as commands take them: of the kind they are for, or an error that names the command for the kind."""

from pathlib import Path
from typing import Any

from ganaug.exceptions import InvalidInputError


def load_images_model(path: Path, wanted: type, named: str) -> Any:
    """Return the model in a folder.

    Parameters
    ----------
    path : Path
    wanted : type
        Class that it must be of.
    named : str
        Such a model in words: "an SRGAN".
    """
    import ganaug

    model = ganaug.load(path)
    if isinstance(model, wanted):
        return model
    name = type(model).__name__
    article = "an" if name == "SRGAN" else "a"
    raise InvalidInputError(f"{path} holds {article} {name}, which is not {named}; {_way_out(model)}.")


def _way_out(model: Any) -> str:
    """Return the command that takes such a model."""
    from ganaug.images import SRGAN, CycleGAN
    from ganaug.images.base import BaseImageGAN

    commands = {SRGAN: "`ganaug images upscale` enlarges images with it"}
    commands |= {CycleGAN: "`ganaug images translate` translates images with it"}
    commands |= {BaseImageGAN: "`ganaug images sample` draws images with it"}
    found = next((words for kind, words in commands.items() if isinstance(model, kind)), None)
    return found or "`ganaug sample` is for models of tables, and `ganaug detect score` for detectors"
