"""strsbp train."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import strsbp_rs
from strsbp_rs._config import ENGINES, Cosine, LayerConfig
from strsbp_rs.cli._common import INTERRUPTED, data_option, one_line_errors
from strsbp_rs.datasets._images import search_fashion_mnist
from strsbp_rs.fixed._targets import TARGETS
from strsbp_rs.recipes._recipe import Recipe, load_recipe
from strsbp_rs.training._data import (
    check_outputs,
    check_values,
    data_overrides,
    inputs_of,
    is_function,
    load_data,
    with_outputs,
)
from strsbp_rs.training._run import RunFolder, load_network, with_horizon
from strsbp_rs.training._trainer import Trainer

__all__ = ["train"]


@click.command()
@click.argument("recipe", required=False)
@data_option("Samples of your own")
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option(
    "--epochs",
    type=int,
    help="Epochs to have completed at the end; a cosine ends with them, unless it was told apart.",
)
@click.option("--batch-size", type=int, help="Samples of a mini-batch.")
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--seed", type=int, help="Seed of weights, order, encoder and augmentation.")
@click.option("--threads", type=int, help="Number of threads; all cores if not given.")
@click.option("--engine", type=click.Choice(ENGINES), help="How the network is simulated.")
@click.option(
    "--hardware",
    type=click.Choice(list(TARGETS)),
    help="Train through this arithmetic; its options: --set hardware.weight_bits=4 and so on.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any recipe field.")
@click.option(
    "--init",
    type=click.Path(path_type=Path),
    help="Start from the weights of a result folder or a network's file, not from drawn ones.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Result folder.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="Result folder to go on with; of a finished run, only its files are completed.",
)
@click.option("--limit-train", type=int, help="Use the first so many training samples.")
@click.option("--limit-test", type=int, help="Use the first so many test samples.")
@click.option("--no-plots", is_flag=True, help="Draw no pictures.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@one_line_errors
def train(
    recipe: str | None,
    data: str | None,
    data_dir: str | None,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    seed: int | None,
    threads: int | None,
    engine: str | None,
    hardware: str | None,
    settings: tuple[str, ...],
    init: Path | None,
    out: Path | None,
    resume: Path | None,
    limit_train: int | None,
    limit_test: int | None,
    no_plots: bool,
    quiet: bool,
) -> None:
    """Trains a network.

    RECIPE is the name of a recipe that ships with the package, or a TOML file, whose section [data]
    may name files of your own. Without it, the recipe is that of the run to start from (--init),
    else starter where --data is given, with a neuron for every class, else fashion-mnist if that
    data is found on this machine, else demo.
    """
    flags = {
        "train.epochs": epochs,
        "train.batch_size": batch_size,
        "optimizer.lr": lr,
        "train.seed": seed,
        "network.seed": seed,
        "train.engine": engine,
        "hardware.kind": hardware,
        "data.limit_train": limit_train,
        "data.limit_test": limit_test,
    }
    given = [f"{key}={value}" for key, value in flags.items() if value is not None]
    function = data if data is not None and is_function(data) else None
    if data is not None:
        given.extend(data_overrides(data))
    if data_dir is not None:
        # Kept with the run: eval and --resume must not find other data. JSON strings are TOML's.
        given.append(f"data.dir={json.dumps(os.path.abspath(data_dir), ensure_ascii=False)}")
    if resume is not None:
        _refuse_with_resume(recipe, out or init, settings, flags)
        run = RunFolder(resume)
        run.recipe()  # Nothing is made in a folder that is no run.
        with run.claimed():
            former, plan = run.recipe(), run.recipe(tuple(given))
            if epochs is not None:
                plan = with_horizon(plan, former)
            run.dataset = load_data(plan, plan.data.dir or None, function, progress=not quiet)
            trainer = run.load(plan, inputs_of(plan, run.dataset), threads)
            run.revised = plan
            if plan.train.epochs < trainer.epoch:
                raise ValueError(
                    f"--epochs must be >= {trainer.epoch}, the epochs completed, "
                    f"got {plan.train.epochs}"
                )
            if plan.schedule != former.schedule:
                click.echo(f"the cosine now ends with epoch {plan.train.epochs}")
            _train(run, plan, trainer, plots=not no_plots, quiet=quiet)
        return
    name = recipe or _default_recipe(init, data, data_dir)
    plan = load_recipe(name, [*settings, *given])
    if plan.train.epochs == 0:
        raise ValueError("train.epochs must be > 0, got 0")
    own_descent = any(setting.startswith("schedule.epochs") for setting in settings)
    if epochs is not None and isinstance(plan.schedule, Cosine) and not own_descent:
        plan = replace(plan, schedule=replace(plan.schedule, epochs=float(epochs)))
    dataset = load_data(plan, plan.data.dir or None, function, progress=not quiet)
    if name == "starter":
        plan = with_outputs(plan, len(dataset.class_names))
    network = None if init is None else load_network(init)
    if network is not None and (
        not _alike(plan.layers, network.layers) or plan.network.dt != network.dt
    ):
        raise ValueError(f"--init {init} has other layers or another dt than the recipe {name}")
    if network is not None:
        options = replace(plan.network, dtype=str(network.dtype), seed=network.seed)
        plan = replace(plan, network=options)
    label = init.stem if init is not None and not recipe else Path(name).stem
    run = RunFolder(out or _free_folder(label))
    run.dataset = dataset
    check_outputs(plan, dataset)
    check_values(dataset)
    trainer = plan.build(inputs_of(plan, dataset), threads, network)
    trainer.network.class_names = dataset.class_names[: trainer.network.n_out]
    trainer._check_epochs(plan.train.epochs)
    with run.claimed():
        run.create(plan, network)
        _train(run, plan, trainer, plots=not no_plots, quiet=quiet)


def _free_folder(label: str) -> Path:
    """A folder for the results of a run that was given none."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{label}-{stamp}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(path for name in names if not (path := Path("runs") / name).exists())


