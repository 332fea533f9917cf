"""Self-describing checkpoint files: {format, model, styles, training, weights}, plain types and tensors only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import FastStyleError
from ..options import NetworkOptions
from ..system.atomic import atomic_path
from .architectures import build
from .bundled import find, shipped
from .tensor_files import load_tensors
from .transformer import TransformerNetwork

__all__ = ["FORMAT", "Checkpoint", "find", "load", "shipped"]

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and what is known about it."""

    model: NetworkOptions
    styles: list[dict[str, Any]]
    """Per style: name; where known title, artist, sha256 (of each picture)."""
    training: dict[str, Any]
    """Recipe, steps, final losses, library versions."""
    weights: Mapping[str, Tensor]

    def network(self) -> TransformerNetwork:
        """The network in float32, in evaluation mode. Raises FastStyleError when the weights do not fit."""
        try:
            network = build(self.model)
            network.load_state_dict({key: value.float() for key, value in self.weights.items()})
        except (RuntimeError, AttributeError, KeyError, TypeError) as error:
            raise FastStyleError(f"the weights do not fit the network {self.model}: damaged checkpoint?") from error
        return network.eval()

    def describe(self) -> dict[str, Any]:
        """Everything but the weights, as plain types."""
        return {"model": asdict(self.model), "styles": self.styles, "training": self.training}

    def dots(self) -> NDArray[np.floating]:
        """(S, S) inner products of the styles' rows of scales and shifts: the angles that slerp follows."""
        rows = torch.cat([weight for name, weight in self.weights.items() if ".norm." in name], dim=1).double()
        products: NDArray[np.floating] = (rows @ rows.T).cpu().numpy()
        return products

    def save(self, path: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write atomically; in half precision the default network takes 3.4 MB."""
        weights = {key: value.detach().cpu().to(dtype) for key, value in self.weights.items()}
        content = {"format": FORMAT, **self.describe(), "weights": weights}
        with atomic_path(path) as temporary:
            torch.save(content, temporary)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint without running code. Raises FastStyleError for a file that is none of ours."""
    content = load_tensors(path)
    if not isinstance(content, dict) or not {"format", "model", "weights"} <= content.keys():
        raise FastStyleError(
            f"{path}: not a fast_style checkpoint (`fast-style convert` reads those of pytorch/examples)"
        )
    if content["format"] != FORMAT:
        raise FastStyleError(f"{path}: checkpoint format {content['format']}; this version reads format {FORMAT}")
    known = {field.name for field in fields(NetworkOptions)}
    unknown = set(content["model"]) - known if isinstance(content["model"], dict) else {"model"}
    if unknown:
        raise FastStyleError(f"{path}: made by a newer fast_style (unknown: {', '.join(sorted(unknown))}); update")
    model = NetworkOptions(**content["model"])
    return Checkpoint(model, content.get("styles", []), content.get("training", {}), content["weights"])
