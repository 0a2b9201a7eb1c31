"""What a checkpoint holds beside the weights is checked when it is read."""

import json
import struct

import numpy as np
import pytest

import strsbp_rs as sr

X, Y = np.random.default_rng(3).random((12, 4)), np.arange(12) % 3


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("user") / "checkpoint"
    network = sr.Network(4, [sr.Dense(3, v_th=1.0)], seed=1)
    trainer = sr.Trainer(network, encoder=sr.BernoulliEncoder(20), n_threads=1)
    trainer.fit(X, Y, epochs=2, validation_data=(X, Y), checkpoint=path, progress=False)
    return path.read_bytes()


@pytest.fixture
def checkpoint(written, tmp_path):
    """A checkpoint, and a function that changes what Trainer has added to it."""
    path = tmp_path / "checkpoint"
    path.write_bytes(written)

    def change(edit):
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        inner = json.loads(header["__metadata__"]["strsbp_rs"])
        inner["extra"]["user"] = edit(inner["extra"]["user"])
        header["__metadata__"]["strsbp_rs"] = json.dumps(inner)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])

    return path, change


def put(*keys, value):
    def edit(user):
        node = user
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = value
        return user

    return edit


def without(*keys):
    def edit(user):
        node = user
        for key in keys[:-1]:
            node = node[key]
        del node[keys[-1]]
        return user

    return edit


@pytest.mark.parametrize("junk", [None, "text", [1], {"a": 1}, True, 1e300, -1])
@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("encoder",),
        ("encoder", "n_steps"),
        ("encoder", "rate_scale"),
        ("history",),
        ("history", 0),
        *(
            ("history", 1, name)
            for name in (
                *("epoch", "lr", "loss", "accuracy", "firing_rate", "seconds", "samples_per_s"),
                *("val_loss", "val_accuracy", "val_samples_per_s", "engine", "grad_norm"),
            )
        ),
    ],
)
def test_junk_is_refused_or_makes_no_difference(checkpoint, keys, junk):
    path, change = checkpoint
    change(put(*keys, value=junk) if keys else lambda user: junk)
    try:
        trainer = sr.Trainer.load(path, n_threads=1)
    except ValueError as error:
        assert str(path) in str(error)
        return
    if trainer.encoder is not None:
        trainer.fit(X, Y, epochs=3, validation_data=(X, Y), checkpoint=path, progress=True)
    assert repr(trainer)
    assert repr(trainer.history)
    trainer.save(path)
    sr.Trainer.load(path, n_threads=1)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda user: [], r"what Trainer added must be a table, got \[\]"),
        (without("encoder"), "lacks the encoder"),
        (without("history"), "lacks the history"),
        (put("encoder", "n_steps", value="9"), "n_steps must be an integer, got '9'"),
        (put("encoder", "n_steps", value=0), r"n_steps must be in \[1, 2\^24\], got 0"),
        (put("encoder", "rate_scale", value=2.0), r"rate_scale must be in \(0, 1\], got 2"),
        (put("encoder", "gain", value=2.0), "encoder must have n_steps and rate_scale, got"),
        (put("history", value={}), r"history must be a list, got \{\}"),
        (put("history", 0, value=4), r"history\[0\] must be a table, got 4"),
        (without("history", 1, "loss"), r"history\[1\] lacks 'loss'"),
        (put("history", 1, "epoch", value=1.5), r"history\[1\]\['epoch'\] must be an epoch, got 1"),
        (put("history", 1, "val_accuracy", value="x"), r"\['val_accuracy'\] must be a number"),
        (put("history", 1, "firing_rate", value=[None]), r"must be a list of numbers, got \[None"),
    ],
)
def test_messages_name_what_is_wrong(checkpoint, edit, message):
    path, change = checkpoint
    change(edit)
    with pytest.raises(ValueError, match=message) as raised:
        sr.Trainer.load(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_every_quantity_of_an_epoch_is_checked(checkpoint, written):
    path, change = checkpoint
    records = [*sr.Trainer.load(path, n_threads=1).history]
    assert len(records[1]) >= 15
    for name in [*records[1], "overflows"]:
        junks = [{}, [["1", 2]], [[1, 2, 3]], "" if name != "engine" else 1]
        for junk in junks if name == "firing_rate" else [*junks, [-1]]:
            path.write_bytes(written)
            change(put("history", 1, name, value=junk))
            with pytest.raises(ValueError, match=rf"history\[1\]\['{name}'\] must be"):
                sr.Trainer.load(path, n_threads=1)
        if name in ("lr", "accuracy", "firing_rate", "seconds", "samples_per_s"):
            path.write_bytes(written)
            change(without("history", 1, name))
            with pytest.raises(ValueError, match=rf"history\[1\] lacks '{name}'"):
                sr.Trainer.load(path, n_threads=1)


def test_what_callbacks_have_added_may_be_anything(checkpoint):
    path, change = checkpoint
    change(put("history", 1, "mine", value={"a": [None, "b"]}))
    change(put("history", 1, "loss", value=None))  # One that was not finite.
    history = sr.Trainer.load(path, n_threads=1).history
    assert history[-1]["mine"] == {"a": [None, "b"]}
