"""Listens: a trained speech network hears a sound chunk by chunk, and says what it makes of it.

The sound goes through the front end, the encoder and the network as it comes: `FrontEnd.stream`,
`EncoderStream` and `Simulator` keep what they need of the past. A window slides over the spikes of
the output layer, and the neuron that fires most in it is the answer. In the end the spikes are
compared with those of the whole sound at once: they are the same.

Usage: python examples/listen.py RUN SOUND.wav [--chunk-ms 20] [--window-ms 500] [--plot FILE]
       python examples/listen.py --quick

RUN is the result folder of `strsbp train` with a recipe that has a front end, as
free-spoken-digits. --quick trains a small network on tones first, which takes seconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from strsbp_rs.audio import FrontEnd, LogMel, read_sound, resample
from strsbp_rs.recipes import load_recipe

EVENT = np.dtype([("t", np.int64), ("x", np.int64)])


class Listener:
    """A network with its ears: takes sound, gives spikes of the output layer."""

    def __init__(self, net: sr.Network, front_end: FrontEnd) -> None:
        encoder = without_end(net.encoder)
        self.net, self.front_end, self.encoder = net, front_end, encoder
        self.step_ms = front_end.frame_ms / encoder.hold
        self._ear = front_end.stream()
        self._spikes = sr.EncoderStream(encoder, front_end.n_channels)
        self._simulator = sr.Simulator(net)
        self.n_steps = 0

    @property
    def delay_ms(self) -> float:
        """How much later than the sound its last spike comes: frame, look-ahead and layers."""
        n_layers = len(self.net.layers)
        return self.front_end.frame_ms + (self._spikes.delay + n_layers) * self.step_ms

    def hear(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Hears a chunk; returns the output spikes that it brings, with fields t (step) and x."""
        return self._run(self._spikes.encode(self._ear.hear(samples)))

    def finish(self) -> NDArray[Any]:
        """Returns the output spikes that were still to come at the end of the sound."""
        return self._run(self._spikes.finish())

    def _run(self, raster: NDArray[np.bool_]) -> NDArray[Any]:
        t, x = np.nonzero(raster)
        events = np.empty(len(t), EVENT)
        events["t"], events["x"] = t + self.n_steps, x
        self._simulator.push(events)
        self.n_steps += len(raster)
        return self._simulator.advance(steps=self.n_steps)


def without_end(encoder: Any) -> Any:
    """The encoder for a sound that goes on: not cut after so many steps."""
    if encoder is None or not encoder.is_for_series:
        raise SystemExit(f"the network has no encoder of time series, but {encoder!r}")
    return replace(encoder, n_steps=None) if encoder.needs_series else encoder


def listen(listener: Listener, sound: NDArray[Any], chunk_ms: float, window_ms: float) -> Any:
    """Prints what is heard, and returns all output spikes and the time each chunk took [ms]."""
    rate, names = listener.front_end.sample_rate, listener.net.class_names
    size = max(1, round(chunk_ms * rate / 1e3))
    window = max(1, round(window_ms / listener.step_ms))
    said, spikes, took = "", [], []
    recent = np.empty(0, EVENT)
    for first in range(0, len(sound), size):
        start = time.perf_counter()
        spikes.append(listener.hear(sound[first : first + size]))
        took.append(1e3 * (time.perf_counter() - start))
        recent = np.concatenate([recent, spikes[-1]])
        recent = recent[recent["t"] >= listener.n_steps - window]
        counts = np.bincount(recent["x"], minlength=listener.net.n_out)
        answer = names[int(counts.argmax())] if names else str(counts.argmax())
        answer = answer if counts.max() > 0 else "silence"
        if answer != said:
            print(
                f"{1e3 * first / rate:8.0f} ms  {answer:12} ({counts.max()} spikes of its neuron)"
            )
            said = answer
    spikes.append(listener.finish())
    return np.concatenate(spikes), np.array(took)


def check(listener: Listener, sound: NDArray[Any], spikes: NDArray[Any]) -> None:
    """Compares with the whole sound at once."""
    frames = listener.front_end(sound)
    whole = sr.encode(frames[None], listener.encoder)
    raster = listener.net.run(whole).spikes[-1].to_dense()[0]
    streamed = np.zeros_like(raster)
    streamed[spikes["t"], spikes["x"]] = True
    if len(raster) != listener.n_steps or (raster != streamed).any():
        raise SystemExit("the stream's spikes are not those of the whole sound")
    print(f"the {len(spikes):,} output spikes are those of the whole sound at once")


