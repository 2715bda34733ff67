"""What the commands share: errors as one line, warnings as one line, tables, numbers in words."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from ganaug.exceptions import GanaugError, GanaugWarning, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

USER_ERROR, INTERRUPTED = 2, 130


class CommandGroup(TyperGroup):
    """Commands whose foreseeable errors are one line on stderr; a bug shows as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            with _warnings_as_lines():
                return super().invoke(ctx)
        except GanaugError as error:
            _fail(str(error), USER_ERROR)
        except BrokenPipeError:
            raise
        except ValueError as error:
            if type(error).__name__ != "InvalidParameterError":  # scikit-learn's; importing it here takes a second
                raise
            _fail(str(error), USER_ERROR)
        except OSError as error:
            named = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            _fail(named, USER_ERROR)
        except KeyboardInterrupt:
            _fail("interrupted", INTERRUPTED)


def _fail(message: str, code: int) -> NoReturn:
    one_line = " ".join(message.split("\n"))
    typer.secho(f"Error: {one_line}", err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show ganaug's own warnings without the file and line of code that Python adds."""
    with warnings.catch_warnings():
        show_as_python_does = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, GanaugWarning):
                typer.secho(f"Warning: {message}", err=True, fg=typer.colors.YELLOW)
            else:
                show_as_python_does(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        warnings.simplefilter("always", GanaugWarning)
        yield


def make_console() -> Console:
    """Return a console on the stdout of this moment (tests replace it); paths are never wrapped."""
    return Console(highlight=False, soft_wrap=True)


def make_progress(quiet: bool) -> "Progress":
    """Return a bar with the share that is done, the time, and a note; none if ``quiet``."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    percent, note = "{task.percentage:>3.0f}%", "{task.fields[note]}"
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn(percent), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), TextColumn(note), disable=quiet)


def read_table(path: Path) -> "pd.DataFrame":
    """Load a CSV or Parquet file; whatever is wrong with it is one `InvalidInputError`."""
    from ganaug.datasets import load_table

    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder; name a CSV or Parquet file.")
    try:
        return load_table(path)
    except GanaugError:
        raise
    except ValueError as error:  # pandas' and pyarrow's complaints about the content
        raise InvalidInputError(f"{path} can't be read as a table: {error}") from error


def check_columns(names: Iterable[str], known: Sequence[Any], option: str) -> None:
    """Refuse column names that the table doesn't have."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidInputError(
            f"{option}: there is no column {unknown[0]!r}; the table has {', '.join(map(str, known))}."
        )


def split_names(texts: Sequence[str], known: Sequence[Any]) -> list[str]:
    """Turn repeated options and lists with commas into names; a name may itself hold a comma."""
    names: list[str] = []
    for text in texts:
        names += [text] if text in known else [part.strip() for part in text.split(",")]
    return names


def make_rows(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a rich table; the columns after the first two are numbers, set to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(header):
        table.add_column(name, justify="left" if place < 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(_as_text, row))
    return table


def _as_text(value: Any) -> str:
    from rich.markup import escape

    return escape(f"{value:.2f}" if isinstance(value, float) else str(value))


def in_bytes(size: float) -> str:
    """Return a file size in words.

    >>> in_bytes(2_500_000)
    '2.5 MB'
    """
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def kind_of(column: Any) -> str:
    """Return what a column of the encoder holds, in one word."""
    return str(column.form.kind if column.kind == "number" else column.kind)
