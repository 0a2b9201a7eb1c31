"""Measures the engines against the activity of the input and the size of the network.

Usage: python benches/activity.py [--quick] [--out docs/benchmarks] [--json FILE] [--from-json FILE]

Draws docs/benchmarks/activity.png and size.png (matplotlib) and prints the figures as Markdown
tables. Nothing else should run meanwhile.

The network: n / 10 inputs and n neurons, each with k synapses onto neurons drawn at random, without
delay. Weights of inputs are positive, those of neurons negative on average, so that the neurons'
activity follows that of the input at about half its rate, and vanishes with it. Every input fires
at every step with the same probability, the activity.

Time a step is that of `Simulator.advance` on one thread, spikes out included, events pushed before.
The engines go on from the end of a warm-up and alternate; the best of three runs counts, each as
long as --seconds or, if that is more, 64 steps. The slower engine simulates fewer steps of the same
stream. `auto` has had the time of the warm-up for its choice.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr

ENGINES = ("clocked", "event", "auto")

# More than the number of steps after which auto thinks again.
WARM_UP = 320

MIN_STEPS = 64

ACTIVITIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

ACTIVITY_PLOT = ((10_000, 100), (100_000, 100), (100_000, 1000))

SIZE_ACTIVITIES = (1e-4, 1e-3, 1e-2)

SIZES = {
    100: (1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    1000: (3000, 10_000, 30_000, 100_000),
}

# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKERS = ("o", "s", "^")


@dataclass
class Point:
    """What was measured of one network at one activity. Rates are of the event engine's run.

    Attributes:
        n: Neurons.
        k: Synapses of each input and neuron.
        activity: Share of the inputs that fire a step.
        us: Time a step of each engine [us].
        auto_engine: What auto ended in.
        rate: Spikes a neuron and step.
        updates: State updates a step.
        synaptic_events: Synaptic events a step.
    """

    n: int
    k: int
    activity: float
    us: dict[str, float]
    auto_engine: str
    rate: float
    updates: float
    synaptic_events: float

    @property
    def ratio(self) -> float:
        """Time of the clocked engine over that of the event engine."""
        return self.us["clocked"] / self.us["event"]

    @property
    def auto_over_best(self) -> float:
        """Time of auto over that of the better engine."""
        return self.us["auto"] / min(self.us["clocked"], self.us["event"])


class Stream:
    """Input of a simulator, as far as it is asked for; the same for the same seed."""

    def __init__(self, n_in: int, activity: float, seed: int) -> None:
        self.n_in, self.activity, self.now = n_in, activity, 0
        self.rng = np.random.default_rng(seed)

    def take(self, n_steps: int) -> NDArray[Any]:
        """Returns the events of the next steps: each input fires at each with the same chance."""
        size = n_steps * self.n_in
        # Gaps between independent events are geometric: that spares a number for every silence.
        found: list[NDArray[np.int64]] = []
        last = -1
        while last < size:
            n = int((size - last) * self.activity * 1.1) + 16
            places = last + np.cumsum(self.rng.geometric(self.activity, n))
            found.append(places)
            last = int(places[-1])
        place = np.concatenate(found)
        place = place[place < size]
        events = np.empty(len(place), [("t", np.int64), ("x", np.int64)])
        events["t"], events["x"] = self.now + place // self.n_in, place % self.n_in
        self.now += n_steps
        return events


class Runner:
    """An engine and its input."""

    def __init__(self, graph: sr.Graph, engine: str, activity: float, seed: int = 1) -> None:
        self.simulator = sr.Simulator(graph, engine=engine)
        self.stream = Stream(graph.n_inputs, activity, seed)
        self.n_steps = MIN_STEPS

    def run(self, n_steps: int) -> float:
        """Runs on, and returns the time [s]."""
        self.simulator.push(self.stream.take(n_steps))
        until = self.stream.now
        start = time.perf_counter()
        self.simulator.advance(until)
        return time.perf_counter() - start

    def prepare(self, seconds: float) -> None:
        """Warms up and finds out how many steps are to be timed."""
        self.run(WARM_UP)
        while (wall := self.run(self.n_steps)) < seconds / 4:
            self.n_steps *= 4
        self.n_steps = max(MIN_STEPS, round(self.n_steps * seconds / wall))


def build_graph(n: int, k: int) -> sr.Graph:
    """Makes the network."""
    graph = sr.Graph(dt=1.0, seed=1)
    inputs = graph.add_input(n // 10)
    neurons = graph.add_population(
        n, sr.LIF(tau_m=20.0, tau_s=5.0, v_th=1.0, t_ref=2.0, discretisation="exact")
    )
    rule, scale = sr.FixedOutDegree(k), (100 / k) ** 0.5
    graph.connect(inputs, neurons, rule, weight=sr.Uniform(0.0, 0.6 * scale))
    graph.connect(neurons, neurons, rule, weight=sr.Uniform(-0.2 * scale, 0.1 * scale))
    return graph


def measure(graph: sr.Graph, k: int, activity: float, seconds: float) -> Point:
    """Times all engines."""
    runners = {engine: Runner(graph, engine, activity) for engine in ENGINES}
    for runner in runners.values():
        runner.prepare(seconds)
    before = runners["event"].simulator.operations
    us = dict.fromkeys(ENGINES, float("inf"))
    for _ in range(3):
        for engine, runner in runners.items():
            us[engine] = min(us[engine], 1e6 * runner.run(runner.n_steps) / runner.n_steps)
    after, n_steps = runners["event"].simulator.operations, 3 * runners["event"].n_steps
    return Point(
        graph.n_neurons,
        k,
        activity,
        us,
        runners["auto"].simulator.engine,
        (after.spikes - before.spikes) / n_steps / graph.n_neurons,
        (after.state_updates - before.state_updates) / n_steps,
        (after.synaptic_events - before.synaptic_events) / n_steps,
    )


def measure_all(quick: bool, seconds: float) -> list[Point]:
    """Measures every point of both plots, printing the table."""
    wanted = {(n, k, activity) for n, k in ACTIVITY_PLOT for activity in ACTIVITIES}
    wanted |= {
        (n, k, activity)
        for k, sizes in SIZES.items()
        for n in sizes
        for activity in SIZE_ACTIVITIES
    }
    if quick:
        wanted = {point for point in wanted if point[0] * point[1] <= 10_000_000}
    columns = ["neurons", "synapses each", "input activity", "neuron activity", "synaptic events"]
    columns += ["state updates", "clocked [us]", "event [us]", "auto [us]", "clocked / event"]
    columns += ["auto / better", "auto ends in"]
    print("All figures are those of a step.\n")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    points = []
    for n, k in sorted({point[:2] for point in wanted}, key=lambda network: network[::-1]):
        graph = build_graph(n, k)
        for activity in sorted(at for *network, at in wanted if tuple(network) == (n, k)):
            point = measure(graph, k, activity, seconds)
            points.append(point)
            print(row(point), flush=True)
    return points


def digits(value: float, n: int = 3) -> str:
    """Writes a positive number with n significant digits, never as a power of ten."""
    after = n - 1 - int(np.floor(np.log10(value)))
    return f"{round(value, after):,.{max(0, after)}f}"


def row(point: Point) -> str:
    """Returns a line of the table."""
    cells = [
        f"{point.n:,}",
        f"{point.k:,}",
        f"{point.activity:.2%}",
        f"{point.rate:.3%}",
        f"{point.synaptic_events:,.0f}",
        f"{point.updates:,.0f}",
        *(digits(point.us[engine]) for engine in ENGINES),
        f"{point.ratio:.2f}",
        f"{point.auto_over_best:.2f}",
        point.auto_engine,
    ]
    return f"| {' | '.join(cells)} |"


# Plots -------------------------------------------------------------------------------------------


def crossover(x: list[float], ratio: list[float]) -> float | None:
    """Returns where the ratio passes 1, between points along straight lines in logarithms."""
    for (a, b), (r, s) in zip(pairwise(x), pairwise(ratio), strict=True):
        if (r - 1) * (s - 1) < 0:
            share = np.log(r) / (np.log(r) - np.log(s))
            return float(np.exp(np.log(a) + share * (np.log(b) - np.log(a))))
    return None


def panel(axes: Any, x_label: str, y_label: str) -> None:
    """Makes an empty panel of logarithmic axes."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.12g}")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.25, which="major")
    axes.spines[["top", "right"]].set_visible(False)


