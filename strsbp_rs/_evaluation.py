"""Results of networks on test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._tables import html_table
from strsbp_rs.fixed import Overflows

__all__ = ["Evaluation", "evaluation_of", "predictions_of"]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Results on a test set.

    Attributes:
        loss: Mean loss; NaN where none was asked for.
        accuracy: Share of samples whose class had the highest count; None if the targets are no
            classes.
        counts: Output counts, uint32 (n_samples, n_out).
        predictions: Output neurons that fired most, int64 (n_samples,).
        firing_rate: Mean spikes per neuron and step, for each layer.
        samples_per_s: Speed, encoding included.
        engine: The engine that simulated the network.
        silent_neurons: Neurons of each layer that fired in no sample.
        n_tied: Samples in which several outputs share the highest count, which is not 0: the first
            of them is the prediction.
        n_spikeless: Samples in which no output fired: class 0 is the prediction, for want of any.
        overflows: What did not fit the formats of the hardware, layer by layer; empty without.
    """

    loss: float
    accuracy: float | None
    counts: NDArray[np.uint32]
    predictions: NDArray[np.int64]
    firing_rate: list[float]
    samples_per_s: float
    engine: str = "clocked"
    silent_neurons: list[int] = field(default_factory=list)
    n_tied: int = 0
    n_spikeless: int = 0
    overflows: list[Overflows] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Evaluation: {', '.join(f'{name} {value}' for name, value in self._facts())}>"

    def _repr_html_(self) -> str:
        return html_table((), self._facts(), caption="Evaluation")

    def _facts(self) -> list[tuple[str, str]]:
        """Names and values, for people."""
        lost = [f"{counts.current:,} and {counts.membrane:,}" for counts in self.overflows]
        silent = self.silent_neurons
        return [
            *([] if self.accuracy is None else [("accuracy", f"{self.accuracy:.2%}")]),
            *([] if np.isnan(self.loss) else [("loss", f"{self.loss:.4g}")]),
            ("samples", f"{len(self.predictions):,}"),
            ("firing rates", " ".join(f"{rate:.2%}" for rate in self.firing_rate)),
            *([("silent neurons", " ".join(map(str, silent)))] if any(silent) else []),
            *([("ties", f"{self.n_tied:,}")] if self.n_tied else []),
            *(
                [("samples without output spikes", f"{self.n_spikeless:,}")]
                if self.n_spikeless
                else []
            ),
            ("samples/s", f"{self.samples_per_s:.0f}"),
            ("engine", self.engine),
            *([("overflows of currents and membranes", ", ".join(lost))] if lost else []),
        ]


def predictions_of(counts: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Returns the output neuron that fired most in each sample; of equals the first."""
    predictions: NDArray[np.int64] = np.argmax(counts, axis=1).astype(np.int64)
    return predictions


def evaluation_of(counts: NDArray[np.uint32], **values: Any) -> Evaluation:
    """Returns the evaluation of output counts; `values` are what counts do not tell."""
    highest = counts.max(axis=1, initial=0)
    n_highest = np.count_nonzero(counts == highest[:, None], axis=1)
    return Evaluation(
        counts=counts,
        predictions=predictions_of(counts),
        n_tied=int(np.count_nonzero((n_highest > 1) & (highest > 0))),
        n_spikeless=int(np.count_nonzero(highest == 0)),
        **values,
    )
