"""Fixed-point neurons that model neuromorphic hardware, bit for bit.

A `Format` is a number format and the LIF neurons it holds: integers only, every rounding and
overflow defined. Presets make the formats of hardware. A `Graph` of dtype "int8", "int16" or
"int32" holds such neurons (`Graph.add_population`), and a `Simulator` runs them:

    graph = sr.Graph(dtype="int16")
    inputs = graph.add_input(16)
    neurons = graph.add_population(8, sr.fixed.loihi_format(du=400, dv=100, v_th=300))
    graph.connect(inputs, neurons, (pre, post), weight=sr.fixed.loihi_weights(weight))

Two types are for annotations: `PerNeuron` is an integer for all neurons of a population or a list
of one for each, `Device` the name of a chip of Xylo's family ("a1", "audio2", "audio3", "imu").
"""

from strsbp_rs.fixed._cortex_m import cortex_m_format
from strsbp_rs.fixed._decays import Multiply, Shift, Table
from strsbp_rs.fixed._format import Format, Overflows
from strsbp_rs.fixed._loihi import loihi_format, loihi_weights
from strsbp_rs.fixed._qformat import qformat_format
from strsbp_rs.fixed._spinnaker import spinnaker_format
from strsbp_rs.fixed._values import Device as Device
from strsbp_rs.fixed._values import PerNeuron as PerNeuron
from strsbp_rs.fixed._xylo import xylo_format, xylo_weights

__all__ = [
    "Format",
    "Multiply",
    "Overflows",
    "Shift",
    "Table",
    "cortex_m_format",
    "loihi_format",
    "loihi_weights",
    "qformat_format",
    "spinnaker_format",
    "xylo_format",
    "xylo_weights",
]
