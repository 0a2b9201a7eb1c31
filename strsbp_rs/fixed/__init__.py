"""Fixed-point neurons that model neuromorphic hardware, bit for bit.

A `Format` is a number format and the LIF neurons it holds: integers only, every rounding and
overflow defined. Presets make the formats of hardware. A `Graph` of dtype "int8", "int16" or
"int32" holds such neurons (`Graph.add_fixed`), and a `Simulator` runs them:

    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(16)
    neurons = graph.add_fixed(8, sr.fixed.loihi(du=400, dv=100, v_th=300))
    graph.connect(inputs, neurons, (pre, post), weight=sr.fixed.loihi_weights(weight))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from math import exp, inf
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _strsbp_rs as _core
from strsbp_rs._arguments import flag, integer, integers, number, one_of
from strsbp_rs._arrays import as_array
from strsbp_rs._fields import U32, Checked

__all__ = [
    "Format",
    "Multiply",
    "Overflows",
    "Shift",
    "Table",
    "cortex_m",
    "loihi",
    "loihi_weights",
    "qformat",
    "spinnaker",
    "xylo",
    "xylo_weights",
]


def _per_neuron(name: str, value: Any, low: int, below: int) -> int | tuple[int, ...]:
    if as_array(name, value).ndim == 0:
        return integer(name, value, low=low, below=below)
    return integers(name, value, low=low, below=below)


_Integers = int | Sequence[int] | NDArray[np.integer[Any]]
PerNeuron = Annotated[_Integers, partial(_per_neuron, low=-(2**31), below=2**31)]
"""One integer for all neurons of a population, or one for each."""

_UnsignedPerNeuron = Annotated[_Integers, partial(_per_neuron, low=0, below=2**32)]

Rounding = Literal["toward_zero", "floor", "nearest", "nearest_even", "stochastic"]
Overflow = Literal["saturate", "wrap", "saturate_symmetric", "wrap_upper"]
Device = Literal["a1", "audio2", "audio3", "imu"]
Reset = Literal["zero", "subtract"]
SignMode = Literal["mixed", "excitatory", "inhibitory"]


@dataclass(frozen=True)
class Multiply(Checked):
    """A decay: x becomes x factor / 2^bits, rounded.

    Attributes:
        factor: In [0, 2^bits], and below 2^32; of a membrane not 0. One, or one for each neuron.
        bits: In [0, 32].
    """

    factor: _UnsignedPerNeuron
    bits: U32


@dataclass(frozen=True)
class Shift(Checked):
    """A decay: x becomes x - x / 2^shift, the quotient rounded.

    Attributes:
        shift: In [0, 31]; of a membrane not 0. One, or one for each neuron.
        least_one: Whether what is not 0 loses at least 1, so that all ends in 0.
    """

    shift: _UnsignedPerNeuron
    least_one: bool = False


@dataclass(frozen=True)
class Table(Checked):
    """A decay by a table of powers, as hardware looks them up that works by events.

    A state that was last changed k steps ago, to x, is x factors[k - 1] / 2^bits, rounded once and
    not at every step. What changes a state, and so begins a new count, is the same in every engine:

    - the current: that something arrives whose sum is not 0;
    - the membrane: that what is added to it, bias and current, is not 0, or that the neuron fires;
      while it is held it does not age;
    - both: that the last entry has been used. So any gap is defined, and where that entry is 0
      every state ends in 0.

    A membrane is changed at every step at which its neuron has a current: tables of powers suit
    currents, and membranes of neurons whose currents are gone at once (`Multiply(0, 0)`).

    Attributes:
        factors: 1 to 4096 integers in [0, 2^bits] and below 2^32, none larger than the one before;
            the first of a membrane not 0. The same for all neurons of a population.
        bits: In [0, 32].
    """

    factors: Annotated[
        Sequence[int] | NDArray[np.integer[Any]], partial(integers, low=0, below=2**32)
    ]
    bits: U32

    @classmethod
    def exponential(
        cls, tau: float, dt: float = 1.0, *, length: int | None = None, bits: int = 12
    ) -> Table:
        """The powers of an exponential decay: round(2^bits exp(-k dt / tau)) for k = 1, 2, ...

        Args:
            tau: Time constant [ms].
            dt: Time step [ms].
            length: Number of entries, in [1, 4096]. If None, up to the first that is 0, so that
                every state ends in 0, or 4096.
            bits: Fractional bits of the factors, in [1, 31].

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If one is outside its domain, or bits are so few that the first factor is 0.
        """
        bits = integer("bits", bits)
        if not 1 <= bits <= 31:
            raise ValueError(f"bits must be in [1, 31], got {bits}")
        tau, dt = number("tau", tau), number("dt", dt)
        factors = [_factor("tau", tau, dt, "bits", bits)]
        most = _MOST_FACTORS if length is None else integer("length", length)
        if not 1 <= most <= _MOST_FACTORS:
            raise ValueError(f"length must be in [1, {_MOST_FACTORS}], got {length}")
        while len(factors) < most and (length is not None or factors[-1] > 0):
            factors.append(round(2.0**bits * exp(-(len(factors) + 1) * dt / tau)))
        return cls(factors, bits)


_MOST_FACTORS = 4096
"""Entries of a table."""

Decay = Multiply | Shift | Table
"""What a step leaves of a state."""

_DECAYS: dict[str, type[Decay]] = {"multiply": Multiply, "shift": Shift, "table": Table}


def _factor(name: str, tau: float, dt: float, bits_name: str, bits: int) -> int:
    """2^bits exp(-dt / tau), to the nearest integer, which must not be 0."""
    if not (0 < tau < inf and 0 < dt < inf):
        raise ValueError(f"{name} and dt must be finite and > 0 ms, got {tau} and {dt}")
    factor = round(2.0**bits * exp(-dt / tau))
    if factor == 0:
        raise ValueError(
            f"{bits_name} must be enough for exp(-dt / {name}) = {exp(-dt / tau):.3g}, "
            f"got {bits}, with which it is 0"
        )
    return factor


@dataclass(frozen=True)
class Overflows:
    """How many numbers did not fit their format, and were changed.

    Attributes:
        current: Synaptic currents.
        membrane: Membranes, at steps in which they are computed.
    """

    current: int
    membrane: int


def _decay(name: str, decay: Any) -> Decay:
    if not isinstance(decay, Decay):
        raise TypeError(f"{name} must be Multiply, Shift or Table, got {decay!r}")
    return decay


_LIMITS = ("n", "fan_in", "fan_out", "delay", "input_spikes", "inputs")


def _limits(name: str, limits: Any) -> dict[str, int | None]:
    if not isinstance(limits, Mapping):
        raise TypeError(f"{name} must be a dict, got {limits!r}")
    found = {}
    for key, value in limits.items():
        one_of(f"a key of {name}", key, _LIMITS)
        below = 2**32 if key in ("delay", "input_spikes") else 2**64
        found[key] = None if value is None else integer(f"{name}[{key!r}]", value, below=below)
    return found


@dataclass(frozen=True)
class Format(Checked):
    """A number format and the neurons it holds.

    A step, from current u and membrane v of 0, with A the sum of the weights that arrive and R the
    rounding:

        u = fit(decay_u(u) + (A << input_shift))
        v = fit(decay_v(v) + bias + R(u / 2^gain_shift))     unless held
        spike if v > v_th (or >=); v = 0 (or v - v_th); held for t_ref_steps

    Attributes:
        weight_bits: Width of a weight as it is added, sign included, in [1, 32].
        current_bits, membrane_bits: Widths of the states, sign included, in [2, 32].
        current_decay, membrane_decay: What a step leaves of them: `Multiply`, `Shift` or `Table`.
        v_th: Threshold, of the membrane's scale. One, or one for each neuron.
        input_shift: Bits by which summed weights are shifted up, in [0, 31].
        gain_shift: Bits by which the current is shifted down to the membrane's scale, in [0, 31].
        bias: Added to the membrane at every step, with the rules "lif" from step 0 on. One, or one
            for each neuron.
        rounding: Of products and shifts down: "toward_zero", "floor", "nearest" (halves up),
            "nearest_even" or "stochastic", whose draws depend on `rounding_seed`, the population,
            neuron, step and use alone (Philox4x32-10).
        rounding_seed: What stochastic draws come from.
        current_overflow, membrane_overflow: What becomes of a number that does not fit b bits:
            "saturate" or "wrap" into [-2^(b-1), 2^(b-1) - 1], "saturate_symmetric" into
            [-2^(b-1) + 1, 2^(b-1) - 1], "wrap_upper" into [-2^(b-1) + 1, 2^(b-1)].
        fires_at: Whether the threshold itself fires: ">" or ">=".
        reset: "zero" or "subtract".
        t_ref_steps: Steps after a spike in which only the current changes.
        max_spikes: Most spikes of a neuron in a step, each subtracting v_th.
        rules: "lif" as above; "xylo_v1" and "xylo_v2" saturate the current at every spike and decay
            it after that.
        limits: What hardware has room for, by name: n, fan_in, fan_out, delay [steps],
            input_spikes (of an input in a step), inputs (with synapses onto the population);
            {} where nothing bounds it.
    """

    weight_bits: U32
    current_bits: U32
    membrane_bits: U32
    current_decay: Annotated[Decay, _decay]
    membrane_decay: Annotated[Decay, _decay]
    v_th: PerNeuron
    input_shift: U32 = 0
    gain_shift: U32 = 0
    bias: PerNeuron = 0
    rounding: Rounding = "toward_zero"
    rounding_seed: int = 0
    current_overflow: Overflow = "saturate"
    membrane_overflow: Overflow = "saturate"
    fires_at: Literal[">", ">="] = ">"
    reset: Reset = "zero"
    t_ref_steps: U32 = 0
    max_spikes: U32 = 1
    rules: Literal["lif", "xylo_v1", "xylo_v2"] = "lif"
    limits: Annotated[Mapping[str, int | None], _limits] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the format as plain values."""
        values = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        for name in ("current_decay", "membrane_decay"):
            values[name] = _decay_dict(getattr(self, name))
        values["limits"] = dict(self.limits)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Format:
        """The format that `to_dict` gave.

        Raises:
            TypeError: If a field is missing or unknown.
        """
        values = dict(values)
        for name in ("current_decay", "membrane_decay"):
            decay = dict(values.get(name, {}))
            kind = decay.pop("kind", None)
            if kind not in _DECAYS:
                raise TypeError(f"{name}['kind'] must be one of {', '.join(_DECAYS)}, got {kind!r}")
            values[name] = _DECAYS[kind](**decay)
        return cls(**values)

    def check(self, n: int) -> None:
        """Checks the format for a population of `n` neurons.

        Raises:
            TypeError: If a field has the wrong type.
            ValueError: If one is outside its domain; the message says which and why.
        """
        _core.check_fixed(self.to_dict(), integer("n", n))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _decay_dict(decay: Decay) -> dict[str, Any]:
    kind = next(kind for kind, cls in _DECAYS.items() if isinstance(decay, cls))
    return {"kind": kind, **{key: _plain(value) for key, value in vars(decay).items()}}


