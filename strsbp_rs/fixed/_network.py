"""Networks whose layers are computed in fixed point."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._arguments import integer, labels
from strsbp_rs._arrays import as_array, as_floats
from strsbp_rs._carried import carried_part, read_carried
from strsbp_rs._files import PathLike
from strsbp_rs._graph import Graph
from strsbp_rs._inputs import Input
from strsbp_rs._network import Network
from strsbp_rs._running import Running
from strsbp_rs._spikes import SpikeTrains, van_rossum
from strsbp_rs._strsbp_rs import FixedNetworkCore, GraphCore
from strsbp_rs._tables import html_table
from strsbp_rs._warnings import QuantizationWarning, warn
from strsbp_rs.fixed._checks import (
    changed_share,
    rate_notes,
    saturation_notes,
    spike_distance,
    weight_errors,
    widened,
)
from strsbp_rs.fixed._format import Format, Overflows
from strsbp_rs.fixed._report import LayerReport, QuantizationReport
from strsbp_rs.fixed._targets import Target, as_target, target_from_dict
from strsbp_rs.fixed._values import PerNeuron
from strsbp_rs.training._progress import steps_bar

__all__ = [
    "FixedLayer",
    "FixedNetwork",
    "quantized",
    "to_fixed",
]

_FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)
"""Of the largest weight, at which calibration tries to clip."""


@dataclass(frozen=True, repr=False)
class FixedLayer:
    """A layer in fixed point.

    Attributes:
        format: Number format and neuron.
        weight: int32 (n_out, n_in).
        recurrent_weight: int32 (n, n), of post- and presynaptic neuron; lateral inhibition is
            among them. None where a layer does not hear itself.
        scale: What one unit of a weight stands for: float64 (1,), or (n_out,) of each neuron.
        step: What all weights are multiples of: the target has no others.
    """

    format: Format
    weight: NDArray[np.int32]
    recurrent_weight: NDArray[np.int32] | None
    scale: NDArray[np.float64]
    step: int = 1

    def __repr__(self) -> str:
        shape = "x".join(map(str, np.shape(self.weight)))
        recurrent = "" if self.recurrent_weight is None else " and recurrent ones"
        return (
            f"<FixedLayer: {shape} weights{recurrent} of {self.format.weight_bits} bits, currents "
            f"of {self.format.current_bits}, membranes of {self.format.membrane_bits}>"
        )


class FixedNetwork(Running):
    """A network whose layers are computed in fixed point, bit for bit as the formats say.

    `Network.to_fixed` makes one of a trained network. Sizes and delays are those of the network.

    Args:
        network: A network; it is copied.
        layers: A format and integer weights for each of its layers.
        target: What the layers were made for, if it is known.

    Raises:
        TypeError: If an argument has the wrong type, or a weight is no integer.
        ValueError: If a scale is not positive or has the wrong shape, a format is outside its
            domain, a weight does not fit it, or the layers exceed its limits (those of a chip as a
            whole are enforced by `Network.to_fixed`; `dataclasses.replace(form, limits={})` lifts
            them). By the rules "lif" a neuron fires once a step, and by those of Xylo there are no
            delays; others run in a `Graph`.
    """

    _core: FixedNetworkCore

    def __init__(
        self, network: Network, layers: Sequence[FixedLayer], target: Target | None = None
    ) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {network!r}")
        if isinstance(layers, FixedLayer) or not isinstance(layers, Iterable):
            raise TypeError(f"layers must be a list of FixedLayer, got {type(layers).__name__}")
        chosen = None if target is None else as_target("target", target)
        layers = list(layers)
        given = [_layer_dict(index, layer) for index, layer in enumerate(layers)]
        core = FixedNetworkCore(network._core, given)
        # Formats as they were given, without what the core adds to them.
        formats = [layer.format for layer in layers]
        self._set(core, chosen, network.encoder, network.class_names, formats)

    def _set(
        self,
        core: FixedNetworkCore,
        target: Target | None,
        encoder: config.Encoder | None,
        class_names: tuple[str, ...],
        formats: list[Format] | None = None,
    ) -> None:
        self._core, self._target = core, target
        self._encoder, self._class_names = encoder, class_names
        self._layers: list[FixedLayer] | None = None
        self._formats = formats

    @classmethod
    def _wrap(
        cls,
        core: FixedNetworkCore,
        target: Target | None,
        encoder: config.Encoder | None = None,
        class_names: tuple[str, ...] = (),
    ) -> FixedNetwork:
        made = cls.__new__(cls)
        made._set(core, target, encoder, class_names)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # What was counted since it was made is not part of it.
        return type(self), (self.network, self.layers, self._target)

    @property
    def layers(self) -> list[FixedLayer]:
        """The layers, first above the input first: copies that nobody can change."""
        if self._layers is None:
            found = [_layer(values) for values in self._core.layers()]
            if self._formats is not None:
                pairs = zip(found, self._formats, strict=True)
                found = [replace(layer, format=form) for layer, form in pairs]
            self._layers = found
        return list(self._layers)

    @property
    def network(self) -> Network:
        """A copy of the network that the layers stand for."""
        return Network._wrap(self._core.network(), self._encoder, self._class_names)

    def _neurons(self) -> list[config.LayerConfig]:
        return self.network.layers

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.network.n_in

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self.network.n_out

    @property
    def dt(self) -> float:
        """Time step [ms]."""
        return self.network.dt

    @property
    def target(self) -> Target | None:
        """What the layers were made for, with the scales that were found by calibration."""
        return self._target

    @property
    def overflows(self) -> list[Overflows]:
        """What has not fitted the format of each layer, in all runs so far."""
        return [Overflows(*counts) for counts in self._core.overflows()]

    def summary(self) -> str:
        """Returns the network as a table, for people."""
        target = "formats of its own" if self._target is None else str(self._target)
        lines = [f"Fixed-point network: {target}"]
        for index, (neurons, layer) in enumerate(
            zip(self.network.layers, self.layers, strict=True)
        ):
            form, (low, high) = layer.format, (layer.scale.min(), layer.scale.max())
            unit = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            lines.append(
                f"  {index}: {neurons.kind:9} {neurons.n:5} neurons, weights of {form.weight_bits} "
                f"bits (unit {unit}), currents of {form.current_bits}, membranes of "
                f"{form.membrane_bits}, v_th {_range(form.v_th)}"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        rows = []
        for index, (neurons, layer) in enumerate(
            zip(self.network.layers, self.layers, strict=True)
        ):
            form, (low, high) = layer.format, (layer.scale.min(), layer.scale.max())
            unit = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            bits = (form.weight_bits, form.current_bits, form.membrane_bits)
            rows.append((index, neurons.kind, neurons.n, *bits, unit, _range(form.v_th)))
        bit_names = ("bits of weights", "of currents", "of membranes")
        header = ("layer", "kind", "neurons", *bit_names, "unit of a weight", "v_th")
        target = "formats of its own" if self._target is None else str(self._target)
        return html_table(header, rows, caption=f"Fixed-point network: {target}")

    # Running it ------------------------------------------------------------------------------

    def report(
        self,
        x: Input,
        y: ArrayLike | None = None,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
    ) -> QuantizationReport:
        """Compares the layers with the network they stand for.

        A `QuantizationWarning` tells of layers that fire less than half or, where neurons fire once
        a step, more than twice as often as in floating point, and of those whose spikes change by
        more than 5 % because states do not fit: these are then run once more, with 32 bits.

        Args:
            x: As for `Network.spike_counts`.
            y: Classes, integers of shape (n_samples,) in [0, n_out); without them there is no
                accuracy.
            encoder: Makes spikes of analog values; the network's own if None.
            n_steps: Number of time steps of event lists, as for `Network.spike_counts`.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None.

        Raises:
            ValueError: If shapes disagree or a value is outside [0, 1].
            TypeError: If x has another dtype.
        """
        net = self.network
        report = _report(self, net, x, y, encoder, n_steps, seed, n_threads)
        if report.notes:
            warn("\n".join(report.notes), QuantizationWarning)
        return report

    def to_graph(self) -> Graph:
        """Returns the layers as a `Graph` of fixed-point neurons, which a `Simulator` runs.

        Its populations are "input", then "layer 0", "layer 1" and so on; its dtype is the smallest
        that the weights of all layers fit. Spikes and overflows are those of the network.

        Raises:
            MemoryError: If there is no room for its synapses.
        """
        return Graph._wrap(GraphCore.from_fixed(self._core))

    # Files -----------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Writes layers and network to a safetensors file, by the rules of `Network.save`.

        `Network.load` reads the float network of it.

        Raises:
            OSError: If the file cannot be written.
        """
        user = {
            "target": None if self._target is None else self._target.to_dict(),
            "network": carried_part(self._encoder, self._class_names),
        }
        self._core.save(os.fspath(path), user)

    @classmethod
    def load(cls, path: PathLike) -> FixedNetwork:
        """Reads what `save` wrote.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not such a file of this package, is damaged, or of another version.
        """
        core, user = FixedNetworkCore.load(os.fspath(path))
        try:
            target = None if user["target"] is None else target_from_dict(user["target"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)}: has an unknown target ({error!r})") from error
        n_out = Network._wrap(core.network()).n_out
        return cls._wrap(core, target, *read_carried(os.fspath(path), user, n_out))


