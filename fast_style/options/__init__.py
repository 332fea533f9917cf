"""Define every option, its default and its help, as frozen dataclasses: flags, recipes and checkpoints derive.

Imports neither torch nor numpy, so that `--help` is quick.
"""

from .benchmark import BenchmarkOptions
from .controls import QUALITY, StylizeOptions
from .data import DataOptions, StyleOptions
from .evaluation import EvaluationOptions
from .export import ExportOptions
from .gatys import GatysOptions
from .network import Arch, NetworkOptions, RuntimeOptions
from .server import ServerOptions
from .training import (
    PREDICTED_ROWS,
    RENAMED_FLAGS,
    WITHOUT_EFFECT,
    AdversarialOptions,
    LossOptions,
    TrainOptions,
)
from .video import AudioOptions, VideoOptions

__all__ = [
    "PREDICTED_ROWS",
    "QUALITY",
    "RENAMED_FLAGS",
    "WITHOUT_EFFECT",
    "AdversarialOptions",
    "Arch",
    "AudioOptions",
    "BenchmarkOptions",
    "DataOptions",
    "EvaluationOptions",
    "ExportOptions",
    "GatysOptions",
    "LossOptions",
    "NetworkOptions",
    "RuntimeOptions",
    "ServerOptions",
    "StyleOptions",
    "StylizeOptions",
    "TrainOptions",
    "VideoOptions",
]
