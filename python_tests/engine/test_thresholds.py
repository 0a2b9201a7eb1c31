"""Thresholds of each channel and neuron: what scales with its threshold is the same neuron."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_cases import ENGINES

import strsbp_rs as sr

INIT = sr.Uniform(-0.3, 1.0)


def factors(n: int) -> tuple[float, ...]:
    """Powers of two, which change no rounding."""
    return tuple((1.0, 8.0, 0.25, 2.0, 0.5)[i % 5] for i in range(n))


def layers(differ: bool) -> list[Any]:
    """A convolution, windows, a recurrent layer and an output, thresholds times factors or not."""

    def v_th(value: float, n: int) -> Any:
        return np.array(factors(n)) * value if differ else value

    # The one weight of windows cannot be scaled.
    pool = [0.4] * 6 if differ else 0.4
    return [
        sr.Conv2d(6, (3, 2), v_th=v_th(2.0, 6), init=INIT, delay=sr.UniformDelay(0, 3)),
        sr.AvgPool2d(2, v_th=pool),
        sr.Recurrent(17, v_th=v_th(1.5, 17), init=INIT, recurrent_init=sr.Uniform(-0.2, 0.1)),
        sr.Dense(4, v_th=v_th(1.0, 4), init=INIT),
    ]


def scaled(net: sr.Network) -> sr.Network:
    """The network with every row of weights times its factor."""
    for_rows = []
    for weights in net.weights:
        rows = {}
        for name, array in weights.items():
            shape = (-1, *[1] * (array.ndim - 1))
            rows[name] = array * np.array(factors(len(array)), array.dtype).reshape(shape)
        for_rows.append(rows)
    net.set_weights(for_rows)
    return net


def pair(dtype: str = "float32") -> tuple[sr.Network, sr.Network]:
    """The same neurons, with one threshold a layer and with different ones."""
    one, each = (
        sr.Network((2, 7, 8), layers(differ), dtype=dtype, seed=5) for differ in (False, True)
    )
    return one, scaled(each)


def samples(rng: np.random.Generator) -> Any:
    return rng.random((6, 60, 2, 7, 8)) < 0.1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
def test_scaled_neurons_fire_alike(engine: str, dtype: str, rng: np.random.Generator) -> None:
    one, each = pair(dtype)
    x = samples(rng)
    found = each.run(x, engine=engine)
    assert min(trains.n_spikes for trains in found.spikes) > 50
    assert found.spikes == one.run(x, engine=engine).spikes
    for n_threads in (1, 5):
        counts = each.spike_counts(x, engine=engine, n_threads=n_threads)
        np.testing.assert_array_equal(counts, found.counts)


def test_potentials_scale(rng: np.random.Generator) -> None:
    one, each = pair("float64")
    chosen = {0: range(0, 210, 35), 2: range(17)}
    x = samples(rng)
    plain, of_each = (net.run(x, record_traces=chosen) for net in (one, each))
    for layer, n in ((0, 6), (2, 17)):
        times = np.array(factors(n))[None, None, :]
        np.testing.assert_array_equal(of_each.potential[layer], plain.potential[layer] * times)
        np.testing.assert_array_equal(of_each.current[layer], plain.current[layer] * times)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_scale_the_other_way(dtype: str, rng: np.random.Generator) -> None:
    x, y = samples(rng), [0, 1, 2, 3, 0, 1]
    rule = sr.StRsbp(silent_ratio=0.5, solver_tolerance=1e-12 if dtype == "float64" else 1e-6)
    plain, of_each = (sr.Trainer(net, rule=rule).gradients(x, y) for net in pair(dtype))
    assert of_each.loss == plain.loss
    for expected, found in zip(plain.weights, of_each.weights, strict=True):
        for name, array in expected.items():
            shape = (-1, *[1] * (array.ndim - 1))
            back = found[name] * np.array(factors(len(array)), array.dtype).reshape(shape)
            atol = (1e-9 if dtype == "float64" else 1e-4) * np.abs(array).max()
            assert atol > 0.0
            np.testing.assert_allclose(back, array, rtol=0.0, atol=atol)


@pytest.mark.parametrize(
    "target",
    [
        sr.QFormat(granularity="neuron", scale="max"),
        sr.CortexM(granularity="neuron", scale="max"),
        sr.Loihi(granularity="neuron", scale="max"),
    ],
    ids=lambda target: target.kind,
)
def test_integers_are_the_same(target: Any, rng: np.random.Generator) -> None:
    x = samples(rng)
    plain, of_each = (net.to_fixed(target) for net in pair())
    for expected, found in zip(plain.layers, of_each.layers, strict=True):
        np.testing.assert_array_equal(found.weight, expected.weight)
        np.testing.assert_array_equal(*np.broadcast_arrays(found.format.v_th, expected.format.v_th))
    spikes = plain.run(x).spikes
    assert spikes[-1].n_spikes > 10
    assert of_each.run(x).spikes == spikes


def test_integers_hold_each_threshold() -> None:
    """One scale for all weights: thresholds themselves differ, of channels those of all neurons."""
    _, each = pair()
    for target in (sr.QFormat(), sr.CortexM(), sr.Loihi(), sr.Spinnaker()):
        kernels, windows, recurrent, _ = each.to_fixed(target).layers
        v_th = np.reshape(kernels.format.v_th, (6, 35))
        assert (v_th == v_th[:, :1]).all()
        np.testing.assert_allclose(v_th[:, 0] / v_th[0, 0], factors(6), rtol=0.03)
        assert len(np.unique(windows.format.v_th)) == 1
        of_recurrent = np.array(recurrent.format.v_th)
        np.testing.assert_allclose(of_recurrent / of_recurrent[0], factors(17), rtol=0.03)


def test_training_and_its_files(tmp_path: Path, rng: np.random.Generator) -> None:
    """As one run and as two with a checkpoint between; through hardware too."""
    x, y = samples(rng), [0, 1, 2, 3, 0, 1]
    for hardware in (None, sr.QFormat(granularity="neuron")):
        given: dict[str, Any] = {"batch_size": 3, "hardware": hardware}
        path = tmp_path / "two.safetensors"
        straight, first = (sr.Trainer(pair()[1], **given) for _ in range(2))
        straight.fit(x, y, epochs=2, progress=False)
        first.fit(x, y, epochs=1, progress=False)
        first.save(path)
        second = sr.Trainer.load(path)
        assert second.network.layers == straight.network.layers
        second.fit(x, y, epochs=2, progress=False)
        for expected, found in zip(straight.network.weights, second.network.weights, strict=True):
            for name, array in expected.items():
                np.testing.assert_array_equal(found[name], array)
        assert (
            straight.network.weights[3]["weight"].tolist()
            != pair()[1].weights[3]["weight"].tolist()
        )


def test_files_copies_and_equality(tmp_path: Path) -> None:
    _, net = pair()
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert copied.layers == net.layers
    net.save(tmp_path / "net.safetensors")
    assert sr.Network.load(tmp_path / "net.safetensors").layers == net.layers
    layer = sr.Dense(3, v_th=np.array([1.0, 2.5, 4.0], np.float32))
    assert layer == sr.Dense(3, v_th=[1, 2.5, 4]) == eval(repr(layer), vars(sr))
    assert layer.v_th == (1.0, 2.5, 4.0) and hash(layer) == hash(copy.deepcopy(layer))
    assert layer != sr.Dense(3, v_th=[1, 2.5, 5])
    assert "v_th 0.25 to 8," in net.summary().splitlines()[4]
    assert "0.25 to 8" in net._repr_html_()


def test_graphs_hold_them(rng: np.random.Generator) -> None:
    """Of a population, potentials of which each neuron starts below its own threshold."""
    graph = sr.Graph(dtype="float64")
    source = graph.add_input(4)
    neurons = graph.add_population(3, sr.LIF(v_th=[1.0, 4.0, 0.5]))
    graph.connect(source, neurons, weight=0.4)
    graph = pickle.loads(pickle.dumps(graph))
    for engine in ENGINES:
        simulator = sr.Simulator(graph, engine=engine)
        simulator.set_potentials(1, [0.9, 3.9, 0.4])
        message = r"potentials\[2\] must be between .* and v_th = 0\.5, got 0\.6"
        with pytest.raises(ValueError, match=message):
            simulator.set_potentials(1, [0.9, 3.9, 0.6])
    with pytest.raises(
        ValueError, match="v_th must be one number, or one for each of the 2 neurons, got 3"
    ):
        graph.add_population(2, sr.LIF(v_th=[1.0, 4.0, 0.5]))
    one, other = (sr.Graph() for _ in range(2))
    one.add_population(2, sr.LIF(v_th=[1.0, 4.0]))
    other.add_population(2, sr.LIF(v_th=[1.0, 5.0]))
    state = sr.Simulator(one).state()
    with pytest.raises(ValueError):
        sr.Simulator(other).set_state(state)


WRONG: list[tuple[Any, Any, str]] = [
    ([1.0, -1.0], ValueError, r"Dense\.v_th\[1\] must be finite and > 0, got -1"),
    ([1.0, float("nan")], ValueError, r"Dense\.v_th\[1\] must be finite and > 0, got NaN"),
    ([], ValueError, r"Dense\.v_th must be a number, or one for each neuron or channel, got none"),
    (np.ones((2, 2)), ValueError, r"Dense\.v_th must be a number or a list .*, got shape \(2, 2\)"),
    ([[1.0, 2.0]], TypeError, r"Dense\.v_th\[0\] must be a number, got \[1\.0, 2\.0\]"),
    ([1.0, "2"], TypeError, r"Dense\.v_th\[1\] must be a number, got '2'"),
    ([True, 2.0], TypeError, r"Dense\.v_th\[0\] must be a number, got True"),
    ("high", TypeError, r"Dense\.v_th must be a number or a list of numbers, got 'high'"),
    ({1.0}, TypeError, r"Dense\.v_th must be a number or a list of numbers, got \{1\.0\}"),
    (None, TypeError, r"Dense\.v_th must be a number or a list of numbers, got None"),
]


@pytest.mark.parametrize(("v_th", "error", "message"), WRONG)
def test_what_is_no_threshold(v_th: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sr.Dense(2, v_th=v_th)


@pytest.mark.parametrize(
    ("layer", "n", "of"),
    [
        (sr.Conv2d(4, 3, v_th=[1.0] * 3), 4, "channels"),
        (sr.AvgPool2d(2, v_th=[1.0] * 3), 2, "channels"),
        (sr.Dense(5, v_th=[1.0] * 3), 5, "neurons"),
        (sr.Recurrent(2, v_th=[1.0] * 3), 2, "neurons"),
    ],
)
def test_lists_that_do_not_fit(layer: Any, n: int, of: str) -> None:
    message = (
        rf"layers\[1\]\.v_th must be one number, or one for each of the {n} {of}, got 3 numbers"
    )
    below = sr.Conv2d(2, 1)
    with pytest.raises(ValueError, match=message):
        sr.Network((1, 6, 6), [below, layer])
