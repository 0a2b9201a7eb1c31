"""What a conversion to fixed point loses is told: weights, rates, spikes that saturate, times."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.fixed._checks import rate_notes, saturation_notes, weight_errors
from strsbp_rs.fixed._targets import Target

PLAIN = sr.fixed.qformat_format(tau_m=9.0, tau_s=3.0, v_th=9)

LATIN = "layers\\[0\\]"


def small_weights(v_th: float = 20.0) -> tuple[sr.Network, np.ndarray]:
    """Weights that are small against their threshold, as steps are short: 16,000 of the largest."""
    init = sr.Uniform(-0.033, 0.1)
    net = sr.Network(200, [sr.Dense(10, v_th=v_th, init=init)], dt=0.1, seed=1)
    return net, np.random.default_rng(0).random((2, 1500, 200)) < 0.02


def strong_drive() -> tuple[sr.Network, np.ndarray]:
    init = sr.ConstantInit(0.1)
    return sr.Network(4, [sr.Dense(1, v_th=1.0, t_ref=0.0, init=init)]), np.ones((1, 200, 4), bool)


def quietly(net: sr.Network, target: Target | str) -> sr.FixedNetwork:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sr.QuantizationWarning)
        return net.to_fixed(target)


def test_categories() -> None:
    assert issubclass(sr.QuantizationWarning, sr.StrsbpWarning)
    assert issubclass(sr.StrsbpWarning, UserWarning)


# Weights ---------------------------------------------------------------------------------------


def test_a_layer_that_would_keep_no_weight_is_refused() -> None:
    net, x = small_weights()
    y = np.array([0, 1])
    message = (
        r"weights of layers\[0\] must be some that do not become 0 on Loihi \(they are small "
        r"against the threshold, .*; use weight_bits=8, a lower v_th or a larger dt, .*\), got "
        r"2000, all of which do"
    )
    with pytest.raises(ValueError, match=message):
        net.to_fixed(sr.Loihi(weight_bits=4))
    with pytest.raises(ValueError, match=message):
        sr.Trainer(net, hardware=sr.Loihi(weight_bits=4))
    # In the middle of training likewise, though a trainer could be made.
    trainer = sr.Trainer(small_weights(v_th=0.1)[0], hardware=sr.Loihi(weight_bits=4))
    net = trainer.network
    net.set_weights([{"weight": net.weights[0]["weight"] / 1000}])
    for call in (
        lambda: trainer.fit(x, y, epochs=1, progress=False),
        lambda: trainer.evaluate(x, y),
        lambda: trainer.gradients(x, y),
        lambda: trainer.step(net.run(x).spikes, y),
    ):
        with pytest.raises(ValueError, match=r"weights of layers\[0\] must be some"):
            call()


def test_spinnaker_has_a_smallest_weight() -> None:
    net = sr.Network(40, [sr.Dense(3, v_th=1e-4, init=sr.ConstantInit(1e-5))])
    message = r"small against the smallest .* larger by the same factor"
    with pytest.raises(ValueError, match=message):
        net.to_fixed("spinnaker")


def test_a_layer_that_loses_many_is_told() -> None:
    net, _ = small_weights()
    lost = np.mean(quietly(net, sr.Loihi(weight_bits=6)).layers[0].weight == 0)
    assert 0.1 < lost < 1.0
    message = rf"layers\[0\]: {100 * lost:.1f}% of the weights \(\d+ of 2000.*\) become 0 on Loihi"
    with pytest.warns(sr.QuantizationWarning, match=message) as told:
        net.to_fixed(sr.Loihi(weight_bits=6))
    assert len(told) == 1 and told[0].filename == __file__
    assert "to keep them, use weight_bits=8, a lower v_th" in str(told[0].message)
    # The wider formats hold them.
    for target in ("qformat", "cortex_m", sr.QFormat(weight_bits=4)):
        held = net.to_fixed(target)
        assert np.mean(held.layers[0].weight == 0) < 0.12


def test_weights_that_are_small_against_the_largest_are_told() -> None:
    weight = np.full((3, 40), 0.01)
    weight[0, 0] = -5.0
    net = sr.Network(40, [sr.Dense(3, v_th=1.0), sr.Dense(2)], seed=1)
    net.set_weights([{"weight": weight}, net.weights[1]])
    message = (
        r"layers\[0\]: 99\.2% of the weights \(119 of 120, all of 2 of its 3 neurons\) become 0 on "
        r"QFormat, as they are small against the largest one; to keep them, use more weight_bits"
    )
    with pytest.warns(sr.QuantizationWarning, match=message):
        net.to_fixed(sr.QFormat(weight_bits=4, scale="max"))
    net.to_fixed(sr.QFormat(weight_bits=4, scale="max", granularity="neuron", clip=()))
    net.to_fixed(sr.QFormat(weight_bits=12))


def test_networks_of_two_bits_lose_half_of_their_weights_without_a_word() -> None:
    net = sr.Network(60, [sr.Dense(40, init=sr.Normal(0.0, 1.0)), sr.Dense(5)], seed=1)
    held = net.to_fixed(sr.QFormat(weight_bits=2))
    assert np.mean(held.layers[0].weight == 0) > 0.4


def test_layers_without_weights_have_none_to_lose() -> None:
    sr.Network(4, [sr.Dense(3, init=sr.ConstantInit(0.0))]).to_fixed("loihi")


def test_trainers_tell_a_loss_once(tmp_path: Path) -> None:
    net, x = small_weights()
    y = np.array([0, 1])
    with pytest.warns(sr.QuantizationWarning, match=rf"{LATIN}: .*become 0 on Loihi") as told:
        trainer = sr.Trainer(net, hardware=sr.Loihi(weight_bits=6), n_threads=1)
    assert len(told) == 1 and told[0].filename == __file__
    # An error, if it were told again.
    trainer.fit(x, y, epochs=1, progress=False)
    trainer.evaluate(x, y)
    trainer.gradients(x, y)
    trainer.save(tmp_path / "t.safetensors")
    loaded = sr.Trainer.load(tmp_path / "t.safetensors")
    with pytest.warns(sr.QuantizationWarning, match="become 0 on Loihi") as told:
        loaded.fit(x, y, epochs=3, progress=False)
    assert len(told) == 1


def test_checkpoints_that_lose_all_are_readable(tmp_path: Path) -> None:
    """Such files were written before it was an error."""
    trainer = sr.Trainer(small_weights(v_th=0.1)[0], hardware=sr.Loihi(weight_bits=4))
    net = trainer.network
    net.set_weights([{"weight": net.weights[0]["weight"] / 1000}])
    trainer.save(tmp_path / "t.safetensors")
    loaded = sr.Trainer.load(tmp_path / "t.safetensors")
    np.testing.assert_array_equal(loaded.network.weights[0]["weight"], net.weights[0]["weight"])


# Rates and saturation ----------------------------------------------------------------------------


def test_rates_are_compared_where_samples_are_given() -> None:
    net, x = small_weights()
    expected = int(net.spike_counts(x).sum())
    held = quietly(net, sr.Loihi(weight_bits=5))
    n = int(held.spike_counts(x).sum())
    assert expected > 100 and n < expected / 2
    message = rf"{LATIN}: {n} spikes in fixed point, {expected} in floating point"
    with pytest.warns(sr.QuantizationWarning, match=message) as told:
        report = held.report(x)
    assert len(told) == 1 and told[0].filename == __file__
    assert report.notes == tuple(str(told[0].message).splitlines())
    assert f"! {report.notes[-1]}" in str(report)
    with pytest.warns(sr.QuantizationWarning, match=rf"{LATIN}: \d+ spikes in fixed point"):
        net.to_fixed(sr.Loihi(weight_bits=5), calibration=x)


def test_saturation_that_changes_counts_is_told() -> None:
    net, x = strong_drive()
    assert net.spike_counts(x).sum() == 64
    held = net.to_fixed()
    message = (
        rf"{LATIN}: 48\.4% of the spikes change, as 194 currents and 0 membranes do not fit their "
        r"bits; to keep them, use more state_bits than 16, or fewer weight_bits"
    )
    with pytest.warns(sr.QuantizationWarning, match=message) as told:
        report = held.report(x)
    assert len(told) == 1
    assert report.layers[0].changed == pytest.approx(31 / 64)
    # Weights of 16 bits leave states of 16 too little, however they are clipped.
    with pytest.warns(
        sr.QuantizationWarning, match=rf"{LATIN}: 100\.0% of the spikes change"
    ) as told:
        net.to_fixed(sr.QFormat(weight_bits=16), calibration=x)
    assert len(told) == 1
    # The cures cure, as calibration does.
    assert net.to_fixed("qformat", calibration=x).report(x).layers[0].changed == 0.0
    for target in (sr.QFormat(state_bits=24), sr.QFormat(weight_bits=4), sr.Loihi()):
        report = net.to_fixed(target).report(x)
        assert report.layers[0].changed == 0.0 and report.notes == ()


def test_saturation_that_changes_nothing_is_not() -> None:
    """Membranes of inhibited neurons, far below rest."""
    net = sr.Network(4, [sr.Dense(2, v_th=1.0, t_ref=0.0)])
    net.set_weights([{"weight": [[0.1] * 4, [-0.8] * 4]}])
    x = np.random.default_rng(1).random((3, 300, 4)) < 0.2
    report = net.to_fixed(sr.QFormat(weight_bits=4, state_bits=12)).report(x)
    assert report.layers[0].overflows.membrane > 100
    assert report.layers[0].changed is not None and report.layers[0].changed < 0.05
    assert report.notes == ()


def n_spikes(n: int) -> sr.SpikeTrains:
    return sr.SpikeTrains.from_dense(np.arange(200)[None, :, None] < n)


def test_from_which_rates_on_it_is_told() -> None:
    def told(*counts: tuple[int, int], form: sr.fixed.Format = PLAIN) -> list[str]:
        spikes, expected = (
            [n_spikes(7), *map(n_spikes, each)] for each in zip(*counts, strict=True)
        )
        return rate_notes(spikes, expected, [form] * len(counts))

    several = sr.fixed.xylo_format(dash_syn=3, dash_mem=3, v_th=9)
    # Half or twice as many are not told, nor are fewer than 20 spikes.
    for counts in ((10, 20), (0, 19), (40, 20), (19, 0), (20, 20), (0, 0)):
        assert told(counts) == []
    for counts in ((9, 20), (41, 20), (20, 0), (0, 20)):
        (note,) = told((5, 5), counts, (0, 200))
        n, expected = counts
        assert note.startswith(f"layers[1]: {n} spikes in fixed point, {expected} in floating")
    # Neurons that fire several times in a step fire more, and not less.
    assert told((200, 20), form=several) == []
    assert len(told((9, 20), form=several)) == 1


def test_from_which_saturation_on_it_is_told() -> None:
    lost = [sr.fixed.Overflows(1200, 0), sr.fixed.Overflows(0, 3), sr.fixed.Overflows(0, 0)]
    assert saturation_notes(lost, [0.05, None, 1.0], sr.QFormat()) == []
    one, other = saturation_notes(lost, [0.051, 0.5, 1.0], sr.Loihi())
    assert one.startswith("layers[0]: 5.1% of the spikes change, as 1,200 currents and 0 membranes")
    assert "smaller weights, or a target with wider states" in one
    assert other.startswith("layers[1]: 50.0% of the spikes change, as 0 currents and 3 membranes")
    (note,) = saturation_notes(lost[1:2], [0.5], sr.QFormat(state_bits=9))
    assert "more state_bits than 9, or fewer weight_bits" in note


def test_errors_of_weights_by_hand() -> None:
    """Synapses that do not exist have none; half a step off is rounding, more is clipping."""
    form, one = PLAIN, sr.Dense(1)
    held = sr.FixedLayer(
        form, np.array([[4, 0, 20, 0]]), np.array([[-10]]), np.array([0.1]), step=2
    )
    weights = {"weight": np.array([[0.5, 0.0, 3.0, 0.04]]), "recurrent_weight": np.array([[-1.0]])}
    error, clipped, zeros = weight_errors(one, weights, held)
    assert error == pytest.approx(((0.01 + 1.0 + 0.0016) / (0.25 + 9.0 + 0.0016 + 1.0)) ** 0.5)
    assert (clipped, zeros) == (1 / 4, 1 / 4)
    del weights["recurrent_weight"]
    assert weight_errors(one, weights, held)[1:] == (1 / 3, 1 / 3)
    none = sr.FixedLayer(form, np.zeros((1, 2), np.int32), None, np.array([0.1]))
    assert weight_errors(one, {"weight": np.zeros((1, 2))}, none) == (0.0, 0.0, 0.0)


def test_reports_explain_their_numbers() -> None:
    net, x = strong_drive()
    text = str(net.to_fixed("loihi").report(x))
    for word in ("weight error: root mean", "clipped, zeros:", "rate:", "distance:", "overflows:"):
        assert f"\n{word}" in text
    # They are no wider than the table.
    lines = text.splitlines()
    assert max(map(len, lines)) == len(lines[0])


# Times -------------------------------------------------------------------------------------------


def test_what_xylo_has_not_is_told() -> None:
    net = sr.Network(
        12, [sr.Recurrent(20, v_th=1.0, t_ref=2.0, tau_m=50.0), sr.Dense(4, t_ref=0.0)], seed=1
    )
    with pytest.warns(sr.QuantizationWarning) as told:
        net.to_fixed("xylo")
    assert str(told[0].message).splitlines() == [
        "layers[0]: t_ref = 2 ms is left out, as Xylo-Audio 3 has no refractory time; give the "
        "layer t_ref=0, so that the network is trained without, or train it through this target",
        "layers[0]: tau_m = 50 ms becomes about 64.000 ms, as Xylo-Audio 3 holds it; to keep it, "
        "give it a power of two of steps",
    ]
    with pytest.warns(sr.QuantizationWarning, match="t_ref = 2 ms is left out"):
        sr.Trainer(net, hardware="xylo")


@pytest.mark.parametrize("decay_bits", [3, 12])
def test_coarse_decays_are_told(decay_bits: int) -> None:
    net = sr.Network(4, [sr.Dense(3, tau_m=64.0, tau_s=8.0)])
    target: Any = sr.QFormat(decay_bits=decay_bits)
    if decay_bits == 12:
        net.to_fixed(target)
        return
    with pytest.warns(sr.QuantizationWarning) as told:
        net.to_fixed(target)
    assert str(told[0].message) == (
        "layers[0]: tau_m = 64 ms becomes endless, as QFormat holds it; to keep it, use more "
        "decay_bits"
    )
