"""What a user says of networks and training: small frozen dataclasses.

Types of their fields are checked when they are made, domains by the Rust core.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

from strsbp_rs._arguments import one_of
from strsbp_rs._fields import U32, Checked

__all__ = [
    "ENGINES",
    "SGD",
    "Adam",
    "AdamW",
    "AllToAll",
    "BernoulliEncoder",
    "ConnectionRule",
    "Constant",
    "ConstantInit",
    "Cosine",
    "CountMSE",
    "Delay",
    "Dense",
    "ExponentialPenalty",
    "Firing",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "ImageAugment",
    "Init",
    "InverseSqrt",
    "KaimingUniform",
    "LayerConfig",
    "LayerInit",
    "Loss",
    "Mask",
    "Normal",
    "OneToOne",
    "Optimizer",
    "Recurrent",
    "Reservoir",
    "Schedule",
    "SoftmaxCrossEntropy",
    "Sparse",
    "StRsbp",
    "Step",
    "Uniform",
    "UniformDelay",
]


@dataclass(frozen=True)
class _Config(Checked):
    """A configuration the core reads as a dict."""

    kind: ClassVar[str | None] = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the configuration as plain values, with its kind."""
        values = {name: _plain(getattr(self, name)) for name in (f.name for f in fields(self))}
        return values if self.kind is None else {"kind": self.kind, **values}


def _plain(value: Any) -> Any:
    if isinstance(value, _Config):
        return value.to_dict()
    return list(value) if isinstance(value, tuple) else value


# Initial weights -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Uniform(_Config):
    """Initial weights uniform in [low, high]; the ST-RSBP paper has (-1, 1)."""

    low: float = -1.0
    high: float = 1.0
    kind: ClassVar[str] = "uniform"


@dataclass(frozen=True)
class Normal(_Config):
    """Initial weights normal, with the given mean and standard deviation."""

    mean: float = 0.0
    std: float = 1.0
    kind: ClassVar[str] = "normal"


@dataclass(frozen=True)
class ConstantInit(_Config):
    """Initial weights all equal to `value`."""

    value: float = 0.0
    kind: ClassVar[str] = "constant"


@dataclass(frozen=True)
class KaimingUniform(_Config):
    """Initial weights uniform with standard deviation `gain / sqrt(n_in)`."""

    gain: float = 1.0
    kind: ClassVar[str] = "kaiming_uniform"


Init = Uniform | Normal | ConstantInit | KaimingUniform


@dataclass(frozen=True)
class Firing(_Config):
    """Initial weights with which neurons fire, however many inputs they have.

    Uniform, as wide as the neurons' constants and the rate of their inputs ask for: without a
    threshold, potentials would have, `within` ms after rest, a standard deviation of `drive`
    thresholds over neurons and spikes, and a mean of 0.7 times that. `Network.layers` has the
    numbers, as Uniform.

    Args:
        rate: Expected spikes of an input of the layer in a step, > 0. If None, 0.3 for the inputs
            of the network, 0.05 for neurons.
        within: Time in which most of those neurons fire that will [ms]. In runs of `n_steps` steps
            a layer has fired in time if this is at most n_steps dt / (number of layers + 1).
        drive: How strongly neurons are driven, in thresholds. The default keeps the rates of a
            stack of layers about where they are.
    """

    rate: float | None = None
    within: float = 20.0
    drive: float = 1.0
    kind: ClassVar[str] = "firing"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rate", "within", "drive"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                unit = " ms" if name == "within" else ""
                raise ValueError(f"{name} must be finite and > 0{unit}, got {value}")


LayerInit = Init | Firing
"""Of the weights of a layer, whose neurons are known."""

# Recurrent synapses ----------------------------------------------------------------------------


@dataclass(frozen=True)
class AllToAll(_Config):
    """Every neuron hears every other one (and itself with `self_loops`)."""

    self_loops: bool = False
    kind: ClassVar[str] = "all_to_all"


@dataclass(frozen=True)
class Sparse(_Config):
    """Every recurrent synapse exists with probability `density`, in (0, 1]."""

    density: float = 0.1
    self_loops: bool = False
    kind: ClassVar[str] = "sparse"