_SIGNED = ("v_th", "bias", "bias_mantissa")
"""Of a preset's values that there may be one of for each neuron."""

_UNSIGNED = ("du", "dv", "dash_syn", "dash_mem")

_CHECKED = ("device", "is_output", "reset", "current_decay", "membrane_decay")
"""Those that are no numbers, and were checked by the preset."""


def _preset(kind: str, **values: Any) -> Format:
    """A format of hardware; values are numbers of bits, steps and the like but for those above."""
    plain: dict[str, Any] = {"kind": kind}
    for name, value in values.items():
        if name in _SIGNED:
            plain[name] = _plain(_per_neuron(name, value, -(2**31), 2**31))
        elif name in _UNSIGNED:
            plain[name] = _plain(_per_neuron(name, value, 0, 2**32))
        elif name in _CHECKED:
            plain[name] = value
        else:
            plain[name] = integer(name, value, below=2**32)
    return Format.from_dict(_core.fixed_preset(plain))


def qformat(
    *,
    tau_m: float,
    tau_s: float,
    v_th: PerNeuron,
    dt: float = 1.0,
    weight_bits: int = 8,
    state_bits: int = 16,
    decay_bits: int = 12,
    **options: Any,
) -> Format:
    """A format of one's own, with decays by multiplication.

    The rules are this project's own, those of `Format`, and were compared bit for bit with integers
    of unbounded size. No hardware bounds neurons, synapses or delays; sums of what arrives must fit
    32 bits. For other decays replace those of the result:

        form = dataclasses.replace(form, membrane_decay=sr.fixed.Table.exponential(tau_m))

    Args:
        tau_m: Time constant of the membrane [ms]; its factor is
            round(2^decay_bits exp(-dt / tau_m)).
        tau_s: Time constant of the current [ms], likewise.
        v_th: Threshold, of the membrane's scale.
        dt: Time step [ms].
        weight_bits: Width of weights, sign included.
        state_bits: Width of current and membrane, sign included.
        decay_bits: Fractional bits of the factors, in [1, 31].
        options: Further fields of `Format`.

    Raises:
        ValueError: If a time is not positive and finite, or a factor is 0.
    """
    dt, decay_bits = number("dt", dt), integer("decay_bits", decay_bits, below=32)
    state_bits = integer("state_bits", state_bits)
    current_decay, membrane_decay = (
        Multiply(_factor(name, number(name, tau), dt, "decay_bits", decay_bits), decay_bits)
        for name, tau in (("tau_s", tau_s), ("tau_m", tau_m))
    )
    return Format(
        weight_bits, state_bits, state_bits, current_decay, membrane_decay, v_th, **options
    )


