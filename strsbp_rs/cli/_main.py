"""The command line, strsbp: a module a command."""

from __future__ import annotations

import click

import strsbp_rs
from strsbp_rs.cli._data import data
from strsbp_rs.cli._evaluate import evaluate
from strsbp_rs.cli._info import info
from strsbp_rs.cli._quantize import quantize
from strsbp_rs.cli._train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(strsbp_rs.__version__, prog_name="strsbp")
def main() -> None:
    """Fast CPU training of recurrent spiking neural networks with ST-RSBP."""


for command in (train, evaluate, quantize, info, data):
    main.add_command(command)
