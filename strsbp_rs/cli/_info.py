"""strsbp info."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path

import click
import numpy as np

import strsbp_rs
from strsbp_rs._arguments import suggestion
from strsbp_rs._network import Network
from strsbp_rs.cli._common import one_line_errors
from strsbp_rs.fixed._network import FixedNetwork
from strsbp_rs.recipes._recipe import load_recipe, recipe_names
from strsbp_rs.training._run import RunFolder
from strsbp_rs.training._trainer import Trainer

__all__ = ["info"]


@click.command()
@click.argument("what", required=False)
@one_line_errors
def info(what: str | None) -> None:
    """Describes this installation, or WHAT: a recipe, a result folder, or a network's file."""
    if what is None:
        click.echo(
            f"strsbp_rs {strsbp_rs.__version__}, Python {platform.python_version()}, "
            f"NumPy {np.__version__}\n{platform.machine()}, {os.cpu_count()} cores, "
            f"instruction set {strsbp_rs.simd_level()}\nrecipes: {', '.join(recipe_names())}"
        )
        return
    path = Path(what)
    if path.is_dir():
        folder = RunFolder(path)
        trainer = Trainer.load(folder.checkpoint)
        click.echo(f"{trainer.network.summary()}\n{trainer.epoch} epochs completed\n")
        click.echo(folder.config.read_text(encoding="utf-8"))
    elif path.is_file() and path.suffix != ".toml":
        click.echo(Network.load(path).summary())
        with contextlib.suppress(ValueError):
            click.echo(FixedNetwork.load(path).summary())
    elif path.suffix == ".toml" or what in recipe_names():
        click.echo(load_recipe(what).to_toml())
    else:
        near = suggestion(what, recipe_names())
        raise ValueError(
            f"there is no folder or file '{what}', and recipe '{what}' is not one of "
            f"{recipe_names()}{near}"
        )
