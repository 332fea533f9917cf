"""Describe a training as plain types: settings that a resumed run must share, and the metadata of the checkpoint."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import __version__
from ..models.bundled import find
from ..options import WITHOUT_EFFECT, TrainOptions
from ..system.file_digest import sha256
from .state import TrainingState


def resume_settings(
    options: TrainOptions, styles: Sequence[Mapping[str, Any]], photos: Sequence[Path]
) -> dict[str, Any]:
    """Return by flag what must be the same for a resumed run to be the same run.

    Inputs count by their content, wherever they lie: style pictures, teacher and VGG19 weights by SHA-256, photographs
    by the names below the dataset folder and the sizes of their files.
    """
    nested = asdict(options)
    flat = {key: value for key, value in nested.items() if not isinstance(value, dict)}
    for part in ("style", "data", "loss", "gan"):
        flat.update(nested[part])
    without = {*WITHOUT_EFFECT, "dataset", "from_scratch"}  # which `init` tells
    settings = {key: _plain(value) for key, value in flat.items() if key not in without}
    files = [f"{path.relative_to(options.data.dataset).as_posix()} {path.stat().st_size}" for path in photos]
    weights = options.loss.vgg_weights
    return {
        **settings,
        "steps": options.total_steps,
        "learning_rate": options.peak_learning_rate,
        "style": [[str(style["name"]), _plain(style.get("sha256", []))] for style in styles],
        "teacher": sha256(find(options.teacher)) if options.teacher else None,
        "vgg_weights": sha256(weights) if weights else None,
        "files in the dataset": hashlib.sha256("\n".join(files).encode("utf-8", "surrogateescape")).hexdigest(),
    }


def training_metadata(options: TrainOptions, state: TrainingState) -> dict[str, Any]:
    """Return the checkpoint's entry `training`: recipe, steps, recent losses, library versions.

    Flags without effect on the outcome are left out, and minutes where they were not the budget: equal trainings write
    equal bytes.
    """
    recent = state.recent
    recipe = {key: value for key, value in asdict(options).items() if key not in WITHOUT_EFFECT}
    reached = {"steps": options.total_steps, "learning_rate": options.peak_learning_rate}
    return {
        "recipe": _plain({**recipe, "init": options.init and Path(options.init), **reached}),
        "steps": state.step,
        "steps_in_all": state.before + state.step,
        **({} if options.minutes is None else {"minutes": state.elapsed_s / 60}),
        "losses": {name: sum(terms[name] for terms in recent) / len(recent) for name in (recent[0] if recent else ())},
        # Its own version is not asked of the installation: `train.py` of a clone runs without one.
        "versions": {"fast_style": __version__, **_libraries()},
    }


@cache
def _libraries() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "torchvision")}


def _plain(value: Any) -> Any:
    """Convert dataclass values to plain types that a checkpoint may hold: paths to file names, tuples to lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
