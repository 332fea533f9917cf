"""PyTorch: any device, every checkpoint."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
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
        self.device = pick_device(options.device)
        self.dtype = _pick_dtype(options.precision, self.device)
        self._place()

    def __call__(self, image: Any) -> Any:
        """RGB (N, 3, H, W) float32 in [0, 1], NumPy array or torch tensor, to the same kind, shape and range."""
        if isinstance(image, np.ndarray):
            return self._run(torch.from_numpy(image)).numpy()
        return self._run(image)

    @torch.inference_mode()
    def _run(self, image: Tensor) -> Tensor:
        while True:
            try:
                return self._forward(image)
            except torch.OutOfMemoryError as error:
                self._use_less(error)

    def _forward(self, image: Tensor) -> Tensor:
        x = image.to(self.device, torch.float32, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            out = self.network(x)
        return out.clamp_(0, 1).to(image.device).contiguous()

    def _use_less(self, error: Exception) -> None:
        """Half precision instead of float32, then the CPU; re-raises as FastStyleError when that was not enough."""
        if self.device.type == "cpu":
            raise FastStyleError("not enough memory for a picture of this size; use a smaller --size") from error
        if self.dtype == torch.float32:
            self.dtype = torch.float16
        else:
            self.device, self.dtype = torch.device("cpu"), _pick_dtype("auto", torch.device("cpu"))
        kind = next(name for name, dtype in DTYPES.items() if dtype == self.dtype)
        warnings.warn(f"out of GPU memory: continuing on {self.device.type} in {kind}", stacklevel=2)
        self._place()

    def _place(self) -> None:
        self.network.to(self.device).to(memory_format=torch.channels_last)


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
