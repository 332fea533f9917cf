"""Define the small transformer network, real time at 1280x720 on two processor cores."""

from torch import Tensor
from torch.nn import functional as F

from .johnson import TransformerNetwork
from .layers import ConvNorm, double
from .norms import Statistics
from .padding import PaddedConv
from .structure import HALF_SIZE_CHANNELS


class RealtimeNetwork(TransformerNetwork):
    """Run residual blocks between one strided convolution and two doublings; only those see the full size.

    The first convolution reads 8x8 pixels in steps of 4. The last doubling and the output convolution are exported as
    one step that makes 2x2 pixels: as cheap as sub-pixel convolution (Shi et al. 2016), without the dither that it
    leaves where each pixel of a block has weights of its own.
    """

    def _make_encoder(self, w: int, s: int) -> None:
        self.stem = ConvNorm(3, 4 * w, 8, s, stride=4, padding=0)

    def _make_decoder(self, w: int, s: int) -> None:
        self.up = ConvNorm(4 * w, HALF_SIZE_CHANNELS, 3, s)
        # Replicating doubled pixels equals replicating before doubling, which exports rely on.
        self.out = PaddedConv(HALF_SIZE_CHANNELS, 3, 5, padding=2, padding_mode="replicate")

    def encode(self, image: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map images (N, 3, H, W), sides SMALLEST_PX or more, to features (N, 4w, H/4, W/4), rounded up."""
        return F.relu(self.stem(F.pad(image, (2, 5, 2, 5), mode="replicate"), blend, statistics))

    def decode(self, x: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map features (N, 4w, H/4, W/4) to images (N, 3, H, W), up to 3 px larger than the encoded ones."""
        x = F.relu(self.up(double(x), blend, statistics))  # (N, 16, H/2, W/2)
        return self.to_rgb(self.out(double(x)))
