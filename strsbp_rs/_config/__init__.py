"""What a user says of networks and training: small frozen dataclasses.

Types of their fields are checked when they are made, and so are domains, by the core; what depends
on a network or its time step, when that is made.
"""

from __future__ import annotations

from typing import Any

from strsbp_rs._config._augment import ImageAugment
from strsbp_rs._config._base import Config, describe
from strsbp_rs._config._delays import Delay, UniformDelay
from strsbp_rs._config._encoders import (
    ENCODERS,
    BernoulliEncoder,
    BsaEncoder,
    Encoder,
    LatencyEncoder,
    LevelCrossingEncoder,
    PopulationEncoder,
    RegularEncoder,
    encoder_from_file,
)
from strsbp_rs._config._engines import ENGINES, Engine, check_engine
from strsbp_rs._config._init import (
    ConstantInit,
    Firing,
    Init,
    KaimingUniform,
    LayerInit,
    Normal,
    Uniform,
    UniformOfThreshold,
)
from strsbp_rs._config._kernels import Convolution
from strsbp_rs._config._layers import (
    Dense,
    Integrating,
    LayerConfig,
    Line,
    MaxPool,
    Plane,
    Pool,
    Recurrent,
)
from strsbp_rs._config._learning import ExponentialPenalty, PostCoupling, StRsbp
from strsbp_rs._config._losses import CountMSE, Loss, SoftmaxCrossEntropy
from strsbp_rs._config._masks import AllToAll, Mask, Reservoir, Sparse
from strsbp_rs._config._neurons import LIF, Discretisation, Thresholds, threshold_range
from strsbp_rs._config._optimizers import SGD, Adam, AdamW, Optimizer
from strsbp_rs._config._rules import (
    ConnectionRule,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    OneToOne,
)
from strsbp_rs._config._schedules import Constant, Cosine, InverseSqrt, Schedule, Step
from strsbp_rs._config._spatial import (
    AvgPool1d,
    AvgPool2d,
    Conv1d,
    Conv2d,
    MaxPool1d,
    MaxPool2d,
)
from strsbp_rs._config._spike_augment import SpikeAugment

__all__ = [
    "ENCODERS",
    "ENGINES",
    "LIF",
    "SGD",
    "Adam",
    "AdamW",
    "AllToAll",
    "AvgPool1d",
    "AvgPool2d",
    "BernoulliEncoder",
    "BsaEncoder",
    "Config",
    "ConnectionRule",
    "Constant",
    "ConstantInit",
    "Conv1d",
    "Conv2d",
    "Convolution",
    "Cosine",
    "CountMSE",
    "Delay",
    "Dense",
    "Discretisation",
    "Encoder",
    "Engine",
    "ExponentialPenalty",
    "Firing",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "ImageAugment",
    "Init",
    "Integrating",
    "InverseSqrt",
    "KaimingUniform",
    "LatencyEncoder",
    "LayerConfig",
    "LayerInit",
    "LevelCrossingEncoder",
    "Line",
    "Loss",
    "Mask",
    "MaxPool",
    "MaxPool1d",
    "MaxPool2d",
    "Normal",
    "OneToOne",
    "Optimizer",
    "Plane",
    "Pool",
    "PopulationEncoder",
    "PostCoupling",
    "Recurrent",
    "RegularEncoder",
    "Reservoir",
    "Schedule",
    "SoftmaxCrossEntropy",
    "Sparse",
    "SpikeAugment",
    "StRsbp",
    "Step",
    "Thresholds",
    "Uniform",
    "UniformDelay",
    "UniformOfThreshold",
    "_plain",
    "check_engine",
    "describe",
    "encoder_from_file",
    "from_dict",
    "threshold_range",
]

_KINDS: dict[str, type[Config]] = {
    cls.kind: cls
    for cls in (
        *(Firing, Uniform, UniformOfThreshold, Normal, ConstantInit, KaimingUniform),
        *(AllToAll, Sparse, Reservoir),
        *(UniformDelay,),
        *(Dense, Recurrent, Conv2d, Conv1d, AvgPool2d, AvgPool1d, MaxPool2d, MaxPool1d, LIF),
        *(CountMSE, SoftmaxCrossEntropy),
        *(Adam, AdamW, SGD),
    )
    if cls.kind is not None
}
_SCHEDULES: dict[str, type[Config]] = {
    cls.kind: cls for cls in (Constant, InverseSqrt, Cosine, Step) if cls.kind is not None
}


def from_dict(values: dict[str, Any], *, schedule: bool = False) -> Any:
    """Returns the configuration whose `to_dict` gave `values` (one that has a kind)."""
    values = dict(values)
    kinds = _SCHEDULES if schedule else _KINDS
    cls = kinds[values.pop("kind")]
    names = cls.written_names
    return cls(**{names.get(name, name): _revived(value) for name, value in values.items()})


def _revived(value: Any) -> Any:
    if isinstance(value, dict):
        return from_dict(value)
    return tuple(value) if isinstance(value, list) else value
