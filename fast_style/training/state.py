"""Hold everything that changes while training (weights, average, optimizer, counters), and its resume file."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FastStyleError
from ..models.tensor_files import load_tensors, save_tensors
from ..options import AdversarialOptions

PARTS = {"network", "optimizer", "average", "counters", "bad_files", "recent"}
"""Entries of a state's content."""
ADJUSTABLE = frozenset({"learning_rate", "clip", "precision"})
"""Settings that may change when a diverged training is resumed."""
LENGTH = frozenset({"minutes", "steps"})
"""Settings that say how long a training lasts."""
ADDED: dict[str, Any] = {
    "any_style": False,
    "color_patches_weight": 0.0,
    "noise_share": 0.0,
    "style_pyramid": 1,
    "style_by_region": False,
    "init_share": 0.0,
    "keep_grain": False,
    **asdict(AdversarialOptions()),
}
"""Settings that older resume files lack, and the values that say what those trainings did."""


@dataclass
class TrainingState:
    """Hold the state after `step` steps; a run resumed from it equals the uninterrupted run."""

    network: nn.Module
    """Everything that is trained, and what it remembers beside its weights."""
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    """Exponential moving average of the weights, float32."""
    step: int = 0
    before: int = 0
    """Steps that the network of --init had been trained for, as far as its file tells."""
    samples: int = 0
    """Index of the next sample of the dataset."""
    elapsed_s: float = 0.0
    """Training time over all runs."""
    bad_files: list[str] = field(default_factory=list)
    recent: list[dict[str, float]] = field(default_factory=list)
    """Loss terms of the last steps, the latest last."""

    @classmethod
    def begin(
        cls, network: nn.Module, optimizer: torch.optim.Optimizer, bad_files: Sequence[str] = ()
    ) -> "TrainingState":
        """Make the state before the first step."""
        average = {name: parameter.detach().clone().float() for name, parameter in network.named_parameters()}
        return cls(network, optimizer, average, bad_files=list(bad_files))

    @torch.no_grad()
    def average_weights(self, decay: float) -> None:
        """Update the moving average; its memory is short at first, so that the random start is soon forgotten."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        weights = [parameter.float() for parameter in self.network.parameters()]
        torch._foreach_lerp_(list(self.average.values()), weights, 1 - decay)

    def is_finite(self) -> bool:
        """Return whether all weights are finite, the averaged ones in half precision too, in which they are saved."""
        tensors = [*self.network.parameters(), *(value.half() for value in self.average.values())]
        return bool(torch.stack([value.isfinite().all() for value in tensors]).all())

    def content(self) -> dict[str, Any]:
        """Return the state as tensors and plain types, which share memory with it."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "counters": [self.step, self.samples, self.elapsed_s, self.before],
            "bad_files": self.bad_files,
            "recent": self.recent,
        }

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the content."""
        return copy.deepcopy(self.content())

    def restore(self, content: Mapping[str, Any]) -> None:
        """Return to a state by its content. Raises an exception of any kind for content of another network."""
        self.network.load_state_dict(content["network"])
        # What an optimizer is made with follows from the settings, which agree; its rate from the schedule.
        saved, own = content["optimizer"], self.optimizer.state_dict()["param_groups"]
        groups = [{**mine, "params": its["params"]} for mine, its in zip(own, saved["param_groups"], strict=True)]
        self.optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})
        if content["average"].keys() != self.average.keys():
            raise KeyError("average")
        for key, value in content["average"].items():
            self.average[key].copy_(value)
        step, samples, elapsed_s, before = content["counters"]
        self.step, self.samples, self.elapsed_s, self.before = int(step), int(samples), float(elapsed_s), int(before)
        self.bad_files = [str(path) for path in content["bad_files"]]
        self.recent = [{str(k): float(v) for k, v in terms.items()} for terms in content["recent"]]

    def save(self, path: Path, settings: Mapping[str, Any], diverged: bool = False) -> None:
        """Write the resume file atomically.

        settings: what has to agree when it is read again. diverged: whether the training broke down after this state,
        so that it may be resumed with other ADJUSTABLE settings.
        """
        save_tensors({"recipe": dict(settings), "diverged": diverged, **self.content()}, path)

    def load(self, path: Path, settings: Mapping[str, Any], further: str = "") -> None:
        """Continue from a resume file.

        further: what to do instead, for the message where it was made for another length of training.

        Raises FastStyleError when there is none, when it is damaged, or when it was made with other settings.
        """
        if not path.exists():
            raise FastStyleError(f"{path}: nothing to resume; leave `resume` out to start")
        content = load_tensors(path)
        if not isinstance(content, dict) or not {"recipe", *PARTS} <= content.keys():
            raise FastStyleError(f"{path}: not a resume file of this program")
        saved = {**ADDED, **content["recipe"]} if isinstance(content["recipe"], dict) else {}
        may_differ = ADJUSTABLE if content.get("diverged") is True else frozenset()
        changed = [key for key in settings if key not in may_differ and saved.get(key) != settings[key]]
        if changed:
            names = ", ".join(named(key, saved.get(key)) for key in changed)
            instead = f"; {further}" if further and LENGTH & set(changed) else ""
            raise FastStyleError(f"{path} was made with other values of {names}; `resume` needs the same{instead}")
        try:
            self.restore(content)
            _try_a_step(self.optimizer)
        except Exception as error:  # of any kind: the types inside a damaged file may be any
            raise FastStyleError(f"{path}: damaged resume file; start again with `overwrite`") from error


def _try_a_step(optimizer: torch.optim.Optimizer) -> None:
    """Step with a copy. Raises an exception of any kind where its state is not what such an optimizer keeps."""
    trial = copy.deepcopy(optimizer)
    for group in trial.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    trial.step()


def named(key: str, value: Any = None) -> str:
    """Name a setting by its argument, with its value where that is a number."""
    name = f"`{key}`" if key.isidentifier() else key
    return f"{name} ({value:g})" if isinstance(value, int | float) else name
