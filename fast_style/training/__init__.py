"""The training loop: one network, one or several styles, exact resume."""

from .events import Event, Listener
from .trainer import Trainer, TrainingDiverged, train

__all__ = ["Event", "Listener", "Trainer", "TrainingDiverged", "train"]
