"""The command line keeps the best checkpoint beside the last."""

import json

import numpy as np
import pytest
from command_line import strsbp

import strsbp_rs as sr

RECIPE = """
[data]
name = "demo"
limit_train = 96
limit_test = 40
[encoder]
n_steps = 40
[[layers]]
kind = "dense"
n = 30
v_th = 5.0
[[layers]]
kind = "dense"
n = 10
v_th = 3.0
[loss]
kind = "count_mse"
target = 12.0
other = 2.0
[optimizer]
kind = "adam"
lr = LR
[rule]
post_coupling = "closed_form"
[train]
epochs = 6
batch_size = 16
"""


@pytest.fixture
def run(tmp_path):
    """A run whose last epoch is not the best: (folder, validation accuracies)."""
    path = tmp_path / "run"
    recipe = tmp_path / "small.toml"
    # So large a step that accuracy goes up and down.
    recipe.write_text(RECIPE.replace("LR", "0.05"))
    strsbp("train", recipe, "--out", path, "--no-plots", "--quiet")
    lines = (path / "metrics.jsonl").read_text().splitlines()
    scores = [json.loads(line)["val_accuracy"] for line in lines]
    assert (path / "best.safetensors").exists()
    assert int(np.argmax(scores)) != len(scores) - 1, scores
    return path, scores


def weights(network):
    return np.concatenate([array.ravel() for layer in network.weights for array in layer.values()])


def test_eval_quantize_and_init_take_the_best_checkpoint(run, tmp_path):
    path, scores = run
    best, epoch = path / "best.safetensors", int(np.argmax(scores)) + 1
    last = json.loads(strsbp("eval", path, "--json"))
    assert (last["epoch"], last["accuracy"]) == (6, scores[-1])
    report = json.loads(strsbp("eval", best, "--json"))
    assert (report["epoch"], report["accuracy"]) == (epoch, scores[epoch - 1])
    out = tmp_path / "q.safetensors"
    flags = ["--set", "state_bits=32", "--json", "--out", out]
    report = json.loads(strsbp("quantize", best, *flags))
    assert report["accuracy"] == scores[epoch - 1]
    held = weights(sr.FixedNetwork.load(out).network)
    np.testing.assert_array_equal(held, weights(sr.Network.load(best)))
    assert "30 neurons" in strsbp("info", best)
    further = tmp_path / "further"
    strsbp("train", "--init", best, "--epochs", 1, "--out", further, "--no-plots", "--quiet")
    assert json.loads(strsbp("eval", further, "--json"))["epoch"] == 1


def test_resuming_keeps_the_best(run, tmp_path):
    path, scores = run
    epoch = int(np.argmax(scores)) + 1
    half = tmp_path / "half"
    flags = ["--no-plots", "--quiet"]
    strsbp("train", tmp_path / "small.toml", "--out", half, "--epochs", epoch, *flags)
    best = half / "best.safetensors"
    assert sr.Trainer.load(best).epoch == epoch
    # As if the process had been killed between the two checkpoints of its last epoch.
    best.unlink()
    strsbp("train", "--resume", half, "--epochs", 6, *flags)
    assert sr.Trainer.load(half / "checkpoint.safetensors").epoch == 6
    assert sr.Trainer.load(best).epoch == epoch
    np.testing.assert_array_equal(
        weights(sr.Network.load(best)), weights(sr.Network.load(path / best.name))
    )
