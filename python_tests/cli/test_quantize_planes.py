"""Kernels and windows brought to fixed point, and trained through it, on the command line."""

import json

import numpy as np
from command_line import strsbp

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo

RECIPE = """
[data]
name = "demo"
limit_train = 64
limit_test = 30
[encoder]
n_steps = 30
[[layers]]
kind = "conv2d"
channels = 4
kernel = 5
stride = 3
v_th = 5.0
[[layers]]
kind = "avg_pool2d"
kernel = 2
[[layers]]
kind = "dense"
n = 10
v_th = 3.0
[train]
epochs = 1
"""


def test_quantize_and_train_through_kernels(tmp_path):
    recipe, out, through = tmp_path / "cnn.toml", tmp_path / "run", tmp_path / "through"
    recipe.write_text(RECIPE)
    strsbp("train", recipe, "--out", out, "--no-plots", "--quiet")
    report = json.loads(strsbp("quantize", out, "--target", "loihi", "--json"))
    held = sr.FixedNetwork.load(out / "loihi.safetensors")
    assert held.layers[0].weight.shape == (4, 1, 5, 5) and held.shapes[0] == (4, 8, 8)
    data, encoder = load_demo(), sr.BernoulliEncoder(n_steps=30)
    predictions = held.predict(data.x_test[:30], encoder=encoder)
    assert report["fixed_accuracy"] == np.mean(predictions == data.y_test[:30])
    assert "avg_pool2d 4 x 4 x 4 neurons" in strsbp("info", out / "loihi.safetensors")
    said = strsbp("quantize", out, "--target", "xylo", code=2)
    assert "layers[0] must be dense or recurrent on Xylo-Audio 3" in said
    flags = ["--hardware", "qformat", "--set", "hardware.granularity=neuron", "--epochs", 1]
    strsbp("train", "--init", out, *flags, "--out", through, "--no-plots", "--quiet")
    report = json.loads(strsbp("eval", through, "--json"))
    assert len(report["overflows"]) == 3 and min(report["firing_rate"]) > 0.0
