"""The arrays of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._spikes import SpikeTrains

__all__ = ["Dataset"]


@dataclass(frozen=True, repr=False)
class Dataset:
    """Samples and their classes.

    Attributes:
        name: Name of the data set.
        x_train: Values to encode, (n_train, n_features), or spikes.
        y_train: Classes, int64 (n_train,).
        x_test: Likewise (n_test, n_features), or spikes.
        y_test: Classes, int64 (n_test,).
        image_shape: Height and width of images [pixels]; None of other samples.
        class_names: Names of the classes.
        source: Where the data was found.
        licence: Its licence.
    """

    name: str
    x_train: NDArray[Any] | SpikeTrains
    y_train: NDArray[np.int64]
    x_test: NDArray[Any] | SpikeTrains
    y_test: NDArray[np.int64]
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]
    source: str
    licence: str

    @property
    def n_in(self) -> int:
        """Number of inputs of a network for these samples."""
        return int(self.x_train.shape[-1])

    def __repr__(self) -> str:
        if self.image_shape is not None:
            what = f"images of {' x '.join(map(str, self.image_shape))} pixels"
        else:
            what = f"samples of {self.n_in:,} inputs"
        return (
            f"<Dataset {self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test "
            f"{what}, {len(self.class_names)} classes, from {self.source}>"
        )
