"""The training loop: one network, one or several styles, exact resume."""

from ..data.styles import find_styles
from .events import Event, Listener
from .trainer import Trainer, TrainingDiverged, train

__all__ = ["Event", "Listener", "Trainer", "TrainingDiverged", "find_styles", "train"]
