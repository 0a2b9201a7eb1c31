"""Integer models of spiking hardware, to judge the fixed-point core by.

Nothing here is shared with the Rust code, and nothing here is fast. States are computed as Python
integers, which have no size: every limit of a format is a line of code. The modules:

    integers   rounding and overflow
    generic    any number format: widths, rounding, overflow, decay, reset
    loihi      Loihi, by the rules of the open Lava framework
    xylo       Xylo, by the rules of the simulator xylosim, v1 and v2

All but `xylo` keep time as the engines do: a spike of step s with delay d arrives at step
s + 1 + d.
"""
