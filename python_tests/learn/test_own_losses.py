"""Losses of the user's own: functions, and derivatives handed in."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import strsbp_rs as sr

N_IN, N_OUT, N_STEPS = 6, 3, 40
RULE = sr.StRsbp(teacher_spikes=False)


def count_mse(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """CountMSE(target=8, other=2, dead_zone=1)."""
    wanted = np.full(counts.shape, 2.0)
    wanted[np.arange(len(counts)), targets] = 8.0
    error = counts - wanted
    error[np.abs(error) <= 1.0] = 0.0
    return (0.5 * error**2).sum(axis=1), error


def cross_entropy(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """SoftmaxCrossEntropy(temperature=2)."""
    logits = counts / 2.0
    logits -= logits.max(axis=1, keepdims=True)
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(counts))
    loss = -np.log(share[rows, targets])
    share[rows, targets] -= 1.0
    return loss, share / 2.0


BUILT_IN = sr.CountMSE(target=8.0, other=2.0, dead_zone=1.0)


def squared(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
    """Regression: half the squared distance to wanted counts."""
    error = counts - targets
    return (0.5 * error**2).sum(axis=1), error


def network(dtype: str = "float64", recurrent: bool = True, v_th: float = 0.5) -> sr.Network:
    init = sr.Uniform(-0.3, 0.8)
    options: dict[str, Any] = {"tau_m": 20.0, "tau_s": 5.0, "v_th": v_th, "init": init}
    own = sr.Uniform(-0.2, 0.2)
    hidden = (
        sr.Recurrent(12, **options, recurrent_init=own) if recurrent else sr.Dense(12, **options)
    )
    return sr.Network(N_IN, [hidden, sr.Dense(N_OUT, **options)], dtype=dtype, seed=3)


def samples(n: int) -> tuple[sr.SpikeTrains, NDArray[np.int64]]:
    rng = np.random.default_rng(5)
    raster = rng.random((n, N_STEPS, N_IN)) < rng.uniform(0.05, 0.5, (n, 1, N_IN))
    return sr.SpikeTrains.from_dense(raster), rng.integers(0, N_OUT, n)


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


def weights(net: sr.Network) -> list[NDArray[Any]]:
    return [array for layer in net.weights for array in layer.values()]


def assert_same(a: sr.Network, b: sr.Network) -> None:
    for one, other in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(one, other)


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


def test_given_derivatives_are_those_of_the_sum_and_gradients_those_of_the_mean() -> None:
    net = network()
    x, y = samples(9)
    spikes = net.run(x).spikes
    _, d_counts = count_mse(spikes[-1].counts(), y)
    weight = np.linspace(0.5, 2.0, 9)
    expected = sr.gradients_from_spikes(
        net, spikes, y, loss=BUILT_IN, rule=RULE, sample_weight=weight
    )
    own = sr.gradients_from_spikes(net, spikes, d_counts=d_counts, rule=RULE, sample_weight=weight)
    trainer = sr.Trainer(net, rule=RULE)
    simulated = trainer.gradients(x, d_counts=d_counts * weight[:, None])
    assert own.loss is None and simulated.loss is None and "loss" not in repr(own)
    for a, b, c in zip(expected.weights, own.weights, simulated.weights, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
            np.testing.assert_array_equal(a[name], c[name])


def test_a_step_with_given_derivatives_is_that_of_the_loss() -> None:
    x, y = samples(8)
    nets = [network(), network()]
    spikes = nets[0].run(x).spikes
    trainers = [sr.Trainer(net, loss=BUILT_IN, rule=RULE, optimizer=sr.SGD(lr=0.1)) for net in nets]
    known = trainers[0].step(spikes, y)
    own = trainers[1].step(spikes, d_counts=count_mse(spikes[-1].counts(), y)[1])
    assert (own.loss, own.accuracy) == (None, None)
    assert (own.grad_norm, own.firing_rate) == (known.grad_norm, known.firing_rate)
    assert known.grad_norm > 0
    assert_same(*nets)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
def test_what_is_sent_to_the_input_is_what_the_layer_below_would_learn_from(
    recurrent: bool, silent_ratio: float
) -> None:
    # Powers of two, so that the order of the divisions changes no bit.
    whole, (x, y) = network(recurrent=recurrent), samples(64)
    rule = sr.StRsbp(teacher_spikes=False, silent_ratio=silent_ratio)
    _, hidden, output = whole.run(x).spikes
    bottom = sr.Network(N_IN, whole.layers[:1], dtype="float64")
    bottom.set_weights(whole.weights[:1])
    top = sr.Network(12, whole.layers[1:], dtype="float64")
    top.set_weights(whole.weights[1:])
    expected = sr.gradients_from_spikes(whole, [x, hidden, output], y, loss=BUILT_IN, rule=rule)
    above = sr.gradients_from_spikes(
        top, [hidden, output], y, loss=BUILT_IN, rule=rule, d_input=True
    )
    assert above.d_input is not None and above.d_input.shape == (64, 12)
    below = sr.gradients_from_spikes(bottom, [x, hidden], d_counts=64 * above.d_input, rule=rule)
    for name, wanted in expected.weights[0].items():
        np.testing.assert_array_equal(below.weights[0][name], wanted)
        assert np.any(wanted != 0)
    for name, wanted in expected.weights[1].items():
        np.testing.assert_array_equal(above.weights[0][name], wanted)
    silent = hidden.counts() == 0
    assert silent.any() and np.all(above.d_input[silent] == 0) == (silent_ratio == 0.0)


def test_what_is_sent_to_the_input_of_large_batches_and_on_any_number_of_threads() -> None:
    net, (x, y) = network("float32"), samples(150)
    d_inputs = [
        sr.Trainer(net, loss=loss, rule=RULE, n_threads=n).gradients(x, y, d_input=True).d_input
        for loss, n in ((BUILT_IN, 1), (BUILT_IN, 5), (count_mse, 2))
    ]
    assert d_inputs[0] is not None and d_inputs[0].dtype == np.float32
    assert d_inputs[0].any(axis=1).sum() > 100
    for other in d_inputs[1:]:
        np.testing.assert_array_equal(d_inputs[0], other)
    assert sr.Trainer(net).gradients(x, y).d_input is None
    with pytest.raises(TypeError, match="d_input must be True or False, got 3"):
        sr.Trainer(net).gradients(x, y, d_input=3)  # type: ignore[arg-type]


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


class Refused(Exception):
    pass


def test_what_the_loss_raises_comes_out_as_it_is_and_changes_nothing() -> None:
    x, y = samples(12)
    net, error = network(), Refused("not these")
    taken: list[list[NDArray[Any]]] = []

    def loss(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
        if len(taken) == 2:
            raise error
        taken.append([array.copy() for array in weights(net)])
        return count_mse(counts, targets)

    trainer = sr.Trainer(net, loss=loss, batch_size=4)
    with pytest.raises(Refused) as caught:
        trainer.fit(x, y, epochs=1, progress=False)
    assert caught.value is error and trainer.epoch == 0 and len(trainer.history) == 0
    after = [array.copy() for array in weights(net)]
    assert any(np.any(a != b) for a, b in zip(after, taken[1], strict=True))
    spikes = net.run(x).spikes
    calls: list[Any] = [
        lambda: trainer.step(spikes, y),
        lambda: trainer.evaluate(x, y),
        lambda: trainer.gradients(x, y),
        lambda: sr.gradients_from_spikes(net, spikes, y, loss=loss),
    ]
    for call in calls:
        with pytest.raises(Refused):
            call()
    for a, b in zip(after, weights(net), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_may_read_but_not_train() -> None:
    x, y = samples(4)
    net = network()

    def loss(counts: NDArray[np.uint32], targets: Any) -> tuple[Any, Any]:
        assert trainer.epoch == 0 and len(net.weights) == 2
        trainer.gradients(x, y)
        return count_mse(counts, targets)

    trainer = sr.Trainer(net, loss=loss)
    with pytest.raises(RuntimeError, match="the trainer is in use"):
        trainer.fit(x, y, epochs=1, progress=False)


@pytest.mark.parametrize(
    "result, kind, message",
    [
        (3.0, TypeError, r"must return \(loss, d_counts\), got <class 'float'>"),
        ((1, 2, 3), TypeError, "got 3 values"),
        (("a", np.zeros((4, 3))), TypeError, r"loss\(counts, targets\)\[0\] has dtype <U1"),
        ((np.zeros(3), np.zeros((4, 3))), ValueError, r"\[0\] has shape \(3,\), expected \(n_samp"),
        (([0, 0, np.nan, 0], np.zeros((4, 3))), ValueError, r"\[0\]\[2\] must be finite, got nan"),
        ((np.inf, np.zeros((4, 3))), ValueError, r"\[0\] must be finite, got inf"),
        ((0.0, np.zeros((3, 4))), ValueError, r"\[1\] has shape \(3, 4\), expected \(n_samples=4,"),
        ((0.0, np.zeros((4, 3), bool)), TypeError, r"\[1\] has dtype bool, expected floats"),
        ((0.0, np.full((4, 3), np.nan)), ValueError, r"\[1\]\[0, 0\] must be finite, got nan"),
    ],
)
def test_what_a_loss_must_not_return_is_named(
    result: Any, kind: type[Exception], message: str
) -> None:
    x, y = samples(4)
    net = network()
    before = weights(net)
    trainer = sr.Trainer(net, loss=lambda counts, targets: result)
    with pytest.raises(kind, match=message):
        trainer.fit(x, y, epochs=1, progress=False)
    for a, b in zip(before, weights(net), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sum_has_no_sample_weights() -> None:
    x, y = samples(4)
    trainer = sr.Trainer(network(), loss=lambda counts, _: (8.0, np.zeros(counts.shape)))
    assert trainer.gradients(x, y).loss == 2.0
    with pytest.raises(ValueError, match=r"must be the loss of every sample, \(n_samples=4,\)"):
        trainer.gradients(x, y, sample_weight=np.ones(4))


def test_arguments_that_do_not_fit_are_named() -> None:
    x, y = samples(4)
    net = network()
    spikes = net.run(x).spikes
    with pytest.raises(TypeError, match=r"loss must take \(counts, targets\), its signature is"):
        sr.Trainer(net, loss=lambda counts: counts)  # type: ignore[arg-type, return-value, misc]
    with pytest.raises(TypeError, match="loss must be CountMSE, SoftmaxCrossEntropy or one of"):
        sr.Trainer(net, loss=sr.CountMSE)  # type: ignore[arg-type]
    own = sr.Trainer(net, loss=squared)
    with pytest.raises(ValueError, match=r"y has shape \(3, 3\), expected n_samples=4 targets"):
        own.fit(x, np.zeros((3, 3)), epochs=1, progress=False)
    with pytest.raises(ValueError, match="y has length 2, expected n_samples=4 targets"):
        own.evaluate(x, [{1}, {2}])
    with pytest.raises(TypeError, match="y must hold the target of every sample, got int"):
        own.gradients(x, 3)
    with pytest.raises(ValueError, match="y must be given, or d_counts, got None"):
        sr.gradients_from_spikes(net, spikes)
    with pytest.raises(ValueError, match="d_counts must be None where y is given"):
        sr.Trainer(net).step(spikes, y, d_counts=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"d_counts has shape \(4,\), expected \(n_samples=4, n_o"):
        sr.Trainer(net).gradients(x, d_counts=np.zeros(4))
    with pytest.raises(ValueError, match=r"d_counts\[1, 2\] must be finite, got inf"):
        sr.gradients_from_spikes(
            net, spikes, d_counts=np.where(np.arange(12) == 5, np.inf, 0).reshape(4, 3)
        )
    with pytest.raises(TypeError, match="d_counts has dtype <U1, expected floats"):
        sr.gradients_from_spikes(net, spikes, d_counts=[["a"] * 3] * 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"spikes must be 3 spike trains, .* got 0"):
        sr.gradients_from_spikes(net, [], d_counts=np.zeros((4, 3)))


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


def subclass(cls: type, **values: Any) -> Any:
    return type(f"My{cls.__name__}", (cls,), {"__call__": lambda *_: None})(**values)


@pytest.mark.parametrize(
    "name, value",
    [
        ("loss", subclass(sr.CountMSE)),
        ("loss", subclass(sr.SoftmaxCrossEntropy)),
        ("optimizer", subclass(sr.Adam)),
        ("schedule", subclass(sr.Cosine)),
        ("rule", subclass(sr.StRsbp)),
        ("encoder", subclass(sr.BernoulliEncoder)),
        ("augment", subclass(sr.ImageAugment, image_shape=(2, 3), max_shift=0)),
        ("weight_penalty", subclass(sr.ExponentialPenalty)),
        ("hardware", subclass(sr.QFormat, weight_bits=8)),
    ],
)
def test_subclasses_whose_methods_would_not_be_called_are_refused(name: str, value: Any) -> None:
    with pytest.raises(
        TypeError, match=f"{name} must be .* itself, got My.*, a subclass"
    ) as caught:
        sr.Trainer(network(), **{name: value})
    assert ("give a function" in str(caught.value)) == (name == "loss")


def test_subclasses_are_refused_in_networks_and_graphs_too() -> None:
    with pytest.raises(TypeError, match=r"layers\[0\] must be .* itself, got MyDense"):
        sr.Network(3, [subclass(sr.Dense, n=2)])
    with pytest.raises(TypeError, match=r"init must be .* itself, got MyNormal"):
        sr.Dense(3, init=subclass(sr.Normal))
    with pytest.raises(TypeError, match=r"encoder must be .* itself, got MyBernoulliEncoder"):
        network().spike_counts(np.zeros((2, N_IN)), encoder=subclass(sr.BernoulliEncoder))
    graph = sr.Graph()
    one, two = graph.add_population(2), graph.add_population(2)
    delay = subclass(sr.UniformDelay, low=0.0, high=1.0)
    for options in ({"weight": subclass(sr.Normal)}, {"delay": delay}):
        with pytest.raises(TypeError, match=r"(weight|delay) must be .* itself, got My"):
            graph.connect(one, two, **options)


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
