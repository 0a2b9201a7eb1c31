"""Derivatives by spike counts, handed in at the output and handed out at the input."""

from __future__ import annotations

import numpy as np
import pytest
from loss_cases import BUILT_IN, N_IN, RULE, assert_same, count_mse, network, samples

import strsbp_rs as sr


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
