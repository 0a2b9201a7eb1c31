"""Bytes of files that are written, and results of files that were written long ago."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases import samples
from golden.cases.fixed_graphs import FORMATS, graph_of, presets
from golden.cases.graphs import populations, sparse_events
from golden.cases.quantised import TARGETS, fixed_of
from golden.cases.training import MSE, RASTER, Y
from golden.digest import of_bytes, of_floats, of_text
from golden.registry import Entries, case

CODER = b.BernoulliEncoder(40, 0.5)
TRAINS = b.SpikeTrains.from_dense(RASTER)


def network(dtype: str) -> Any:
    """With all that a file of a network holds."""
    layers = [
        b.recurrent(9, v_th=1.5, init=samples.INIT, recurrent_init=b.ConstantInit(0.25)),
        b.recurrent(
            7,
            v_th=1.5,
            t_ref=0.0,
            mask=b.Sparse(0.5),
            init=samples.INIT,
            recurrent_init=samples.RECURRENT_INIT,
        ),
        b.dense(samples.N_OUT, tau_m=16.0, v_th=2.0, lateral_inhibition=0.25, init=samples.INIT),
    ]
    options: dict[str, Any] = {"encoder": CODER, "class_names": ("one", "two", "three")}
    net = b.network(samples.N_IN, layers, dtype=dtype, seed=18, **options)
    shapes = [[array.shape for array in layer] for layer in b.weights(net)]
    values = [[inputs.fractions(90, s, -0.5, 1.0) for s in layer] for layer in shapes]
    np.fill_diagonal(values[0][1], 0.0)
    values[1][1] *= b.masks(net)[1]
    b.set_weights(net, values)
    delays = [[inputs.below(91, s, 4) * 1.0 for s in layer] for layer in shapes]
    b.set_delays(net, delays)
    return net


def drawn() -> Any:
    """Of which a file holds what is drawn by its seed alone: masks and delays."""
    layers = [
        b.recurrent(
            8,
            v_th=1.5,
            discretisation="exact",
            mask=b.Reservoir((2, 2, 2)),
            init=samples.INIT,
            recurrent_init=samples.RECURRENT_INIT,
            delay=b.UniformDelay(0, 5),
            recurrent_delay=b.UniformDelay(0.5, 3.0),
        ),
        b.dense(samples.N_OUT, v_th=1.5, init=b.KaimingUniform(2.0), delay=1.5),
    ]
    return b.network(samples.N_IN, layers, dt=0.5, dtype="float64", seed=20)


def few(dtype: str = "float32") -> Any:
    """What every target takes."""
    layers = [
        b.recurrent(8, v_th=1.5, init=samples.INIT, recurrent_init=samples.RECURRENT_INIT),
        b.dense(6, v_th=1.5, init=samples.INIT, lateral_inhibition=0.25),
        b.dense(samples.N_OUT, v_th=1.5, init=samples.INIT),
    ]
    return b.network(samples.N_IN, layers, dtype=dtype, seed=19, encoder=CODER)


def small(dtype: str = "float32") -> Any:
    layers = [
        b.recurrent(8, v_th=1.5, mask=b.Sparse(0.5), init=samples.INIT, recurrent_init=b.Uniform()),
        b.dense(samples.N_OUT, v_th=1.5, init=samples.INIT),
    ]
    return b.network(samples.N_IN, layers, dtype=dtype, seed=17, encoder=CODER)


def trainer(dtype: str, n_threads: int, hardware: Any = None, optimizer: Any = None) -> Any:
    """After one epoch."""
    options: dict[str, Any] = {"loss": MSE, "optimizer": b.AdamW(lr=2**-6), "batch_size": 3}
    options |= {"schedule": b.InverseSqrt(0.5), "clip_norm": 1.0, "weight_limit": 4.0}
    net = small(dtype)
    options |= {} if optimizer is None else {"optimizer": optimizer, "loss": b.CountMSE(9.0)}
    made = b.trainer(net, hardware=hardware, seed=7, n_threads=n_threads, **options)
    b.fit(made, TRAINS, Y, 1)
    b.forget_times(made)
    return made


FIXED = ("qformat", "loihi", "xylo_a1", "xylo_audio3", "spinnaker", "cortex_m", "neurons")
FIXED_STATES = ("clocked", "event")
FIXED_GRAPHS = {
    "int16": (FORMATS["held"], True),
    "table": (FORMATS["table"], True),
    "xylo": (presets()["xylo_v2"], False),
}
"""Neurons whose states have other parts, and whether they have delays."""


def _trains() -> Any:
    return b.SpikeTrains.from_counts(samples.counts().astype(int))


def _state(graph: Any, engine: str, n_inputs: int) -> bytes:
    simulator = b.simulator(graph, engine)
    b.advance(simulator, sparse_events(n_inputs, 60), 100)
    return bytes(simulator.state())


def fixed_graph(name: str) -> Any:
    neuron, delayed = FIXED_GRAPHS[name]
    return graph_of(neuron, "int16", delayed)


def written(n_threads: int) -> dict[str, bytes]:
    """Of every kind of file, by the names of those that are kept."""
    files = {f"network_{dtype}": b.written(network(dtype)) for dtype in b.FLOATS}
    files |= {f"checkpoint_{dtype}": b.written(trainer(dtype, n_threads)) for dtype in b.FLOATS}
    hardware = bf.QFormat(weight_bits=4)
    files["network_drawn"] = b.written(drawn())
    for name, optimizer in {"adam": b.Adam(2**-6), "sgd": b.SGD(2**-6, nesterov=True)}.items():
        files[f"checkpoint_{name}"] = b.written(trainer("float32", n_threads, None, optimizer))
    files["checkpoint_hardware"] = b.written(trainer("float32", n_threads, hardware))
    for name in FIXED:
        files[f"fixed_{name}"] = b.written(fixed_of(few(), TARGETS[name]))
    files["spikes"] = b.written(_trains())
    files |= states_of(b.GRID_ENGINES)
    for engine in FIXED_STATES:
        for name in FIXED_GRAPHS:
            files[f"state_{engine}_{name}"] = _state(fixed_graph(name), engine, 14)
        files[f"state_{engine}_network"] = _state(network("float32"), engine, samples.N_IN)
    return files


def states_of(engines: tuple[str, ...]) -> dict[str, bytes]:
    return {
        f"state_{engine}_{dtype}": _state(populations(dtype), engine, 23)
        for engine in engines
        for dtype in b.FLOATS
    }


@case("files/written", threads=True)
def files(n_threads: int) -> Entries:
    for name, data in written(n_threads).items():
        yield name, of_bytes(data)


@case("files/continuous", "libm")
def states_of_continuous_time(n_threads: int) -> Entries:
    for name, data in states_of(("continuous",)).items():
        yield name, of_bytes(data)


@case("recipes", threads=True)
def recipes(n_threads: int) -> Entries:
    """As text, and what is read of it."""
    for name in b.recipe_names():
        recipe = b.load_recipe(name)
        text = recipe.to_toml()
        assert tomllib.loads(text)
        yield name, of_text(text)
    for name, recipe in made_recipes().items():
        yield f"made/{name}", of_text(recipe.to_toml())
    # What a recipe's options become of a trainer.
    options = ["train.clip_norm=0.5", "train.weight_limit=1.0", "train.batch_size=3"]
    options += ["train.seed=5", "network.seed=3", "network.dtype=float64", "optimizer.lr=0.0625"]
    layers = tuple(samples.recurrent().layers)
    chosen = b.Recipe(layers, loss=MSE, schedule=b.Step(1), rule=b.StRsbp(silent_ratio=0.5))
    built = b.with_overrides(chosen, options).build(samples.N_IN, n_threads)
    b.fit(built, TRAINS, Y, 2)
    yield "built", of_floats(b.trained(built), b.history(built))


def made_recipes() -> dict[str, Any]:
    layers = tuple(samples.recurrent().layers) + tuple(samples.exact().layers)
    return {
        "count_mse": b.Recipe(layers, loss=MSE, optimizer=b.SGD(0.5), schedule=b.Cosine(3.0)),
        "hardware": b.Recipe(
            layers,
            hardware=bf.QFormat(clip=(0.5, 1.0, 1.0, 0.75, 0.5, 1.0)),
            penalty=b.ExponentialPenalty(),
            augment=b.ImageAugment((3, 4), 1),
            schedule=b.Step(),
            optimizer=b.AdamW(2**-6),
        ),
        "xylo": b.Recipe(
            (layers[0], samples.plain().layers[-1]),
            hardware=bf.Xylo(device="imu"),
            rule=b.StRsbp(silent_ratio=1),
            optimizer=b.Adam(2**-6),
        ),
    }
