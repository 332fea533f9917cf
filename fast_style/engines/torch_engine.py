"""Run networks in PyTorch: any device, every checkpoint."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import FastStyleError
from ..models import checkpoint
from ..models.checkpoint_file import no_predictor
from ..models.layers import pad_to_smallest
from ..models.norms import Statistics, fit, own_statistics
from ..options import RuntimeOptions
from ..system.hardware import DTYPES, compiled, pick_device, pick_dtype
from .memory import default_bytes
from .tile_statistics import FixedStatistics, Part, RecordingStatistics, measure_exactly
from .tiling import Box, Tile
from .transfers import download, own_stream, upload

Array = NDArray[np.float32]
log = logging.getLogger(__name__)

# Calls in a row with pictures of one shape after which the network is compiled for it, a film's or a camera's, and
# where that pays: other devices have engines of their own.
COMPILE_AFTER_CALLS, COMPILES_FOR = 24, ("cuda",)
# Measured on CPUs, where it is 820 to 1000 bytes at width 32, in bf16 and in float32.
BYTES_PER_PX_AND_CHANNEL = 32


def open_engine(path: Path, options: RuntimeOptions) -> "TorchEngine":
    """Open a checkpoint; see `registry.Entry.open`."""
    return TorchEngine(path, options)


def devices() -> dict[str, str]:
    """Return the devices that torch finds here, by name, each with what it is."""
    found = {"cpu": torch.backends.cpu.get_cpu_capability()}
    found |= {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    return found | ({"mps": "Metal"} if torch.backends.mps.is_available() else {})


class TorchEngine:
    """Run the network as a torch module where and how the options say, or with less when memory is short.

    Threads may share it.
    """

    def __init__(self, path: Path, options: RuntimeOptions = RuntimeOptions()) -> None:
        loaded = self._checkpoint = checkpoint.load(path)
        self.info: dict[str, Any] = loaded.describe()
        self.device = pick_device(options.device)
        self.dtype = _pick_dtype(options.precision, self.device)
        # In its layout before it moves: what a GPU did to it would not be waited for by the streams of other threads.
        network = loaded.network().requires_grad_(False).to(memory_format=torch.channels_last)
        self.network = network.to(self.device)
        self.style_gram = network.style_gram()
        self.stride, self.reach_px = self.network.stride, self.network.reach_px
        self.bytes_per_px = BYTES_PER_PX_AND_CHANNEL * loaded.model.largest_channels
        self.measures_tiles = True
        # A GPU copies one frame while it paints another.
        self.concurrency = 2 if self.device.type == "cuda" else 1
        self._lock = threading.Lock()
        self._compiled: Callable[..., Tensor] | None = None
        self._shape: tuple[int, ...] = ()
        self._calls = 0

    @property
    def memory_bytes(self) -> int:
        """Return the memory that a run may take where the user names none."""
        if self.device.type != "cuda":
            return default_bytes()
        free, _ = torch.cuda.mem_get_info(self.device)
        return int(0.7 * (free + torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)))

    def __call__(self, image: Any, blend: Array | None = None, statistics: Array | None = None) -> Any:
        """Stylize RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone. statistics: (2, T),
        mean and variance of every channel of every norm in order, of the picture that this is a part of.
        """
        if isinstance(image, np.ndarray):
            with own_stream(self.device):
                return self(_tensor(image), blend, statistics).numpy()
        return self._run(image, blend, lambda: own_statistics if statistics is None else FixedStatistics(statistics))

    @torch.no_grad()
    def frame(self, pixels: NDArray[np.uint8], blend: Array | None = None) -> NDArray[np.uint8]:
        """Stylize a frame as `FrameEngine.frame`; only bytes go to the device and come back."""
        with own_stream(self.device):
            there = upload(
                torch.from_numpy(np.array(pixels)), self.device
            )  # a copy: Pillow lends pixels that must not change
            out = self(there.permute(2, 0, 1)[None].float() / 255, blend)
            rounded = (out[0] * 255 + 0.5).byte().permute(1, 2, 0).contiguous()
            return download(rounded, torch.device("cpu")).numpy()

    @torch.no_grad()
    def predict_blend(self, painting: Array) -> Array:
        """Predict the blend that paints like a painting, as `Engine.predict_blend`."""
        if self.network.predictor is None:
            raise no_predictor()
        predicted: Array = self.network.predictor(_tensor(painting).to(self.device))[0].float().cpu().numpy()
        return predicted

    def measure(self, image: Array, blend: Array) -> Array:
        """Measure the statistics of the norms on a picture, or on parts of one, (N, 3, H, W): (2, T).

        blend: as in `__call__`, or (N, S, H, W), each part's own.
        """
        recordings: list[RecordingStatistics] = []

        def start() -> Statistics:
            recordings.append(RecordingStatistics())
            return recordings[-1]

        self._run(_tensor(image), blend, start)
        return recordings[-1].result()

    @torch.no_grad()
    def measure_tiles(
        self,
        tiles: Sequence[Tile],
        image: Callable[[Box], Array],
        blend: Callable[[Box], Array],
        tick: Callable[[int], None] = lambda of: None,
    ) -> Array:
        """Measure them exactly on a picture of which only tiles are run. image, blend: return those of a part of it.

        tick: called each time that a tile goes through a part of the network, with how often that will be.
        """
        parts, norms = self.network.parts(), self.network.norms()
        # Every tile goes through each part once for each norm, and, but for the last part, once for the next one.
        runs = len(tiles) * (len(norms) + len(parts) - 1)

        def picture(tile: Tile) -> Tensor:
            tensor = _tensor(image(tile.window)).to(self.device, memory_format=torch.channels_last)
            return pad_to_smallest(tensor)

        def bound(part: Callable[..., Tensor]) -> Part:
            def run(x: Tensor, tile: Tile, statistics: FixedStatistics) -> Tensor:
                tick(runs)
                weights = _tensor(blend(tile.window)).to(self.device)
                weights = fit(weights[None], *tile.window.size) if weights.ndim == 3 else weights[None, :, None, None]
                with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                    return part(x, weights, statistics)

            return run

        channels = sum(norm.channels for norm in norms.values())
        return measure_exactly([bound(part) for part in parts], tiles, picture, channels)

    @torch.no_grad()
    def _run(self, image: Tensor, blend: Array | None, start: Callable[[], Statistics]) -> Tensor:
        """start: makes what the norms get their statistics from, anew for each try."""
        device, dtype = self.device, self.dtype
        while True:
            try:
                return self._forward(image, blend, start(), device, dtype)
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                device, dtype = _less(device, dtype, error)

    def _forward(
        self, image: Tensor, blend: Array | None, statistics: Statistics, device: torch.device, dtype: torch.dtype
    ) -> Tensor:
        x = upload(image, device).to(torch.float32, memory_format=torch.channels_last)
        weights = None if blend is None else _tensor(blend).to(device)
        if weights is not None and weights.ndim != 4:
            weights = weights.expand(len(x), *weights.shape)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            if device != self.device:  # for want of memory; the next picture may fit again
                out = self._checkpoint.network().to(device)(x, weights, statistics)
            elif statistics is own_statistics and self.device.type in COMPILES_FOR:
                with self._lock:  # torch.compile is not made for several threads
                    out = self._for(tuple(x.shape))(x, weights, statistics)
            else:
                out = self.network(x, weights, statistics)
        return download(out.clamp_(0, 1).contiguous(), image.device)

    def _for(self, shape: tuple[int, ...]) -> Callable[..., Tensor]:
        """The network, compiled when pictures of this shape have come for long enough."""
        self._calls = self._calls + 1 if shape == self._shape else 1
        self._shape = shape
        if self._calls <= COMPILE_AFTER_CALLS:
            return self.network
        if self._compiled is None:
            self._compiled = compiled(self.network, self.device, "painting")
        return self._compiled


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _is_out_of_memory(error: Exception) -> bool:
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _less(device: torch.device, dtype: torch.dtype, error: Exception) -> tuple[torch.device, torch.dtype]:
    """Half precision instead of float32, then the CPU; raises FastStyleError when that was not enough."""
    if device.type == "cpu":
        raise FastStyleError("not enough memory for a picture of this size; use a smaller `size`") from error
    if dtype == torch.float32:
        dtype = torch.float16
    else:
        device, dtype = torch.device("cpu"), _pick_dtype("auto", torch.device("cpu"))
    kind = next(name for name, known in DTYPES.items() if known == dtype)
    log.warning("out of GPU memory: this picture continues on %s in %s", device.type, kind)
    return device, dtype


def _pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "int8":
        raise FastStyleError("the torch engine has no int8; use `precision` bf16, fp16, fp32 or auto")
    if precision != "auto" and precision not in DTYPES:
        raise FastStyleError(f"unknown precision {precision!r}; choose auto, {', '.join(DTYPES)}")
    return torch.float16 if precision == "auto" and device.type == "cuda" else pick_dtype(precision, device)
