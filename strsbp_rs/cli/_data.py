"""strsbp data."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click

from strsbp_rs.cli._common import one_line_errors
from strsbp_rs.datasets import load_dataset
from strsbp_rs.datasets._entry import Entry, look
from strsbp_rs.datasets._registry import DATASETS
from strsbp_rs.plot._figure import agg_figure
from strsbp_rs.plot._samples import samples, samples_layout
from strsbp_rs.training._pictures import save_figure

__all__ = ["data"]


@dataclass(frozen=True)
class _Row:
    """A data set in the list."""

    name: str
    kind: str
    samples: tuple[int, ...]
    n_classes: int
    licence: str
    url: str
    folder: str | None
    n_bytes: int | None
    hint: str


@click.group(invoke_without_command=True)
@click.option("--data-dir", help="Folder to look in first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@one_line_errors
def data(context: click.Context, data_dir: str | None, as_json: bool) -> None:
    """Lists data sets: what they hold, their licences, and where they are found.

    strsbp data show NAME draws samples of one.
    """
    if context.invoked_subcommand is not None:
        return
    rows = [_demo(), *(_row(entry, data_dir) for entry in DATASETS.values())]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
        return
    lines = [("name", "samples, as published", "licence", "found")]
    for row in rows:
        size = "" if row.n_bytes is None else f", {row.n_bytes / 1e6:,.1f} MB"
        found = row.hint if row.folder is None else f"{row.folder}{size}"
        counted = " + ".join(f"{n:,}" for n in row.samples)
        what = f"{counted} {row.kind}, {row.n_classes} classes" if row.samples else row.kind
        lines.append((row.name, what, row.licence.partition(",")[0], found))
    widths = [max(len(line[at]) for line in lines) for at in range(3)]
    for line in lines:
        start = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
        click.echo(f"{start}  {line[3]}")


@data.command()
@click.argument("name")
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG file to write.")
@click.option("--samples", "n", default=6, show_default=True, help="How many samples.")
@click.option("--part", type=click.Choice(["train", "test"]), default="train", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Seed of their choice.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the data set."
)
@one_line_errors
def show(
    name: str,
    data_dir: str | None,
    out: Path,
    n: int,
    part: str,
    seed: int,
    settings: tuple[str, ...],
) -> None:
    """Draws samples of the data set NAME: images, sounds, spikes, or frames of events."""
    loaded = load_dataset(name, data_dir, **dict(map(_option, settings)))
    (columns, rows), size = samples_layout(loaded, n)
    figure = agg_figure(*size)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    samples(loaded, n=n, part=part, seed=seed, ax=axes)  # type: ignore[arg-type]
    save_figure(figure, out)
    click.echo(f"{loaded}\nwritten to {out}")


def _option(setting: str) -> tuple[str, Any]:
    """Returns name and value of an option; values are as TOML has them, or bare words."""
    key, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or not key:
        raise ValueError(f"--set must be KEY=VALUE, got {setting!r}")
    try:
        return key, tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return key, text


def _demo() -> _Row:
    """The data set that is in the package."""
    with resources.as_file(resources.files("strsbp_rs.datasets").joinpath("demo.npz")) as file:
        n_bytes = file.stat().st_size
    licence, fashion = DATASETS["fashion-mnist"].licence, DATASETS["fashion-mnist"]
    return _Row(
        "demo", "images", (2_000, 500), 10, licence, fashion.url, "the package", n_bytes, ""
    )


def _row(entry: Entry, data_dir: str | None) -> _Row:
    place = look(entry, data_dir)
    if place.folder is not None:
        hint = ""
    elif entry.downloads:
        hint = "not found; is downloaded when it is asked for"
    elif entry.layouts:
        hint = f"not found; {entry.to_get or entry.url}"
    else:
        hint = "--data-dir FOLDER, with a folder for each class"
    return _Row(
        entry.name,
        entry.kind,
        entry.samples,
        entry.n_classes,
        entry.licence,
        entry.url,
        None if place.folder is None else str(place.folder),
        None if place.folder is None else entry.n_bytes(place.folder),
        hint,
    )
