"""Transmission delays: setting and keeping them, and nonsense in their place."""

import json
import pickle
import struct

import numpy as np
import pytest
from delayed import assert_same, drawn, make_network, trainer_of

import strsbp_rs as sr

NAN, INF = float("nan"), float("inf")


# Keeping them ----------------------------------------------------------------------------------


def set_some(network, rng):
    network.set_delays(
        [
            {key: rng.integers(0, 9, array.shape) * network.dt for key, array in layer.items()}
            for layer in network.delays
        ]
    )
    return network


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", ["none", "drawn", "set"])
def test_files_and_pickles(task, rng, tmp_path, dtype, how):
    x, _, encoder = task
    network = make_network(dtype=dtype) if how == "none" else drawn(dtype=dtype)
    if how == "set":
        set_some(network, rng)
    network.save(tmp_path / "net.safetensors")
    copies = [sr.Network.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(network))]
    for copy in copies:
        assert copy.layers == network.layers
        assert_same(copy.weights, network.weights)
        assert_same(copy.delays, network.delays)
        spikes = copy.run(x, encoder=encoder).spikes
        assert spikes == network.run(x, encoder=encoder).spikes
    # A copy of the copy: that delays were set is not forgotten.
    assert_same(pickle.loads(pickle.dumps(copies[0])).delays, network.delays)


def test_a_file_without_delays_says_nothing_of_them(tmp_path):
    make_network().save(tmp_path / "net.safetensors")
    assert b"delay" not in (tmp_path / "net.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (0.5, r"layers\.1\.rec_delay_steps\[2, 1\] must be a whole number of steps"),
        (-1.0, r"layers\.1\.rec_delay_steps\[2, 1\] must be finite and >= 0"),
        (NAN, r"layers\.1\.rec_delay_steps\[2, 1\] must be finite and >= 0"),
        (None, r"lacks the array 'layers\.1\.rec_delay_steps'"),
    ],
)
def test_damaged_files(rng, tmp_path, steps, message):
    path = tmp_path / "net.safetensors"
    set_some(make_network(dtype="float64"), rng).save(path)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    start = 8 + length + header["layers.1.rec_delay_steps"]["data_offsets"][0]
    if steps is None:
        content = content.replace(b"layers.1.rec_delay_steps", b"layers.1.rec_delay_stepX")
    else:
        struct.pack_into("<d", content, start + 8 * (2 * 18 + 1), steps)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        sr.Network.load(path)


def test_set_delays_are_those_of_synapses_that_exist(rng):
    network = drawn()
    weights, mask = network.weights, network.recurrent_mask(1)
    delays = [{key: rng.integers(0, 99, a.shape) for key, a in d.items()} for d in network.delays]
    network.set_delays(delays)
    np.testing.assert_array_equal(network.delays[0]["delay"], delays[0]["delay"])
    expected = np.where(mask, delays[1]["recurrent_delay"], 0)
    np.testing.assert_array_equal(network.delays[1]["recurrent_delay"], expected)
    np.testing.assert_array_equal(network.recurrent_mask(1), mask)
    assert_same(network.weights, weights)
    network.set_delays(network.delays)
    np.testing.assert_array_equal(network.delays[1]["recurrent_delay"], expected)


def test_set_delays_to_rounding(rng):
    network = sr.Network(3, [sr.Dense(2)], dt=0.1)
    network.set_delays([{"delay": [[0.1, 0.2, 0.3], [0.7, 1.1 - 1e-11, 0.0]]}])
    np.testing.assert_allclose(
        network.delays[0]["delay"], [[0.1, 0.2, 0.3], [0.7, 1.1, 0.0]], rtol=1e-15
    )


