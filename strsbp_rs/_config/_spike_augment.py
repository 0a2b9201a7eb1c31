"""Random changes of training spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strsbp_rs._arguments import integer
from strsbp_rs._config._base import Config
from strsbp_rs._fields import U32
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import augmented_spikes

__all__ = ["SpikeAugment"]


@dataclass(frozen=True)
class SpikeAugment(Config):
    """Random changes of the spikes of training samples, drawn anew for every sample and epoch.

    A sample is stretched in time, then its spikes are shifted along the neurons, some of them are
    lost at random, and a stretch of time and a range of neurons fall silent. Neurons in order, as
    the channels of an ear are, make sense of shifts and ranges. What becomes of a sample depends on
    the trainer's seed, the epoch and the number of the sample alone.

    Where samples differ in length, a stretched one has a length of its own, of at least 2 steps and
    at most the `n_steps` of the set: `SpikeTrains.from_rasters(..., n_steps=)` may give it room.
    Where all are equally long they stay so: what is behind the end is cut, and the end of a shorter
    one is silent. Steps that come to coincide are one, in which a neuron fires as often as in that
    of them in which it fires most.

    Args:
        stretch: Largest change of duration, a share in [0, 1): times are multiplied by a factor
            uniform in 1 - stretch to 1 + stretch.
        max_shift: Largest shift along the neurons, either way, any whole number as likely as
            another; spikes that leave at an end are lost.
        drop: Largest share of spikes lost, in [0, 1]: each spike is, by chance, with a probability
            that is drawn for every sample, uniform in 0 to `drop`.
        time_mask: Largest share of the steps that fall silent, in [0, 1], in one piece, of a width
            uniform in 0 to so many and at any place.
        neuron_mask: Most neurons that fall silent, side by side, likewise.
        first_epoch: First epoch with changed samples, counted from 1.

    References:
        Ko, Peddinti, Povey & Khudanpur, Audio augmentation for speech recognition, Interspeech 2015
        (changes of speed). Park et al., SpecAugment: a simple data augmentation method for
        automatic speech recognition, Interspeech 2019 (masks).
    """

    group: ClassVar[str | None] = "spike_augment"
    stretch: float = 0.0
    max_shift: int = 0
    drop: float = 0.0
    time_mask: float = 0.0
    neuron_mask: int = 0
    first_epoch: U32 = 1

    def apply(self, spikes: SpikeTrains, *, seed: int = 0, epoch: int | None = None) -> SpikeTrains:
        """Returns spikes as an epoch of training takes them.

        Args:
            spikes: The samples; `SpikeTrains.from_dense` makes them of a raster.
            seed: Seed of the trainer.
            epoch: Epoch, counted from 1; the first one with changed samples if None.

        Raises:
            TypeError: If spikes are no SpikeTrains.
            ValueError: If a shift or a mask is wider than the neurons are many.
        """
        if not isinstance(spikes, SpikeTrains):
            raise TypeError(f"spikes must be SpikeTrains, got {type(spikes).__name__}")
        when = self.first_epoch if epoch is None else integer("epoch", epoch, low=1, below=2**32)
        changed = augmented_spikes(spikes._core, self.to_dict(), integer("seed", seed), when)
        return SpikeTrains(changed)