def loihi(
    *,
    du: PerNeuron,
    dv: PerNeuron,
    v_th: PerNeuron,
    bias_mantissa: PerNeuron = 0,
    bias_exponent: int = 0,
    t_ref_steps: int = 0,
) -> Format:
    """Neurons of Intel's Loihi; for their weights see `loihi_weights`.

    Rules: those of the bit-accurate LIF model of the open Lava framework. The current has 24 bits
    and wraps, the voltage has 24 bits and saturates, products are rounded toward zero, a neuron
    fires above the threshold and its voltage becomes 0.

    Verified: with Lava's own Python methods, bit for bit, 1,000 random networks of 40 steps; the
    tests keep to an independent model that was compared so. Not verified: refractory times, which
    Lava's model has none of (the voltage is held at 0, as in other open emulators), and the limit
    of delays. Nothing was compared with a chip.

    Clock: step k here is Lava's time step k + 1, which counts from 1. A spike arrives in the step
    after, in both; the bias is added from step 0 on.

    Not modelled: negative exponents of weights, which shift sums; compartments; plasticity. A
    current that one step leads more than 2^24 too far is wrapped until it is in range; Lava wraps
    it once.

    Limits enforced, as open emulators tell them: 131,072 neurons, fan-in 4096 (input axons of a
    core), delays of 62 steps, and the ranges below. They are necessary, not sufficient: networks
    are not divided among cores.

    Args:
        du: Decay of the current, in [0, 4095]: it loses (du + 1) / 4096 a step.
        dv: Decay of the voltage, in [0, 4095]: it loses dv / 4096 a step.
        v_th: Threshold mantissa, in [0, 131071]; the voltage has 6 more bits.
        bias_mantissa: In [-4096, 4095]; times 2^bias_exponent it is added to the voltage at every
            step. A bias that passes the threshold at once is refused.
        bias_exponent: In [0, 7].
        t_ref_steps: Steps after a spike in which the voltage is held, in [0, 62].

    Raises:
        ValueError: If a constant is outside its domain.
    """
    return _preset(
        "loihi",
        du=du,
        dv=dv,
        v_th=v_th,
        bias_mantissa=bias_mantissa,
        bias_exponent=integer("bias_exponent", bias_exponent, below=2**32),
        t_ref_steps=integer("t_ref_steps", t_ref_steps, below=2**32),
    )


