"""Describe a training as plain types: settings that a resumed run must share, and the metadata of the checkpoint."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..options import WITHOUT_EFFECT, TrainOptions
from .state import TrainingState


def resume_settings(options: TrainOptions, photos: Sequence[Path]) -> dict[str, Any]:
    """Return by flag what must be the same for a resumed run to be the same run, with a digest of the photographs."""
    nested = asdict(options)
    flat = {k: v for k, v in nested.items() if not isinstance(v, dict)}
    for part in ("style", "data", "loss"):
        flat.update(nested[part])
    names = "\n".join(path.relative_to(options.data.dataset).as_posix() for path in photos)
    settings = _plain({k: v for k, v in flat.items() if k not in WITHOUT_EFFECT})
    return {**settings, "files in the dataset": hashlib.sha256(names.encode()).hexdigest()}


def training_metadata(options: TrainOptions, state: TrainingState) -> dict[str, Any]:
    """Return the checkpoint's entry `training`: recipe, steps, minutes, recent losses, library versions."""
    recent = state.recent
    return {
        "recipe": _plain({**asdict(options), "init": options.init and Path(options.init)}),
        "steps": state.step,
        "steps_in_all": state.before + state.step,
        "minutes": state.elapsed_s / 60,
        "losses": {name: sum(terms[name] for terms in recent) / len(recent) for name in (recent[0] if recent else ())},
        "versions": {name: version(name) for name in ("fast_style", "torch", "torchvision")},
    }


def _plain(value: Any) -> Any:
    """Convert dataclass values to plain types that a checkpoint may hold: paths to file names, tuples to lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
