"""Results of files that were written long ago."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden.cases import samples
from golden.cases.files import (
    FIXED,
    FIXED_GRAPHS,
    FIXED_STATES,
    TRAINS,
    fixed_graph,
    made_recipes,
    network,
    states_of,
    written,
)
from golden.cases.graphs import populations
from golden.cases.training import Y
from golden.digest import of_bytes, of_floats, of_integers, of_spikes, of_text
from golden.registry import Entries, case

OLD = Path(__file__).parents[1] / "old"
"""Files that must stay readable; none is ever written anew."""


def write_missing_files() -> list[str]:
    """Writes old files that are not there, and no others; returns their names."""
    OLD.mkdir(exist_ok=True)
    files = {f"{name}.bin": data for name, data in written(1).items()}
    files |= {f"{name}.bin": data for name, data in states_of(("continuous",)).items()}
    recipes = made_recipes().items()
    files |= {f"{name}.toml": recipe.to_toml().encode() for name, recipe in recipes}
    added = [name for name in files if not (OLD / name).exists()]
    for name in added:
        (OLD / name).write_bytes(files[name])
    return added


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
        held = bf.load_fixed(_old(f"fixed_{name}"))
        yield f"fixed/{name}/integers", of_integers(bf.fixed_integers(held), bf.fixed_layers(held))
        trains = bf.record_fixed(held, TRAINS, n_threads=n_threads)
        yield f"fixed/{name}/spikes", of_spikes([b.rows_of(t) for t in trains], bf.overflows(held))
        yield f"fixed/{name}/written", of_bytes(b.written(held))
        net = b.load_network(_old(f"fixed_{name}"))
        yield f"fixed/{name}/network", of_floats(b.weights(net))
    trains = b.load_spikes(_old("spikes"))
    yield "spikes", of_spikes([b.rows_of(trains)], b.written(trains))
    yield from _continued_states(b.GRID_ENGINES)
    for engine in FIXED_STATES:
        for name in FIXED_GRAPHS:
            yield f"state/{engine}/{name}", _continued(engine, name, fixed_graph(name))
        yield f"state/{engine}/network", _continued(engine, "network", network("float32"))
    for name in ("hardware", "adam", "sgd"):
        resumed = b.load_trainer(_old(f"checkpoint_{name}"), n_threads)
        b.fit(resumed, TRAINS, Y, 2)
        yield f"checkpoint/{name}", of_floats(b.trained(resumed), b.history(resumed))
    net = b.load_network(_old("network_drawn"))
    yield "network/drawn", of_floats(b.weights(net), b.delays(net), b.masks(net))
    yield "network/drawn/written", of_bytes(b.written(net))


@case("old/recipes")
def old_recipes(n_threads: int) -> Entries:
    """What is built of them: weights, delays, all that the trainer was told."""
    for name in made_recipes():
        made = b.load_recipe(OLD / f"{name}.toml").build(samples.N_IN, n_threads)
        values = b.weights(made.network), b.delays(made.network)
        yield name, of_floats(values, b.masks(made.network), b.settings(made))


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
