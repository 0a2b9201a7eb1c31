"""Layers of fixed-point neurons, run by the engines and by the references."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hypothesis import strategies as st
from references.generic import Decay, Format, MultiplyDecay, Record, ShiftDecay, TableDecay
from references.integers import Ints

import strsbp_rs as sr


@dataclass(frozen=True)
class Layer:
    """A layer: weights (n_out, n_in) and (n_out, n_out), delays [steps] of their shapes."""

    weight: Ints
    recurrent: Ints
    delay: Ints
    recurrent_delay: Ints
    raster: Ints


def events_of(raster: Ints) -> np.ndarray[Any, Any]:
    """Events of a raster of counts, (n_steps, n)."""
    t, x = np.nonzero(raster)
    events = np.empty(int(raster.sum()), dtype=[("t", "i8"), ("x", "i8")])
    events["t"] = np.repeat(t, raster[t, x])
    events["x"] = np.repeat(x, raster[t, x])
    return events


def raster_of(events: np.ndarray[Any, Any], n_steps: int, n: int) -> Ints:
    counts = np.zeros((n_steps, n), np.int64)
    np.add.at(counts, (events["t"], events["x"]), 1)
    return counts


def connect(
    graph: sr.Graph, pre: sr.Population, post: sr.Population, weight: Ints, delay: Ints | None
) -> None:
    targets, sources = np.indices(weight.shape).reshape(2, -1)
    delays = 0.0 if delay is None else delay.ravel() * graph.dt
    graph.connect(pre, post, (sources, targets), weight=weight.ravel(), delay=delays)


def graph_of(layer: Layer, neuron: sr.fixed.Format, dtype: str = "int32") -> sr.Graph:
    graph = sr.Graph(dtype=dtype)
    n_out, n_in = layer.weight.shape
    inputs, neurons = graph.add_input(n_in), graph.add_population(n_out, neuron)
    connect(graph, inputs, neurons, layer.weight, layer.delay)
    connect(graph, neurons, neurons, layer.recurrent, layer.recurrent_delay)
    return graph


def run(graph: sr.Graph, raster: Ints, engine: str, each_step: bool = True) -> list[Record]:
    """Records of all populations; of states only the last where not `each_step`."""
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(events_of(raster))
    populations, n_steps = simulator.recorded, len(raster)
    spikes, states = [], []
    for until in range(1, n_steps + 1) if each_step else [n_steps]:
        spikes.append(simulator.advance(until))
        states.append([(simulator.currents(p), simulator.potentials(p)) for p in populations])
    fired = raster_of(np.concatenate(spikes), n_steps, sum(p.n for p in populations))
    records, first, overflows = [], 0, simulator.overflows
    assert overflows is not None
    for at, population in enumerate(populations):
        current, membrane = (
            np.array([step[at][kind] for step in states], np.int64) for kind in (0, 1)
        )
        own = fired[:, first : first + population.n]
        records.append(
            Record(own, current, membrane, overflows[at].current, overflows[at].membrane)
        )
        first += population.n
    return records


def assert_same(got: Record, expected: Record) -> None:
    n = len(got.current)
    np.testing.assert_array_equal(got.spikes, expected.spikes)
    np.testing.assert_array_equal(got.current, expected.current[-n:])
    np.testing.assert_array_equal(got.membrane, expected.membrane[-n:])
    assert got.current_overflows == expected.current_overflows
    assert got.membrane_overflows == expected.membrane_overflows


def layers(low: int, high: int, seed: int, n_steps: int = 40) -> Layer:
    """A random layer with weights in [low, high]."""
    rng = np.random.default_rng(seed)
    n_in, n_out = rng.integers(1, [6, 20])
    reach = rng.choice([0.05, 0.5, 1.0])
    rate, silent = rng.choice([0.05, 0.4]), rng.random() < 0.3
    raster = (rng.random((n_steps, n_in)) < rate).astype(np.int64)
    raster[n_steps // 2 if silent else n_steps :] = 0

    def weight(n: int) -> Ints:
        return (rng.integers(low, high + 1, (n_out, n)) * reach).astype(np.int64)

    return Layer(
        weight(n_in),
        weight(n_out),
        rng.integers(0, 4, (n_out, n_in)),
        rng.integers(0, 4, (n_out, n_out)),
        raster,
    )


def powers(factor: int, bits: int, length: int) -> TableDecay:
    return TableDecay(tuple(factor**k >> bits * (k - 1) for k in range(1, length + 1)), bits)


def falling(factors: list[int], bits: int) -> TableDecay:
    return TableDecay(tuple(sorted(factors, reverse=True)), bits)


decays: st.SearchStrategy[Decay] = st.integers(1, 16).flatmap(
    lambda bits: st.one_of(
        st.builds(MultiplyDecay, st.integers(1, 2**bits), st.just(bits)),
        st.builds(ShiftDecay, st.integers(1, 12), st.booleans()),
        st.builds(powers, st.integers(1, 2**bits), st.just(bits), st.integers(1, 30)),
        st.builds(
            falling, st.lists(st.integers(1, 2**bits), min_size=1, max_size=30), st.just(bits)
        ),
    )
)


@st.composite
def formats(draw: st.DrawFn) -> Format:
    """Any format that the reference knows."""
    current_bits, membrane_bits = draw(st.integers(4, 32)), draw(st.integers(4, 32))
    v_th = draw(st.integers(1, max(1, 2 ** draw(st.integers(1, membrane_bits - 1)) - 2)))
    return Format(
        weight_bits=draw(st.integers(2, 16)),
        current_bits=current_bits,
        membrane_bits=membrane_bits,
        current_decay=draw(decays),
        membrane_decay=draw(decays),
        v_th=v_th,
        input_shift=draw(st.integers(0, 8)),
        gain_shift=draw(st.integers(0, 8)),
        bias=draw(st.integers(-v_th, v_th - 1)),
        rounding=draw(
            st.sampled_from(["toward_zero", "floor", "nearest", "nearest_even", "stochastic"])
        ),
        current_overflow=draw(st.sampled_from(["saturate", "wrap"])),
        membrane_overflow=draw(st.sampled_from(["saturate", "wrap"])),
        fires_at=draw(st.sampled_from([">", ">="])),
        reset=draw(st.sampled_from(["zero", "subtract"])),
        t_ref_steps=draw(st.integers(0, 3)),
    )


def ours(form: Format, rounding_seed: int = 0) -> sr.fixed.Format:
    """The same format, as the package has it."""

    def decay(of: Decay) -> sr.fixed.Decay:
        if isinstance(of, MultiplyDecay):
            return sr.fixed.Multiply(of.factor, of.bits)
        if isinstance(of, TableDecay):
            return sr.fixed.Table(of.factors, of.bits)
        return sr.fixed.Shift(of.shift, of.least_one)

    values = {
        **vars(form),
        "current_decay": decay(form.current_decay),
        "membrane_decay": decay(form.membrane_decay),
    }
    return sr.fixed.Format(**values, rounding_seed=rounding_seed)


def theirs(form: sr.fixed.Format) -> Format:
    """The same format, by the reference's names."""

    def decay(of: sr.fixed.Decay) -> Decay:
        if isinstance(of, sr.fixed.Multiply):
            return MultiplyDecay(as_int(of.factor), of.bits)
        if isinstance(of, sr.fixed.Table):
            return TableDecay(tuple(of.factors), of.bits)
        return ShiftDecay(as_int(of.shift), of.least_one)

    decays = {
        "current_decay": decay(form.current_decay),
        "membrane_decay": decay(form.membrane_decay),
    }
    same = {field.name: getattr(form, field.name) for field in fields(Format)}
    return Format(**{**same, **decays})


def as_int(value: sr.fixed.PerNeuron) -> int:
    assert isinstance(value, int)
    return value


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10, of Salmon et al. 2011."""
    for _ in range(10):
        a, b = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            (b >> 32) ^ counter[1] ^ key[0],
            b % 2**32,
            (a >> 32) ^ counter[3] ^ key[1],
            a % 2**32,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter
