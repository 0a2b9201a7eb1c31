"""Continuous time: spike times by formulas and to fifty digits; the limit of clocked ones."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from graph_cases import events

import strsbp_rs as sr

TAU_M = 20.0
EPS = float(np.finfo(np.float64).eps)


def single(weight: float, delay: float = 0.0, **constants: Any) -> sr.Simulator:
    """One input onto one neuron, from explicit pairs, in continuous time."""
    graph = sr.Graph(dtype="float64")
    source, target = (
        graph.add_input(1),
        graph.add_population(1, sr.LIF(discretisation="exact", **constants)),
    )
    graph.connect(source, target, ([0], [0]), weight=[weight], delay=[delay])
    return sr.Simulator(graph, engine="continuous")


def spike_times(simulator: sr.Simulator, inputs: list[float], until: float) -> list[float]:
    simulator.push(events(np.array(inputs, dtype=np.float64), 0))
    times: list[float] = simulator.advance(until)["t"].tolist()
    return times


def psp(t: Decimal, tau_m: Decimal, tau_s: Decimal) -> Decimal:
    """u after a unit input at time 0."""
    if tau_m == tau_s:
        return t / tau_m * (-t / tau_m).exp()
    return tau_m / (tau_m - tau_s) * ((-t / tau_m).exp() - (-t / tau_s).exp())


def peak_time(tau_m: Decimal, tau_s: Decimal) -> Decimal:
    return tau_m if tau_m == tau_s else tau_m * tau_s / (tau_m - tau_s) * (tau_m / tau_s).ln()


def crossing_by_bisection(ratio: float, tau_m: float, tau_s: float) -> float:
    """When the response to a unit input first exceeds `ratio`, to fifty digits."""
    with localcontext(prec=50):
        m, s, level = Decimal(tau_m), Decimal(tau_s), Decimal(ratio)
        low, high = Decimal(0), peak_time(m, s)
        assert psp(high, m, s) > level
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (low, middle) if psp(middle, m, s) > level else (middle, high)
        return float(high)


# Single neurons --------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1e-6, 0.01, 0.2, 0.4, 0.499])
@pytest.mark.parametrize("delay", [0.0, 1.37])
def test_first_spike_where_tau_m_is_twice_tau_s(ratio: float, delay: float) -> None:
    """2 w (x - x^2) = v_th with x = exp(-t/tau_m): the larger root is the earlier time."""
    weight = 3.0
    simulator = single(
        weight, delay, tau_m=TAU_M, tau_s=TAU_M / 2, v_th=ratio * weight, t_ref=1000.0
    )
    x = (1 + math.sqrt(1 - 2 * ratio)) / 2
    # 1 - x without cancellation.
    elapsed = -TAU_M * math.log1p(-ratio / (1 + math.sqrt(1 - 2 * ratio)))
    assert x == pytest.approx(math.exp(-elapsed / TAU_M))
    assert spike_times(simulator, [0.0], 500.0) == [
        pytest.approx(delay + elapsed, rel=1e-14 / math.sqrt(1 - 2 * ratio))
    ]


@pytest.mark.parametrize("through", ["input", "arrival"])
def test_what_comes_at_the_moment_of_a_crossing_comes_too_late(through: str) -> None:
    """Potentials do not jump: inhibition at that very time stops the next spike, not this."""
    constants = {"tau_m": TAU_M, "tau_s": 5.0, "v_th": 1.0, "t_ref": 1.0}
    (first, *later) = spike_times(single(20.0, **constants), [0.0], 500.0)
    assert later
    graph = sr.Graph(dtype="float64")
    drive, brake = graph.add_input(1), graph.add_input(1)
    neuron = graph.add_population(1, sr.LIF(discretisation="exact", **constants))
    graph.connect(drive, neuron, ([0], [0]), weight=[20.0])
    delay = 0.0 if through == "input" else first
    graph.connect(brake, neuron, ([0], [0]), weight=[-1e3], delay=[delay])
    simulator = sr.Simulator(graph, engine="continuous")
    simulator.push(events(np.array([0.0, first - delay]), [0, 1]))
    assert simulator.advance(500.0)["t"].tolist() == [first]


@pytest.mark.parametrize("share", [1e-3, 0.3, 0.7, 0.95])
@pytest.mark.parametrize(
    "tau_s",
    [
        0.5,
        8.0,
        15.0,
        TAU_M * (1 - 1e-6),
        TAU_M * (1 - 1e-10),
        TAU_M,
        TAU_M * (1 + 1e-12),
        21.0,
        300.0,
    ],
)
def test_first_spike_by_bisection(share: float, tau_s: float) -> None:
    with localcontext(prec=50):
        m, s = Decimal(TAU_M), Decimal(tau_s)
        ratio = float(Decimal(share) * psp(peak_time(m, s), m, s))
    expected = crossing_by_bisection(ratio, TAU_M, tau_s)
    simulator = single(1.0, tau_m=TAU_M, tau_s=tau_s, v_th=ratio, t_ref=1e6)
    assert spike_times(simulator, [0.0], 1e5) == [pytest.approx(expected, rel=2e-14)]


@pytest.mark.parametrize("tau_s", [0.5, 10.0, 19.0, TAU_M, 40.0, 300.0])
def test_the_peak_decides(tau_s: float) -> None:
    """A threshold 1e-12 below the highest potential is passed, one 1e-12 above it is not."""
    with localcontext(prec=50):
        m, s = Decimal(TAU_M), Decimal(tau_s)
        peak, at = psp(peak_time(m, s), m, s), float(peak_time(m, s))
    for side, n in [(-1, 1), (1, 0)]:
        v_th = float(peak * (1 + side * Decimal("1e-12")))
        simulator = single(1.0, tau_m=TAU_M, tau_s=tau_s, v_th=v_th, t_ref=1e6)
        times = spike_times(simulator, [0.0], 1e5)
        # Where it is flat: within about sqrt(2 1e-12) time constants of the peak, on its near side.
        assert len(times) == n
        assert all(0 <= at - time < 1e-5 * (TAU_M + tau_s) for time in times)


@pytest.mark.parametrize("t_ref", [0.0, 2.0])
@pytest.mark.parametrize(("period", "weight"), [(1.7, 0.9), (5.0, 4.0), (0.3, 0.25)])
def test_intervals_under_a_regular_input(t_ref: float, period: float, weight: float) -> None:
    """With tau_m = 2 tau_s every piece between two events is a quadratic, worked out here.

    From (p, u), u(x) = (u + 2 p) x - 2 p x^2 and p(x) = p x^2 with x = exp(-t/tau_m).
    """
    v_th, n = 1.0, 60
    simulator = single(weight, tau_m=TAU_M, tau_s=TAU_M / 2, v_th=v_th, t_ref=t_ref)
    inputs = [period * (k + 1) for k in range(n)]
    expected = []
    p = u = now = free = 0.0
    for until in [*inputs, inputs[-1] + 5.0]:
        while now < until:
            if now < free:
                wait = min(free, until) - now
                p, u, now = p * math.exp(-2 * wait / TAU_M), 0.0, now + wait
                continue
            root = (u + 2 * p) ** 2 - 8 * p * v_th
            x = (u + 2 * p + math.sqrt(root)) / (4 * p) if p > 0 and root >= 0 else math.inf
            crossing = now - TAU_M * math.log(x) if 0 < x <= 1 else math.inf
            x = math.exp(-(min(crossing, until) - now) / TAU_M)
            p, u = p * x * x, (u + 2 * p) * x - 2 * p * x * x
            now = min(crossing, until)
            if crossing <= until:
                expected.append(now)
                u, free = 0.0, now + t_ref
        p += weight
    times = spike_times(simulator, inputs, inputs[-1] + 5.0)
    assert len(expected) >= 3
    np.testing.assert_allclose(times, expected, rtol=1e-12)


def test_two_spikes_within_a_millisecond_and_strong_drive() -> None:
    """No refractory time and a huge current: intervals of v_th tau_s / p, far less than a step."""
    simulator = single(1e6, tau_m=64.0, tau_s=8.0, v_th=1.0, t_ref=0.0)
    times = spike_times(simulator, [0.0], 1e-3)
    np.testing.assert_allclose(np.diff(times), 8e-6, rtol=1e-3)
    assert len(times) == pytest.approx(125, abs=1)


def test_t_ref_is_kept_to_the_end() -> None:
    """A held neuron is held: with a current that hardly decays, intervals are all the same."""
    simulator = single(1.0, tau_m=5.0, tau_s=1e9, v_th=1e-9, t_ref=3.0)
    # u = w t / tau_s for short times, plus what the relaxation takes from it.
    rise = -5.0 * math.log1p(-1e-9 * 1e9 / 5.0)
    np.testing.assert_allclose(np.diff(spike_times(simulator, [0.0], 200.0)), 3.0 + rise, rtol=1e-7)


# Delays ----------------------------------------------------------------------------------------


def test_delays_need_not_be_whole_steps() -> None:
    graph = sr.Graph(dtype="float64")
    source, target = graph.add_input(1), graph.add_population(2, sr.LIF(v_th=0.05, t_ref=5.0))
    graph.connect(source, target, ([0, 0], [0, 1]), weight=[1.0, 1.0], delay=[1.37, 0.0])
    for engine in ("clocked", "event", "auto"):
        with pytest.raises(ValueError, match=r"projections\[0\]\.delay.*1\.37"):
            sr.Simulator(graph, engine=engine)
    constants = {"v_th": 0.05, "t_ref": 5.0}
    delayed = spike_times(single(1.0, 1.37, **constants), [0.25, 9.0], 60.0)
    # The same to the bit: an input that comes later.
    plain = spike_times(single(1.0, **constants), [0.25 + 1.37, 9.0 + 1.37], 60.0)
    assert delayed == plain and len(plain) > 3
    simulator = sr.Simulator(graph, engine="continuous")
    simulator.push(events([0.25, 9.0], 0))
    spikes = simulator.advance(60.0)
    assert spikes["t"][spikes["x"] == 0].tolist() == delayed


@pytest.mark.parametrize("tau_s", [8.0, 32.0, 64.0])
@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_clocked_spikes_tend_to_these(tau_s: float, delay: float) -> None:
    """A feed-forward network, exact discretisation: every spike is late by some dt, on average."""
    rng = np.random.default_rng(2)
    input_times, inputs = np.sort(rng.integers(0, 60, 90)), rng.integers(0, 10, 90)
    pairs = [np.nonzero(rng.random((10, 10)) < 0.7) for _ in range(2)]
    weights = [rng.uniform(-0.6, 2.0, len(source)) for source, _ in pairs]

    def simulate(engine: str, per_ms: int) -> list[list[float]]:
        graph = sr.Graph(dt=1 / per_ms, dtype="float64")
        constants = {"tau_m": 64.0, "tau_s": tau_s, "v_th": 0.5, "discretisation": "exact"}
        layers = [graph.add_input(10)] + [
            graph.add_population(10, sr.LIF(**constants)) for _ in pairs
        ]
        for at, (rule, weight) in enumerate(zip(pairs, weights, strict=True)):
            graph.connect(layers[at], layers[at + 1], rule, weight=weight, delay=delay)
        simulator = sr.Simulator(graph, engine=engine)
        simulator.push(events(input_times * per_ms, inputs))
        spikes = simulator.advance(65 * per_ms)
        ms = spikes["t"] * (1.0 if engine == "continuous" else 1 / per_ms)
        return [ms[spikes["x"] == neuron].tolist() for neuron in range(20)]

    exact = simulate("continuous", 1)
    n_compared = 0
    mean_errors = []
    for per_ms in (128, 1024):
        errors: list[float] = []
        for engine in ("clocked", "event"):
            on_grid = simulate(engine, per_ms)
            errors = []
            for found, expected in zip(on_grid, exact, strict=True):
                # Near the end, one of the two may have one more.
                assert abs(len(found) - len(expected)) <= 1
                n = min(len(found), len(expected))
                errors.extend(np.abs(np.subtract(found[:n], expected[:n])) * per_ms)
        n_compared = len(errors)
        mean_errors.append(float(np.mean(errors)))
    assert n_compared > 100
    # Of first order: in steps, it stays what it is.
    assert 0.2 < mean_errors[0] < 20
    assert mean_errors[1] == pytest.approx(mean_errors[0], rel=0.5)


# Layered networks ------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_network_sees_spikes_at_the_end_of_their_step(dt: float) -> None:
    for weight in (2.5, 4.0, 30.0):
        options = {"tau_m": TAU_M, "tau_s": TAU_M / 2, "v_th": 1.0, "t_ref": 500.0}
        net = sr.Network(1, [sr.Dense(1, **options)], dt=dt, dtype="float64")
        net.set_weights([{"weight": [[weight]]}])
        raster = np.zeros((1, 200, 1), dtype=np.bool_)
        raster[0, 7] = True
        elapsed = -TAU_M * math.log((1 + math.sqrt(1 - 2 / weight)) / 2)
        recording = net.run(raster, engine="continuous")
        assert recording.engine == "continuous"
        steps = np.flatnonzero(recording.spikes[1].to_dense()[0, :, 0])
        assert steps.tolist() == [7 + math.ceil(elapsed / dt)]
        assert net.spike_counts(raster, engine="continuous").tolist() == [[1]]


def test_what_the_engine_refuses() -> None:
    net = sr.Network(1, [sr.Dense(1)])
    raster = np.ones((1, 5, 1), dtype=np.bool_)
    with pytest.raises(ValueError, match=r"record_traces must be empty in continuous time"):
        net.run(raster, engine="continuous", record_traces={0: [0]})
    for constants, field in [
        ({"tau_m": 1e10}, "tau_m"),
        ({"tau_s": 2e9}, "tau_s"),
        ({"v_th": 1e-101}, "v_th"),
    ]:
        with pytest.raises(ValueError, match=f"{field} must be between"):
            single(1.0, **constants)
