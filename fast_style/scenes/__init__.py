"""Render pictures from noise and formulas: sample photographs of any size without a camera or a licence."""

from .landscape import landscape, noise
from .still_life import still_life

__all__ = ["landscape", "noise", "still_life"]
