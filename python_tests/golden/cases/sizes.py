"""Sizes beyond which the core works in parts: long samples, many samples, wide layers, silence."""

from __future__ import annotations

import numpy as np

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases import samples
from golden.cases.training import MSE
from golden.digest import of_bytes, of_floats, of_spikes
from golden.registry import Entries, case


@case("sizes/wide", threads=True)
def wide(n_threads: int) -> Entries:
    """More than 256 neurons, 64 inputs, 200 steps, and 16,384 weights that are drawn."""
    own = b.Uniform(-0.0625, 0.0625)
    layers = [
        b.recurrent(300, v_th=6.0, init=b.Uniform(-0.5, 0.75), recurrent_init=own),
        b.dense(4, v_th=4.0, init=b.Uniform(-0.25, 0.5)),
    ]
    x, y = inputs.raster(100, (3, 260, 70), 60), inputs.classes(3, 4)
    for dtype in b.FLOATS:
        net = b.network(70, layers, dtype=dtype, seed=25)
        yield f"{dtype}/weights", of_floats(b.weights(net))
        for engine in ("clocked", "event"):
            run = b.record(net, x, engine=engine, n_threads=n_threads)
            yield f"{dtype}/{engine}", of_spikes(run.spikes, run.operations)
        trainer = b.trainer(net, loss=MSE, n_threads=n_threads)
        yield f"{dtype}/gradients", of_floats(b.gradients(trainer, x, y))
    held = bf.to_fixed(net, bf.QFormat(), n_threads=n_threads)
    trains = bf.record_fixed(held, x, n_threads=n_threads)
    yield "fixed", of_spikes([b.rows_of(train) for train in trains], bf.overflows(held))


@case("sizes/samples", threads=True)
def many_samples(n_threads: int) -> Entries:
    """More than 64 of a batch, and more than 256 in inference."""
    x, y = inputs.raster(101, (300, 16, samples.N_IN), 3), inputs.classes(300, samples.N_OUT)
    for dtype in b.FLOATS:
        net = samples.recurrent(dtype=dtype)
        options = {"loss": MSE, "optimizer": b.Adam(lr=2**-6), "n_threads": n_threads}
        trainer = b.trainer(net, batch_size=70, **options)
        found = b.evaluation(trainer, x, y)
        yield f"{dtype}/evaluation", of_floats(found[:2], found)
        yield f"{dtype}/gradients", of_floats(b.gradients(trainer, x[:150], y[:150]))
        b.fit(trainer, x[:150], y[:150], 1)
        yield f"{dtype}/weights", of_floats(b.trained(trainer), b.history(trainer))


@case("sizes/encoder", threads=True)
def encoder(n_threads: int) -> Entries:
    net = b.network(150, [b.dense(2, v_th=2.0, init=samples.INIT)], seed=26)
    x = inputs.pixels(102, (3, 150))
    coder = b.BernoulliEncoder(600, 0.125)
    run = b.record(net, x, encoder=coder, seed=8, n_threads=n_threads)
    yield "spikes", of_spikes(run.spikes)


@case("sizes/silence")
def silence(n_threads: int) -> Entries:
    """States that fall to nothing, and are nothing then, after steps as many as floats take."""
    constants = {"tau_m": 8.0, "tau_s": 4.0, "v_th": 2.0}
    for dtype in b.FLOATS:
        layer = b.dense(20, init=samples.INIT, **constants)
        net = b.network(4, [layer], dtype=dtype, seed=27)
        raster = np.zeros((1, 1300, 4), np.bool_)
        raster[0, [0, 3, 5], [0, 1, 3]] = True
        for engine in b.GRID_ENGINES:
            at = f"{engine}/{dtype}"
            run = b.record(net, raster, {0: list(range(20))}, engine=engine)
            yield f"{at}/traces", of_floats([run.potential, run.current])
            simulator = b.simulator(net, engine)
            found = [b.membranes(simulator, 0)]
            events = inputs.events(103, 5, 10, 4)
            for until in (50, 150, 250, 350, 700, 1050, 1250):
                b.advance(simulator, events if until == 50 else None, until)
                found.append(b.membranes(simulator, 0))
            yield f"{at}/states", of_floats(found)
            yield f"{at}/state_bytes", of_bytes(simulator.state())
