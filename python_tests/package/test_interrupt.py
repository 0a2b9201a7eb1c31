"""Ctrl-C in the middle of every call that may take long."""

from __future__ import annotations

import operator
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs import _strsbp_rs as core
from strsbp_rs.audio import FrontEnd, HeidelbergCochlea, LogMel, LyonEar

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

LIF = {
    "tau_m": 64.0,
    "tau_s": 8.0,
    "v_th": 1.0,
    "t_ref": 2.0,
    "dt": 1.0,
    "discretisation": "euler",
}


def network(n_in: int = 100, n: int = 400, kind: Any = sr.Dense) -> sr.Network:
    return sr.Network(n_in, [kind(n, v_th=2.0)])


def trains(shape: tuple[int, int, int], rate: float) -> sr.SpikeTrains:
    return sr.SpikeTrains.from_dense(np.random.default_rng(1).random(shape) < rate)


Call = tuple[Callable[..., Any], list[Any]]


def connect(rule: Any, **options: Any) -> Call:
    graph = sr.Graph()
    a, b = graph.add_input(30_000), graph.add_population(30_000)
    delay = options.pop("delay", 0.0)
    weight = {"kind": "normal", "mean": 0.0, "std": 1.0}
    return graph._core.connect, [a.index, b.index, rule.to_dict(), weight, delay]


def build(kind: Any) -> Call:
    layer = kind(12_000).to_dict()
    config = sr.Network(12_000, [kind(2)])._core.config()
    config["layers"][0] |= {"n": layer["n"]}
    return core.NetworkCore, [config, "float32"]


def encoder(n_steps: int) -> dict[str, Any]:
    return sr.BernoulliEncoder(n_steps=n_steps).to_dict()


def run(net: sr.Network, n_steps: int, engine: str = "clocked") -> Call:
    x = np.full((1, net.n_in), 0.3)
    return net._core.spike_counts, [x, encoder(n_steps), 0, 1, engine, False]


def run_fixed(target: Any) -> Call:
    x = np.full((1, 100), 0.3)
    core = network(kind=sr.Recurrent).to_fixed(target)._core
    return core.spike_counts, [x, encoder(2**19), 0, 1, "clocked", False]


def train(name: str) -> Call:
    """One sample, far longer than there is time between two looks."""
    net = network(n=200, kind=sr.Recurrent)
    trainer = sr.Trainer(net, n_threads=1, encoder=sr.BernoulliEncoder(n_steps=2**18))
    x, y = np.full((1, 100), 0.3), np.zeros(1, int)
    return getattr(trainer._core, name), [net._core, x, y, encoder(2**18)]


def connect_pairs() -> Call:
    n = 1_500_000
    rng = np.random.default_rng(1)
    graph = sr.Graph()
    a, b = graph.add_input(1000), graph.add_population(1000)
    pairs = tuple(rng.integers(0, 1000, n).astype(np.uint32) for _ in range(2))
    # Delays that are all different: they are sorted too.
    return graph._core.connect_pairs, [a.index, b.index, pairs, np.ones(n, "f4"), rng.random(n)]


def csr() -> Call:
    n_rows = 5_000_000
    indptr, index = 2 * np.arange(n_rows + 1), np.zeros(2 * n_rows, int)
    return core.SpikeTrainsCore.from_csr, [indptr, index, (1, n_rows, 1)]


def silent(n_steps: int, n_neurons: int) -> Any:
    return core.SpikeTrainsCore.from_csr(
        np.zeros(n_steps + 1, int), np.zeros(0, int), (1, n_steps, n_neurons)
    )


def events() -> Call:
    nothing = np.zeros(0, np.int64)
    return core.SpikeTrainsCore.from_events, [[("e", nothing, nothing)] * 30, 10**6, 3, True]


def load(kind: str) -> Call:
    """Of a pipe that nobody writes into: as a disk that takes its time."""
    path = os.path.join(tempfile.mkdtemp(), "pipe")
    os.mkfifo(path)
    more = [1] if kind == "TrainerCore" else []
    return getattr(core, kind).load, [path, *more]


def hear(front_end: FrontEnd, seconds: int) -> Call:
    sound = np.random.default_rng(1).random(seconds * int(front_end.sample_rate))
    return core.hear_all, [front_end.to_dict(), [sound], 1, None]


def hear_spikes() -> Call:
    sound = np.random.default_rng(1).random(400_000)
    return core.hear_spikes, [HeidelbergCochlea(20_000)._domain(), [sound], 1, None]


def wide() -> sr.Network:
    return sr.Network(6000, [sr.Dense(6000, v_th=1.0, init=sr.ConstantInit(0.5))])


