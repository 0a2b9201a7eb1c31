from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "__VERSION__",
    "NetworkCore",
    "SpikeTrainsCore",
    "TrainerCore",
    "post_coupling",
    "psp_table",
    "s_psp",
    "simd_level",
]
__VERSION__: str

_Encoder = tuple[int, float] | None
_Weights = list[dict[str, NDArray[Any]]]

def simd_level() -> str: ...
def psp_table(params: dict[str, Any], n_steps: int) -> NDArray[np.float64]: ...
def post_coupling(kind: str, params: dict[str, Any], n_steps: int) -> NDArray[np.float64]: ...
def s_psp(
    pre: SpikeTrainsCore, post: SpikeTrainsCore, params: dict[str, Any], delay: float
) -> NDArray[np.float64]: ...

@final
class SpikeTrainsCore:
    @staticmethod
    def from_dense(raster: NDArray[np.uint8]) -> SpikeTrainsCore: ...
    @staticmethod
    def from_csr(
        indptr: NDArray[np.int64], indices: NDArray[np.int64], shape: tuple[int, int, int]
    ) -> SpikeTrainsCore: ...
    @staticmethod
    def from_events(
        events: Sequence[tuple[str, NDArray[np.int64], NDArray[np.int64]]],
        n_steps: int,
        n_neurons: int,
    ) -> SpikeTrainsCore: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def n_spikes(self) -> int: ...
    def to_dense(self) -> NDArray[np.bool_]: ...
    def to_csr(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
    def counts(self) -> NDArray[np.uint32]: ...
    def events(self, sample: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
    def slice(self, start: int, stop: int) -> SpikeTrainsCore: ...
    def __eq__(self, value: object, /) -> bool: ...

@final
class NetworkCore:
    def __new__(cls, config: dict[str, Any], dtype: str) -> NetworkCore: ...
    @staticmethod
    def loads(bytes: bytes) -> NetworkCore: ...
    @staticmethod
    def load(path: str) -> NetworkCore: ...
    def save(self, path: str) -> None: ...
    def dumps(self) -> bytes: ...
    def config(self) -> dict[str, Any]: ...
    @property
    def dtype(self) -> str: ...
    def weights(self) -> _Weights: ...
    def set_weights(self, weights: Sequence[dict[str, NDArray[Any]]]) -> None: ...
    def delays(self) -> list[dict[str, NDArray[np.float64]]]: ...
    def set_delays(self, delays: Sequence[dict[str, NDArray[np.float64]]]) -> None: ...
    @property
    def explicit_delays(self) -> bool: ...
    def recurrent_mask(self, layer: int) -> NDArray[np.bool_] | None: ...
    def spike_counts(
        self,
        x: Any,
        encoder: _Encoder,
        seed: int,
        n_threads: int | None,
        callback: Callable[[int], object] | None = None,
    ) -> tuple[NDArray[np.uint32], list[int]]: ...
    def record(
        self,
        x: Any,
        encoder: _Encoder,
        seed: int,
        n_threads: int | None,
        chosen: Sequence[tuple[int, Sequence[int]]],
    ) -> tuple[list[SpikeTrainsCore], list[tuple[NDArray[Any], NDArray[Any]]]]: ...

@final
class TrainerCore:
    def __new__(
        cls, config: dict[str, Any], net: NetworkCore, n_threads: int | None
    ) -> TrainerCore: ...
    @staticmethod
    def load(
        path: str, n_threads: int | None
    ) -> tuple[NetworkCore, TrainerCore, dict[str, Any]]: ...
    def save(self, path: str, net: NetworkCore, user: dict[str, Any]) -> None: ...
    def config(self) -> dict[str, Any]: ...
    @property
    def epoch(self) -> int: ...
    @property
    def n_threads(self) -> int: ...
    def train_epoch(
        self,
        net: NetworkCore,
        x: Any,
        y: NDArray[np.int64],
        encoder: _Encoder,
        sample_weight: NDArray[np.float64] | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
    ) -> dict[str, Any]: ...
    def evaluate(
        self,
        net: NetworkCore,
        x: Any,
        y: NDArray[np.int64],
        encoder: _Encoder,
        seed: int,
        callback: Callable[[int], object] | None = None,
    ) -> tuple[dict[str, Any], NDArray[np.uint32]]: ...
    def gradients(
        self,
        net: NetworkCore,
        x: Any,
        y: NDArray[np.int64],
        encoder: _Encoder,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> tuple[_Weights, float]: ...
    def gradients_from_spikes(
        self,
        net: NetworkCore,
        spikes: Sequence[SpikeTrainsCore],
        y: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> tuple[_Weights, float]: ...
