"""strsbp eval."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from strsbp_rs._config import ENGINES
from strsbp_rs._evaluation import Evaluation
from strsbp_rs.cli._common import data_option, one_line_errors
from strsbp_rs.cli._saved import Saved
from strsbp_rs.datasets import Dataset

__all__ = ["evaluate"]


@click.command(name="eval")
@click.argument("run", type=click.Path(path_type=Path))
@data_option("Samples to test on")
@click.option("--data-dir", help="Folder of the data set's files.")
@click.option("--threads", type=int, help="Number of threads; all cores if not given.")
@click.option("--seed", type=int, help="Seed of the encoder; the run's if not given.")
@click.option("--engine", type=click.Choice(ENGINES), help="How it is simulated; as in training.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_line_errors
def evaluate(
    run: Path,
    data: str | None,
    data_dir: str | None,
    threads: int | None,
    seed: int | None,
    engine: str | None,
    as_json: bool,
) -> None:
    """Evaluates a network on test samples: of its run, or those that --data names.

    RUN is a result folder, which stands for its last checkpoint, a checkpoint in one, as
    RUN/best.safetensors, or a file of Network.save, with --data.
    """
    saved = Saved(run)
    samples = saved.test_data(data, data_dir)
    trainer = saved.trainer(threads)
    trainer.encoder = saved.encoder_for(samples)
    result = trainer.evaluate(samples.x_test, samples.y_test, seed=seed, engine=engine)
    # A network may have more outputs than there are classes, and predict one of those.
    n_classes = len(samples.class_names)
    confusion = np.zeros((n_classes, max(n_classes, result.counts.shape[1])), np.int64)
    np.add.at(confusion, (samples.y_test, result.predictions), 1)
    if as_json:
        report = {
            "epoch": trainer.epoch if saved.content == "checkpoint" else None,
            "n_samples": len(samples.y_test),
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
                for index, (name, row) in enumerate(
                    zip(samples.class_names, confusion, strict=True)
                )
            },
            "confusion": confusion.tolist(),
        }
        click.echo(json.dumps(report))
    else:
        click.echo(_evaluation_text(samples, result, confusion))


def _evaluation_text(data: Dataset, result: Evaluation, confusion: NDArray[np.int64]) -> str:
    rates = ", ".join(f"{rate:.1%}" for rate in result.firing_rate)
    silent = ", ".join(f"{n:,}" for n in result.silent_neurons)
    lines = [
        f"{data.name}: accuracy {result.accuracy:.2%} on {len(data.y_test):,} test samples, "
        f"loss {result.loss:.4g}, {result.samples_per_s:.0f} samples/s ({result.engine})",
        f"firing rates [spikes per neuron and step], layer by layer: {rates}",
        f"neurons that never fired, layer by layer: {silent}; samples with equal highest counts: "
        f"{result.n_tied:,}, samples without an output spike: {result.n_spikeless:,}",
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
