"""Every option, its default and its help, as frozen dataclasses, from which flags, recipes and checkpoints derive.

Imports neither torch nor numpy, so that `--help` is quick.
"""

from .benchmark import BenchmarkOptions
from .controls import QUALITY, StylizeOptions
from .evaluation import EvaluationOptions
from .exporting import ExportOptions
from .learning import WITHOUT_EFFECT, LossOptions, TrainOptions
from .material import DataOptions, StyleOptions
from .optimizing import GatysOptions
from .running import Arch, NetworkOptions, RuntimeOptions
from .serving import ServerOptions
from .video import VideoOptions

__all__ = [
    "QUALITY",
    "WITHOUT_EFFECT",
    "Arch",
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
