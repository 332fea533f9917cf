"""The training loop: one network, one or several styles, exact resume."""

from .events import Event, Listener
from .trainer import TrainingDiverged, train

__all__ = ["Event", "Listener", "TrainingDiverged", "train"]
