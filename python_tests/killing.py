"""Kills training before every one of its file operations, and resumes it: a program of its own.

Usage: python killing.py FOLDER plots|init. It is a process that does nothing but fork, so that
its children may start threads. Prints how many kills there were. Its pictures are empty ones, as
drawing takes most of the time.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

import strsbp_rs as sr
from strsbp_rs._files import write_bytes
from strsbp_rs.cli._main import main
from strsbp_rs.training import _pictures

KILLED = 137
PICTURE = b"a picture" * 10_000
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
RECIPE = """
[data]
name = "demo"
limit_train = 24
limit_test = 8
[encoder]
n_steps = 20
[[layers]]
kind = "dense"
n = 24
v_th = 2.0
[[layers]]
kind = "dense"
n = 10
v_th = 1.0
[schedule]
kind = "cosine"
epochs = 2
[train]
epochs = 2
batch_size = 8
"""


def in_child(log, action):
    """Runs something in a child process; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        action()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


def strsbp(log, *arguments, kill_before=None):
    """Runs the command line in a child; its exit code, and the number of its file operations."""
    reading, writing = os.pipe()

    def action():
        count = 0

        def hook(event, values):
            nonlocal count
            writes = event == "open" and values[2] & (os.O_WRONLY | os.O_RDWR)
            ours = event.startswith("strsbp_rs.") and event != "strsbp_rs.wait"
            if not ours and not writes and event not in CHANGES:
                return
            count += 1
            if count == kill_before:
                os._exit(KILLED)

        sys.addaudithook(hook)
        try:
            main(list(map(str, arguments)))
        finally:
            os.write(writing, str(count).encode())

    code = in_child(log, action)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    return code, int(said or 0)


def check_whole(run):
    """What has its name is whole, at any time."""
    for path in run.iterdir():
        if path.name == "config.toml":
            assert path.read_text().rstrip().endswith("lateral_inhibition = 0.0"), path
        elif path.suffix == ".jsonl":
            records = [json.loads(line) for line in path.read_text().splitlines()]
            assert [record["epoch"] for record in records] in ([1], [1, 2]), records
        elif path.name in ("checkpoint.safetensors", "best.safetensors"):
            assert sr.Trainer.load(path, n_threads=1).epoch in (1, 2)
        elif path.suffix == ".png" and not path.name.startswith("."):
            assert path.read_bytes() == PICTURE, path


def check_same(run, whole):
    """The files of a whole run, and its weights bit for bit."""
    assert sorted(os.listdir(run)) == sorted(os.listdir(whole)), sorted(os.listdir(run))
    check_whole(run)
    for name in ("best.safetensors", "checkpoint.safetensors"):
        a, b = (sr.Trainer.load(path / name, n_threads=1) for path in (run, whole))
        for ours, theirs in zip(a.network.weights, b.network.weights, strict=True):
            np.testing.assert_array_equal(ours["weight"], theirs["weight"])
        assert a.epoch == b.epoch
        assert a.config == b.config
    assert a.epoch == 2
    assert (run / "config.toml").read_text() == (whole / "config.toml").read_text()
    texts = [(path / "metrics.jsonl").read_text().splitlines() for path in (run, whole)]
    for ours, theirs in zip(*texts, strict=True):
        ours, theirs = json.loads(ours), json.loads(theirs)
        assert ours.keys() == theirs.keys()
        for key in ("epoch", "lr", "loss", "accuracy", "val_loss", "val_accuracy"):
            assert ours[key] == theirs[key], key


def draw(data, path, *_, **__):
    write_bytes(path, PICTURE)


def kills(folder, how):
    _pictures.learning_curve = _pictures.spike_raster = draw
    recipe, log, whole = folder / "recipe.toml", folder / "log", folder / "whole"
    recipe.write_text(RECIPE)
    flags = ["--threads", 1, "--quiet", *(["--no-plots"] if how == "init" else [])]
    begin = ["train", recipe, *flags]
    if how == "init":
        code, _ = strsbp(log, *begin, "--set", "network.seed=7", "--out", folder / "init")
        assert code == 0, log.read_text()
        begin += ["--init", folder / "init"]
    code, n_operations = strsbp(log, *begin, "--out", whole)
    assert code == 0, log.read_text()
    names = {"config.toml", "checkpoint.safetensors", "metrics.jsonl"}
    assert names < set(os.listdir(whole))
    for n in range(1, n_operations + 1):
        run = folder / f"run-{n}"
        resume = ["train", "--resume", run, *flags]
        code, _ = strsbp(log, *begin, "--out", run, kill_before=n)
        assert code == KILLED, (n, log.read_text())
        if (run / "config.toml").exists():
            assert in_child(log, lambda run=run: check_whole(run)) == 0, (n, log.read_text())
            # Killed a second time, somewhere.
            code, _ = strsbp(log, *resume, kill_before=1 + 7 * n % n_operations)
            assert code in (0, KILLED), (n, log.read_text())
            assert in_child(log, lambda run=run: check_whole(run)) == 0, (n, log.read_text())
            code, _ = strsbp(log, *resume)
        else:
            assert strsbp(log, *resume)[0] == 2, n
            code, _ = strsbp(log, *begin, "--out", run)
        assert code == 0, (n, log.read_text())
        same = in_child(log, lambda run=run: check_same(run, whole))
        assert same == 0, (n, log.read_text())
        # Once more: there is nothing to do, and that is no error.
        assert strsbp(log, *resume)[0] == 0, (n, log.read_text())
        assert in_child(log, lambda run=run: check_same(run, whole)) == 0, (n, log.read_text())
    return n_operations


if __name__ == "__main__":
    print(kills(Path(sys.argv[1]), sys.argv[2]))
