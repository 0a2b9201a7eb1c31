"""Damages files and states, and takes what is left of them for what it says it is.

Run as a program: python fuzz.py TARGET SEED CASES, in a folder of its own, under a limit of memory.
A loader refuses with an error that is one (`REFUSALS`), or what it gives can be used. The case at
work is in the file "case", which is left behind where the process ends too soon.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_data
import memory_cases
import numpy as np
from damage import FLOATS, NUMBERS, damaged_bytes, damaged_file, damaged_state

import strsbp_rs as sr
from strsbp_rs.datasets._idx import read_idx
from strsbp_rs.recipes._recipe import load_recipe, recipe_names

REFUSALS = (ValueError, MemoryError)
"""What a loader may raise; all files can be read."""

SECONDS = 20.0
"""Of processor time that a case may take."""

# A corpus of whole things, and what is made of a damaged one -------------------------------------


def some_network(rng: random.Random) -> sr.Network:
    """Of every kind of layer, in turns."""
    delay = sr.UniformDelay(0.0, 2.0)
    layers = [
        [sr.Dense(3, v_th=1.0)],
        [sr.Recurrent(4, v_th=1.0, mask=sr.Sparse(0.5), delay=delay), sr.Dense(2, v_th=1.0)],
        [sr.Recurrent(8, v_th=1.0, mask=sr.Reservoir((2, 2, 2))), sr.Dense(3, v_th=1.0)],
        [sr.Dense(5, v_th=1.0, lateral_inhibition=0.5, discretisation="exact")],
    ]
    dtype = rng.choice(("float32", "float64"))
    net = sr.Network(3, rng.choice(layers), seed=rng.randrange(9), dtype=dtype)
    if rng.random() < 0.3:
        net.set_delays(net.delays)
    return net


RASTER = (np.arange(2 * 6 * 3).reshape(2, 6, 3) % 3 == 0).astype(bool)


def raster(n_in: int) -> np.ndarray[Any, Any]:
    return np.resize(RASTER, (2, 6, n_in))


def use_network(net: sr.Network) -> None:
    """Runs it, and writes and reads it: what was taken is whole."""
    counts = net.spike_counts(raster(net.n_in), n_threads=1)
    assert counts.shape == (2, net.n_out)
    for layer in net.weights:
        assert all(np.isfinite(values).all() for values in layer.values())
    net.save("again")
    again = sr.Network.load("again")
    assert (again.spike_counts(raster(net.n_in), n_threads=1) == counts).all()


def network_case(rng: random.Random, path: Path) -> Callable[[], None]:
    some_network(rng).save(path)
    path.write_bytes(damaged_file(rng, path.read_bytes()))
    return lambda: use_network(sr.Network.load(path))


def checkpoint_case(rng: random.Random, path: Path) -> Callable[[], None]:
    net = some_network(rng)
    optimizer = rng.choice((sr.Adam(), sr.SGD(lr=0.1), sr.AdamW()))
    trainer = sr.Trainer(net, n_threads=1, optimizer=optimizer, loss=sr.SoftmaxCrossEntropy())
    trainer.fit(raster(3), [0, 1], epochs=1, progress=False)
    trainer.save(path)
    path.write_bytes(damaged_file(rng, path.read_bytes()))

    def use() -> None:
        loaded = sr.Trainer.load(path, n_threads=1)
        use_network(loaded.network)
        if loaded.encoder is None and loaded.network.n_out > 1:
            loaded.gradients(raster(loaded.network.n_in), [0, 1])
        loaded.save("again")
        sr.Trainer.load("again", n_threads=1)

    return use


def fixed_case(rng: random.Random, path: Path) -> Callable[[], None]:
    net = sr.Network(3, [sr.Recurrent(4, v_th=1.0), sr.Dense(2, v_th=1.0)], seed=rng.randrange(9))
    target = rng.choice(("loihi", "cortex_m", sr.QFormat(weight_bits=4), sr.QFormat(state_bits=24)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.to_fixed(target).save(path)
    path.write_bytes(damaged_file(rng, path.read_bytes()))

    def use() -> None:
        fixed = sr.FixedNetwork.load(path)
        fixed.spike_counts(raster(fixed.network.n_in), n_threads=1)
        fixed.save("again")
        assert repr(sr.FixedNetwork.load("again").target) == repr(fixed.target)

    return use


def simulator(rng: random.Random) -> sr.Simulator:
    """One that has spikes under way."""
    engine = rng.choice(("clocked", "event", "auto", "continuous"))
    kinds = ["float32", "float64"] + ["int16"] * (engine != "continuous")
    graph = sr.Graph(dtype=rng.choice(kinds), seed=1)
    eye = graph.add_input(3)
    if graph.dtype == "int16":
        by_shift = sr.fixed.Shift(3)
        made_format = sr.fixed.cortex_m_format(
            current_decay=by_shift, membrane_decay=by_shift, v_th=20
        )
        if rng.random() < 0.5:
            table = sr.fixed.Table([200, 150, 90, 0], 8)
            made_format = dataclasses.replace(made_format, current_decay=table)
        below, above = graph.add_population(6, made_format), graph.add_population(3, made_format)
        weight = 9
    else:
        below, above = (graph.add_population(n, sr.LIF(v_th=0.3, t_ref=1.0)) for n in (6, 3))
        weight = 0.9
    graph.connect(eye, below, weight=weight, delay=1.0)
    graph.connect(below, above, weight=weight, delay=4.0)
    graph.connect(below, below, sr.FixedOutDegree(2), weight=-weight, delay=2.0)
    made = sr.Simulator(graph, engine=engine)
    made.push(np.array([(t, t % 3) for t in range(60)], [("t", "i8"), ("x", "i8")]))
    made.advance(rng.choice((0, 1, 30, 50)))
    return made


def state_case(rng: random.Random, path: Path) -> Callable[[], None]:
    made = simulator(rng)
    path.write_bytes(damaged_state(rng, made.state()))

    def use() -> None:
        before = made.state()
        try:
            made.set_state(path.read_bytes())
        except REFUSALS:
            assert made.state() == before
            raise
        now = made.now
        events = made.advance(now + 40 if now < 2**61 else now)
        assert (np.diff(events["t"]) >= 0).all() and (events["t"] >= now).all()
        made.set_state(made.state())

    return use


def csr_case(rng: random.Random, path: Path) -> Callable[[], None]:
    trains = sr.SpikeTrains.from_dense(np.resize(RASTER, (2, 4, 3)))
    indptr, indices, shape = trains.to_csr()
    lists = [indptr.tolist(), indices.tolist(), list(shape)]
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        chosen = rng.choice(lists)
        at = rng.randrange(len(chosen) + 1)
        small = rng.randrange(-1, 9)
        number = rng.choice((small, small, small, rng.choice(NUMBERS) % 2**64))
        if rng.random() < 0.5 and len(chosen) > 1 and chosen is not lists[2]:
            del chosen[at % len(chosen)]
        else:
            chosen[at % len(chosen)] = number
    path.write_text(json.dumps(lists))

    def use() -> None:
        # Negative ones and those of 2^63 and more have no type in common.
        small = [
            [v - 2**64 if v >= 2**63 and min(values) < 0 else v for v in values] for values in lists
        ]
        arrays = [np.array(v, np.uint64 if max(v, default=0) >= 2**63 else np.int64) for v in small]
        made = sr.SpikeTrains.from_csr(arrays[0], arrays[1], tuple(lists[2]))
        assert made.counts().sum() == made.n_spikes
        assert sr.SpikeTrains.from_csr(*made.to_csr()) == made
        assert made.to_dense().shape == made.shape == made.to_counts().shape

    return use


def idx_case(rng: random.Random, path: Path) -> Callable[[], None]:
    shape = rng.choice(((5,), (3, 4, 2)))
    data = bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape)
    data += rng.randbytes(int(np.prod(shape)))
    inner = rng.random() < 0.5
    data = damaged_bytes(rng, data) if inner else data
    data = gzip.compress(data) if rng.random() < 0.5 else data
    path.write_bytes(data if inner else damaged_bytes(rng, data))

    def use() -> None:
        array = read_idx(path, len(shape))
        assert array.dtype == np.uint8 and array.ndim == len(shape)

    return use


def recipe_case(rng: random.Random, path: Path) -> Callable[[], None]:
    text = load_recipe(rng.choice(recipe_names())).to_toml()
    path = path.with_suffix(".toml")
    if rng.random() < 0.5:
        path.write_bytes(damaged_bytes(rng, text.encode()))
    else:
        lines = text.splitlines()
        at = rng.choice([i for i, line in enumerate(lines) if "=" in line])
        others = ("nan", "inf", '""', "[]", "[" * 5_000, "{}", "true", "x")
        odd = rng.choice((*NUMBERS, *FLOATS, *others))
        lines[at] = f"{lines[at].split('=')[0]} = {odd}"
        path.write_text("\n".join(lines))

    def use() -> None:
        recipe = load_recipe(path)
        path.write_text(recipe.to_toml())
        assert load_recipe(path).to_toml() == recipe.to_toml()

    return use


TARGETS: dict[str, Callable[[random.Random, Path], Callable[[], None]]] = {
    "network": network_case,
    "checkpoint": checkpoint_case,
    "fixed network": fixed_case,
    "simulator state": state_case,
    "spike trains": csr_case,
    "idx": idx_case,
    "recipe": recipe_case,
    **fuzz_data.TARGETS,
}


class TooLongError(BaseException):
    """A case took too long."""


def interrupt(*_: Any) -> None:
    raise TooLongError


def run(target: str, seed: int, n_cases: int) -> int:
    """Runs cases; how many were taken. Raises what is no refusal, with the case that it is of."""
    taken = 0
    for number in range(n_cases):
        rng = random.Random(f"{target} {seed} {number}")
        path = Path("case")
        use = TARGETS[target](rng, path)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            use()
            taken += 1
        except REFUSALS as error:
            assert str(error), "an error without a message"
        except BaseException as error:
            error.add_note(f"case {number} of {target!r} with seed {seed}")
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return taken


def main(target: str, seed: int, n_cases: int) -> None:
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, interrupt)
    memory_cases.set_limit(2**29)
    print(run(target, seed, n_cases))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
