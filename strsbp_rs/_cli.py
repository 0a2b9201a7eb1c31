"""The command line: strsbp train, quantize, eval, info."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ParamSpec

import click
import numpy as np
from numpy.typing import NDArray

import strsbp_rs
from strsbp_rs._config import ENGINES, Cosine, LayerConfig
from strsbp_rs._data import (
    check_outputs,
    data_overrides,
    is_function,
    load_data,
    with_outputs,
)
from strsbp_rs._fixed_network import FixedNetwork
from strsbp_rs._network import Network
from strsbp_rs._recipe import Recipe, load_recipe, recipe_names
from strsbp_rs._run import RunFolder, load_network, with_horizon
from strsbp_rs._targets import TARGETS
from strsbp_rs._trainer import Evaluation, Trainer
from strsbp_rs._warnings import StrsbpWarning
from strsbp_rs.datasets import Dataset, search_fashion_mnist

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


def _one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Shows the user's errors as one line instead of a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _one_line_warnings():
                command(*args, **kwargs)
        except (ValueError, TypeError, OSError, MemoryError) as error:
            click.echo(f"strsbp: error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("strsbp: interrupted", err=True)
            sys.exit(INTERRUPTED)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(strsbp_rs.__version__, prog_name="strsbp")
def main() -> None:
    """Fast CPU training of recurrent spiking neural networks with ST-RSBP."""


@main.command()
@click.argument("recipe", required=False)
@click.option(
    "--data",
    metavar="FILE|FUNCTION",
    help="Samples of your own: a file (.npz, .npy, spikes in .safetensors), or "
    "MODULE:FUNCTION or FILE.py:FUNCTION that returns them.",
)
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
@_one_line_errors
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
            run.dataset = load_data(plan, plan.data.dir or None, function)
            trainer = run.load(plan, run.dataset.n_in, threads)
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
    own_descent = any(setting.startswith("schedule.epochs") for setting in settings)
    if epochs is not None and isinstance(plan.schedule, Cosine) and not own_descent:
        plan = replace(plan, schedule=replace(plan.schedule, epochs=float(epochs)))
    if plan.train.epochs == 0:
        raise ValueError("train.epochs must be > 0, got 0")
    dataset = load_data(plan, plan.data.dir or None, function)
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
    trainer = plan.build(dataset.n_in, threads, network)
    trainer.check_epochs(plan.train.epochs)
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
        click.echo(
            f"{dataset.name} from {dataset.source}: {len(dataset.x_train):,} training and "
            f"{len(dataset.x_test):,} test samples; {trainer.n_threads} threads "
            f"({strsbp_rs.simd_level()}); results in {run.path}"
        )
    try:
        if trainer.epoch < plan.train.epochs:
            trainer.fit(
                dataset.x_train,
                dataset.y_train,
                epochs=plan.train.epochs,
                validation_data=(dataset.x_test, dataset.y_test),
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
    click.echo(_result_line(trainer.history.epochs, run))


def _result_line(records: list[dict[str, Any]], run: RunFolder) -> str:
    tested = [record for record in records if "val_accuracy" in record]
    if not tested:
        return f"results in {run.path}"
    best = max(tested, key=lambda record: record["val_accuracy"])
    last = tested[-1]
    return (
        f"test accuracy {last['val_accuracy']:.2%} after {last['epoch']} epochs, best "
        f"{best['val_accuracy']:.2%} (epoch {best['epoch']}); {last['samples_per_s']:.0f} "
        f"samples/s in training, {last['val_samples_per_s']:.0f} in inference; results in "
        f"{run.path}"
    )


def _alike(layers: Sequence[LayerConfig], others: Sequence[LayerConfig]) -> bool:
    """Whether layers are the same, whatever their weights were drawn from."""

    def kept(layer: LayerConfig) -> dict[str, Any]:
        values = layer.to_dict().items()
        return {name: value for name, value in values if name not in ("init", "rec_init")}

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


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="Hardware; if not given, that the run was trained through, else qformat.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A field, as weight_bits=4."
)
@click.option("--calibrate", type=int, help="Clip weights by the spikes of so many images.")
@click.option("--out", type=click.Path(path_type=Path), help="File; in RUN if not given.")
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option("--limit-test", type=int, help="Use the first so many test samples.")
@click.option("--threads", type=int, help="Number of threads; all cores if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_one_line_errors
def quantize(
    run: Path,
    target: str | None,
    settings: tuple[str, ...],
    calibrate: int | None,
    out: Path | None,
    data_dir: str | None,
    limit_test: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Brings a network to fixed point, and says what that changes on the test images of its run.

    RUN is a result folder, which stands for its last checkpoint, or a checkpoint in one, as
    RUN/best.safetensors. The network in fixed point is written to a file that FixedNetwork.load
    reads. To train until accuracy is back: strsbp train --init RUN
    --hardware TARGET.
    """
    folder = RunFolder(run.parent if run.is_file() else run)
    held = folder.recipe().hardware
    kinds = []
    if target is not None or held is None:
        # Of another kind first: options of the run's own hardware are not meant.
        kinds = ["kind=none", f"kind={target or 'qformat'}"]
    overrides = [f"hardware.{setting}" for setting in (*kinds, *settings)]
    if limit_test is not None:
        overrides.append(f"data.limit_test={limit_test}")
    plan = folder.recipe(tuple(overrides))
    data = load_data(plan, data_dir or plan.data.dir or None)
    network = load_network(run)
    assert plan.hardware is not None
    if calibrate is not None and calibrate < 1:
        raise ValueError(f"--calibrate must be >= 1, got {calibrate}")
    fixed = network.to_fixed(
        plan.hardware,
        calibration=None if calibrate is None else data.x_train[:calibrate],
        encoder=plan.encoder,
        seed=plan.train.seed,
        progress=not as_json,
    )
    report = fixed.report(
        data.x_test, data.y_test, encoder=plan.encoder, seed=plan.train.seed, n_threads=threads
    )
    path = out or folder.path / f"{plan.hardware.kind}.safetensors"
    fixed.save(path)
    if as_json:
        click.echo(json.dumps({"file": str(path), **asdict(report)}))
    else:
        click.echo(f"{report}\nwritten to {path}")


