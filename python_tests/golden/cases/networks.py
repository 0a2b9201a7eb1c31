"""Spikes, traces and operations of layered networks, in every engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden import build as b
from golden import inputs
from golden.cases import samples
from golden.digest import of_floats, of_integers, of_spikes
from golden.registry import Entries, case


def _runs(nets: dict[str, Any], engines: tuple[str, ...], n_threads: int) -> Entries:
    for engine in engines:
        for dtype in b.FLOATS:
            for name, (make, x) in nets.items():
                net = make(dtype=dtype)
                traced = {0: [0, 7, 19], 1: [2]} if engine != "continuous" else None
                run = b.record(net, x, traced, engine=engine, n_threads=n_threads)
                at = f"{engine}/{name}/{dtype}"
                yield f"{at}/spikes", of_spikes(run.spikes, run.counts)
                yield f"{at}/operations", of_integers(run.operations, run.engine)
                if traced:
                    yield f"{at}/traces", of_floats([run.potential, run.current])
                counts, used, done = b.counts_and_run(net, x, engine=engine, n_threads=n_threads)
                yield f"{at}/counts", of_integers(counts, used, done)


NETS = {
    "plain": (samples.plain, samples.raster()),
    "recurrent": (samples.recurrent, samples.raster()),
    "constants": (samples.constants, samples.raster()),
    "wide": (samples.wide, samples.wide_raster()),
    "spikes_counted": (samples.recurrent, samples.counts()),
}
EXACT = {"exact": (samples.exact, samples.raster())}


@case("networks/euler", threads=True)
def euler(n_threads: int) -> Entries:
    yield from _runs(NETS, b.GRID_ENGINES, n_threads)


@case("networks/exact", "libm", threads=True)
def exact(n_threads: int) -> Entries:
    yield from _runs(EXACT, b.GRID_ENGINES, n_threads)


@case("networks/continuous", "libm", threads=True)
def continuous(n_threads: int) -> Entries:
    nets = {name: NETS[name] for name in ("plain", "constants")} | EXACT
    yield from _runs(nets, ("continuous",), n_threads)


@case("samples", threads=True)
def forms(n_threads: int) -> Entries:
    """Every form of samples: what arrives in the network."""
    net = samples.plain()
    raster, counts = samples.raster(), samples.counts()
    one = np.ones((2, 20, samples.N_IN), np.uint8)
    lists = [inputs.events(5 + i, 70, 40, samples.N_IN) for i in range(3)]
    lists = [events[np.lexsort((events["x"], events["t"]))] for events in lists]
    trains = b.SpikeTrains.from_counts(counts.astype(np.int64))
    forms = {
        "bool": raster,
        "uint8": raster.astype(np.uint8),
        "frames": raster.reshape(5, samples.N_STEPS, 3, 2, 2),
        "floats": counts.astype(np.float32),
        "all": one,
        "trains": trains,
        "window": trains[1:4, 5:30],
        "chosen": trains[[3, 0, 0]],
        "joined": b.SpikeTrains.concatenate([trains[:2], trains[4:]]),
    }
    for name, x in forms.items():
        yield name, of_spikes(b.record(net, x, n_threads=n_threads).spikes)
    merged = b.SpikeTrains.from_events(lists, n_neurons=samples.N_IN, repeated="merge")
    counted = b.SpikeTrains.from_events(lists, n_neurons=samples.N_IN, n_steps=45, repeated="count")
    yield "events_merged", of_spikes(b.record(net, merged, n_threads=n_threads).spikes)
    yield "events_counted", of_spikes(b.record(net, counted, n_threads=n_threads).spikes)
    yield "events", of_integers([[e["t"].copy(), e["x"].copy()] for e in counted.to_events()])
    yield "dense", of_integers([counted.to_dense(), counted.to_counts(), counted.counts()])
    sensor = np.zeros(40, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    for at, (field, bound) in enumerate({"x": 3, "y": 2, "t": 30_000, "p": 2}.items()):
        sensor[field] = inputs.below(20 + at, (40,), bound)
    sensor["t"].sort()
    size: dict[str, Any] = {"sensor_size": (3, 2, 2), "time_unit": "us", "repeated": "count"}
    yield "sensor", of_spikes([b.rows_of(b.SpikeTrains.from_events([sensor], **size))])
