"""Train a network for one or several styles, with exact resume."""

from .callbacks import Callback, Event
from .trainer import Trainer, TrainingDiverged, train

__all__ = ["Callback", "Event", "Trainer", "TrainingDiverged", "train"]
