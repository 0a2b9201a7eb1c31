"""Networks in floating point and in fixed point are one kind of thing to those who run them."""

from __future__ import annotations

import inspect
import pathlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backends import Layered

import strsbp_rs as sr

METHODS = (
    *("run", "spike_counts", "predict", "evaluate"),
    *("to_graph", "summary", "save"),
)
PROPERTIES = ("n_in", "in_shape", "shapes", "n_out", "dt", "encoder", "class_names")


def test_signatures_are_those_of_the_protocol() -> None:
    declared = {name for name in vars(sr.SpikingNetwork) if not name.startswith("_")}
    assert declared == {*METHODS, *PROPERTIES}
    for kind in (sr.Network, sr.FixedNetwork):
        for name in METHODS:
            expected = inspect.signature(getattr(sr.SpikingNetwork, name))
            found = inspect.signature(getattr(kind, name))
            assert list(found.parameters.values()) == list(expected.parameters.values()), name
            assert found.return_annotation == expected.return_annotation, name
        for name in PROPERTIES:
            assert isinstance(inspect.getattr_static(kind, name), property), name


def test_the_classes_load_and_the_protocol_does_not() -> None:
    """Which class a file is of, no protocol can tell."""
    assert not hasattr(sr.SpikingNetwork, "load")
    loads = [inspect.signature(kind.load).parameters for kind in (sr.Network, sr.FixedNetwork)]
    assert loads[0] == loads[1]


def test_isinstance_tells_networks() -> None:
    net = sr.Network(2, [sr.Dense(3)])
    assert isinstance(net, sr.SpikingNetwork) and isinstance(net.to_fixed(), sr.SpikingNetwork)
    assert not isinstance(net.to_graph(), sr.SpikingNetwork)


def takes_any(network: sr.SpikingNetwork, x: Any) -> tuple[int, ...]:
    """For mypy: both kinds are of the protocol's type."""
    return network.spike_counts(x).shape


def test_both_are_of_the_protocols_type(small: Any) -> None:
    make_network, encoder, x, _ = small
    net: sr.Network = make_network(encoder=encoder, class_names=("a", "b"))
    fixed: sr.FixedNetwork = net.to_fixed()
    assert takes_any(net, x) == takes_any(fixed, x) == (60, 3)
    for name in PROPERTIES:
        assert getattr(net, name) == getattr(fixed, name)


def test_evaluation_is_that_of_the_run(small: Any, layered: Layered) -> None:
    make_network, encoder, x, y = small
    held = layered.holds(make_network())
    options = {"encoder": encoder, "seed": 4}
    run, found = held.run(x, **options), held.evaluate(x, y, **options)
    np.testing.assert_array_equal(found.counts, run.counts)
    np.testing.assert_array_equal(found.predictions, run.counts.argmax(axis=1))
    assert found.accuracy == np.mean(found.predictions == y)
    assert (found.engine, found.overflows) == (run.engine, run.overflows)
    for trains, rate, silent in zip(
        run.spikes[1:], found.firing_rate, found.silent_neurons, strict=True
    ):
        assert rate == pytest.approx(trains.n_spikes / np.prod(trains.shape), rel=1e-12)
        assert silent == np.count_nonzero(trains.counts().sum(axis=0) == 0)
    assert np.isnan(found.loss) and "loss" not in repr(found)
    assert found.samples_per_s > 0


@pytest.mark.parametrize("loss", [sr.SoftmaxCrossEntropy(3.0), sr.CountMSE(9, 2), "count_mse"])
@pytest.mark.parametrize("hardware", [None, "qformat"])
def test_evaluation_is_that_of_a_trainer(small: Any, loss: Any, hardware: str | None) -> None:
    make_network, encoder, x, y = small
    net = make_network()
    trainer = sr.Trainer(net, encoder=encoder, loss=loss, hardware=hardware, seed=5)
    expected = trainer.evaluate(x, y)
    network: sr.SpikingNetwork = net if hardware is None else net.to_fixed(hardware)
    found = network.evaluate(x, y, encoder=encoder, loss=loss, seed=5)
    for name in ("loss", "accuracy", "firing_rate", "silent_neurons", "overflows", "engine"):
        assert getattr(found, name) == getattr(expected, name), name
    np.testing.assert_array_equal(found.counts, expected.counts)


def squared_error(counts: Any, targets: Any) -> tuple[Any, Any]:
    error = counts - targets
    return 0.5 * (error**2).sum(axis=1), error


def test_losses_of_the_users_own(small: Any, layered: Layered) -> None:
    make_network, encoder, x, _ = small
    held = layered.holds(make_network())
    targets = np.arange(180.0).reshape(60, 3)
    found = held.evaluate(x, targets, encoder=encoder, loss=squared_error)
    assert found.accuracy is None
    expected = 0.5 * np.sum((found.counts - targets) ** 2) / 60
    assert found.loss == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"y has shape \(59, 3\), expected n_samples=60 targets"):
        held.evaluate(x, targets[:59], encoder=encoder, loss=squared_error)


def test_files_give_the_same_network(small: Any, layered: Layered, tmp_path: pathlib.Path) -> None:
    make_network, encoder, x, _ = small
    held = layered.holds(make_network(encoder=encoder, class_names=("a", "b", "c")))
    held.network.save(tmp_path / "net.safetensors")
    read = type(held.network).load(tmp_path / "net.safetensors")
    assert read.summary() == held.network.summary()
    assert (read.encoder, read.class_names) == (encoder, ("a", "b", "c"))
    np.testing.assert_array_equal(read.spike_counts(x, engine=held.engine), held.spike_counts(x))


def test_overflows_are_those_of_the_run(small: Any) -> None:
    """Not of all runs, which `FixedNetwork.overflows` holds."""
    make_network, encoder, x, _ = small
    net = make_network()
    narrow = [
        replace(layer, format=replace(layer.format, current_bits=8))
        for layer in net.to_fixed().layers
    ]
    fixed = sr.FixedNetwork(net, narrow)
    few, all_of_them = (fixed.run(x[:n], encoder=encoder).overflows for n in (5, 60))
    lost = [sum(layer.current + layer.membrane for layer in run) for run in (few, all_of_them)]
    assert 0 < lost[0] < lost[1]
    total = [layer.current + layer.membrane for layer in fixed.overflows]
    assert sum(total) == sum(lost)
    assert net.run(x[:5], encoder=encoder).overflows == []


@pytest.mark.parametrize("engine", ["event", "continuous"])
def test_engines_that_fixed_point_has_none_of(small: Any, engine: str) -> None:
    make_network, encoder, x, y = small
    fixed = make_network().to_fixed()
    message = f"engine must be 'clocked' or 'auto' in fixed point, got '{engine}'"
    for run in (fixed.run, fixed.spike_counts, fixed.predict):
        with pytest.raises(ValueError, match=message):
            run(x, encoder=encoder, engine=engine)
    with pytest.raises(ValueError, match=message):
        fixed.evaluate(x, y, encoder=encoder, engine=engine)
    assert fixed.run(x, encoder=encoder, engine="auto").engine == "clocked"


def test_traces_need_spikes(small: Any, layered: Layered) -> None:
    make_network, encoder, x, _ = small
    held = layered.holds(make_network())
    with pytest.raises(ValueError, match="record_spikes must be True with record_traces"):
        held.run(x, encoder=encoder, record_spikes=False, record_traces={0: [0]})
