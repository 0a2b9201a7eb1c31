"""Trains the paper's convolutional network here, in JAX and in PyTorch, by turns.

Usage: python benches/peers/run_all.py [--peers PYTHON] [--rounds N] [--seconds S] [--steps N ...]
                                       [--only WORD ...] [--data-dir DIR] [--json FILE] [--quick]

JAX and PyTorch live in an environment of their own, whose interpreter --peers names:

    python3 -m venv peers
    peers/bin/pip install "jax[cpu]==0.10.2"
    peers/bin/pip install torch==2.15.0 --index-url https://download.pytorch.org/whl/cpu

torch.compile needs a C++ compiler. A peer that does not import is left out, and it is said why.

All train 15C5-P2-40C5-P2-300-10 in float32 on two cores, from the same weights, on the same spikes:
the LIF neuron of the paper, refractory for two steps. We by ST-RSBP, they with surrogate gradients
through all steps; forward, backward and Adam, encoding not among them. First, the spikes that each
program counts in every neuron are compared. Every case is a process of its own, round after
round, and the best of its rounds counts; the first two batches of a process, which compile and
warm up, do not. Memory is the most that a process ever held, above what it held with libraries and
data loaded; what compiling takes is among it. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from task import Layer, Task

import strsbp_rs as sr
from strsbp_rs.datasets import Dataset, find_fashion_mnist, load_dataset
from strsbp_rs.recipes._recipe import load_recipe

HERE = Path(__file__).parent
PROGRAMS = {"strsbp_rs": "strsbp_peer.py", "jax": "jax_peer.py", "torch": "torch_peer.py"}

N_LAYERS = 6

AGREE, FEW = 5e-3, 3
"""Share and number of a layer's spikes that may be too many or too few, whichever is more: sums in
another order may miss a threshold, which the layers above make more of."""


@dataclass
class Case:
    """A program with its options, and what came of it."""

    program: str
    batch: int
    options: list[str] = field(default_factory=list)
    results: list[dict[str, float]] = field(default_factory=list)
    failure: str = ""

    @property
    def label(self) -> str:
        """What the table calls it."""
        options = " ".join(self.options).replace("--", "")
        return f"{self.program} {options}".strip()


def cases(available: set[str], steps: int, quick: bool) -> list[Case]:
    """What is measured: ours, and what may be best for each peer."""
    if quick:
        found = [
            Case("strsbp_rs", 4),
            Case("jax", 4, ["--chunk", "1"]),
            Case("jax", 4, ["--chunk", "5", "--remat"]),
            Case("jax", 4, ["--chunk", "1", "--lax"]),
            Case("torch", 4, ["--chunk", "5", "--eager"]),
        ]
    else:
        computed = steps - N_LAYERS
        whole = ["--chunk", str(computed)]
        # Of about ten steps, those that leave the least to fill.
        some = ["--chunk", str(min(range(8, 13), key=lambda size: -computed % size))]
        found = [
            Case("strsbp_rs", 64),
            Case("jax", 16, ["--chunk", "1"]),
            Case("jax", 64, ["--chunk", "1"]),
            Case("jax", 16, some),
            Case("jax", 64, [*some, "--remat"]),
            Case("jax", 16, ["--chunk", "1", "--lax"]),
            Case("torch", 16, some),
            Case("torch", 64, some),
            Case("torch", 16, [*whole, "--eager"]),
        ]
    return [case for case in found if case.program in available]


# The network -------------------------------------------------------------------------------------


def network(data: Dataset, steps: int, quick: bool) -> sr.Network:
    """The recipe's network after a little training, so that it fires as in training."""
    recipe = load_recipe("mnist-cnn")
    encoder = sr.BernoulliEncoder(steps, recipe.encoder.rate_scale)
    if quick:
        soon, pool = sr.Firing(within=4.0), sr.AvgPool2d(2, v_th=0.1)
        layers = [sr.Conv2d(4, 5, init=soon), pool, sr.Conv2d(6, 5, init=soon), pool]
        layers += [sr.Dense(20, init=soon), sr.Dense(10, init=soon)]
        return sr.Network((1, 28, 28), layers, encoder=encoder, seed=1)
    net = sr.Network((1, 28, 28), recipe.layers, encoder=encoder, seed=1)
    trainer = sr.Trainer(
        net,
        encoder=encoder,
        loss=recipe.loss,
        optimizer=sr.Adam(lr=1e-3),
        rule=recipe.rule,
        batch_size=64,
        clip_norm=1.0,
    )
    trainer.fit(data.x_train[:1000], data.y_train[:1000], epochs=3, progress=False)
    return net