def draw_lines(
    times: Any, ratios: Any, groups: list[tuple[str, list[float], list[Point]]], unit: str
) -> None:
    """Draws times of the engines, and ratios with their crossovers, a colour a group."""
    crossovers = [crossover(x, [point.ratio for point in points]) for _, x, points in groups]
    for (_, x, points), at, colour, marker in zip(
        groups, crossovers, COLOURS, MARKERS, strict=False
    ):
        clocked, event, auto = ([point.us[engine] for point in points] for engine in ENGINES)
        style = {"color": colour, "marker": marker, "ms": 4.5}
        times.plot(x, clocked, ls="--", mfc="white", lw=1.4, **style)
        times.plot(x, event, lw=1.8, **style)
        times.plot(x, auto, ls="", marker="x", ms=6, color="black", mew=1.0, zorder=5)
        ratios.plot(x, [point.ratio for point in points], lw=1.8, **style)
        if at is None:
            continue
        for axes in (times, ratios):
            axes.axvline(at, color=colour, lw=0.9, ls=":")
        ratios.plot([at], [1], marker="D", ms=8, mfc="none", mec=colour, mew=1.6, zorder=6)
        # A label goes above those of crossovers a little further right.
        level = sum(other is not None and at < other < 5 * at for other in crossovers)
        ratios.annotate(
            f"{digits(at, 2)}{unit}",
            (at, 1),
            (8, 8 + 17 * level),
            textcoords="offset points",
            color=colour,
            fontsize=9,
            weight="bold",
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85},
            zorder=7,
        )
    ratios.axhline(1, color="0.35", lw=1)


