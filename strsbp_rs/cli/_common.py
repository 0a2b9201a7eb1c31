"""What the commands share: errors and warnings in a line, and the option that names data."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import click

from strsbp_rs._warnings import StrsbpWarning

__all__ = ["INTERRUPTED", "data_option", "one_line_errors"]

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@contextlib.contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Shows this package's warnings as lines for users, without the line of code."""
    with warnings.catch_warnings():
        as_before = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
            if not issubclass(category, StrsbpWarning):
                as_before(message, category, *where, **options)
                return
            for line in str(message).splitlines():
                click.echo(f"strsbp: warning: {line}", err=True)

        warnings.showwarning = show
        yield


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Shows the user's errors as one line instead of a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _one_line_warnings():
                command(*args, **kwargs)
        except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
            click.echo(f"strsbp: error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("strsbp: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return wrapped


def data_option(what: str) -> Callable[[F], F]:
    """Returns the option --data; `what` says what the samples are for."""
    return click.option(
        "--data",
        metavar="FILE|FUNCTION",
        help=f"{what}: a file (.npz, .npy, spikes in .safetensors), or MODULE:FUNCTION or "
        "FILE.py:FUNCTION that returns them.",
    )