def draw(listener: Listener, sound: NDArray[Any], spikes: NDArray[Any], path: str) -> None:
    """Draws the sound and the output spikes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(9, 5), layout="constrained")
    above.plot(np.arange(len(sound)) / listener.front_end.sample_rate, sound, lw=0.4)
    above.set_ylabel("sound")
    below.plot(spikes["t"] * listener.step_ms / 1e3, spikes["x"], "|", ms=8)
    below.set(xlabel="time [s]", ylabel="output neuron", ylim=(-0.5, listener.net.n_out - 0.5))
    if listener.net.class_names:
        below.set_yticks(range(len(listener.net.class_names)), listener.net.class_names)
    figure.savefig(path, dpi=120)


def tone(rng: np.random.Generator, hertz: float, seconds: float, rate: int) -> NDArray[Any]:
    """A tone with soft ends, after and before silence, in noise."""
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * hertz * t + rng.random())
    wave *= np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    wave = np.pad(wave, (rng.integers(rate // 10, rate // 3), rate // 5))
    return wave + 0.002 * rng.standard_normal(len(wave))


def trained_on_tones() -> tuple[sr.Network, FrontEnd, NDArray[Any]]:
    """A small network that tells tones apart, its ears, and a sound to listen to."""
    rng, rate, names = np.random.default_rng(0), 8_000, ("low", "middle", "high")
    front_end = LogMel(rate, n_channels=16)
    encoder = sr.LevelCrossingEncoder(threshold=0.15, hold=4)
    y = np.arange(150) % 3
    hertz = np.array([300, 900, 2500])[y] * rng.uniform(0.9, 1.1, len(y))
    heard = front_end.many([tone(rng, one, 0.3, rate) for one in hertz], progress=False)
    spikes = sr.encode(heard, encoder)
    rate_in = spikes.n_spikes / (spikes.shape[0] * spikes.shape[1] * spikes.shape[2])
    layers = [sr.Dense(60, init=sr.Firing(rate=rate_in)), sr.Dense(3)]
    net = sr.Network(encoder.n_inputs(16), layers, encoder=encoder, class_names=names, seed=1)
    trainer = sr.Trainer(net, batch_size=10)
    history = trainer.fit(spikes, y, epochs=15, progress=False)
    print(f"trained on {len(y)} tones: accuracy {history['accuracy'][-1]:.1%}")
    sound = [tone(rng, hertz, 0.3, rate) for hertz in (900, 300, 2500, 300)]
    return net, front_end, np.concatenate(sound)


def main() -> None:
    """Listens to a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("sound", nargs="?", type=Path)
    parser.add_argument("--chunk-ms", type=float, default=20.0)
    parser.add_argument("--window-ms", type=float, default=500.0)
    parser.add_argument("--plot", help="picture of sound and output spikes")
    parser.add_argument("--quick", action="store_true", help="tones, and a network trained on them")
    args = parser.parse_args()
    if args.quick:
        net, front_end, sound = trained_on_tones()
    elif args.run is None or args.sound is None:
        parser.error("RUN and SOUND.wav must be given, or --quick")
    else:
        recipe = load_recipe(args.run / "config.toml")
        if recipe.front_end is None:
            parser.error(f"{args.run} is a run without a front end")
        front_end = recipe.front_end
        net = sr.Network.load(args.run / "checkpoint.safetensors")
        sound, rate = read_sound(args.sound)
        if rate != front_end.sample_rate:
            sound = resample(sound, rate, front_end.sample_rate)
    listener = Listener(net, front_end)
    spikes, took = listen(listener, sound, args.chunk_ms, args.window_ms)
    check(listener, sound, spikes)
    print(
        f"a chunk of {args.chunk_ms:g} ms took {took.mean():.2f} ms, at most {took.max():.2f}; a "
        f"spike comes {listener.delay_ms:.0f} ms after its sound at the latest, by frame, "
        "look-ahead of the encoder and layers"
    )
    if args.plot:
        draw(listener, sound, spikes, args.plot)


if __name__ == "__main__":
    main()
