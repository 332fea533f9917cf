"""PyTorch: any device, every checkpoint."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import checkpoint
from ..errors import FastStyleError
from ..hardware import DTYPES, has_fast_bf16, pick_device
from ..options import RuntimeOptions


class TorchEngine:
    """The network as a torch module; runs where and how the options say, or with less when memory is short."""

    def __init__(self, path: Path, options: RuntimeOptions = RuntimeOptions()) -> None:
        loaded = checkpoint.load(path)
        self.info: dict[str, Any] = loaded.describe()
        self.network = loaded.network().requires_grad_(False)
        self.dots = loaded.dots()
        self.device = pick_device(options.device)
        self.dtype = _pick_dtype(options.precision, self.device)

    def __call__(self, image: Any, blend: NDArray[np.float32] | None = None) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range.

        blend: (S,) weights of the styles, or (S, H, W) per pixel; by default the first style alone.
        """
        weights = None if blend is None else torch.from_numpy(np.ascontiguousarray(blend))
        if isinstance(image, np.ndarray):
            return self._run(torch.from_numpy(np.ascontiguousarray(image)), weights).numpy()
        return self._run(image, weights)

    @torch.no_grad()
    def _run(self, image: Tensor, blend: Tensor | None) -> Tensor:
        device, dtype = self.device, self.dtype
        while True:
            try:
                return self._forward(image, blend, device, dtype)
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                device, dtype = _less(device, dtype, error)

    def _forward(self, image: Tensor, blend: Tensor | None, device: torch.device, dtype: torch.dtype) -> Tensor:
        network = self.network.to(device).to(memory_format=torch.channels_last)
        x = image.to(device, torch.float32, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            out = network(x, None if blend is None else blend.to(device).expand(len(x), *blend.shape))
        return out.clamp_(0, 1).to(image.device).contiguous()


def _is_out_of_memory(error: Exception) -> bool:
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _less(device: torch.device, dtype: torch.dtype, error: Exception) -> tuple[torch.device, torch.dtype]:
    """Half precision instead of float32, then the CPU; raises FastStyleError when that was not enough."""
    if device.type == "cpu":
        raise FastStyleError("not enough memory for a picture of this size; use a smaller --size") from error
    if dtype == torch.float32:
        dtype = torch.float16
    else:
        device, dtype = torch.device("cpu"), _pick_dtype("auto", torch.device("cpu"))
    kind = next(name for name, known in DTYPES.items() if known == dtype)
    warnings.warn(f"out of GPU memory: this picture continues on {device.type} in {kind}", stacklevel=2)
    return device, dtype


def _pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    if precision == "int8":
        raise FastStyleError("the torch engine has no int8; use --precision bf16, fp16, fp32 or auto")
    if precision in DTYPES:
        return DTYPES[precision]
    if precision != "auto":
        raise FastStyleError(f"unknown precision {precision!r}; choose auto, {', '.join(DTYPES)}")
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if has_fast_bf16(device) else torch.float32