@dataclass(frozen=True)
class Reservoir(_Config):
    """The paper's 3-D reservoir: neurons on a grid, 80 % excitatory, near ones connected.

    A synapse exists with probability 1.5 C exp(-distance^2 / 4); from excitatory to excitatory
    neurons C = 0.3, excitatory to inhibitory 0.2, inhibitory to excitatory 0.4, among inhibitory
    ones 0.1.

    Args:
        shape: Neurons along the three axes; their product is the layer's size.
        self_loops: Whether every neuron also hears itself.
    """

    shape: tuple[int, int, int]
    self_loops: bool = False
    kind: ClassVar[str] = "reservoir"


Mask = AllToAll | Sparse | Reservoir

# Delays ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UniformDelay(_Config):
    """A delay for every synapse: each whole number of steps in [low, high] is equally likely [ms].

    Drawn from the network's or graph's seed; what is drawn does not change any weight. Whole steps
    in continuous time too. A projection of a graph has at most 256 different delays drawn this way
    (25.5 ms from low to high at dt 0.1 ms): for more, connect explicit pairs of neurons with an
    array of delays, or several projections.
    """

    low: float = 0.0
    high: float = 10.0
    kind: ClassVar[str] = "uniform_delay"


# Engines ---------------------------------------------------------------------------------------

Engine = Literal["clocked", "event", "continuous", "auto"]

ENGINES = get_args(Engine)
"""Names of the engines that simulate networks."""


def check_engine(engine: str) -> str:
    """Returns the name of an engine if it is one.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is another.
    """
    return one_of("engine", engine, ENGINES)


# Connection rules of graphs ---------------------------------------------------------------------


@dataclass(frozen=True)
class OneToOne(_Config):
    """Neuron i to neuron i of a population of the same size."""

    kind: ClassVar[str] = "one_to_one"


@dataclass(frozen=True)
class FixedProbability(_Config):
    """Every pair of neurons is connected with the same probability, in (0, 1], independently.

    Args:
        probability: That probability.
        self_loops: Whether neurons of one population may hear themselves.
    """

    probability: float
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_probability"


@dataclass(frozen=True)
class FixedOutDegree(_Config):
    """Every presynaptic neuron has synapses onto `n` different postsynaptic ones.

    Args:
        n: Number of synapses of a presynaptic neuron.
        self_loops: Whether neurons of one population may hear themselves.
    """

    n: int
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_out_degree"


@dataclass(frozen=True)
class FixedInDegree(_Config):
    """Every postsynaptic neuron has synapses from `n` different presynaptic ones.

    Args:
        n: Number of synapses of a postsynaptic neuron.
        self_loops: Whether neurons of one population may hear themselves.
    """

    n: int
    self_loops: bool = False
    kind: ClassVar[str] = "fixed_in_degree"


ConnectionRule = AllToAll | OneToOne | FixedProbability | FixedOutDegree | FixedInDegree

# Delays ----------------------------------------------------------------------------------------

Delay = float | UniformDelay
"""Of the synapses of a group, beyond the one time step that every spike takes; a number in ms is
that of all of them and a whole number of time steps."""

# Layers ----------------------------------------------------------------------------------------

Discretisation = Literal["euler", "exact"]
"""How a neuron is brought onto the time grid."""


@dataclass(frozen=True)
class Dense(_Config):
    """A feed-forward layer of LIF neurons with first-order synapses.

    Args:
        n: Number of neurons.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial weights: Firing, Uniform, Normal, ConstantInit or
            KaimingUniform, or the name of one ("firing", "uniform", "normal", "constant",
            "kaiming_uniform").
        delay: Time [ms] that spikes take beyond one time step: a number, or UniformDelay.
        lateral_inhibition: Every spike of a neuron takes this much from the synaptic current of
            every other neuron of the layer, without a delay; fixed, not trained. 0 for none.
    """

    n: int
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: float = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    lateral_inhibition: float = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "dense"


