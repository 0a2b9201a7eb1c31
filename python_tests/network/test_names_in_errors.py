"""Errors name what the user gave, in the user's words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr


def test_recorded_spikes_are_named_by_their_place() -> None:
    net = sr.Network(20, [sr.Dense(3), sr.Dense(4)])
    spikes = net.run(np.ones((10, 50, 20), bool)).spikes
    y = np.zeros(10, int)
    expected = re.escape("spikes[0] has shape (10, 50, 4), expected (n_samples, n_steps, n_in=20)")
    with pytest.raises(ValueError, match=f"^{expected}$"):
        sr.Trainer(net).step(spikes[::-1], y)
    with pytest.raises(ValueError, match=f"^{expected}$"):
        sr.gradients_from_spikes(net, spikes[::-1], y)
    with pytest.raises(
        ValueError, match=r"^spikes\[0\] has shape \(0, 50, 20\), expected at least"
    ):
        sr.Trainer(net).step([trains[:0] for trains in spikes], y[:0])


@pytest.mark.parametrize(("engine", "time"), [("clocked", "60 steps"), ("continuous", "60 ms")])
def test_potentials_are_refused_in_plain_words(engine: str, time: str) -> None:
    graph = sr.Graph()
    graph.add_population(2)
    simulator = sr.Simulator(graph, engine=engine)
    simulator.advance(ms=60)
    with pytest.raises(ValueError, match=f"set at the start, at time 0, got {time}$"):
        simulator.set_potentials(0, [0.0, 0.0])


@pytest.fixture
def net() -> sr.Network:
    return sr.Network(20, [sr.Dense(3)], encoder=sr.BernoulliEncoder(10))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (["a", "b"], "x has dtype <U1, expected truth values or numbers, got list of strings"),
        ("cats.npz", "x has dtype <U8, expected truth values or numbers, got 'cats.npz'"),
        (np.array([[None, 1]]), "x must be an array of numbers, got ndarray of NoneType"),
        (None, "x must be an array of numbers, got None"),
    ],
)
def test_samples_that_are_no_numbers(net: sr.Network, x: Any, message: str) -> None:
    for run in (net.predict, lambda x: sr.Trainer(net).evaluate(x, [0])):
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            run(x)


CURE = "names, y = np.unique(y, return_inverse=True)"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["cat", "dog"], f"y has dtype <U3, expected integers; of names: {CURE}"),
        (
            np.array(["cat", "dog"], object),
            f"y has dtype object, expected integers; of names: {CURE}",
        ),
        (None, "y must be given, integers (n_samples,), got None"),
        (np.array([0, 1], object), "y has dtype object, expected integers; give y.astype(int)"),
        ([0, None], "y has dtype object, expected integers, got NoneType in it"),
        (
            [[0.5, 1.0, 0.0], [0.0, 1.0, 1.0]],
            "y has dtype float64, expected integers; other targets than classes need a loss of "
            "your own (docs/guides/own-losses.md)",
        ),
    ],
)
def test_classes_that_are_no_integers(net: sr.Network, y: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        sr.Trainer(net).fit(np.ones((2, 20)), y, epochs=1, progress=False)


def test_classes_that_are_one_hot(net: sr.Network) -> None:
    cure = re.escape("expected (n_samples,); classes of rows that are one-hot are y.argmax(axis=1)")
    with pytest.raises(ValueError, match=cure):
        sr.Trainer(net).evaluate(np.ones((2, 20)), np.eye(3, dtype=int)[:2])


def test_a_loss_that_needs_targets_is_told_of_none(net: sr.Network) -> None:
    spikes = net.run(np.ones((2, 20))).spikes
    trainer = sr.Trainer(net, loss=lambda counts, targets: (counts - targets, counts))
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        trainer.step(spikes)
    assert caught.value.__notes__ == ["targets is None, as no y was given"]


def test_paths_that_are_none(net: sr.Network) -> None:
    for call in (net.save, sr.Network.load, net.to_fixed().save, sr.Trainer(net).save):
        with pytest.raises(TypeError, match=r"^path must be str or os.PathLike, got None$"):
            call(None)  # type: ignore[operator]
    with pytest.raises(TypeError, match=r"^checkpoint must be str or os.PathLike, got 3$"):
        sr.Trainer(net).fit(np.ones((2, 20)), [0, 1], epochs=1, checkpoint=3)  # type: ignore[arg-type]


def test_epochs_have_one_bound(net: sr.Network) -> None:
    for epochs in (-1, 0):
        with pytest.raises(
            ValueError, match=f"^epochs must be > 0, the epochs completed, got {epochs}$"
        ):
            sr.Trainer(net).fit(np.ones((2, 20)), [0, 1], epochs=epochs)


def test_targets_and_formats_are_told_apart(net: sr.Network) -> None:
    form = sr.fixed.loihi_format(du=400, dv=100, v_th=300)
    with pytest.raises(TypeError, match=r"got a Format: .* \(Graph.add_population\), and targets"):
        net.to_fixed(form)  # type: ignore[arg-type]
    graph = sr.Graph(dtype="int16")
    for target, kind in ((sr.Loihi(), "loihi"), ("loihi", "loihi"), ("cortex_m", "cortex_m")):
        with pytest.raises(TypeError, match=rf"neurons are made by sr\.fixed\.{kind}_format\("):
            graph.add_population(3, target)  # type: ignore[arg-type]
        assert callable(getattr(sr.fixed, f"{kind}_format"))
