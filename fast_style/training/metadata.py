"""What a training was asked for and how it went, as plain types: for the resume file and for the checkpoint."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..options import WITHOUT_EFFECT, TrainOptions
from .state import TrainingState


def recipe(options: TrainOptions, photos: Sequence[Path]) -> dict[str, Any]:
    """By flag, what has to be the same for a resumed run to be the same run; the photographs among it."""
    nested = asdict(options)
    flat = {k: v for k, v in nested.items() if not isinstance(v, dict)}
    for part in ("style", "data", "loss"):
        flat.update(nested[part])
    names = "\n".join(path.relative_to(options.data.dataset).as_posix() for path in photos)
    kept = _plain({k: v for k, v in flat.items() if k not in WITHOUT_EFFECT})
    return {**kept, "files in the dataset": hashlib.sha256(names.encode()).hexdigest()}


def story(options: TrainOptions, state: TrainingState) -> dict[str, Any]:
    """What a checkpoint tells of its training: recipe, steps, minutes, last losses, versions."""
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
    """Dataclass values as plain types that a checkpoint may hold: paths as file names, tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
