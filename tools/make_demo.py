"""Draws the demo data set from Fashion-MNIST, class by class: 200 training and 50 test images each.

Usage: python tools/make_demo.py OUTPUT.npz [DATA_DIR]
"""

import sys

import numpy as np
from numpy.typing import NDArray

from strsbp_rs.datasets import load_fashion_mnist


def balanced(y: NDArray[np.int64], each: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns the indices of `each` random samples of every class, in random order."""
    chosen = [rng.choice(np.flatnonzero(y == label), each, replace=False) for label in range(10)]
    return rng.permutation(np.concatenate(chosen))


def main() -> None:
    """Writes the file named on the command line."""
    data = load_fashion_mnist(sys.argv[2] if len(sys.argv) > 2 else None)
    rng = np.random.default_rng(2019)
    train, test = balanced(data.y_train, 200, rng), balanced(data.y_test, 50, rng)
    np.savez_compressed(
        sys.argv[1],
        x_train=data.x_train[train],
        y_train=data.y_train[train].astype(np.uint8),
        x_test=data.x_test[test],
        y_test=data.y_test[test].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