def spec(layer: Any) -> Layer:
    """A layer as the peers are told of it: Euler's constants of a step of 1 ms."""
    assert layer.discretisation == "euler"
    kinds = {"conv2d": "conv", "avg_pool2d": "pool", "dense": "dense"}
    return Layer(
        kind=kinds[layer.kind],
        window=layer.kernel[0] if layer.kind == "avg_pool2d" else 0,
        syn_decay=1 - 1 / layer.tau_s,
        mem_decay=1 - 1 / layer.tau_m,
        mem_gain=1 / layer.tau_s,
        v_th=layer.v_th,
        t_ref=round(layer.t_ref),
    )


def make_task(directory: Path, data: Dataset, name: str, steps: int, quick: bool) -> Path:
    """Writes network and samples to files; the path of the one that peers read."""
    net = network(data, steps, quick)
    n = 8 if quick else 512
    spikes = net.run(data.x_train[:n]).spikes[0].to_dense()
    task = Task(
        name=f"{name}, {net.outline}, T = {steps}",
        shape=(1, 28, 28),
        n_steps=steps,
        layers=[spec(layer) for layer in net.layers],
        weights=[weights.get("weight") for weights in net.weights],
        packed=np.packbits(spikes, axis=-1),
        labels=np.asarray(data.y_train[:n], dtype=np.int64),
    )
    path = directory / f"{steps}.npz"
    task.save(path)
    net.save(path.with_suffix(".safetensors"))
    return path


# Running -----------------------------------------------------------------------------------------


