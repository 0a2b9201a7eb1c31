"""The reference of Xylo against the simulator that its rules come from."""

from __future__ import annotations

import importlib
from typing import Literal

import numpy as np
import pytest
from references.integers import Ints
from references.xylo import PopulationRecord, Xylo, XyloNeurons, xylo_reference

Rng = np.random.Generator
N_STEPS = 25


def random_neurons(rng: Rng, n: int, n_synapses: int, bias: bool, extreme: bool) -> XyloNeurons:
    """Extreme: dashes from 0, thresholds and biases of the whole range."""
    low = 0 if extreme else 1
    reach = 32767 if extreme else int(rng.choice([3, 100, 2000]))
    return XyloNeurons(
        v_th=rng.integers(-20 if extreme else 1, reach + 1, n),
        dash_mem=rng.integers(low, 16 if extreme else 6, n),
        dash_syn=rng.integers(low, 16 if extreme else 6, (n_synapses, n)),
        bias=rng.integers(-reach - 1, reach + 1, n) if bias else None,
    )


def random_network(rng: Rng, version: Literal[1, 2], extreme: bool) -> Xylo:
    n_in, n_hidden, n_out, n_synapses = rng.integers(1, [6, 8, 4, 3])
    bias = version == 2 and rng.random() < 0.5
    reach = 128 if extreme else int(rng.choice([4, 30, 128]))

    def weight(n_synapses: int, n_post: int, n_pre: int) -> Ints:
        weight = rng.integers(-reach, reach, (n_synapses, n_post, n_pre))
        return weight * (rng.random(weight.shape) < 0.8)

    shifts = rng.integers(0, 10 if extreme else 4, 3)
    return Xylo(
        version=version,
        weight_in=weight(n_synapses, n_hidden, n_in),
        weight_rec=weight(n_synapses, n_hidden, n_hidden),
        weight_out=weight(1, n_out, n_hidden),
        shift_in=int(shifts[0]),
        shift_rec=int(shifts[1]),
        shift_out=int(shifts[2]),
        hidden=random_neurons(rng, n_hidden, n_synapses, bias, extreme),
        output=random_neurons(rng, n_out, 1, bias, extreme),
        aliases=[
            [int(rng.integers(n_hidden))] if rng.random() < 0.3 else [] for _ in range(n_hidden)
        ],
    )


def run_xylosim(xylo: Xylo, raster: Ints) -> tuple[PopulationRecord, PopulationRecord]:
    core = importlib.import_module(f"xylosim.v{xylo.version}")

    def synapses(weight: Ints) -> list[list[object]]:
        return [
            [
                core.XyloSynapse(int(post), int(synapse), int(weight[synapse, post, pre]))
                for synapse, post in np.argwhere(weight[:, :, pre])
            ]
            for pre in range(weight.shape[2])
        ]

    # The layer holds bare pointers to these objects: they must outlive it.
    kept = [synapses(w) for w in (xylo.weight_in, xylo.weight_rec, xylo.weight_out)]
    hidden, output = xylo.hidden, xylo.output
    biases: dict[str, object] = {}
    if xylo.version == 2:
        has_bias = hidden.bias is not None and output.bias is not None
        biases = {
            "has_bias": has_bias,
            "bias": hidden.bias if has_bias else [],
            "bias_out": output.bias if has_bias else [],
        }
    layer = core.XyloLayer(
        synapses_in=kept[0],
        synapses_rec=kept[1],
        synapses_out=kept[2],
        aliases=xylo.aliases,
        threshold=hidden.v_th,
        threshold_out=output.v_th,
        weight_shift_inp=xylo.shift_in,
        weight_shift_rec=xylo.shift_rec,
        weight_shift_out=xylo.shift_out,
        dash_mem=hidden.dash_mem,
        dash_mem_out=output.dash_mem,
        dash_syns=hidden.dash_syn.T,
        dash_syns_out=output.dash_syn.T,
        name="reference",
        **biases,
    )
    layer.evolve(raster)
    currents = [layer.rec_i_syn, layer.rec_i_syn2][: len(hidden.dash_syn)]
    return (
        PopulationRecord(
            np.array(layer.rec_recurrent_spikes),
            np.array([np.transpose(current) for current in currents]),
            np.transpose(layer.rec_v_mem),
        ),
        PopulationRecord(
            np.array(layer.rec_out_spikes),
            np.array([np.transpose(layer.rec_i_syn_out)]),
            np.transpose(layer.rec_v_mem_out),
        ),
    )


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_equals_xylosim(version: Literal[1, 2], extreme: bool, rng: Rng) -> None:
    pytest.importorskip("xylosim")
    fired = np.zeros(2, np.int64)
    for _ in range(300):
        xylo = random_network(rng, version, extreme)
        raster = rng.integers(0, 20, (N_STEPS, xylo.weight_in.shape[2]))
        raster *= rng.random(raster.shape) < 0.4
        got, expected = xylo_reference(xylo, raster), run_xylosim(xylo, raster)
        for ours, theirs in zip(got, expected, strict=True):
            np.testing.assert_array_equal(ours.spikes, theirs.spikes)
            np.testing.assert_array_equal(ours.current, theirs.current)
            np.testing.assert_array_equal(ours.membrane, theirs.membrane)
        fired += [(record.spikes > 0).sum() for record in got]
    assert (fired > 1000).all()
