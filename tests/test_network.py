import pytest
import torch

from fast_style.models.architectures import build
from fast_style.models.checkpoint import Checkpoint
from fast_style.models.johnson import TransformerNetwork
from fast_style.models.norms import ConditionalInstanceNorm, Statistics, StyleNorm, blend_rows, own_statistics
from fast_style.models.pruning import pruned
from fast_style.options import Arch, NetworkOptions
from fast_style.training.initialization import with_styles


def tiny_network(styles: int = 1) -> TransformerNetwork:
    torch.manual_seed(0)
    return TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=styles)).eval()


def test_it_is_johnsons_network() -> None:
    network = TransformerNetwork()
    count = sum(parameter.numel() for parameter in network.parameters())
    # 9x9 to 32; 3x3 to 64 and 128; five blocks of two 3x3; 3x3 to 64 and 32; 9x9 to 3; scale and shift per channel.
    convs = 3 * 32 * 81 + 9 * (32 * 64 + 64 * 128 + 10 * 128 * 128 + 128 * 64 + 64 * 32) + (32 * 3 * 81 + 3)
    norms = 2 * (32 + 64 + 128 + 10 * 128 + 64 + 32)
    assert count == convs + norms
    assert {m.padding_mode for m in network.modules() if isinstance(m, torch.nn.Conv2d)} == {"reflect"}


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (4, 4), (5, 5), (7, 13), (16, 16), (33, 30), (41, 63)])
def test_size_comes_out_as_it_went_in(size: tuple[int, int]) -> None:
    out = tiny_network()(torch.rand(2, 3, *size))
    assert out.shape == (2, 3, *size)
    assert out.isfinite().all()


def test_output_reaches_black_and_white() -> None:
    network = tiny_network()
    bias = network.out.get_parameter("bias")
    torch.nn.init.constant_(bias, 9.0)
    assert network(torch.rand(1, 3, 8, 8)).min() > 1
    torch.nn.init.constant_(bias, -9.0)
    assert network(torch.rand(1, 3, 8, 8)).max() < 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_norm_is_torchs_instance_norm(layout: torch.memory_format) -> None:
    norm = ConditionalInstanceNorm(6, styles=1)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = (torch.randn(3, 6, 5, 7) * 4 + 2).contiguous(memory_format=layout)
    expected = torch.nn.functional.instance_norm(x, weight=norm.weight[0], bias=norm.bias[0])
    torch.testing.assert_close(norm(x, torch.ones(3, 1, 1, 1)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_norm_statistics_are_float32(dtype: torch.dtype) -> None:
    # A sum of squares of 64 * 64 values of 300 does not fit float16, and bf16 cannot tell 300 from 301.
    x = (300 + torch.randn(1, 2, 64, 64)).to(dtype)
    out = ConditionalInstanceNorm(2, 1)(x, torch.ones(1, 1, 1, 1))
    expected = torch.nn.functional.instance_norm(x.float())
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), expected, atol=0.02, rtol=0.02)


def test_each_style_has_its_own_norm() -> None:
    network = tiny_network(styles=3)
    for name in network.style_parameters():
        torch.nn.init.normal_(network.get_parameter(name))
    image = torch.rand(1, 3, 16, 16)
    pure = [network(image, torch.eye(3)[i : i + 1]) for i in range(3)]
    assert not torch.allclose(pure[0], pure[1], atol=1e-3)
    torch.testing.assert_close(network(image), pure[0])  # without a blend the first style
    batch = network(image.repeat(3, 1, 1, 1), torch.eye(3))
    torch.testing.assert_close(batch, torch.cat(pure), atol=1e-5, rtol=1e-5)


def test_no_checkerboard_from_a_flat_picture() -> None:
    # Transposed convolutions would leave a pattern of period 2 or 4; here every pixel has the same neighbourhood.
    out = tiny_network()(torch.full((1, 3, 32, 32), 0.4))
    assert (out.amax((2, 3)) - out.amin((2, 3))).max() < 1e-5


class ShiftOnly(StyleNorm):
    """A norm layer of another kind, with other names of its parameters."""

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__(channels)
        self.offset = torch.nn.Parameter(torch.randn(styles, channels))

    def forward(self, x: torch.Tensor, blend: torch.Tensor, statistics: Statistics = own_statistics) -> torch.Tensor:
        mean, variance = statistics(x)
        return (x - mean) * torch.rsqrt(variance + 1e-5) + blend_rows(self.offset, blend)


def test_another_norm_layer_needs_no_other_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_style.models.layers.ConditionalInstanceNorm", ShiftOnly)
    torch.manual_seed(0)
    network = TransformerNetwork(NetworkOptions(width=4, blocks=1, styles=2))
    assert list(network.norms())[:2] == ["down1.norm", "down2.norm"]
    assert network.style_parameters()[:2] == ["down1.norm.offset", "down2.norm.offset"]
    rows = torch.cat([network.get_parameter(name) for name in network.style_parameters()], 1).detach().double()
    assert network.style_gram() == pytest.approx((rows @ rows.T).numpy())
    saved = Checkpoint(network.options, [{"name": "a"}, {"name": "b"}], {}, network.state_dict())
    more = with_styles(saved, ["b", "new"])
    first, mean = (network.get_parameter("down1.norm.offset")[1], network.get_parameter("down1.norm.offset").mean(0))
    torch.testing.assert_close(more.get_parameter("down1.norm.offset"), torch.stack([first, mean]))
    small = pruned(network, 0.5, torch.rand(2, 3, 24, 24))
    assert small.get_parameter("up1.norm.offset").shape == (2, 4)
    assert small(torch.rand(1, 3, 20, 20)).isfinite().all()


@pytest.mark.parametrize("arch", ["johnson", "lite"])
def test_norms_come_in_the_order_in_which_they_run(arch: Arch) -> None:
    network = build(NetworkOptions(width=4, blocks=2, arch=arch))
    ran: list[str] = []
    for name, norm in network.norms().items():
        norm.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
    network(torch.rand(1, 3, 24, 24))
    assert ran == list(network.norms())
