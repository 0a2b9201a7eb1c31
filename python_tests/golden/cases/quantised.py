"""Fixed-point networks of every target: integers, spikes, overflows, training through them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases import samples
from golden.cases.training import MSE, RASTER, Y
from golden.digest import of_floats, of_integers, of_spikes
from golden.registry import Entries, case

TARGETS: dict[str, Any] = {
    "qformat": bf.QFormat(),
    "qformat_2_8": bf.QFormat(weight_bits=2, state_bits=8, decay_bits=6, rounding="floor"),
    "qformat_4_12": bf.QFormat(weight_bits=4, state_bits=12, rounding="nearest_even"),
    "qformat_6_24": bf.QFormat(weight_bits=6, state_bits=24, rounding="toward_zero"),
    "qformat_16_32": bf.QFormat(weight_bits=16, state_bits=32, decay_bits=24),
    "stochastic": bf.QFormat(rounding="stochastic"),
    "loihi": bf.Loihi(),
    "loihi_6": bf.Loihi(weight_bits=6, granularity="neuron"),
    "xylo_a1": bf.Xylo(device="a1", enforce_limits=False),
    "xylo_audio2": bf.Xylo(device="audio2", enforce_limits=False),
    "xylo_audio3": bf.Xylo(),
    "xylo_imu": bf.Xylo(device="imu", granularity="neuron"),
    "spinnaker": bf.Spinnaker(),
    "cortex_m": bf.CortexM(),
    "cortex_m_16": bf.CortexM(weight_bits=16, scale="percentile", percentile=97.5),
    "largest": bf.QFormat(scale="max"),
    "percentile": bf.QFormat(scale="percentile", percentile=90.0),
    "clip": bf.QFormat(clip=(0.5, 0.75, 1.0)),
    "neurons": bf.QFormat(granularity="neuron", weight_bits=5),
}

BOTH = ("qformat", "loihi", "xylo_audio3", "spinnaker", "cortex_m")
"""Targets that networks of both dtypes are brought to."""


@contextmanager
def quiet() -> Iterator[None]:
    """What is lost on the way is told elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def layered(**options: Any) -> Any:
    """A network that every target takes: no delays, an output layer that does not hear itself."""
    layers = [
        b.recurrent(20, v_th=2.0, init=samples.INIT, recurrent_init=samples.RECURRENT_INIT),
        b.dense(18, tau_m=16.0, tau_s=4.0, v_th=1.5, init=samples.INIT, lateral_inhibition=0.25),
        b.dense(samples.N_OUT, v_th=1.0, init=samples.INIT),
    ]
    return b.network(samples.N_IN, layers, **{"seed": 8, **options})


def fixed_of(net: Any, target: Any, **options: Any) -> Any:
    with quiet():
        return bf.to_fixed(net, target, **options)


def _held(held: Any, n_threads: int, several: bool = False) -> Entries:
    """`several` if inputs may fire several times in a step."""
    yield "integers", of_integers(bf.fixed_integers(held), bf.fixed_layers(held))
    trains = bf.record_fixed(held, RASTER, n_threads=n_threads)
    x = samples.counts() if several else samples.raster()
    counts = b.spike_counts(held, x, n_threads=n_threads)
    yield "spikes", of_spikes([b.rows_of(train) for train in trains], counts)
    yield "counts", of_integers(counts, bf.overflows(held))


@case("fixed/targets", threads=True)
def targets(n_threads: int) -> Entries:
    for name, target in TARGETS.items():
        for dtype in b.FLOATS if name in BOTH else b.FLOATS[:1]:
            held = fixed_of(layered(dtype=dtype), target, n_threads=n_threads)
            for entry, value in _held(held, n_threads, name.startswith("xylo")):
                yield f"{name}/{dtype}/{entry}", value
    for name in ("qformat", "loihi", "spinnaker", "cortex_m"):
        held = fixed_of(samples.recurrent(), TARGETS[name], n_threads=n_threads)
        for entry, value in _held(held, n_threads):
            yield f"{name}/delayed/{entry}", value
    held = fixed_of(samples.wide(), bf.QFormat(), n_threads=n_threads)
    x = samples.wide_raster()
    trains = bf.record_fixed(held, x, n_threads=n_threads)
    yield "qformat/wide", of_spikes([b.rows_of(train) for train in trains], bf.overflows(held))


