"""Result folders: one run each, gone on with anywhere, wherever the user is at home."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_cli import RECIPE, strsbp

import strsbp_rs as sr
from strsbp_rs._files import Claim

QUIET = ["--no-plots", "--quiet", "--threads", 1]


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(RECIPE.replace("limit_train = 96", "limit_train = 32"))
    return str(path)


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_folder_in_use_is_refused(recipe, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    with Claim(out):
        said = strsbp("train", recipe, "--out", out, *QUIET, code=2)
    assert f"strsbp: error: {out} is in use by process {os.getpid()} " in said
    assert os.listdir(out) == []
    strsbp("train", recipe, "--out", out, "--epochs", 1, *QUIET)
    with Claim(out):
        assert "is in use by" in strsbp("train", "--resume", out, "--epochs", 2, *QUIET, code=2)
    assert len(metrics(out)) == 1


def test_of_two_runs_in_one_folder_one_is_refused(recipe, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "strsbp_rs", "train", recipe, "--out", out, "--seed"]
    runs = [
        subprocess.Popen(
            [*map(str, command), str(seed), "--no-plots", "--threads", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for seed in (1, 2)
    ]
    said = [run.communicate()[0] for run in runs]
    codes = [run.returncode for run in runs]
    assert sorted(codes) == [0, 2], said
    # Whichever came first has all the files.
    winner = codes.index(0)
    assert "holds a run already" in said[1 - winner] or "is in use by" in said[1 - winner]
    assert f"\nseed = {winner + 1}\n" in (out / "config.toml").read_text()
    assert sr.Trainer.load(out / "checkpoint.safetensors").config["seed"] == winner + 1
    assert len(metrics(out)) == 3
    assert not [name for name in os.listdir(out) if name.startswith(".strsbp-")]


def test_default_folders_differ(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("strsbp_rs.cli._train.time.strftime", lambda _: "now")
    for _ in range(3):
        strsbp("train", recipe, "--epochs", 1, *QUIET)
    assert sorted(os.listdir("runs")) == ["small-now", "small-now-2", "small-now-3"]


def test_resuming_a_finished_run_completes_its_files(recipe, tmp_path):
    out = tmp_path / "run"
    strsbp("train", recipe, "--out", out, *QUIET)
    records, names = metrics(out), sorted(os.listdir(out))
    for lost in ("metrics.jsonl", ".strsbp-0123456789abcdef"):
        if lost == "metrics.jsonl":
            (out / lost).unlink()
        else:
            (out / lost).write_text("half a fi")
        said = strsbp("train", "--resume", out, *QUIET)
        assert "all 3 epochs were completed before" in said
        assert "test accuracy" in said
        assert metrics(out) == records
        assert sorted(os.listdir(out)) == names
    config = (out / "config.toml").read_text()
    said = strsbp("train", "--resume", out, "--epochs", 2, *QUIET, code=2)
    assert "--epochs must be >= 3, the epochs completed, got 2" in said
    assert (out / "config.toml").read_text() == config


def test_a_cosine_that_ended_with_the_run_is_stretched(recipe, tmp_path):
    out = tmp_path / "run"
    cosine = ["--set", "schedule.kind=cosine", "--epochs", 2]
    strsbp("train", recipe, "--out", out, *cosine, *QUIET)
    said = strsbp("train", "--resume", out, "--epochs", 4, *QUIET)
    assert "the cosine now ends with epoch 4" in said
    rates = [record["lr"] for record in metrics(out)]
    assert rates[2] > rates[3] > 0
    assert "\nepochs = 4.0\n" in (out / "config.toml").read_text()
    assert sr.Trainer.load(out / "checkpoint.safetensors").schedule == sr.Cosine(epochs=4)
    # The config was written, and no epoch after it: what was asked for stays.
    text = (out / "config.toml").read_text()
    text = text.replace("epochs = 4.0", "epochs = 5.0").replace("\nepochs = 4\n", "\nepochs = 5\n")
    (out / "config.toml").write_text(text)
    strsbp("train", "--resume", out, *QUIET)
    assert sr.Trainer.load(out / "checkpoint.safetensors").schedule == sr.Cosine(epochs=5)


@pytest.mark.parametrize(("descent", "after"), [(7, 7), (2, 3)])
def test_other_cosines_stay_unless_they_come_to_zero(recipe, tmp_path, descent, after):
    out = tmp_path / "run"
    cosine = ["--set", "schedule.kind=cosine", "--set", f"schedule.epochs={descent}"]
    strsbp("train", recipe, "--out", out, *cosine, "--epochs", 1, *QUIET)
    strsbp("train", "--resume", out, "--epochs", 3, *QUIET)
    assert sr.Trainer.load(out / "checkpoint.safetensors").schedule == sr.Cosine(epochs=after)


def test_a_recipe_whose_cosine_ends_too_soon_makes_no_folder(recipe, tmp_path):
    cosine = ["--set", "schedule.kind=cosine", "--set", "schedule.epochs=2"]
    said = strsbp("train", recipe, "--out", tmp_path / "run", *cosine, *QUIET, code=2)
    assert "epochs must be <= 2, where the schedule's learning rate comes to 0 for good" in said
    assert not (tmp_path / "run").exists()


@pytest.fixture
def stranger(monkeypatch, tmp_path):
    """A user whom the system does not know, without a home, who may not enter folders "locked"."""
    pwd = pytest.importorskip("pwd")

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    stat = Path.stat

    def refusing(path, **options):
        if "locked" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **options)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(Path, "stat", refusing)
    for name in ("HOME", "STRSBP_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("strsbp_rs.datasets._images._DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize("home", ["locked", None])
@pytest.mark.parametrize("data", ["locked", None])
def test_strangers_train_the_demo(stranger, tmp_path, home, data):
    for name, value in (("HOME", home), ("STRSBP_DATA", data)):
        if value:
            stranger.setenv(name, str(tmp_path / value))
    small = ["--limit-train", "32", "--limit-test", "10", "--epochs", "1", "--set", "layers.1.n=20"]
    said = strsbp("train", *small, "--set", "encoder.n_steps=20", "--out", "run", *QUIET)
    assert "training demo: Fashion-MNIST was not found" in said
    for where, locked in (("STRSBP_DATA", data), ("HOME", home)):
        if locked:
            path = os.environ[where]
            assert f"not looked for everywhere: {path}" in said
            assert "Permission denied" in said
    if not home:
        assert "not looked for everywhere: there is no folder of the user's cache" in said
    assert len(metrics(tmp_path / "run")) == 1
    assert sorted(os.listdir(tmp_path)) == ["run"]
