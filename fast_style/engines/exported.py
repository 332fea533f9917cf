"""Implement what engines of other runtimes share: graphs of a checkpoint, arrays in and out, blends, tiles."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..export import Metadata, check_digest, onnx_bytes, predictor_bytes, predictor_file
from ..models.checkpoint_file import no_predictor
from ..options import NetworkOptions, RuntimeOptions
from ..options.network import Precision
from .memory import default_bytes
from .registry import ENGINES, is_exported
from .tiling import merge

if TYPE_CHECKING:
    from . import Engine

Array = NDArray[np.float32]
# Runs a graph: inputs by name to outputs by position.
Run = Callable[[Mapping[str, Array]], list[Array]]
# Opens a graph. keep_memory: whether the next run is to find the memory of the last one.
Open = Callable[[bytes, bool], Run]
PER_PIXEL = "blends that differ from pixel to pixel; do without masks"
EXACT = "exact statistics of tiles; choose `statistics` sampled"
# Graphs with the statistics of a picture folded in that are kept: as many pictures are in work at a time.
KEPT_PICTURES = 2
TILES = "tiles unless exported with `tiles`; for large pictures choose a smaller `size` or more `memory`"


class ExportedEngine(ABC):
    """Run an exported model, or the graph of a checkpoint, in a runtime. Threads may share it.

    A graph takes one blend for each picture. Others are made when they are asked for: of a checkpoint one that takes
    blends per pixel; for the tiles of a larger picture one that measures the statistics of the norms, and one for each
    picture, into which they are folded. A file exported for tiles takes statistics as an input. Exact statistics of
    tiles run in torch, where there is a checkpoint and torch is installed.
    """

    concurrency = 1

    def __init__(
        self,
        metadata: Metadata,
        bytes_per_px_and_channel: int,
        model: Path | bytes,
        channels: int = 0,
        checkpoint: Path | None = None,
        precision: Precision = "fp32",
    ) -> None:
        """model: the ONNX model, or a path. channels: T, of the input `statistics`, 0 without. checkpoint: its file.

        precision: the arithmetic in which torch measures exact statistics of tiles of the checkpoint.
        """
        self.info = metadata.info
        self.style_gram = metadata.style_gram
        self.stride, self.reach_px = metadata.stride, metadata.reach_px
        self._size = metadata.size
        self.bytes_per_px = bytes_per_px_and_channel * NetworkOptions(**self.info["model"]).largest_channels
        self._channels = channels
        is_onnx = isinstance(model, bytes) or model.suffix.lower() == ".onnx"
        self._whole = _Tiles(model, self._open) if is_onnx and not channels else None
        self._precision = precision
        self._checkpoint, self._file = checkpoint, model if isinstance(model, Path) else None
        self._predictor: Run | None = None
        self._per_pixel: tuple[Run, _Tiles] | None = None
        self._torch: Engine | None = None
        self._lock = threading.Lock()

    @property
    def measures_tiles(self) -> bool:
        """Return whether `measure_tiles` can be asked for."""
        return self._checkpoint is not None and ENGINES["torch"].is_installed

    @property
    def memory_bytes(self) -> int:
        """Return the memory that a run may take where the user names none."""
        return default_bytes()

    @abstractmethod
    def _open(self, model: bytes, keep_memory: bool) -> Run:
        """Open another graph, made of this one or of the checkpoint, as `Open`."""

    @abstractmethod
    def _run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """`image` (N, 3, H, W) and what else the graph takes, to `stylized` (N, 3, H, W) and what else it gives."""

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """Stylize RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """
        weights = self._weights(blend)
        run, tiles = self._graphs(weights)
        if statistics is not None and not self._channels:
            run, statistics = _needed(tiles).folded(statistics), None
        if isinstance(image, np.ndarray):
            return self._checked(run, image, weights, statistics)[0]
        here = image.detach().float().cpu()
        return here.new_tensor(self._checked(run, here.numpy(), weights, statistics)[0]).to(image.device)

    def _weights(self, blend: Array | None) -> Array:
        return np.eye(len(self.style_gram), dtype=np.float32)[0] if blend is None else blend

    def _graphs(self, weights: Array) -> "tuple[Run, _Tiles | None]":
        """The graph for such weights, and those for tiles. Raises FastStyleError where there is none."""
        if is_one_blend(weights):
            return self._run, self._whole
        if self._checkpoint is None:
            raise FastStyleError(f"an exported model does no {PER_PIXEL}, or use the checkpoint (.pth)")
        with self._lock:
            if self._per_pixel is None:
                model = onnx_bytes(self._checkpoint, per_pixel=True)
                self._per_pixel = self._open(model, True), _Tiles(model, self._open)
            return self._per_pixel

    def predict_blend(self, painting: Array) -> Array:
        """Predict the blend that paints like a painting, as `Engine.predict_blend`.

        An exported model needs the file of its predictor beside it, which is exported with it.
        """
        with self._lock:
            if self._predictor is None:
                self._predictor = self._open(self._predictor_model(), False)
        return self._predictor({"image": np.ascontiguousarray(painting, np.float32)})[0][0].copy()

    def _predictor_model(self) -> bytes:
        if self._checkpoint:
            return predictor_bytes(self._checkpoint)
        if self._file is None or not self.info["model"].get("predictor"):
            raise no_predictor()
        beside = predictor_file(self._file)
        if not beside.is_file():
            raise FastStyleError(
                f"{beside}: no such file; it is exported with the model, and says how to paint like a picture"
            )
        return beside.read_bytes()

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure the statistics of the norms on a picture, or on parts of one, (N, 3, H, W): (2, T).

        blend: as in `__call__`, or (N, S, H, W), each part's own.
        """
        run, tiles = self._graphs(blend)
        if self._channels:  # of one at a time
            parts = [self._checked(run, one[None], blend, None)[1] for one in image]
            return merge(np.concatenate([np.ones_like(part[:1]), part]) for part in parts)
        return self._checked(_needed(tiles).measuring(), image, blend, None)[0]

    def measure_tiles(self, *arguments: Any, **named: Any) -> Array:
        """Measure them on a picture of which only tiles are run, as `Engine.measure_tiles`."""
        if self._checkpoint is None:
            raise FastStyleError(f"an exported model does no {EXACT}, or use the checkpoint (.pth)")
        if not self.measures_tiles:
            raise FastStyleError(f"without torch there are no {EXACT}, or install torch")
        with self._lock:
            if self._torch is None:
                self._torch = ENGINES["torch"].open(self._checkpoint, RuntimeOptions("cpu", precision=self._precision))
        return self._torch.measure_tiles(*arguments, **named)

    def _checked(self, run: Run, image: Array, weights: Array, statistics: Array | None) -> list[Array]:
        self._check_size(*image.shape[2:])
        with self._plain_errors():
            inputs = {
                "image": np.ascontiguousarray(image, np.float32),
                **self._inputs(weights, image.shape, statistics),
            }
            return run(inputs)

    def _check_size(self, height: int, width: int) -> None:
        """Raise FastStyleError for a picture of another size than the one that the file was exported for."""
        if self._size and self._size != (height, width):
            made_for = f"{self._size[1]}x{self._size[0]}"
            raise FastStyleError(
                f"this file was exported for pictures of {made_for}, not {width}x{height}; use the checkpoint"
            )

    def _inputs(self, weights: Array, shape: tuple[int, ...], statistics: Array | None = None) -> dict[str, Array]:
        """What a graph takes beside pictures of that shape, (N, 3, H, W)."""
        inputs = {}
        if not is_one_blend(weights):
            each = weights[:, None, None] if weights.ndim == 1 else weights
            maps = np.broadcast_to(each, (shape[0], each.shape[-3], *shape[2:]))
            inputs["blend"] = np.ascontiguousarray(maps, np.float32)
        elif len(weights) > 1:
            inputs["blend"] = np.tile(weights.astype(np.float32), (shape[0], 1))
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