@case("fixed/report", "libm", threads=True)
def reports(n_threads: int) -> Entries:
    """What a report says, and where calibration clips."""
    net = layered()
    for name in ("qformat_2_8", "qformat_4_12", "loihi", "xylo_audio3"):
        held = fixed_of(net, TARGETS[name], n_threads=n_threads)
        with quiet():
            found = bf.report(held, RASTER, Y, n_threads=n_threads)
        yield name, of_floats([layer[:6] for layer in found[0]], found)
    held = fixed_of(net, TARGETS["qformat_2_8"], calibration=RASTER, n_threads=n_threads)
    yield "calibrated", of_floats(bf.clips(held), bf.fixed_layers(held))


@case("fixed/own", threads=True)
def own_formats(n_threads: int) -> Entries:
    """Layers of formats and integers that nothing has quantised."""
    # The weights below are those of all synapses, of neurons onto themselves too.
    all_there = b.AllToAll(self_loops=True)
    net = b.network(samples.N_IN, [b.recurrent(37, mask=all_there), b.dense(5)], seed=9)
    first = inputs.below(60, (37, samples.N_IN), 120) - 40
    own, last = inputs.below(61, (37, 37), 60) - 30, inputs.below(62, (5, 37), 120) - 40
    form = bf.Format(8, 16, 16, bf.Shift(3, True), bf.Multiply(3900, 12), 500, fires_at=">=")
    forms = {
        "shift": form,
        "wide": dataclasses.replace(form, weight_bits=16, current_bits=24, membrane_bits=30),
        "words": dataclasses.replace(form, weight_bits=20, current_bits=32, membrane_bits=32),
        "narrow": dataclasses.replace(form, current_bits=10, membrane_bits=10, v_th=300),
        "wrap": dataclasses.replace(
            form, current_bits=10, current_overflow="wrap", membrane_overflow="saturate_symmetric"
        ),
        "subtract": dataclasses.replace(form, reset="subtract", t_ref_steps=3, v_th=350),
        "neurons": dataclasses.replace(
            form, v_th=tuple(300 + 10 * i for i in range(37)), bias=tuple(range(37))
        ),
        "table": dataclasses.replace(form, current_decay=bf.Table((3000, 2000, 900, 0), 12)),
    }
    for name, chosen in forms.items():
        end = dataclasses.replace(chosen, v_th=min(500, 2 ** (chosen.membrane_bits - 2)), bias=0)
        held = bf.fixed_from(net, [(chosen, first, own), (end, last, None)])
        for entry, value in _held(held, n_threads):
            yield f"{name}/{entry}", value


@case("training/hardware", threads=True)
def training(n_threads: int) -> Entries:
    """Weights after two epochs, and gradients, through the arithmetic of every target."""
    names = ("qformat", "qformat_2_8", "stochastic", "loihi", "xylo_a1", "xylo_audio3")
    for name in (*names, "spinnaker", "cortex_m", "neurons"):
        for dtype in b.FLOATS if name in BOTH else b.FLOATS[:1]:
            net = layered(dtype=dtype)
            options: dict[str, Any] = {"loss": MSE, "optimizer": b.Adam(lr=2**-6), "batch_size": 3}
            with quiet():
                trainer = b.trainer(net, hardware=TARGETS[name], n_threads=n_threads, **options)
                gradients = b.gradients(trainer, RASTER, Y)
                b.fit(trainer, RASTER, Y, 2)
                found = b.evaluation(trainer, RASTER, Y)
            yield f"{name}/{dtype}/gradients", of_floats(gradients)
            yield f"{name}/{dtype}/weights", of_floats(b.trained(trainer), b.history(trainer))
            yield f"{name}/{dtype}/evaluation", of_floats(found[:2], found)