def loihi_weights(
    weights: ArrayLike,
    *,
    weight_bits: int = 8,
    exponent: int = 0,
    sign_mode: SignMode | None = None,
) -> NDArray[np.int64]:
    """The weights of a connection as Loihi holds them, for a graph of int16.

    They are clipped ([-256, 255] where signs are mixed), lose the low bits that the chip does not
    have (one more where signs are mixed), and are multiplied by 2^exponent.

    Args:
        weights: Integers of any shape: all of a connection, as they share a sign mode.
        weight_bits: In [1, 8].
        exponent: In [0, 7]. Negative ones, which shift sums and not weights, are not supported.
        sign_mode: What the weights' signs are, if None.

    Raises:
        TypeError: If weights are not integers.
        ValueError: If an argument is outside its domain.
    """
    array = _integers("weights", weights)
    weight_bits = integer("weight_bits", weight_bits, below=2**32)
    exponent = integer("exponent", exponent, low=-(2**31), below=2**31)
    if sign_mode is not None:
        one_of("sign_mode", sign_mode, get_args(SignMode))
    held = _core.loihi_weights(array.ravel(), weight_bits, exponent, sign_mode)
    return held.reshape(array.shape)


def xylo(
    *,
    v_th: PerNeuron,
    dash_syn: PerNeuron,
    dash_mem: PerNeuron,
    bias: PerNeuron = 0,
    device: Device = "audio2",
    output: bool = False,
) -> Format:
    """Neurons of SynSense's Xylo; for their weights see `xylo_weights`.

    Rules: those of the manufacturer's simulator xylosim, its v1 for "a1" and its v2 for the others.
    States have 16 bits. Currents saturate at every spike, so their order matters: connect inputs
    before recurrent synapses. A neuron fires at the threshold, which is subtracted as often as it
    is reached.

    Clock: step k here is xylosim's k - 1, both counted from 0: input takes a step here, as all
    spikes do, so everything happens one step later than there. At step 0 nothing happens; the bias
    is added from step 1 on.

    Verified: with xylosim 0.1.3, spikes and states bit for bit, by tests that run where it is
    installed. Counts of overflows are ours: of every spike that saturates a current, and of every
    sum of a membrane that saturates.

    Not modelled: neurons with two synapses, and aliases.

    Limits enforced, from the manufacturer's documents: 16 inputs, hidden and output neurons (1000
    and 8 of "a1" and "audio2", 992 and 32 of "audio3", 496 and 16 of "imu"), synapses of a hidden
    neuron onto hidden ones (64 of "audio2", 1024 of "audio3", 512 of "imu"), no delays, 15 spikes
    of an input in a step. They are the format's `limits`, of each population; those of a chip as a
    whole are enforced by `Network.to_fixed`, see `Xylo`.

    Args:
        v_th: Threshold, in [1, 32767].
        dash_syn: Bit shift of the current's decay, in [1, 15].
        dash_mem: Bit shift of the membrane's decay, in [0, 15].
        bias: In [-32768, 32767]; of "a1" 0.
        device: "a1", "audio2", "audio3" or "imu".
        output: Whether these are output neurons: they fire once a step, hidden ones up to 31 times.

    Raises:
        ValueError: If a constant is outside its domain.
    """
    return _preset(
        "xylo",
        v_th=v_th,
        dash_syn=dash_syn,
        dash_mem=dash_mem,
        bias=bias,
        device=one_of("device", device, get_args(Device)),
        is_output=flag("output", output),
    )


