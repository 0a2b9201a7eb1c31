"""strsbp quantize."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from strsbp_rs.cli._common import data_option, one_line_errors
from strsbp_rs.cli._saved import Saved
from strsbp_rs.fixed._targets import TARGETS
from strsbp_rs.recipes._recipe import RecipeError, with_overrides

__all__ = ["quantize"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="Hardware; if not given, that the run was trained through, else qformat.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A field, as weight_bits=4."
)
@click.option("--calibrate", type=int, help="Clip weights by the spikes of so many samples.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File; in RUN or beside it if not given."
)
@data_option("Samples to compare on")
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option("--limit-test", type=int, help="Use the first so many test samples.")
@click.option("--threads", type=int, help="Number of threads; all cores if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def quantize(
    run: Path,
    target: str | None,
    settings: tuple[str, ...],
    calibrate: int | None,
    out: Path | None,
    data: str | None,
    data_dir: str | None,
    limit_test: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Brings a network to fixed point, and says what that changes on test samples.

    RUN is a result folder, which stands for its last checkpoint, a checkpoint in one, as
    RUN/best.safetensors, or a file of Network.save, with --data. The network in fixed point is
    written to a file that FixedNetwork.load reads. To train until accuracy is back: strsbp train
    --init RUN --hardware TARGET.
    """
    saved = Saved(run)
    kinds = []
    if target is not None or saved.recipe.hardware is None:
        # Of another kind first: options of the run's own hardware are not meant.
        kinds = ["kind=none", f"kind={target or 'qformat'}"]
    fields = (setting.strip().removeprefix("hardware.") for setting in settings)
    overrides = [f"hardware.{setting}" for setting in (*kinds, *fields)]
    try:
        plan = with_overrides(saved.recipe, overrides, "--set")
    except RecipeError as error:
        # Named as they were typed, without their section.
        raise RecipeError(str(error).replace("hardware.", "")) from error
    samples = saved.test_data(data, data_dir, limit_test)
    network = saved.network()
    assert plan.hardware is not None
    if calibrate is not None and calibrate < 1:
        raise ValueError(f"--calibrate must be >= 1, got {calibrate}")
    encoder = saved.encoder_for(samples)
    fixed = network.to_fixed(
        plan.hardware,
        calibration=None if calibrate is None else samples.x_train[:calibrate],
        encoder=encoder,
        seed=plan.train.seed,
        progress=not as_json,
    )
    report = fixed.report(
        samples.x_test,
        samples.y_test,
        encoder=encoder,
        seed=plan.train.seed,
        n_threads=threads,
    )
    path = out or saved.folder / f"{plan.hardware.kind}.safetensors"
    fixed.save(path)
    if as_json:
        click.echo(json.dumps({"file": str(path), **asdict(report)}))
    else:
        click.echo(f"{report}\nwritten to {path}")
