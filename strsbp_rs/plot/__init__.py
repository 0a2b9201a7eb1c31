"""Pictures of spikes, training and networks. Needs matplotlib, the extra `plot`.

Every function draws on `ax`, matplotlib's axes, or on those of a new figure if None, and returns
the axes: `ax.figure.savefig("picture.png")` writes them to a file, a notebook shows them.
"""

from strsbp_rs.plot._augmented import augmented
from strsbp_rs.plot._curves import learning_curve, learning_curves
from strsbp_rs.plot._matrices import confusion_matrix, weight_histogram, weights
from strsbp_rs.plot._planes import feature_maps, kernels
from strsbp_rs.plot._raster import raster, rasters
from strsbp_rs.plot._rates import rates, traces
from strsbp_rs.plot._samples import samples

__all__ = [
    "augmented",
    "confusion_matrix",
    "feature_maps",
    "kernels",
    "learning_curve",
    "learning_curves",
    "raster",
    "rasters",
    "rates",
    "samples",
    "traces",
    "weight_histogram",
    "weights",
]
