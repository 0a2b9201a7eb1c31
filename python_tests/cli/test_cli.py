"""The command line, on small runs."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from command_line import strsbp

import strsbp_rs as sr
from strsbp_rs.cli._main import main
from strsbp_rs.datasets import load_demo

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
kind = "recurrent"
n = 20
v_th = 3.0
[[layers]]
kind = "dense"
n = 10
v_th = 3.0
[loss]
kind = "count_mse"
target = 12.0
other = 2.0
[train]
epochs = 3
batch_size = 16
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(RECIPE)
    return str(path)


def test_train_eval_info(recipe, tmp_path):
    out = tmp_path / "run"
    said = strsbp("train", recipe, "--out", out)
    assert "test accuracy" in said
    names = {"config.toml", "metrics.jsonl", "checkpoint.safetensors", "best.safetensors"}
    pictures = {"learning_curve.png", "spike_raster.png"}
    files = set(os.listdir(out))
    assert files in (names | pictures, names)
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2, 3]
    report = json.loads(strsbp("eval", out, "--json"))
    names = "accuracy class_accuracy confusion engine epoch firing_rate loss n_samples n_spikeless"
    names += " n_tied overflows samples_per_s silent_neurons"
    assert sorted(report) == names.split()
    assert report["accuracy"] == records[-1]["val_accuracy"]
    assert np.sum(report["confusion"]) == 40
    assert report["class_accuracy"].keys() == set(load_demo().class_names)
    assert json.loads(strsbp("eval", out / "checkpoint.safetensors", "--json")).items() >= {
        (key, report[key]) for key in ("accuracy", "loss", "epoch")
    }
    assert "Ankle boot" in strsbp("eval", out)
    assert "3 epochs completed" in strsbp("info", out)
    assert "recurrent" in strsbp("info", out / "checkpoint.safetensors")


def test_resume_equals_uninterrupted(recipe, tmp_path):
    strsbp("train", recipe, "--out", tmp_path / "whole", "--no-plots", "--quiet")
    half = tmp_path / "half"
    strsbp("train", recipe, "--out", half, "--epochs", 1, "--no-plots", "--quiet")
    strsbp("train", "--resume", half, "--epochs", 3, "--no-plots", "--quiet", "--threads", 1)
    assert "\nepochs = 3\n" in (half / "config.toml").read_text()
    whole, resumed = (
        sr.Network.load(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "half")
    )
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])
    assert len((half / "metrics.jsonl").read_text().splitlines()) == 3


@pytest.fixture
def folder(tmp_path):
    """A folder with 60 + 30 images of the demo data as idx files."""
    data, place = load_demo(), tmp_path / "files"
    place.mkdir()
    for part, x, y in (
        ("train", data.x_train[:60].reshape(-1, 28, 28), data.y_train[:60]),
        ("t10k", data.x_test[:30].reshape(-1, 28, 28), data.y_test[:30]),
    ):
        for what, array in (("images-idx3", x), ("labels-idx1", y)):
            header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (place / f"{part}-{what}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())
    return place


def test_eval_and_resume_find_the_data_of_the_run(recipe, folder, tmp_path):
    out = tmp_path / "run"
    flags = ["--set", "data.name=mnist", "--epochs", 1, "--no-plots", "--quiet"]
    strsbp("train", recipe, "--data-dir", folder, "--out", out, *flags)
    assert json.loads(strsbp("eval", out, "--json"))["n_samples"] == 30
    strsbp("train", "--resume", out, "--epochs", 2, "--no-plots", "--quiet")
    moved = folder.rename(tmp_path / "moved")
    assert "has no train-images" in strsbp("eval", out, code=2)
    assert json.loads(strsbp("eval", out, "--data-dir", moved, "--json"))["n_samples"] == 30


@pytest.mark.filterwarnings("ignore:.* of the spikes change:strsbp_rs.QuantizationWarning")
def test_quantize_and_train_through(recipe, tmp_path):
    out, through = tmp_path / "run", tmp_path / "through"
    strsbp("train", recipe, "--out", out, "--no-plots", "--quiet")
    said = strsbp("quantize", out, "--target", "loihi", "--set", "weight_bits=4")
    assert "40 samples: accuracy" in said
    fixed = sr.FixedNetwork.load(out / "loihi.safetensors")
    assert fixed.target == sr.Loihi(weight_bits=4)
    assert "Loihi(" in strsbp("info", out / "loihi.safetensors")
    data, encoder = load_demo(), sr.BernoulliEncoder(n_steps=40)
    report = json.loads(strsbp("quantize", out, "--json", "--out", tmp_path / "q.safetensors"))
    assert report["file"] == str(tmp_path / "q.safetensors")
    net = sr.Network.load(out / "checkpoint.safetensors")
    predictions = net.to_fixed().predict(data.x_test[:40], encoder=encoder)
    assert report["fixed_accuracy"] == np.mean(predictions == data.y_test[:40])
    strsbp("quantize", out, "--calibrate", 10, "--limit-test", 5)
    clip = sr.FixedNetwork.load(out / "qformat.safetensors").target.clip
    assert len(clip) == 3

    flags = ["--hardware", "qformat", "--set", "hardware.weight_bits=3", "--lr", 0.001]
    said = strsbp("train", "--init", out, *flags, "--epochs", 2, "--out", through)
    assert "trained through QFormat(" in said
    config = (through / "config.toml").read_text()
    assert '[hardware]\nkind = "qformat"\n' in config and "weight_bits = 3" in config
    report = json.loads(strsbp("eval", through, "--json"))
    records = [json.loads(line) for line in (through / "metrics.jsonl").read_text().splitlines()]
    assert report["accuracy"] == records[-1]["val_accuracy"]
    assert len(report["overflows"]) == len(records[-1]["overflows"]) == 3
    assert "that did not fit" in strsbp("eval", through)
    trained = sr.Network.load(through / "checkpoint.safetensors")
    predictions = trained.to_fixed(sr.QFormat(weight_bits=3)).predict(
        data.x_test[:40], encoder=encoder
    )
    assert report["accuracy"] == np.mean(predictions == data.y_test[:40])
    strsbp("train", "--resume", through, "--epochs", 3, "--no-plots", "--quiet")
    assert "engine must be" in strsbp("eval", through, "--engine", "event", code=2)


@pytest.mark.filterwarnings("always::strsbp_rs.QuantizationWarning")
def test_through_xylo(recipe, tmp_path):
    out = tmp_path / "run"
    flags = ["--hardware", "xylo", "--out", out, "--no-plots", "--quiet"]
    said = strsbp("train", recipe, *flags, code=2)
    assert "n_in must be <= 16, the inputs of Xylo-Audio 3" in said
    no_limits = ["--set", "hardware.enforce_limits=false"]
    said = strsbp("train", recipe, *flags, *no_limits)
    told = [line for line in said.splitlines() if "warning" in line]
    assert told[0].startswith("strsbp: warning: layers[0]: t_ref = 2 ms is left out, as Xylo-Audio")
    assert len(told) == 3
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(records[-1]["overflows"]) == 3
    flags = ["--target", "xylo", "--set", "device=imu", "--set", "enforce_limits=false"]
    said = CliRunner().invoke(main, ["quantize", str(out), *flags, "--json"])
    report = json.loads(said.stdout)
    assert "strsbp: warning: layers[1]: t_ref = 2 ms is left out" in said.stderr
    fixed = sr.FixedNetwork.load(out / "xylo.safetensors")
    assert fixed.target == sr.Xylo(device="imu", enforce_limits=False)
    assert fixed.layers[0].format.rules == "xylo_v2"
    # Another device, and the same rules.
    assert report["fixed_accuracy"] == records[-1]["val_accuracy"]


def test_what_quantize_and_init_refuse(recipe, tmp_path):
    out = tmp_path / "run"
    strsbp("train", recipe, "--out", out, "--no-plots", "--quiet", "--epochs", 1)
    said = strsbp("quantize", out, "--set", "weigth_bits=4", code=2)
    assert "--set: weigth_bits is not a field of QFormat; did you mean 'weight_bits'" in said
    said = strsbp("quantize", out, "--set", "hardware.weight_bits=99", code=2)
    assert "--set: weight_bits must be in [2, 16], got 99" in said
    assert "in [2, 16], got 99" in strsbp("quantize", out, "--set", "weight_bits=99", code=2)
    assert "--calibrate must be >= 1" in strsbp("quantize", out, "--calibrate", 0, code=2)
    assert "one of ['toward_zero'" in strsbp("quantize", out, "--set", "rounding=up", code=2)
    assert "a list of numbers" in strsbp("quantize", out, "--set", "clip=1.0", code=2)
    said = strsbp("train", "--init", out, "--set", "layers.0.v_th=9", code=2)
    assert "has other layers or another dt than the recipe" in said
    said = strsbp("train", "--init", tmp_path / "none.safetensors", "demo", code=2)
    assert "none.safetensors" in said
    assert "does not take" in strsbp("train", "--resume", out, "--init", out, code=2)
    assert "does not take" in strsbp("train", "--resume", out, "--hardware", "loihi", code=2)


@pytest.mark.parametrize("engine", ["event", "continuous"])
def test_engine(recipe, tmp_path, engine):
    out = tmp_path / "run"
    flags = ["--engine", engine, "--epochs", 1, "--no-plots", "--quiet"]
    strsbp("train", recipe, "--out", out, *flags)
    assert f'engine = "{engine}"' in (out / "config.toml").read_text()
    (record,) = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert record["engine"] == engine
    assert sr.Trainer.load(out / "checkpoint.safetensors").config["engine"] == engine
    report = json.loads(strsbp("eval", out, "--json"))
    assert report["engine"] == engine
    assert report["accuracy"] == record["val_accuracy"]
    report = json.loads(strsbp("eval", out, "--json", "--engine", "clocked"))
    assert report["engine"] == "clocked"
    assert f"({engine})" in strsbp("eval", out)
    strsbp("train", "--resume", out, "--epochs", 2, "--no-plots", "--quiet")
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["engine"] for line in lines] == [engine] * 2


def test_unknown_engine(recipe, tmp_path):
    for command in (["train", recipe, "--out", tmp_path / "run"], ["eval", tmp_path / "run"]):
        assert "'clock'" in strsbp(*command, "--engine", "clock", code=2)
    said = strsbp("train", recipe, "--out", tmp_path / "run", "--set", "train.engine=clock", code=2)
    assert "engine must be one of" in said
    assert not (tmp_path / "run").exists()


def test_more_outputs_than_classes(recipe, tmp_path):
    out = tmp_path / "run"
    flags = ["--set", "layers.2.n=13", "--epochs", 1, "--no-plots", "--quiet"]
    strsbp("train", recipe, "--out", out, *flags)
    assert np.shape(json.loads(strsbp("eval", out, "--json"))["confusion"]) == (10, 13)
    assert "Ankle boot" in strsbp("eval", out)


def test_ctrl_c_outside_training(monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("strsbp_rs.cli._train.load_data", interrupt)
    assert "interrupted" in strsbp("train", "demo", code=130)


SILENT = "layers.0.init={ kind = 'constant', value = 0.0 }"


@pytest.mark.filterwarnings("always::strsbp_rs.SilentLayerWarning")
def test_pictures_warn_of_nothing(recipe, tmp_path):
    """Of what is silent the run warns, once; a picture is of one sample."""
    pytest.importorskip("matplotlib")
    flags = ["--epochs", 3, "--quiet", "--out", tmp_path / "run"]
    said = strsbp("train", recipe, "--set", SILENT, *flags)
    assert (tmp_path / "run" / "spike_raster.png").exists()
    assert said.count("is silent") == 1


def test_flags_reach_the_recipe(recipe, tmp_path):
    flags = "--epochs 1 --batch-size 8 --lr 0.02 --seed 4 --limit-train 24 --limit-test 10"
    settings = ["--set", "layers.0.v_th=6", "--set", "optimizer.kind=sgd"]
    out = tmp_path / "run"
    strsbp("train", recipe, *flags.split(), *settings, "--out", out, "--no-plots", "--quiet")
    text = (out / "config.toml").read_text()
    for line in ("epochs = 1", "batch_size = 8", "lr = 0.02", "seed = 4", 'kind = "sgd"'):
        assert line in text
    assert sr.Network.load(out / "checkpoint.safetensors").layers[0].v_th == 6.0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "nothing"], "recipe 'nothing' is not one of"),
        (
            ["train", "demo", "--set", "encoder.kind=poisson"],
            "'level_crossing', 'bsa', 'population'], got 'poisson'; did",
        ),
        (["train", "demo", "--set", "optimizer.lrr=1"], "did you mean 'optimizer.lr'"),
        (["train", "demo", "--lr", "-1", "--out", "{tmp}/x"], "lr must be"),
        (["train", "demo", "--epochs", "0", "--out", "{tmp}/x"], "epochs must be > 0, got 0"),
        (["train", "fashion-mnist", "--data-dir", "{tmp}"], "has no train-images"),
        (["train", "--resume", "{tmp}"], "is not a run: it has no config.toml"),
        (["eval", "{tmp}"], "is not a run: it has no config.toml"),
        (
            ["info", "nothing"],
            "there is no folder or file 'nothing', and recipe 'nothing' is not one",
        ),
    ],
)
def test_errors_are_one_line(tmp_path, args, message):
    said = strsbp(*[arg.format(tmp=tmp_path) for arg in args], code=2)
    assert message in said
    assert said.startswith("strsbp: error: ")
    assert len(said.splitlines()) == 1
    assert not os.listdir(tmp_path)


def test_a_cosine_ends_with_the_epochs(recipe, tmp_path):
    def schedule(*args):
        out = tmp_path / str(len(args))
        cosine = ["--set", "schedule.kind=cosine"]
        strsbp(
            "train", recipe, "--epochs", 1, *cosine, *args, "--out", out, "--no-plots", "--quiet"
        )
        return (out / "config.toml").read_text().partition("[schedule]")[2].split()

    assert schedule()[3:6] == ["epochs", "=", "1.0"]
    assert schedule("--set", "schedule.epochs=7")[3:6] == ["epochs", "=", "7.0"]


def test_a_run_is_not_overwritten(recipe, tmp_path):
    out = tmp_path / "run"
    strsbp("train", recipe, "--out", out, "--epochs", 1, "--no-plots", "--quiet")
    before = (out / "checkpoint.safetensors").read_bytes()
    assert "holds a run already" in strsbp("train", recipe, "--out", out, code=2)
    assert (out / "checkpoint.safetensors").read_bytes() == before
    assert "does not take" in strsbp("train", "--resume", out, "--lr", 1, code=2)


def test_runs_that_are_given_no_folder_get_one_each(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clock = SimpleNamespace(strftime=datetime(2026, 1, 2, 3, 4, 5).strftime)
    monkeypatch.setattr("strsbp_rs.cli._train.time", clock)
    for _ in range(3):
        strsbp("train", recipe, "--epochs", 1, "--no-plots", "--quiet")
    names = ["small-20260102-030405", "small-20260102-030405-2", "small-20260102-030405-3"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == names


def test_a_run_without_a_checkpoint_is_begun_anew(recipe, tmp_path):
    out = tmp_path / "run"
    flags = ["--epochs", 1, "--no-plots", "--quiet", "--out", out]
    strsbp("train", recipe, "--set", "augment.image_shape=[5, 5]", *flags, code=2)
    assert "image_shape" in strsbp("train", "--resume", out, code=2)
    strsbp("train", recipe, *flags)
    assert sr.Trainer.load(out / "checkpoint.safetensors").epoch == 1


def test_a_run_without_matplotlib_says_so_once(recipe, tmp_path, monkeypatch):
    drawn = []

    def refuse(*_):
        drawn.append(1)
        raise ImportError("it is not installed")

    monkeypatch.setattr("strsbp_rs.training._pictures.learning_curve", refuse)
    out = tmp_path / "run"
    result = CliRunner().invoke(main, ["train", recipe, "--out", str(out), "--quiet"])
    assert result.exit_code == 0, result.output
    assert result.stderr == "no pictures: it is not installed\n"
    assert "no pictures" not in result.stdout
    assert len(drawn) == 1
    assert sr.Trainer.load(out / "checkpoint.safetensors").epoch == 3


def test_ctrl_c_before_the_first_epoch_is_told(recipe, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sr.Trainer, "fit", interrupted)
    said = strsbp("train", recipe, "--out", tmp_path / "run", "--quiet", code=130)
    assert "interrupted before the first epoch was complete" in said
    assert f"begin again with: strsbp train --resume {tmp_path / 'run'}" in said


def test_info_describes_the_installation():
    said = strsbp("info")
    assert sr.__version__ in said
    assert "fashion-mnist" in said
    assert sr.__version__ in strsbp("--version")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_the_last_checkpoint(recipe, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "strsbp_rs", "train", recipe, "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--epochs", "100000", "--no-plots"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    while not (out / "metrics.jsonl").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130, error
    assert f"strsbp train --resume {out}" in error
    assert sr.Trainer.load(out / "checkpoint.safetensors").epoch >= 1
    assert not [name for name in os.listdir(out) if name.startswith(".strsbp-")]
