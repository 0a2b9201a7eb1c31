"""Losses of the user's own that fail or do not fit, and classes that are no losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from loss_cases import N_IN, count_mse, network, samples, squared, weights
from numpy.typing import NDArray

import strsbp_rs as sr


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
