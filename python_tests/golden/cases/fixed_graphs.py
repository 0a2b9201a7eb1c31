"""Fixed-point neurons in graphs: every preset, rounding, overflow, decay and reset."""

from __future__ import annotations

import dataclasses
from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases.graphs import simulated, sparse_events
from golden.digest import of_integers
from golden.registry import Entries, case

N_IN, N = 14, 16
BASE = bf.Format(8, 16, 16, bf.Multiply(3600, 12), bf.Multiply(3900, 12), 900)
ROUNDINGS = ("toward_zero", "floor", "nearest", "nearest_even", "stochastic")
OVERFLOWS = ("saturate", "wrap", "saturate_symmetric", "wrap_upper")
ENGINES = ("clocked", "event")


def _formats() -> dict[str, Any]:
    of = dataclasses.replace
    found = {f"rounding/{name}": of(BASE, rounding=name, rounding_seed=5) for name in ROUNDINGS}
    narrow = of(BASE, current_bits=10, membrane_bits=10, v_th=400, input_shift=1)
    for name in OVERFLOWS:
        found[f"current/{name}"] = of(narrow, current_overflow=name)
        found[f"membrane/{name}"] = of(narrow, membrane_overflow=name)
    each = {"v_th": tuple(700 + 20 * i for i in range(N)), "bias": tuple(range(N))}
    shifts = bf.Shift(tuple(2 + i % 3 for i in range(N)), True), bf.Shift(5)
    factors = bf.Multiply(tuple(3500 + 10 * i for i in range(N)), 12)
    found |= {
        "shift": of(BASE, current_decay=shifts[0], membrane_decay=shifts[1]),
        "factors": of(BASE, current_decay=factors, fires_at=">="),
        "table": of(BASE, current_decay=bf.Table((3600, 3000, 2000, 1000, 100, 0), 12)),
        "tables": of(
            BASE, current_decay=bf.Multiply(0, 0), membrane_decay=bf.Table((4000, 3900, 3000), 12)
        ),
        "each": of(BASE, **each),
        "held": of(BASE, t_ref_steps=4, gain_shift=1, input_shift=2),
        "subtract": of(BASE, reset="subtract", v_th=300),
        "several": of(BASE, reset="subtract", v_th=100, max_spikes=9, fires_at=">="),
        "wide": of(BASE, weight_bits=16, current_bits=32, membrane_bits=32, input_shift=8),
    }
    return found


FORMATS = _formats()
"""Formats that are written out in full."""

SHIFTS: dict[str, Any] = {
    "current_decay": bf.Shift(3, True),
    "membrane_decay": bf.Shift(6, True),
}
V_TH = tuple(1 + i % 3 for i in range(N))


def presets() -> dict[str, Any]:
    p = bf.presets
    return {
        "loihi": p.loihi(du=400, dv=60, v_th=40, t_ref_steps=2),
        "loihi_each": p.loihi(
            du=tuple(300 + i for i in range(N)), dv=60, v_th=V_TH, bias_mantissa=3, bias_exponent=2
        ),
        "xylo_v1": p.xylo(v_th=600, dash_syn=3, dash_mem=4, device="a1"),
        "xylo_v2": p.xylo(v_th=200, dash_syn=2, dash_mem=4, bias=5),
        "xylo_output": p.xylo(v_th=600, dash_syn=3, dash_mem=4, device="imu", output=True),
        "cortex_m": p.cortex_m(v_th=3000, input_shift=4, **SHIFTS),
        "cortex_m_16": p.cortex_m(
            v_th=700,
            weight_bits=16,
            current_decay=bf.Multiply(50_000, 16),
            membrane_decay=bf.Multiply(63_000, 16),
            reset="subtract",
            t_ref_steps=1,
            bias=-2,
        ),
    }


def graph_of(neuron: Any, dtype: str, delayed: bool) -> Any:
    graph = b.graph(dtype=dtype, seed=31)
    sensor, neurons = b.add_input(graph, N_IN), b.add_population(graph, N, neuron)
    first = inputs.below(80, (N_IN * N,), 200) - 60
    pre, post = (index for index in inputs.below(81, (2, N_IN * N), N))
    delay = pre % 5 * 1.0 if delayed else 0.0
    b.connect(graph, sensor, neurons, (pre % N_IN, post), weight=first.clip(-128, 127), delay=delay)
    own = b.UniformDelay(0, 3) if delayed else 0.0
    b.connect(graph, neurons, neurons, b.FixedInDegree(5), weight=b.Uniform(-60, 50), delay=own)
    return graph


def _simulated(formats: dict[str, Any], dtype: str) -> Entries:
    for name, neuron in formats.items():
        for engine in ENGINES:
            graph = graph_of(neuron, dtype, delayed=not name.startswith("xylo"))
            events = sparse_events(N_IN)
            for entry, value in simulated(graph, engine, events, None):
                yield f"{name}/{engine}/{entry}", value


@case("fixed_graphs/formats")
def formats(n_threads: int) -> Entries:
    yield from _simulated(FORMATS, "int16")
    yield from _simulated(presets(), "int16")
    for dtype in ("int8", "int32"):
        few = {f"{dtype}/{name}": FORMATS[name] for name in ("rounding/nearest", "table")}
        yield from _simulated(few, dtype)
    for name, form in presets().items():
        yield f"{name}/format", of_integers(form.weight_bits, bf.format_values(form))
    # Two populations of different formats, the second driven by the first.
    graph = b.graph(dtype="int16", seed=32)
    sensor = b.add_input(graph, N_IN)
    first = b.add_population(graph, N, FORMATS["held"])
    last = b.add_population(graph, 6, bf.presets.loihi(du=900, dv=10, v_th=9))
    b.connect(graph, sensor, first, weight=b.Uniform(-20, 60))
    b.connect(graph, first, last, b.FixedOutDegree(3), weight=90, delay=2.0)
    for engine in ENGINES:
        for entry, value in simulated(graph, engine, sparse_events(N_IN), [last]):
            yield f"populations/{engine}/{entry}", value


@case("fixed_graphs/exponential")
def exponential(n_threads: int) -> Entries:
    p = bf.presets
    made = {
        "spinnaker": p.spinnaker(tau_m=20.0, tau_s=5.0, v_th=0.25, left_shift=5, t_ref_steps=2),
        "qformat": p.qformat(tau_m=30.0, tau_s=4.0, v_th=700),
        "table": dataclasses.replace(BASE, current_decay=bf.Table.exponential(4.0, 0.5)),
    }
    yield from _simulated(made, "int16")
    for name, form in made.items():
        yield f"{name}/format", of_integers(form.weight_bits, bf.format_values(form))


@case("fixed/weights")
def weights(n_threads: int) -> Entries:
    """Integers as chips hold them."""
    p = bf.presets
    values = inputs.below(82, (8, 9), 512) - 256
    signed = {"mixed": values, "excitatory": abs(values), "inhibitory": -abs(values)}
    for mode, held in signed.items():
        for bits, exponent in ((8, 0), (5, 3)):
            found = p.loihi_weights(held, weight_bits=bits, exponent=exponent, sign_mode=mode)
            yield f"loihi/{mode}/{bits}", of_integers(found)
    for shift in (0, 3, 11):
        yield f"xylo/{shift}", of_integers(p.xylo_weights(values // 2, shift))
