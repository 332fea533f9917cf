"""The training loop: one network, one or several styles, exact resume."""

from .events import Event, Listener
from .styles import find_styles
from .trainer import Trainer, TrainingDiverged, train

__all__ = ["Event", "Listener", "Trainer", "TrainingDiverged", "find_styles", "train"]