def xylo_weights(weights: ArrayLike, shift: int = 0) -> NDArray[np.int64]:
    """Weights as Xylo adds them, for a graph of int16: shifted up, wrapping at 16 bits.

    Args:
        weights: Integers of any shape, in [-128, 127].
        shift: In [0, 15].

    Raises:
        TypeError: If weights are not integers.
        ValueError: If an argument is outside its domain.
    """
    array = _integers("weights", weights)
    shift = integer("shift", shift, below=2**32)
    return _core.xylo_weights(array.ravel(), shift).reshape(array.shape)


def spinnaker(
    *,
    tau_m: float,
    tau_s: float,
    v_th: float,
    dt: float = 1.0,
    left_shift: int = 0,
    t_ref_steps: int = 0,
) -> Format:
    """Neurons of about SpiNNaker's precision: EXPERIMENTAL, compared with no other program.

    Rules: this project's own, after the published source of sPyNNaker. States are s16.15 numbers of
    32 bits that saturate, weights have 16 bits and a sign, products are rounded down, a neuron
    fires at the threshold and its membrane becomes 0.

    Verified: only that both engines and integers of unbounded size agree on these rules. No program
    of the machine was run, and spikes are not the same there: it has a current and a saturating
    buffer of weights for each sign, scales the current by (tau_s / dt) (1 - exp(-dt / tau_s)) and
    the membrane's input by 1 - exp(-dt / tau_m), and rounds products of the membrane to the
    nearest; here there is one current, and weights hold these scales.

    Not modelled: packets that are late or lost, and cores.

    Limits enforced: delays of 15 steps beyond the one that every spike takes.

    Args:
        tau_m: Time constant of the membrane [ms].
        tau_s: Time constant of the current [ms].
        v_th: Threshold, in [2^-15, 65535].
        dt: Time step [ms].
        left_shift: Bits by which weights are shifted up to units of 2^-15, in [0, 15].
        t_ref_steps: Steps after a spike in which the membrane is held.

    Raises:
        ValueError: If an argument is outside its domain.
    """
    tau_m, tau_s, dt = number("tau_m", tau_m), number("tau_s", tau_s), number("dt", dt)
    v_th = number("v_th", v_th)
    for name, value in (("tau_m", tau_m), ("tau_s", tau_s), ("dt", dt)):
        if not 0 < value < inf:
            raise ValueError(f"{name} must be finite and > 0 ms, got {value}")
    if not 2**-15 <= v_th <= 65535:
        raise ValueError(f"v_th must be in [2^-15, 65535], got {v_th}")
    return _preset(
        "spinnaker",
        current_factor=min(int(2**32 * exp(-dt / tau_s)), 2**32 - 1),
        membrane_factor=_factor("tau_m", tau_m, dt, "the 15 bits of SpiNNaker's factors", 15),
        v_th=round(2**15 * v_th),
        left_shift=left_shift,
        t_ref_steps=t_ref_steps,
    )


