"""Everything that changes while training: weights, average, optimizer, counters; and its resume file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FastStyleError
from ..models.tensor_files import load_tensors
from ..models.transformer import TransformerNetwork
from ..options import TrainOptions
from ..system.atomic import atomic_path
from .optimizers import Muon

OPTIMIZERS = {"muon": Muon, "adam": torch.optim.Adam}


@dataclass
class TrainingState:
    """The state after `step` steps; saved whole, so that a resumed run is the uninterrupted run."""

    network: TransformerNetwork
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    """Exponential moving average of the weights, float32."""
    step: int = 0
    before: int = 0
    """Steps that the network of --init had been trained for, as far as its file told."""
    samples: int = 0
    """Index of the next sample of the dataset."""
    elapsed_s: float = 0.0
    """Training time over all runs."""
    bad_files: list[str] = field(default_factory=list)
    recent: list[dict[str, float]] = field(default_factory=list)
    """Loss terms of the last steps, the latest last."""

    @classmethod
    def begin(cls, network: TransformerNetwork, options: TrainOptions, bad_files: list[str]) -> "TrainingState":
        """Before the first step."""
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        optimizer = OPTIMIZERS[options.optimizer](trained, lr=options.learning_rate)
        average = {name: parameter.detach().clone().float() for name, parameter in network.named_parameters()}
        return cls(network, optimizer, average, bad_files=bad_files)

    @torch.no_grad()
    def average_weights(self, decay: float) -> None:
        """One step of the moving average; short memory at first, so that the random start is soon forgotten."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        weights = [parameter.float() for parameter in self.network.parameters()]
        torch._foreach_lerp_(list(self.average.values()), weights, 1 - decay)

    def save(self, path: Path, recipe: dict[str, Any]) -> None:
        """Write the resume file atomically; `recipe` is what has to agree when it is read again."""
        content = {
            "recipe": recipe,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "counters": [self.step, self.samples, self.elapsed_s, self.before],
            "bad_files": self.bad_files,
            "recent": self.recent,
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def load(self, path: Path, recipe: dict[str, Any]) -> None:
        """Continue from a resume file. Raises FastStyleError when there is none or its recipe was another one."""
        if not path.exists():
            raise FastStyleError(f"{path}: nothing to resume; leave --resume out to start")
        content = load_tensors(path)
        if not isinstance(content, dict) or not {"recipe", "network", "optimizer", "average"} <= content.keys():
            raise FastStyleError(f"{path}: not a resume file of this program")
        changed = [key.replace("_", "-") for key in recipe if content["recipe"].get(key) != recipe[key]]
        if changed:
            raise FastStyleError(f"{path} was made with other values of {', '.join(changed)}; --resume needs the same")
        self.network.load_state_dict(content["network"])
        self.optimizer.load_state_dict(content["optimizer"])
        for key, value in content["average"].items():
            self.average[key].copy_(value)
        self.step, self.samples, self.elapsed_s, self.before = content["counters"]
        self.bad_files, self.recent = content["bad_files"], content["recent"]
