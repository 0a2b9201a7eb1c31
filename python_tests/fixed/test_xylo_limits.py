"""What the chips of the Xylo family, and Loihi, have room for."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs import fixed

NO_REST = {"t_ref": 0.0}


def network(
    n_hidden: int = 20, n_out: int = 4, n_in: int = 12, is_recurrent: bool = True
) -> sr.Network:
    wide = sr.Uniform()
    if is_recurrent:
        hidden: sr.Recurrent | sr.Dense = sr.Recurrent(
            n_hidden, init=wide, recurrent_init=wide, **NO_REST
        )
    else:
        hidden = sr.Dense(n_hidden, init=wide, **NO_REST)
    return sr.Network(n_in, [hidden, sr.Dense(n_out, init=wide, **NO_REST)], seed=1)


def with_zeros(net: sr.Network, change: Callable[[list[dict[str, Any]]], None]) -> sr.Network:
    weights = net.weights
    change(weights)
    net.set_weights(weights)
    return net


STUDY = r"\(enforce_limits=False switches limits off, for study\)"


@pytest.mark.parametrize(
    ("device", "net", "message"),
    [
        ("audio3", network(n_in=784), r"n_in must be <= 16, the inputs of Xylo-Audio 3 .*got 784"),
        ("a1", network(n_in=17), rf"n_in must be <= 16, the inputs of Xylo-A1 {STUDY}, got 17"),
        ("audio2", network(1001), r"of 1 to 1000 neurons in all, the hidden ones of Xylo-Audio 2"),
        ("imu", network(497), r"of 1 to 496 neurons in all, the hidden ones of Xylo-IMU .*got 497"),
        ("audio2", network(n_out=9), r"last layer must be of at most 8 neurons, the outputs of"),
        ("audio3", network(n_out=33), r"of at most 32 neurons, the outputs of Xylo-Audio 3 .*33"),
        (
            "audio3",
            network(129, is_recurrent=False),
            r"neurons of layers\[0\] with weights from inputs must be among the first 128 .*",
        ),
        ("audio2", network(66), r"fan-out of neuron \d+ of layers\[0\] must be <= 64 synapses"),
        ("audio2", network(800, is_recurrent=False), None),
        ("audio3", network(128), None),
        ("a1", network(1000), None),
    ],
)
def test_chips_hold_so_much(device: fixed.Device, net: sr.Network, message: str | None) -> None:
    free = net.to_fixed(sr.Xylo(device=device, enforce_limits=False))
    assert free.target == sr.Xylo(device=device, enforce_limits=False)
    target = sr.Xylo(device=device)
    if message is None:
        for one, other in zip(net.to_fixed(target).layers, free.layers, strict=True):
            np.testing.assert_array_equal(one.weight, other.weight)
        return
    with pytest.raises(ValueError, match=message):
        net.to_fixed(target)
    with pytest.raises(ValueError, match=message):
        sr.Trainer(net, hardware=target)
    sr.Trainer(net, hardware=sr.Xylo(device=device, enforce_limits=False))


def test_weights_of_zero_take_no_room() -> None:
    def few_recurrent(weights: list[dict[str, Any]]) -> None:
        weights[0]["recurrent_weight"][64:] = 0

    net = with_zeros(network(66), few_recurrent)
    net.to_fixed(sr.Xylo(device="audio2"))

    # Inputs reach the first 128 of 200 hidden neurons, outputs receive spikes of the last 128.
    def in_reach(weights: list[dict[str, Any]]) -> None:
        weights[0]["weight"][128:] = 0
        weights[1]["weight"][:, : 200 - 128] = 0

    net = with_zeros(network(200), in_reach)
    # 200 x 199 synapses are more than 31,744.
    message = (
        rf"synapses among hidden neurons must be <= 31744 in all, as Xylo-IMU has them {STUDY}"
    )
    with pytest.raises(ValueError, match=message):
        net.to_fixed(sr.Xylo(device="imu"))

    def fewer(weights: list[dict[str, Any]]) -> None:
        weights[0]["recurrent_weight"][:60] = 0

    net = with_zeros(net, fewer)
    net.to_fixed(sr.Xylo(device="imu"))

    def one_too_early(weights: list[dict[str, Any]]) -> None:
        weights[1]["weight"][1, 71] = 1.0

    message = r"weights onto outputs must be among the last 128 hidden neurons.*got 71 of 200"
    with pytest.raises(ValueError, match=message):
        with_zeros(net, one_too_early).to_fixed(sr.Xylo(device="imu"))

    def one_too_late(weights: list[dict[str, Any]]) -> None:
        weights[0]["weight"][128, 3] = 1.0

    with pytest.raises(ValueError, match=r"weights from inputs must be among the first 128 .*128"):
        with_zeros(net, one_too_late).to_fixed(sr.Xylo(device="imu"))


def test_hidden_layers_share_a_shift_as_the_chip_has_one() -> None:
    layers = [
        sr.Recurrent(20, v_th=1.0, **NO_REST),
        sr.Dense(20, v_th=30.0, **NO_REST),
        sr.Dense(4, v_th=1.0, **NO_REST),
    ]
    net = sr.Network(12, layers, seed=1)

    def shifts(target: sr.Xylo) -> list[int]:
        held = net.to_fixed(target).layers
        return [held[0].step, held[1].step]

    own = shifts(sr.Xylo(enforce_limits=False))
    assert own[0] != own[1]
    assert shifts(sr.Xylo()) == [min(own)] * 2
    # A first layer that hears nothing of itself has its inputs' shift alone.
    layers[0] = sr.Dense(20, v_th=1.0, **NO_REST)
    net = sr.Network(12, layers, seed=1)
    assert shifts(sr.Xylo()) == shifts(sr.Xylo(enforce_limits=False))


def test_formats_carry_their_limits() -> None:
    """Of networks and graphs that are made by hand."""
    net = network()
    held = net.to_fixed("xylo").layers
    assert held[0].format.limits["inputs"] == 16 and held[0].format.limits["n"] == 992
    wide = network(n_in=17)
    layers = wide.to_fixed(sr.Xylo(enforce_limits=False)).layers
    assert "inputs" not in layers[0].format.limits and layers[0].format.limits["n"] is None
    assert layers[0].format.limits["input_spikes"] == 15
    sr.FixedNetwork(wide, layers)
    limited = [replace(layers[0], format=held[0].format), layers[1]]
    with pytest.raises(ValueError, match="n_in must be <= 16, the inputs that the hardware has"):
        sr.FixedNetwork(wide, limited)
    many = network(66)
    layers = many.to_fixed(sr.Xylo(device="audio2", enforce_limits=False)).layers
    form = network(66, is_recurrent=False).to_fixed(sr.Xylo(device="audio2")).layers[0].format
    with pytest.raises(ValueError, match=r"fan-out of neuron 0 of layers\[0\] must be <= 64"):
        sr.FixedNetwork(many, [replace(layers[0], format=form), layers[1]])

    hidden = fixed.xylo_format(v_th=10, dash_syn=2, dash_mem=2)
    graph = sr.Graph(dtype="int16")
    inputs, neurons = graph.add_input(17), graph.add_population(8, hidden)
    graph.connect(inputs, neurons, weight=1)
    with pytest.raises(ValueError, match="inputs must be <= 16 onto 'population 1', as the hard"):
        sr.Simulator(graph)
    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(17)
    graph.connect(inputs, graph.add_population(8, replace(hidden, limits={})), weight=1)
    sr.Simulator(graph)


def test_synapses_onto_outputs_are_not_of_the_fan_out() -> None:
    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(2)
    hidden = graph.add_population(64, fixed.xylo_format(v_th=10, dash_syn=2, dash_mem=2))
    output = graph.add_population(
        8, fixed.xylo_format(v_th=10, dash_syn=2, dash_mem=2, output=True)
    )
    graph.connect(inputs, hidden, weight=1)
    graph.connect(hidden, hidden, sr.AllToAll(self_loops=True), weight=1)
    graph.connect(hidden, output, weight=1)
    sr.Simulator(graph)


def test_limits_of_other_targets_can_be_switched_off() -> None:
    wide = sr.Network(5000, [sr.Dense(2)])
    with pytest.raises(ValueError, match="at most 4096 synapses onto a neuron"):
        wide.to_fixed("loihi")
    wide.to_fixed(sr.Loihi(enforce_limits=False))
    many = sr.Network(1, [sr.Dense(2**17), sr.Dense(1)])
    with pytest.raises(ValueError, match="layers must be of at most 131072 neurons in all"):
        many.to_fixed("loihi")
    slow = sr.Network(9, [sr.Dense(2, delay=20.0)])
    with pytest.raises(ValueError, match="delays of at most 15 steps"):
        slow.to_fixed("spinnaker")
    slow.to_fixed(sr.Spinnaker(enforce_limits=False))
    with pytest.raises(ValueError, match="delays of at most 0 steps"):
        sr.Network(9, [sr.Dense(9, delay=2.0), sr.Dense(2)]).to_fixed(sr.Xylo(enforce_limits=False))
    with pytest.raises(TypeError, match="enforce_limits must be True or False, got 1"):
        network().to_fixed(sr.Xylo(enforce_limits=1))  # type: ignore[arg-type]


def test_files_from_before_there_were_limits_are_readable(tmp_path: Path) -> None:
    """Their targets do not say, and their formats have no limit of inputs."""
    path = tmp_path / "old.safetensors"
    net = network(n_in=30)
    held = net.to_fixed(sr.Xylo(enforce_limits=False))
    held.save(path)
    forget(path, "enforce_limits")
    loaded = sr.FixedNetwork.load(path)
    assert loaded.target == sr.Xylo(enforce_limits=False)
    x = np.random.default_rng(1).random((3, 40, 30)) < 0.2
    np.testing.assert_array_equal(loaded.spike_counts(x), held.spike_counts(x))
    loaded.report(x)

    trainer = sr.Trainer(net, hardware=sr.Xylo(enforce_limits=False))
    trainer.save(path)
    forget(path, "enforce_limits")
    again = sr.Trainer.load(path)
    assert again.hardware == sr.Xylo(enforce_limits=False)
    again.fit(x, np.zeros(3, int), epochs=1, progress=False)

    # What Loihi refuses it did before.
    loihi = network()
    loihi.to_fixed("loihi").save(path)
    forget(path, "enforce_limits")
    assert sr.FixedNetwork.load(path).target == sr.Loihi()


def forget(path: Path, key: str) -> None:
    """Takes a key out of the JSON of a safetensors file."""
    data = path.read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + n])
    found = 0

    def without(value: Any) -> Any:
        nonlocal found
        if isinstance(value, dict):
            found += key in value
            return {name: without(each) for name, each in value.items() if name != key}
        return [without(each) for each in value] if isinstance(value, list) else value

    for name, text in header["__metadata__"].items():
        if key in text:
            header["__metadata__"][name] = json.dumps(without(json.loads(text)))
    assert found > 0
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + n :])
