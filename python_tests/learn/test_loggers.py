"""Histories in files of other programs: CSV and TensorBoard."""

import builtins
import csv
import struct
from types import SimpleNamespace

import pytest

import strsbp_rs as sr


@pytest.fixture
def fit(small):
    make_network, encoder, x, y = small

    def run(*callbacks, trainer=None, epochs=2, **options):
        trainer = trainer or sr.Trainer(make_network(), encoder=encoder)
        trainer.fit(x, y, epochs=epochs, callbacks=list(callbacks), progress=False, **options)
        return trainer

    return run


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_an_epoch(fit, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("of a run before\n")
    history = fit(sr.CSVLogger(path)).history
    rows = read(path)
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert [float(row["firing_rate_1"]) for row in rows] == [r["firing_rate"][1] for r in history]
    assert list(rows[0]) == list(history.rows()[0])


def test_csv_of_another_trainer_begins_anew(fit, tmp_path):
    logger = sr.CSVLogger(tmp_path / "log.csv")
    fit(logger)
    fit(logger, epochs=1)
    assert [int(row["epoch"]) for row in read(logger.path)] == [1]


def test_csv_of_a_resumed_run_is_that_of_the_whole_one(fit, tmp_path):
    def add(trainer, record):
        record["f1"] = record["epoch"] / 8

    path, last = tmp_path / "log.csv", tmp_path / "last.safetensors"
    hooks = [SimpleNamespace(on_epoch_end=add), sr.CSVLogger(path)]
    fit(*hooks, epochs=2, checkpoint=last)
    two = path.read_text()
    kept = last.read_bytes()
    fit(*hooks, trainer=sr.Trainer.load(last), epochs=3)
    assert path.read_text().startswith(two)
    assert [float(row["f1"]) for row in read(path)] == [1 / 8, 2 / 8, 3 / 8]
    # Killed in the middle of a row, and after rows of epochs that no checkpoint was written of.
    ends = [path.read_text()[:-3], path.read_text() + "4,1,1\n", two[:-30], two[:40]]
    # The last one in the middle of a character.
    for end in (*map(str.encode, ends), two.encode() + "3,ö".encode()[:-1]):
        path.write_bytes(end)
        last.write_bytes(kept)
        trainer = fit(*hooks, trainer=sr.Trainer.load(last), epochs=4)
        rows = read(path)
        assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
        assert [float(row["loss"]) for row in rows] == trainer.history["loss"]
    path.unlink()
    fit(sr.CSVLogger(path), trainer=sr.Trainer.load(last), epochs=3)
    assert [int(row["epoch"]) for row in read(path)] == [1, 2, 3]


def test_csv_gets_columns_that_come_later(fit, tmp_path):
    def add(trainer, record):
        if record["epoch"] == 2:
            record["f1"] = 0.5

    path = tmp_path / "log.csv"
    fit(SimpleNamespace(on_epoch_end=add), sr.CSVLogger(path), epochs=3)
    assert [row["f1"] for row in read(path)] == ["", "0.5", ""]
    with pytest.raises(FileNotFoundError, match=r"path: the folder .*missing does not exist"):
        fit(sr.CSVLogger(tmp_path / "missing" / "log.csv"))


def scalars(folder):
    """What the event files of a folder hold, file by file: (purged from, {tag: {step: value}})."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data, at, values, purged = path.read_bytes(), 0, {}, None
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            if event.HasField("session_log"):
                purged = event.step
            for value in event.summary.value:
                values.setdefault(value.tag, {})[event.step] = value.simple_value
        found.append((purged, values))
    return found


def test_tensorboard_has_the_numbers_of_every_epoch(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    last = tmp_path / "last.safetensors"
    history = fit(sr.TensorBoard(tmp_path / "run"), checkpoint=last).history
    [(purged, values)] = scalars(tmp_path / "run")
    assert purged is None
    for tag, expected in (
        ("loss", history["loss"]),
        ("firing_rate/2", [record["firing_rate"][2] for record in history]),
    ):
        assert values[tag] == {1: pytest.approx(expected[0]), 2: pytest.approx(expected[1])}
    assert "epoch" not in values and "engine" not in values
    # Epochs beyond the checkpoint that is resumed are purged.
    resumed = tmp_path / "resumed"
    fit(sr.TensorBoard(resumed), trainer=sr.Trainer.load(last), epochs=3)
    [(purged, values)] = scalars(resumed)
    assert purged == 3 and list(values["loss"]) == [3]


def test_tensorboard_may_be_looked_at_while_training_goes_on(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    seen = []

    class Look(sr.Callback):
        def on_epoch_end(self, trainer, record):
            [(_, values)] = scalars(tmp_path / "run")
            seen.append(list(values["loss"]))

    fit(sr.TensorBoard(tmp_path / "run"), Look())
    assert seen == [[1], [1, 2]]


def test_without_tensorboardx_the_extra_is_named(monkeypatch, tmp_path):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("tensorboardX"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"strsbp_rs\[tensorboard\]"):
        sr.TensorBoard(tmp_path)
