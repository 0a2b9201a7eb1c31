"""Sound through front end, encoder and network, chunk by chunk: as the whole at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.audio import LogMel, LyonEar


@pytest.mark.parametrize(
    ("front_end", "encoder"),
    [
        (LyonEar(8_000, decimation=128), sr.BsaEncoder(hold=4)),
        (LogMel(8_000, n_channels=12), sr.LevelCrossingEncoder(0.1, hold=3)),
        (LogMel(8_000, n_channels=12), sr.RegularEncoder(hold=10, rate_scale=0.3)),
    ],
)
@pytest.mark.parametrize("quantized", [False, True])
def test_streams_are_the_whole(front_end: Any, encoder: Any, quantized: bool) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(6_000) / 8_000
    sound = 0.4 * np.sin(2 * np.pi * (300 + 900 * t) * t) * (t > 0.1) + 0.01 * rng.normal(
        size=6_000
    )
    n_in = encoder.n_inputs(front_end.n_channels)
    layers = [sr.Recurrent(30, v_th=1.0, init=sr.Firing(rate=0.01)), sr.Dense(4, v_th=1.0)]
    net: Any = sr.Network(n_in, layers, seed=3)
    net = net.to_fixed() if quantized else net
    expected = net.run(sr.encode(front_end(sound)[None], encoder)).spikes[-1].to_dense()[0]
    assert expected.sum() > 20

    ear = front_end.stream()
    spikes = sr.EncoderStream(encoder, front_end.n_channels)
    simulator = sr.Simulator(net)
    raster = np.zeros_like(expected)
    n_steps = 0
    cuts = np.sort(rng.integers(0, 6_000, 25))
    for chunk in [*np.split(sound, cuts), None]:
        part = spikes.finish() if chunk is None else spikes.encode(ear.hear(chunk))
        step, x = np.nonzero(part)
        events = np.empty(len(step), [("t", np.int64), ("x", np.int64)])
        events["t"], events["x"] = step + n_steps, x
        simulator.push(events)
        n_steps += len(part)
        heard = simulator.advance(steps=n_steps)
        raster[heard["t"], heard["x"]] = True
    assert n_steps == len(expected)
    np.testing.assert_array_equal(raster, expected)