class Runner:
    """Starts the programs, each with the interpreter that has what it needs."""

    def __init__(self, peers: str, threads: int) -> None:
        self.peers, self.threads = peers, threads

    def interpreter(self, program: str) -> str:
        """The Python of a program."""
        return sys.executable if program == "strsbp_rs" else self.peers

    def version(self, program: str) -> str:
        """The version of what a program is written in; "" and why on standard output, if none."""
        code = f"import {program}; print({program}.__version__)"
        command = [self.interpreter(program), "-c", code]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{program} is left out, as {self.peers} does not import it: {why}")
        return ""

    def run(self, case: Case, task: Path, *options: str) -> str:
        """What a program prints; "" if it fails, and the case knows why."""
        command = [self.interpreter(case.program), str(HERE / PROGRAMS[case.program]), str(task)]
        command += ["--batch", str(case.batch), "--threads", str(self.threads)]
        command += [*case.options, *options]
        shown = " ".join(command[2:])
        print(f"  {case.program}: {shown}", file=sys.stderr, flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout
        lines = done.stderr.strip().splitlines()
        case.results.clear()
        killed = f"killed by signal {-done.returncode}: out of memory?"
        case.failure = killed if done.returncode < 0 else (lines or ["no reason given"])[-1]
        return ""


def check_counts(runner: Runner, found: list[Case], task: Path) -> list[str]:
    """Compares how often each neuron fires with how often it does here.

    Every program is asked with the options of its first case that works.
    """
    counts, lines, failures = {}, [], {}
    for known in found:
        if known.program in counts:
            continue
        case = Case(known.program, 8, known.options)
        path = task.with_name(f"{case.program}-counts.npz")
        runner.run(case, task, "--counts", str(path))
        failures[case.program] = f"{case.label} counts no spikes: {case.failure}"
        if not case.failure:
            with np.load(path) as file:
                counts[case.program] = list(file.values())
    for program, failure in failures.items():
        if program not in counts:
            raise SystemExit(failure)
    ours = counts.pop("strsbp_rs")
    fired = ", ".join(f"{layer.sum():,.0f}" for layer in ours)
    lines.append(f"spikes of 8 samples, layer by layer: {fired}")
    if any(layer.sum() == 0 for layer in ours):
        raise SystemExit(f"a layer is silent, which compares nothing: {fired}")
    for program, theirs in counts.items():
        pairs = list(zip(ours, theirs, strict=True))
        differ = [int(np.abs(a.astype(int) - b.astype(int)).sum()) for a, b in pairs]
        told = ", ".join(f"{n} of {a.sum():,.0f}" for n, a in zip(differ, ours, strict=True))
        lines.append(f"{program}: spikes too many or too few, layer by layer: {told}")
        if any(n > max(FEW, AGREE * a.sum()) for n, a in zip(differ, ours, strict=True)):
            raise SystemExit(f"{program} computes another network: {told}")
    return lines


def table(found: list[Case]) -> list[str]:
    """The cases as Markdown, each by the best of its rounds."""
    lines = [
        "| program | batch | samples/s, best of rounds | all rounds | ours over it | memory [MB] |",
        "|---|---|---|---|---|---|",
    ]
    if found[0].failure:
        raise SystemExit(f"{found[0].label} fails: {found[0].failure}")
    ours = max(result["samples_per_s"] for result in found[0].results)
    for case in found:
        if not case.results:
            lines.append(f"| {case.label} | {case.batch} | {case.failure} | | | |")
            continue
        speeds = [result["samples_per_s"] for result in case.results]
        memory = max(result["memory"] for result in case.results)
        every = ", ".join(f"{speed:.1f}" for speed in speeds)
        lines.append(
            f"| {case.label} | {case.batch} | {max(speeds):.1f} | {every} | "
            f"{ours / max(speeds):.1f} | {memory:.0f} |"
        )
    for program in dict.fromkeys(case.program for case in found[1:]):
        speeds = [
            result["samples_per_s"]
            for case in found
            if case.program == program
            for result in case.results
        ]
        if speeds:
            lines.append(f"\n{ours / max(speeds):.1f} times as fast as the best of {program}")
    return lines


def processor() -> str:
    """The processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    """Measures everything and prints it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="interpreter with JAX and PyTorch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a case in a round")
    parser.add_argument("--steps", type=int, nargs="+", default=[400, 100])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="cases that have one of these words; ours too")
    parser.add_argument("--data-dir")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    parser.add_argument("--quick", action="store_true", help="a tiny network, to see that it runs")
    args = parser.parse_args()
    rounds, seconds = (1, 0.0) if args.quick else (args.rounds, args.seconds)
    runner = Runner(args.peers, args.threads)
    versions = {program: runner.version(program) for program in PROGRAMS}
    available = {program for program, version in versions.items() if version}
    known = ", ".join(f"{program} {versions[program]}" for program in PROGRAMS if versions[program])
    print(f"{processor()}, {args.threads} of {os.cpu_count()} cores, {sr.simd_level()}; {known}")
    name = "fashion-mnist" if find_fashion_mnist(args.data_dir) else "demo"
    data = load_dataset(name, args.data_dir)
    raw: dict[str, Any] = {"processor": processor(), "versions": versions}
    with tempfile.TemporaryDirectory() as directory:
        for steps in [24] if args.quick else args.steps:
            task = make_task(Path(directory), data, name, steps, args.quick)
            print(f"\n{Task.load(task).name}\n", flush=True)
            found = cases(available, steps, args.quick)
            if args.only:
                found[1:] = [c for c in found[1:] if any(word in c.label for word in args.only)]
            print("\n\n".join(check_counts(runner, found, task)), end="\n\n", flush=True)
            for _ in range(rounds):
                for case in found:
                    if not case.failure:
                        line = runner.run(case, task, "--seconds", str(seconds))
                        case.results += [json.loads(line.splitlines()[-1])] if line else []
            print("\n".join(table(found)), flush=True)
            raw[str(steps)] = [{**vars(case), "label": case.label} for case in found]
            if args.quick and any(case.failure for case in found):
                raise SystemExit("\n".join(case.failure for case in found if case.failure))
    if args.json:
        args.json.write_text(json.dumps(raw, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
