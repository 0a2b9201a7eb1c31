"""Weights by hand where the network has no synapse, and windows that hold padding alone."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.fixed._checks import weight_errors

ENCODER = sr.BernoulliEncoder(n_steps=30)


def test_weights_where_no_synapse_exists_are_refused() -> None:
    init = sr.Uniform(0.1, 1.0)
    layers = [
        sr.Recurrent(6, v_th=1.0, mask=sr.Sparse(0.5), init=init, recurrent_init=init),
        sr.Dense(4, v_th=1.0, lateral_inhibition=0.3, init=init),
        sr.Recurrent(
            3, v_th=1.0, mask=sr.AllToAll(self_loops=True), init=init, recurrent_init=init
        ),
    ]
    net = sr.Network(5, layers, seed=2)
    held = net.to_fixed().layers
    missing = np.argwhere(net.weights[0]["recurrent_weight"] == 0.0)
    apart = next((int(i), int(j)) for i, j in missing if i != j)
    for at, where in [(0, apart), (0, (2, 2)), (1, (3, 3))]:
        weight = held[at].recurrent_weight
        assert weight is not None and weight[where] == 0
        changed = weight.copy()
        changed[where] = -5
        layers_of_mine = list(held)
        layers_of_mine[at] = replace(held[at], recurrent_weight=changed)
        name = rf"layers\[{at}\]\.recurrent_weight\[{where[0]}, {where[1]}\]"
        with pytest.raises(
            ValueError, match=rf"{name} must be 0, as no synapse exists there, got -5"
        ):
            sr.FixedNetwork(net, layers_of_mine)
    # Where synapses exist, weights may be anything, of a neuron onto itself too.
    ones = [
        replace(layer, recurrent_weight=np.sign(layer.recurrent_weight).astype(np.int32))
        for layer in held
    ]
    assert ones[2].recurrent_weight is not None and ones[2].recurrent_weight.all()
    made = sr.FixedNetwork(net, ones)
    for one, other in zip(made.layers, pickle.loads(pickle.dumps(made)).layers, strict=True):
        np.testing.assert_array_equal(one.recurrent_weight, other.recurrent_weight)


def test_windows_of_padding_alone_have_no_weight_to_lose() -> None:
    # Windows of one place, at -2 and at 2, with neurons at 0 and 1.
    apart = sr.AvgPool2d(1, stride=4, padding=2)
    for shape, pool in [
        ((1, 2, 2), apart),
        ((3, 2, 9), sr.AvgPool2d((1, 2), stride=(4, 2), padding=(2, 0))),
        ((3, 2), sr.AvgPool1d(1, stride=4, padding=2)),
    ]:
        net = sr.Network(shape, [pool, sr.Dense(2, v_th=1.0)], seed=1)
        held = net.to_fixed()
        assert held.layers[0].weight.tolist() == [[0]]
        x = np.random.default_rng(1).random((2, *shape))
        found = held.report(x, encoder=ENCODER).layers[0]
        assert (found.weight_error, found.clipped, found.zeros) == (0.0, 0.0, 0.0)
        # And no weight to be given.
        given = replace(held.layers[0], weight=np.array([[1]]))
        with pytest.raises(ValueError, match=r"layers\[0\]\.weight\[0, 0\] must be 0, as no"):
            sr.FixedNetwork(net, [given, held.layers[1]])
    # A window that reaches one neuron has.
    reaching = sr.Network((1, 3, 3), [sr.AvgPool2d(1, stride=4, padding=2), sr.Dense(2)])
    (layer, *_), shape = reaching.to_fixed().layers, reaching.in_shape
    assert layer.weight.tolist() == [[127]]
    assert weight_errors(apart, {}, layer, shape)[0] < 1e-12
    nothing = replace(layer, weight=np.zeros((1, 1), np.int32))
    assert weight_errors(apart, {}, nothing, shape) == (1.0, 1.0, 1.0)
