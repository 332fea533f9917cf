"""Read and write self-describing checkpoint files: {format, model, styles, training, weights}, plain types only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FastStyleError
from ..options import NetworkOptions
from ..options.checks import check_at_least, check_types
from .architectures import build
from .bundled import find, shipped
from .johnson import TransformerNetwork
from .tensor_files import load_tensors, save_tensors

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
        """Refuse a network that is larger than its weights before memory is taken for it. Raises ValueError."""
        largest = max((max(value.shape, default=0) for value in self.weights.values()), default=0)
        # Width and styles are sizes of dimensions; every block has tensors of its own.
        if max(self.model.width, self.model.styles) > largest or self.model.blocks > len(self.weights):
            raise ValueError("the network is larger than its weights")

    def describe(self) -> dict[str, Any]:
        """Return everything but the weights, as plain types."""
        return {"model": asdict(self.model), "styles": self.styles, "training": self.training}

    def save(self, path: Path, dtype: torch.dtype | None = torch.float16) -> None:
        """Write the file atomically, as safetensors where the suffix says so, else as torch.save does.

        In half precision the default network takes 3.4 MB; dtype None keeps what the weights have.
        """
        weights = {key: value.detach().cpu().to(dtype or value.dtype) for key, value in self.weights.items()}
        save_tensors({"format": FORMAT, **self.describe(), "weights": weights}, path)

    def equals(self, path: Path) -> bool:
        """Return whether a file holds the same network, styles and number of steps, as `save` would write them."""
        try:
            other = load(path)
        except FastStyleError:
            return False
        described = (other.model, other.styles, other.training.get("steps"))
        return (
            (self.model, self.styles, self.training.get("steps")) == described
            and self.weights.keys() == other.weights.keys()
            and all(torch.equal(value.detach().cpu().half(), other.weights[key]) for key, value in self.weights.items())
        )


def load(path: Path) -> Checkpoint:
    """Read a checkpoint without running code. Raises FastStyleError for a file that is none or is damaged."""
    content = load_tensors(path)
    if not is_checkpoint(content):
        raise FastStyleError(
            f"{path}: not a fast_style checkpoint (`fast-style convert` reads those of pytorch/examples)"
        )
    if type(content["format"]) is not int or content["format"] != FORMAT:
        raise FastStyleError(f"{path}: checkpoint format {content['format']!r}; this version reads format {FORMAT}")
    model = _model(path, content["model"])
    weights, styles, training = content["weights"], content.get("styles", []), content.get("training", {})
    if not _is_state_dict(weights):
        raise FastStyleError(f"{path}: the weights do not fit: no tensors by name: damaged checkpoint?")
    if not _are_styles(styles) or len(styles) > model.styles:
        raise FastStyleError(f"{path}: its styles are not one entry with a name for each: damaged checkpoint?")
    if not isinstance(training, dict) or not all(isinstance(key, str) for key in training):
        raise FastStyleError(f"{path}: its training metadata are not a table by name: damaged checkpoint?")
    return Checkpoint(model, styles, training, weights)


def is_checkpoint(content: Any) -> bool:
    """Return whether the content of a file has the parts of a checkpoint of this project."""
    return isinstance(content, dict) and {"format", "model", "weights"} <= content.keys()


def _model(path: Path, described: Any) -> NetworkOptions:
    known = {field.name for field in fields(NetworkOptions)}
    unknown = set(described) - known if isinstance(described, dict) else {"model"}
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        raise FastStyleError(f"{path}: made by a newer fast_style (unknown: {names}); update")
    model = NetworkOptions(**described)
    try:
        check_types(model)
        check_at_least(model, 1, "width", "styles")
        check_at_least(model, 0, "blocks")
    except FastStyleError as error:
        raise FastStyleError(f"{path}: the weights do not fit its network: {error}: damaged checkpoint?") from error
    return model


def _is_state_dict(weights: Any) -> bool:
    return isinstance(weights, dict) and all(
        isinstance(key, str) and isinstance(value, Tensor) and value.is_floating_point()
        for key, value in weights.items()
    )


def _are_styles(styles: Any) -> bool:
    return isinstance(styles, list) and all(
        isinstance(style, dict)
        and isinstance(style.get("name"), str)
        and all(isinstance(style.get(key, ""), str) for key in ("title", "artist"))
        for style in styles
    )
