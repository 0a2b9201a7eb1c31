"""The package's names, as the golden cases use them; those for fixed point are in `build_fixed`.

All that the cases call of the package is called here or there: where a public name changes, these
files do, and neither the cases nor their hashes. Arguments have the names that ARCHITECTURE gives
them (recurrent_delay, potential), whatever the package calls them today.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs import (
    SGD,
    Adam,
    AdamW,
    AllToAll,
    BernoulliEncoder,
    Constant,
    ConstantInit,
    Convolution,
    Cosine,
    CountMSE,
    ExponentialPenalty,
    Firing,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    ImageAugment,
    InverseSqrt,
    KaimingUniform,
    Normal,
    OneToOne,
    Reservoir,
    SoftmaxCrossEntropy,
    Sparse,
    SpikeAugment,
    SpikeTrains,
    Step,
    StRsbp,
    Uniform,
    UniformDelay,
    gradients_from_spikes,
    post_coupling,
    psp_table,
    s_psp,
)
from strsbp_rs.audio import FrontEnd, HeidelbergCochlea, LogMel, LyonEar
from strsbp_rs.recipes._recipe import Recipe, load_recipe, recipe_names, with_overrides

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "AllToAll",
    "BernoulliEncoder",
    "Constant",
    "ConstantInit",
    "Convolution",
    "Cosine",
    "CountMSE",
    "ExponentialPenalty",
    "Firing",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "HeidelbergCochlea",
    "ImageAugment",
    "InverseSqrt",
    "KaimingUniform",
    "LogMel",
    "LyonEar",
    "Normal",
    "OneToOne",
    "Recipe",
    "Reservoir",
    "SoftmaxCrossEntropy",
    "Sparse",
    "SpikeAugment",
    "SpikeTrains",
    "StRsbp",
    "Step",
    "Uniform",
    "UniformDelay",
    "gradients_from_spikes",
    "load_recipe",
    "post_coupling",
    "psp_table",
    "recipe_names",
    "s_psp",
    "with_overrides",
]

ENGINES = ("clocked", "event", "auto", "continuous")
GRID_ENGINES = ENGINES[:3]
FLOATS = ("float32", "float64")

Train = NDArray[np.int64]
"""Spikes as rows (sample, step, neuron), or (step, neuron)."""

# Networks ----------------------------------------------------------------------------------------


def dense(n: int, **options: Any) -> sr.Dense:
    return sr.Dense(n, **options)


def recurrent(n: int, **options: Any) -> sr.Recurrent:
    return sr.Recurrent(n, **options)


def conv2d(channels: int, kernel: Any, **options: Any) -> sr.Conv2d:
    return sr.Conv2d(channels, kernel, **options)


def conv1d(channels: int, kernel: int, **options: Any) -> sr.Conv1d:
    return sr.Conv1d(channels, kernel, **options)


def avg_pool2d(kernel: Any, **options: Any) -> sr.AvgPool2d:
    return sr.AvgPool2d(kernel, **options)


def avg_pool1d(kernel: int, **options: Any) -> sr.AvgPool1d:
    return sr.AvgPool1d(kernel, **options)


def max_pool2d(kernel: Any, **options: Any) -> sr.MaxPool2d:
    return sr.MaxPool2d(kernel, **options)


def network(n_in: int | tuple[int, ...], layers: Sequence[Any], **options: Any) -> sr.Network:
    return sr.Network(n_in, layers, **options)


def weights(net: sr.Network) -> list[list[NDArray[Any]]]:
    """Of each layer those of the layer below, then its own."""
    return _listed(net.weights, ("weight", "recurrent_weight"))


def delays(net: sr.Network) -> list[list[NDArray[Any]]]:
    return _listed(net.delays, ("delay", "recurrent_delay"))


def masks(net: sr.Network) -> list[NDArray[Any] | None]:
    return [net.recurrent_mask(layer) for layer in range(len(net.layers))]


def set_weights(net: sr.Network, values: Sequence[Sequence[NDArray[Any]]]) -> None:
    names = ("weight", "recurrent_weight")
    net.set_weights([dict(zip(names, layer, strict=False)) for layer in values])


def set_delays(net: sr.Network, values: Sequence[Sequence[NDArray[Any]]]) -> None:
    names = ("delay", "recurrent_delay")
    net.set_delays([dict(zip(names, layer, strict=False)) for layer in values])


def _listed(
    layers: Sequence[Mapping[str, NDArray[Any]]], names: Sequence[str]
) -> list[list[NDArray[Any]]]:
    for layer in layers:
        assert set(layer) <= set(names), f"{list(layer)}: build.py knows {names}"
    return [[layer[name] for name in names if name in layer] for layer in layers]


# Spikes ------------------------------------------------------------------------------------------


def rows_of(trains: sr.SpikeTrains) -> Train:
    """The spikes as rows (sample, step, neuron), and their shape as the last row."""
    indptr, indices, shape = trains.to_csr()
    row = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return np.column_stack([row // shape[1], row % shape[1], indices.astype(np.int64)])


@dataclass(frozen=True)
class Recording:
    """What a run went through, in plain values."""

    trains: list[sr.SpikeTrains]
    counts: NDArray[Any]
    potential: dict[int, NDArray[Any]]
    current: dict[int, NDArray[Any]]
    engine: str
    operations: list[int]

    @property
    def spikes(self) -> list[Train]:
        return [rows_of(train) for train in self.trains]


_OPERATIONS = ("input_events", "spikes", "synaptic_events", "state_updates", "near_ties")


def _operations(found: sr.Operations | None) -> list[int]:
    return [] if found is None else [getattr(found, name) for name in _OPERATIONS]


def record(
    net: sr.Network, x: Any, traced: Mapping[int, Sequence[int]] | None = None, **options: Any
) -> Recording:
    """Options: encoder, n_steps, seed, n_threads, engine."""
    run = net.run(x, record_traces=traced, **options)
    return Recording(
        run.spikes,
        run.counts,
        dict(run.potential),
        dict(run.current),
        run.engine,
        _operations(run.operations),
    )


def spike_counts(net: sr.Network | sr.FixedNetwork, x: Any, **options: Any) -> NDArray[Any]:
    return net.spike_counts(x, **options)


def predict(net: sr.Network | sr.FixedNetwork, x: Any, **options: Any) -> NDArray[Any]:
    return net.predict(x, **options)


def counts_and_run(net: sr.Network, x: Any, **options: Any) -> tuple[NDArray[Any], str, list[int]]:
    run = net.run(x, record_spikes=False, **options)
    return run.counts, run.engine, _operations(run.operations)


# Training ----------------------------------------------------------------------------------------


def trainer(net: sr.Network, **options: Any) -> sr.Trainer:
    return sr.Trainer(net, **options)


_RECORDS = ("epoch", "lr", "loss", "accuracy", "firing_rate", "engine", "grad_norm")
_MORE_RECORDS = ("grad_norm_max", "solver_iterations", "solver_fallbacks", "val_loss")
_LAST_RECORDS = ("val_accuracy", "overflows")


def fit(of: sr.Trainer, x: Any, y: Any, epochs: int, **options: Any) -> None:
    of.fit(x, y, epochs=epochs, progress=False, **options)


def history(of: sr.Trainer) -> list[list[Any]]:
    """Of every epoch all that was recorded but times."""
    names = (*_RECORDS, *_MORE_RECORDS, *_LAST_RECORDS)
    return [[plain(record.get(name)) for name in names] for record in of.history.epochs]


def plain(value: Any) -> Any:
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


_SETTINGS = ("loss", "optimizer", "schedule", "rule", "batch_size", "augment", "weight_penalty")
_MORE_SETTINGS = ("weight_limit", "clip_norm", "seed", "engine", "hardware")


def settings(of: sr.Trainer) -> list[Any]:
    """All that a trainer was told, but for names of the first level."""
    values = of.config
    names = (*_SETTINGS, *_MORE_SETTINGS)
    assert set(values) == set(names), f"{sorted(values)}: build.py knows {sorted(names)}"
    return [values[name] for name in names]


def forget_times(of: sr.Trainer) -> None:
    """Sets times to 0: they are in files."""
    for record in of.history.epochs:
        for name in ("seconds", "samples_per_s", "val_samples_per_s"):
            if name in record:
                record[name] = 0.0


def trained(of: sr.Trainer) -> list[list[NDArray[Any]]]:
    return weights(of.network)


def evaluation(of: sr.Trainer, x: Any, y: Any, **options: Any) -> list[Any]:
    found = of.evaluate(x, y, **options)
    return [
        *(found.loss, found.accuracy, found.counts, found.predictions, found.firing_rate),
        *(found.engine, found.silent_neurons, found.n_tied, found.n_spikeless),
        [[lost.current, lost.membrane] for lost in found.overflows],
    ]


def gradients(of: sr.Trainer, x: Any, y: Any, **options: Any) -> tuple[float, Any]:
    found = of.gradients(x, y, **options)
    return found.loss, _listed(found.weights, ("weight", "recurrent_weight"))


def spike_gradients(net: sr.Network, spikes: Any, y: Any, **options: Any) -> tuple[float, Any]:
    found = gradients_from_spikes(net, spikes, y, **options)
    return found.loss, _listed(found.weights, ("weight", "recurrent_weight"))


def step(of: sr.Trainer, spikes: Any, y: Any, **options: Any) -> list[Any]:
    found = of.step(spikes, y, **options)
    return [found.loss, found.accuracy, found.firing_rate, found.lr, found.grad_norm]


# Graphs and simulators ---------------------------------------------------------------------------


def graph(**options: Any) -> sr.Graph:
    return sr.Graph(**options)


def graph_of(net: sr.Network) -> sr.Graph:
    return net.to_graph()


def add_input(of: sr.Graph, n: int) -> sr.Population:
    return of.add_input(n)


def add_population(of: sr.Graph, n: int, neuron: Any = None, **constants: Any) -> sr.Population:
    """Of floating-point neurons, or of a `Format`."""
    return of.add_population(n, sr.LIF(**constants) if neuron is None else neuron)


def connect(of: sr.Graph, pre: Any, post: Any, rule: Any = None, **options: Any) -> sr.Projection:
    return of.connect(pre, post, rule, **options)


def synapses(of: sr.Graph) -> list[list[NDArray[Any]]]:
    """Of every projection its neurons, weights and delays."""
    found = [of.synapses(projection) for projection in of.projections]
    return [[np.ascontiguousarray(s[name]) for name in s.dtype.names] for s in found]


def simulator(of: Any, engine: str, record: Sequence[int] | None = None) -> sr.Simulator:
    return sr.Simulator(of, engine=engine, record=record)


def advance(of: sr.Simulator, events: Any, steps: int) -> list[NDArray[Any]]:
    """Pushes events and runs to a step; returns times and neurons of the spikes since."""
    if events is not None:
        of.push(events)
    found = of.advance(steps=steps)
    return [np.ascontiguousarray(found["t"]), np.ascontiguousarray(found["x"])]


def operations(of: sr.Simulator) -> list[int]:
    return _operations(of.operations)


def membranes(of: sr.Simulator, population: Any) -> list[NDArray[Any]]:
    """Currents and potentials at the present."""
    return [of.currents(population), of.potentials(population)]


# Files -------------------------------------------------------------------------------------------


def written(of: Any) -> bytes:
    """What `save` writes of anything that has one."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.safetensors")
        of.save(path)
        return Path(path).read_bytes()


def load_network(path: Path) -> sr.Network:
    return sr.Network.load(path)


def load_spikes(path: Path) -> sr.SpikeTrains:
    return sr.SpikeTrains.load(path)


def load_trainer(path: Path, n_threads: int) -> sr.Trainer:
    return sr.Trainer.load(path, n_threads=n_threads)


def heard(
    front_end: FrontEnd, recordings: list[NDArray[np.float64]], n_threads: int
) -> list[NDArray[np.float64]]:
    """The frames of recordings."""
    return front_end.many(recordings, n_threads=n_threads, progress=False)


def spikes_heard(
    cochlea: HeidelbergCochlea, recordings: list[NDArray[np.float64]], n_threads: int
) -> SpikeTrains:
    """The spikes of recordings."""
    return cochlea.many(recordings, n_threads=n_threads, progress=False)
