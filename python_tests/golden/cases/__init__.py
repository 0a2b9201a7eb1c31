"""All cases; to import this module is to register them."""

from golden.cases import (
    audio,
    draws,
    files,
    fixed_graphs,
    graphs,
    networks,
    numbers,
    old,
    quantised,
    sizes,
    spatial,
    training,
)

__all__ = [
    "audio",
    "draws",
    "files",
    "fixed_graphs",
    "graphs",
    "networks",
    "numbers",
    "old",
    "quantised",
    "sizes",
    "spatial",
    "training",
]