@dataclass(frozen=True)
class Recurrent(_Config):
    """A recurrent layer of LIF neurons: hears the layer below and, a step later, itself.

    Args:
        n: Number of neurons.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial feed-forward weights: Firing, Uniform, Normal,
            ConstantInit or KaimingUniform, or the name of one ("firing", "uniform", "normal",
            "constant", "kaiming_uniform").
        delay: Time [ms] that spikes of the layer below take beyond one time step: a number, or
            UniformDelay.
        mask: Which recurrent synapses exist: AllToAll, Sparse or Reservoir, or "all_to_all" or
            "sparse".
        rec_init: Distribution of the initial recurrent weights, as `init`.
        rec_delay: Likewise `delay` of the layer's own spikes.
    """

    n: int
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: float = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    mask: Mask = field(default=AllToAll(), kw_only=True)
    rec_init: LayerInit = field(default=Firing(drive=0.25), kw_only=True)
    rec_delay: Delay = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "recurrent"


LayerConfig = Dense | Recurrent

# Input -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BernoulliEncoder(_Config):
    """Fires every input at every step with probability x * rate_scale, independently.

    Args:
        n_steps: Number of time steps.
        rate_scale: P(spike per step) of an input of value 1 (255 in uint8), in (0, 1]. The more,
            the better a value can be read from its spikes, and the more these cost: with 1 and 400
            steps values near 0.5 come with a standard deviation of 0.025; with 1 / 5.5, the paper's
            for images, whose many pixels make up for it, of 0.08.
    """

    n_steps: int = 400
    rate_scale: float = 1.0


@dataclass(frozen=True)
class ImageAugment(_Config):
    """Random changes of training images, drawn anew for every sample and epoch.

    Args:
        image_shape: Height and width of the images, whose product is the number of inputs.
        max_shift: Largest shift along either axis [pixels].
        shift_probability: Share of the images that are shifted, by chance; each shift is as likely
            as any other, none at all included.
        flip_horizontal: Whether images are mirrored left to right with probability 1/2.
        first_epoch: First epoch with changed images, counted from 1: without changes the first
            epochs learn faster.
    """

    image_shape: tuple[int, int] = (28, 28)
    max_shift: int = 2
    shift_probability: float = 1.0
    flip_horizontal: bool = True
    first_epoch: U32 = 1


# Losses ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CountMSE(_Config):
    """Half the squared error of the output counts, with a dead zone in which the error counts as 0.

    Args:
        target: Desired count of the neuron of the sample's class.
        other: Desired count of the other neurons.
        dead_zone: Errors of at most this many counts are forgiven; 0 for none.
    """

    target: float = 35.0
    other: float = 5.0
    dead_zone: float = 5.0
    kind: ClassVar[str] = "count_mse"


@dataclass(frozen=True)
class SoftmaxCrossEntropy(_Config):
    """Cross-entropy of the softmax of counts / temperature."""

    temperature: float = 4.0
    kind: ClassVar[str] = "softmax_cross_entropy"


Loss = CountMSE | SoftmaxCrossEntropy

# Optimizers and schedules ----------------------------------------------------------------------


@dataclass(frozen=True)
class Adam(_Config):
    """Adam (Kingma & Ba, ICLR 2015).

    Args:
        lr: Learning rate: about what every weight changes by in a step. If None, the trainer takes
            one that suits the sizes, thresholds and time constants of the layers, smaller for more
            inputs; `Trainer.config` tells which.
        beta1: Decay of the mean of the gradient.
        beta2: Decay of the mean of its square.
        eps: Added to the root of that.
    """

    lr: float | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    kind: ClassVar[str] = "adam"


@dataclass(frozen=True)
class AdamW(_Config):
    """Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019).

    Args:
        lr: As of `Adam`.
        beta1: As of `Adam`.
        beta2: As of `Adam`.
        eps: As of `Adam`.
        weight_decay: Share of a weight, times the learning rate, that is taken off in a step.
    """

    lr: float | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    kind: ClassVar[str] = "adamw"


@dataclass(frozen=True)
class SGD(_Config):
    """Stochastic gradient descent with momentum."""

    lr: float = 1e-2
    momentum: float = 0.9
    nesterov: bool = False
    kind: ClassVar[str] = "sgd"


Optimizer = Adam | AdamW | SGD


