"""What networks in floating point and in fixed point do alike: they run on samples."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from strsbp_rs import _config as config
from strsbp_rs._activity import Activity, warn_of_activity
from strsbp_rs._arguments import flag, integer, integers, labels, threads
from strsbp_rs._carried import checked_class_names, checked_encoder
from strsbp_rs._evaluation import Evaluation, evaluation_of, predictions_of
from strsbp_rs._fields import named
from strsbp_rs._inputs import Input, encoder_for, input_options, prepare_input
from strsbp_rs._recording import Operations, Recording, recorded_activity
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import FixedNetworkCore, NetworkCore, mean_loss
from strsbp_rs.fixed import Overflows
from strsbp_rs.training._own_loss import Goal, OwnLoss, checked_own_loss, goal_of

__all__ = ["Running"]


@dataclass(frozen=True)
class _Samples:
    """Samples, and how they are run, as the core takes both."""

    data: Any
    encoder: dict[str, Any] | None
    seed: int
    n_threads: int | None
    engine: str

    def arguments(self) -> tuple[Any, dict[str, Any] | None, int, int | None, str]:
        return self.data, self.encoder, self.seed, self.n_threads, self.engine


class Running(ABC):
    """Runs a network of layers on samples, whatever computes them."""

    _core: NetworkCore | FixedNetworkCore
    _encoder: config.Encoder | None
    _class_names: tuple[str, ...]

    # What it is ------------------------------------------------------------------------------

    @abstractmethod
    def _neurons(self) -> list[config.LayerConfig]:
        """Returns the layers as they are in floating point."""

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    @abstractmethod
    def in_shape(self) -> tuple[int, ...]:
        """Shape of a sample's inputs, see `Network.in_shape`."""

    @property
    @abstractmethod
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the layers, see `Network.shapes`."""

    def _sizes(self) -> list[int]:
        """Returns the number of neurons of every layer."""
        return [math.prod(shape) for shape in self.shapes]

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Number of output neurons."""

    @property
    @abstractmethod
    def dt(self) -> float:
        """Time step [ms]."""

    @property
    def encoder(self) -> config.Encoder | None:
        """Makes spikes of analog samples where a call is given no other; its file keeps it."""
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: config.Encoder | None) -> None:
        self._encoder = checked_encoder(encoder)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the outputs, the first ones if there are fewer; its file keeps them."""
        return self._class_names

    @class_names.setter
    def class_names(self, names: Sequence[str]) -> None:
        self._class_names = checked_class_names(names, self.n_out)

    # Running it ------------------------------------------------------------------------------

    def run(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        record_spikes: bool = True,
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
            record_spikes: Whether to keep the spikes of all layers. Without them the recording has
                the output counts, the engine and what it has done, in the memory of the counts.
            record_traces: For some layers (0 is the first above the input), the neurons whose
                membrane potential and synaptic current are wanted: floats in the network's dtype,
                or integers in fixed point.
            n_threads: Number of threads; all cores if None. The result does not depend on it.
            engine: As for `spike_counts`; there are no traces in continuous time.

        Returns:
            The recording.

        Raises:
            ValueError: If shapes disagree, a layer, neuron or engine does not exist, or traces are
                asked for without spikes, or of a max pool, which has none.
            TypeError: If an argument has the wrong type.
        """
        traced = _traced(record_traces)
        if traced and not flag("record_spikes", record_spikes):
            raise ValueError("record_spikes must be True with record_traces, got False")
        samples = self._samples(x, encoder, n_steps, seed, n_threads, engine)
        if flag("record_spikes", record_spikes):
            recording = self._recorded(samples, traced)
            self._warn(recorded_activity(recording.spikes))
            return recording
        values = self._counted(samples, operations=True)
        return Recording([], values["counts"], **_common(values))

    def spike_counts(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> NDArray[np.uint32]:
        """Runs the network and counts the spikes of the output neurons.

        For the engine and what it has done as well, see `run` with `record_spikes=False`.

        Args:
            x: With an encoder analog values (n_samples, n_in), uint8 or floats in [0, 1], or images
                (n_samples, H, W). Without one a raster (n_samples, n_steps, n_in) of truth values
                or whole numbers, which are counts of spikes, or frames (n_samples, n_steps, P, H,
                W). Either way SpikeTrains, or a list of event arrays with fields t (time steps) and
                x (inputs) or, of a network whose inputs lie in a plane, t, x, y and p. Samples of a
                network with an `in_shape` have these axes or are flat. See docs/inputs.md.
            encoder: Makes spikes of analog values; the network's own if None.
            n_steps: Number of time steps of event lists; if None that of the encoder. Of other
                samples it is known, and another is refused.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None. The result does not depend on it.
            engine: "clocked", "event" (the same neurons on the same time grid, but only those that
                something reaches), "auto" (whichever is faster for the first sample) or
                "continuous" (spikes in continuous time, counted on the grid at the end of the step
                they fall into). In fixed point "clocked", which is also what "auto" chooses.

        Returns:
            uint32 array of shape (n_samples, n_out).

        Raises:
            ValueError: If shapes disagree, an analog value is outside [0, 1], one of a raster is no
                count, it may be read in two ways, the engine is unknown or, in fixed point, an
                input fires more often in a step than the first layer's format takes.
            TypeError: If x has another dtype.
        """
        samples = self._samples(x, encoder, n_steps, seed, n_threads, engine)
        counts: NDArray[np.uint32] = self._counted(samples)["counts"]
        return counts

    def predict(
        self,
        x: Input,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> NDArray[np.int64]:
        """Runs the network and returns, for each sample, the output neuron that fired most.

        Of equals the first wins. Arguments and errors are those of `spike_counts`.

        Returns:
            int64 array of shape (n_samples,).
        """
        samples = self._samples(x, encoder, n_steps, seed, n_threads, engine)
        return predictions_of(self._counted(samples)["counts"])

    def evaluate(
        self,
        x: Input,
        y: Any,
        *,
        encoder: config.Encoder | None = None,
        n_steps: int | None = None,
        loss: config.Loss | OwnLoss | str | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        engine: str = "clocked",
    ) -> Evaluation:
        """Runs the network on a test set.

        Args:
            x: Samples, as for `spike_counts`.
            y: Classes, integers of shape (n_samples,) in [0, n_out), or the loss's targets, as for
                `Trainer.fit`.
            encoder: Makes spikes of analog values; the network's own if None.
            n_steps: Number of time steps of event lists, as for `spike_counts`.
            loss: CountMSE or SoftmaxCrossEntropy, or "count_mse" or "softmax_cross_entropy" for
                their defaults; or a function (counts, targets) that returns (loss, d_counts), as
                for `Trainer`. If None, the evaluation's loss is NaN.
            seed: Seed of the encoder.
            n_threads: Number of threads; all cores if None. Only the speed depends on it.
            engine: As for `spike_counts`.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes disagree, a label is out of range or the engine is unknown.
        """
        own = None if loss is None else checked_own_loss(loss)
        known = None
        if loss is not None and own is None:
            cure = "; give a function (counts, targets) -> (loss, d_counts)"
            known = named("loss", loss, get_args(config.Loss), cure)
        samples = self._samples(x, encoder, n_steps, seed, n_threads, engine)
        n_samples = samples.data.shape[0]
        if own is None:
            goal = Goal(labels("y", y, n_samples, self.n_out))
        else:
            goal = goal_of(own, y, samples.data, self.n_out)
        start = time.perf_counter()
        values = self._counted(samples)
        counts, seconds = values["counts"], time.perf_counter() - start
        per_neuron = len(counts) * values["mean_steps"]
        sizes = self._sizes()
        return evaluation_of(
            counts,
            loss=_mean_loss(known, goal, values),
            accuracy=None if goal.y is None else float(np.mean(predictions_of(counts) == goal.y)),
            firing_rate=[
                n / (per_neuron * size) for n, size in zip(values["n_spikes"], sizes, strict=True)
            ],
            samples_per_s=len(counts) / max(seconds, 1e-9),
            engine=values["engine"],
            silent_neurons=values["silent_neurons"],
            overflows=[Overflows(*pair) for pair in values["overflows"]],
        )

    def _samples(
        self,
        x: Input,
        encoder: config.Encoder | None,
        n_steps: int | None,
        seed: int,
        n_threads: int | None,
        engine: str,
    ) -> _Samples:
        encoder = encoder_for(x, self.in_shape, encoder, self.encoder)
        data = prepare_input(x, self.in_shape, encoder, n_steps)
        pair, seed = input_options(encoder, seed)
        return _Samples(data, pair, seed, threads(n_threads), config.check_engine(engine))

    def _counted(self, samples: _Samples, operations: bool = False) -> dict[str, Any]:
        """Runs the network, counts, and warns of layers that do nothing or too much."""
        values = self._core.spike_counts(*samples.arguments(), operations)
        n_samples = len(values["counts"])
        silent, n_steps = values["silent_neurons"], values["mean_steps"]
        self._warn(Activity(values["n_spikes"], silent, n_samples, n_steps, self._sizes()))
        return values

    def _recorded(
        self, samples: _Samples, traced: Sequence[tuple[int, list[int]]] = ()
    ) -> Recording:
        """Runs the network and records, without warnings."""
        values = self._core.record(*samples.arguments(), list(traced))
        spikes = [SpikeTrains(core) for core in values["spikes"]]
        layers = [layer for layer, _ in traced]
        traces = dict(zip(layers, values["traces"], strict=True))
        return Recording(
            spikes,
            spikes[-1].counts(),
            potential={layer: potential for layer, (_, potential) in traces.items()},
            current={layer: current for layer, (current, _) in traces.items()},
            neurons=dict(traced),
            **_common(values),
        )

    def _quiet_run(self, x: Input, n_threads: int | None = None, **options: Any) -> Recording:
        """Runs the network as `run` does, without warnings."""
        given = {"encoder": None, "n_steps": None, "seed": 0, "engine": "clocked", **options}
        return self._recorded(self._samples(x, n_threads=n_threads, **given))

    def _warn(self, activity: Activity) -> None:
        warn_of_activity(self._neurons(), self.dt, activity)


def _traced(record_traces: Any) -> list[tuple[int, list[int]]]:
    """Returns layers and their neurons as the core takes them."""
    traced = {} if record_traces is None else record_traces
    if not isinstance(traced, Mapping):
        raise TypeError(
            f"record_traces must map layers to neurons, got {type(record_traces).__name__}"
        )
    return [
        (
            integer("record_traces", layer),
            list(integers(f"record_traces[{layer}]", neurons, low=0, below=2**64)),
        )
        for layer, neurons in traced.items()
    ]


def _mean_loss(known: config.Loss | None, goal: Goal, values: Mapping[str, Any]) -> float:
    """Returns the mean loss of counted samples, by a loss of the package or of the user's own."""
    counts = values["counts"]
    if goal.own is not None:
        losses, _ = goal.own(counts, np.arange(len(counts)))
        return float(losses.sum() / len(counts))
    if known is None or goal.y is None:
        return float("nan")
    return mean_loss(known.to_dict(), counts, goal.y, values["n_steps"], values["lengths"])


def _common(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what every recording has."""
    return {
        "engine": values["engine"],
        "operations": Operations(**values["operations"]),
        "overflows": [Overflows(*pair) for pair in values["overflows"]],
    }
