"""Networks of LIF neurons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._arguments import integer, number, threads
from strsbp_rs._arrays import dtype_name, layer_arrays
from strsbp_rs._carried import carried_part, read_carried
from strsbp_rs._described import constants, neuron
from strsbp_rs._fields import refuse_subclass
from strsbp_rs._files import PathLike, file_name
from strsbp_rs._firing import resolved, without_firing
from strsbp_rs._graph import Graph
from strsbp_rs._inputs import Input
from strsbp_rs._running import Running
from strsbp_rs._shapes import by, input_shape, natural_shape, on_line, outlined
from strsbp_rs._strsbp_rs import GraphCore, NetworkCore
from strsbp_rs._tables import html_table
from strsbp_rs.fixed._targets import Target

if TYPE_CHECKING:
    from strsbp_rs.fixed._network import FixedNetwork

__all__ = ["Delays", "Network", "Weights"]

Weights = list[dict[str, NDArray[Any]]]
"""One dict a layer: "weight" (n_out, n_in) and, for recurrent layers, "recurrent_weight" (n, n).

Those of a Conv2d are (channels, channels_in / groups, kernel height, kernel width), those of a
Conv1d (channels, channels_in / groups, kernel); a pool has none."""

Delays = list[dict[str, NDArray[np.float64]]]
"""One dict a layer: "delay" (n_out, n_in) and, if recurrent, "recurrent_delay" (n, n) [ms].

