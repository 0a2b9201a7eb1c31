"""Networks whose layers are computed in fixed point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from strsbp_rs import _config as config
from strsbp_rs._carried import carried_part, read_carried
from strsbp_rs._files import PathLike, file_name
from strsbp_rs._graph import Graph
from strsbp_rs._inputs import Input
from strsbp_rs._network import Network
from strsbp_rs._running import Running
from strsbp_rs._shapes import by
from strsbp_rs._strsbp_rs import FixedNetworkCore, GraphCore
from strsbp_rs._tables import html_table
from strsbp_rs._warnings import QuantizationWarning, warn
from strsbp_rs.fixed._format import Format, Overflows
from strsbp_rs.fixed._layer import FixedLayer, layer_dict, layer_from_core, value_range
from strsbp_rs.fixed._report import QuantizationReport
from strsbp_rs.fixed._reporting import report_of
from strsbp_rs.fixed._targets import Target, as_target, target_from_dict

__all__ = ["FixedNetwork"]


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
            domain, a weight does not fit it or stands where the network has no synapse, or the
            layers exceed its limits (those of a chip as a whole are enforced by `Network.to_fixed`;
            `dataclasses.replace(form, limits={})` lifts them). By the rules "lif" a neuron fires
            once a step, and by those of Xylo there are no delays; others run in a `Graph`.
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
        given = [layer_dict(index, layer) for index, layer in enumerate(layers)]
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
            found = [layer_from_core(values) for values in self._core.layers()]
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
    def in_shape(self) -> tuple[int, ...]:
        """Shape of a sample's inputs, see `Network.in_shape`."""
        return self.network.in_shape

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the layers, see `Network.shapes`."""
        return self.network.shapes

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
        net = self.network
        kinds = max(9, *(len(neurons.kind) for neurons in net.layers))
        sizes = max(5, *(len(by(shape)) for shape in net.shapes))
        for index, (neurons, shape, layer) in enumerate(
            zip(net.layers, net.shapes, self.layers, strict=True)
        ):
            form, (low, high) = layer.format, (layer.scale.min(), layer.scale.max())
            if isinstance(neurons, config.MaxPool):
                lines.append(
                    f"  {index}: {neurons.kind:{kinds}} {by(shape):>{sizes}} neurons, counters"
                )
                continue
            unit = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            lines.append(
                f"  {index}: {neurons.kind:{kinds}} {by(shape):>{sizes}} neurons, "
                f"weights of {form.weight_bits} "
                f"bits (unit {unit}), currents of {form.current_bits}, membranes of "
                f"{form.membrane_bits}, v_th {value_range(form.v_th)}"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        rows = []
        net = self.network
        for index, (neurons, shape, layer) in enumerate(
            zip(net.layers, net.shapes, self.layers, strict=True)
        ):
            form, (low, high) = layer.format, (layer.scale.min(), layer.scale.max())
            unit = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
            bits = (form.weight_bits, form.current_bits, form.membrane_bits)
            cells: tuple[object, ...] = (*bits, unit, value_range(form.v_th))
            if isinstance(neurons, config.MaxPool):
                cells = ("none",) * 5
            rows.append((index, neurons.kind, by(shape), *cells))
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
        report = report_of(self, net, x, y, encoder, n_steps, seed, n_threads)
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
        self._core.save(file_name(path), user)

    @classmethod
    def load(cls, path: PathLike) -> FixedNetwork:
        """Reads what `save` wrote.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not such a file of this package, is damaged, or of another version.
        """
        core, user = FixedNetworkCore.load(file_name(path))
        try:
            target = None if user["target"] is None else target_from_dict(user["target"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file_name(path)}: has an unknown target ({error!r})") from error
        n_out = Network._wrap(core.network()).n_out
        return cls._wrap(core, target, *read_carried(file_name(path), user, n_out))
