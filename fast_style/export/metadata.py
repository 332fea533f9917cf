"""Read and write the metadata of exported models: one JSON text inside the file, under one key."""

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
    """Hold the checkpoint's description, and what blends and tiles have to know."""

    info: dict[str, Any]
    """Model, styles, training, as the checkpoint describes itself."""
    style_gram: NDArray[np.floating]
    """(S, S) inner products of the styles' rows of scales and shifts."""
    stride: int
    """Tiles start on multiples of this many px."""
    reach_px: int
    """How far from a pixel the input may lie that changes it, apart from the norms' statistics."""
    size: tuple[int, int] | None = None
    """Height and width of the pictures that it takes, where it takes one size alone."""

    def to_json(self) -> str:
        """Return the text that is kept inside the exported file."""
        return json.dumps({"format": FORMAT, **vars(self), "style_gram": self.style_gram.tolist()})

    @classmethod
    def from_json(cls, text: str | None, name: str = "this model") -> "Metadata":
        """Read what `to_json` wrote.

        Raises FastStyleError for any other text, as in models that something else exported.
        """
        try:
            content = json.loads(text or "")
            if content["format"] != FORMAT:
                raise FastStyleError(f"{name}: made by another version of fast_style; export it again")
            gram = content["style_gram"] if "style_gram" in content else content["dots"]  # until version 0.1
            size = tuple(content["size"]) if content.get("size") else None
            return cls(content["info"], np.asarray(gram, np.float64), content["stride"], content["reach_px"], size)
        except (KeyError, TypeError, ValueError) as error:
            raise FastStyleError(f"{name}: not exported by fast_style; use `fast-style export`") from error
