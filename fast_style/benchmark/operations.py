"""Measure which kinds of operations a network spends its time on, by the counters of OpenVINO."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import images
from ..engines import open_engine
from ..engines.openvino_engine import OpenVinoEngine
from ..errors import FastStyleError
from ..models.bundled import SAMPLE, find
from ..options import BenchmarkOptions, RuntimeOptions
from .cases import parse_size

# What OpenVINO calls the operations, by what they are for; the rest are sums, activations and mixtures of styles.
KINDS = {
    "Convolution": "convolutions",
    "MVN": "norms",
    "Pad": "padding",
    "DepthToSpace": "pixels in place",
    "Slice": "pixels in place",
    "StridedSlice": "pixels in place",
    "Reorder": "layout",
    "Transpose": "layout",
    "Convert": "conversion",
    "FakeQuantize": "conversion",
}
OTHERS = "sums and others"
WARM_UP_PASSES = 2


@dataclass(frozen=True)
class Part:
    """Hold one line of the profile's table."""

    model: str
    precision: str
    size: str
    operation: str
    ms: float
    """On one core; of each operation its quickest pass, which other work on the machine disturbed least."""
    share: float
    """Of the sum of all operations."""


def profile(models: Sequence[str], options: BenchmarkOptions, on_pass: Callable[[str], None]) -> list[Part]:
    """Return the parts of every model at every size: each kind of operation, the largest first.

    Frames are 8 bit where the engine has a graph for them. on_pass: called with the size after each model. Raises
    FastStyleError for models that do not exist, and without OpenVINO.
    """
    parts: list[Part] = []
    for text in options.sizes:
        picture = images.read(Path(options.photo or SAMPLE)).rgb.resize(parse_size(text))
        for model in models:
            for precision in options.precisions or ("auto",):
                runtime = RuntimeOptions("cpu", "openvino", precision)  # type: ignore[arg-type]  # checked there
                engine = open_engine(find(model), runtime)
                if not isinstance(engine, OpenVinoEngine):
                    raise FastStyleError("`profile` takes OpenVINO's counters")
                passes = engine.profile(np.asarray(picture), WARM_UP_PASSES + options.runs)[WARM_UP_PASSES:]
                parts += _parts(Path(model).stem, precision, text, passes)
                on_pass(text)
    return parts


def _parts(model: str, precision: str, size: str, passes: Sequence[Sequence[tuple[str, float]]]) -> list[Part]:
    sums = defaultdict[str, float](float)
    for same in zip(*passes, strict=True):
        sums[KINDS.get(same[0][0], OTHERS)] += min(seconds for _, seconds in same)
    total = sum(sums.values())
    ordered = sorted(sums.items(), key=lambda pair: -pair[1])
    return [Part(model, precision, size, kind, 1e3 * seconds, seconds / total) for kind, seconds in ordered]