def legend(figure: Any, labels: list[str]) -> None:
    """Says what colours and line styles mean: a column each, colours above line styles."""
    from matplotlib.lines import Line2D

    style = {"ms": 4.5, "color": "0.3", "marker": "o", "lw": 1.8}
    lines = [
        Line2D([], [], **{**style, "ls": "--", "mfc": "white", "lw": 1.4, "label": "clocked"}),
        Line2D([], [], **{**style, "label": "event"}),
        Line2D([], [], ls="", marker="x", color="black", label="auto"),
    ]
    colours = [
        Line2D([], [], **{**style, "color": colour, "marker": marker, "label": label})
        for label, colour, marker in zip(labels, COLOURS, MARKERS, strict=False)
    ]
    blank = Line2D([], [], ls="", label=" ")
    columns = zip_longest(colours, lines, fillvalue=blank)
    handles = [handle for column in columns for handle in column]
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=3,
        frameon=False,
        handlelength=2.6,
        fontsize=9,
    )


def figure_of(width: float, height: float) -> Any:
    """Makes an empty figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_activity(points: list[Point], path: Path) -> None:
    """Draws time and ratio against the activity of the input."""
    groups = []
    for n, k in ACTIVITY_PLOT:
        found = [point for point in points if (point.n, point.k) == (n, k)]
        found.sort(key=lambda point: point.activity)
        if len(found) > 1:
            label = f"{n:,} neurons, {k:,} synapses"
            groups.append((label, [100 * point.activity for point in found], found))
    figure = figure_of(9.6, 4.6)
    times, ratios = figure.subplots(1, 2)
    panel(times, "inputs that fire in a step [%]", "time per step [µs]")
    panel(ratios, "inputs that fire in a step [%]", "clocked time / event time")
    draw_lines(times, ratios, groups, " %")
    legend(figure, [label for label, *_ in groups])
    times.set_title("One time step, one thread (lower is better)", fontsize=10, loc="left")
    ratios.set_title("Above 1 the event engine is faster", fontsize=10, loc="left")
    figure.savefig(path, dpi=130)


def draw_size(points: list[Point], path: Path) -> None:
    """Draws time and ratio against the number of neurons."""
    figure = figure_of(9.6, 7.2)
    panels = figure.subplots(2, len(SIZES), sharex=True, sharey="row")
    for column, k in enumerate(SIZES):
        groups = []
        for activity in SIZE_ACTIVITIES:
            wanted = [p for p in points if (p.k, p.activity) == (k, activity) and p.n in SIZES[k]]
            wanted.sort(key=lambda point: point.n)
            if len(wanted) > 1:
                label = f"{100 * activity:g} % of the inputs fire in a step"
                groups.append((label, [float(point.n) for point in wanted], wanted))
        times, ratios = panels[:, column]
        panel(times, "", "time per step [µs]" if column == 0 else "")
        panel(ratios, "neurons", "clocked time / event time" if column == 0 else "")
        draw_lines(times, ratios, groups, "")
        times.set_title(f"{k:,} synapses per neuron", fontsize=10, loc="left")
        if column == 0:
            legend(figure, [label for label, *_ in groups])
            ratios.set_title("Above 1 the event engine is faster", fontsize=10, loc="left")
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measures, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("docs/benchmarks")
    parser.add_argument("--out", type=Path, default=out, help="folder of the pictures")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a run")
    parser.add_argument("--quick", action="store_true", help="small networks, short runs")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--from-json", type=Path, help="draw figures of a file, measure nothing")
    args = parser.parse_args()
    start = time.perf_counter()
    if args.from_json:
        points = [Point(**entry) for entry in json.loads(args.from_json.read_text("utf-8"))]
    else:
        points = measure_all(args.quick, 0.03 if args.quick else args.seconds)
        print(f"\n{time.perf_counter() - start:.0f} s")
    if args.json:
        args.json.write_text(json.dumps([asdict(point) for point in points], indent=1), "utf-8")
    args.out.mkdir(parents=True, exist_ok=True)
    draw_activity(points, args.out / "activity.png")
    draw_size(points, args.out / "size.png")


if __name__ == "__main__":
    main()
