"""Define the transformer network whose encoder is a frozen VGG19."""

from torch import Tensor
from torch.nn import functional as F

from .johnson import TransformerNetwork
from .layers import ConvNorm
from .norms import Statistics
from .structure import LAST_VGG_LAYER, STRIDE
from .vgg import VGG19
from .vgg_layers import CHANNELS


class VggEncoderNetwork(TransformerNetwork):
    """Replace the down-sampling convolutions by a frozen VGG19 up to relu3_1; the rest is the default's.

    As in Huang & Belongie 2017 only what follows the encoder is trained. Its padding is reflection instead of VGG's
    zeros, which would leave a frame. A checkpoint of this network holds VGG's weights.
    """

    def _make_encoder(self, w: int, s: int) -> None:
        self.vgg = VGG19(LAST_VGG_LAYER, padding="reflect")
        self.adapt = ConvNorm(CHANNELS[2], 4 * w, 3, s)

    def encode(self, image: Tensor, blend: Tensor, statistics: Statistics) -> Tensor:
        """Map images (N, 3, H, W), sides SMALLEST_PX or more, to features (N, 4w, H/4, W/4), rounded up."""
        height, width = image.shape[-2:]
        more = [(side + STRIDE - 1) // STRIDE * STRIDE - side for side in (width, height)]
        features = self.vgg(F.pad(image, (0, more[0], 0, more[1]), mode="replicate"), [LAST_VGG_LAYER])[LAST_VGG_LAYER]
        return F.relu(self.adapt(features, blend, statistics))
