"""Every option, its default and its help, as frozen dataclasses. Flags, recipes and checkpoints are views of them.

Imports neither torch nor numpy, so that `--help` is quick.
"""

from .controls import StylizeOptions
from .evaluation import EvaluationOptions
from .learning import WITHOUT_EFFECT, DataOptions, GatysOptions, LossOptions, StyleOptions, TrainOptions
from .running import NetworkOptions, RuntimeOptions
from .serving import ServerOptions

__all__ = [
    "WITHOUT_EFFECT",
    "DataOptions",
    "EvaluationOptions",
    "GatysOptions",
    "LossOptions",
    "NetworkOptions",
    "RuntimeOptions",
    "ServerOptions",
    "StyleOptions",
    "StylizeOptions",
    "TrainOptions",
]
