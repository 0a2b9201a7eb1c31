"""Sections of recipes that are no configurations of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

from strsbp_rs._fields import LATER, Checked

__all__ = ["PATHS", "Data", "NetworkOptions", "Train"]


@dataclass(frozen=True)
class Data(Checked):
    """Which data, and how much of it.

    Args:
        name: A data set of `load_dataset`; "demo" if empty; with `train` a name of one's own.
        dir: Folder of a data set's files; where it is looked for, if empty, see `load_dataset`.
        train: File of one's own samples, see `datasets.from_files`. Paths in a recipe's file are
            relative to its folder.
        test: Likewise of the test samples; if empty, a share of `train` where that has none.
        train_labels: .npy file of the classes of `train`, where that has none.
        test_labels: Likewise of `test`.
        spikes: Whether x holds spike counts (n_samples, n_steps, n_neurons), not values to encode.
        n_steps: Number of time steps, of events; 0 for as many as each sample of a data set has.
        sensor_size: [n_neurons], or [width, height, polarities], of events.
        test_share: Share of `train` kept for testing, where there are no test samples.
        class_names: Names of the classes; their numbers if empty.
        limit_train: Use the first so many training samples; 0 for all.
        limit_test: Use the first so many test samples; 0 for all.
        step_ms: Time step of recordings of events [ms]; 0 for that of the data set.
        n_channels: Channels that neighbouring ones of such are joined to; 0 for all.
        validation: Share of the training samples by which the best epoch is chosen, those of whole
            groups (speakers) where these are known; 0 for none, and of data that has such samples.
        leave_out: Name of the group whose samples are the test samples, all others being trained
            on; if empty, samples are parted as the data set is.
    """

    name: str = ""
    dir: str = ""
    train: str = ""
    test: str = ""
    train_labels: str = ""
    test_labels: str = ""
    spikes: bool = False
    n_steps: int = 0
    sensor_size: tuple[int, ...] = ()
    test_share: float = 0.2
    class_names: tuple[str, ...] = ()
    limit_train: int = 0
    limit_test: int = 0
    step_ms: float = field(default=0.0, metadata=LATER)
    n_channels: int = field(default=0, metadata=LATER)
    validation: float = field(default=0.0, metadata=LATER)
    leave_out: str = field(default="", metadata=LATER)


PATHS = ("train", "test", "train_labels", "test_labels")
"""Fields of `Data` that name files."""


@dataclass(frozen=True)
class NetworkOptions(Checked):
    """Options of the network beside its layers; see `Network`.

    Args:
        dt: Time step [ms].
        dtype: Type of weights and potentials.
        seed: Seed of weights, masks and delays.
        in_shape: Shape of the inputs, as `Network` takes it; that of the data's images if empty and
            a layer lies in a plane.
    """

    dt: float = 1.0
    dtype: str = "float32"
    seed: int = 0
    in_shape: tuple[int, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True)
class Train(Checked):
    """Options of the training; see `Trainer`. A limit or norm of 0 is none."""

    epochs: int = 10
    batch_size: int = 32
    weight_limit: float = 0.0
    clip_norm: float = 0.0
    engine: str = "clocked"
    seed: int = 0
