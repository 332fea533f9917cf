"""Read checkpoint files, {format, model, styles, training, weights}, with NumPy alone: all that inference needs.

`checkpoint` makes networks of torch of them, for training and for the torch engine.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FastStyleError
from ..options import NetworkOptions
from ..options.checks import check_at_least, check_types
from . import int8_weights
from .array_files import load_arrays

FORMAT = 1
FORMAT_INT8 = 2
"""The format of files with kernels in 8 bits, which earlier versions do not read."""


@dataclass(frozen=True)
class Description:
    """Hold what a checkpoint says of its network."""

    model: NetworkOptions
    styles: list[dict[str, Any]]
    """Per style: name; where known title, artist, sha256 (of each picture); grain, where it is kept, and texture, the
    noise of the style (`images/noise_texture.py`)."""
    training: dict[str, Any]
    """Recipe, steps, final losses, library versions."""

    def describe(self) -> dict[str, Any]:
        """Return everything but the weights, as plain types."""
        model = asdict(self.model)
        if not model["predictor"]:  # which versions that had none would not know
            del model["predictor"]
        return {"model": model, "styles": self.styles, "training": self.training}


@dataclass(frozen=True)
class CheckpointFile(Description):
    """Hold the content of a checkpoint file."""

    weights: Mapping[str, NDArray[np.floating[Any]]]
    int8: bool = False
    """Whether the file keeps its kernels in 8 bits; `weights` are floats all the same."""


def misfit(model: NetworkOptions) -> FastStyleError:
    """Return the error of weights that are not those of the network."""
    cause = "damaged checkpoint?"
    if model.predictor:  # which once looked at paintings by other convolutions
        cause = "a damaged checkpoint, or one of an earlier version, to be trained anew with `any_style`?"
    return FastStyleError(f"the weights do not fit the network {model}: {cause}")


def no_predictor() -> FastStyleError:
    """Return the error of a network that is asked to look at a painting and has styles of its own alone."""
    return FastStyleError("this model paints its own styles, not any painting; use the model any")


def read(path: Path) -> CheckpointFile:
    """Read a checkpoint without running code. Raises FastStyleError for a file that is none or is damaged."""
    return checked(path, load_arrays(path))


def checked(path: Path, content: Any) -> CheckpointFile:
    """Return the checkpoint that `load_arrays` read from a file. Raises FastStyleError where it is none or damaged."""
    if not is_checkpoint(content):
        raise FastStyleError(
            f"{path}: not a fast_style checkpoint (`fast-style convert` reads those of pytorch/examples)"
        )
    if type(content["format"]) is not int or content["format"] not in (FORMAT, FORMAT_INT8):
        raise FastStyleError(
            f"{path}: checkpoint format {content['format']!r}; this version reads formats {FORMAT} and {FORMAT_INT8}"
        )
    model = _model(path, content["model"])
    weights, styles, training = content["weights"], content.get("styles", []), content.get("training", {})
    int8 = content["format"] == FORMAT_INT8
    if int8 and _are_arrays(weights):
        try:
            weights = int8_weights.dequantize(weights)
        except FastStyleError as error:
            raise FastStyleError(f"{path}: {error}") from error
    if not _are_arrays(weights) or any(value.dtype.kind != "f" for value in weights.values()):
        raise FastStyleError(f"{path}: the weights do not fit: no tensors by name: damaged checkpoint?")
    if not _are_styles(styles) or len(styles) > model.styles:
        raise FastStyleError(f"{path}: its styles are not one entry with a name for each: damaged checkpoint?")
    if not isinstance(training, dict) or not all(isinstance(key, str) for key in training):
        raise FastStyleError(f"{path}: its training metadata are not a table by name: damaged checkpoint?")
    try:
        json.dumps([styles, training])  # as exports keep them
    except (TypeError, ValueError) as error:
        raise FastStyleError(f"{path}: what it says of its training is not plain text: damaged checkpoint?") from error
    return CheckpointFile(model, styles, training, weights, int8)


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


def _are_arrays(weights: Any) -> bool:
    return isinstance(weights, dict) and all(
        isinstance(key, str) and isinstance(value, np.ndarray) for key, value in weights.items()
    )


def _are_styles(styles: Any) -> bool:
    return isinstance(styles, list) and all(
        isinstance(style, dict)
        and isinstance(style.get("name"), str)
        and all(isinstance(style.get(key, ""), str) for key in ("title", "artist", "texture"))
        for style in styles
    )
