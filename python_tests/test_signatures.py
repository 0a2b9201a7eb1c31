"""Names and defaults of all that is public are those of golden/signatures.txt.

A default that changes, changes what users compute without a word. Where one is to change, write the
file anew, python python_tests/test_signatures.py, and read the difference.
"""

from __future__ import annotations

import abc
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import strsbp_rs as sr
from strsbp_rs import audio, plot
from strsbp_rs.cli import _main
from strsbp_rs.recipes import _recipe, _sections

GOLDEN = Path(__file__).parent / "golden" / "signatures.txt"


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions, classes and methods, and the sections of a recipe, by name."""
    modules = {"": sr, "audio.": audio, "fixed.": sr.fixed, "datasets.": sr.datasets, "plot.": plot}
    for prefix, module in modules.items():
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and not issubclass(value, Warning):
                yield prefix + name, value
                # Its own, and what an abstract base does for it.
                bases = [b for b in value.__mro__ if b is value or isinstance(b, abc.ABCMeta)]
                for method in sorted({name for base in bases for name in vars(base)}):
                    function = getattr(value, method)
                    if callable(function) and (not method.startswith("_") or method == "__call__"):
                        yield f"{prefix}{name}.{method}", function
            elif inspect.isfunction(value):
                yield prefix + name, value
    for kinds in _recipe.Recipe.sections.values():
        for kind in kinds:
            if kind.__module__ == _sections.__name__:
                yield f"recipe {kind.__name__}", kind


def lines() -> Iterator[str]:
    for name, function in callables():
        parameters = [
            p.replace(annotation=inspect.Parameter.empty)
            for p in inspect.signature(function).parameters.values()
        ]
        if dataclasses.is_dataclass(function):
            # What a field is made by says less than what it makes.
            made = {f.name: f.default_factory for f in dataclasses.fields(function)}
            made = {at: make for at, make in made.items() if make is not dataclasses.MISSING}
            parameters = [
                p.replace(default=made[p.name]()) if p.name in made else p for p in parameters
            ]
        yield f"{name}{inspect.Signature(parameters)}"
        if inspect.isclass(function) and isinstance(getattr(function, "kind", None), str):
            yield f"{name}.kind = {function.kind!r}"
    yield from commands("strsbp", _main.main)


def commands(name: str, group: click.Group) -> Iterator[str]:
    """Options of the commands of a group, and of those within them."""
    for part, command in sorted(group.commands.items()):
        for option in command.params:
            yield f"{name} {part} {'/'.join(option.opts)}"
        if isinstance(command, click.Group):
            yield from commands(f"{name} {part}", command)


def test_signatures_are_the_golden_ones() -> None:
    assert list(lines()) == GOLDEN.read_text().splitlines()


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("".join(f"{line}\n" for line in lines()))