CALLS: dict[str, Callable[[], Call]] = {
    "connect pairs": connect_pairs,
    "from_csr": csr,
    "from_events": events,
    "to_dense": lambda: (silent(1000, 800_000).to_dense, []),
    "load a network": lambda: load("NetworkCore"),
    "load a trainer": lambda: load("TrainerCore"),
    "load a network in fixed point": lambda: load("FixedNetworkCore"),
    "load spike trains": lambda: load("SpikeTrainsCore"),
    "an ear": lambda: hear(LyonEar(48_000, 100), 60),
    "log-mel frames": lambda: hear(LogMel(48_000, 100), 120),
    "a cochlea": hear_spikes,
    "weights": lambda: (wide()._core.weights, []),
    "pickle": lambda: (wide()._core.dumps, []),
    "connect by columns": lambda: connect(sr.FixedInDegree(1500)),
    "connect by rows": lambda: connect(sr.FixedOutDegree(1500)),
    "connect with a probability": lambda: connect(sr.FixedProbability(0.05)),
    "a dense network": lambda: build(sr.Dense),
    "a recurrent network": lambda: build(sr.Recurrent),
    "a dense sample": lambda: run(network(), 2**20),
    "a recurrent sample": lambda: run(network(kind=sr.Recurrent), 2**19),
    "a sample by events": lambda: run(network(), 2**19, "event"),
    "a sample in continuous time": lambda: run(network(), 2**17, "continuous"),
    "a sample for auto": lambda: run(network(), 2**19, "auto"),
    "a sample in fixed point": lambda: run_fixed(sr.QFormat()),
    "a sample in fixed point, lanes": lambda: run_fixed(sr.Loihi()),
    "psp_table": lambda: (core.psp_table, [LIF, 20_000]),
    "post_coupling": lambda: (core.post_coupling, ["table", LIF | {"t_ref": 1.0}, 20_001]),
    "train_epoch": lambda: train("train_epoch"),
    "gradients": lambda: train("gradients"),
    "from_counts": lambda: (
        core.SpikeTrainsCore.from_counts,
        [np.zeros((1000, 1000, 400), np.uint16)],
    ),
    "from_dense": lambda: (
        core.SpikeTrainsCore.from_dense,
        [np.zeros((1000, 1000, 400), np.uint8)],
    ),
    "s_psp": lambda: (
        core.s_psp,
        [trains((4, 2000, 1500), 0.05)._core] * 2 + [LIF, 0.0],
    ),
    "van_rossum": lambda: (
        trains((2, 5000, 3000), 0.4)._core.van_rossum,
        [trains((2, 5000, 3000), 0.4)._core, 5.0, 1],
    ),
}


def is_ended(name: str, delay: float) -> bool:
    """Whether Ctrl-C, `delay` seconds after the start of a call, has ended it.

    Not what comes after it: a call that gave its result has not been ended.
    """
    call, arguments = CALLS[name]()
    results: list[Any] = []
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        # Python looks for signals before what comes after `extend`, but not within it.
        results.extend(map(operator.call, [call], *([argument] for argument in arguments)))
        timer.join()
        threading.Event().wait(1.0)  # Not to its end: the signal is on its way.
    timer.join()
    return not results


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_ends_the_call(name: str) -> None:
    # On a fast machine some calls are over before the first of these.
    assert any(is_ended(name, delay) for delay in (0.1, 0.05, 0.02))


def test_a_call_that_is_ended_leaves_things_as_they_were() -> None:
    call, arguments = connect(sr.FixedInDegree(1500))
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call(*arguments)
    timer.join()
    graph = call.__self__
    assert graph.projections() == []
    assert (
        graph.connect(0, 1, sr.OneToOne().to_dict(), {"kind": "constant", "value": 1.0}, 0.0) == 0
    )


def test_many_teacher_spikes_are_one_at_every_step() -> None:
    """As many as there are steps do: more of them change nothing, and cost nothing."""
    x = np.zeros((2, 30, 4), bool)
    x[:, ::3] = True
    found = []
    for count in (30, 31, 2**31):
        net = sr.Network(4, [sr.Dense(3, v_th=1.0), sr.Dense(2, v_th=1e3)], seed=1)
        rule = sr.StRsbp(teacher_count=count)
        found.append(sr.Trainer(net, rule=rule, n_threads=1).gradients(x, [0, 1]).weights)
    assert np.any(found[0][1]["weight"])
    np.testing.assert_equal(found[1], found[0])
    np.testing.assert_equal(found[2], found[0])
