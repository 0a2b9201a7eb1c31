"""Training through fixed-point arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo
from strsbp_rs.fixed._targets import Target

ENCODER = sr.BernoulliEncoder(n_steps=80, rate_scale=1 / 5.5)
TARGETS: list[Target] = [
    sr.QFormat(weight_bits=4),
    sr.Loihi(),
    sr.Spinnaker(),
    sr.CortexM(),
    sr.Xylo(enforce_limits=False),
]

# Xylo leaves the refractory time out.
pytestmark = pytest.mark.filterwarnings("ignore:.* t_ref = 2 ms:strsbp_rs.QuantizationWarning")


def network(dtype: str = "float32") -> sr.Network:
    layers = [
        sr.Dense(30, v_th=1.0, init=sr.Uniform()),
        sr.Recurrent(20, v_th=0.8, init=sr.Uniform(), recurrent_init=sr.Uniform()),
        sr.Dense(5, v_th=0.4, init=sr.Uniform()),
    ]
    return sr.Network(40, layers, seed=3, dtype=dtype)


def data(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.random((n, 40)), rng.integers(0, 5, n)


def trainer(net: sr.Network, hardware: Target | str | None, **options: Any) -> sr.Trainer:
    return sr.Trainer(net, encoder=ENCODER, batch_size=8, hardware=hardware, seed=7, **options)


def assert_equal(one: Sequence[Any], other: Sequence[Any]) -> None:
    for a, b in zip(one, other, strict=True):
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def rounded(net: sr.Network, fixed: sr.FixedNetwork) -> sr.Network:
    """The network whose weights the integers stand for."""
    copy = sr.Network(net.n_in, net.layers, dtype=str(net.dtype), seed=net.seed)
    weights = []
    for layer in fixed.layers:
        values = {"weight": layer.weight * layer.scale[:, None]}
        if layer.recurrent_weight is not None:
            values["recurrent_weight"] = layer.recurrent_weight * layer.scale[:, None]
        weights.append(values)
    copy.set_weights(weights)
    return copy


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_those_of_the_integers_spikes(target: Target, dtype: str) -> None:
    net, (x, y) = network(dtype), data()
    fixed = net.to_fixed(target)
    got = trainer(net, target).gradients(x, y)
    spikes = fixed.run(x, encoder=ENCODER, seed=7).spikes
    expected = sr.gradients_from_spikes(rounded(net, fixed), spikes, y)
    assert got.loss == expected.loss
    assert_equal(got.weights, expected.weights)
    assert np.abs(got.weights[0]["weight"]).max() > 0
    floats = trainer(net, None).gradients(x, y)
    assert np.any(floats.weights[0]["weight"] != got.weights[0]["weight"])


@pytest.mark.parametrize(
    "target", [None, *TARGETS], ids=lambda target: getattr(target, "kind", "float")
)
def test_a_step_from_recorded_spikes(target: Target | None) -> None:
    net, (x, y) = network(), data()
    one = trainer(net, target, optimizer=sr.SGD(lr=0.05), schedule=sr.Cosine(epochs=3))
    source: sr.Network | sr.FixedNetwork = net if target is None else net.to_fixed(target)
    if isinstance(source, sr.FixedNetwork):
        spikes = source.run(x, encoder=ENCODER, seed=1).spikes
        gradients = sr.gradients_from_spikes(rounded(net, source), spikes, y)
    else:
        spikes = source.run(x, encoder=ENCODER, seed=1).spikes
        gradients = sr.gradients_from_spikes(net, spikes, y)
    before = net.weights
    result = one.step(spikes, y)
    assert result.loss == gradients.loss and result.lr == 0.05
    norm = np.sqrt(
        sum(np.sum(g.astype(float) ** 2) for layer in gradients.weights for g in layer.values())
    )
    assert result.grad_norm == pytest.approx(norm, rel=1e-5)
    for old, grad, new in zip(before, gradients.weights, net.weights, strict=True):
        for key in old:
            np.testing.assert_allclose(new[key], old[key] - 0.05 * grad[key], rtol=1e-5, atol=1e-7)
    assert one.step(spikes, y, lr=0.0).lr == 0.0


def test_steps_that_are_refused_change_nothing() -> None:
    net, (x, y) = network(), data()
    one = trainer(net, "qformat")
    spikes = net.to_fixed().run(x, encoder=ENCODER).spikes
    before = net.weights
    for error, call in [
        (ValueError, lambda: one.step(spikes[:3], y)),
        (ValueError, lambda: one.step(spikes, y + 5)),
        (ValueError, lambda: one.step(spikes, y, lr=-1.0)),
        (ValueError, lambda: one.step(spikes, y, lr=float("nan"))),
        (TypeError, lambda: one.step(spikes, y, lr="fast")),  # type: ignore[arg-type]
        (TypeError, lambda: one.step([x] * 4, y)),  # type: ignore[list-item]
        (ValueError, lambda: one.step(spikes, y, sample_weight=np.full(len(y), -1.0))),
    ]:
        with pytest.raises(error):
            call()
    assert_equal(net.weights, before)


def test_threads_and_resumption_give_the_same_bits(tmp_path: Path) -> None:
    x, y = data(40)
    nets = []
    for n_threads in (1, 2):
        net = network()
        one = trainer(net, sr.QFormat(weight_bits=3, rounding="stochastic"), n_threads=n_threads)
        history = one.fit(x, y, epochs=4, validation_data=(x, y), progress=False)
        nets.append(net)
    assert_equal(nets[0].weights, nets[1].weights)
    net = network()
    one = trainer(net, sr.QFormat(weight_bits=3, rounding="stochastic"))
    one.fit(x, y, epochs=2, checkpoint=tmp_path / "c.safetensors", progress=False)
    resumed = sr.Trainer.load(tmp_path / "c.safetensors")
    assert resumed.hardware == one.hardware == sr.QFormat(weight_bits=3, rounding="stochastic")
    resumed.fit(x, y, epochs=4, progress=False)
    assert_equal(resumed.network.weights, nets[0].weights)
    assert len(history.epochs[0]["overflows"]) == 3


def test_evaluation_is_that_of_the_integers() -> None:
    net, (x, y) = network(), data()
    one = trainer(net, sr.QFormat(weight_bits=2, state_bits=8))
    result = one.evaluate(x, y, seed=5)
    fixed = net.to_fixed(one.hardware)  # type: ignore[arg-type]
    np.testing.assert_array_equal(result.counts, fixed.spike_counts(x, encoder=ENCODER, seed=5))
    assert result.overflows == fixed.overflows
    assert sum(lost.current + lost.membrane for lost in result.overflows) > 0
    assert trainer(net, None).evaluate(x, y).overflows == []


def test_training_through_two_bits_brings_accuracy_back() -> None:
    demo = load_demo()
    net = sr.Network(
        784,
        [sr.Dense(60, v_th=10.0, init=sr.Uniform()), sr.Dense(10, v_th=5.0, init=sr.Uniform())],
        seed=1,
    )
    options: dict[str, Any] = {
        "encoder": sr.BernoulliEncoder(n_steps=100, rate_scale=1 / 5.5),
        "loss": sr.SoftmaxCrossEntropy(),
        "optimizer": sr.Adam(lr=3e-3),
    }
    sr.Trainer(net, **options).fit(demo.x_train, demo.y_train, epochs=3, progress=False)
    through = sr.Trainer(net, hardware=sr.QFormat(weight_bits=2), **options)
    before = through.evaluate(demo.x_test, demo.y_test).accuracy
    through.fit(demo.x_train, demo.y_train, epochs=3, progress=False)
    after = through.evaluate(demo.x_test, demo.y_test).accuracy
    floats = sr.Trainer(net, **options).evaluate(demo.x_test, demo.y_test).accuracy
    assert after > before + 0.03
    assert after > 0.65
    # It is the integers that have learnt.
    assert floats < after + 0.05


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="hardware must be one of"):
        trainer(network(), "abacus")
    with pytest.raises(ValueError, match='engine must be "clocked" with hardware, got event'):
        trainer(network(), "loihi", engine="event")
    with pytest.raises(ValueError, match="weight_bits must be in"):
        trainer(network(), sr.QFormat(weight_bits=40))
    net = sr.Network(5000, [sr.Dense(3)])
    with pytest.raises(ValueError, match="4096 synapses"):
        trainer(net, "loihi")


def test_weights_that_are_no_longer_finite_are_told() -> None:
    x, y = data(40)
    one = trainer(network(), "qformat", optimizer=sr.SGD(lr=1e38))
    with pytest.raises(ValueError, match="try a lower lr"):
        one.fit(x, y, epochs=2, progress=False)