class _Tiles:
    """Open what tiles need of a graph, when it is first asked for."""

    def __init__(self, model: Path | bytes, open_: Open) -> None:
        self._model, self._open = model, open_
        self._measuring: Run | None = None
        self._folded: OrderedDict[bytes, Run] = OrderedDict()
        self._lock = threading.Lock()

    def measuring(self) -> Run:
        """Return the graph that measures the statistics of a batch."""
        with self._lock:
            if self._measuring is None:
                from ..export.fixed_norms import measuring

                self._measuring = self._open(measuring(self._model), False)
            return self._measuring

    def folded(self, statistics: Array) -> Run:
        """Return the graph into which these statistics are folded."""
        key = statistics.tobytes()
        with self._lock:
            if key not in self._folded:
                from ..export.fixed_norms import folded

                self._folded[key] = self._open(folded(self._model, statistics), True)
            self._folded.move_to_end(key)
            while len(self._folded) > KEPT_PICTURES:
                self._folded.popitem(last=False)
            return self._folded[key]


def _needed(tiles: _Tiles | None) -> _Tiles:
    """Return the graphs for tiles. Raises FastStyleError where the model has none."""
    if tiles is None:
        raise FastStyleError(f"an exported model does no {TILES}, or use the checkpoint (.pth)")
    return tiles


def model_of(path: Path) -> tuple[Path | bytes, Path | None]:
    """Return the ONNX model of a checkpoint, and its path; of an exported model its path and None.

    Raises FastStyleError for a damaged file.
    """
    if is_exported(path):
        check_digest(path)
        return path, None
    return onnx_bytes(path), path


def is_one_blend(weights: Array) -> bool:
    """Return whether a graph takes these weights: the same at every pixel, and of a single style all of it."""
    return weights.ndim == 1 and (len(weights) > 1 or bool(weights[0] == 1))
