"""Bytes of files that are written, and results of files that were written long ago."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from golden import build as b
from golden import inputs
from golden.cases import samples
from golden.cases.fixed_graphs import FORMATS, graph_of
from golden.cases.graphs import populations, sparse_events
from golden.cases.quantised import TARGETS, fixed_of
from golden.cases.training import MSE, RASTER, Y
from golden.digest import of_bytes, of_floats, of_integers, of_spikes, of_text
from golden.registry import Entries, case

OLD = Path(__file__).parents[1] / "old"
"""Files that must stay readable; none is ever written anew."""

CODER = b.BernoulliEncoder(40, 0.5)
TRAINS = b.SpikeTrains.from_dense(RASTER)


def network(dtype: str) -> Any:
    """With all that a file of a network holds."""
    layers = [
        b.recurrent(9, v_th=1.5, init=samples.INIT, recurrent_init=b.ConstantInit(0.25)),
        b.recurrent(7, v_th=1.5, t_ref=0.0, mask=b.Sparse(0.5), init=samples.INIT),
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


def trainer(dtype: str, n_threads: int, hardware: Any = None) -> Any:
    """After one epoch."""
    options: dict[str, Any] = {"loss": MSE, "optimizer": b.AdamW(lr=2**-6), "batch_size": 3}
    options |= {"schedule": b.InverseSqrt(0.5), "clip_norm": 1.0, "weight_limit": 4.0}
    net = small(dtype)
    made = b.trainer(net, hardware=hardware, seed=7, n_threads=n_threads, **options)
    b.fit(made, TRAINS, Y, 1)
    b.forget_times(made)
    return made


FIXED = ("qformat", "loihi", "xylo_a1", "xylo_audio3", "spinnaker", "cortex_m", "neurons")
FIXED_STATES = ("clocked", "event")


def _trains() -> Any:
    return b.SpikeTrains.from_counts(samples.counts().astype(int))


def _state(graph: Any, engine: str, n_inputs: int) -> bytes:
    simulator = b.simulator(graph, engine)
    b.advance(simulator, sparse_events(n_inputs, 60), 100)
    return bytes(simulator.state())


def _fixed_graph() -> Any:
    return graph_of(FORMATS["held"], "int16", delayed=True)


def _written(n_threads: int) -> dict[str, bytes]:
    """Of every kind of file, by the names of those that are kept."""
    files = {f"network_{dtype}": b.written(network(dtype)) for dtype in b.FLOATS}
    files |= {f"checkpoint_{dtype}": b.written(trainer(dtype, n_threads)) for dtype in b.FLOATS}
    hardware = b.QFormat(weight_bits=4)
    files["checkpoint_hardware"] = b.written(trainer("float32", n_threads, hardware))
    for name in FIXED:
        files[f"fixed_{name}"] = b.written(fixed_of(few(), TARGETS[name]))
    files["spikes"] = b.written(_trains())
    files |= _states(b.GRID_ENGINES)
    for engine in FIXED_STATES:
        files[f"state_{engine}_int16"] = _state(_fixed_graph(), engine, 14)
    return files


def _states(engines: tuple[str, ...]) -> dict[str, bytes]:
    return {
        f"state_{engine}_{dtype}": _state(populations(dtype), engine, 23)
        for engine in engines
        for dtype in b.FLOATS
    }


def write_missing_old_files() -> list[str]:
    """Writes old files that are not there, and no others; returns their names."""
    OLD.mkdir(exist_ok=True)
    added = []
    for name, data in {**_written(1), **_states(("continuous",))}.items():
        path = OLD / f"{name}.bin"
        if not path.exists():
            path.write_bytes(data)
            added.append(path.name)
    return added


@case("files/written", threads=True)
def files(n_threads: int) -> Entries:
    for name, data in _written(n_threads).items():
        yield name, of_bytes(data)


@case("files/continuous", "libm")
def states_of_continuous_time(n_threads: int) -> Entries:
    for name, data in _states(("continuous",)).items():
        yield name, of_bytes(data)


@case("recipes", threads=True)
def recipes(n_threads: int) -> Entries:
    """As text, and what is read of it."""
    for name in b.recipe_names():
        recipe = b.load_recipe(name)
        text = recipe.to_toml()
        assert tomllib.loads(text)
        yield name, of_text(text)
    layers = tuple(samples.recurrent().layers) + tuple(samples.exact().layers)
    made = {
        "count_mse": b.Recipe(layers, loss=MSE, optimizer=b.SGD(0.5), schedule=b.Cosine(3.0)),
        "hardware": b.Recipe(
            layers,
            hardware=b.QFormat(clip=(0.5, 1.0)),
            penalty=b.ExponentialPenalty(),
            augment=b.ImageAugment(),
            schedule=b.Step(),
            optimizer=b.AdamW(),
        ),
        "xylo": b.Recipe(layers[:1], hardware=b.Xylo(device="imu"), rule=b.StRsbp(silent_ratio=1)),
    }
    for name, recipe in made.items():
        yield f"made/{name}", of_text(recipe.to_toml())
    # What a recipe's options become of a trainer.
    options = [
        "train.clip_norm=0.5",
        "train.weight_limit=1.0",
        "train.batch_size=3",
        "train.seed=5",
    ]
    options += ["train.seed=5", "network.seed=3", "network.dtype=float64", "optimizer.lr=0.0625"]
    chosen = b.Recipe(layers[:3], loss=MSE, schedule=b.Step(1), rule=b.StRsbp(silent_ratio=0.5))
    built = b.with_overrides(chosen, options).build(samples.N_IN, n_threads)
    b.fit(built, TRAINS, Y, 2)
    yield "built", of_floats(b.trained(built), b.history(built))


def _old(name: str) -> Path:
    return OLD / f"{name}.bin"


@case("old/read", threads=True)
def old_files(n_threads: int) -> Entries:
    """What was written once is read, with the same results; written anew, it is the same."""
    for dtype in b.FLOATS:
        path = _old(f"network_{dtype}")
        net = b.load_network(path)
        yield f"network/{dtype}/weights", of_floats(b.weights(net), b.delays(net), b.masks(net))
        run = b.record(net, TRAINS, {0: [1], 1: [3]}, n_threads=n_threads)
        yield f"network/{dtype}/spikes", of_spikes(run.spikes, run.potential, run.current)
        yield f"network/{dtype}/carried", of_text(f"{net.encoder.n_steps} {net.class_names}")
        yield f"network/{dtype}/written", of_bytes(b.written(net))
        path = _old(f"checkpoint_{dtype}")
        resumed = b.load_trainer(path, n_threads)
        yield f"checkpoint/{dtype}/written", of_bytes(b.written(resumed))
        b.fit(resumed, TRAINS, Y, 2)
        yield f"checkpoint/{dtype}/resumed", of_floats(b.trained(resumed), b.history(resumed))
        net = b.load_network(path)
        yield f"checkpoint/{dtype}/network", of_floats(b.weights(net))
    for name in FIXED:
        held = b.load_fixed(_old(f"fixed_{name}"))
        yield f"fixed/{name}/integers", of_integers(b.fixed_integers(held), b.fixed_layers(held))
        trains = b.record_fixed(held, TRAINS, n_threads=n_threads)
        yield f"fixed/{name}/spikes", of_spikes([b.rows_of(t) for t in trains], b.overflows(held))
        yield f"fixed/{name}/written", of_bytes(b.written(held))
        net = b.load_network(_old(f"fixed_{name}"))
        yield f"fixed/{name}/network", of_floats(b.weights(net))
    trains = b.load_spikes(_old("spikes"))
    yield "spikes", of_spikes([b.rows_of(trains)], b.written(trains))
    yield from _continued_states(b.GRID_ENGINES)
    for engine in FIXED_STATES:
        yield f"state/{engine}/int16", _continued(engine, "int16", _fixed_graph())
    resumed = b.load_trainer(_old("checkpoint_hardware"), n_threads)
    b.fit(resumed, TRAINS, Y, 2)
    yield "checkpoint/hardware", of_floats(b.trained(resumed), b.history(resumed))


@case("old/continuous", "libm")
def old_continuous_states(n_threads: int) -> Entries:
    yield from _continued_states(("continuous",))


def _continued_states(engines: tuple[str, ...]) -> Entries:
    for engine in engines:
        for dtype in b.FLOATS:
            yield f"state/{engine}/{dtype}", _continued(engine, dtype, populations(dtype))


def _continued(engine: str, dtype: str, graph: Any) -> str:
    simulator = b.simulator(graph, engine)
    simulator.set_state(_old(f"state_{engine}_{dtype}").read_bytes())
    found = b.advance(simulator, None, 300)
    return of_spikes([found[0]], found, simulator.state())
