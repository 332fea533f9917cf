"""What runtimes of exported models have in common: arrays in and out, blends, and what only torch can do."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import Metadata
from ..options import NetworkOptions

if TYPE_CHECKING:
    from . import Engine

Array = NDArray[np.float32]


class GraphEngine(ABC):
    """An exported model in a runtime. Threads may share it.

    A graph takes one blend for each picture and its own statistics; blends per pixel and tiles run in torch, which is
    loaded when they first come.
    """

    memory_bytes = 2 * 10**9

    def __init__(
        self, metadata: Metadata, bytes_per_px_and_channel: int, torch_engine: "Callable[[], Engine] | None" = None
    ) -> None:
        """torch_engine: opens the checkpoint in torch; None where there is no checkpoint."""
        self.info = metadata.info
        self.dots = metadata.dots
        self.stride, self.reach_px = metadata.stride, metadata.reach_px
        self.bytes_per_px = bytes_per_px_and_channel * NetworkOptions(**self.info["model"]).largest_channels
        self._open_torch = torch_engine
        self._torch: Engine | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def _run(self, inputs: Mapping[str, Array]) -> Array:
        """`image` (N, 3, H, W) and, with several styles, `blend` (N, S), to `stylized` (N, 3, H, W)."""

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """
        weights = np.eye(len(self.dots), dtype=np.float32)[0] if blend is None else blend
        if statistics is not None or weights.ndim > 1 or (len(weights) == 1 and weights[0] != 1):
            return self._in_torch()(image, weights, statistics)
        if isinstance(image, np.ndarray):
            return self._checked(image, weights)
        here = image.detach().float().cpu()
        return here.new_tensor(self._checked(here.numpy(), weights)).to(image.device)

    def measure(self, image: Array, blend: Array) -> Array:
        """The statistics of one picture (1, 3, H, W): (2, T)."""
        return self._in_torch().measure(image, blend)

    def measure_tiles(self, *arguments: Any, **named: Any) -> Array:
        """The same of a picture of which only tiles are run, as `Engine.measure_tiles`."""
        return self._in_torch().measure_tiles(*arguments, **named)

    def _checked(self, image: Array, weights: Array) -> Array:
        try:
            inputs = {"image": np.ascontiguousarray(image, np.float32)}
            if len(weights) > 1:
                inputs["blend"] = np.tile(weights.astype(np.float32), (len(image), 1))
            return self._run(inputs)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise FastStyleError("not enough memory for a picture of this size; use a smaller --size") from error
            raise

    def _in_torch(self) -> "Engine":
        if self._open_torch is None:
            raise FastStyleError(
                "an exported model does no blends that differ from pixel to pixel and no pictures that need tiles; "
                "use the checkpoint (.pth), or for large pictures a smaller --size or more --memory"
            )
        with self._lock:
            if self._torch is None:
                self._torch = self._open_torch()
            return self._torch