Those of a convolution are of the shape of its weights; a pool has none."""


_KINDS = ", ".join(cls.__name__ for cls in get_args(config.LayerConfig))


class Network(Running):
    """A stack of layers of leaky integrate-and-fire neurons.

    Args:
        n_in: Number of inputs; or, where they lie in a plane or on a line, their shape: (height,
            width), (channels, height, width) or, below a Conv1d, AvgPool1d or MaxPool1d, (channels,
            length).
        layers: The layers, first above the input first. Above neurons in a plane, Dense and
            Recurrent receive from all of them, in C order.
        dt: Time step [ms].
        dtype: "float32" or "float64", or NumPy's type of that name: type of weights, potentials and
            gradients.
        seed: Seed of the recurrent masks, of the initial weights and of drawn delays.
        encoder: Makes spikes of analog samples where a call, or a `Trainer`, is given no other.
        class_names: Names of the outputs, for people. Files keep both.

    Raises:
        TypeError: If something else is among the layers, or a field has the wrong type.
        ValueError: If a field is outside its domain, or a kernel does not fit the layer below.
    """

    _core: NetworkCore
    _to_fixed: ClassVar[Callable[..., FixedNetwork]]
    """What `to_fixed` calls; `fixed._conversion` sets it."""

    _layers: list[config.LayerConfig] | None = None

    def __init__(
        self,
        n_in: int | tuple[int, ...],
        layers: Sequence[config.LayerConfig],
        *,
        dt: float = 1.0,
        dtype: DTypeLike = "float32",
        seed: int = 0,
        encoder: config.Encoder | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers must be a list of Dense, Recurrent and so on, got {layers!r}")
        for index, layer in enumerate(layers):
            if not isinstance(layer, config.LayerConfig):
                raise TypeError(f"layers[{index}] must be {_KINDS}, got {layer!r}")
            refuse_subclass(f"layers[{index}]", layer, get_args(config.LayerConfig))
        layers, dt = list(layers), number("dt", dt)
        description = {
            **input_shape(n_in, layers),
            "layers": [layer.to_dict() for layer in without_firing(layers)],
            "dt": dt,
            "seed": integer("seed", seed),
        }
        fan_ins = [fan_in for _, fan_in in NetworkCore.sizes(description)]
        description["layers"] = [layer.to_dict() for layer in resolved(layers, fan_ins, dt)]
        self._core = NetworkCore(description, dtype_name(dtype))
        self.encoder = encoder
        self.class_names = class_names

    @classmethod
    def _wrap(
        cls,
        core: NetworkCore,
        encoder: config.Encoder | None = None,
        class_names: tuple[str, ...] = (),
    ) -> Network:
        net = cls.__new__(cls)
        net._core = core
        net._encoder, net._class_names = encoder, class_names
        return net

    # What it is ------------------------------------------------------------------------------

    def _neurons(self) -> list[config.LayerConfig]:
        return self.layers

    @property
    def n_in(self) -> int:
        """Number of inputs, in all."""
        return int(self._core.config()["n_in"])

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of a sample's inputs.

        (channels, height, width) or, below layers on a line, (channels, length), if the network was
        given one; else (n_in,).
        """
        values = self._core.config()
        shape = values.get("in_shape")
        if shape is None:
            return (int(values["n_in"]),)
        return natural_shape(shape, is_line=on_line(self.layers))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the layers: (n,), (channels, height, width) or (channels, length).

        Neuron number (c * height + y) * width + x is that of channel c at (y, x): spikes and counts
        of a layer, reshaped, have these axes.
        """
        sizes = NetworkCore.sizes(self._core.config())
        return [
            natural_shape(shape, isinstance(layer, config.Line))
            if isinstance(layer, config.Line | config.Plane)
            else (math.prod(shape),)
            for layer, (shape, _) in zip(self.layers, sizes, strict=True)
        ]

    def _fan_ins(self) -> list[int]:
        """Returns the synapses of a neuron of each layer from the layer below, see `_firing`."""
        return [fan_in for _, fan_in in NetworkCore.sizes(self._core.config())]

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self._sizes()[-1]

    @property
    def layers(self) -> list[config.LayerConfig]:
        """The layers, first above the input first; for delays set later, see `delays`.

        With the numbers that were found in place of `Firing`, as files have them:
        `Network(net.in_shape, net.layers, seed=...)` has the same weights. They suit this number of
        inputs; for another, give `Firing()` anew.
        """
        if self._layers is None:
            # What a network was built from never changes; warnings ask for it after every call.
            self._layers = [config.from_dict(layer) for layer in self._core.config()["layers"]]
        return list(self._layers)

    @property
    def dt(self) -> float:
        """Time step [ms]."""
        return float(self._core.config()["dt"])

    @property
    def seed(self) -> int:
        """Seed of the recurrent masks, of the initial weights and of drawn delays."""
        return int(self._core.config()["seed"])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of weights, potentials and gradients."""
        return np.dtype(self._core.dtype)

    @property
    def n_parameters(self) -> int:
        """Number of trained weights, of synapses that exist."""
        return self._core.n_parameters()

    def recurrent_mask(self, layer: int) -> NDArray[np.bool_] | None:
        """Returns which recurrent synapses of a layer exist, (n_post, n_pre); None if all do."""
        return self._core.recurrent_mask(integer("layer", layer))

    def summary(self) -> str:
        """Returns the network as a table, for people."""
        inputs = by(self.in_shape)
        lines = [f"Network of {inputs} inputs, {self.n_parameters:,} weights, {self.dtype}"]
        kinds = max(9, *(len(layer.kind) for layer in self.layers))
        sizes = max(5, *(len(by(shape)) for shape in self.shapes))
        layers = zip(self.layers, self.shapes, self.delays, strict=True)
        for index, (layer, shape, delays) in enumerate(layers):
            tail = layer._remark()
            if isinstance(layer, config.Line | config.Plane):
                n = sum(array.size for array in delays.values())
                tail += f", {n:,} weights" if delays else ", no weights"
            for name, delay in delays.items():
                if delay.any():
                    tail += f", {name} {delay.min():g} to {delay.max():g} ms"
            lines.append(
                f"  {index}: {layer.kind:{kinds}} {by(shape):>{sizes}} neurons, "
                f"{neuron(layer)}{tail}"
            )
        return "\n".join(lines)

    @property
    def outline(self) -> str:
        """Sizes of the input and the layers, in short: 784-400-R400-10 has a recurrent one.

        28x28-15C5-P2-300-10 has 15 channels with kernels of 5 x 5, then pools of 2 x 2; MP2 are max
        pools. s2 behind a kernel or pool is a stride that is not 1 or, of pools, not their size.
        """
        return "-".join([outlined(self.in_shape), *(layer._outline() for layer in self.layers)])

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        rows = []
        layers = zip(self.layers, self.shapes, self.delays, strict=True)
        for index, (layer, shape, delays) in enumerate(layers):
            n = [f"{array.size:,}" for array in delays.values()]
            longest = max((float(delay.max(initial=0.0)) for delay in delays.values()), default=0.0)
            weights = " + ".join(n) or "none"
            cells = (weights, *constants(layer), f"{longest:g}")
            rows.append((index, layer.kind, by(shape), *cells))
        return html_table(
            (
                *("layer", "kind", "neurons", "weights", "v_th"),
                *("tau_m [ms]", "tau_s [ms]", "t_ref [ms]", "longest delay [ms]"),
            ),
            rows,
            caption=f"Network {self.outline}: {self.n_parameters:,} weights, {self.dtype}, "
            f"dt {self.dt:g} ms",
        )

    # Weights ---------------------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """Copies of the weights of every layer."""
        return self._core.weights()

    def set_weights(self, weights: Sequence[Mapping[str, ArrayLike]]) -> None:
        """Sets the weights of every layer; of all or, if one is refused, of none.

        Args:
            weights: As `Network.weights` gives them; converted to the network's dtype.

        Raises:
            ValueError: If a shape disagrees, a value is not finite, or a weight stands where no
                recurrent synapse exists.
        """
        self._core.set_weights(layer_arrays("weights", weights, self.dtype))

    # Delays ----------------------------------------------------------------------------------

    @property
    def delays(self) -> Delays:
        """Copies of the delays of every layer's synapses beyond one time step [ms].

        0 where no recurrent synapse exists. Lateral inhibition has none.
        """
        return self._core.delays()

    def set_delays(self, delays: Sequence[Mapping[str, ArrayLike]]) -> None:
        """Sets the delay of every synapse; of all or, if one is refused, of none.

        Weights stay. Trainers made before refuse the network unless nothing has changed. Speed and
        memory go with the number of different delays of a group of synapses.

        Args:
            delays: As `Network.delays` gives them [ms]: whole numbers of time steps, at most 2^24.
                Where no recurrent synapse exists, they count for nothing.

        Raises:
            ValueError: If a shape disagrees, or a delay is not finite, is negative or not a whole
                number of time steps.
        """
        self._core.set_delays(layer_arrays("delays", delays, np.dtype(np.float64)))

    # Files -----------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Writes configuration, weights and delays that were set to a safetensors file.

        A file that is there is replaced atomically and keeps its mode; symbolic links are followed.
        One that has hard links is written in place, and so is a pipe or a device.

        Encoder and class names, if there are any, are kept with them.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If a weight is not finite: no such file could be read.
        """
        part = {"network": carried_part(self.encoder, self.class_names)}
        self._core.save(file_name(path), part)

    @classmethod
    def load(cls, path: PathLike) -> Network:
        """Reads what `save` wrote, or the network of a trainer's checkpoint.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not a file of this package, is damaged, or of another version.
        """
        name = file_name(path)
        core, user = NetworkCore.load(name)
        net = cls._wrap(core)
        net._encoder, net._class_names = read_carried(name, user, net.n_out)
        return net

    # Fixed point -----------------------------------------------------------------------------

    def to_fixed(
        self,
        target: Target | str = "qformat",
        *,
        calibration: Input | None = None,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        progress: bool = False,
    ) -> FixedNetwork:
        """Brings the network to fixed point: weights, thresholds and decays.

        `FixedNetwork.report` tells what that changes. To train until accuracy is back, give a
        `Trainer` the target as `hardware`.

        A `QuantizationWarning` names the layer, the share of its weights that become 0 and the cure
        where most do, or many because thresholds do not fit; it tells of refractory times that the
        target has none of, and of time constants that become others by more than 10 %. With
        calibration it also tells of what `FixedNetwork.report` warns of.

        Args:
            target: QFormat, Loihi, Xylo, Spinnaker or CortexM, or one of their names ("qformat",
                "loihi", "xylo", "spinnaker", "cortex_m") for the defaults.
            calibration: Samples as for `spike_counts`, a few hundred. With them weights are
                clipped, layer after layer, where spike trains stay nearest to those of this
                network (van Rossum distance with the synaptic time constant), whatever the
                target says of scales.
            encoder: Makes spikes of analog samples for the calibration; the network's own if None.
            n_steps: Number of time steps of event lists, as for `spike_counts`.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None. The result does not depend on it.
            progress: Whether to show a progress bar while calibrating.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a field of the target is outside its domain, it cannot hold a layer, has
                no room for the network, or all weights of a layer become 0; the message names the
                layer.
        """
        return self._to_fixed(
            target, calibration, encoder, n_steps, seed, threads(n_threads), progress
        )

    # As a graph ------------------------------------------------------------------------------

    def to_graph(self) -> Graph:
        """Returns the network as it is now as a `Graph`, which a `Simulator` runs.

        Its populations are "input", then "layer 0", "layer 1" and so on.

        Raises:
            MemoryError: If there is no room for its synapses.
        """
        return Graph._wrap(GraphCore.from_network(self._core))

    def __reduce__(self) -> tuple[Any, ...]:
        return _loads, (self._core.dumps(), self.encoder, self.class_names)


def _loads(
    data: bytes,
    encoder: config.Encoder | None = None,
    class_names: tuple[str, ...] = (),
) -> Network:
    return Network._wrap(NetworkCore.loads(data), encoder, class_names)
