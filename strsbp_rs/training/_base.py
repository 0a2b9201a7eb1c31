"""What a trainer is made of, and what it tells of itself."""

from __future__ import annotations

from typing import Any, get_args

from strsbp_rs import _config as config
from strsbp_rs._activity import Activity, warn_of_activity
from strsbp_rs._fields import named
from strsbp_rs._inputs import Input, encoder_for, prepare_input
from strsbp_rs._network import Network
from strsbp_rs._strsbp_rs import TrainerCore
from strsbp_rs._warnings import QuantizationWarning, warn
from strsbp_rs.fixed._targets import Target, target_from_dict
from strsbp_rs.training._history import History
from strsbp_rs.training._own_loss import Goal, OwnLoss, given_d_counts, goal_of, loss_name

__all__ = ["TrainerBase"]


class TrainerBase:
    """Base of trainers: their parts, and what can be read of them.

    Attributes:
        network: The network; trained in place.
        encoder: Makes spikes of analog samples.
        history: What training has been through.
    """

    network: Network
    encoder: config.Encoder | None
    history: History
    _core: TrainerCore
    _own_loss: OwnLoss | None
    _stopping: bool
    """Whether `fit` is to end."""
    _resumed: bool
    """Whether the network is as a checkpoint's last epoch left it."""
    _told: frozenset[str] = frozenset()
    """Losses of weights on the hardware that were warned of."""

    def _tell_losses(self) -> None:
        """Warns of what weights lost on the hardware since it was last told."""
        new = {about: text for about, text in self._core.notes() if about not in self._told}
        if new:
            self._told |= frozenset(new)
            warn("\n".join(new.values()), QuantizationWarning)

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self._core.epoch

    @property
    def n_threads(self) -> int:
        """Number of threads."""
        return self._core.n_threads

    @property
    def loss(self) -> config.Loss | OwnLoss:
        """The loss, a configuration or the user's own function."""
        if self._own_loss is not None:
            return self._own_loss
        loss: config.Loss = config.from_dict(self.config["loss"])
        return loss

    @property
    def schedule(self) -> config.Schedule:
        """Factor on the learning rate; another one can be set, and counts from the next step on.

        A `Cosine` without `min_factor` leaves nothing to learn with after its `epochs`: to go on
        beyond them, set one that ends later.
        """
        schedule: config.Schedule = config.from_dict(self.config["schedule"], schedule=True)
        return schedule

    @schedule.setter
    def schedule(self, schedule: config.Schedule | str) -> None:
        chosen = named("schedule", schedule, get_args(config.Schedule))
        self._core.set_schedule(chosen.to_dict())

    @property
    def config(self) -> dict[str, Any]:
        """Loss, optimizer, schedule, rule and so on, as plain values."""
        values: dict[str, Any] = self._core.config()
        return values

    @property
    def hardware(self) -> Target | None:
        """The target that the network is trained through."""
        values = self._core.config()["hardware"]
        return None if values is None else target_from_dict(values)

    def __repr__(self) -> str:
        values, network = self.config, self.network
        own = self._own_loss
        loss = values["loss"]["kind"] if own is None else f"loss {loss_name(own)}"
        through = "" if self.hardware is None else f", through {self.hardware.kind}"
        done = f"{self.epoch} epoch{'' if self.epoch == 1 else 's'} completed"
        return (
            f"<Trainer: {network.outline}, {loss}, {values['optimizer']['kind']} "
            f"with lr {values['optimizer']['lr']:g}, batches of {values['batch_size']}{through}, "
            f"{self.n_threads} thread{'' if self.n_threads == 1 else 's'}, {done}>"
        )

    # For training ----------------------------------------------------------------------------

    def _goal(self, y: Any, data: Any, weighted: bool = False) -> Goal:
        """Returns what samples are to lead to."""
        return goal_of(self._own_loss, y, data, self.network.n_out, weighted)

    def _prepared(self, x: Input, n_steps: int | None) -> Any:
        """Returns samples as the core takes them.

        The network's own encoder is for those that need one, as where the network is called.
        """
        own, in_shape = self.network.encoder, self.network.in_shape
        given, carried = (None, own) if self.encoder == own else (self.encoder, None)
        return prepare_input(x, in_shape, encoder_for(x, in_shape, given, carried), n_steps)

    def _chosen_goal(self, y: Any, d_counts: Any, data: Any, weighted: bool) -> Goal:
        """Returns what a batch is to lead to: its targets, or the derivatives of a loss."""
        if d_counts is None:
            if y is None and self._own_loss is None:
                raise ValueError("y must be given, or d_counts, got None")
            return self._goal(y, data, weighted)
        if y is not None:
            raise ValueError("d_counts must be None where y is given")
        return given_d_counts(d_counts, data.shape[0], self.network.n_out)

    def _check_activity(self, values: dict[str, Any], warned: set[str] | None = None) -> None:
        """Warns, of what was not warned of before, if a layer is silent or saturated."""
        activity = Activity(
            values["n_spikes"],
            values["silent_neurons"],
            values["n_samples"],
            values["mean_steps"],
            self.network._sizes(),
        )
        warn_of_activity(self.network.layers, self.network.dt, activity, warned)
