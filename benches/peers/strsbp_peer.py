"""The network in strsbp_rs, trained by ST-RSBP.

Usage: python benches/peers/strsbp_peer.py TASK [--batch N] [--seconds S] [--counts FILE]
                                                 [--threads N]
"""

import argparse
from pathlib import Path

from task import BETAS, EPSILON, LEARNING_RATE, TEMPERATURE, Task, measure, use_cores

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("task", type=Path)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--seconds", type=float, default=10.0)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--counts", type=Path, help="writes spike counts here, and does not train")
ARGS = parser.parse_args()
use_cores(ARGS.threads)

import numpy as np  # noqa: E402

import strsbp_rs as sr  # noqa: E402


def main() -> None:
    """Trains, or counts spikes."""
    task = Task.load(ARGS.task)
    net = sr.Network.load(ARGS.task.with_suffix(".safetensors"))
    if ARGS.counts:
        samples = np.arange(ARGS.batch) % task.n_samples
        recording = net.run(task.spikes(samples), n_threads=ARGS.threads)
        # Of layer l the same steps as of the peers: what comes of the input before the last ones.
        last = task.n_steps - len(task.layers)
        trains = [s.to_dense()[:, : last + at] for at, s in enumerate(recording.spikes)]
        np.savez(ARGS.counts, *[train.sum(1) for train in trains[1:]])
        return
    trainer = sr.Trainer(
        net,
        loss=sr.SoftmaxCrossEntropy(temperature=TEMPERATURE),
        optimizer=sr.Adam(lr=LEARNING_RATE, beta1=BETAS[0], beta2=BETAS[1], eps=EPSILON),
        rule=sr.StRsbp(post_coupling="auto"),
        clip_norm=1.0,
        batch_size=ARGS.batch,
        n_threads=ARGS.threads,
    )
    raster = task.spikes(np.arange(task.n_samples))
    x = sr.SpikeTrains.from_dense(raster.astype(bool))
    del raster

    def epoch(number: int) -> float:
        return trainer.fit(x, task.labels, epochs=number + 1, progress=False)["loss"][-1]

    measure(task.n_samples, ARGS.seconds, epoch)


if __name__ == "__main__":
    main()