def cortex_m(
    *,
    current_decay: Multiply | Shift,
    membrane_decay: Multiply | Shift,
    v_th: PerNeuron,
    weight_bits: int = 8,
    bias: PerNeuron = 0,
    input_shift: int = 0,
    gain_shift: int = 0,
    reset: Reset = "zero",
    t_ref_steps: int = 0,
) -> Format:
    """Neurons as a microcontroller with an Arm Cortex-M core computes them at little cost.

    Rules: this project's own, those of `Format`. States have 32 bits and saturate; products and
    quotients are rounded down, as an arithmetic shift does. So a negative state that is multiplied
    by c = factor / 2^16 stays below 0 for ever, above -1 / (1 - c): thresholds should be large
    against that.

    Verified: with integers of unbounded size, bit for bit; with no compiled program.

    Limits enforced: fan-in of 2^24 weights of 8 bits or 65,535 of 16 bits, whose sums have 32 bits.

    Args:
        current_decay: `Shift` by 1..15, best with `least_one` (on all cores), or `Multiply` with 16
            bits (one instruction on cores with DSP).
        membrane_decay: Likewise.
        v_th: Threshold.
        weight_bits: 8 or 16.
        bias: Added at every step.
        input_shift: As of `Format`.
        gain_shift: As of `Format`.
        reset: "zero" or "subtract".
        t_ref_steps: Below 2^16.

    Raises:
        ValueError: If an argument is outside its domain.
    """
    return _preset(
        "cortex_m",
        weight_bits=weight_bits,
        current_decay=_decay_dict(_decay("current_decay", current_decay)),
        membrane_decay=_decay_dict(_decay("membrane_decay", membrane_decay)),
        v_th=v_th,
        bias=bias,
        input_shift=input_shift,
        gain_shift=gain_shift,
        reset=one_of("reset", reset, get_args(Reset)),
        t_ref_steps=t_ref_steps,
    )


def _integers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    array = as_array(name, values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    return np.ascontiguousarray(array, dtype=np.int64)
