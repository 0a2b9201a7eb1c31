"""Networks whose layers are computed in fixed point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs import fixed
from strsbp_rs._network import Input, Network, input_options, prepare_input, threads
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import FixedNetworkCore

# What states have room for where bits are few: currents in units of the one that just holds a
# neuron at its threshold, membranes in units of the threshold.
_CURRENT_ROOM = 10.0
_MEMBRANE_ROOM = 4.0

# Units of a state that make up one of a weight, and a threshold, where bits are many.
_FINE_CURRENT = 16.0
_FINE_THRESHOLD = 4096.0


@dataclass(frozen=True)
class FixedLayer:
    """A layer in fixed point.

    Attributes:
        format: Number format and neuron.
        weight: int32 (n_out, n_in).
        recurrent_weight: int32 (n, n), of post- and presynaptic neuron; lateral inhibition is
            among them. None where a layer does not hear itself.
        scale: What one unit of a weight stands for.
    """

    format: fixed.Format
    weight: NDArray[np.int32]
    recurrent_weight: NDArray[np.int32] | None
    scale: float


class FixedNetwork:
    """A network whose layers are computed in fixed point, bit for bit as the formats say.

    `quantize` makes one of a trained network. Sizes and delays are those of the network.

    Args:
        network: A network in float32; it is copied.
        layers: A format and integer weights for each of its layers.

    Raises:
        TypeError: If the network is not in float32.
        ValueError: If a format is outside its domain, a weight does not fit it, or it is of
            neurons that fire more than once a step or by other rules than "lif"; those run in a
            `Graph`.
    """

    def __init__(self, network: Network, layers: Sequence[FixedLayer]) -> None:
        self._layers = list(layers)
        self._core = FixedNetworkCore(network._core, [_layer_dict(layer) for layer in layers])

    @property
    def layers(self) -> list[FixedLayer]:
        """The layers, first above the input first."""
        return list(self._layers)

    @property
    def overflows(self) -> list[fixed.Overflows]:
        """What has not fitted the format of each layer, in all runs so far."""
        return [fixed.Overflows(*counts) for counts in self._core.overflows()]

    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        seed: int = 0,
        n_threads: int | None = None,
    ) -> NDArray[np.uint32]:
        """Runs the network and counts the spikes of the output neurons.

        Args:
            x: As for `Network.spike_counts`.
            encoder: Makes spikes of analog values.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None. The result does not depend on it.

        Returns:
            uint32 array of shape (n_samples, n_out).

        Raises:
            ValueError: If shapes disagree or a value is outside [0, 1].
            TypeError: If x has another dtype.
        """
        counts, _ = self._core.spike_counts(
            prepare_input(x), *input_options(encoder, seed), threads(n_threads)
        )
        return counts

    def predict(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        seed: int = 0,
        n_threads: int | None = None,
    ) -> NDArray[np.int64]:
        """Runs the network and returns, for each sample, the output neuron that fired most.

        Of equals the first wins. Arguments and errors as for `spike_counts`.
        """
        counts = self.spike_counts(x, encoder=encoder, seed=seed, n_threads=n_threads)
        predictions: NDArray[np.int64] = np.argmax(counts, axis=1).astype(np.int64)
        return predictions

    def record(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        seed: int = 0,
        n_threads: int | None = None,
    ) -> list[SpikeTrains]:
        """Runs the network and returns the spikes of the input and of every layer.

        With `gradients_from_spikes` they give the gradients of the weights these layers stand for.
        Arguments and errors as for `spike_counts`.
        """
        trains = self._core.record(
            prepare_input(x), *input_options(encoder, seed), threads(n_threads)
        )
        return [SpikeTrains(core) for core in trains]


def _layer_dict(layer: FixedLayer) -> dict[str, Any]:
    values: dict[str, Any] = {"format": layer.format.to_dict(), "weight": _integers(layer.weight)}
    if layer.recurrent_weight is not None:
        values["recurrent_weight"] = _integers(layer.recurrent_weight)
    return values


def _integers(weight: ArrayLike) -> NDArray[np.int32]:
    array = np.asarray(weight)
    if array.dtype.kind not in "iu":
        raise TypeError(f"weights must be integers, got {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.int32)


def quantize(
    network: Network,
    *,
    weight_bits: int = 8,
    state_bits: int = 16,
    decay_bits: int = 12,
    rounding: fixed.Rounding = "nearest",
) -> FixedNetwork:
    """Brings a network to fixed point: weights, thresholds and decays.

    The largest weight onto a layer, recurrent ones and lateral inhibition among them, becomes the
    largest integer. States are so fine that none can overflow, if that leaves them 4 bits below a
    weight and thresholds 12 bits; with fewer bits, currents have room for ten times the one that
    just holds a neuron at its threshold, membranes for four times the threshold, and what does not
    fit saturates and is counted. Decays are multiplications by factors of `decay_bits` bits.

    Args:
        network: A network in float32.
        weight_bits: Width of weights, sign included, in [2, 16].
        state_bits: Width of current and membrane, sign included, in [8, 32].
        decay_bits: Bits of the decays' factors, in [1, 31].
        rounding: Of products and shifts.

    Raises:
        TypeError: If the network is not in float32.
        ValueError: If an argument is outside its domain, or a layer has no threshold or decay of
            so few bits.
    """
    for name, value, low, high in (
        ("weight_bits", weight_bits, 2, 16),
        ("state_bits", state_bits, 8, 32),
        ("decay_bits", decay_bits, 1, 31),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be in [{low}, {high}], got {value}")
    layers = []
    rows = zip(network.layers, network.weights, network._core.propagators(), strict=True)
    for number, (layer, weights, (syn_decay, mem_decay, mem_gain)) in enumerate(rows):
        weight, recurrent = weights["weight"], _recurrent(layer, weights)
        largest = max(
            float(np.abs(w).max(initial=0.0)) for w in (weight, recurrent) if w is not None
        )
        scale = (largest or 1.0) / (2 ** (weight_bits - 1) - 1)
        v_th = layer.v_th / (mem_gain * scale)
        # What a neuron gets if all inputs fire at every step, in units of a weight.
        most = sum(np.abs(w).sum(axis=1) for w in (weight, recurrent) if w is not None)
        current = float(np.max(most, initial=0.0)) / (scale * (1.0 - syn_decay))
        holding = v_th * (1.0 - mem_decay)
        input_shift = _shift(state_bits, current, _CURRENT_ROOM * holding, _FINE_CURRENT)
        membrane = current / (1.0 - mem_decay)
        membrane_shift = _shift(state_bits, membrane, _MEMBRANE_ROOM * v_th, _FINE_THRESHOLD / v_th)
        input_shift = max(0, min(input_shift, 31))
        gain_shift = max(0, input_shift - membrane_shift)
        threshold = round(v_th * 2.0 ** (input_shift - gain_shift))
        factors = [round(2**decay_bits * decay) for decay in (syn_decay, mem_decay)]
        if threshold < 1 or factors[1] == 0:
            raise ValueError(
                f"state_bits and decay_bits must be enough for layers[{number}], got {state_bits} "
                f"and {decay_bits}: its threshold becomes {threshold}, its decay {factors[1]}"
            )
        form = fixed.Format(
            weight_bits,
            state_bits,
            state_bits,
            fixed.Multiply(factors[0], decay_bits),
            fixed.Multiply(factors[1], decay_bits),
            threshold,
            input_shift=input_shift,
            gain_shift=gain_shift,
            rounding=rounding,
            t_ref_steps=round(layer.t_ref / network.dt),
        )
        rounded = [
            None if w is None else np.rint(w / scale).astype(np.int32) for w in (weight, recurrent)
        ]
        assert rounded[0] is not None
        layers.append(FixedLayer(form, rounded[0], rounded[1], scale))
    return FixedNetwork(network, layers)


def _shift(bits: int, largest: float, usual: float, fine: float) -> int:
    """Bits by which a state is finer than a weight.

    As many as leave room for the largest state, if that is as fine as wanted; else as leave room
    for usual ones, or for what is fine.
    """
    room = 2.0 ** (bits - 1)
    all_fit = room / max(largest, 1e-300)
    chosen = all_fit if all_fit >= fine else max(all_fit, min(room / max(usual, 1e-300), fine))
    return floor(log2(chosen))


def _recurrent(
    layer: config.LayerConfig, weights: Mapping[str, NDArray[Any]]
) -> NDArray[Any] | None:
    """Weights of a layer onto itself, trained or not."""
    lateral = getattr(layer, "lateral_inhibition", 0.0)
    if lateral > 0.0:
        return -lateral * (1.0 - np.eye(layer.n))
    return weights.get("recurrent_weight")
