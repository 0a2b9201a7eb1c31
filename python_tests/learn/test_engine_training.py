"""Training and evaluation with other engines than the clocked one."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delayed import assert_same, drawn, make_network, trainer_of

import strsbp_rs as sr


def untimed(record: dict[str, Any]) -> dict[str, Any]:
    timed = ("seconds", "samples_per_s", "val_samples_per_s", "engine")
    return {key: value for key, value in record.items() if key not in timed}


def history(trainer: sr.Trainer) -> list[dict[str, Any]]:
    """All that does not depend on the machine."""
    return [untimed(record) for record in trainer.history.epochs]


@pytest.mark.parametrize("make", [make_network, drawn], ids=["plain", "delays"])
@pytest.mark.parametrize("engine", ["event", "auto"])
def test_grid_engines_train_alike(task: Any, make: Any, engine: str) -> None:
    """In float64, without near ties, no number of the history is different."""
    x, y, encoder = task
    assert make(dtype="float64").run(x, encoder=encoder, engine="event").operations.near_ties == 0
    clocked, other = (
        trainer_of(make(dtype="float64"), encoder, engine=name, clip_norm=1.0)
        for name in ("clocked", engine)
    )
    for trainer in (clocked, other):
        trainer.fit(x, y, epochs=3, validation_data=(x, y), progress=False)
    assert history(other) == history(clocked)
    assert len(history(other)) == 3
    assert_same(other.network.weights, clocked.network.weights)
    used = {record["engine"] for record in other.history.epochs}
    assert used == {"event"} if engine == "event" else used <= {"event", "clocked"}
    assert {record["engine"] for record in clocked.history.epochs} == {"clocked"}
    got, expected = (trainer.gradients(x, y) for trainer in (other, clocked))
    assert got.loss == expected.loss
    assert_same(got.weights, expected.weights)


def test_continuous_time_trains(task: Any) -> None:
    """It gets better, by spikes that are not the clocked ones."""
    x, y, encoder = task
    clocked, trainer = (
        trainer_of(make_network(), encoder, engine=engine) for engine in ("clocked", "continuous")
    )
    before = trainer.evaluate(x, y)
    assert before.engine == "continuous"
    assert before.firing_rate != clocked.evaluate(x, y).firing_rate
    trainer.fit(x, y, epochs=60, progress=False)
    after = trainer.evaluate(x, y)
    assert after.loss < 0.6 * before.loss and after.accuracy > 0.6
    assert {record["engine"] for record in trainer.history.epochs} == {"continuous"}


@pytest.mark.parametrize("engine", ["event", "continuous", "auto"])
def test_result_does_not_depend_on_threads(wide: Any, engine: str) -> None:
    make, encoder, x, y = wide
    trainers = [
        trainer_of(make(), encoder, engine=engine, n_threads=n_threads, clip_norm=1.0)
        for n_threads in (1, 2, 5)
    ]
    for trainer in trainers:
        trainer.fit(x[:10], y[:10], epochs=1, progress=False)
        assert_same(trainer.network.weights, trainers[0].network.weights)
        assert history(trainer) == history(trainers[0])


@pytest.mark.parametrize("engine", ["clocked", "event", "continuous"])
def test_evaluation_takes_any_engine(task: Any, engine: str) -> None:
    """Whatever the trainer's own is."""
    x, y, encoder = task
    trainer = trainer_of(make_network(dtype="float64"), encoder, engine="event")
    assert trainer.evaluate(x, y).engine == "event"
    result = trainer.evaluate(x, y, engine=engine)
    assert result.engine == engine
    same = trainer_of(make_network(dtype="float64"), encoder, engine=engine).evaluate(x, y)
    assert (result.loss, result.accuracy) == (same.loss, same.accuracy)
    with pytest.raises(ValueError, match=r"engine must be one of .*got 'clock'"):
        trainer.evaluate(x, y, engine="clock")


@pytest.mark.parametrize("engine", ["event", "continuous"])
def test_resumed_equals_uninterrupted(task: Any, tmp_path: Path, engine: str) -> None:
    """A checkpoint keeps the engine."""
    x, y, encoder = task
    whole, half = (trainer_of(drawn(), encoder, engine=engine) for _ in range(2))
    whole.fit(x, y, epochs=4, progress=False)
    half.fit(x, y, epochs=2, progress=False)
    half.save(tmp_path / "half.safetensors")
    resumed = sr.Trainer.load(tmp_path / "half.safetensors", n_threads=1)
    assert resumed.config["engine"] == engine
    resumed.fit(x, y, epochs=4, progress=False)
    assert_same(resumed.network.weights, whole.network.weights)
    assert [record["engine"] for record in resumed.history.epochs] == [engine] * 4


def test_checkpoints_from_before_there_were_engines(task: Any, tmp_path: Path) -> None:
    """They have no such field, and were clocked."""
    x, y, encoder = task
    trainer, new, old = trainer_of(make_network(), encoder), tmp_path / "new", tmp_path / "old"
    trainer.fit(x, y, epochs=1, progress=False)
    trainer.save(new)
    data = new.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    n_removed = 0
    for key, text in header["__metadata__"].items():
        try:
            value = json.loads(text)
        except ValueError:
            continue
        n_removed += remove_engine(value)
        header["__metadata__"][key] = json.dumps(value)
    assert n_removed > 0
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    old.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    loaded = sr.Trainer.load(old)
    assert loaded.config["engine"] == "clocked"
    for resumed in (loaded, trainer):
        resumed.fit(x, y, epochs=2, progress=False)
    assert_same(loaded.network.weights, trainer.network.weights)
    np.testing.assert_array_equal(
        loaded.network.predict(x, encoder=encoder), trainer.network.predict(x, encoder=encoder)
    )


def remove_engine(value: Any) -> int:
    """Removes the field wherever it is; how often it was."""
    if isinstance(value, list):
        return sum(remove_engine(item) for item in value)
    if not isinstance(value, dict):
        return 0
    found = int(value.pop("engine", None) is not None)
    return found + sum(remove_engine(item) for item in value.values())
