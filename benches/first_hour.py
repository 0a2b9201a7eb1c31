"""Four small data sets of scikit-learn with nothing but defaults, next to logistic regression.

python benches/first_hour.py [--seeds 3] [--epochs N] [NAME ...]

Five-fold stratified cross-validation, once a seed; scalers are fitted to the training part alone.
Logistic regression has standardised features. The network has them brought to [0, 1] (test values
beyond the range of the training part are clipped), as rates must be; its accuracy is the mean of
three encodings of the test part, each of them read by itself.
The number of epochs is such that 30,000 samples are shown, whatever the data set. (The defaults
themselves were chosen with a look at these data sets.) Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import strsbp_rs as sr

DATA_SETS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}
N_FOLDS = 5
N_ENCODINGS = 3
SAMPLES_SHOWN = 30_000


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DATA_SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="Number of epochs in place of that of samples.")
    args = parser.parse_args()
    unknown = set(args.names) - set(DATA_SETS)
    if unknown:
        sys.exit(f"first_hour.py: no data set {sorted(unknown)}, known are {list(DATA_SETS)}")
    print("| data set | inputs | classes | samples | epochs | strsbp_rs | logistic regression |")
    print("|---|---|---|---|---|---|---|")
    for name in args.names or DATA_SETS:
        x, y = DATA_SETS[name](return_X_y=True)
        n_train = len(y) * (N_FOLDS - 1) // N_FOLDS
        epochs = args.epochs or SAMPLES_SHOWN // n_train
        ours, theirs = [], []
        for seed in range(args.seeds):
            folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
            for train, test in folds.split(x, y):
                ours.append(network_accuracy(x, y, train, test, epochs, seed))
                theirs.append(logistic_accuracy(x, y, train, test))
        n_inputs, n_classes = x.shape[1], len(np.unique(y))
        print(
            f"| {name} | {n_inputs} | {n_classes} | {len(y)} | {epochs} | "
            f"{percent(ours, args.seeds)} | {percent(theirs, args.seeds)} |",
            flush=True,
        )


def network_accuracy(x, y, train, test, epochs, seed):
    """Accuracy on the test part of a network with nothing but defaults."""
    scaler = MinMaxScaler(clip=True).fit(x[train])
    net = sr.Network(x.shape[1], [sr.Dense(100), sr.Dense(int(y.max()) + 1)], seed=seed)
    trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(), seed=seed)
    trainer.fit(scaler.transform(x[train]), y[train], epochs=epochs, progress=False)
    x_test = scaler.transform(x[test])
    encodings = range(N_ENCODINGS)
    return np.mean([trainer.evaluate(x_test, y[test], seed=k).accuracy for k in encodings])


def logistic_accuracy(x, y, train, test):
    """Accuracy on the test part of logistic regression with scikit-learn's defaults."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return model.fit(x[train], y[train]).score(x[test], y[test])


def percent(accuracies, n_seeds):
    """Mean of the folds, and standard deviation over the seeds of their means."""
    seeds = np.reshape(accuracies, (n_seeds, N_FOLDS)).mean(axis=1)
    spread = f" +- {100 * seeds.std(ddof=1):.1f}" if n_seeds > 1 else ""
    return f"{100 * seeds.mean():.1f}{spread} %"


if __name__ == "__main__":
    main()
