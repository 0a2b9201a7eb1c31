"""Checks that all three neurons are the same one: a PSP, a spike, and the refractory time.

Usage: python benches/balanced/check_units.py      (NEST and Brian2 installed)

One input at step 11 on a neuron at rest, compared with the closed form

    u(t) = w tau_m / (tau_m - tau_s) (exp(-t/tau_m) - exp(-t/tau_s))

from the end of step 11 + delay on; then the same with a weight above the threshold, where the step
of the spike and the first step at which u moves again have to agree with the reference.
"""

import brian2 as b2
import brian2_run
import nest
import nest_run
import numpy as np
import reference
from network import Constants, Network, Projection
from numpy.typing import NDArray

INPUT_STEP = 11
N_STEPS = 1000

Trace = NDArray[np.float64]


def one_neuron(weight: float) -> Network:
    """Makes a network of one neuron at rest with one input, which spikes once."""
    constants = Constants(n_e=1, n_i=0, n_in=1, warm_up=0.0, duration=N_STEPS * Constants.dt)
    zero, none = np.zeros(1, np.int32), np.zeros(0, np.int32)
    return Network(
        constants,
        np.zeros(1),
        Projection(none, none, np.zeros(0)),
        Projection(zero, zero, np.array([weight])),
        np.array([INPUT_STEP], np.int32),
        zero,
    )


def closed_form(c: Constants, weight: float) -> Trace:
    """Returns u after steps 1 to N_STEPS, without a threshold."""
    since = np.arange(1, N_STEPS + 1) * c.dt - (INPUT_STEP * c.dt + c.delay)
    psp = np.exp(-since / c.tau_m) - np.exp(-since / c.tau_s)
    return np.where(since > 0, weight * c.tau_m / (c.tau_m - c.tau_s) * psp, 0.0)


def nest_trace(network: Network) -> Trace:
    """Returns u after each step in NEST."""
    c = network.constants
    nest_run.reset(c, 1)
    neuron = nest.Create("iaf_psc_exp", params=nest_run.neuron_parameters(c))
    neuron.V_m = network.u0[0]
    source = nest.Create("spike_generator", params={"spike_times": [INPUT_STEP * c.dt]})
    meter = nest.Create("voltmeter", params={"interval": c.dt})
    weight = nest_run.nest_weight(c, network.external.weight[0])
    nest.Connect(source, neuron, syn_spec={"weight": weight, "delay": c.delay})
    nest.Connect(meter, neuron)
    nest.Simulate((N_STEPS + 1) * c.dt)
    return np.asarray(meter.events["V_m"])[:N_STEPS]


def brian2_trace(network: Network) -> Trace:
    """Returns u after each step in Brian2, without compilation."""
    c = network.constants
    b2.set_device("runtime")
    b2.prefs.codegen.target = "numpy"
    neuron = brian2_run.neuron_group(c, 1)
    source = brian2_run.input_group(c, 1, network.input_index, network.input_step)
    synapse = brian2_run.connect(c, source, neuron, network.external)
    meter = b2.StateMonitor(neuron, "u", record=True, when="end", dt=c.dt * b2.ms)
    b2.Network(neuron, source, synapse, meter).run(c.duration * b2.ms)
    return np.asarray(meter.u[0])


def main() -> None:
    """Prints the largest differences; fails where they are more than rounding."""
    for weight, what in ((10.0, "one PSP"), (200.0, "one spike")):
        network = one_neuron(weight)
        expected = reference.trace(network)
        if weight < network.constants.v_th:
            difference = np.abs(expected - closed_form(network.constants, weight)).max()
            print(f"{what}: reference - closed form: {difference:.1e} mV")
            assert difference < 1e-12
        for name, trace in (("NEST", nest_trace(network)), ("Brian2", brian2_trace(network))):
            difference = np.abs(trace - expected).max()
            print(f"{what}: {name} - reference: {difference:.1e} mV")
            assert difference < 1e-11


if __name__ == "__main__":
    main()
