"""Implement what engines of exported models share: arrays in and out, blends, tiles, and what only torch can do."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import Metadata, check_digest, onnx_bytes
from ..options import NetworkOptions, RuntimeOptions
from . import cache
from .memory import default_bytes
from .registry import ENGINES, is_exported
from .tiling import merge

if TYPE_CHECKING:
    from . import Engine

Array = NDArray[np.float32]
# Opens the checkpoint in torch; None where there is no checkpoint.
TorchFallback = Callable[[], "Engine"] | None
# Runs a graph: inputs by name to outputs by position.
Run = Callable[[Mapping[str, Array]], list[Array]]
PER_PIXEL = "blends that differ from pixel to pixel; do without masks"
EXACT = "exact statistics of tiles; choose `statistics` sampled"
# Graphs with the statistics of a picture folded in that are kept: as many pictures are in work at a time.
KEPT_PICTURES = 2
TILES = "tiles unless exported with `tiles`; for large pictures choose a smaller `size` or more `memory`"


class ExportedEngine(ABC):
    """Run an exported model in a runtime. Threads may share it.

    A graph takes one blend for each picture. For the tiles of a larger one others are made of it: one that measures the
    statistics of the norms, and one for each picture, into which they are folded; a file exported for tiles takes
    statistics as an input. Blends per pixel and exact statistics run in torch, which is loaded when they are asked for.
    """

    concurrency = 1

    def __init__(
        self,
        metadata: Metadata,
        bytes_per_px_and_channel: int,
        model: Path | bytes,
        channels: int = 0,
        torch_engine: TorchFallback = None,
    ) -> None:
        """model: the ONNX model, or a path. channels: T, of the input `statistics`, 0 without."""
        self.info = metadata.info
        self.style_gram = metadata.style_gram
        self.stride, self.reach_px = metadata.stride, metadata.reach_px
        self._size = metadata.size
        self.bytes_per_px = bytes_per_px_and_channel * NetworkOptions(**self.info["model"]).largest_channels
        self._channels = channels
        is_onnx = isinstance(model, bytes) or model.suffix.lower() == ".onnx"
        self._model = model if is_onnx and not channels and find_spec("onnx") else None
        self._measuring: Run | None = None
        self._folded: OrderedDict[bytes, Run] = OrderedDict()
        self.measures_tiles = torch_engine is not None
        self._open_torch = torch_engine
        self._torch: Engine | None = None
        self._lock = threading.Lock()

    @property
    def memory_bytes(self) -> int:
        """Return the memory that a run may take where the user names none."""
        return default_bytes()

    @abstractmethod
    def _open(self, model: bytes, keep_memory: bool) -> Run:
        """Open another graph, made of this one. keep_memory: whether the next run is to find that of the last one."""

    @abstractmethod
    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """`image` (N, 3, H, W) and what else the graph takes, to `stylized` (N, 3, H, W) and what else it gives."""

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """Stylize RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """
        weights = self._weights(blend)
        if not is_one_blend(weights):
            return self._in_torch(PER_PIXEL)(image, weights, statistics)
        run: Run = self._run
        if statistics is not None and not self._channels:
            if self._model is None:
                return self._in_torch(TILES)(image, weights, statistics)
            run, statistics = self._with(statistics), None
        if isinstance(image, np.ndarray):
            return self._checked(run, image, weights, statistics)[0]
        here = image.detach().float().cpu()
        return here.new_tensor(self._checked(run, here.numpy(), weights, statistics)[0]).to(image.device)

    def _with(self, statistics: Array) -> Run:
        """The graph into which these statistics are folded."""
        assert self._model is not None  # asked before
        key = statistics.tobytes()
        with self._lock:
            if key not in self._folded:
                from ..export.fixed_norms import folded

                self._folded[key] = self._open(folded(self._model, statistics), keep_memory=True)
            self._folded.move_to_end(key)
            while len(self._folded) > KEPT_PICTURES:
                self._folded.popitem(last=False)
            return self._folded[key]

    def _weights(self, blend: Array | None) -> Array:
        return np.eye(len(self.style_gram), dtype=np.float32)[0] if blend is None else blend

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure the statistics of the norms on a picture, or on parts of one, (N, 3, H, W): (2, T)."""
        if not is_one_blend(blend):
            return self._in_torch(PER_PIXEL).measure(image, blend)
        if self._channels:  # of one at a time
            parts = [self._checked(self._run, one[None], blend, None)[1] for one in image]
            return merge(np.concatenate([np.ones_like(part[:1]), part]) for part in parts)
        if self._model is None:
            return self._in_torch(TILES).measure(image, blend)
        return self._checked(self._measure(), image, blend, None)[0]

    def _measure(self) -> Run:
        """The graph that measures."""
        assert self._model is not None  # asked before
        with self._lock:
            if self._measuring is None:
                from ..export.fixed_norms import measuring

                self._measuring = self._open(measuring(self._model), keep_memory=False)
            return self._measuring

    def measure_tiles(self, *arguments: Any, **named: Any) -> Array:
        """Measure them on a picture of which only tiles are run, as `Engine.measure_tiles`."""
        return self._in_torch(EXACT).measure_tiles(*arguments, **named)

    def _checked(self, run: Run, image: Array, weights: Array, statistics: Array | None) -> list[Array]:
        self._check_size(*image.shape[2:])
        with self._plain_errors():
            inputs = {"image": np.ascontiguousarray(image, np.float32), **self._inputs(weights, len(image), statistics)}
            return run(inputs)

    def _check_size(self, height: int, width: int) -> None:
        """Raise FastStyleError for a picture of another size than the one that the file was exported for."""
        if self._size and self._size != (height, width):
            made_for = f"{self._size[1]}x{self._size[0]}"
            raise FastStyleError(
                f"this file was exported for pictures of {made_for}, not {width}x{height}; use the checkpoint"
            )

    def _inputs(self, weights: Array, count: int, statistics: Array | None = None) -> dict[str, Array]:
        """What a graph takes beside `count` pictures."""
        inputs = {}
        if len(weights) > 1:
            inputs["blend"] = np.tile(weights.astype(np.float32), (count, 1))
        if self._channels:
            own = np.full((2, self._channels), -1, np.float32)  # a negative variance asks for the picture's own
            inputs["statistics"] = own if statistics is None else statistics.astype(np.float32)
        return inputs

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise FastStyleError("not enough memory for a picture of this size; use a smaller `size`") from error
            raise

    def _in_torch(self, wanted: str) -> "Engine":
        if self._open_torch is None:
            raise FastStyleError(f"an exported model does no {wanted}, or use the checkpoint (.pth)")
        with self._lock:
            if self._torch is None:
                self._torch = self._open_torch()
            return self._torch


def model_of(path: Path, options: RuntimeOptions) -> tuple[Path | bytes, TorchFallback]:
    """Return the ONNX model of a checkpoint and what opens it in torch; of an exported model its path and None.

    Raises FastStyleError for a damaged file.
    """
    if is_exported(path):
        check_digest(path)
        return path, None
    return cache.exported(path, "onnx", onnx_bytes), partial(ENGINES["torch"].open, path, options)


def is_one_blend(weights: Array) -> bool:
    """Return whether a graph takes these weights: the same at every pixel, and of a single style all of it."""
    return weights.ndim == 1 and (len(weights) > 1 or bool(weights[0] == 1))
