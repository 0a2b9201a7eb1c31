"""Files of the right form with numbers that no network of ours holds."""

import json
import struct

import numpy as np
import pytest

import strsbp_rs as sr


def edit(path, name, change):
    """Changes an array of a safetensors file in place."""
    raw = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", raw[:8])
    entry = json.loads(raw[8 : 8 + length])[name]
    dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    array = np.frombuffer(raw[begin:end], dtype).reshape(entry["shape"]).copy()
    change(array)
    raw[begin:end] = array.tobytes()
    path.write_bytes(bytes(raw))


def set_to(value, at=(0, 0)):
    def change(array):
        array[at] = value

    return change


@pytest.fixture(params=["float32", "float64"])
def network(request):
    layers = [sr.Recurrent(5, mask=sr.Sparse(0.5)), sr.Dense(2)]
    return sr.Network(3, layers, dtype=request.param, seed=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "name", ["layers.0.weight", "layers.0.recurrent_weight", "layers.1.weight"]
)
def test_weights_that_are_not_finite(network, name, value, tmp_path):
    path = tmp_path / "network.safetensors"
    network.save(path)
    at = (0, 0)
    if "recurrent" in name:
        at = tuple(int(i) for i in np.argwhere(network.recurrent_mask(0))[0])
    edit(path, name, set_to(value, at))
    with pytest.raises(ValueError, match=rf"network.safetensors: {name}\b.*finite"):
        sr.Network.load(path)


def test_a_weight_where_no_synapse_exists(network, tmp_path):
    path = tmp_path / "network.safetensors"
    network.save(path)
    at = tuple(int(i) for i in np.argwhere(~network.recurrent_mask(0))[0])
    edit(path, "layers.0.recurrent_weight", set_to(0.5, at))
    with pytest.raises(ValueError, match=r"layers.0.recurrent_weight.*synapse"):
        sr.Network.load(path)


@pytest.mark.parametrize("moment", ["first", "second"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_moments_that_are_not_finite(network, moment, value, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    sr.Trainer(network, n_threads=1).save(path)
    edit(path, f"optimizer.{moment}.layers.1.weight", set_to(value))
    with pytest.raises(ValueError, match=rf"optimizer.{moment}.layers.1.weight.*finite"):
        sr.Trainer.load(path, n_threads=1)
    # The network of it is whole.
    assert sr.Network.load(path).n_out == 2
