"""Objects made before a fork work after it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="fork"),
    # Python's own warning: the threads of pools are there when it forks.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

N_THREADS = [1, 2]
PATIENCE = 60
"""Seconds after which a child hangs; such tests never take as long."""


class Work:
    """One of every public object, used before the fork, and what is asked of it after."""

    def __init__(self, n_threads: int) -> None:
        rng = np.random.default_rng(1)
        self.n_threads = n_threads
        self.x, self.y = rng.random((70, 20, 6)) < 0.3, np.arange(70) % 3
        layers = [sr.Recurrent(20, v_th=1.0), sr.Dense(3, v_th=1.0)]
        self.net = sr.Network(6, layers, seed=2)
        self.trainer = sr.Trainer(self.net, n_threads=n_threads)
        self.hardware = sr.Trainer(self.net, hardware="loihi", n_threads=n_threads)
        self.fixed = self.net.to_fixed(n_threads=n_threads)
        self.graph = sr.Graph(seed=3)
        self.inputs = self.graph.add_input(300)
        self.neurons = self.graph.add_population(300, sr.LIF(v_th=1.0))
        self.graph.connect(self.inputs, self.neurons, sr.FixedProbability(0.1))
        self.simulator = sr.Simulator(self.graph)
        self.recording = self.net.run(self.x, n_threads=n_threads)
        self.spikes = self.recording.spikes

    def evaluate(self) -> Any:
        return self.trainer.evaluate(self.x, self.y).counts

    def evaluate_hardware(self) -> Any:
        return self.hardware.evaluate(self.x, self.y).counts

    def fit(self) -> Any:
        self.trainer.fit(self.x, self.y, epochs=2, progress=False)
        return self.net.weights

    def fit_hardware(self) -> Any:
        self.hardware.fit(self.x, self.y, epochs=1, progress=False)
        return self.net.weights

    def gradients(self) -> Any:
        return self.trainer.gradients(self.x, self.y).weights

    def step(self) -> Any:
        self.trainer.step(self.spikes, self.y)
        return self.net.weights

    def gradients_from_spikes(self) -> Any:
        return sr.gradients_from_spikes(self.net, self.spikes, self.y).weights

    def save(self) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "checkpoint.safetensors")
            self.trainer.save(path)
            loaded = sr.Trainer.load(path, n_threads=self.n_threads)
        return loaded.evaluate(self.x, self.y).counts

    def run(self) -> Any:
        return self.net.run(self.x, n_threads=self.n_threads).spikes[1].to_dense()

    def predict(self) -> Any:
        return self.net.predict(self.x, n_threads=self.n_threads, engine="event")

    def spike_counts(self) -> Any:
        return self.net.spike_counts(self.x, engine="continuous")

    def to_fixed(self) -> Any:
        fixed = self.net.to_fixed(calibration=self.spikes[0], n_threads=self.n_threads)
        return fixed.layers[0].weight

    def fixed_counts(self) -> Any:
        return self.fixed.spike_counts(self.x, n_threads=self.n_threads)

    def fixed_run(self) -> Any:
        return self.fixed.run(self.x).spikes[1].to_dense()

    def report(self) -> Any:
        report = self.fixed.report(self.x, self.y, n_threads=self.n_threads)
        return [layer.distance for layer in report.layers]

    def connect(self) -> Any:
        self.graph.connect(self.neurons, self.neurons, sr.FixedInDegree(30))
        self.graph.connect(self.neurons, self.neurons, sr.FixedProbability(0.2))
        return sr.Simulator(self.graph, engine="event").now

    def advance(self) -> Any:
        self.simulator.push(self.spikes[0].to_events()[0])
        return self.simulator.advance(20)

    def van_rossum(self) -> Any:
        ones = sr.SpikeTrains.from_dense(np.ones((70, 20, 6), bool))
        return sr.van_rossum(self.spikes[0], ones, tau=3.0, n_threads=self.n_threads)

    def s_psp(self) -> Any:
        return sr.s_psp(self.spikes[0], self.spikes[1], tau_m=20.0, tau_s=5.0, t_ref=2.0)


ASKED = [name for name in vars(Work) if not name.startswith("_")]


def in_child(work: Callable[[], Any]) -> Any:
    """What it gives in a forked child."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send_bytes(pickle.dumps(work())))
    child.start()
    sender.close()  # So that a child that fails is no child that hangs: there the pipe ends.
    try:
        assert receiver.poll(PATIENCE), "the child hangs"
        return pickle.loads(receiver.recv_bytes())
    finally:
        child.kill()
        child.join()


@pytest.mark.parametrize("n_threads", N_THREADS)
@pytest.mark.parametrize("name", ASKED)
def test_works_in_a_forked_child(name: str, n_threads: int) -> None:
    """And gives what it gives in the parent, which goes on after."""
    work = Work(n_threads)
    work.evaluate()
    by_child = in_child(getattr(work, name))
    np.testing.assert_equal(by_child, getattr(work, name)())


def evaluated(seed: int) -> list[float]:
    return [trainer.evaluate(X, Y, seed=seed).loss for trainer in TRAINERS]


X, Y = np.random.default_rng(2).random((40, 5)), np.arange(40) % 2
TRAINERS: list[sr.Trainer] = []


def test_pool_map() -> None:
    encoder = sr.BernoulliEncoder(n_steps=20)
    for n_threads in N_THREADS:
        net = sr.Network(5, [sr.Dense(2, v_th=1.0)], seed=1)
        TRAINERS.append(sr.Trainer(net, encoder=encoder, n_threads=n_threads))
    try:
        expected = [evaluated(seed) for seed in range(4)]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map_async(evaluated, range(4)).get(PATIENCE) == expected
    finally:
        TRAINERS.clear()


def test_a_childs_child_and_its_end() -> None:
    """Pools of three generations; and what is dropped with those of others in it."""
    work = Work(2)
    expected = work.evaluate()

    def ends(of: Callable[[], None]) -> int:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                of()
                np.testing.assert_array_equal(work.evaluate(), expected)
                status = 0
            finally:
                # What the end of an interpreter drops, without pytest's own end.
                vars(work).clear()
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def child() -> None:
        work.evaluate()
        assert ends(work.evaluate) == 0

    signal.alarm(PATIENCE)
    try:
        assert ends(child) == 0
    finally:
        signal.alarm(0)


def test_all_threads_are_of_pools_of_ours() -> None:
    """That of rayon, whose threads have no name, would not outlive a fork."""

    def names() -> set[str]:
        for name in ASKED:
            getattr(Work(2), name)()
        # A thread is called as the one that started it until it has named itself, and may end
        # while it is looked at.
        found = {comm(task) for task in Path("/proc/self/task").iterdir()}
        end = time.monotonic() + PATIENCE / 2
        while found - {""} != {"main", "strsbp"} and time.monotonic() < end:
            time.sleep(0.01)
            found = {comm(task) for task in Path("/proc/self/task").iterdir()}
        return found

    def comm(task: Path) -> str:
        if task.name == str(os.getpid()):
            return "main"
        try:
            return (task / "comm").read_text().partition("-")[0]
        except OSError:
            return ""

    assert in_child(names) - {""} == {"main", "strsbp"}
