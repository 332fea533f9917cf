"""Run ExecuTorch files of `export`, to compare and time them; as they take one size, this is no engine for pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

Array = NDArray[np.float32]


class ExecutorchRunner:
    """Hold a .pte file that is ready to run, on as many threads as ExecuTorch takes."""

    def __init__(self, path: Path) -> None:
        """Raise FastStyleError when its package is missing."""
        try:
            from executorch.runtime import Runtime
        except ImportError as error:
            raise FastStyleError('ExecuTorch is not installed: pip install "fast_style[executorch]"') from error
        self._program: Any = Runtime.get().load_program(path.read_bytes())  # which its methods do not keep alive
        self._method: Any = self._program.load_method("forward")

    def __call__(self, image: Array, blend: Array | None = None) -> Array:
        """Stylize RGB (1, 3, H, W) float32 in [0, 1], to the same; blend: (S,), where the file has several styles."""
        import torch

        inputs = [image]
        if self._method.metadata.num_inputs() > 1:
            assert blend is not None
            inputs.append(blend[None].astype(np.float32))
        (painted,) = self._method.execute([torch.from_numpy(np.ascontiguousarray(each)) for each in inputs])
        result: Array = painted.numpy().copy()  # the next call writes to the same memory
        return result
