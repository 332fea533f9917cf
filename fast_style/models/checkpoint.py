"""Write self-describing checkpoint files, plain types only, and make networks of torch of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FastStyleError
from . import int8_weights
from .architectures import build
from .bundled import find, shipped
from .checkpoint_file import FORMAT, FORMAT_INT8, CheckpointFile, Description, misfit, read
from .johnson import TransformerNetwork
from .tensor_files import save_tensors

__all__ = ["FORMAT", "Checkpoint", "find", "load", "of_file", "shipped"]


@dataclass(frozen=True)
class Checkpoint(Description):
    """Hold a trained network and its description."""

    weights: Mapping[str, Tensor]
    int8: bool = False
    """Whether the file it was read from keeps its kernels in 8 bits."""

    def network(self) -> TransformerNetwork:
        """Build the network in float32, in evaluation mode. Raises FastStyleError when the weights do not fit."""
        try:
            self._check_size()
            network = build(self.model)
            network.load_state_dict({key: value.float() for key, value in self.weights.items()})
        except (RuntimeError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise misfit(self.model) from error
        return network.eval()

    def _check_size(self) -> None:
        """Refuse a network that is larger than its weights before memory is taken for it. Raises ValueError."""
        largest = max((max(value.shape, default=0) for value in self.weights.values()), default=0)
        # Width and styles are sizes of dimensions; every block has tensors of its own.
        if max(self.model.width, self.model.styles) > largest or self.model.blocks > len(self.weights):
            raise ValueError("the network is larger than its weights")

    def save(self, path: Path, dtype: torch.dtype | None = torch.float16) -> None:
        """Write the file atomically, as safetensors where the suffix says so, else as torch.save does.

        In half precision the default network takes 3.4 MB; torch.int8, kernels in 8 bits, 1.7 MB; None keeps what the
        file that it was read from had.
        """
        weights = {key: value.detach().cpu() for key, value in self.weights.items()}
        int8 = dtype is torch.int8 or (dtype is None and self.int8)
        if int8:
            arrays = int8_weights.quantize({key: value.numpy() for key, value in weights.items()})
            weights = {key: torch.from_numpy(value) for key, value in arrays.items()}
        elif dtype:
            weights = {key: value.to(dtype) for key, value in weights.items()}
        version = FORMAT_INT8 if int8 else FORMAT
        save_tensors({"format": version, **self.describe(), "weights": weights}, path)

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
            and all(
                torch.equal(value.detach().cpu().half(), other.weights[key].half())
                for key, value in self.weights.items()
            )
        )


def load(path: Path) -> Checkpoint:
    """Read a checkpoint without running code. Raises FastStyleError for a file that is none or is damaged."""
    return of_file(read(path))


def of_file(file: CheckpointFile) -> Checkpoint:
    """Return a checkpoint with tensors in the place of arrays, over the same memory."""
    weights = {name: torch.from_numpy(value) for name, value in file.weights.items()}
    return Checkpoint(file.model, file.styles, file.training, weights, file.int8)
