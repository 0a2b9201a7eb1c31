"""Float64 oracle of the core: dense time steps and textbook linear algebra, in NumPy only.

Nothing here is shared with the Rust code, and nothing here is fast. The modules, in the order of
the data flow:

    neuron     LIF layers, simulated with plain dense time steps
    synapses   connections as lists of synapses that may share weights: convolutions, pools
    graph      populations of such neurons and lists of synapses between them, simulated likewise
    s_psp      S-PSPs three ways: explicit resets, sparse form, adjoint traces
    coupling   mean S-PSP of random trains: closed forms, and a Monte-Carlo of them
    losses     losses on the firing counts
    recorded   the point (counts, S-PSPs, ratios) the spike-train level model is built around
    model      that model as a non-linear system: Newton, then finite differences
    analytic   its gradient by one dense linear solve per layer
"""
