"""Measure how good a trained network is: perceptual distances, artifacts, stability in films.

`evaluate` judges photographs, `evaluate_stability` judges films. `fast-style evaluate` prints the reports of both.
"""

from .artifacts import ArtifactCheck
from .distances import DistanceMeter, Distances
from .lbfgs_baseline import VARIANTS
from .quality import evaluate
from .report import QualityReport
from .stability import StabilityReport, evaluate_stability

__all__ = [
    "VARIANTS",
    "ArtifactCheck",
    "DistanceMeter",
    "Distances",
    "QualityReport",
    "StabilityReport",
    "evaluate",
    "evaluate_stability",
]
