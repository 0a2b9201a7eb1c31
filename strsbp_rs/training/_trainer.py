"""Training with ST-RSBP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from strsbp_rs import _config as config
from strsbp_rs._arguments import integer, threads
from strsbp_rs._carried import carried_part, read_carried
from strsbp_rs._files import PathLike, file_name
from strsbp_rs._inputs import Input, encoder_dict
from strsbp_rs._network import Network
from strsbp_rs._strsbp_rs import TrainerCore
from strsbp_rs.fixed._targets import Target
from strsbp_rs.training._callback import Callback
from strsbp_rs.training._fit import checked_callbacks, checked_validation, fit, swept_folder
from strsbp_rs.training._history import History
from strsbp_rs.training._own_loss import OwnLoss, checked_own_loss, loss_of_file
from strsbp_rs.training._recorded import checked_weights
from strsbp_rs.training._records import plain_record
from strsbp_rs.training._settings import trainer_settings
from strsbp_rs.training._steps import Stepping
from strsbp_rs.training._user_part import encoder_and_history

__all__ = ["Trainer"]


class Trainer(Stepping):
    """Trains a network with ST-RSBP.

    Args:
        network: The network; trained in place. Its delays must stay as they are.
        encoder: Makes spikes of analog samples; the network's own if None, which is used where
            samples need one, as by the network itself: rasters stay spikes.
        loss: CountMSE or SoftmaxCrossEntropy; or "count_mse" or "softmax_cross_entropy", for their
            defaults. If None, SoftmaxCrossEntropy(), which works for any number of steps; the
            targets of CountMSE are numbers of spikes. Or a function (counts, targets) that returns
            (loss, d_counts): counts are uint32 (n_samples, n_out), targets those of the batch's
            samples, whatever `y` holds of them; the loss is one number a sample, (n_samples,), or
            their sum, and d_counts the derivatives of the sum, (n_samples, n_out). The mean over
            the batch, and sample weights, are the trainer's affair. It is called batch by batch,
            and no teacher spikes are set; see docs/guides/own-losses.md.
        optimizer: Adam, AdamW or SGD; or "adam", "adamw" or "sgd"; Adam() if None.
        schedule: Factor on the learning rate: Constant, InverseSqrt, Cosine or Step; or "constant",
            "inverse_sqrt", "cosine" or "step".
        rule: Options of the backward pass.
        batch_size: Samples whose gradients are averaged before a step.
        augment: Random changes of training images; analog samples only.
        spike_augment: Random changes of training spikes, those that an encoder made included.
        weight_penalty: Penalty on large weights.
        weight_limit: Weights are kept within +- this.
        clip_norm: The gradient as a whole is scaled down to at most this Euclidean norm. Recurrent
            layers need it: near a singular adjoint system a single sample's gradient can be
            thousands of times the usual one. The history's grad_norm says what is usual.
        engine: How the network is simulated, see `Network.spike_counts`; "auto" decides at the
            start of every epoch, and the history's "engine" says for what.
        hardware: Trains through the arithmetic of this target (QFormat, Loihi, Xylo, Spinnaker or
            CortexM, or one of their names), as `Network.to_fixed` makes it: for every batch weights
            are rounded, spikes are computed in integers, bit for bit, and gradients of the rounded
            weights change the float ones (straight through). Scales are chosen anew at the start of
            every epoch, and by every call of `step` and `gradients`; `evaluate` and validation are
            those of the integers. What `to_fixed` would warn of is told by the same
            `QuantizationWarning`, once for each loss.
        n_threads: Number of threads; all cores if None. Results do not depend on it.
        seed: Seed of the order of the samples, of the encoder and of the augmentation.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a field is outside its domain.

    References:
        Zhang & Li, Spike-Train Level Backpropagation for Training Deep Recurrent Spiking Neural
        Networks, NeurIPS 2019.
    """

    def __init__(
        self,
        network: Network,
        *,
        encoder: config.Encoder | None = None,
        loss: config.Loss | OwnLoss | str | None = None,
        optimizer: config.Optimizer | str | None = None,
        schedule: config.Schedule | str | None = None,
        rule: config.StRsbp | None = None,
        batch_size: int = 32,
        augment: config.ImageAugment | None = None,
        spike_augment: config.SpikeAugment | None = None,
        weight_penalty: config.ExponentialPenalty | None = None,
        weight_limit: float | None = None,
        clip_norm: float | None = None,
        engine: str = "clocked",
        hardware: Target | str | None = None,
        n_threads: int | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {network!r}")
        self._own_loss = checked_own_loss(loss)
        encoder = network.encoder if encoder is None else encoder
        encoder_dict(encoder)
        settings = trainer_settings(
            network,
            own_loss=self._own_loss is not None,
            loss=loss,
            optimizer=optimizer,
            schedule=schedule,
            rule=rule,
            batch_size=batch_size,
            augment=augment,
            spike_augment=spike_augment,
            weight_penalty=weight_penalty,
            weight_limit=weight_limit,
            clip_norm=clip_norm,
            engine=engine,
            hardware=hardware,
            seed=seed,
        )
        self._core = TrainerCore(settings, network._core, threads(n_threads))
        self.network = network
        self.encoder = encoder
        self.history = History()
        self._stopping = False
        self._resumed = False
        self._tell_losses()

    # Training --------------------------------------------------------------------------------

    def fit(
        self,
        x: Input,
        y: Any,
        *,
        epochs: int,
        n_steps: int | None = None,
        validation_data: tuple[Input, Any] | None = None,
        sample_weight: ArrayLike | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: PathLike | None = None,
        progress: bool = True,
    ) -> History:
        """Trains until `epochs` epochs are completed, those of a resumed checkpoint included.

        A callback may end it earlier, see `stop`.

        Ctrl-C stops within a second. The network then is as the last batch left it, in the middle
        of an epoch; the last checkpoint stays as it was. An epoch counts, enters the history and
        is checkpointed once its training and validation are done, or not at all: what a callback
        raises in an epoch's last report is raised when that epoch is whole.

        Args:
            x: Samples, as for `Network.spike_counts`.
            y: Classes, integers of shape (n_samples,) in [0, n_out); for a loss of the user's own
                its targets, an entry a sample: an array of any shape (n_samples, ...), a list, or
                None if it needs none.
            epochs: Number of epochs to have completed.
            n_steps: Number of time steps of event lists, as for `Network.spike_counts`.
            validation_data: (x, y) to evaluate after every epoch.
            sample_weight: Weight of every sample's loss, (n_samples,), finite and >= 0; 1 if None.
            callbacks: Objects with methods of `Callback`, called in this order. In `on_batch_end`,
                and in other threads, all may be read, weights as of the last step; what would
                change network or trainer is refused, as are the trainer's `evaluate` and `save`.
            checkpoint: File that is (re)written, atomically, after every epoch.
            progress: Whether to show a progress bar.

        Returns:
            The history, that of a resumed checkpoint included.

        Raises:
            TypeError: If an array has the wrong dtype, or a callback has no method of `Callback`,
                one that is called like one and is none, or one that takes other arguments.
            ValueError: If shapes disagree, a label or weight is out of range, `epochs` is not more
                than the epochs completed, the schedule's learning rate comes to 0 before them, the
                network has other delays than the trainer was made with, a recurrent layer's
                adjoint system is singular, or weights grow beyond their type.
            OSError: If the checkpoint cannot be written.
            KeyboardInterrupt: On Ctrl-C.
        """
        self._check_epochs(epochs)
        data = self._prepared(x, n_steps)
        weight = checked_weights(sample_weight)
        goal = self._goal(y, data, weight is not None)
        test = checked_validation(self, validation_data, n_steps)
        swept_folder(checkpoint)
        called = checked_callbacks(callbacks, goal, test, epochs if progress else None)
        fit(self, (data, goal), weight, test, epochs, called, checkpoint)
        return self.history

    def stop(self) -> None:
        """Ends `fit` after the running epoch: called by a callback, or by another thread.

        The epoch is completed, recorded and checkpointed first, so that what was stopped can be
        gone on with bit for bit; in `on_train_begin` there is none, and none is begun. (To leave
        at once, in the middle of an epoch, raise an exception.)
        """
        self._stopping = True

    def _check_epochs(self, epochs: int) -> None:
        """Refuses numbers of epochs that `fit` does.

        Args:
            epochs: Number of epochs to have completed.

        Raises:
            TypeError: If it is no integer.
            ValueError: If so many are completed already, or the schedule's learning rate comes to 0
                before them.
        """
        epochs = integer("epochs", epochs, low=-(2**64))
        if epochs <= self.epoch:
            raise ValueError(f"epochs must be > {self.epoch}, the epochs completed, got {epochs}")
        self._core.check_horizon(epochs)

    # Files -----------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Writes a checkpoint: weights, optimizer state, epoch and configuration.

        A file that is there is replaced atomically and keeps its mode; symbolic links are followed.
        One that has hard links is written in place, and so is a pipe or a device.

        Raises:
            OSError: If the file cannot be written.
            ValueError: If weights or moments are not finite: no such file could be read.
        """
        self._core.save(file_name(path), self.network._core, self._user())

    def _user(self) -> dict[str, Any]:
        """What a checkpoint holds besides."""
        encoder = None if self.encoder is None else self.encoder.to_file()
        for record in self.history.epochs:
            plain_record(record)
        net = self.network
        part = carried_part(net.encoder or self.encoder, net.class_names)
        return {"encoder": encoder, "history": self.history.epochs, "network": part}

    def __reduce__(self) -> tuple[Any, ...]:
        # The network by itself, so that it stays the one that others know.
        checkpoint = self._core.dumps(self.network._core, self._user())
        return _loads, (type(self), checkpoint, self.network, self.n_threads, self._own_loss)

    @classmethod
    def load(
        cls, path: PathLike, *, n_threads: int | None = None, loss: OwnLoss | None = None
    ) -> Trainer:
        """Reads a checkpoint; `fit` then goes on with the same bits as an uninterrupted run.

        Args:
            path: What `save`, or `fit` with `checkpoint`, wrote.
            n_threads: Number of threads; all cores if None.
            loss: The loss, if it is a function: files hold none.

        Raises:
            OSError: If the file cannot be read.
            TypeError: If `loss` is no function of (counts, targets).
            ValueError: If it is not a checkpoint of this package, is damaged, or of another
                version; or if it needs a `loss` and there is none, or has one already.
        """
        network, core, user = TrainerCore.load(file_name(path), threads(n_threads))
        name, net = file_name(path), Network._wrap(network)
        trainer = cls._restored(core, net, user, name, loss)
        net._encoder, net._class_names = read_carried(name, user, net.n_out)
        return trainer

    @classmethod
    def _restored(
        cls,
        core: TrainerCore,
        network: Network,
        user: Any,
        path: str = "<bytes>",
        loss: OwnLoss | None = None,
    ) -> Trainer:
        own = loss_of_file(path, core.config()["loss"], loss)
        encoder, history = encoder_and_history(path, user)
        trainer = cls.__new__(cls)
        trainer._core, trainer._own_loss = core, own
        trainer.network = network
        trainer.encoder, trainer.history = encoder, history
        trainer._stopping, trainer._resumed = False, True
        return trainer


def _loads(
    cls: type[Trainer],
    checkpoint: bytes,
    network: Network,
    n_threads: int,
    loss: OwnLoss | None = None,
) -> Trainer:
    """Makes a trainer anew of what `Trainer.__reduce__` took apart."""
    _, core, user = TrainerCore.loads(checkpoint, n_threads)
    return cls._restored(core, network, user, loss=loss)
