"""The command line: ``ganaug fit``, ``sample``, ``evaluate``, ``compare``, ``info``, ``simulate``.

``ganaug detect`` and ``ganaug images`` have commands of their own.

One file per command. Nothing heavy (torch, pandas, scikit-learn, mlflow) is imported before a
command runs, so that ``--help`` answers at once.
"""

import os
from typing import Annotated

import typer

from ganaug.cli.compare import compare
from ganaug.cli.console import CommandGroup
from ganaug.cli.detect import detect
from ganaug.cli.evaluate import evaluate
from ganaug.cli.fit import fit
from ganaug.cli.images import images
from ganaug.cli.info import info
from ganaug.cli.sample import sample
from ganaug.cli.simulate import simulate

__all__ = ["app", "main"]

app = typer.Typer(
    name="ganaug",
    cls=CommandGroup,
    help="Learn a table or images with a GAN, sample from it, measure the samples, ask whether they help a classifier, "
    "and find what departs from the normal.",
    epilog="A first try: ganaug fit data.csv -o model && ganaug sample model -n 1000 -o out.csv",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for command in (fit, sample, evaluate, compare, info, simulate):
    app.command()(command)
app.add_typer(detect, name="detect")
app.add_typer(images, name="images")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("ganaug")
        except PackageNotFoundError:
            number = "(not installed)"
        typer.echo(f"ganaug {number}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line: the entry point of the ``ganaug`` program."""
    # Read by torch when it is imported. Threads that wait actively for each other make training ten
    # times slower on a machine whose cores are busy with something else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()
