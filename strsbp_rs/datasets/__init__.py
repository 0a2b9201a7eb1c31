"""Data sets: arrays, spikes or sounds, with their classes, behind one interface.

`load_dataset` loads one by name; each has a function of its own, with its options. Where they are
looked for, and what they hold, is in docs/datasets.md.
"""

from strsbp_rs.datasets._dataset import Dataset
from strsbp_rs.datasets._images import (
    find_fashion_mnist,
    load_demo,
    load_fashion_mnist,
    load_mnist,
)
from strsbp_rs.datasets._own import from_arrays, from_files, from_function
from strsbp_rs.datasets._registry import load_dataset
from strsbp_rs.datasets._sounds import load_sounds_by_class
from strsbp_rs.datasets._spoken_digits import load_free_spoken_digits

__all__ = [
    "Dataset",
    "find_fashion_mnist",
    "from_arrays",
    "from_files",
    "from_function",
    "load_dataset",
    "load_demo",
    "load_fashion_mnist",
    "load_free_spoken_digits",
    "load_mnist",
    "load_sounds_by_class",
]
