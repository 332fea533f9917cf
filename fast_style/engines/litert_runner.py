"""Run LiteRT files of `export`, to compare and time them; as they take one size, this is no engine for pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

Array = NDArray[np.float32]


class LitertRunner:
    """Hold a .tflite file that is ready to run."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """threads: by default as many as LiteRT takes. Raises FastStyleError when its package is missing."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise FastStyleError('LiteRT is not installed: pip install "fast_style[mobile]"') from error
        self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
        self._run: Any = self._interpreter.get_signature_runner("serving_default")

    def __call__(self, image: Array, blend: Array | None = None) -> Array:
        """Stylize RGB (1, 3, H, W) float32 in [0, 1], to the same; blend: (S,), where the file has several styles."""
        inputs = {"image": np.ascontiguousarray(image.transpose(0, 2, 3, 1))}
        if "blend" in self._run.get_input_details():
            assert blend is not None
            inputs["blend"] = blend[None].astype(np.float32)
        painted: Array = self._run(**inputs)["stylized"]
        return painted.transpose(0, 3, 1, 2)
