"""Define the options of `fast-style evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import FastStyleError
from .checks import check_at_least, check_types


@dataclass(frozen=True)
class EvaluationOptions:
    """Measure how good a trained network is: distances, artifacts, worth in L-BFGS iterations, stability in films."""

    style: Path | None = None
    """Style picture that the network was trained on; may be left out only with --video."""

    style_name: str = ""
    """Style, or blend of styles, of a model that has several; by default its first."""

    photos: Path | None = None
    """Folder of photographs that the network was not trained on; not needed with --video."""

    video: tuple[Path, ...] = ()
    """Films: measure their stability instead, stylized frame by frame and with --temporal flow."""

    versus: tuple[str, ...] = ()
    """Further models to compare on the films of --video: files, addresses or names of shipped styles."""

    frames: int = 60
    """Frames of each film to measure."""

    vgg_weights: Path | None = None
    """VGG19 weights in torchvision's names; by default torchvision's download (548 MB, once)."""

    vgg_precision: Literal["auto", "fp32", "bf16"] = "fp32"
    """Arithmetic of VGG19's convolutions over pictures. auto: bf16 where the hardware is faster in it."""

    count: int = 16
    """Number of photographs: the last ones of the folder, sorted by path. With fewer, the border measures depend on
    what happens to lie at the borders of single photographs."""

    size: int = 256
    """Short side in px of the photographs and films."""

    style_size: int = 512
    """Short side in px of the style picture."""

    larger: tuple[int, ...] = (512, 1024)
    """Further short sides in px, larger than in training, at which rendered landscapes are measured."""

    film: Path | None = None
    """Film of which two frames are measured at the sizes of --larger as well."""

    reference_photos: int = 2
    """Photographs on which L-BFGS is run for comparison, minutes each on a CPU; 0 leaves the comparison out."""

    iterations: tuple[int, ...] = (25, 50, 100, 200, 300)
    """Numbers of L-BFGS iterations (evaluations of the loss) after which it is measured."""

    trained: Path | None = None
    """Folder of photographs that the network was trained on, to measure the gap to unseen ones."""

    style_weight: float = 5.0
    """Weight of the style distance in the objective; content has weight 1."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "count", "size")
        if self.video and self.frames < 2:
            raise FastStyleError(f"`frames` is {self.frames}; it takes 2 or more")
        if not self.video and not (self.style and self.photos):
            raise FastStyleError("name `style` and `photos` to judge by pictures, or `video` to judge by films")