def to_fixed(
    network: Network,
    target: Target | str,
    calibration: Input | None,
    encoder: config.Encoder | None,
    n_steps: int | None,
    seed: int,
    n_threads: int | None,
    progress: bool,
) -> FixedNetwork:
    """Brings a network to fixed point; see `Network.to_fixed`."""
    chosen = as_target("target", target)
    if n_steps is not None and calibration is None:
        raise ValueError(f"n_steps must be left out without calibration, got {n_steps}")
    samples = None
    if calibration is not None:
        # Once, so that all that follows hears the same spikes.
        samples = network.run(
            calibration, encoder=encoder, n_steps=n_steps, seed=seed, n_threads=n_threads
        ).spikes
        chosen = _calibrated(network, chosen, samples, n_threads, progress)
    held, notes = quantized(network, chosen, n_threads)
    if samples is not None:
        notes.extend(_report(held, network, samples[0], None, None, None, 0, n_threads).notes)
    if notes:
        warn("\n".join(notes), QuantizationWarning)
    return held


def quantized(
    network: Network, target: Target, n_threads: int | None = None
) -> tuple[FixedNetwork, list[str]]:
    """Brings a network to fixed point, without calibration; and what it loses."""
    core, notes = network._core.quantize(target.to_dict(), n_threads)
    return FixedNetwork._wrap(core, target, network.encoder, network.class_names), notes


