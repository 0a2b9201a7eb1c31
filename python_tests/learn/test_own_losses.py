"""Losses of the user's own, written as functions."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loss_cases import (
    BUILT_IN,
    N_OUT,
    N_STEPS,
    RULE,
    assert_same,
    count_mse,
    cross_entropy,
    network,
    samples,
    squared,
)
from numpy.typing import NDArray

import strsbp_rs as sr


def trained(loss: Any, n: int = 30, **options: Any) -> tuple[sr.Network, sr.History]:
    fit = {
        name: options.pop(name) for name in ("sample_weight", "validation_data") if name in options
    }
    dtype = options.pop("dtype", "float64")
    net = network(dtype)
    x, y = samples(n)
    options = {"batch_size": 7, "seed": 2, "n_threads": 2} | options
    trainer = sr.Trainer(net, loss=loss, rule=RULE, **options)
    history = trainer.fit(x, y, epochs=2, progress=False, **fit)
    return net, history


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": "float32", "n_threads": 1},
        {"batch_size": 100, "n": 150},
        {"sample_weight": np.linspace(0.0, 3.0, 30)},
        {"hardware": sr.QFormat(weight_bits=8, state_bits=16, decay_bits=12)},
        {"validation_data": samples(9), "augment": None},
    ],
)
def test_count_mse_as_a_function_trains_bit_for_bit_like_the_built_in_one(
    options: dict[str, Any],
) -> None:
    own, history = trained(count_mse, **dict(options))
    known, expected = trained(BUILT_IN, **dict(options))
    assert_same(own, known)
    timeless = [
        {k: v for k, v in record.items() if "second" not in k and "_per_s" not in k}
        for record in expected
    ]
    for record, wanted in zip(history, timeless, strict=True):
        assert {key: record[key] for key in wanted} == wanted
    assert history["accuracy"] == expected["accuracy"]
    assert all(0.0 <= accuracy <= 1.0 for accuracy in history["accuracy"])


def test_cross_entropy_as_a_function_has_the_gradients_of_the_built_in_one() -> None:
    net = network()
    x, y = samples(70)
    of = [
        sr.Trainer(net, loss=loss, rule=RULE, n_threads=2).gradients(x, y)
        for loss in (cross_entropy, sr.SoftmaxCrossEntropy(temperature=2.0))
    ]
    assert of[0].loss == pytest.approx(of[1].loss, rel=1e-12)
    for own, known in zip(of[0].weights, of[1].weights, strict=True):
        for name in known:
            np.testing.assert_allclose(own[name], known[name], rtol=1e-9, atol=1e-14)


def test_a_batch_comes_as_a_whole_with_the_targets_of_its_samples() -> None:
    x, _ = samples(150)
    calls = []

    def loss(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
        calls.append((counts, targets))
        return squared(counts, targets)

    net = network()
    counts = net.spike_counts(x)
    # Targets that tell whose they are.
    trainer = sr.Trainer(net, loss=loss, batch_size=100, optimizer=sr.SGD(lr=1e-300))
    trainer.fit(x, counts.astype(np.float64), epochs=1, progress=False)
    assert [len(counts) for counts, _ in calls] == [100, 50]
    for batch, targets in calls:
        assert batch.dtype == np.uint32 and targets.dtype == np.float64
        np.testing.assert_array_equal(batch, targets)
    calls.clear()
    result = trainer.evaluate(x, counts + 1.0)
    assert [len(counts) for counts, _ in calls] == [100, 50]
    assert result.loss == 0.5 * N_OUT and result.accuracy is None
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in calls]), counts)


@pytest.mark.parametrize(
    "targets, of",
    [
        (
            np.arange(24.0).reshape(8, 3),
            lambda got: isinstance(got, np.ndarray) and got.shape == (4, 3),
        ),
        (np.arange(48).reshape(8, 2, 3), lambda got: got.shape == (4, 2, 3)),
        (np.array(list("abcdefgh")), lambda got: got.shape == (4,) and got.dtype.kind == "U"),
        ([[0.5]] * 8, lambda got: isinstance(got, np.ndarray) and got.shape == (4, 1)),
        ([{0, 1}, {2}, set(), {1}] * 2, lambda got: [type(one) for one in got] == [set] * 4),
        ([[0], [1, 2]] * 4, lambda got: [type(one) for one in got] == [list] * 4),
        (None, lambda got: got is None),
    ],
)
def test_targets_have_any_form_that_can_be_indexed(targets: Any, of: Any) -> None:
    got = []

    def loss(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
        got.append(targets)
        return 0, np.zeros(counts.shape)

    x, _ = samples(8)
    trainer = sr.Trainer(network(), loss=loss, batch_size=4)
    history = trainer.fit(x, targets, epochs=1, progress=False)
    assert len(got) == 2 and all(map(of, got))
    assert history["accuracy"] == [None] and history["loss"] == [0.0]


def test_regression_and_several_labels_are_learned() -> None:
    x, _ = samples(40)
    rng = np.random.default_rng(1)
    wanted = rng.uniform(2.0, 12.0, (1, N_OUT)).repeat(40, axis=0)
    trainer = sr.Trainer(network(), loss=squared, optimizer=sr.Adam(lr=0.01), clip_norm=5.0)
    losses = trainer.fit(x, wanted, epochs=20, progress=False)["loss"]
    assert losses[-1] < 0.5 * losses[0]

    def several(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
        # Labelled outputs are to fire at least ten times, others at most twice.
        short = np.where(targets, np.minimum(counts - 10.0, 0.0), np.maximum(counts - 2.0, 0.0))
        return (0.5 * short**2).sum(), short

    labels = np.tile([True, False, True], (40, 1))
    trainer = sr.Trainer(network(), loss=several, optimizer=sr.Adam(lr=0.01), clip_norm=5.0)
    losses = trainer.fit(x, labels, epochs=20, progress=False)["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_without_classes_there_is_no_accuracy(capfd: pytest.CaptureFixture[str]) -> None:
    x, _ = samples(8)
    wanted = np.full((8, N_OUT), 4.0)
    trainer = sr.Trainer(network(), loss=squared, batch_size=4)
    progress: list[Any] = []

    class Watch(sr.Callback):
        def on_batch_end(self, trainer: sr.Trainer, values: dict[str, Any]) -> None:
            progress.append(values["accuracy"])

    history = trainer.fit(x, wanted, epochs=2, validation_data=(x, wanted), callbacks=[Watch()])
    assert history["accuracy"] == history["val_accuracy"] == [None, None] == progress[-2:]
    assert all(loss > 0 for loss in history["val_loss"])
    error = capfd.readouterr().err
    assert "test loss" in error and "accuracy" not in error
    assert "accuracy" not in repr(history) and "accuracy" not in repr(trainer.evaluate(x, wanted))
    assert "loss squared" in repr(trainer)
    for monitor in ("accuracy", "val_accuracy"):
        stopping = sr.EarlyStopping(monitor)
        with pytest.raises(ValueError, match=f"monitor '{monitor}' needs targets that are classes"):
            trainer.fit(x, wanted, epochs=3, validation_data=(x, wanted), callbacks=[stopping])


def test_a_checkpoint_goes_on_with_the_loss_that_is_given_again(tmp_path: Path) -> None:
    path, best = tmp_path / "own.safetensors", tmp_path / "best.safetensors"
    x, _ = samples(12)
    wanted = np.full((12, N_OUT), 6.0)
    whole, part = (sr.Trainer(network(), loss=squared, batch_size=5) for _ in range(2))
    whole.fit(x, wanted, epochs=3, progress=False)
    keep = sr.BestCheckpoint(best, "loss")
    part.fit(x, wanted, epochs=1, progress=False, checkpoint=path, callbacks=[keep])
    with pytest.raises(ValueError, match=r"own.safetensors was trained with a function, which no"):
        sr.Trainer.load(path)
    with pytest.raises(TypeError, match=r"loss must be a function \(counts, targets\), got 'count"):
        sr.Trainer.load(path, loss="count_mse")  # type: ignore[arg-type]
    again = sr.Trainer.load(path, loss=squared)
    assert again.loss is squared and again.config["loss"] is None
    again.fit(x, wanted, epochs=3, progress=False, callbacks=[sr.BestCheckpoint(best, "loss")])
    assert_same(again.network, whole.network)
    assert again.history["loss"] == whole.history["loss"]
    assert again.history["accuracy"] == [None] * 3
    sr.Network.load(path)


def test_a_checkpoint_with_a_loss_takes_no_other(tmp_path: Path) -> None:
    path = tmp_path / "known.safetensors"
    sr.Trainer(network(), loss=BUILT_IN).save(path)
    assert sr.Trainer.load(path).loss == BUILT_IN
    with pytest.raises(ValueError, match=r"loss must be None, as .* holds one, count_mse; got <fu"):
        sr.Trainer.load(path, loss=squared)


def test_pickles_keep_a_loss_that_can_be_pickled() -> None:
    trainer = sr.Trainer(network(), loss=count_mse)
    copy = pickle.loads(pickle.dumps(trainer))
    assert copy.loss is count_mse
    x, y = samples(5)
    assert copy.gradients(x, y).loss == trainer.gradients(x, y).loss


def test_no_teacher_stands_in_for_silent_neurons() -> None:
    net = network(v_th=1e6)
    x, y = samples(4)
    spikes = net.run(x).spikes
    assert spikes[-1].n_spikes == 0
    taught = sr.gradients_from_spikes(net, spikes, y, loss=BUILT_IN)
    own = sr.gradients_from_spikes(net, spikes, y, loss=count_mse)
    given = sr.gradients_from_spikes(net, spikes, d_counts=np.full((4, 3), -8.0))
    # The teacher's spikes have S-PSPs of the silent hidden neurons alone, and biases none.
    assert own.loss == taught.loss and own.loss is not None and own.loss > 0
    for gradients in (own, given):
        assert all(not array.any() for layer in gradients.weights for array in layer.values())


def test_teachers_are_of_the_built_in_losses_alone() -> None:
    net = network(recurrent=False)
    x, _ = samples(4)
    hidden = net.run(x).spikes[1]
    silent = sr.SpikeTrains.from_dense(np.zeros((4, N_STEPS, N_OUT), bool))
    y = np.zeros(4, int)
    taught = sr.gradients_from_spikes(net, [x, hidden, silent], y, loss=BUILT_IN)
    own = sr.gradients_from_spikes(net, [x, hidden, silent], y, loss=count_mse)
    assert taught.weights[1]["weight"].any() and not own.weights[1]["weight"].any()


def test_the_guide_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guide = Path(__file__).parents[2] / "docs" / "guides" / "own-losses.md"
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), flags=re.S)
    names: dict[str, Any] = {}
    for block in blocks:
        # The first shows no more than the form.
        if "..." not in block:
            exec(block, names)
    assert len(blocks) == 5
    assert names["history"]["loss"][-1] < 0.1 * names["history"]["loss"][0]
    right = (names["net"].spike_counts(names["x"]) > 8) == names["labels"]
    assert right.mean() > 0.9
    assert names["gradients"].d_input.shape == (400, 20)
