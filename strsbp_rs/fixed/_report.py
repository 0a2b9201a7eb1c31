"""What fixed point changes of a network, in numbers that say what they are."""

from __future__ import annotations

from dataclasses import dataclass, fields

from strsbp_rs._tables import html_table
from strsbp_rs.fixed._format import Overflows

__all__ = ["LayerReport", "QuantizationReport"]

_LEGEND = (
    "weight error: root mean square of the weights' errors over that of the weights",
    "clipped, zeros: shares of the weights beyond the largest integer, and that became 0",
    "rate: spikes of a neuron a step, in floating point and in fixed point",
    "distance: between these spike trains (van Rossum): 0 is the same, 1 as far as no spikes",
    "overflows: currents and membranes that did not fit their bits, of all neurons and steps;",
    "changed: by how much that changed spike counts, over all spikes (- where it is not known)",
)
"""What the numbers of a report are."""


@dataclass(frozen=True)
class LayerReport:
    """What fixed point has changed of a layer.

    Attributes:
        weight_error: Root mean square of the weights' errors over that of the weights.
        clipped: Share of the weights that are beyond the largest integer.
        zeros: Share of the weights that became 0.
        rate: Spikes of a neuron a step, of the float network.
        fixed_rate: The same in fixed point.
        distance: Squared van Rossum distance of the spike trains to those of the float network,
            with the synaptic time constant, over that of these to no spikes at all.
        overflows: What did not fit the format.
        changed: By how much spike counts differ from those with states of 32 bits, in which all
            fits, over all spikes: what overflows cost this layer and those below. None by the rules
            of Xylo, whose states have 16 bits.
    """

    weight_error: float
    clipped: float
    zeros: float
    rate: float
    fixed_rate: float
    distance: float
    overflows: Overflows
    changed: float | None = 0.0


@dataclass(frozen=True, repr=False)
class QuantizationReport:
    """What fixed point has changed of a network; as a string, a table.

    Attributes:
        layers: Layer by layer.
        n_samples: Samples that rates, distances, overflows and accuracies are of.
        accuracy: Of the float network; None without labels.
        fixed_accuracy: In fixed point; None without labels.
        notes: What should not be overlooked, as the `QuantizationWarning` says it.
    """

    layers: list[LayerReport]
    n_samples: int
    accuracy: float | None = None
    fixed_accuracy: float | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        layers = f"{len(self.layers)} layer{'' if len(self.layers) == 1 else 's'}"
        return f"<QuantizationReport: {layers}, {self._tail()}>"

    def _repr_html_(self) -> str:
        names = [entry.name for entry in fields(LayerReport) if entry.name != "overflows"]
        rows = []
        for index, layer in enumerate(self.layers):
            values = (getattr(layer, name) for name in names)
            cells = [number if number is None else f"{number:.2%}" for number in values]
            cells[names.index("distance")] = f"{layer.distance:.3f}"
            lost = (f"{layer.overflows.current:,}", f"{layer.overflows.membrane:,}")
            rows.append((index, *cells, *lost))
        header = ("layer", *(name.replace("_", " ") for name in names))
        lost_names = ("overflows of currents", "of membranes")
        return html_table((*header, *lost_names), rows, "Quantization report", self._tail())

    def _tail(self) -> str:
        tail = f"{self.n_samples:,} samples"
        if self.accuracy is not None and self.fixed_accuracy is not None:
            tail += f": accuracy {self.accuracy:.2%} before, {self.fixed_accuracy:.2%} after"
        return tail

    def __str__(self) -> str:
        lines = [
            "layer  weight error  clipped  zeros  rate: float   fixed  distance  overflows: "
            "current   membrane  changed"
        ]
        lines.extend(
            f"{index:5}  {layer.weight_error:12.2%}  {layer.clipped:7.2%}  {layer.zeros:5.1%}  "
            f"{layer.rate:11.2%}  {layer.fixed_rate:6.2%}  {layer.distance:8.3f}  "
            f"{layer.overflows.current:18,}  {layer.overflows.membrane:9,}  "
            + ("      -" if layer.changed is None else f"{layer.changed:7.2%}")
            for index, layer in enumerate(self.layers)
        )
        notes = [f"! {note}" for note in self.notes]
        return "\n".join([*lines, self._tail(), *notes, *_LEGEND])
