"""Bars for long work: in terminals, notebooks and log files."""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm.std import tqdm

from strsbp_rs._arguments import flag

__all__ = ["columns", "in_notebook", "new_bar", "steps_bar"]


def steps_bar(total: int, what: str, shown: bool) -> Any:
    """Returns a bar for some steps, as a context manager with a method `update`.

    Raises:
        TypeError: If `shown`, the argument `progress` of what has the bar, is no truth value.
    """
    return new_bar(total, what, hidden=not flag("progress", shown))


def new_bar(total: int, what: str, hidden: bool = False, **options: Any) -> Any:
    """Returns a bar that vanishes in the end, of the kind that works where the program runs."""
    options = {"total": total, "desc": what, "leave": False, "disable": hidden, **options}
    if not in_notebook():
        options["disable"] = hidden or not sys.stderr.isatty()
        return tqdm(**options, file=sys.stderr, dynamic_ncols=True)
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        # A line of text that is written over and over: notebooks understand carriage returns.
        return tqdm(**options, file=sys.stdout, ncols=columns())
    from tqdm.notebook import tqdm as widget

    return widget(**options)


def in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter, whose output is no terminal but shows bars."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def columns() -> int:
    """The width of the terminal; in a notebook, one that fits everywhere."""
    if in_notebook():
        return 80
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):  # No terminal, or closed.
        return 80
