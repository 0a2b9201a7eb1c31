"""Data of one's own: in files, from a function, and on the command line."""

import json
import sys

import numpy as np
import pytest
from command_line import strsbp

import strsbp_rs as sr
from strsbp_rs import datasets
from strsbp_rs.recipes._recipe import load_recipe
from strsbp_rs.training._data import load_data, load_test_data

RECIPE = """
[data]
train = "{train}"
{more}
[encoder]
n_steps = 30
[[layers]]
kind = "dense"
n = 20
v_th = 1.0
[[layers]]
kind = "dense"
n = 3
v_th = 1.0
[loss]
kind = "softmax_cross_entropy"
[train]
epochs = 2
"""


@pytest.fixture
def arrays(rng):
    """A learnable task of 12 inputs and 3 classes: (x, y)."""
    y = np.arange(60) % 3
    x = np.clip(rng.random((3, 12))[y] + 0.1 * rng.standard_normal((60, 12)), 0, 1)
    return x, y


def test_npz_with_four_arrays(arrays, tmp_path):
    x, y = arrays
    path = tmp_path / "task.npz"
    np.savez(path, x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    data = datasets.from_files(path, class_names=("a", "b", "c"))
    np.testing.assert_array_equal(data.x_train, x[:40])
    np.testing.assert_array_equal(data.y_test, y[40:])
    assert (data.name, data.n_in, data.class_names) == ("task", 12, ("a", "b", "c"))
    assert data.image_shape is None


def test_a_share_is_kept_for_testing(arrays, tmp_path):
    x, y = arrays
    np.savez(tmp_path / "a.npz", x=x, y=y)
    data = datasets.from_files(tmp_path / "a.npz", test_share=0.25, seed=3)
    assert (len(data.y_train), len(data.y_test)) == (45, 15)
    rows = {row.tobytes() for row in x}
    assert {row.tobytes() for part in (data.x_train, data.x_test) for row in part} == rows
    for part, labels in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        for row, label in zip(part, labels, strict=True):
            assert y[np.flatnonzero((x == row).all(axis=1))[0]] == label
    again = datasets.from_files(tmp_path / "a.npz", test_share=0.25, seed=3)
    np.testing.assert_array_equal(data.x_test, again.x_test)
    other = datasets.from_files(tmp_path / "a.npz", test_share=0.25, seed=4)
    assert (data.x_test != other.x_test).any()


def test_npy_files_with_labels_beside(arrays, tmp_path):
    x, y = arrays
    for name, array in (("x", x[:40]), ("y", y[:40]), ("xt", x[40:]), ("yt", y[40:])):
        np.save(tmp_path / f"{name}.npy", array)
    data = datasets.from_files(
        tmp_path / "x.npy",
        tmp_path / "xt.npy",
        train_labels=tmp_path / "y.npy",
        test_labels=tmp_path / "yt.npy",
    )
    np.testing.assert_array_equal(data.x_test, x[40:])
    np.testing.assert_array_equal(data.y_train, y[:40])
    with pytest.raises(ValueError, match=r"x.npy has no classes: .* train_labels must name"):
        datasets.from_files(tmp_path / "x.npy")


def test_images_are_flattened_and_remembered(tmp_path):
    x = np.arange(5 * 6 * 4, dtype=np.uint8).reshape(5, 6, 4)
    np.savez(tmp_path / "a.npz", x=x, y=np.zeros(5, int))
    data = datasets.from_files(tmp_path / "a.npz", test_share=None)
    assert data.image_shape == (6, 4)
    np.testing.assert_array_equal(data.x_train, x.reshape(5, 24))


def test_spikes_in_files(rng, tmp_path):
    counts = rng.integers(0, 3, (4, 7, 5)).astype(np.uint8)
    y = np.arange(4) % 2
    sr.SpikeTrains.from_counts(counts).save(tmp_path / "s.safetensors")
    np.save(tmp_path / "y.npy", y)
    np.savez(tmp_path / "s.npz", x=counts, y=y)
    np.savez(tmp_path / "b.npz", x=counts > 0, y=y)
    found = {
        "safetensors": datasets.from_files(
            tmp_path / "s.safetensors", train_labels=tmp_path / "y.npy", test_share=None
        ),
        "counts": datasets.from_files(tmp_path / "s.npz", spikes=True, test_share=None),
        "bool": datasets.from_files(tmp_path / "b.npz", test_share=None),
    }
    for name, data in found.items():
        expected = counts > 0 if name == "bool" else counts
        got = np.stack([data.x_train[i : i + 1].counts() for i in range(4)])[:, 0]
        np.testing.assert_array_equal(got, expected.sum(axis=1))
        assert data.n_in == 5


def test_events_in_a_file(tmp_path):
    events = np.array(
        [(1, 4, 2), (0, 3, 0), (1, 0, 1), (0, 5, 2)],
        dtype=[("sample", "i4"), ("t", "i8"), ("x", "i2")],
    )
    events = events[np.argsort(events["t"], kind="stable")]
    np.savez(tmp_path / "e.npz", x=events, y=np.array([0, 1, 0]))
    data = datasets.from_files(tmp_path / "e.npz", n_steps=6, sensor_size=[3], test_share=None)
    dense = data.x_train.to_dense()
    assert dense.shape == (3, 6, 3)
    assert {tuple(int(i) for i in at) for at in np.argwhere(dense)} == {
        (0, 3, 0),
        (0, 5, 2),
        (1, 0, 1),
        (1, 4, 2),
    }
    pixels = np.zeros(4, [*events.dtype.descr, ("y", "i2"), ("p", "?")])
    for key in ("sample", "t"):
        pixels[key] = events[key]
    pixels["x"], pixels["y"], pixels["p"] = [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0]
    np.savez(tmp_path / "p.npz", x=pixels, y=np.array([0, 1, 0]))
    options = {"n_steps": 6, "sensor_size": [2, 2, 2], "test_share": None}
    data = datasets.from_files(tmp_path / "p.npz", **options)
    for event in pixels:
        pixel = event["x"] + 2 * (event["y"] + 2 * event["p"])
        assert pixel in data.x_train[int(event["sample"])].to_events()[0]["x"]
    assert data.x_train.n_spikes == 4
    with pytest.raises(ValueError, match=r"x_train holds events: data.n_steps and"):
        datasets.from_files(tmp_path / "e.npz", test_share=None)
    np.savez(tmp_path / "e.npz", x=events, y=np.array([0]))
    with pytest.raises(ValueError, match=r"sample must be in \[0, 1\), the classes, got 1"):
        datasets.from_files(tmp_path / "e.npz", n_steps=6, sensor_size=[3], test_share=None)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((3, 2))}, "has no classes"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(2, int)}, "x_train has 3 samples, expected 2"),
        ({"x": np.zeros((3, 2)), "y": np.array([0, -1, 0])}, "has class -1, expected classes >= 0"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(3, int), "z": np.zeros(1)}, "unknown array 'z'"),
        (
            {
                "x_train": np.zeros((3, 2)),
                "y_train": np.zeros(3, int),
                "x_test": np.zeros((3, 4)),
                "y_test": np.zeros(3, int),
            },
            "x_test has 4 inputs, expected 2 as x_train",
        ),
        ({"x": np.zeros((1, 2)), "y": np.zeros(1, int)}, "test_share must leave samples"),
        ({"x": np.zeros(3), "y": np.zeros(3, int)}, r"x_train has shape \(3,\), expected"),
    ],
)
def test_what_a_file_lacks(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        datasets.from_files(tmp_path / "a.npz")


def test_files_never_run_code(tmp_path):
    """A pickle in a file, or the name of a function in a recipe, is refused."""
    np.save(tmp_path / "p.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"p.npy: is not a whole .npy file of plain arrays"):
        datasets.from_files(tmp_path / "p.npy")
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\n")
    path = tmp_path / "evil.toml"
    path.write_text('[data]\nname = "evil:load"\n[[layers]]\nkind = "dense"\nn = 2\n')
    assert "name it again, with --data evil:load" in strsbp("train", path, code=2)


def test_damaged_files_are_named(tmp_path):
    for name in ("a.npz", "a.npy", "a.csv"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 nothing")
        with pytest.raises(ValueError, match=name):
            datasets.from_files(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        datasets.from_files(tmp_path / "b.npz")


@pytest.fixture
def module(tmp_path, monkeypatch, arrays):
    """A module with functions that return data."""
    x, y = arrays
    np.savez(tmp_path / "kept.npz", x=x, y=y)
    path = tmp_path / "own_data_module.py"
    path.write_text(
        "import pathlib, numpy as np\n"
        "from strsbp_rs import datasets\n"
        "with np.load(pathlib.Path(__file__).with_name('kept.npz')) as a:\n"
        "    x, y = a['x'], a['y']\n"
        "def pair(): return x, y\n"
        "def four(): return x[:40], y[:40], x[40:], y[40:]\n"
        "def named(): return {'x': x, 'y': y}\n"
        "def whole(): return datasets.from_arrays({'x_train': x, 'y_train': y}, name='w',"
        " source='s')\n"
        "def wrong(): return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    yield path
    sys.modules.pop("own_data_module", None)


def test_parts_of_arrays():
    rng = np.random.default_rng(2)
    parts = {"x_train": rng.random((8, 2, 3)), "y_train": np.arange(8) % 3}
    parts |= {"x_test": rng.random((4, 2, 3)), "y_test": np.arange(4) % 2}
    made = {"name": "n", "source": "s"}
    data = datasets.from_arrays(parts, **made)
    assert (data.name, data.source, data.licence) == ("n", "s", "the user's")
    assert data.image_shape == (2, 3) and data.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(data.x_train, parts["x_train"].reshape(8, 6))
    np.testing.assert_array_equal(data.x_test, parts["x_test"].reshape(4, 6))
    for part in ("y_train", "y_test"):
        np.testing.assert_array_equal(getattr(data, part), parts[part])
    cubes = {**parts, "x_train": np.zeros((8, 2, 3, 1)), "x_test": np.zeros((4, 2, 3, 1))}
    assert datasets.from_arrays(cubes, **made).image_shape is None
    named = datasets.from_arrays(parts, **made, class_names=["a", "b", "c"])
    assert named.class_names == ("a", "b", "c")
    only = {name: parts[name] for name in ("x_train", "y_train")}
    same = datasets.from_arrays(only, **made, test_share=None)
    assert len(same.y_test) == len(same.x_test) == 8
    for wrong, message in (
        *(
            ({k: v for k, v in parts.items() if k != name}, f"lacks the array {name}")
            for name in parts
        ),
        ({**parts, "z": 0}, "s: unknown array 'z', expected x_train, y_train, x_test, y_test"),
        (
            {**parts, "x_test": parts["x_test"][:0], "y_test": parts["y_test"][:0]},
            "y_test is empty",
        ),
        ({**parts, "y_train": parts["y_train"] - 1}, "y_train has class -1, expected classes >= 0"),
        ({**parts, "x_test": parts["x_test"][:, :1]}, "x_test has 3 inputs, expected 6 as x_train"),
        ({**parts, "x_test": parts["x_test"][1:]}, "x_test"),
    ):
        with pytest.raises(ValueError, match=message):
            datasets.from_arrays(wrong, **made)
    assert load_data(load_recipe("demo", ['data.name=""'])).name == "demo"
    with pytest.raises(ValueError, match="class_names has 2 names, expected 3: y has class 2"):
        datasets.from_arrays(parts, **made, class_names=["a", "b"])


def test_functions(module, arrays):
    x, _ = arrays
    four = datasets.from_function("own_data_module:four")
    np.testing.assert_array_equal(four.x_test, x[40:])
    for name in ("pair", "named", "whole"):
        for where in ("own_data_module", str(module)):
            data = datasets.from_function(f"{where}:{name}")
            assert (len(data.y_train), len(data.y_test)) == (48, 12)
    drawn = [datasets.from_function("own_data_module:pair", seed=seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0].y_test, data.y_test)
    np.testing.assert_array_equal(drawn[0].x_test, drawn[1].x_test)
    assert not np.array_equal(drawn[0].x_test, drawn[2].x_test)
    recipe = load_recipe("demo", ["data.limit_test=2", "train.seed=3"])
    whole = load_test_data(recipe, "own_data_module:pair")
    assert len(whole.y_test) == 12
    first = load_test_data(recipe, "own_data_module:pair", 5)
    np.testing.assert_array_equal(first.y_test, whole.y_test[:5])
    assert len(first.x_test) == 5
    half = datasets.from_function("own_data_module:pair", test_share=0.5)
    assert len(half.y_test) == 30
    for name, message in (
        ("own_data_module:wrong", "must return a Dataset, .* got int"),
        ("own_data_module:none", "own_data_module has no function none"),
        ("no_such_module:f", "no module named no_such_module"),
        ("missing.py:f", "there is no file missing.py"),
        ("nonsense", "must be MODULE:FUNCTION"),
    ):
        with pytest.raises(ValueError, match=message):
            datasets.from_function(name)


def test_train_my_recipe(arrays, tmp_path):
    """Paths in a recipe are relative to it; a run remembers where its data lies."""
    x, y = arrays
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE.format(train="mine.npz", more='class_names = ["a", "b", "c"]'))
    assert load_recipe(path).data.train == str(tmp_path / "mine.npz")
    said = strsbp("train", path, "--out", tmp_path / "run", "--no-plots")
    assert "48 training and 12 test samples" in said
    report = json.loads(strsbp("eval", tmp_path / "run", "--json"))
    assert report["n_samples"] == 12 and set(report["class_accuracy"]) == {"a", "b", "c"}
    strsbp("train", "--resume", tmp_path / "run", "--epochs", 3, "--no-plots", "--quiet")
    assert "12 samples" in strsbp("quantize", tmp_path / "run")


def test_too_few_outputs(arrays, tmp_path):
    x, y = arrays
    np.savez(tmp_path / "mine.npz", x=x, y=y + 2)
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE.format(train="mine.npz", more=""))
    said = strsbp("train", path, "--out", tmp_path / "run", code=2)
    assert "layers.1.n must be >= 5, the number of classes of mine, got 3" in said
    assert not (tmp_path / "run").exists()


def test_train_starter_on_files_and_functions(module, tmp_path):
    for name, data in (("f", "kept.npz"), ("m", "own_data_module:four")):
        flags = ["--epochs", 1, "--no-plots", "--quiet"]
        strsbp("train", "--data", data, "--out", tmp_path / name, *flags)
        assert sr.Network.load(tmp_path / name / "checkpoint.safetensors").n_out == 3
    assert "--data own_data_module:four" in strsbp("eval", tmp_path / "m", code=2)


@pytest.fixture
def saved(arrays, tmp_path):
    """A trained network in a file of its own, and the file of its samples: (net, file, data)."""
    x, y = arrays
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    encoder = sr.BernoulliEncoder(n_steps=30, rate_scale=0.5)
    net = sr.Network(12, [sr.Dense(20), sr.Dense(3)], encoder=encoder, class_names=("a", "b", "c"))
    sr.Trainer(net, n_threads=1).fit(x, y, epochs=3, progress=False)
    (tmp_path / "alone").mkdir()
    file = tmp_path / "alone" / "net.safetensors"
    net.save(file)
    return net, file, tmp_path / "mine.npz"


def test_eval_of_a_networks_file(saved, arrays):
    net, file, data = saved
    x, y = arrays
    report = json.loads(strsbp("eval", file, "--data", data, "--json"))
    assert report["n_samples"] == 60 and report["epoch"] is None
    assert report["accuracy"] == np.mean(net.predict(x) == y)
    assert set(report["class_accuracy"]) == {"a", "b", "c"}
    assert "name samples with --data" in strsbp("eval", file, code=2)
    net.encoder = None
    net.save(file)
    assert "carries no encoder for the values of mine" in strsbp(
        "eval", file, "--data", data, code=2
    )


def test_quantize_of_a_networks_file(saved, arrays):
    net, file, data = saved
    x, y = arrays
    args = ["--data", data, "--target", "qformat", "--set", "weight_bits=6"]
    report = json.loads(strsbp("quantize", file, *args, "--json"))
    path = file.parent / "qformat.safetensors"
    assert report["file"] == str(path)
    fixed = sr.FixedNetwork.load(path)
    assert fixed.target == sr.QFormat(weight_bits=6)
    assert report["fixed_accuracy"] == np.mean(fixed.predict(x) == y)
    assert fixed.network.class_names == net.class_names
    assert "holds a network in fixed point" in strsbp("eval", path, "--data", data, code=2)


def test_a_run_on_a_functions_data(module, tmp_path):
    out, name = tmp_path / "run", "own_data_module:four"
    strsbp("train", "--data", name, "--out", out, "--epochs", 1, "--no-plots", "--quiet")
    assert json.loads(strsbp("eval", out, "--data", name, "--json"))["n_samples"] == 20
    assert json.loads(strsbp("eval", out, "--data", "kept.npz", "--json"))["n_samples"] == 60
    assert "20 samples" in strsbp("quantize", out, "--data", name)
    strsbp("train", "--resume", out, "--data", name, "--epochs", 2, "--no-plots", "--quiet")
    net = sr.Network.load(out / "checkpoint.safetensors")
    assert net.class_names == ("0", "1", "2") and net.encoder is not None


def test_mnist_is_the_users_to_bring(tmp_path, rng, monkeypatch):
    monkeypatch.delenv("STRSBP_DATA", raising=False)
    few = ["--set", "encoder.n_steps=20", "--set", "encoder.rate_scale=1", "--epochs", 1]
    flags = [*few, "--out", tmp_path / "run", "--no-plots", "--quiet"]
    strsbp("train", "mnist-cnn", *flags, code=2)
    assert not (tmp_path / "run").exists()
    x, y = rng.integers(0, 256, (4, 28, 28)).astype(np.uint8), np.arange(4)
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    strsbp("train", "mnist-cnn", "--data", tmp_path / "mnist.npz", *flags)
    run = load_recipe(tmp_path / "run" / "config.toml")
    assert run.layers == load_recipe("mnist-cnn").layers
    assert run.data.train == str(tmp_path / "mnist.npz")
