"""Define the options of training data: style pictures and photographs."""

from dataclasses import dataclass
from pathlib import Path

from .checks import check_at_least, check_types


@dataclass(frozen=True)
class StyleOptions:
    """The pictures to learn from."""

    style: tuple[Path, ...] = ()
    """Style picture; a folder is one style of several pictures; several paths train several styles in one model."""

    style_size: tuple[int, ...] = (512,)
    """Short side in px at which the style is seen; it sets the size of the strokes. Several: their mean is the aim."""

    style_crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Part of the style picture to use: left, top, right, bottom, each 0 to 1."""

    style_name: tuple[str, ...] = ()
    """Names of the styles in the checkpoint, one per style; by default the file names."""

    style_title: tuple[str, ...] = ()
    """Titles of the works, kept in the checkpoint."""

    style_artist: tuple[str, ...] = ()
    """Artists of the works, kept in the checkpoint."""

    keep_grain: bool = False
    """The pictures consist of dots (pointillism, stipple): say so in the checkpoint, so that what is painted keeps its
    grain."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "style_size")


@dataclass(frozen=True)
class DataOptions:
    """The photographs to train on."""

    dataset: Path
    """Folder of photographs, nested or flat. `fast-style download-coco` fetches one."""

    image_size: int = 128
    """Side of the random square crops in px, for most of the training."""

    finish_size: int = 256
    """Side of the crops in px at the end, when large shapes and whole-picture statistics are learned."""

    finish_share: float = 0.3
    """Share of the steps (or minutes) trained at --finish-size; 0 turns it off."""

    photo_size: tuple[int, int] = (256, 480)
    """Range of the short side in px to which a photograph is scaled at random before the crop."""

    batch_size: int = 4
    """Crops per step at --image-size, over all processes of torchrun; at --finish-size as many fewer as keeps the
    pixels about equal."""

    smooth_share: float = 0.125
    """Share of the crops that are blurred: on smooth surfaces networks otherwise repeat one mark."""

    noise_share: float = 0.5
    """Share of the crops that the network sees with the noise that pictures are painted with, so that it uses it; none
    where --temporal-weight is not 0: films are painted without."""

    hold_out: int = 0
    """Photographs (the last, sorted by path) that are never trained on, for evaluation."""

    workers: int | None = None
    """Processes that decode photographs; 0 decodes in the training process. By default 2, for a GPU one for each core,
    8 at most."""

    seed: int = 0
    """Seed of the initial weights and of the order, scale, crop and flip of the photographs."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "image_size", "finish_size", "photo_size", "batch_size")
        check_at_least(self, 0, "workers", "hold_out", "finish_share", "smooth_share", "noise_share")
