"""Pictures rendered from noise and formulas: samples that are nobody's photographs, at any size."""

from .landscape import landscape, noise
from .still_life import still_life

__all__ = ["landscape", "noise", "still_life"]
