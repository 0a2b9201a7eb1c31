"""Networks brought to fixed point: scales, formats, calibration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantization_cases import ENCODER, network, samples

import strsbp_rs as sr
from strsbp_rs.fixed._targets import Target

TARGETS: list[Target] = [sr.QFormat(), sr.Loihi(), sr.Spinnaker(), sr.CortexM()]
FINE: list[Target] = [
    sr.QFormat(weight_bits=16, state_bits=30, decay_bits=24),
    sr.Spinnaker(),
    sr.CortexM(weight_bits=16),
]


def steps(layer: sr.FixedLayer) -> int:
    """What all integers of a layer are multiples of."""
    recurrent = (
        [] if layer.recurrent_weight is None else [np.gcd.reduce(layer.recurrent_weight, axis=None)]
    )
    return int(np.gcd.reduce([np.gcd.reduce(layer.weight, axis=None), *recurrent]))


def squared_error(net: sr.Network, fixed: sr.FixedNetwork, index: int) -> float:
    layer, weights = fixed.layers[index], net.weights[index]
    scale = np.broadcast_to(layer.scale[:, None], (len(layer.weight), 1))
    error = np.sum((weights["weight"] - layer.weight * scale) ** 2)
    if "recurrent_weight" in weights:
        assert layer.recurrent_weight is not None
        error += np.sum((weights["recurrent_weight"] - layer.recurrent_weight * scale) ** 2)
    return float(error)


@settings(max_examples=25)
@given(
    weight_bits=st.integers(2, 16),
    scale=st.sampled_from(["max", "mse", "percentile"]),
    percentile=st.floats(50.0, 100.0),
    granularity=st.sampled_from(["layer", "neuron"]),
)
def test_weights_are_the_nearest_levels(
    weight_bits: int, scale: str, percentile: float, granularity: str
) -> None:
    net = network()
    target = sr.QFormat(
        weight_bits=weight_bits,
        state_bits=32,
        scale=scale,
        percentile=percentile,
        granularity=granularity,
    )
    levels = 2 ** (weight_bits - 1) - 1
    for layer, weights in zip(net.to_fixed(target).layers, net.weights, strict=True):
        n = len(layer.weight)
        assert layer.scale.shape == ((1,) if granularity == "layer" else (n,))
        unit = np.broadcast_to(layer.scale[:, None], (n, 1))
        pairs = [(weights["weight"], layer.weight)]
        if "recurrent_weight" in weights:
            pairs.append((weights["recurrent_weight"], layer.recurrent_weight))
        elif layer.recurrent_weight is not None:
            pairs.append((-0.5 * (1.0 - np.eye(n)), layer.recurrent_weight))
        for weight, integers in pairs:
            expected = np.clip(weight / unit, -levels, levels)
            assert np.abs(integers - expected).max() <= 0.5 + 1e-4
            assert np.abs(integers).max() <= levels
        # Every threshold is that of the neuron, in units of its weights, within half a unit.
        form = layer.format
        scaled = np.atleast_1d(form.v_th) / 2.0 ** (form.input_shift - form.gain_shift)
        gain = 1.0 / 8.0  # forward Euler: dt / tau_s
        v_th = net.layers[[30, 20, 5].index(n)].v_th
        np.testing.assert_allclose(
            scaled * layer.scale * gain, v_th, atol=0.51 * np.max(layer.scale) * gain
        )


@pytest.mark.parametrize("weight_bits", [2, 3, 4, 8])
def test_least_squared_error_beats_the_other_scales(weight_bits: int) -> None:
    net = network()
    for index in range(3):
        errors = {}
        for scale in ("max", "mse", "percentile"):
            target = sr.QFormat(weight_bits=weight_bits, scale=scale, percentile=99.0)
            errors[scale] = squared_error(net, net.to_fixed(target), index)
        assert errors["mse"] <= 1.03 * min(errors.values())
        target = sr.QFormat(weight_bits=weight_bits, granularity="neuron")
        assert squared_error(net, net.to_fixed(target), index) <= 1.01 * errors["mse"]


def test_weights_of_loihi_are_those_the_chip_holds() -> None:
    for bits in (2, 5, 8):
        for layer in network().to_fixed(sr.Loihi(weight_bits=bits)).layers:
            exponent = max(0, int(np.log2(steps(layer))) - (9 - bits))
            assert steps(layer) >= 2 ** (9 - bits)
            held = sr.fixed.loihi_weights(
                layer.weight >> exponent, weight_bits=bits, exponent=exponent, sign_mode="mixed"
            )
            np.testing.assert_array_equal(held, layer.weight)


@pytest.mark.parametrize("target", FINE, ids=lambda target: target.kind)
@pytest.mark.parametrize("discretisation", ["euler", "exact"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_bits_fire_as_floats_do(target: Target, discretisation: str, dtype: str) -> None:
    net = network(dtype, t_ref=2.0, discretisation=discretisation)
    fixed = net.to_fixed(target)
    got = fixed.spike_counts(samples(), encoder=ENCODER, seed=5).astype(int)
    expected = net.spike_counts(samples(), encoder=ENCODER, seed=5)
    assert expected.sum() > 300
    assert abs(got - expected).sum() < 0.03 * expected.sum()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_every_target_fires_about_as_floats_do(target: Target) -> None:
    net = network(t_ref=2.0)
    report = net.to_fixed(target).report(samples(), encoder=ENCODER)
    for layer in report.layers:
        assert layer.fixed_rate == pytest.approx(layer.rate, rel=0.15)
        assert layer.weight_error < 0.02
        assert layer.distance < 0.7
    assert net.to_fixed(target.kind).target == target


def test_cortex_m_shifts_where_time_constants_are_powers_of_two() -> None:
    shifts = network().to_fixed("cortex_m").layers[0].format
    assert shifts.current_decay == sr.fixed.Shift(3, least_one=True)
    assert shifts.membrane_decay == sr.fixed.Shift(6, least_one=True)
    net = sr.Network(4, [sr.Dense(3, tau_m=50.0, tau_s=7.0)])
    factors = net.to_fixed("cortex_m").layers[0].format
    assert factors.current_decay == sr.fixed.Multiply(round(2**16 * (1 - 1 / 7)), 16)
    assert factors.membrane_decay == sr.fixed.Multiply(round(2**16 * (1 - 1 / 50)), 16)


def test_calibration_keeps_spikes_nearer_than_the_largest_weight() -> None:
    net = network()
    calibrated = net.to_fixed(sr.QFormat(weight_bits=3), calibration=samples(), encoder=ENCODER)
    assert calibrated.target is not None and len(calibrated.target.clip) == 3
    plain = net.to_fixed(sr.QFormat(weight_bits=3, scale="max"))
    options = {"encoder": ENCODER}
    distances = [fixed.report(samples(), **options).layers for fixed in (calibrated, plain)]
    assert distances[0][0].distance < distances[1][0].distance
    again = net.to_fixed(calibrated.target)
    for one, other in zip(again.layers, calibrated.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


def test_calibration_takes_what_predict_takes() -> None:
    net, target = network(), sr.QFormat(weight_bits=3)
    trains = sr.SpikeTrains.from_dense(np.random.default_rng(2).random((9, 40, 40)) < 0.2)
    raster = net.to_fixed(target, calibration=trains.to_dense())
    events = net.to_fixed(target, calibration=trains.to_events(), n_steps=40)
    assert raster.target == events.target and raster.target != target
    with pytest.raises(ValueError, match="n_steps must be given with lists of events"):
        net.to_fixed(target, calibration=trains.to_events())
    with pytest.raises(ValueError, match="n_steps must be 40, those of x, got 39"):
        net.to_fixed(target, calibration=trains, n_steps=39)
    with pytest.raises(ValueError, match="n_steps must be left out without calibration, got 40"):
        net.to_fixed(target, n_steps=40)


def big(v_th: float, **options: float) -> sr.Network:
    return sr.Network(40, [sr.Dense(3, v_th=v_th, init=sr.Uniform(), **options)], seed=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network().to_fixed("tpu"), r"target must be one of \['qformat', .*\], got 'tpu'"),
        (lambda: sr.QFormat(weight_bits=0), r"weight_bits must be in \[2, 16\], got 0"),
        (lambda: sr.QFormat(weight_bits=1), r"weight_bits must be in \[2, 16\], got 1"),
        (lambda: sr.QFormat(weight_bits=65), r"weight_bits must be in \[2, 16\], got 65"),
        (lambda: sr.QFormat(state_bits=2**40), r"state_bits must be < 2\^32, got"),
        (lambda: sr.QFormat(rounding="up"), r"rounding must be one of .*, got 'up'"),  # type: ignore[arg-type]
        (lambda: sr.Xylo(device="b"), r"device must be one of .*, got 'b'"),  # type: ignore[arg-type]
        (lambda: sr.QFormat(decay_bits=0), r"decay_bits must be in \[1, 31\], got 0"),
        (lambda: sr.Loihi(weight_bits=9), r"weight_bits must be in \[2, 8\], got 9"),
        (lambda: sr.CortexM(weight_bits=4), "weight_bits must be 8 or 16, got 4"),
        (lambda: sr.QFormat(scale="best"), r"scale must be one of .*, got 'best'"),
        (lambda: sr.QFormat(granularity="row"), r"granularity must be one of .*, got 'row'"),
        (lambda: sr.QFormat(clip=(0.5,)), r"clip must be a fraction for each of the 3 layers"),
        (lambda: sr.QFormat(clip=(0.5, 0.0, 1.0)), r"clip\[1\] must be in \(0, 1\], got 0"),
        (lambda: big(1e6).to_fixed("spinnaker"), r"layers\[0\] must be of a threshold below 65536"),
        (
            lambda: big(1e-5).to_fixed(sr.QFormat(state_bits=8)),
            r"the threshold of layers\[0\] must be in \[1, 126\] in units of a membrane",
        ),
        (
            lambda: big(1.0, tau_m=1.2).to_fixed(sr.QFormat(decay_bits=1)),
            r"decay_bits must be enough for what a step leaves of layers\[0\]'s membrane, 0\.167",
        ),
        (lambda: big(1.0, t_ref=100.0).to_fixed("loihi"), r"t_ref_steps must be in \[0, 62\]"),
        (
            lambda: sr.Network(5000, [sr.Dense(2)]).to_fixed("loihi"),
            r"layers\[0\] must be of at most 4096 synapses onto a neuron, on this target, got 5000",
        ),
        (
            lambda: sr.Network(9, [sr.Dense(2, delay=20.0)]).to_fixed("spinnaker"),
            r"layers\[0\] must be of delays of at most 15 steps, on this target, got 20",
        ),
    ],
)
def test_refusals_name_the_argument(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        target = make()
        network().to_fixed(target)  # type: ignore[arg-type]


def test_neurons_with_hardly_any_weight_leave_the_others_theirs() -> None:
    for factor in (0.0, 1e-6, 1e-4):
        net = network()
        weights = net.weights
        weights[0]["weight"][3] *= factor
        net.set_weights(weights)
        for target in (
            sr.QFormat(granularity="neuron"),
            sr.Loihi(granularity="neuron"),
            sr.CortexM(granularity="neuron"),
        ):
            report = net.to_fixed(target).report(samples(), encoder=ENCODER)
            assert report.layers[0].weight_error < 0.02
            assert report.layers[0].fixed_rate == pytest.approx(report.layers[0].rate, rel=0.1)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_layers_without_weights_are_silent(target: Target) -> None:
    net = sr.Network(4, [sr.Dense(3, init=sr.ConstantInit(0.0))])
    assert net.to_fixed(target).spike_counts(samples(2)[:, :4], encoder=ENCODER).sum() == 0


def test_percentiles_are_of_synapses_that_exist() -> None:
    net = sr.Network(3, [sr.Recurrent(40, mask=sr.Sparse(0.05))], seed=2)
    fixed = net.to_fixed(sr.QFormat(weight_bits=2, scale="percentile", percentile=50.0))
    weights = np.concatenate([w.ravel() for w in net.weights[0].values()])
    median = np.median(np.abs(weights[weights != 0]))
    assert fixed.layers[0].scale[0] == pytest.approx(median, rel=0.1)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="target must be a target or one of"):
        network().to_fixed(8)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"weight_bits must be an integer, got 8\.0"):
        network().to_fixed(sr.QFormat(weight_bits=8.0))  # type: ignore[arg-type]