def _report(
    held: FixedNetwork,
    net: Network,
    x: Input,
    y: ArrayLike | None,
    encoder: config.Encoder | None,
    n_steps: int | None,
    seed: int,
    n_threads: int | None,
) -> QuantizationReport:
    # Of its own, so that overflows are those of these samples.
    run = FixedNetwork._wrap(held._core.uncounted(), held.target, net.encoder, net.class_names)
    options = {"encoder": encoder, "n_steps": n_steps, "seed": seed}
    trains = run._quiet_run(x, n_threads, **options).spikes
    n_samples = trains[0].shape[0]
    classes = None if y is None else labels("y", y, n_samples, net.n_out)
    floats = net.run(trains[0], n_threads=n_threads).spikes
    changed = _changed(run, net, trains, n_threads)
    layers = []
    rows = zip(net.layers, net.weights, held.layers, run.overflows, changed, strict=True)
    for index, (layer, weights, integers, overflows, share) in enumerate(rows):
        error, clipped, zeros = weight_errors(layer, weights, integers)
        rate, fixed_rate = (
            train.n_spikes / float(np.prod(train.shape))
            for train in (floats[index + 1], trains[index + 1])
        )
        distance = spike_distance(
            trains[index + 1], floats[index + 1], layer.tau_s, net.dt, n_threads
        )
        layers.append(
            LayerReport(error, clipped, zeros, rate, fixed_rate, distance, overflows, share)
        )
    notes = saturation_notes(run.overflows, changed, held.target)
    notes += rate_notes(trains, floats, [layer.format for layer in held.layers])
    accuracy, fixed_accuracy = (
        None
        if classes is None
        else float(np.mean(np.argmax(train[-1].counts(), axis=1) == classes))
        for train in (floats, trains)
    )
    return QuantizationReport(layers, n_samples, accuracy, fixed_accuracy, tuple(notes))


