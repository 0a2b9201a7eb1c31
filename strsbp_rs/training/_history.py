"""What training has been through, epoch by epoch."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

from strsbp_rs._tables import html_table, significant

__all__ = ["History", "flat"]


@dataclass(repr=False)
class History:
    """One dict an epoch: epoch (from 1), lr, loss, accuracy, firing_rate, seconds, samples_per_s.

    Also grad_norm and grad_norm_max, the mean and the largest norm of the gradient of a step before
    clipping; solver_iterations a sample and recurrent layer, and solver_fallbacks, how often a
    dense solver had to step in. With validation data val_loss, val_accuracy and val_samples_per_s.
    Accuracies are None where targets are no classes.

    `history["loss"]` is the list of a quantity, one value an epoch; `history[-1]` the dict of the
    last epoch; `pandas.DataFrame(history.rows())` a table.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The quantities that an epoch has, in the order they came."""
        return list(dict.fromkeys(name for record in self.epochs for name in record))

    def rows(self) -> list[dict[str, Any]]:
        """Returns one flat dict an epoch, of plain values: what is a list is numbered.

        The firing rates of two layers become firing_rate_0 and firing_rate_1.
        """
        return [flat(record) for record in self.epochs]

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, key: str | int | slice) -> Any:
        """The values of a quantity (None in an epoch without it), or the dicts of epochs."""
        if not isinstance(key, str):
            return self.epochs[key]
        names = self.names
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names) or 'none'}"
            raise KeyError(f"the history has no {key!r}; {hint}")
        return [record.get(key) for record in self.epochs]

    def __repr__(self) -> str:
        n = len(self.epochs)
        if n == 0:
            return "<History: 0 epochs>"
        shown = ("loss", "accuracy", "val_loss", "val_accuracy", "lr")
        last = ", ".join(
            f"{name} {significant(self.epochs[-1][name])}"
            for name in shown
            if self.epochs[-1].get(name) is not None
        )
        return f"<History: {n} epoch{'' if n == 1 else 's'}{', at last ' if last else ''}{last}>"

    def _repr_html_(self) -> str:
        names = self.names
        rows = [[record.get(name) for name in names] for record in self.epochs]
        return html_table(names, rows, caption=f"History of {len(rows)} epochs")

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.epochs)


def flat(record: Mapping[str, Any], between: str = "_") -> dict[str, Any]:
    """Returns a record without lists and dicts: their entries become entries of it."""
    values: dict[str, Any] = {}
    for name, value in record.items():
        entries: Any = None
        if isinstance(value, Mapping):
            entries = value
        elif isinstance(value, list | tuple):
            entries = dict(enumerate(value))
        if entries is None:
            values[name] = value
        else:
            inner = flat(
                {f"{name}{between}{key}": entry for key, entry in entries.items()}, between
            )
            values |= inner
    return values
