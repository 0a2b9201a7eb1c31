"""Networks of LIF neurons."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._activity import Activity, warn_of_activity
from strsbp_rs._arguments import integer, integers, number, threads
from strsbp_rs._arrays import dtype_name, layer_arrays
from strsbp_rs._carried import carried_part, checked_class_names, checked_encoder, read_carried
from strsbp_rs._fields import refuse_subclass
from strsbp_rs._firing import resolved
from strsbp_rs._graph import Graph
from strsbp_rs._inputs import Input, encoder_for, input_options, prepare_input
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import GraphCore, NetworkCore, file_content
from strsbp_rs._tables import html_table
from strsbp_rs.fixed._targets import Target

if TYPE_CHECKING:
    from strsbp_rs.fixed._network import FixedNetwork

__all__ = ["Delays", "Network", "Operations", "Recording", "Run", "Weights"]

Weights = list[dict[str, NDArray[Any]]]
"""One dict a layer: "weight" (n_out, n_in) and, for recurrent layers, "recurrent_weight" (n, n)."""

Delays = list[dict[str, NDArray[np.float64]]]
"""One dict a layer: "delay" (n_out, n_in) and, if recurrent, "recurrent_delay" (n, n) [ms]."""

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Operations:
    """What a simulation has done.

    Attributes:
        input_events: Spikes of the inputs.
        spikes: Spikes of the neurons.
        synaptic_events: Synapses that spikes arrived through.
        state_updates: Times that the state of a neuron was computed anew.
        near_ties: Times that a potential came so near the threshold that rounding may have decided
            whether the neuron fires. The event engine and the clocked one compute the same numbers
            in different ways: in float64, if this is 0, their spikes are proven to be the same
            (where `Simulator.ties_are_proven` says so); in float32 it is a rule of thumb.
    """

    input_events: int
    spikes: int
    synaptic_events: int
    state_updates: int
    near_ties: int


@dataclass(frozen=True)
class Run:
    """How a network was run.

    Attributes:
        engine: The engine that simulated it: "clocked", "event" or "continuous".
        operations: What it has done, summed over the samples.
    """

    engine: str
    operations: Operations


@dataclass(frozen=True, repr=False)
class Recording:
    """What a simulation went through.

    Attributes:
        spikes: Spike trains of the input and of every layer.
        counts: Output counts, uint32 (n_samples, n_out).
        membrane: For each layer asked for, the membrane potentials before a reset, relative to
            rest, (n_samples, n_steps, n_chosen).
        current: Likewise the synaptic currents.
        engine: The engine that simulated the network.
        operations: What it has done, summed over the samples.
        neurons: For each layer with traces, which neurons they are of.
    """

    spikes: list[SpikeTrains]
    counts: NDArray[np.uint32]
    membrane: dict[int, NDArray[Any]] = field(default_factory=dict)
    current: dict[int, NDArray[Any]] = field(default_factory=dict)
    engine: str = "clocked"
    operations: Operations | None = None
    neurons: dict[int, list[int]] = field(default_factory=dict)

    def __repr__(self) -> str:
        n_samples, n_steps, _ = self.spikes[0].shape
        spikes = ", ".join(f"{trains.n_spikes:,}" for trains in self.spikes)
        traced = ", ".join(map(str, self.membrane))
        return (
            f"<Recording: {n_samples:,} samples of {n_steps:,} steps, spikes of input and layers "
            f"{spikes}{f', traces of layers {traced}' if traced else ''}, {self.engine}>"
        )

    def _repr_html_(self) -> str:
        n_samples, n_steps, _ = self.spikes[0].shape
        rows = []
        for index, trains in enumerate(self.spikes):
            rate = trains.n_spikes / max(float(np.prod(trains.shape)), 1.0)
            name = "input" if index == 0 else f"layer {index - 1}"
            rows.append((name, f"{trains.shape[2]:,}", f"{trains.n_spikes:,}", f"{rate:.2%}"))
        return html_table(
            ("", "neurons", "spikes", "firing rate"),
            rows,
            caption=f"Recording of {n_samples:,} samples, {n_steps:,} steps, {self.engine}",
        )


class Network:
    """A stack of layers of leaky integrate-and-fire neurons.

    Args:
        n_in: Number of inputs.
        layers: The layers, first above the input first.
        dt: Time step [ms].
        dtype: "float32" or "float64", or NumPy's type of that name: type of weights, potentials and
            gradients.
        seed: Seed of the recurrent masks, of the initial weights and of drawn delays.
        encoder: Makes spikes of analog samples where a call, or a `Trainer`, is given no other.
        class_names: Names of the outputs, for people. Files keep both.

    Raises:
        TypeError: If a layer is not Dense or Recurrent, or a field has the wrong type.
        ValueError: If a field is outside its domain.
    """

    def __init__(
        self,
        n_in: int,
        layers: Sequence[config.LayerConfig],
        *,
        dt: float = 1.0,
        dtype: DTypeLike = "float32",
        seed: int = 0,
        encoder: config.BernoulliEncoder | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers must be a list of Dense and Recurrent, got {layers!r}")
        for index, layer in enumerate(layers):
            if not isinstance(layer, config.LayerConfig):
                raise TypeError(f"layers[{index}] must be Dense or Recurrent, got {layer!r}")
            refuse_subclass(f"layers[{index}]", layer, get_args(config.LayerConfig))
        n_in, dt = integer("n_in", n_in), number("dt", dt)
        description = {
            "n_in": n_in,
            "layers": [layer.to_dict() for layer in resolved(layers, n_in, dt)],
            "dt": dt,
            "seed": integer("seed", seed),
        }
        self._core = NetworkCore(description, dtype_name(dtype))
        self.encoder = encoder
        self.class_names = class_names

    @classmethod
    def _wrap(
        cls,
        core: NetworkCore,
        encoder: config.BernoulliEncoder | None = None,
        class_names: tuple[str, ...] = (),
    ) -> Network:
        net = cls.__new__(cls)
        net._core = core
        net._encoder, net._class_names = encoder, class_names
        return net

    # What it is ------------------------------------------------------------------------------

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self._core.config()["n_in"])

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return self.layers[-1].n

    @property
    def layers(self) -> list[config.LayerConfig]:
        """The layers, first above the input first; for delays set later, see `delays`.

        With the numbers that were found in place of `Firing`, as files have them:
        `Network(net.n_in, net.layers, seed=...)` has the same weights. They suit this number of
        inputs; for another, give `Firing()` anew.
        """
        return [config.from_dict(layer) for layer in self._core.config()["layers"]]

    @property
    def encoder(self) -> config.BernoulliEncoder | None:
        """Makes spikes of analog samples where a call is given no other; its file keeps it."""
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: config.BernoulliEncoder | None) -> None:
        self._encoder = checked_encoder(encoder)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the outputs, the first ones if there are fewer; its file keeps them."""
        return self._class_names

    @class_names.setter
    def class_names(self, names: Sequence[str]) -> None:
        self._class_names = checked_class_names(names, self.n_out)

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
        n = sum(array.size for layer in self.weights for array in layer.values())
        for index in range(len(self.layers)):
            mask = self.recurrent_mask(index)
            if mask is not None:
                n -= int(mask.size - np.count_nonzero(mask))
        return n

    def recurrent_mask(self, layer: int) -> NDArray[np.bool_] | None:
        """Returns which recurrent synapses of a layer exist, (n_post, n_pre); None if all do."""
        return self._core.recurrent_mask(integer("layer", layer))

    def summary(self) -> str:
        """Returns the network as a table, for people."""
        lines = [f"Network of {self.n_in} inputs, {self.n_parameters:,} weights, {self.dtype}"]
        for index, (layer, delays) in enumerate(zip(self.layers, self.delays, strict=True)):
            tail = ""
            if isinstance(layer, config.Recurrent):
                tail = f", {config.describe(layer.mask)}"
            elif layer.lateral_inhibition > 0:
                tail = f", lateral inhibition {layer.lateral_inhibition:g}"
            for name, delay in delays.items():
                if delay.any():
                    tail += f", {name} {delay.min():g} to {delay.max():g} ms"
            lines.append(
                f"  {index}: {layer.kind:9} {layer.n:5} neurons, tau_m {layer.tau_m:g} ms, "
                f"tau_s {layer.tau_s:g} ms, v_th {layer.v_th:g}, t_ref {layer.t_ref:g} ms{tail}"
            )
        return "\n".join(lines)

    @property
    def outline(self) -> str:
        """Sizes of the input and the layers, in short: 784-400-R400-10 has a recurrent one."""
        sizes = [f"{'R' if isinstance(la, config.Recurrent) else ''}{la.n}" for la in self.layers]
        return "-".join([str(self.n_in), *sizes])

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        rows = []
        for index, (layer, delays) in enumerate(zip(self.layers, self.delays, strict=True)):
            n = [*(f"{array.size:,}" for array in self.weights[index].values())]
            longest = max(float(delay.max(initial=0.0)) for delay in delays.values())
            times = (f"{value:g}" for value in (layer.tau_m, layer.tau_s, layer.t_ref, longest))
            rows.append((index, layer.kind, layer.n, " + ".join(n), f"{layer.v_th:g}", *times))
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
        self._core.save(os.fspath(path), part)

    @classmethod
    def load(cls, path: PathLike) -> Network:
        """Reads what `save` wrote, or the network of a trainer's checkpoint.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not a file of this package, is damaged, or of another version.
        """
        name = os.fspath(path)
        net = cls._wrap(NetworkCore.load(name))
        net._encoder, net._class_names = read_carried(name, file_content(name)[1], net.n_out)
        return net

    # Fixed point -----------------------------------------------------------------------------

    def to_fixed(
        self,
        target: Target | str = "qformat",
        *,
        calibration: Input | None = None,
        encoder: config.BernoulliEncoder | None = None,
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
        from strsbp_rs.fixed._network import to_fixed

        return to_fixed(
            self, target, calibration, encoder, n_steps, seed, threads(n_threads), progress
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

    # Running it ------------------------------------------------------------------------------

    @overload
    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: Literal[False] = False,
    ) -> NDArray[np.uint32]: ...

    @overload
    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: Literal[True],
    ) -> tuple[NDArray[np.uint32], Run]: ...

    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: bool = False,
    ) -> NDArray[np.uint32] | tuple[NDArray[np.uint32], Run]:
        """Runs the network and counts the spikes of the output neurons.

        Args:
            x: With an encoder analog values (n_samples, n_in), uint8 or floats in [0, 1], or images
                (n_samples, H, W). Without one a raster (n_samples, n_steps, n_in) of truth values
                or whole numbers, which are counts of spikes, or frames (n_samples, n_steps, P, H,
                W). Either way SpikeTrains, or a list of event arrays with fields t (time steps) and
                x (inputs). See docs/inputs.md.
            encoder: Makes spikes of analog values; the network's own if None.
            n_steps: Number of time steps of event lists; if None that of the encoder. Of other
                samples it is known, and another is refused.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None. The result does not depend on it.
            engine: "clocked", "event" (the same neurons on the same time grid, but only those that
                something reaches), "auto" (whichever is faster for the first sample) or
                "continuous" (spikes in continuous time, counted on the grid at the end of the step
                they fall into).
            return_run: Whether to tell the engine ("auto" has chosen one) and what it has done.

        Returns:
            uint32 array of shape (n_samples, n_out); with `return_run` also the `Run`.

        Raises:
            ValueError: If shapes disagree, an analog value is outside [0, 1], one of a raster is no
                count, it may be read in two ways, or the engine is unknown.
            TypeError: If x has another dtype.
        """
        counts, run = self._count(x, encoder, n_steps, seed, n_threads, engine, return_run)
        return counts if run is None else (counts, run)

    def _count(
        self,
        x: Input,
        encoder: config.BernoulliEncoder | None,
        n_steps: int | None,
        seed: int,
        n_threads: int | None,
        engine: str,
        return_run: bool,
    ) -> tuple[NDArray[np.uint32], Run | None]:
        encoder = encoder_for(x, self.n_in, encoder, self.encoder)
        counts, activity, used, operations = self._core.spike_counts(
            prepare_input(x, self.n_in, encoder, n_steps),
            *input_options(encoder, seed),
            threads(n_threads),
            config.check_engine(engine),
            bool(return_run),
        )
        warn_of_activity(self.layers, self.dt, Activity(*activity[:2], len(counts), activity[2]))
        return counts, None if operations is None else Run(used, Operations(**operations))

    @overload
    def predict(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: Literal[False] = False,
    ) -> NDArray[np.int64]: ...

    @overload
    def predict(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: Literal[True],
    ) -> tuple[NDArray[np.int64], Run]: ...

    def predict(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
        return_run: bool = False,
    ) -> NDArray[np.int64] | tuple[NDArray[np.int64], Run]:
        """Runs the network and returns, for each sample, the output neuron that fired most.

        Of equals the first wins. Arguments and errors as for `spike_counts`.
        """
        counts, run = self._count(x, encoder, n_steps, seed, n_threads, engine, return_run)
        predictions: NDArray[np.int64] = np.argmax(counts, axis=1).astype(np.int64)
        return predictions if run is None else (predictions, run)

    def run(
        self,
        x: Input,
        *,
        encoder: config.BernoulliEncoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        record_traces: Mapping[int, Sequence[int]] | None = None,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> Recording:
        """Runs the network and records the spikes of every layer.

        Args:
            x: As for `spike_counts`.
            encoder: Makes spikes of analog values; the network's own if None.
            n_steps: As for `spike_counts`.
            seed: Seed of the encoder.
            record_traces: For some layers (0 is the first above the input), the neurons whose
                membrane potential and synaptic current are wanted.
            n_threads: Number of threads; all cores if None.
            engine: As for `spike_counts`; there are no traces in continuous time.

        Returns:
            The recording.

        Raises:
            ValueError: If shapes disagree, or a layer, neuron or engine does not exist.
        """
        traced = {} if record_traces is None else record_traces
        if not isinstance(traced, Mapping):
            raise TypeError(
                f"record_traces must map layers to neurons, got {type(record_traces).__name__}"
            )
        chosen = [
            (
                integer("record_traces", layer),
                list(integers(f"record_traces[{layer}]", neurons, low=0, below=2**64)),
            )
            for layer, neurons in traced.items()
        ]
        encoder = encoder_for(x, self.n_in, encoder, self.encoder)
        trains, traces, used, operations = self._core.record(
            prepare_input(x, self.n_in, encoder, n_steps),
            *input_options(encoder, seed),
            threads(n_threads),
            chosen,
            config.check_engine(engine),
        )
        spikes = [SpikeTrains(core) for core in trains]
        warn_of_activity(self.layers, self.dt, recorded_activity(spikes))
        layers = [layer for layer, _ in chosen]
        return Recording(
            spikes=spikes,
            counts=spikes[-1].counts(),
            membrane=dict(zip(layers, (potential for _, potential in traces), strict=True)),
            current=dict(zip(layers, (current for current, _ in traces), strict=True)),
            engine=used,
            operations=Operations(**operations),
            neurons=dict(chosen),
        )


def _loads(
    data: bytes,
    encoder: config.BernoulliEncoder | None = None,
    class_names: tuple[str, ...] = (),
) -> Network:
    return Network._wrap(NetworkCore.loads(data), encoder, class_names)


def recorded_activity(spikes: Sequence[SpikeTrains]) -> Activity:
    """Returns what the layers did, of recorded spike trains of the input and of every layer."""
    layers = spikes[1:]
    n_samples, n_steps, _ = spikes[0].shape
    silent = [int(np.count_nonzero(~train.counts().any(axis=0))) for train in layers]
    return Activity([train.n_spikes for train in layers], silent, n_samples, n_steps)
