"""Objects that are used while a call changes them: by callbacks, signal handlers, threads."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr

X = np.random.default_rng(1).random((600, 20, 10)) < 0.4
Y = np.arange(600) % 3


def make() -> tuple[sr.Network, sr.Trainer]:
    net = sr.Network(10, [sr.Recurrent(40, v_th=1.0), sr.Dense(3, v_th=1.0)], seed=1)
    return net, sr.Trainer(net, batch_size=8, n_threads=1)


def reads(net: sr.Network, trainer: sr.Trainer) -> dict[str, Callable[[], Any]]:
    """What only reads; of a trainer what it tells, of a network everything."""
    return {
        "epoch": lambda: trainer.epoch,
        "config": lambda: trainer.config,
        "history": lambda: trainer.history,
        "n_threads": lambda: trainer.n_threads,
        "hardware": lambda: trainer.hardware,
        "repr of trainer": lambda: repr(trainer),
        "weights": lambda: net.weights,
        "delays": lambda: net.delays,
        "n_out": lambda: net.n_out,
        "summary": lambda: net.summary(),
        "repr": lambda: repr(net),
        "predict": lambda: net.predict(X[:2], n_threads=1),
        "run": lambda: net.run(X[:2], n_threads=1),
        "to_fixed": lambda: net.to_fixed("loihi"),
        "graph": net.to_graph,
        "another trainer": lambda: sr.Trainer(net, n_threads=1).evaluate(X[:2], Y[:2]),
    }


def changes(net: sr.Network, trainer: sr.Trainer) -> dict[str, Callable[[], Any]]:
    """What changes the network or needs the trainer's buffers."""
    weights, delays = net.weights, net.delays
    recording = net.run(X[:4], n_threads=1)
    other = sr.Trainer(net, n_threads=1)
    return {
        "set_weights": lambda: net.set_weights(weights),
        "set_delays": lambda: net.set_delays(delays),
        "fit": lambda: trainer.fit(X, Y, epochs=9, progress=False),
        "gradients": lambda: trainer.gradients(X[:4], Y[:4]),
        "step": lambda: trainer.step(recording.spikes, Y[:4]),
        "fit of another": lambda: other.fit(X[:8], Y[:8], epochs=1, progress=False),
        "step of another": lambda: other.step(recording.spikes, Y[:4]),
    }


BUSY = r"the (trainer|network) is (in use|being changed|training): in another thread"


class OnBatch(sr.Callback):
    """Calls something at the first report of an epoch that has taken a step."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.ask, self.answers = ask, []

    def on_batch_end(self, trainer: sr.Trainer, progress: dict[str, Any]) -> None:
        if progress["samples_done"] > 0 and not self.answers:
            self.answers.append(self.ask())


def trained() -> list[dict[str, np.ndarray]]:
    net, trainer = make()
    trainer.fit(X, Y, epochs=1, progress=False)
    return net.weights


@pytest.mark.parametrize("name", reads(*make()))
def test_callbacks_may_read(name: str) -> None:
    """And what they read changes nothing, to the bit."""
    net, trainer = make()
    begin = net.weights
    callback = OnBatch(reads(net, trainer)[name])
    trainer.fit(X, Y, epochs=1, callbacks=[callback], progress=False)
    np.testing.assert_equal(net.weights, trained())
    (answer,) = callback.answers
    if name == "epoch":
        assert answer in (0, 1)
    if name == "weights":
        # Those of the last step, not of the start.
        assert not np.array_equal(answer[0]["weight"], begin[0]["weight"])


@pytest.mark.parametrize("name", changes(*make()))
def test_callbacks_may_not_change_what_is_trained(name: str) -> None:
    """They come by the clock: what they changed would never be the same again."""
    net, trainer = make()
    change = changes(net, trainer)[name]

    def refused() -> None:
        with pytest.raises(RuntimeError, match=BUSY):
            change()

    trainer.fit(X, Y, epochs=1, callbacks=[OnBatch(refused)], progress=False)
    np.testing.assert_equal(net.weights, trained())
    change()


class Epochs(sr.Callback):
    """Trains until told to stop; says when it has begun."""

    def __init__(self) -> None:
        self.begun, self.stop = threading.Event(), threading.Event()

    def on_batch_end(self, trainer: sr.Trainer, progress: dict[str, Any]) -> None:
        self.begun.set()
        if self.stop.is_set():
            raise InterruptedError


def test_other_threads_read_and_are_refused_to_change() -> None:
    net, trainer = make()
    asked, refused = reads(net, trainer), changes(net, trainer)
    until = Epochs()

    def fit() -> None:
        with pytest.raises(InterruptedError):
            trainer.fit(X, Y, epochs=10**6, callbacks=[until], progress=False)

    thread = threading.Thread(target=fit)
    thread.start()
    try:
        assert until.begun.wait(60)
        for _ in range(3):
            for ask in asked.values():
                ask()
        first = net.weights[0]["weight"]
        while np.array_equal(net.weights[0]["weight"], first):
            pass
        for name in ("set_weights", "set_delays", "gradients", "step", "step of another"):
            # Between two epochs nobody has the right to change.
            for _ in range(20):
                try:
                    refused[name]()
                except RuntimeError as error:
                    assert "in another thread" in str(error)
                    break
            else:
                pytest.fail(f"{name} was never refused")
    finally:
        until.stop.set()
        thread.join()


def test_two_trainers_of_two_threads() -> None:
    """Each has its network, and gives what it gives alone."""
    pairs = [make() for _ in range(2)]
    threads = [
        threading.Thread(target=trainer.fit, args=(X, Y), kwargs={"epochs": 1, "progress": False})
        for _, trainer in pairs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net, _ in pairs:
        np.testing.assert_equal(net.weights, trained())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_signal_handlers_may_read() -> None:
    """Python calls them from within a call that trains."""
    net, trainer = make()
    told: list[Any] = []

    def handler(signum: int, frame: object) -> None:
        told.extend(ask() for ask in reads(net, trainer).values())
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(InterruptedError):
            trainer.fit(X, Y, epochs=10**6, progress=False)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(told) == len(reads(net, trainer))


def test_a_graph_is_read_while_it_is_connected() -> None:
    graph = sr.Graph(seed=1)
    source, target = graph.add_input(3000), graph.add_population(3000)
    graph.connect(source, target, sr.FixedProbability(0.001))
    done = threading.Event()
    refused: list[str] = []

    def connect() -> None:
        graph.connect(source, target, sr.FixedInDegree(1000))
        done.set()

    thread = threading.Thread(target=connect)
    thread.start()
    while not done.is_set():
        assert len(graph.populations) == 2 and graph.dtype == np.float32
        assert sr.Simulator(graph, engine="event").now == 0
        try:
            graph._core.add_population("another", 1, None)
        except RuntimeError as error:
            refused.append(str(error))
    thread.join()
    message = (
        "the graph is being changed: in another thread, or around a callback or signal handler"
    )
    assert set(refused) <= {message}
    assert graph.projections[-1].n_synapses == 3_000_000