def _changed(
    run: FixedNetwork, net: Network, trains: Sequence[SpikeTrains], n_threads: int | None
) -> list[float | None]:
    """By how much overflows have changed the spikes of each layer; None if nobody knows."""
    if all(lost.current + lost.membrane == 0 for lost in run.overflows):
        return [0.0] * len(run.layers)
    wide = [(layer, widened(layer.format)) for layer in run.layers]
    if any(form is None for _, form in wide):
        return [None] * len(run.layers)
    layers = [replace(layer, format=form) for layer, form in wide if form is not None]
    fitting = FixedNetwork(net, layers)._quiet_run(trains[0], n_threads).spikes
    return [changed_share(*pair) for pair in zip(trains[1:], fitting[1:], strict=True)]


def _calibrated(
    network: Network,
    target: Target,
    spikes: Sequence[SpikeTrains],
    n_threads: int | None,
    progress: bool,
) -> Target:
    """Returns the target with the clipping that keeps spike trains nearest, layer by layer.

    `spikes` are those of the input and of every layer of the network itself.
    """
    clip = [1.0] * len(network.layers)
    with steps_bar(len(clip) * len(_FRACTIONS), "calibrating", progress) as bar:
        for index, layer in enumerate(network.layers):
            distances = []
            for fraction in _FRACTIONS:
                clip[index] = fraction
                tried, _ = quantized(network, replace(target, clip=tuple(clip)), n_threads)
                train = tried._quiet_run(spikes[0], n_threads).spikes[index + 1]
                floats = spikes[index + 1]
                apart = van_rossum(
                    train, floats, tau=layer.tau_s, dt=network.dt, n_threads=n_threads
                )
                distances.append(float(apart.sum()))
                bar.update()
            clip[index] = _FRACTIONS[int(np.argmin(distances))]
    return replace(target, clip=tuple(clip))


def _range(values: PerNeuron) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low}" if low == high else f"{low} to {high}"


def _layer(values: dict[str, Any]) -> FixedLayer:
    """Returns a layer of the core, with arrays that nobody can change."""
    for name in ("weight", "recurrent_weight", "scale"):
        if name in values:
            values[name].flags.writeable = False
    return FixedLayer(
        Format.from_dict(values["format"]),
        values["weight"],
        values.get("recurrent_weight"),
        values["scale"],
        values["step"],
    )


def _layer_dict(index: int, layer: FixedLayer) -> dict[str, Any]:
    """Returns a layer as the core takes it, which checks all but types.

    Raises:
        TypeError: If it is none, or a weight is no integer.
        ValueError: If a weight has more than 32 bits, or another number of dimensions.
    """
    name = f"layers[{index}]"
    if not isinstance(layer, FixedLayer):
        raise TypeError(f"{name} must be a FixedLayer, got {type(layer).__name__}")
    if not isinstance(layer.format, Format):
        raise TypeError(f"{name}.format must be a Format, got {type(layer.format).__name__}")
    scale = as_floats(f"{name}.scale", layer.scale, np.dtype(np.float64))
    if scale.ndim != 1:
        n_out = len(as_array(f"{name}.weight", layer.weight))
        raise ValueError(f"{name}.scale has shape {scale.shape}, expected (1,) or (n_out={n_out},)")
    values: dict[str, Any] = {
        "format": layer.format.to_dict(),
        "weight": _integers(f"{name}.weight", layer.weight),
        "scale": scale.tolist(),
        "step": integer(f"{name}.step", layer.step, low=1, below=2**31),
    }
    if layer.recurrent_weight is not None:
        values["recurrent_weight"] = _integers(f"{name}.recurrent_weight", layer.recurrent_weight)
    return values


def _integers(name: str, weight: ArrayLike) -> NDArray[np.int32]:
    array = as_array(name, weight)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {array.dtype}")
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, expected two dimensions")
    if array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
        raise ValueError(f"{name} must have 32 bits, got {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype=np.int32)