# Nonsense --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay", "error", "message"),
    [
        *[(v, ValueError, "must be finite and >= 0 ms, got") for v in (-1.0, NAN, INF)],
        (0.5, ValueError, "must be a whole number of steps of dt = 1 ms, got 0.5"),
        (2.0**25, ValueError, r"must be at most 2\^24 steps of dt = 1 ms, got 33554432"),
        ("long", TypeError, "delay must be a number or UniformDelay, got"),
        (None, TypeError, "delay must be a number or UniformDelay, got"),
        (lambda: sr.UniformDelay(3, 2), ValueError, r"\.high must be >= low = 3 ms, got 2"),
        (lambda: sr.UniformDelay(-1, 2), ValueError, r"\.low must be finite and >= 0 ms, got -1"),
        (
            lambda: sr.UniformDelay(0, INF),
            ValueError,
            r"\.high must be finite and >= 0 ms, got inf",
        ),
        (sr.UniformDelay(0.2, 0.8), ValueError, r"\.high must be at or above the next whole step"),
    ],
)
@pytest.mark.parametrize("field", ["delay", "recurrent_delay"])
def test_configured(field, delay, error, message):
    if error is ValueError:
        # What the time step has no part in is refused when it is made.
        owner = rf"layers\[1\]\.{field}|Recurrent\.{field}|UniformDelay"
        message = rf"({owner}).*{message}"
    with pytest.raises(error, match=message):
        delay = delay() if callable(delay) else delay
        sr.Network(3, [sr.Dense(2), sr.Recurrent(4, **{field: delay})])


def test_too_many_different_delays():
    layer = sr.Dense(200, delay=sr.UniformDelay(0, 1e5))
    with pytest.raises(
        ValueError, match=r"layers\[0\]\.delay must be of at most 1677 different values for 200 x"
    ):
        sr.Network(800, [layer])


def test_set_all_or_none():
    network = drawn()
    before = network.delays
    for change, message in [
        (lambda d: d.pop(), "delays must be a list of one dict for each of the 3 layers"),
        (
            lambda d: d[2].update(delay=np.zeros((3, 4))),
            r"delays\[2\]\['delay'\] has shape \(3, 4\), expected \(n_out=3, n_in=18\)",
        ),
        *[
            (
                lambda d, v=v: d[2]["delay"].__setitem__((0, 1), v),
                r"delays\[2\]\['delay'\]\[0, 1\] must be finite and >= 0 ms, got",
            )
            for v in (NAN, INF, -1.0)
        ],
        (
            lambda d: d[2]["delay"].__setitem__((2, 17), 1.5),
            r"delays\[2\]\['delay'\]\[2, 17\] must be a whole number of steps .*, got 1.5",
        ),
        (
            lambda d: d[1]["recurrent_delay"].__setitem__((5, 5), 2.0**25),
            r"delays\[1\]\['recurrent_delay'\]\[5, 5\] must be at most 2\^24 steps",
        ),
        (
            lambda d: d[2].update(recurrent_delay=np.zeros((3, 3))),
            r"delays\[2\] .*key 'recurrent_delay'",
        ),
        (
            lambda d: d[1].pop("recurrent_delay"),
            r"\['recurrent_delay'\] must be an array, got nothing",
        ),
    ]:
        delays = network.delays
        delays[0]["delay"][:] = 7.0
        change(delays)
        with pytest.raises(ValueError, match=message):
            network.set_delays(delays)
        assert_same(network.delays, before)


def test_trainers_refuse_other_delays_than_they_were_made_with(task, tmp_path):
    x, y, encoder = task
    network = make_network()
    trainer = trainer_of(network, encoder)
    trainer.fit(x, y, epochs=1, progress=False)
    old, weights = network.delays, network.weights
    existing = tuple(np.argwhere(network.recurrent_mask(1))[0])
    for layer, key, synapse in [(0, "delay", (1, 2)), (1, "recurrent_delay", existing)]:
        delays = network.delays
        # One synapse, or all: the second leaves the shape of every buffer.
        for at in (synapse, ...):
            delays[layer][key][at] = 3.0
            network.set_delays(delays)
            for call in (
                lambda: trainer.fit(x, y, epochs=2, progress=False),
                lambda: trainer.gradients(x, y),
                lambda: trainer.save(tmp_path / "refused"),
            ):
                with pytest.raises(ValueError, match=rf"delays of layers\[{layer}\] must be as"):
                    call()
        network.set_delays(old)
    assert_same(network.weights, weights)
    assert trainer.epoch == 1 and not list(tmp_path.iterdir())
    trainer.fit(x, y, epochs=2, progress=False)


@pytest.mark.parametrize("delay", [-1.0, 0.5, NAN])
def test_s_psp(delay):
    trains = sr.SpikeTrains.from_dense(np.ones((1, 9, 2), np.bool_))
    with pytest.raises(ValueError, match=r"^delay must be"):
        sr.s_psp(trains, trains, tau_m=64.0, tau_s=8.0, t_ref=2.0, delay=delay)
