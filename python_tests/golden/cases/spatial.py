"""Convolutions and pools: spikes in every engine, gradients, training, fixed point, files."""

from __future__ import annotations

from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases import samples
from golden.cases.quantised import fixed_of
from golden.cases.training import MSE, RULES
from golden.digest import of_bytes, of_floats, of_integers, of_spikes
from golden.registry import Entries, case

CONSTANTS: dict[str, Any] = {"init": samples.INIT, "v_th": 2.0}
N_SAMPLES = 5


def planes(**options: Any) -> Any:
    """Channels beyond a vector, groups, paddings, dilations, delays; a recurrent layer above."""
    layers = [
        b.conv2d(20, (3, 2), padding=(1, 0), **CONSTANTS),
        b.avg_pool2d(2, v_th=0.25),
        b.conv2d(8, 3, stride=(1, 2), padding=2, dilation=2, groups=4, t_ref=0.0, **CONSTANTS),
        b.recurrent(9, recurrent_init=samples.RECURRENT_INIT, **CONSTANTS),
        b.dense(samples.N_OUT, lateral_inhibition=0.25, delay=1.0, **CONSTANTS),
    ]
    return b.network((2, 7, 9), layers, **{"seed": 21, **options})


def delayed(**options: Any) -> Any:
    layers = [
        b.conv2d(3, 3, delay=b.UniformDelay(0, 4), tau_m=16.0, tau_s=16.0, **CONSTANTS),
        b.avg_pool2d((3, 2), stride=(2, 2), padding=1, tau_m=32.0, tau_s=4.0, v_th=0.125),
        b.dense(samples.N_OUT, **CONSTANTS),
    ]
    return b.network((7, 9), layers, **{"seed": 22, **options})


def thresholds(**options: Any) -> Any:
    """Of each channel and neuron, one far from the others."""
    kernels = [2.0, 1.5, 3.25, 0.75, 64.0, *[2.25] * 13]
    windows = [0.25, 0.125, 0.5, 0.375, 0.25, *[0.1875] * 13]
    init = {"init": samples.INIT}
    layers = [
        b.conv2d(18, 3, v_th=kernels, **init),
        b.avg_pool2d(2, v_th=windows),
        b.recurrent(9, recurrent_init=samples.RECURRENT_INIT, v_th=kernels[:9], **init),
        b.dense(samples.N_OUT, v_th=kernels[: samples.N_OUT], **init),
    ]
    return b.network((2, 7, 9), layers, **{"seed": 24, **options})


def line(**options: Any) -> Any:
    layers = [
        b.conv1d(6, 5, stride=2, padding=3, groups=3, delay=2.0, **CONSTANTS),
        b.avg_pool1d(3, stride=2, v_th=0.25),
        b.conv1d(17, 2, dilation=3, **CONSTANTS),
        b.dense(samples.N_OUT, init=samples.INIT, v_th=0.5),
    ]
    return b.network((3, 30), layers, **{"dt": 0.5, "seed": 23, **options})


def max_pools(**options: Any) -> Any:
    layers = [
        b.conv2d(20, 3, padding=1, **CONSTANTS),
        b.conv2d(6, 2, **CONSTANTS),
        b.max_pool2d(2, stride=1, padding=1),
        b.max_pool2d((1, 3), padding=(2, 0)),
        b.dense(samples.N_OUT, init=samples.INIT, v_th=0.5),
    ]
    return b.network((2, 6, 8), layers, **{"seed": 24, **options})


def _raster(shape: tuple[int, ...], seed: int) -> Any:
    return inputs.raster(seed, (N_SAMPLES, samples.N_STEPS, *shape), 6)


NETS = {
    "planes": (planes, _raster((2, 7, 9), 60)),
    "delayed": (delayed, _raster((7, 9), 61)),
    "line": (line, _raster((3, 30), 62)),
    "max": (max_pools, _raster((2, 6, 8), 63)),
    "thresholds": (thresholds, _raster((2, 7, 9), 63)),
}
Y = inputs.classes(N_SAMPLES, samples.N_OUT)


def _runs(engine: str, n_threads: int) -> Entries:
    for name, (make, x) in NETS.items():
        for dtype in b.FLOATS:
            net, at = make(dtype=dtype), f"{engine}/{name}/{dtype}"
            traced = {0: [0, 11, 29], 1: [2]} if engine != "continuous" else None
            run = b.record(net, x, traced, engine=engine, n_threads=n_threads)
            yield f"{at}/spikes", of_spikes(run.spikes, run.counts)
            yield f"{at}/operations", of_integers(run.operations, run.engine)
            if traced:
                yield f"{at}/traces", of_floats([run.potential, run.current])


@case("spatial/runs", threads=True)
def runs(n_threads: int) -> Entries:
    for engine in b.GRID_ENGINES:
        yield from _runs(engine, n_threads)


@case("spatial/continuous", "libm", threads=True)
def continuous(n_threads: int) -> Entries:
    yield from _runs("continuous", n_threads)


@case("spatial/gradients", threads=True)
def gradients(n_threads: int) -> Entries:
    for name, (make, x) in NETS.items():
        for dtype in b.FLOATS:
            for rule in ("closed_form", "silent", "none"):
                options: dict[str, Any] = {"loss": MSE, "rule": RULES[rule], "n_threads": n_threads}
                trainer = b.trainer(make(dtype=dtype), **options)
                yield f"{name}/{dtype}/{rule}", of_floats(b.gradients(trainer, x, Y))


@case("spatial/training", threads=True)
def training(n_threads: int) -> Entries:
    options: dict[str, Any] = {"loss": MSE, "optimizer": b.Adam(lr=2**-6), "batch_size": 3}
    for name, (make, x) in NETS.items():
        for dtype in b.FLOATS:
            trainer = b.trainer(make(dtype=dtype), seed=6, n_threads=n_threads, **options)
            b.fit(trainer, x, Y, 2)
            yield f"{name}/{dtype}", of_floats(b.trained(trainer), b.history(trainer))


@case("spatial/fixed", threads=True)
def fixed(n_threads: int) -> Entries:
    for name, (make, x) in NETS.items():
        for target, given in {"qformat": bf.QFormat(), "cortex_m": bf.CortexM()}.items():
            held = fixed_of(make(), given)
            trains = bf.record_fixed(held, x, n_threads=n_threads)
            yield f"{name}/{target}/integers", of_integers(bf.fixed_integers(held))
            yield f"{name}/{target}/spikes", of_spikes([b.rows_of(train) for train in trains])


@case("spatial/files")
def files(n_threads: int) -> Entries:
    for name, (make, _) in NETS.items():
        for dtype in b.FLOATS:
            net = make(dtype=dtype)
            yield f"{name}/{dtype}/bytes", of_bytes(b.written(net))
            yield f"{name}/{dtype}/arrays", of_floats([b.weights(net), b.delays(net)])
