"""Fast CPU training of recurrent spiking neural networks with ST-RSBP.

Times are in ms, potentials relative to rest. See `Network` and `Trainer`.
"""

from strsbp_rs import _compiled as _compiled  # isort: skip
from strsbp_rs import audio, fixed, plot
from strsbp_rs._config import (
    LIF,
    SGD,
    Adam,
    AdamW,
    AllToAll,
    AvgPool1d,
    AvgPool2d,
    BernoulliEncoder,
    BsaEncoder,
    Constant,
    ConstantInit,
    Conv1d,
    Conv2d,
    Convolution,
    Cosine,
    CountMSE,
    Dense,
    ExponentialPenalty,
    Firing,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    ImageAugment,
    InverseSqrt,
    KaimingUniform,
    LatencyEncoder,
    LevelCrossingEncoder,
    MaxPool1d,
    MaxPool2d,
    Normal,
    OneToOne,
    PopulationEncoder,
    Recurrent,
    RegularEncoder,
    Reservoir,
    SoftmaxCrossEntropy,
    Sparse,
    SpikeAugment,
    Step,
    StRsbp,
    Uniform,
    UniformDelay,
    UniformOfThreshold,
)
from strsbp_rs._coupling import post_coupling, psp_table
from strsbp_rs._encoding import EncoderStream, encode
from strsbp_rs._evaluation import Evaluation
from strsbp_rs._graph import Graph, Population, Projection
from strsbp_rs._network import Network
from strsbp_rs._protocol import SpikingNetwork
from strsbp_rs._recording import Operations, Recording
from strsbp_rs._simulator import Simulator
from strsbp_rs._spike_functions import s_psp, van_rossum
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import __VERSION__ as __version__
from strsbp_rs._strsbp_rs import simd_level
from strsbp_rs._warnings import (
    CacheWarning,
    QuantizationWarning,
    RepeatedEventsWarning,
    SaturatedLayerWarning,
    SilentLayerWarning,
    StrsbpWarning,
)
from strsbp_rs.fixed import _conversion as _conversion
from strsbp_rs.fixed._layer import FixedLayer
from strsbp_rs.fixed._network import FixedNetwork
from strsbp_rs.fixed._report import LayerReport, QuantizationReport
from strsbp_rs.fixed._targets import CortexM, Loihi, QFormat, Spinnaker, Xylo
from strsbp_rs.training._best_checkpoint import BestCheckpoint
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._early_stopping import EarlyStopping
from strsbp_rs.training._from_spikes import gradients_from_spikes
from strsbp_rs.training._history import History
from strsbp_rs.training._loggers import CSVLogger, TensorBoard
from strsbp_rs.training._results import Gradients, StepResult
from strsbp_rs.training._trainer import Trainer

__all__ = [
    "LIF",
    "SGD",
    "Adam",
    "AdamW",
    "AllToAll",
    "AvgPool1d",
    "AvgPool2d",
    "BernoulliEncoder",
    "BestCheckpoint",
    "BsaEncoder",
    "CSVLogger",
    "CacheWarning",
    "Callback",
    "Constant",
    "ConstantInit",
    "Conv1d",
    "Conv2d",
    "Convolution",
    "CortexM",
    "Cosine",
    "CountMSE",
    "Dense",
    "EarlyStopping",
    "EncoderStream",
    "Evaluation",
    "ExponentialPenalty",
    "Firing",
    "FixedInDegree",
    "FixedLayer",
    "FixedNetwork",
    "FixedOutDegree",
    "FixedProbability",
    "Gradients",
    "Graph",
    "History",
    "ImageAugment",
    "InverseSqrt",
    "KaimingUniform",
    "LatencyEncoder",
    "LayerReport",
    "LevelCrossingEncoder",
    "Loihi",
    "MaxPool1d",
    "MaxPool2d",
    "Network",
    "Normal",
    "OneToOne",
    "Operations",
    "Population",
    "PopulationEncoder",
    "Projection",
    "QFormat",
    "QuantizationReport",
    "QuantizationWarning",
    "Recording",
    "Recurrent",
    "RegularEncoder",
    "RepeatedEventsWarning",
    "Reservoir",
    "SaturatedLayerWarning",
    "SilentLayerWarning",
    "Simulator",
    "SoftmaxCrossEntropy",
    "Sparse",
    "SpikeAugment",
    "SpikeTrains",
    "SpikingNetwork",
    "Spinnaker",
    "StRsbp",
    "Step",
    "StepResult",
    "StrsbpWarning",
    "TensorBoard",
    "Trainer",
    "Uniform",
    "UniformDelay",
    "UniformOfThreshold",
    "Xylo",
    "__version__",
    "audio",
    "encode",
    "fixed",
    "gradients_from_spikes",
    "plot",
    "post_coupling",
    "psp_table",
    "s_psp",
    "simd_level",
    "van_rossum",
]
