"""What the commands that learn images share: options, errors in words of options, and what was loaded."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ganaug.exceptions import InvalidInputError

if TYPE_CHECKING:
    from ganaug.adversarial import Callback
    from ganaug.images.base import BaseImageGAN

Resize = StrEnum("Resize", ["error", "crop", "pad", "stretch"])
Color = StrEnum("Color", ["auto", "grey", "rgb", "rgba"])
OnUnreadable = StrEnum("OnUnreadable", [(name, name) for name in ("raise", "skip")])
PatchSize = Annotated[
    int | None, typer.Option(min=8, help="Side of the parts to learn from.", show_default="the images', up to 64")
]


def describe_loaded(gan: "BaseImageGAN") -> list[str]:
    """Return lines that say what a GAN has learned from, by domain if there are two."""
    lines = str(gan.encoder_.report_).splitlines()
    if not hasattr(gan, "encoder_b_"):
        return lines
    others = str(gan.encoder_b_.report_).splitlines()
    return [f"Domain A: {lines[0]}", *lines[1:], f"Domain B: {others[0]}", *others[1:]]


def report_loaded(gan: "BaseImageGAN") -> "Callback":
    """Return a callback that says what was loaded before time is spent on learning it."""
    from ganaug.adversarial import Callback, Run
    from ganaug.cli.console import make_console

    class ShowReport(Callback):
        def on_train_begin(self, run: Run) -> None:
            for line in describe_loaded(gan):
                make_console().print(line, markup=False)

    return ShowReport()


@contextmanager
def in_words_of_options(data: str = "DATA", other: str = "") -> Iterator[None]:
    """Say ``--image-size`` where Python says ``image_size=``, and ``data`` where it says ``X``.

    Of two domains the first is ``data``, and the second ``other``.
    """
    try:
        yield
    except InvalidInputError as error:
        text = str(error)
        domains = [("^domain_a(?=: )", data), ("^domain_b(?=: )", other)]
        images = [(r"\bX=", f"{data} "), (r"\bX\[(\d+)\]", r"image \1"), (r"\bX\b", data)]
        for pattern, words in [*_PYTHON_WORDS, *domains, *images]:
            text = re.sub(pattern, words, text)
        if text == str(error):
            raise
        raise InvalidInputError(text) from error


def _as_option(match: re.Match[str]) -> str:
    return f"--{match[1].replace('_', '-')} "


_NAMES = "image_size|patch_size|resize|scale|color|value_range|layout|on_unreadable"
_PYTHON_WORDS: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"value_range=\((\S+), (\S+)\)", r"--value-range \1..\2"),
    (rf"\b({_NAMES})=(?=[\"'(\d])", _as_option),
    (rf"\b({_NAMES})=", lambda match: _as_option(match).rstrip()),
    (r"\b(image_size|value_range|on_unreadable)\b", lambda match: _as_option(match).rstrip()),
    (r"the folder X=", "the folder "),
]
"""What errors of the encoder call things, and what they are called here."""
