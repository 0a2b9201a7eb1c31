"""Trains a network through a chip that is not ours: spikes are recorded there, weights change here.

The simulator of SynSense's Xylo, xylosim, stands in for the chip. For every batch

1. the present weights are brought to the chip's integers (`Network.to_fixed`),
2. the chip runs the samples, and the spikes of its neurons are recorded,
3. a step of ST-RSBP is taken from the recorded spikes (`Trainer.step`).

Nothing is simulated here but, at the end, some samples to compare.

Usage: python examples/xylo_in_the_loop.py [--epochs 5] [--train 2000] [--test 1000] [--quick]
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs import fixed
from strsbp_rs.datasets import load_demo

N_INPUTS, N_HIDDEN, N_CLASSES = 16, 100, 10
N_STEPS = 100

Ints = NDArray[np.integer[Any]]


class Chip:
    """A chip with a network of one hidden layer: here xylosim, by the rules of Xylo-Audio 3.

    Another chip needs these two methods.
    """

    def __init__(self, network: sr.FixedNetwork) -> None:
        core = importlib.import_module("xylosim.v2")
        hidden, output = network.layers
        matrices = [hidden.weight, hidden.recurrent_weight, output.weight]
        shifted = [weight_and_shift(matrix) for matrix in matrices if matrix is not None]
        # The simulator holds bare pointers to these objects: they must outlive it.
        self._synapses = [
            [
                [
                    core.XyloSynapse(int(post), 0, int(column[post]))
                    for post in np.flatnonzero(column)
                ]
                for column in weight.T
            ]
            for weight, _ in shifted
        ]
        self._layer = core.XyloLayer(
            synapses_in=self._synapses[0],
            synapses_rec=self._synapses[1],
            synapses_out=self._synapses[2],
            aliases=[[] for _ in range(N_HIDDEN)],
            weight_shift_inp=shifted[0][1],
            weight_shift_rec=shifted[1][1],
            weight_shift_out=shifted[2][1],
            threshold=of_each(hidden, hidden.format.v_th),
            threshold_out=of_each(output, output.format.v_th),
            dash_mem=of_each(hidden, shift(hidden.format.membrane_decay)),
            dash_mem_out=of_each(output, shift(output.format.membrane_decay)),
            dash_syns=of_each(hidden, shift(hidden.format.current_decay))[:, None],
            dash_syns_out=of_each(output, shift(output.format.current_decay))[:, None],
            has_bias=False,
            bias=[],
            bias_out=[],
            name="strsbp_rs",
        )

    def record(self, samples: Ints) -> list[sr.SpikeTrains]:
        """Spikes of input, hidden and output neurons for counts (n_samples, n_steps, n_inputs).

        On the chip input takes no time, here one step as every spike does: so what is recorded
        comes a step later.
        """
        n_samples, n_steps, _ = samples.shape
        hidden = np.zeros((n_samples, n_steps, N_HIDDEN), np.uint8)
        output = np.zeros((n_samples, n_steps, N_CLASSES), np.uint8)
        for sample, raster in enumerate(samples):
            self._layer.reset_all()
            self._layer.evolve(raster[:-1])
            hidden[sample, 1:] = self._layer.rec_recurrent_spikes
            output[sample, 1:] = self._layer.rec_out_spikes
        return [sr.SpikeTrains.from_counts(counts) for counts in (samples, hidden, output)]


def weight_and_shift(weight: Ints) -> tuple[Ints, int]:
    """Weights of 8 bits, and the bits by which the chip shifts them up: their common zeros."""
    bits = int(np.bitwise_or.reduce(weight, axis=None))
    up = max((bits & -bits).bit_length() - 1, 0)
    return weight >> up, up


def shift(decay: fixed.Multiply | fixed.Shift) -> Any:
    """The bit shift of a decay."""
    assert isinstance(decay, fixed.Shift)
    return decay.shift


def of_each(layer: sr.FixedLayer, value: Any) -> Ints:
    """A constant of the neurons of a layer, for each."""
    return np.broadcast_to(np.asarray(value), len(layer.weight)).copy()


def samples_of(images: NDArray[np.uint8], seed: int) -> Ints:
    """Spikes of 4 x 4 means of the images, by chance; the chip takes up to 15 in a step."""
    pooled = images.reshape(-1, 4, 7, 4, 7).mean(axis=(2, 4)).reshape(-1, 1, N_INPUTS) / 255
    return np.random.default_rng(seed).binomial(1, pooled, (len(images), N_STEPS, N_INPUTS))


def test_accuracy(network: sr.FixedNetwork, samples: Ints, labels: Ints) -> float:
    """Share of the samples whose class fires most, on the chip."""
    counts = Chip(network).record(samples)[-1].counts()
    return float(np.mean(np.argmax(counts, axis=1) == labels))


def main() -> None:
    """Trains, and prints what the chip makes of the test samples before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--train", type=int, default=2000, help="training samples, up to 2,000")
    parser.add_argument("--test", type=int, default=1000, help="test samples, up to 1,000")
    parser.add_argument("--quick", action="store_true", help="3 epochs of 200 samples")
    options = parser.parse_args()
    if options.quick:
        options.epochs, options.train, options.test = 3, 200, 100
    try:
        importlib.import_module("xylosim.v2")
    except ImportError:
        sys.exit("The chip's simulator is not there: pip install xylosim==0.1.3 (compiles C++)")

    data = load_demo()
    x_train, y_train = data.x_train[: options.train], data.y_train[: options.train]
    test = samples_of(data.x_test[: options.test], seed=0)
    y_test = data.y_test[: options.test]
    # Time constants that are powers of two of steps, no refractory time: what the chip has.
    neurons = {"tau_m": 16.0, "tau_s": 4.0, "t_ref": 0.0}
    layers = [
        sr.Recurrent(N_HIDDEN, v_th=6.0, init=sr.Uniform(), recurrent_init=sr.Uniform(), **neurons),
        sr.Dense(N_CLASSES, v_th=4.0, init=sr.Uniform(), **neurons),
    ]
    net = sr.Network(N_INPUTS, layers, seed=1)
    hardware = sr.Xylo(device="audio3")
    trainer = sr.Trainer(
        net,
        loss=sr.SoftmaxCrossEntropy(),
        optimizer=sr.Adam(lr=5e-3),
        clip_norm=1.0,
        hardware=hardware,
    )

    before = test_accuracy(net.to_fixed(hardware), test, y_test)
    print(f"test accuracy on the chip, untrained: {before:.1%}")
    start = time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        samples = samples_of(x_train, seed=epoch)
        order = np.random.default_rng(epoch).permutation(len(samples))
        results = []
        for batch in np.array_split(order, max(len(order) // 25, 1)):
            spikes = Chip(net.to_fixed(hardware)).record(samples[batch])
            results.append(trainer.step(spikes, y_train[batch]))
        loss, accuracy = (
            np.mean([getattr(r, key) for r in results]) for key in ("loss", "accuracy")
        )
        rates = np.mean([result.firing_rate for result in results], axis=0)
        print(
            f"epoch {epoch:2}: loss {loss:.3f}, training accuracy {accuracy:.1%}, "
            f"spikes a step {rates[0]:.3f} hidden, {rates[1]:.3f} output, "
            f"{time.perf_counter() - start:.0f} s"
        )
    held = net.to_fixed(hardware)
    after = test_accuracy(held, test, y_test)
    print(f"test accuracy on the chip, trained: {after:.1%} ({before:.1%} before)")

    some = test[:50]
    recorded = Chip(held).record(some)
    if held.run(sr.SpikeTrains.from_counts(some)).spikes != recorded:
        sys.exit("FixedNetwork and the chip differ in their spikes")
    n_spikes = recorded[1].n_spikes + recorded[2].n_spikes
    print(f"FixedNetwork: the same {n_spikes:,} spikes as the chip's, of {len(some)} samples")


if __name__ == "__main__":
    main()
