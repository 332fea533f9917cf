"""Options of evaluations: what a trained network is measured on."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import FastStyleError
from .checks import check_at_least, check_types


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of the evaluation of a trained network: distances, equivalent L-BFGS iterations, artifacts."""

    style: Path | None = None
    """The style picture that the network was trained for; only with --video it may be left out."""

    style_name: str = ""
    """The style of a model that has several, or a blend of them, to be judged; by default its first."""

    photos: Path | None = None
    """Folder of photographs that it was not trained on; not needed with --video."""

    video: tuple[Path, ...] = ()
    """Films on which temporal stability is measured, frame by frame and with --temporal flow."""

    versus: tuple[str, ...] = ()
    """Further models to paint the films of --video with: .pth files or names of shipped styles."""

    frames: int = 60
    """Frames of each film to measure."""

    vgg_weights: Path | None = None
    """VGG19 weights in torchvision's names; by default torchvision's download (548 MB, once)."""

    count: int = 16
    """Photographs to measure: the last of the folder, sorted by path. Of fewer, what happens to stand at their borders
    decides about the artifacts there."""

    size: int = 256
    """Short side in px of the photographs and films."""

    style_size: int = 512
    """Short side in px of the style picture."""

    larger: tuple[int, ...] = (512, 1024)
    """Further short sides in px, at which rendered landscapes are stylized and measured."""

    film: Path | None = None
    """Film of which two frames are measured at the sizes of --larger too."""

    reference_photos: int = 2
    """Photographs on which L-BFGS is run for comparison; minutes each on a CPU; 0 leaves it out."""

    iterations: tuple[int, ...] = (25, 50, 100, 200, 300)
    """Evaluations of the loss after which L-BFGS is compared."""

    trained: Path | None = None
    """Folder of photographs that it was trained on (some are used, spread evenly), for the gap to the others."""

    style_weight: float = 5.0
    """Weight of the style in the objective, beside content at 1."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "count", "size")
        if self.video and self.frames < 2:
            raise FastStyleError(f"`frames` is {self.frames}; it takes 2 or more")
        if not self.video and not (self.style and self.photos):
            raise FastStyleError("name `style` and `photos` to judge by pictures, or `video` to judge by films")
