"""The first run on data of one's own: it learns, or is told what is wrong before there is a run."""

import json

import numpy as np
import pytest
from command_line import strsbp

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import load_recipe

RECIPE = """
[data]
train = "mine.npz"
class_names = ["a", "b", "c", "d"]
[[layers]]
kind = "dense"
n = 20
[[layers]]
kind = "dense"
n = 3
"""


@pytest.fixture
def arrays(rng):
    """Values of 12 inputs and 3 classes: (x, y)."""
    return rng.random((60, 12)), np.arange(60) % 3


def test_starter_has_the_defaults_of_the_package():
    recipe = load_recipe("starter")
    assert recipe.encoder == sr.BernoulliEncoder()
    assert (recipe.optimizer, recipe.loss) == (sr.Adam(), sr.SoftmaxCrossEntropy())
    assert recipe.layers == (sr.Dense(100), sr.Dense(10))


def test_starter_learns_from_few_features(tmp_path):
    """Three clouds of points in four dimensions, far apart."""
    rng = np.random.default_rng(0)
    y = np.arange(75) % 3
    centres = np.array([[0.3, 0.3, 0.7, 0.5], [0.7, 0.3, 0.4, 0.5], [0.5, 0.7, 0.5, 0.5]])
    x = np.clip(centres[y] + 0.05 * rng.standard_normal((75, 4)), 0, 1)
    np.savez(tmp_path / "clouds.npz", x=x, y=y)
    flags = ["--epochs", 10, "--no-plots", "--quiet"]
    strsbp("train", "--data", tmp_path / "clouds.npz", "--out", tmp_path / "run", *flags)
    report = json.loads(strsbp("eval", tmp_path / "run", "--json"))
    assert report["accuracy"] >= 0.9


def test_more_names_than_outputs(arrays, tmp_path):
    x, y = arrays
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE)
    said = strsbp("train", path, "--out", tmp_path / "run", code=2)
    assert "data.class_names must be at most 3, the outputs (layers.1.n), got 4" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [np.nan, 1.5])
def test_values_that_no_encoder_takes(arrays, tmp_path, wrong):
    x, y = arrays
    x_train = x.copy()
    x_train[7, 2] = wrong
    np.savez(tmp_path / "mine.npz", x_train=x_train, y_train=y, x_test=x, y_test=y)
    said = strsbp("train", "--data", tmp_path / "mine.npz", "--out", tmp_path / "run", code=2)
    assert f"mine.npz: x_train[7, 2] must be in [0, 1], got {wrong}" in said
    assert not (tmp_path / "run").exists()


def test_names_in_place_of_classes(arrays, tmp_path):
    x, y = arrays
    names = np.array(["cat", "dog", "cow"])[y]
    np.savez(tmp_path / "mine.npz", x=x, y=names)
    said = strsbp("train", "--data", tmp_path / "mine.npz", code=2)
    assert "mine.npz has dtype <U3, expected integers; of names: names, y = np.unique(y, " in said
    np.save(tmp_path / "x.npy", x)
    said = strsbp("train", "--data", tmp_path / "x.npy", code=2)
    assert "strsbp train --set data.train_labels=FILE" in said
    np.save(tmp_path / "y.npy", y)
    setting = f"data.train_labels={tmp_path / 'y.npy'}"
    flags = ["--epochs", 1, "--no-plots", "--quiet", "--out", tmp_path / "run"]
    strsbp("train", "--data", tmp_path / "x.npy", "--set", setting, *flags)
    assert "samples with equal highest counts" in strsbp("eval", tmp_path / "run")