def _train(run: RunFolder, plan: Recipe, trainer: Trainer, plots: bool, quiet: bool) -> None:
    """Trains what is left of a run, or completes its files if nothing is."""
    dataset, run.plots = run.dataset, plots
    assert dataset is not None
    if not quiet:
        click.echo(trainer.network.summary())
        if trainer.hardware is not None:
            click.echo(f"trained through {trainer.hardware}")
        x = dataset.x_validation
        counts = f"{len(dataset.x_train):,} training"
        counts += f" and {len(dataset.x_test):,} test" if x is None else f", {len(x):,} validation"
        click.echo(
            f"{dataset.name} from {dataset.source}: {counts} samples; {trainer.n_threads} threads "
            f"({strsbp_rs.simd_level()}); results in {run.path}"
        )
    try:
        if trainer.epoch < plan.train.epochs:
            trainer.fit(
                dataset.x_train,
                dataset.y_train,
                epochs=plan.train.epochs,
                validation_data=run.validation(),
                checkpoint=run.checkpoint,
                callbacks=[run],
                progress=not quiet,
            )
        else:
            click.echo(f"all {trainer.epoch} epochs were completed before")
            run.complete(trainer)
    except KeyboardInterrupt:
        _say_interrupted(run)
        sys.exit(INTERRUPTED)
    for note in run.notes:
        click.echo(note, err=True)
    click.echo(_result_line(trainer.history.epochs, run, run.test(trainer)))


def _result_line(records: list[dict[str, Any]], run: RunFolder, test: dict[str, Any] | None) -> str:
    tested = [record for record in records if "val_accuracy" in record]
    if not tested:
        return f"results in {run.path}"
    best = max(tested, key=lambda record: record["val_accuracy"])
    last = tested[-1]
    speed = (
        f"{last['samples_per_s']:.0f} samples/s in training, {last['val_samples_per_s']:.0f} in "
        f"inference; results in {run.path}"
    )
    if test is not None:
        chosen = test["chosen"]
        return (
            f"test accuracy {test['last']['accuracy']:.2%} after {last['epoch']} epochs, "
            f"{chosen['accuracy']:.2%} with epoch {chosen['epoch']}, the best of the validation "
            f"samples ({best['val_accuracy']:.2%}); {speed}"
        )
    return (
        f"test accuracy {last['val_accuracy']:.2%} after {last['epoch']} epochs, best "
        f"{best['val_accuracy']:.2%} (epoch {best['epoch']}); {speed}"
    )


def _alike(layers: Sequence[LayerConfig], others: Sequence[LayerConfig]) -> bool:
    """Whether layers are the same, whatever their weights were drawn from."""

    def kept(layer: LayerConfig) -> dict[str, Any]:
        values = layer.to_dict().items()
        return {name: value for name, value in values if name not in ("init", "recurrent_init")}

    return [kept(layer) for layer in layers] == [kept(layer) for layer in others]


def _refuse_with_resume(
    recipe: str | None, out: Path | None, settings: tuple[str, ...], flags: dict[str, Any]
) -> None:
    """A resumed run goes on as it was; only its epochs and where its data lies may change."""
    changed = [key for key, value in flags.items() if value is not None and key != "train.epochs"]
    if recipe or out or settings or changed:
        what = recipe or out or (settings or changed)[0]
        raise click.UsageError(f"--resume goes on with the run as it was, and does not take {what}")


def _default_recipe(init: Path | None, data: str | None, data_dir: str | None) -> str:
    if init is not None:
        config = RunFolder(init if init.is_dir() else init.parent).config
        if config.is_file():
            return str(config)
    if data is not None:
        return "starter"
    folder, obstacles = search_fashion_mnist(data_dir)
    if folder is not None:
        click.echo(f"training fashion-mnist, found in {folder}")
        return "fashion-mnist"
    click.echo("training demo: Fashion-MNIST was not found ('strsbp train fashion-mnist' gets it)")
    for obstacle in obstacles:
        click.echo(f"not looked for everywhere: {obstacle}", err=True)
    return "demo"


def _say_interrupted(run: RunFolder) -> None:
    if run.checkpoint.exists():
        click.echo(
            f"interrupted; the last whole epoch is in {run.checkpoint}\n"
            f"go on with: strsbp train --resume {run.path}",
            err=True,
        )
    else:
        click.echo(
            "interrupted before the first epoch was complete\n"
            f"begin again with: strsbp train --resume {run.path}",
            err=True,
        )
