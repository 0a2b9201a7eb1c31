"""Calls that ask for more memory than there is; run as a program, one of them under a limit.

Usage: python memory_cases.py NAME FOLDER. The limit is what the process has when the call begins,
and 256 MiB more. Exits with 0 if the call raises MemoryError with a message that says what was
asked for, and all that it was given still works.
"""

from __future__ import annotations

import pickle
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import strsbp_rs as sr

ROOM = 2**28
EVENTS = np.zeros(0, [("t", "i8"), ("x", "i8")])


def set_limit(room: int = ROOM) -> None:
    """Leaves the process so many bytes of address space."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))


def lift_limit() -> None:
    """Undoes it."""
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def trains(n_samples: int, n_steps: int, n_neurons: int) -> sr.SpikeTrains:
    """Without a spike."""
    return sr.SpikeTrains.from_events([EVENTS] * n_samples, n_steps=n_steps, n_neurons=n_neurons)


def network(n_in: int = 2, n: int = 3, **options: Any) -> sr.Network:
    return sr.Network(n_in, [sr.Dense(n, v_th=2.0, **options)], seed=1)


def wide() -> sr.Network:
    """Of 300 MB, made before the limit: there is no room for a copy."""
    return network(8_500, 8_500)


def trainer(net: sr.Network, **options: Any) -> sr.Trainer:
    return sr.Trainer(net, loss=sr.SoftmaxCrossEntropy(), n_threads=1, **options)


MANY = np.zeros(10**6, EVENTS.dtype)
KINDS = ("clocked", "event", "auto", "fixed")
ONE_BY_ONE = sr.Convolution((5000, 1, 1), 5000, 1)


def chatter(kind: str) -> Callable[[], sr.Simulator]:
    """Of neurons that keep each other firing, whose events nobody reads."""

    def make() -> sr.Simulator:
        graph = sr.Graph(dtype="int32" if kind == "fixed" else "float32", seed=1)
        eye = graph.add_input(1)
        if kind == "fixed":
            shift = sr.fixed.Shift(3)
            form = sr.fixed.cortex_m_format(current_decay=shift, membrane_decay=shift, v_th=20)
            ring = graph.add_population(2000, form)
        else:
            ring = graph.add_population(2000, sr.LIF(v_th=0.1, t_ref=1.0))
        weight = 100 if kind == "fixed" else 9.0
        graph.connect(eye, ring, weight=weight)
        graph.connect(ring, ring, "one_to_one", weight=weight, delay=1.0)
        sim = sr.Simulator(graph, engine="event" if kind == "fixed" else kind)
        sim.push(MANY[:1])
        return sim

    return make


def run_case(call: Callable[[sr.Network, Any], object], x: Any) -> tuple[Callable[[], object], Any]:
    """A call with a small network, which must not be changed by it."""
    net = network()
    return lambda: call(net, x), net


def cases(folder: Path) -> dict[str, Callable[[], tuple[Callable[[], object], Any]]]:
    """By name: what makes the call and an object that must be as it was, or None."""
    many = 30_000
    deep = sr.BernoulliEncoder(n_steps=2**24)
    pixels = np.ones((1, 2))

    def nothing(call: Callable[[], object]) -> Callable[[], tuple[Callable[[], object], Any]]:
        return lambda: (call, None)

    def of(make: Callable[[], Any], call: Callable[[Any], object]) -> Any:
        def prepare() -> tuple[Callable[[], object], Any]:
            given = make()
            return lambda: call(given), given

        return prepare

    def run(call: Callable[[sr.Network, Any], object], x: Any = pixels) -> Any:
        return lambda: run_case(call, x)

    def half_a_million() -> sr.SpikeTrains:
        return trains(1, 2, 500_000_000)

    lateral = {"lateral_inhibition": 0.5}
    return {
        "network": nothing(lambda: network(1280 * 720, 1000)),
        "network, recurrent": nothing(lambda: sr.Network(2, [sr.Recurrent(200_000)])),
        "network, sparse": nothing(
            lambda: sr.Network(2, [sr.Recurrent(40_000, mask=sr.Sparse(0.1))])
        ),
        "network, lateral": nothing(lambda: network(1, many, **lateral)),
        "network, delays": nothing(lambda: network(10_000, 1_000, delay=sr.UniformDelay(0.0, 3.0))),
        "trainer": of(wide, trainer),
        "set_delays": of(
            lambda: network(3_000, 3_000),
            lambda net: net.set_delays([{"delay": np.arange(9e6).reshape(3_000, 3_000) % 25}]),
        ),
        "weights": of(wide, lambda net: (net.weights, net.weights)),
        "save": of(wide, lambda net: net.save(folder / "net")),
        "pickle": of(wide, pickle.dumps),
        "to_fixed": of(wide, lambda net: net.to_fixed("cortex_m")),
        "to_graph": of(wide, sr.Network.to_graph),
        "gradients": of(
            lambda: trainer(network(300, 40_000)),
            lambda t: [t.gradients(np.ones((1, 2, 300), bool), [0]) for _ in range(100)],
        ),
        "fit": of(
            lambda: trainer(network()),
            lambda t: t.fit(trains(1, 10_000_000, 2), [0], epochs=1, progress=False),
        ),
        "evaluate": of(
            lambda: trainer(network(1, 1_000_000)),
            lambda t: t.evaluate(np.ones((100, 2, 1), bool), np.zeros(100, int)),
        ),
        "from_events": nothing(lambda: trains(1000, 10**6, 700)),
        "from_counts": nothing(
            lambda: sr.SpikeTrains.from_counts(np.full((1, 1000, 1000), 2**16 - 1, np.uint16))
        ),
        "to_dense": of(lambda: trains(1000, 1000, 10**5), lambda x: x.to_dense()),
        "to_counts": of(lambda: trains(1000, 1000, 10**5), lambda x: x.to_counts()),
        "counts": of(half_a_million, lambda x: x.counts()),
        "to_csr": of(lambda: trains(6, 10**7, 1), lambda x: x.to_csr()),
        "slice": of(lambda: trains(9, 10**7, 1), lambda x: (x[:8], x[:8])),
        "van_rossum": of(half_a_million, lambda x: sr.van_rossum(x, x, tau=5.0)),
        "s_psp": of(
            lambda: trains(1, 2, 20_000),
            lambda x: sr.s_psp(x, x, tau_m=64.0, tau_s=8.0, t_ref=2.0),
        ),
        "psp_table": nothing(lambda: sr.psp_table(n_steps=10**9, tau_m=64.0, tau_s=8.0, t_ref=2.0)),
        "post_coupling": nothing(
            lambda: sr.post_coupling("closed_form", n_steps=10**9, tau_m=64.0, tau_s=8.0, t_ref=2.0)
        ),
        "run": run(lambda net, x: net.run(x, encoder=deep, record_traces={0: range(3)})),
        "run, threads": run(lambda net, x: net.run(trains(64, 2_000_000, 2), n_threads=2)),
        "spike_counts": run(lambda net, x: net.spike_counts(trains(1, 60_000_000, 2), n_threads=1)),
        "predict": run(lambda net, x: net.predict(np.ones((1, 2)), encoder=deep, n_threads=2)),
        "connect": nothing(
            lambda: (lambda g: g.connect(g.add_input(40_000), g.add_population(40_000)))(sr.Graph())
        ),
        "connect, kernels": nothing(
            lambda: (lambda g: g.connect(g.add_input(5000), g.add_population(5000), ONE_BY_ONE))(
                sr.Graph()
            )
        ),
        **{f"advance, {kind}": of(chatter(kind), lambda sim: sim.advance(10**9)) for kind in KINDS},
        "push": of(chatter("event"), lambda sim: [sim.push(MANY) for _ in range(100)]),
        "simulator": nothing(
            lambda: (lambda g: (g.add_input(1), g.add_population(10**9), sr.Simulator(g)))(
                sr.Graph()
            )
        ),
    }


def goes_on(sim: sr.Simulator) -> bool:
    """Whether a simulation is as it was, or says that it is not and can be set back."""
    try:
        assert sim.now == 0
    except RuntimeError as error:
        assert "stopped in the middle of a step" in str(error)
    sim.reset()
    sim.push(MANY[:40])
    again = sr.Simulator(sim._graph, engine=sim._engine)
    again.push(MANY[:40])
    return bool((sim.advance(90) == again.advance(90)).all())


def works(given: Any) -> bool:
    """Whether an object is as it was."""
    if isinstance(given, sr.Simulator):
        return goes_on(given)
    if isinstance(given, sr.SpikeTrains):
        return given.n_spikes == 0 and len(given[:1]) == 1
    net = given.network if isinstance(given, sr.Trainer) else given
    if isinstance(net, sr.Network):
        return net.n_out > 0 and not net.spike_counts(np.zeros((1, 2, net.n_in), bool)).any()
    return given is None


SAYS = re.compile(
    r"= (\d+|2\^64 or more|as many as it has) of \d+ bytes each: no memory for so many$"
)


def main(name: str, folder: Path) -> None:
    call, given = cases(folder)[name]()
    set_limit()
    try:
        call()
    except MemoryError as error:
        lift_limit()
        if not SAYS.search(str(error)):
            raise SystemExit(f"message: {error}") from error
        print(error)
    else:
        raise SystemExit("no MemoryError")
    if not works(given):
        raise SystemExit("the object was changed")
    if any(folder.iterdir()):
        raise SystemExit("a file was left behind")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
