"""Ends interpreters while a daemon thread computes, many times over.

    python tools/stress_exit.py --runs 1000

Every run is a process of its own that starts a daemon thread with a long call and ends after a
random time. One that is ended by a signal, or says anything, has failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def child(what: str, seconds: float) -> None:
    """Computes in a daemon thread, and ends."""
    import numpy as np

    import strsbp_rs as sr

    x, y = np.random.default_rng(1).random((2000, 40, 20)) < 0.3, np.arange(2000) % 3
    # Weights with which all layers fire: a warning would count as something that was said.
    init = sr.Uniform(-0.3, 1.0)
    net = sr.Network(20, [sr.Dense(n, v_th=2.0, init=init) for n in (50, 3)])
    trainer, other = (
        sr.Trainer(net, n_threads=2),
        sr.Network(20, [sr.Dense(3, v_th=2.0, init=init)]),
    )

    class Nested(sr.Callback):
        def on_batch_end(self, trainer: sr.Trainer, values: dict[str, object]) -> None:
            sum(range(10**5))
            other.predict(x[:20], n_threads=1)

    class Stuck(sr.Callback):
        def on_batch_end(self, trainer: sr.Trainer, values: dict[str, object]) -> None:
            time.sleep(10**6)

    def fit(*callbacks: sr.Callback) -> None:
        trainer.fit(x, y, epochs=10**6, callbacks=callbacks, progress=False)

    def evaluate() -> None:
        while True:
            trainer.evaluate(x[:50], y[:50])

    def advance() -> None:
        graph = sr.Graph()
        graph.connect(graph.add_input(10), graph.add_population(100))
        sr.Simulator(graph, engine="clocked").advance(10**12)

    work: dict[str, Callable[[], None]] = {
        "fit": fit,
        "callbacks": lambda: fit(Nested()),
        "stuck": lambda: fit(Stuck()),
        "evaluate": evaluate,
        "advance": advance,
    }
    threading.Thread(target=work[what], daemon=True).start()
    time.sleep(seconds)


def run(what: str) -> str:
    """Runs a child; what went wrong."""
    # Around the reports of a call, ten a second, and while others start.
    seconds = random.choice([random.uniform(0, 0.3), 0.1 + random.uniform(-0.005, 0.005)])
    command = [sys.executable, __file__, "--child", what, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    failed = done.returncode != 0 or done.stdout or done.stderr
    return f"after {seconds:.4f} s: {done.returncode} {done.stdout} {done.stderr}" if failed else ""


def main() -> int:
    """Runs children, two at a time; whether one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000, help="runs of each kind")
    parser.add_argument("--what", nargs="*", default=["fit", "callbacks", "evaluate", "advance"])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], float(options.child[1]))
        return 0
    n_failed = 0
    for what in options.what:
        with ThreadPoolExecutor(2) as pool:
            said = [text for text in pool.map(run, [what] * options.runs) if text]
        print(f"{what}: {options.runs} runs, {len(said)} failed", *said[:5], sep="\n", flush=True)
        n_failed += len(said)
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