@dataclass(frozen=True)
class Constant(_Config):
    """The learning rate as it is, after a linear warm-up over `warmup_epochs`."""

    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "constant"


@dataclass(frozen=True)
class InverseSqrt(_Config):
    """The learning rate over the square root of the epoch, counted from 1."""

    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "inverse_sqrt"


@dataclass(frozen=True)
class Cosine(_Config):
    """Half a cosine from 1 to `min_factor` over `epochs` epochs."""

    epochs: float = 100.0
    min_factor: float = 0.0
    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "cosine"


@dataclass(frozen=True)
class Step(_Config):
    """The learning rate times `factor` after every `every` epochs."""

    every: U32 = 30
    factor: float = 0.1
    warmup_epochs: float = 0.0
    kind: ClassVar[str] = "step"


Schedule = Constant | InverseSqrt | Cosine | Step

# Learning --------------------------------------------------------------------------------------

PostCoupling = Literal["closed_form", "table", "auto", "none"]
"""How the firing of a neuron weakens its own S-PSPs."""


@dataclass(frozen=True)
class StRsbp(_Config):
    """Options of the ST-RSBP backward pass.

    Args:
        post_coupling: How the firing of a neuron weakens its own S-PSPs: "closed_form" (Poisson
            firing with a dead time), "table" (expectation over random trains), "auto" (for each
            layer the closed form where its gain is within 5 % of the table's, as in the paper's run
            of 400 steps, else the table, as in runs of 100; in runs of more than 4,096 steps always
            the closed form) or "none".
        silent_ratio: d e_ij / d o_j where either neuron is silent and e_ij / o_j is undefined. 0 is
            the exact gradient and the fastest; the authors use 0.5.
        teacher_spikes: Whether evenly spaced spikes stand in for a silent target neuron in the
            backward pass.
        teacher_count: Number of those spikes.
        solver_tolerance: Relative residual at which the adjoint system of a recurrent layer counts
            as solved, in (0, 1). Gradients of this layer and those below are off by about as much;
            see `Trainer.gradients`.
    """

    post_coupling: PostCoupling = "auto"
    silent_ratio: float = 0.0
    teacher_spikes: bool = True
    teacher_count: U32 = 35
    solver_tolerance: float = 1e-4


@dataclass(frozen=True)
class ExponentialPenalty(_Config):
    """Penalty on neurons with large weights, as in the ST-RSBP authors' program.

    With v = w / scale its gradient is lam beta v_ij exp(beta (mean_j v_ij^2 - 1)); after Lee,
    Delbruck & Pfeiffer, Frontiers in Neuroscience 2016, who have the sum of the squares.

    Args:
        lam: Strength.
        beta: How fast it grows with the squared weights.
        scale: What weights are counted in; the authors' is their weight limit.
    """

    lam: float = 10.0
    beta: float = 0.04
    scale: float = 8.0


_KINDS: dict[str, type[_Config]] = {
    cls.kind: cls
    for cls in (
        *(Firing, Uniform, Normal, ConstantInit, KaimingUniform),
        *(AllToAll, Sparse, Reservoir),
        *(UniformDelay,),
        *(Dense, Recurrent),
        *(CountMSE, SoftmaxCrossEntropy),
        *(Adam, AdamW, SGD),
    )
    if cls.kind is not None
}
_SCHEDULES: dict[str, type[_Config]] = {
    cls.kind: cls for cls in (Constant, InverseSqrt, Cosine, Step) if cls.kind is not None
}


def from_dict(values: dict[str, Any], *, schedule: bool = False) -> Any:
    """Returns the configuration whose `to_dict` gave `values` (one that has a kind)."""
    values = dict(values)
    kinds = _SCHEDULES if schedule else _KINDS
    cls = kinds[values.pop("kind")]
    return cls(**{name: _revived(value) for name, value in values.items()})


def _revived(value: Any) -> Any:
    if isinstance(value, dict):
        return from_dict(value)
    return tuple(value) if isinstance(value, list) else value


def describe(config: _Config) -> str:
    """Returns the configuration in one line, for people."""
    return f"{config.kind or type(config).__name__} {asdict(config)}"
