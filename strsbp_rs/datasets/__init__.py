"""Data sets: arrays, spikes or sounds, with their classes, behind one interface.

`load_dataset` loads one by name; each has a function of its own, with its options. Where they are
looked for, and what they hold, is in docs/datasets.md.
"""

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._gesture import load_dvs_gesture
from strsbp_rs.datasets._heidelberg import load_shd, load_ssc
from strsbp_rs.datasets._images import (
    find_fashion_mnist,
    load_demo,
    load_fashion_mnist,
    load_mnist,
)
from strsbp_rs.datasets._nmnist import load_nmnist
from strsbp_rs.datasets._ntidigits import load_n_tidigits
from strsbp_rs.datasets._own import from_arrays, from_files, from_function
from strsbp_rs.datasets._registry import load_dataset
from strsbp_rs.datasets._sounds import load_sounds_by_class
from strsbp_rs.datasets._spoken_digits import load_free_spoken_digits
from strsbp_rs.datasets._ti46 import load_ti46_alpha, load_ti46_digits
from strsbp_rs.datasets._tonic import from_tonic

__all__ = [
    "Dataset",
    "find_fashion_mnist",
    "from_arrays",
    "from_files",
    "from_function",
    "from_tonic",
    "load_dataset",
    "load_demo",
    "load_dvs_gesture",
    "load_fashion_mnist",
    "load_free_spoken_digits",
    "load_mnist",
    "load_n_tidigits",
    "load_nmnist",
    "load_shd",
    "load_sounds_by_class",
    "load_ssc",
    "load_ti46_alpha",
    "load_ti46_digits",
]