@main.command(name="eval")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option("--threads", type=int, help="Number of threads; all cores if not given.")
@click.option("--seed", type=int, help="Seed of the encoder; the run's if not given.")
@click.option("--engine", type=click.Choice(ENGINES), help="How it is simulated; as in training.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_one_line_errors
def evaluate(
    run: Path,
    data_dir: str | None,
    threads: int | None,
    seed: int | None,
    engine: str | None,
    as_json: bool,
) -> None:
    """Evaluates a network on the test images of its run.

    RUN is a result folder, which stands for its last checkpoint, or a checkpoint in one, as
    RUN/best.safetensors.
    """
    folder = RunFolder(run.parent if run.is_file() else run)
    plan = folder.recipe()
    data = load_data(plan, data_dir or plan.data.dir or None)
    checkpoint = run if run.is_file() else folder.checkpoint
    trainer = Trainer.load(checkpoint, n_threads=threads)
    result = trainer.evaluate(data.x_test, data.y_test, seed=seed, engine=engine)
    # A network may have more outputs than there are classes, and predict one of those.
    n_classes = len(data.class_names)
    confusion = np.zeros((n_classes, max(n_classes, result.counts.shape[1])), np.int64)
    np.add.at(confusion, (data.y_test, result.predictions), 1)
    if as_json:
        report = {
            "epoch": trainer.epoch,
            "n_samples": len(data.y_test),
            "accuracy": result.accuracy,
            "loss": result.loss,
            "firing_rate": result.firing_rate,
            "samples_per_s": result.samples_per_s,
            "engine": result.engine,
            "silent_neurons": result.silent_neurons,
            "n_tied": result.n_tied,
            "n_spikeless": result.n_spikeless,
            "overflows": [asdict(lost) for lost in result.overflows],
            "class_accuracy": {
                name: int(row[index]) / int(row.sum()) if row.sum() else None
                for index, (name, row) in enumerate(zip(data.class_names, confusion, strict=True))
            },
            "confusion": confusion.tolist(),
        }
        click.echo(json.dumps(report))
    else:
        click.echo(_evaluation_text(data, result, confusion))


def _evaluation_text(data: Dataset, result: Evaluation, confusion: NDArray[np.int64]) -> str:
    rates = ", ".join(f"{rate:.1%}" for rate in result.firing_rate)
    silent = ", ".join(f"{n:,}" for n in result.silent_neurons)
    lines = [
        f"{data.name}: accuracy {result.accuracy:.2%} on {len(data.y_test):,} test samples, "
        f"loss {result.loss:.4g}, {result.samples_per_s:.0f} samples/s ({result.engine})",
        f"firing rates [spikes per neuron and step], layer by layer: {rates}",
        f"neurons that never fired, layer by layer: {silent}; images with equal highest counts: "
        f"{result.n_tied:,}, images without an output spike: {result.n_spikeless:,}",
        *_overflow_lines(result),
        "",
        "rows: class, columns: prediction",
    ]
    width = max(len(name) for name in data.class_names)
    columns = "".join(f"{index:6}" for index in range(confusion.shape[1]))
    lines.append(f"{'':{width + 3}}{columns}   correct")
    for index, (name, row) in enumerate(zip(data.class_names, confusion, strict=True)):
        correct = f"{row[index] / row.sum():8.1%}" if row.sum() else f"{'-':>8}"
        cells = "".join(f"{count:6}" for count in row)
        lines.append(f"{index:2} {name:{width}}{cells}  {correct}")
    return "\n".join(lines)


def _overflow_lines(result: Evaluation) -> list[str]:
    if not result.overflows:
        return []
    counts = ", ".join(f"{lost.current:,} and {lost.membrane:,}" for lost in result.overflows)
    return [f"currents and membranes that did not fit, layer by layer: {counts}"]


@main.command()
@click.argument("what", required=False)
@_one_line_errors
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
    else:
        click.echo(load_recipe(what).to_toml())
