"""Read and write self-describing checkpoint files: {format, model, styles, training, weights}, plain types only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FastStyleError
from ..options import NetworkOptions
from .architectures import build
from .bundled import find, shipped
from .tensor_files import load_tensors, save_tensors
from .transformer import TransformerNetwork

__all__ = ["FORMAT", "Checkpoint", "find", "load", "shipped"]

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """Hold a trained network and its description."""

    model: NetworkOptions
    styles: list[dict[str, Any]]
    """Per style: name; where known title, artist, sha256 (of each picture)."""
    training: dict[str, Any]
    """Recipe, steps, final losses, library versions."""
    weights: Mapping[str, Tensor]

    def network(self) -> TransformerNetwork:
        """Build the network in float32, in evaluation mode. Raises FastStyleError when the weights do not fit."""
        try:
            self._check_size()
            network = build(self.model)
            network.load_state_dict({key: value.float() for key, value in self.weights.items()})
        except (RuntimeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise FastStyleError(f"the weights do not fit the network {self.model}: damaged checkpoint?") from error
        return network.eval()

    def _check_size(self) -> None:
        """Refuse a network larger than the weights before any memory is taken for it; raises ValueError."""
        largest = max((max(value.shape, default=0) for value in self.weights.values()), default=0)
        # A block has several tensors of its own; width and styles are sizes of dimensions.
        if max(self.model.width, self.model.styles) > largest or self.model.blocks > len(self.weights):
            raise ValueError("the network is larger than its weights")

    def describe(self) -> dict[str, Any]:
        """Return everything but the weights, as plain types."""
        return {"model": asdict(self.model), "styles": self.styles, "training": self.training}

    def save(self, path: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write the file atomically; in half precision the default network takes 3.4 MB."""
        weights = {key: value.detach().cpu().to(dtype) for key, value in self.weights.items()}
        save_tensors({"format": FORMAT, **self.describe(), "weights": weights}, path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint without running code. Raises FastStyleError for a file that is none or is damaged."""
    content = load_tensors(path)
    if not isinstance(content, dict) or not {"format", "model", "weights"} <= content.keys():
        raise FastStyleError(
            f"{path}: not a fast_style checkpoint (`fast-style convert` reads those of pytorch/examples)"
        )
    if content["format"] != FORMAT:
        raise FastStyleError(f"{path}: checkpoint format {content['format']}; this version reads format {FORMAT}")
    model = _model(path, content["model"])
    return Checkpoint(model, content.get("styles", []), content.get("training", {}), content["weights"])


def _model(path: Path, described: Any) -> NetworkOptions:
    known = {field.name for field in fields(NetworkOptions)}
    unknown = set(described) - known if isinstance(described, dict) else {"model"}
    if unknown:
        raise FastStyleError(f"{path}: made by a newer fast_style (unknown: {', '.join(sorted(unknown))}); update")
    return NetworkOptions(**described)
