"""What an exported model says of itself: one JSON text inside the file, under one key."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError

# In ONNX a metadata property, in OpenVINO IR an entry of rt_info.
KEY = "fast_style"
FORMAT = 1


@dataclass(frozen=True)
class Metadata:
    """The checkpoint's own description, and the what blends and tiles have to know."""

    info: dict[str, Any]
    """Model, styles, training, as the checkpoint describes itself."""
    dots: NDArray[np.floating]
    """(S, S) inner products of the styles' rows of scales and shifts."""
    stride: int
    """Tiles start on multiples of this many px."""
    reach_px: int
    """How far from a pixel the input may lie that changes it, apart from the norms' statistics."""

    def to_json(self) -> str:
        """The text that travels inside the exported file."""
        return json.dumps({"format": FORMAT, **vars(self), "dots": self.dots.tolist()})

    @classmethod
    def from_json(cls, text: str | None, name: str = "this model") -> "Metadata":
        """Raises FastStyleError for a text that is not ours, as in a model that was exported by something else."""
        try:
            content = json.loads(text or "")
            if content["format"] != FORMAT:
                raise FastStyleError(f"{name}: made by another version of fast_style; export it again")
            return cls(content["info"], np.asarray(content["dots"], np.float64), content["stride"], content["reach_px"])
        except (KeyError, TypeError, ValueError) as error:
            raise FastStyleError(f"{name}: not exported by fast_style; use `fast-style export`") from error
